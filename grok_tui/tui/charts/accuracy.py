"""Train and test accuracy."""

from rich.text import Text

from ...store.reader import RunReader
from .. import theme
from .lines import Panel, line, panel
from .plot import draw_panels
from .view import View


def panels(run: RunReader) -> list[Panel]:
    """The two accuracies, from 0 to 1."""
    train = line(run, "train/acc", "train", theme.TRAIN, "dashed")
    return [panel(train, line(run, "test/acc", "test", theme.TEST), limits=(0.0, 1.0))]


def draw(view: View, width: int, height: int) -> list[Text]:
    """One panel."""
    return draw_panels(view, panels, width, height)
