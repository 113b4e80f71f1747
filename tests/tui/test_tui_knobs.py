"""Knobs: a norm that is held or set once, and runs that have other knobs than weight decay and learning rate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grok_tui.config import presets
from grok_tui.config.check import check
from grok_tui.config.fields import NORM
from grok_tui.errors import UsageError
from grok_tui.store.reader import RunReader
from grok_tui.store.rundir import RunDir
from grok_tui.tui.app import GrokApp
from grok_tui.tui.charts.marks import marks_of, merged
from grok_tui.tui.details import config_text, preset_card, run_card
from grok_tui.tui.live import Live
from grok_tui.tui.live_text import brief
from grok_tui.tui.meters import meters
from grok_tui.tui.prompt import Prompt
from grok_tui.tui.remote import Doubt, RunControl
from grok_tui.tui.run_view import knobs_shown, settable
from grok_tui.tui.side import events_text
from grok_tui.verdict.series import knobs_of
from recorded import GROKKED, machine, record, steered, steps_up_to
from screens import requests, shows, text, until

Make = Callable[..., RunDir]
asyncio_test = pytest.mark.asyncio
WD, LR, HOLD = "optim.weight_decay", "optim.lr", "optim.hold_norm"


def rows(reader: RunReader, width: int) -> list[str]:
    """The meters, as if it still trained."""
    reader.info["status"] = "running"
    return meters(reader, width, True).plain.split("\n")


def press(word: str) -> list[str]:
    return ["space" if c == " " else c for c in word]


@pytest.fixture
def control(runs: Path) -> RunControl:
    return RunControl(RunReader(record(runs, events=GROKKED)))


@pytest.mark.parametrize(
    ("typed", "request_"),
    [
        ("hold_norm x1", (HOLD, "x1")), ("hold_norm 40", (HOLD, 40.0)), ("hold_norm = x0.85", (HOLD, "x0.85")),
        ("hold_norm 0", (HOLD, 0.0)), ("norm x0.7", (NORM, "x0.7")), ("norm 40", (NORM, 40.0)),
        ("norm=/2", (NORM, "/2")), ("norm × 1.5", (NORM, "x1.5")), ("wd 1e-3", (WD, 1e-3)), ("wd x2", (WD, "x2")),
        ("wd 0", (WD, 0.0)),
    ],
)  # fmt: skip
def test_what_is_typed_is_read(control: RunControl, typed: str, request_: tuple[str, Any]) -> None:
    assert control.read_change(typed) == request_


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("norm 0", "from 1e-12 to 1e12"), ("norm -3", "from 1e-12 to 1e12"), ("norm abc", "expected a number"),
        ("norm", "norm what?"), ("norm x0", "factor > 0"), ("hold_norm -1", "0, or a number from 1e-12"),
        ("hold 40", "did you mean hold_norm"), ("nrom 4", "did you mean norm"),
        ("momentum 0.5", "these can: wd, lr, hold_norm, alpha"),
        ("1e-3", "which knob\\? write wd 1e-3 or lr 1e-3"), ("x2", "which knob"), ("", "which knob"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(control: RunControl, typed: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        control.read_change(typed)


@pytest.mark.parametrize("typed", ["lr 1e6", "lr x1e6", "wd /1e5", "norm x1e-4", "norm 1e-3"])
def test_a_large_change_is_made_only_if_it_is_confirmed(control: RunControl, typed: str) -> None:
    with pytest.raises(Doubt, match="enter again"):
        control.read_change(typed)
    assert control.read_change(typed, True)[0]
    assert control.read_change("wd 1e-3") == (WD, 1e-3), "a factor of 1,000 is none"


def test_a_norm_that_is_held_cannot_be_rescaled(runs: Path) -> None:
    held = RunControl(RunReader(record(runs, events=[*GROKKED, steered(900, 0.0, 50.2, HOLD)])))
    with pytest.raises(UsageError, match=r"held at 50\.2"):
        held.read_change("norm x0.7")
    assert held.read_change("hold_norm x0.7") == (HOLD, "x0.7")


def test_the_config_shows_the_knobs_as_they_are_now(runs: Path) -> None:
    text = config_text(RunReader(record(runs, events=[*GROKKED, steered(900, 1.0, 5.62e-4)]))).plain
    assert "weight_decay      1 → 5.62e-4 now" in text
    assert text.count("→") == 1


def test_a_kernel_machine_has_neither_norm_nor_weight_decay(runs: Path) -> None:
    reader = RunReader(record(runs, "rfm", values=machine(steps_up_to(30)), last=30))
    assert settable(reader) == {"optim.ridge": 0.0}
    for typed in ("norm x0.7", "hold_norm x1", "wd 1"):
        with pytest.raises(UsageError, match="these can: ridge"):
            RunControl(reader).read_change(typed)
    for typed in ("1e-6", "ridge 1e-6"):  # the only knob needs no name
        assert RunControl(reader).read_change(typed) == ("optim.ridge", 1e-6)


def test_a_norm_set_once_is_no_knob(runs: Path) -> None:
    events = [*GROKKED, steered(900, 60.0, 42.0, NORM), steered(950, 0.0, 42.0, HOLD)]
    reader = RunReader(record(runs, events=events))
    assert NORM not in knobs_of(reader)
    assert list(knobs_shown(reader))[:3] == [WD, LR, HOLD]
    assert knobs_of(reader)[HOLD] == 42.0
    assert settable(reader)[NORM] == reader.last("norm/weight")


def test_marks_of_the_norm() -> None:
    told = [
        steered(1, 68.2, 47.7, NORM),
        steered(2, 0.0, 47.7, HOLD),
        steered(3, 47.7, 41.0, HOLD),
        steered(4, 41.0, 0.0, HOLD),
    ]
    marks = marks_of([{"type": kind, "step": step, **data} for kind, step, data in told])
    assert [mark.text for mark in marks] == ["norm ×0.70", "norm held 47.7", "hold_norm 48→41", "norm free"]
    twice = marks_of([{"type": k, "step": s, **d} for k, s, d in (steered(1, 68, 34, NORM), steered(2, 60, 30, NORM))])
    assert [mark.text for mark in merged(twice, int, 10)] == ["norm ×0.50", "norm ×0.50"]


def test_events_of_the_norm(runs: Path) -> None:
    reader = RunReader(record(runs, events=[steered(9, 68.2, 47.7, NORM), steered(12, 0.0, 47.7, HOLD)]))
    assert "12 norm held 47.7\n      9 norm ×0.70" in events_text(reader).plain


@pytest.mark.parametrize("width", [66, 78, 118, 158])
def test_a_norm_that_is_held_shows_among_the_knobs_and_only_then(runs: Path, width: int) -> None:
    free = rows(RunReader(record(runs, events=GROKKED)), width)
    assert "hold_norm" not in "".join(free)
    assert "pace 400/s" in free[2]
    held = rows(RunReader(record(runs, events=[*GROKKED, steered(900, 0.0, 48.2, HOLD)])), width)
    assert "wd 1" in held[1]
    assert "hold_norm 48.2" in held[2]
    assert "held" in held[1]
    assert ("pace 400/s" in held[2]) == (width > 90)
    assert "…" not in held[2]
    assert max(map(len, held)) <= width


@pytest.mark.parametrize("width", [66, 78, 118])
def test_the_meters_of_a_kernel_machine(runs: Path, width: int) -> None:
    events = [("phase", 0, {"phase": "memorized"}), ("phase", 16, {"phase": "grokked"})]
    heading, value, last = rows(
        RunReader(record(runs, "rfm", values=machine(steps_up_to(30)), last=30, events=events)), width
    )
    assert heading.split() == ["kernel", "distance", "norm", "of", "M", "phase", "knobs"]
    assert value.rstrip().endswith("ridge 0")
    assert "grokked 16" in value
    assert "delay 16" in last
    assert "wd" not in value


def test_a_kernel_that_is_never_measured_is_not_awaited(runs: Path) -> None:
    values = {name: v for name, v in machine(steps_up_to(30)).items()}
    columns = ["step", *(name for name in values if not name.startswith("kernel/"))]
    reader = RunReader(record(runs, values=values, last=30, columns=columns, sets=["measure.kernel_per_decade=0"]))
    assert rows(reader, 78)[1].startswith("not measured   ")
    reader = RunReader(record(runs, values=values, last=30, columns=columns))
    assert rows(reader, 78)[1].startswith("not measured yet")


def test_the_text_for_small_screens(runs: Path) -> None:
    held = brief(RunReader(record(runs, events=[steered(900, 0.0, 48.2, HOLD)]))).plain
    assert "wd 1  lr 8e-3  hold_norm 48.2" in held
    machine_ = brief(RunReader(record(runs, "rfm", values=machine(steps_up_to(30)), last=30))).plain
    assert "‖M‖" in machine_
    assert "ridge 0" in machine_


def test_a_schedule_may_hold_text(runs: Path) -> None:
    for name, says in (("delay-freeze", "optim.hold_norm = x1 once memorized"), ("delay-rescale", "norm = x0.7 once")):
        config = presets.load_preset(name)
        check(config)
        assert says in preset_card(name, config, [], 80).plain
    run = record(runs, "delay-freeze")
    assert "delay-freeze" in run_card(run, run.info()).plain


@asyncio_test
@pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 48)])
async def test_the_norm_is_held_and_set_from_the_prompt(live: Make, runs: Path, size: tuple[int, int]) -> None:
    run = live(events=GROKKED[:1])
    app = GrokApp(runs, run=run)
    async with app.run_test(size=size) as pilot:
        await pilot.press("=")
        title = "set a knob: wd 1e-3, lr x2, hold_norm x1, norm x0.7"
        await until(pilot, lambda: isinstance(app.screen, Prompt) and shows(app, title))
        assert shows(app, "now: wd 1  lr 8e-3  alpha 1  beta1 0.9  beta2 0.999  norm ")
        assert all(len(row) <= size[0] for row in text(app))
        await pilot.press(*press("norm"))
        await until(pilot, lambda: shows(app, "all weights rescaled once"))
        await pilot.press(*press(" x0.7"), "enter")
        await until(pilot, lambda: isinstance(app.screen, Live))
        await pilot.press("=", *press("hold_norm"))
        await until(pilot, lambda: shows(app, "held after every step: x1 as it is now"))
        await pilot.press(*press(" x1"), "enter")
        await until(pilot, lambda: isinstance(app.screen, Live))
        assert [r["set"] for r in requests(run)] == [{"norm": "x0.7"}, {HOLD: "x1"}]


@asyncio_test
@pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 48)])
async def test_a_run_without_weight_decay_shows_what_it_has(live: Make, runs: Path, size: tuple[int, int]) -> None:
    events = [("phase", 0, {"phase": "memorized"}), ("phase", 16, {"phase": "grokked"})]
    run = live("rfm", values=machine(steps_up_to(30)), last=30, speed=0.42, events=events)
    app = GrokApp(runs, run=run)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: shows(app, "Generalised at iteration 16") and shows(app, "neither theory"))
        for word in ("0.42 iterations/s", "norm of M", "ridge 0", "neither theory", "iterations"):
            assert shows(app, word), word
        assert not any("w/W" in row for row in text(app))
        await pilot.press("w")
        await until(pilot, lambda: shows(app, "wd cannot be changed in this run; = lists what can"))
        await pilot.press("=")
        await until(pilot, lambda: shows(app, "set a knob: ridge 1e-6"))
        await pilot.press(*press("1e-3"), "enter")
        await until(pilot, lambda: isinstance(app.screen, Live))
        assert [r["set"] for r in requests(run)] == [{"optim.ridge": 1e-3}]
