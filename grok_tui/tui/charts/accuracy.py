"""Train and test accuracy."""

from ...store.reader import RunReader
from .. import theme
from .lines import Panel, line, panel
from .plot import drawn


def panels(run: RunReader) -> list[Panel]:
    train = line(run, "train/acc", "train", theme.TRAIN, "dashed")
    return [panel(train, line(run, "test/acc", "test", theme.TEST), limits=(0.0, 1.0))]


draw = drawn(panels)
