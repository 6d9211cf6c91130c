"""A messy contact list becomes an Atoms audience that is safe to dial."""

__version__ = "0.1.0"
