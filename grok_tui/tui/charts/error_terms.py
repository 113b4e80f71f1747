"""The test loss of a committee machine and the three error terms whose sum it is."""

from rich.text import Text

from ...store.reader import RunReader
from .. import theme
from .lines import Panel, line, panel
from .plot import draw_panels
from .view import View


def panels(run: RunReader) -> list[Panel]:
    """The terms of arXiv 2310.06110, equation 6, and the test loss."""
    return [
        panel(
            line(run, "error/variance", "variance error", theme.TRAIN, "dashed", "var. error"),
            line(run, "error/linear", "linear error", theme.THIRD, "dotted", "lin. error"),
            line(run, "error/alignment", "alignment error", theme.STEER, short="align. error"),
            line(run, "test/loss", "test loss", theme.TEST),
        )
    ]


def draw(view: View, width: int, height: int) -> list[Text]:
    """One panel."""
    return draw_panels(view, panels, width, height)
