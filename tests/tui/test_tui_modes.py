"""Chart modes: which a run has, what they draw, and how they are named where there is little room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from grok_tui.store.reader import RunReader
from grok_tui.store.rundir import RunDir
from grok_tui.tui import theme
from grok_tui.tui.app import GrokApp
from grok_tui.tui.chart import Chart
from grok_tui.tui.charts import MODES, View, modes_of, norm_and_kernel
from grok_tui.tui.charts.axis import Axis, step_axis
from grok_tui.tui.charts.lines import Line, Panel
from grok_tui.tui.charts.loss import panels as loss
from grok_tui.tui.charts.plot import Frame, line_ends, picture
from grok_tui.tui.live import Live
from grok_tui.tui.live_text import mode_names, tabs
from recorded import GROKKED, delay_law, extras, lazy_to_rich, machine, record, steps_up_to
from screens import shows, text, until

asyncio_test = pytest.mark.asyncio
STEPS = steps_up_to(9000)
LAZY = lazy_to_rich(STEPS)
RICH = [("phase", 900, {"phase": "memorized"}), ("phase", 4600, {"phase": "grokked"})]
ALL = delay_law(STEPS, t_mem=500, t_grok=4600)


def reader(runs: Path, preset: str = "kumar-poly", *families: str, **keywords: object) -> RunReader:
    """A run with the measures of these families of columns."""
    values = keywords.pop("values", LAZY)
    more = {name: v for name, v in extras(values, STEPS).items() if name.startswith(families)} if families else {}
    return RunReader(record(runs, preset, values=values | more, last=9000, events=RICH, **keywords))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("families", "names"),
    [
        ((), ["loss", "norm & kernel"]),
        (("twin", "k0"), ["loss", "norm & kernel"]),
        (("error",), ["loss", "norm & kernel", "error terms"]),
        (("kernel/rank", "kernel/top", "fourier"), ["loss", "norm & kernel", "spectrum", "Fourier"]),
        (("angle", "bits"), ["loss", "norm & kernel", "angle", "bits"]),
    ],
)
def test_a_run_has_the_modes_that_it_has_columns_for(runs: Path, families: tuple[str, ...], names: list[str]) -> None:
    assert [mode.name for mode in modes_of(reader(runs, "kumar-poly", *families))] == names


def test_before_the_first_row_there_is_the_loss(live: Callable[..., RunDir]) -> None:
    run = live(status="starting", last=1)
    run.metrics_csv.unlink()
    assert [mode.name for mode in modes_of(RunReader(run))] == ["loss"]


def test_the_twin_and_kernel_regression_are_quiet_and_named(runs: Path) -> None:
    (panel,) = loss(reader(runs, "kumar-twin", "twin", "k0"))
    quiet = {line.label: line for line in panel.lines if line.is_quiet}
    assert list(quiet) == ["linearised train", "linearised test", "K₀ test"]
    assert [line.label for line in panel.lines[3:]] == ["train", "test"], "drawn last: over the quiet ones"
    assert not {line.colour for line in quiet.values()} & {theme.TRAIN, theme.TEST}
    assert (quiet["linearised train"].stroke, quiet["linearised test"].stroke, quiet["K₀ test"].stroke) == (
        "dashed", "solid", "dotted",
    )  # fmt: skip


def test_kernel_regression_measured_once_is_a_line_over_all_steps(runs: Path) -> None:
    once = np.full_like(STEPS, np.nan)
    once[0] = 0.41
    (panel,) = loss(RunReader(record(runs, "kumar-twin", values=LAZY | {"k0/test_loss": once}, last=9000)))
    (line,) = [line for line in panel.lines if line.label == "K₀ test"]
    assert len(line.steps) == len(STEPS)
    assert set(line.values) == {0.41}


@pytest.mark.parametrize("size", [(49, 12), (78, 15), (158, 40)])
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("log", [True, False])
def test_every_mode_fills_its_frame_and_names_its_lines(runs: Path, size: tuple[int, int], mode, log: bool) -> None:  # type: ignore[no-untyped-def]
    run = reader(runs, "modadd-fast", "twin", "k0", "error", "angle", "fourier", "bits", "kernel", values=ALL)
    frame = Frame(*size, step_axis(9000, log, 10_000, True), log, [])
    panels = mode.panels(run)
    rows = picture(panels, frame)
    assert len(rows) == size[1]
    assert max(row.cell_len for row in rows) <= size[0]
    plain = "\n".join(row.plain for row in rows)
    for panel in panels:
        for line in panel.lines:
            assert frame.name(line) in plain or (panel.is_optional and size[1] < 30)


def test_names_stand_past_the_end_of_every_line(runs: Path) -> None:
    """A line that is measured seldom ends early: its name may not cover what goes on beside it."""
    long = Line("long", np.arange(1.0, 101), np.full(100, 2.0), theme.TEST)
    short = Line("short", np.arange(1.0, 51), np.full(50, 2.0), theme.TRAIN)
    rows = [r.plain for r in picture([Panel([short, long])], Frame(60, 12, Axis(1, 100, False), False, []))]
    assert max(sum("⠀" < c <= "⣿" for c in row) for row in rows) == 46, "the long line is whole"
    ends = {row.index(name) for row in rows for name in ("long", "short") if name in row}
    assert len(ends) == 1


def test_train_and_test_have_the_first_choice_of_a_row() -> None:
    at = np.array([1.0, 2.0])
    quiet = [Line(f"q{i}", at, np.full(2, 0.5), theme.DIM, is_quiet=True) for i in range(3)]
    loud = Line("test", at, np.full(2, 0.5), theme.TEST)
    rows = line_ends([*quiet, loud], Axis(0, 1, False), 11)
    assert rows[5].label == "test"
    assert len(rows) == 4


def test_a_kernel_machine_has_no_weights(runs: Path) -> None:
    steps = steps_up_to(30)
    run = RunReader(record(runs, "rfm", values=machine(steps), last=30))
    assert next(line.label for panel in norm_and_kernel.panels(run) for line in panel.lines) == "norm of M"


def test_names_of_modes_shorten_and_are_cut_around_the_one_on_show() -> None:
    modes = list(MODES)
    assert mode_names(modes, modes[0], 100).plain.split("  ")[:-1] == [mode.name for mode in MODES]
    error = modes[3]
    assert mode_names(modes, error, 64).plain.split("  ")[:-1] == [
        "loss", "acc", "norm", "error terms", "spectrum", "Fourier", "angle", "bits",
    ]  # fmt: skip
    for width in range(20, 90):
        for mode in modes:
            shown = mode_names(modes, mode, width)
            assert shown.cell_len <= width
            assert mode.name in shown.plain
            names = [name for name in shown.plain.replace("…", "").split("  ") if name.strip()]
            assert ("…" in shown.plain) == (len(names) < len(MODES))
    assert mode_names(modes, error, 40).plain == "… acc  norm  error terms  spectrum  …"


@pytest.mark.parametrize("width", [47, 60, 78, 118, 158])
def test_the_tabs_fit_beside_the_axes(runs: Path, width: int) -> None:
    run = reader(runs, "modadd-fast", "error", "angle", "fourier", "kernel", values=ALL)
    for mode in modes_of(run):
        chart = SimpleNamespace(mode=mode, log_x=True, log_y=False)
        shown = tabs(chart, run, width).plain  # type: ignore[arg-type]
        assert len(shown) == width
        assert shown.endswith("  log x  lin y")
        assert f"{mode.name}  " in shown
        assert ("…" in shown) == (width < 70)
        assert ("╌╌ train  ── test" in shown) == (width > 115 and mode.name in ("loss", "accuracy", "bits"))


@asyncio_test
@pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 48)])
async def test_v_goes_round_the_modes_of_the_run(runs: Path, size: tuple[int, int]) -> None:
    run = reader(runs, "kumar-twin", "twin", "k0", "error", "angle", "kernel").run
    app = GrokApp(runs, run=run)
    async with app.run_test(size=size) as pilot:
        chart = app.screen.query_one(Chart)
        labels = {
            "loss": ["K₀ test", " lin", "test", "train"],
            "norm & kernel": ["norm", "alignment", "distance"],
            "error terms": ["var", "lin", "align", "test loss"],
            "spectrum": ["rank", "λ₁", "λ₂", "λ₃"],
            "angle": ["step 0", "t_mem"],
        }
        for name, named in labels.items():
            await until(pilot, lambda name=name: chart.mode.name == name and shows(app, f"{name}  "))
            await until(pilot, lambda named=named: all(any(word in row for row in chart.rows()) for word in named))
            tabs = next(row for row in text(app) if "log x" in row)
            assert "accuracy" not in tabs
            assert "bits" not in tabs
            assert len(tabs.rstrip()) < size[0]
            assert "…" not in tabs
            await pilot.press("v")
        await until(pilot, lambda: chart.mode.name == "loss")


def test_other_runs_are_drawn_behind_and_named(runs: Path) -> None:
    """A view holds the run that is watched, and runs compared with it."""
    watched, other = reader(runs), reader(runs, "modadd-fast", values=ALL)
    for mode in MODES[:1] + MODES[2:3]:
        rows = mode.draw(View([watched, other], mode, True, True), 120, 40)
        plain = "\n".join(row.plain for row in rows)
        assert len(rows) == 40
        assert max(row.cell_len for row in rows) <= 120
        alone = "\n".join(row.plain for row in mode.draw(View([watched], mode, True, True), 120, 40))
        assert "modadd-fast" in plain
        assert "modadd-fast" not in alone
        assert sum("⠀" < c <= "⣿" for c in plain) > sum("⠀" < c <= "⣿" for c in alone)


def test_runs_are_told_apart_by_name_or_seed_or_id(runs: Path) -> None:
    one, two = reader(runs), reader(runs, sets=["train.seed=3"])
    three = reader(runs)
    view = View([one, two], MODES[0])
    assert view.labels == ["s0", "s3"]
    assert View([one, reader(runs, "modadd-fast", values=ALL)], MODES[0]).labels == ["kumar-poly", "modadd-fast"]
    assert View([one, three], MODES[0]).labels == [one.run.id[-4:], three.run.id[-4:]]


def test_a_branch_shows_its_parent_behind_it(runs: Path) -> None:
    parent = reader(runs)
    branch = record(runs, "kumar-poly", values=LAZY, last=9000, parent={"run": parent.run.id, "step": 900})
    assert [run.run.id for run in Live(branch, runs).behind] == [parent.run.id]
    gone = record(runs, "kumar-poly", values=LAZY, last=9000, parent={"run": "../../etc", "step": 900})
    assert Live(gone, runs).behind == []


@asyncio_test
async def test_a_large_screen_shows_more_charts(runs: Path) -> None:
    app = GrokApp(runs, run=reader(runs, "kumar-poly", "error").run)
    async with app.run_test(size=(160, 48)) as pilot:
        chart = app.screen.query_one(Chart)
        for first, others in (("loss", ("norm & kernel", "error terms")), ("norm & kernel", ("loss", "error terms"))):
            await until(pilot, lambda others=others: all(any(name in row for row in chart.rows()) for name in others))
            assert chart.mode.name == first
            assert len(chart.rows()) == chart.size.height
            assert max(map(len, chart.rows())) <= chart.size.width
            await pilot.press("v")


@asyncio_test
async def test_a_column_without_numbers_says_so(runs: Path) -> None:
    nothing = {"angle/init": np.full_like(STEPS, np.nan)}
    app = GrokApp(runs, run=record(runs, "kumar-poly", values=LAZY | nothing, last=9000, events=GROKKED))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("v", "v")
        await until(pilot, lambda: shows(app, "nothing measured yet"))
