"""The test loss of a committee machine and the three error terms whose sum it is."""

from ...store.reader import RunReader
from .. import theme
from .lines import Panel, line, panel
from .plot import drawn


def panels(run: RunReader) -> list[Panel]:
    return [
        panel(
            line(run, "error/variance", "variance error", theme.TRAIN, "dashed", "var. error"),
            line(run, "error/linear", "linear error", theme.THIRD, "dotted", "lin. error"),
            line(run, "error/alignment", "alignment error", theme.STEER, short="align. error"),
            line(run, "test/loss", "test loss", theme.TEST),
        )
    ]


draw = drawn(panels)
