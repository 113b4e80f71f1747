"""The angle of the weights with the weights of step 0, and with those of t_mem, in degrees."""

from ...store.reader import RunReader
from .. import theme
from .lines import Panel, line, panel
from .plot import drawn


def panels(run: RunReader) -> list[Panel]:
    start = line(run, "angle/init", "° from step 0", theme.TRAIN, "dashed", "° step 0")
    return [panel(start, line(run, "angle/mem", "° from t_mem", theme.STEER, short="° t_mem"))]


draw = drawn(panels)
