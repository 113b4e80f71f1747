"""Every claim that `grok-tui verify` knows, in the order of its table. A new one is a record in its source's module."""

from __future__ import annotations

from .claim import Claim

CLAIMS: tuple[Claim, ...] = ()


def of_preset(name: str) -> list[Claim]:
    """The claims that a preset serves, in the order of the table."""
    return [claim for claim in CLAIMS if name in claim.presets]
