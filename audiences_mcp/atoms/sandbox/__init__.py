"""A faithful, small Atoms: the published audience API on SQLite, for tests, the demo and trying things out.

Any `Bearer sk_…` is an organisation of its own. Envelopes, status codes and messages are the published ones, and
so are the weaknesses, because users of the real Atoms need protection from them: numbers are compared as text, one
duplicate refuses a whole file, `limit` is ignored, removing the last member removes the audience, an empty id
reaches the list. Where no message is published, the answer is 400 "Invalid input: …".

Only here, not in Atoms:

- `POST /dnc {phoneNumber, agentId?, source?}` puts a number on the do-not-call list.
- `POST /campaign` takes a `status`, so that a running campaign can be had without a call being made.
- Agents are not stored: any well-formed id is an agent.

Public are `build_app`, `serve` and `run`; all else in this package is its own affair.
"""

from audiences_mcp.atoms.sandbox.app import build_app
from audiences_mcp.atoms.sandbox.serving import run, serve

__all__ = ["build_app", "run", "serve"]
