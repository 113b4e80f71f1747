"""The share of the first layer's weight on the bits of the parity, beside both accuracies."""

from ...store.reader import RunReader
from .. import theme
from . import accuracy
from .lines import Panel, line, panel
from .plot import drawn


def panels(run: RunReader) -> list[Panel]:
    share = line(run, "bits/share", "share on the bits", theme.STEER, short="share")
    return [panel(*accuracy.panels(run)[0].lines, share, limits=(0.0, 1.0))]


draw = drawn(panels)
