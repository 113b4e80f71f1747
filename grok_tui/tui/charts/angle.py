"""The angle of the weights with the weights of step 0, and with those of t_mem, in degrees."""

from rich.text import Text

from ...store.reader import RunReader
from .. import theme
from .lines import Panel, line, panel
from .plot import draw_panels
from .view import View


def panels(run: RunReader) -> list[Panel]:
    """Both angles."""
    start = line(run, "angle/init", "° from step 0", theme.TRAIN, "dashed", "° step 0")
    return [panel(start, line(run, "angle/mem", "° from t_mem", theme.STEER, short="° t_mem"))]


def draw(view: View, width: int, height: int) -> list[Text]:
    """One panel."""
    return draw_panels(view, panels, width, height)
