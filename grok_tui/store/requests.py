"""Requests to a running engine. Keys and the command line append them; the engine reads and answers them."""

from __future__ import annotations

import secrets
from typing import Any

from .jsonl import append_line
from .rundir import RunDir, now


def send(run: RunDir, op: str, **what: Any) -> str:
    """Ask the engine for something; return the request's id. The event that answers it carries the same id."""
    request = {"id": secrets.token_hex(4), "time": now(), "op": op, **what}
    append_line(run.commands_jsonl, request)
    return str(request["id"])
