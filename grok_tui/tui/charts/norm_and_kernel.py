"""The weight norm above; below it how far the kernel is from the first one, and how well it fits the labels."""

from rich.text import Text

from ...store.reader import RunReader
from ...verdict.series import is_kernel_machine
from .. import theme
from .lines import Panel, line, panel
from .plot import draw_panels
from .view import View


def panels(run: RunReader) -> list[Panel]:
    """Weight norm, kernel distance and alignment; if there is room, kernel drift and kernel velocity."""
    norm, short = ("norm of M", "‖M‖") if is_kernel_machine(run.config) else ("weight norm", "norm")
    alignment = line(run, "kernel/alignment", "kernel alignment", theme.STEER, "dashed", "alignment")
    return [
        panel(line(run, "norm/weight", norm, theme.THIRD, short=short)),
        panel(alignment, line(run, "kernel/distance", "kernel distance", theme.TRAIN, short="distance")),
        panel(line(run, "kernel/drift", "kernel drift", theme.DIM, short="drift"), is_optional=True),
        panel(line(run, "kernel/velocity", "kernel velocity", theme.DIM, short="velocity"), is_optional=True),
    ]


def draw(view: View, width: int, height: int) -> list[Text]:
    """Two panels, or four."""
    return draw_panels(view, panels, width, height)
