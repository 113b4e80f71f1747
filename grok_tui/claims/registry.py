"""Every claim that `grok-tui verify` knows, in the order of its table. A new one is a record in its source's module."""

from __future__ import annotations

from . import across, delay_law, feature_learning, lazy_to_rich, twins, without_decay
from .claim import Claim

CLAIMS: tuple[Claim, ...] = (
    *lazy_to_rich.CLAIMS,
    *twins.CLAIMS,
    *delay_law.CLAIMS,
    *without_decay.CLAIMS,
    *feature_learning.CLAIMS,
    *across.CLAIMS,
)


def of_preset(name: str) -> list[Claim]:
    """The claims that a preset serves, in the order of the table."""
    return [claim for claim in CLAIMS if name in claim.presets]
