"""On how few frequencies the embedding lies."""

from ...store.reader import RunReader
from .. import theme
from .lines import Panel, line, panel
from .plot import drawn


def panels(run: RunReader) -> list[Panel]:
    energy = line(run, "fourier/energy", "top-5 share", theme.THIRD, "dashed")
    return [panel(energy, line(run, "fourier/gini", "Gini", theme.STEER), limits=(0.0, 1.0))]


draw = drawn(panels)
