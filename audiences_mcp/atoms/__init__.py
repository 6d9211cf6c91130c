"""Atoms: the client of its audience API, and an embedded sandbox of it."""
