"""Every claim that `grok-tui verify` knows. A new one is a record in its source's module."""

from . import across_2606_13753, delay_2603_13331, fast_and_slow_2025, kumar_2310_06110
from .claim import Claim

CLAIMS = tuple(
    item
    for module in (kumar_2310_06110, delay_2603_13331, across_2606_13753, fast_and_slow_2025)
    for item in vars(module).values()
    if isinstance(item, Claim)
)
"""In the order in which they are written there."""


def of_preset(name: str) -> list[Claim]:
    """The claims that a preset serves, in the order of the table."""
    return [claim for claim in CLAIMS if name in claim.presets]
