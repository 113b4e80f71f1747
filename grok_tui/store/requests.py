"""Requests to a running engine. Keys and the command line append them; the engine reads and answers them."""

import secrets
from typing import Any

from ..errors import UsageError
from .info import now
from .jsonl import append_line
from .rundir import RunDir


def send(run: RunDir, op: str, **what: Any) -> str:
    """Ask the engine for something; return the request's id. The event that answers it carries the same id."""
    if whole := run.whole():
        raise UsageError(f"{run.id} is one seed of {whole.id}, and all seeds are steered together; name {whole.id}")
    request = {"id": secrets.token_hex(4), "time": now(), "op": op, **what}
    append_line(run.commands_jsonl, request)
    return str(request["id"])
