"""The colours, all of them from the 256-colour cube, so that a plain ssh terminal shows the same screen."""

from textual.theme import Theme

BACKGROUND = "#121212"
SURFACE = "#1c1c1c"
RAISED = "#303030"
TEXT = "#d0d0d0"
BRIGHT = "#ffffff"
DIM = "#8a8a8a"
QUIETER = "#767676"
FAINT = "#585858"

TRAIN = "#5fafd7"
TEST = "#ffaf5f"
THIRD = "#87d7af"
STEER = "#af87d7"
QUIET_TRAIN = "#5f87af"
QUIET_TEST = "#af875f"

DARKER = {TRAIN: QUIET_TRAIN, TEST: QUIET_TEST, THIRD: "#5f875f", STEER: "#875faf"}
"""Curves of a run that is drawn behind another."""

TRAIN_BARS = "#5f87af"
THIRD_BARS = "#5f8787"

BANDS = {TRAIN: "#005f87", TEST: "#875f00", THIRD: "#005f5f"}
"""The shade of many seeds around the line of their median."""

GOOD = "#87d787"
MEMORISED = "#87afd7"
WARN = "#ffd75f"
BAD = "#ff5f5f"

VARIABLES = {
    "quiet-dim": DIM,
    "quiet-faint": FAINT,
    "quiet-bright": BRIGHT,
    "scrollbar": RAISED,
    "scrollbar-hover": DIM,
    "scrollbar-active": DIM,
    "scrollbar-background": BACKGROUND,
    "scrollbar-background-hover": BACKGROUND,
    "scrollbar-background-active": BACKGROUND,
}

QUIET = Theme(
    name="quiet",
    dark=True,
    primary=TRAIN,
    secondary=STEER,
    accent=TEST,
    warning=WARN,
    error=BAD,
    success=GOOD,
    foreground=TEXT,
    background=BACKGROUND,
    surface=SURFACE,
    panel=RAISED,
    variables=VARIABLES,
)
