"""Train and test loss; behind them those of the linearised network and of kernel regression with the first kernel."""

from dataclasses import replace

from ...store.reader import RunReader
from .. import theme
from .lines import Panel, level, line, panel
from .plot import drawn


def panels(run: RunReader) -> list[Panel]:
    behind = (
        line(run, "twin/train_loss", "linearised train", theme.QUIET_TRAIN, "dashed", "lin. train"),
        line(run, "twin/test_loss", "linearised test", theme.QUIET_TEST, short="lin. test"),
        level(run, "k0/test_loss", "K₀ test", theme.DIM),
    )
    train = line(run, "train/loss", "train", theme.TRAIN, "dashed")
    return [panel(*(replace(one, is_quiet=True) for one in behind), train, line(run, "test/loss", "test", theme.TEST))]


draw = drawn(panels)
