"""The effective rank of the kernel above, its three largest eigenvalues below."""

from rich.text import Text

from ...store.reader import RunReader
from .. import theme
from .lines import Panel, line, panel
from .plot import draw_panels
from .view import View


def panels(run: RunReader) -> list[Panel]:
    """Rank, and the eigenvalues λ₁ > λ₂ > λ₃."""
    return [
        panel(line(run, "kernel/rank", "effective rank", theme.THIRD, short="rank")),
        panel(
            line(run, "kernel/top3", "λ₃", theme.DIM, "dotted"),
            line(run, "kernel/top2", "λ₂", theme.QUIET_TRAIN, "dashed"),
            line(run, "kernel/top1", "λ₁", theme.TRAIN),
        ),
    ]


def draw(view: View, width: int, height: int) -> list[Text]:
    """Two panels."""
    return draw_panels(view, panels, width, height)
