"""On how few frequencies the embedding lies."""

from rich.text import Text

from ...store.reader import RunReader
from .. import theme
from .lines import Panel, line, panel
from .plot import draw_panels
from .view import View


def panels(run: RunReader) -> list[Panel]:
    """The Gini coefficient of the power over frequencies, and the share of the five strongest frequencies."""
    energy = line(run, "fourier/energy", "top-5 share", theme.THIRD, "dashed")
    return [panel(energy, line(run, "fourier/gini", "Gini", theme.STEER), limits=(0.0, 1.0))]


def draw(view: View, width: int, height: int) -> list[Text]:
    """One panel."""
    return draw_panels(view, panels, width, height)
