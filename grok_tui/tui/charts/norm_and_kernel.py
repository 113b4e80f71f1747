"""The weight norm above; below it how far the kernel is from the first one, and how well it fits the labels."""

from ...store.reader import RunReader
from ...verdict.series import is_kernel_machine
from .. import theme
from .lines import Panel, line, panel
from .plot import drawn


def panels(run: RunReader) -> list[Panel]:
    norm, short = ("norm of M", "‖M‖") if is_kernel_machine(run.config) else ("weight norm", "norm")
    alignment = line(run, "kernel/alignment", "kernel alignment", theme.STEER, "dashed", "alignment")
    return [
        panel(line(run, "norm/weight", norm, theme.THIRD, short=short)),
        panel(alignment, line(run, "kernel/distance", "kernel distance", theme.TRAIN, short="distance")),
        panel(line(run, "kernel/drift", "kernel drift", theme.DIM, short="drift"), is_optional=True),
        panel(line(run, "kernel/velocity", "kernel velocity", theme.DIM, short="velocity"), is_optional=True),
    ]


draw = drawn(panels)
