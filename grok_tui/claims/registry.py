"""Every claim that `grok-tui verify` knows. A new one is a record in its source's module."""

from __future__ import annotations

from . import across, delay_law, feature_learning, lazy_to_rich, twins, without_decay
from .claim import Claim

CLAIMS = tuple(
    item
    for module in (lazy_to_rich, twins, delay_law, across, without_decay, feature_learning)
    for item in vars(module).values()
    if isinstance(item, Claim)
)
"""In the order in which they are written there."""


def of_preset(name: str) -> list[Claim]:
    """The claims that a preset serves, in the order of the table."""
    return [claim for claim in CLAIMS if name in claim.presets]
