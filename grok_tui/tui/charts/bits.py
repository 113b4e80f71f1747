"""The share of the first layer's weight on the bits of the parity, beside both accuracies."""

from rich.text import Text

from ...store.reader import RunReader
from .. import theme
from . import accuracy
from .lines import Panel, line, panel
from .plot import draw_panels
from .view import View


def panels(run: RunReader) -> list[Panel]:
    """The share and the accuracies, from 0 to 1."""
    share = line(run, "bits/share", "share on the bits", theme.STEER, short="share")
    return [panel(*accuracy.panels(run)[0].lines, share, limits=(0.0, 1.0))]


def draw(view: View, width: int, height: int) -> list[Text]:
    """One panel."""
    return draw_panels(view, panels, width, height)
