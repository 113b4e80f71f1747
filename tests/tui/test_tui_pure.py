"""Numbers, axes, decimation, marks and meters: what can be tested without a screen."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_tui import numbers
from grok_tui.store.reader import RunReader
from grok_tui.tui import meters
from grok_tui.tui.charts import MODES
from grok_tui.tui.charts.axis import Axis, decimate, linear_ticks, log_ticks, step_axis, trace, value_axis
from grok_tui.tui.charts.lines import Line, Panel
from grok_tui.tui.charts.marks import Mark, labels, marks_of, merged
from grok_tui.tui.charts.plot import Frame, picture
from grok_tui.tui.help import keys_text, meanings_text
from grok_tui.tui.keys import BY_ID, KEYS, footer, here, read_keymap
from grok_tui.tui.live_text import words
from grok_tui.tui.run_view import status_of, takes_every_core
from grok_tui.verdict.series import Time
from recorded import GROKKED, delay_law, presses, record, steered, steps_up_to


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"), (0.0, "0"), (0.562, "0.562"), (5.62e-4, "5.62e-4"), (1e-3, "1e-3"), (8e-3, "8e-3"),
        (68.23, "68.2"), (999.6, "1000"), (1000.0, "1000"), (12345.0, "12345"), (4.1e7, "4.1e7"), (0.00999999, "0.01"),
        (nan, "nan"), (inf, "inf"), (-inf, "-inf"), (None, "–"), (-0.25, "-0.25"),
    ],
)  # fmt: skip
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert numbers.short(value) == text


@given(st.floats(-1e300, 1e300))
def test_short_numbers_read_back(value: float) -> None:
    assert float(numbers.short(value)) == pytest.approx(value, rel=6e-3, abs=1e-300)


@pytest.mark.parametrize(("n", "text"), [(40, "40"), (999, "999"), (1000, "1k"), (3400, "3.4k"), (20000, "20k")])
def test_counts_are_compact(n: int, text: str) -> None:
    assert numbers.compact(n) == text


def test_decade_ticks() -> None:
    assert [t for _, t in log_ticks(1, 20_000, 8)] == ["1", "10", "100", "1k", "10k"]
    assert [t for _, t in log_ticks(1e-5, 30, 8)] == ["1e-5", "1e-4", "1e-3", "0.01", "0.1", "1", "10"]
    assert [t for _, t in log_ticks(1e-9, 1, 4)] == ["1e-9", "1e-6", "1e-3", "1"]
    assert [t for _, t in log_ticks(20, 70, 6)] == ["20", "30", "50", "70"]
    assert [t for _, t in log_ticks(17, 101, 4)] == ["20", "50", "100"], "two decades alone are no scale"


@given(st.floats(1e-12, 1e12), st.floats(1.01, 1e9), st.integers(2, 30))
def test_ticks_lie_on_the_axis_and_are_few(low: float, ratio: float, room: int) -> None:
    for log in (True, False):
        axis = Axis(low, low * ratio, log)
        ticks = axis.ticks(room)
        assert len(ticks) <= room + 3
        places = axis.place(np.array([value for value, _ in ticks]))
        assert ((places > -1e-6) & (places < 1 + 1e-6)).all()


def test_the_step_axis_moves_in_strides() -> None:
    ends = [step_axis(last, True, 10_000, True).high for last in range(400, 500)]
    assert len(set(ends)) <= 2
    assert step_axis(9_999, True, 10_000, True).high == 10_000
    assert step_axis(3_400, True, 10_000, False).high == 3_400
    assert step_axis(3_400, False, 10_000, True) == Axis(0.0, 4_000, False)


def test_a_log_axis_survives_zero_and_negative_values() -> None:
    axis = value_axis(np.array([0.0, -1.0, 1e-4, 3.0]), True)
    assert axis.log
    assert axis.place(np.array([0.0, -1.0])).tolist() == [0.0, 0.0]
    assert not value_axis(np.array([0.0, 0.0]), True).log
    assert value_axis(np.array([5.0]), False).high > value_axis(np.array([5.0]), False).low


@given(st.lists(st.tuples(st.floats(0, 99), st.floats(-10, 10)), min_size=1, max_size=300))
def test_decimation_keeps_every_extreme(points: list[tuple[float, float]]) -> None:
    columns = np.sort(np.array([x for x, _ in points]))
    values = np.array([y for _, y in points])
    kept = decimate(columns, values)
    assert (np.diff(kept) > 0).all()
    for column in np.unique(np.floor(columns)):
        inside = np.floor(columns) == column
        chosen = kept[inside[kept]]
        assert 1 <= len(chosen) <= 2
        assert values[chosen].min() == values[inside].min()
        assert values[chosen].max() == values[inside].max()


def test_a_line_has_no_gaps() -> None:
    x, y = trace(np.array([0.0, 10.0, 11.0]), np.array([0.0, 3.0, 40.0]))
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 11, 40)
    assert max(abs(np.diff(x)).max(), abs(np.diff(y)).max()) == 1


def events(told: list[tuple]) -> list[dict]:
    return [{"type": kind, "step": step, **(data[0] if data else {})} for kind, step, *data in told]


def test_presses_close_together_share_a_label() -> None:
    marks = marks_of(events([*GROKKED, *presses(100, 13), steered(300, 5.62e-4, 1.0)]))
    assert len(marks) == 16
    together = merged(marks, lambda step: round(20 * np.log10(step)), 10)
    assert [mark.text for mark in together] == ["memorised", "wd 1→5.6e-4 (13)", "wd 5.6e-4→1", "grokked"]


def test_down_and_back_up_are_two_labels() -> None:
    marks = marks_of(events([steered(100, 1.0, 0.0), steered(101, 0.0, 1.0), steered(102, 1e-3, 1e-2, "optim.lr")]))
    assert [m.text for m in merged(marks, lambda step: 5, 10)] == ["wd 1→0", "wd 0→1", "lr 1e-3→0.01"]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=30), st.integers(20, 61))
def test_labels_never_overlap_nor_leave_the_chart(marks: list[tuple[int, int]], width: int) -> None:
    made = [Mark(step, "x" * size, "", rank=size % 3) for step, size in marks if step < width]
    placed = labels(made, int, width, 2)
    for label in placed:
        assert label.column >= 0
        assert label.column + len(label.text) <= width
        for other in placed:
            if other is not label and other.row == label.row:
                assert abs(other.column - label.column) > 0
                left, right = sorted((label, other), key=lambda one: one.column)
                assert left.column + len(left.text) < right.column


def test_phases_keep_their_label_where_room_is_short() -> None:
    crowd = [Mark(step, "wd 1→0.56", "") for step in range(10, 30)] + [Mark(20, "grokked", "", rank=0)]
    assert "grokked" in [label.text for label in labels(crowd, int, 40, 2)]


@pytest.mark.parametrize("size", [(60, 9), (78, 15), (118, 30), (198, 50)])
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("log", [True, False])
def test_pictures_fill_their_frame(runs: Path, size: tuple[int, int], mode, log: bool) -> None:
    reader = RunReader(record(runs, events=[*GROKKED, *presses(100, 13)]))
    frame = Frame(*size, step_axis(3400, log, 10_000, True), log, marks_of(reader.events))
    rows = picture(mode.panels(reader), frame)
    assert len(rows) == size[1]
    assert max(row.cell_len for row in rows) <= size[0]
    plain = "\n".join(row.plain for row in rows)
    assert "memorised" in plain
    assert "grokked" in plain
    for panel in mode.panels(reader):
        for line in panel.lines:
            assert frame.name(line) in plain or panel.is_optional


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("bad", [nan, inf, -inf, 0.0, -3.0])
def test_pictures_survive_what_a_diverged_run_holds(runs: Path, log: bool, bad: float) -> None:
    values = delay_law(steps_up_to(3400))
    values["train/loss"][-40:] = bad
    values["test/loss"][:] = bad
    reader = RunReader(record(runs, values=values))
    rows = picture(MODES[0].panels(reader), Frame(78, 15, step_axis(3400, log, 10_000, True), log, []))
    assert len(rows) == 15


def test_the_end_of_each_line_is_named_after_its_last_point(runs: Path) -> None:
    reader = RunReader(record(runs))
    rows = [row.plain for row in picture(MODES[0].panels(reader), Frame(78, 15, Axis(1, 1e4, True), True, []))]
    test, train = (next(i for i, row in enumerate(rows) if row.rstrip().endswith(name)) for name in ("test", "train"))
    assert test < train
    assert "⠀" not in rows[test]
    assert rows[-1].split() == ["1", "10", "100", "1k", "10k", "steps"]


FLOATS = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)


@given(st.lists(FLOATS, min_size=1, max_size=40), st.booleans(), st.sampled_from([None, (0.0, 1.0)]))
def test_any_numbers_are_drawn_or_clipped(values: list[float], log: bool, limits: tuple[float, float] | None) -> None:
    """Ratios beyond the largest float, denormals, inf and nan included."""
    steps = np.arange(1.0, len(values) + 1)
    finite = np.isfinite(values)
    line = Line("test", steps[finite], np.array(values)[finite], "#ffaf5f")
    rows = picture([Panel([line], limits)], Frame(60, 12, step_axis(len(values), True, 100, True), log, []))
    assert len(rows) == 12
    assert max(row.cell_len for row in rows) <= 60
    assert not finite.any() or any("⠀" < c <= "⣿" for row in rows for c in row.plain)


@given(st.lists(FLOATS, min_size=1, max_size=20), st.booleans())
def test_places_lie_between_0_and_1(values: list[float], log: bool) -> None:
    finite = np.array([value for value in values if np.isfinite(value)])
    places = value_axis(finite, log).place(finite)
    assert ((places >= 0) & (places <= 1)).all()
    meters.sparkline(np.arange(1.0, len(values) + 1), np.array(values), 8)


def test_what_is_far_above_or_below_most_values_is_drawn_at_the_edge() -> None:
    axis = value_axis(np.array([*np.geomspace(1e-5, 10, 100), 1e31]), True)
    assert axis.high < 1e6, "one diverged value does not flatten the rest"
    axis = value_axis(np.array([1e-30] * 30 + [0.03] * 30), True)
    assert axis.low > 1e-14, "neither does one that is zero but for rounding"
    assert axis.place(np.array([1e-30])).tolist() == [0.0]


def test_the_step_axis_of_a_branch_begins_where_it_does() -> None:
    assert 900 < step_axis(5000, True, 10_000, True, first=1000).low <= 1000
    assert step_axis(5000, True, 10_000, True, first=5).low == 1


def test_sparklines() -> None:
    steps = np.arange(1.0, 1001)
    assert meters.sparkline(steps, np.log(steps), 8) == "▁▂▃▄▅▆▇█"
    assert meters.sparkline(steps, np.ones(1000), 5) == "▁▁▁▁▁"
    assert meters.sparkline(steps[:1], steps[:1], 5) == ""
    assert meters.sparkline(steps, np.where(steps > 500, np.nan, steps), 4, log_x=False)[-1] == "█"


def test_the_kernel_distance_has_a_scale() -> None:
    assert meters.scale(0.0, 14).plain == "0 ◆───────── 1"
    assert meters.scale(0.07, 14).plain == "0 ─◆──────── 1"
    assert meters.scale(1.0, 14).plain == "0 ─────────◆ 1"
    assert meters.scale(nan, 14).plain == ""


@pytest.mark.parametrize(("width", "text"), [(30, "772 (after 758)"), (10, "758–772"), (5, "772")])
def test_a_time_is_shown_with_its_interval_if_there_is_room(width: int, text: str) -> None:
    assert meters.when(Time(772, 758), width) == text
    assert meters.when(Time(772, 771), width) == "772"
    assert meters.when(Time(772), width) == "772"


def test_a_run_that_was_stopped_is_not_one_that_died() -> None:
    assert status_of({"status": "interrupted", "ended": "2026-11-25T09:00:00Z"})[1] == "stopped"
    assert status_of({"status": "interrupted", "ended": None})[1] == "interrupted"
    assert status_of({"status": "interrupted"})[1] == "interrupted"


@pytest.mark.parametrize("width", [58, 78, 98, 118, 158, 198])
@pytest.mark.parametrize("norm", [True, False])
def test_the_theory_of_a_finished_run_is_never_cut(runs: Path, width: int, norm: bool) -> None:
    events = [("phase", 40, {"phase": "memorized", "after": 39}), ("phase", 805, {"phase": "grokked", "after": 791})]
    reader = RunReader(record(runs, events=events))
    text = words(reader, width, 3 if width >= 78 else 4).plain
    rows = text.split("\n")
    assert len(rows) <= (3 if width >= 78 else 4)
    assert max(map(len, rows)) <= width
    assert "Grokked between steps 791 and 805" in " ".join(text.split())
    assert "The delay law predicts this: the norm comes down first" in " ".join(text.split())
    assert text.endswith("delay law")


@pytest.mark.parametrize(
    ("status", "says"), [("running", "not grokked yet"), ("failed", "not grokked"), ("finished", "not grokked")]
)
def test_only_a_run_that_trains_may_grok_yet(runs: Path, status: str, says: str) -> None:
    reader = RunReader(record(runs, events=GROKKED[:1]))
    reader.info["status"] = status
    assert meters.phase(reader, 30, True)[2].plain == says


def test_a_failed_run_shows_its_last_rows(runs: Path) -> None:
    values = delay_law(steps_up_to(3400))
    values["train/loss"][-2:] = [17.5, 1e30]
    rows = meters.meters(RunReader(record(runs, values=values, status="failed")), 118, True).plain.split("\n")
    assert rows[0].split()[:2] == ["last", "rows"]
    assert "3,400" in rows[0]
    assert "17.5" in rows[1]
    assert "1e30" in rows[1]


@pytest.mark.parametrize("width", [66, 78, 118, 198])
def test_meters_fit(runs: Path, width: int) -> None:
    reader = RunReader(record(runs, events=[*GROKKED, *presses(100, 3)]))
    rows = meters.meters(reader, width, True).plain.split("\n")
    assert len(rows) == 3
    assert max(map(len, rows)) <= width
    assert rows[0].split() == ["kernel", "distance", "weight", "norm", "phase", "knobs"]
    assert "wd 0.17" in rows[1] or "wd 0.18" in rows[1]
    assert "grokked 805" in rows[1]
    assert "delay 765" in rows[2]


def test_every_key_has_an_id_of_its_own_and_those_kept_for_later_are_free() -> None:
    assert len(BY_ID) == len(KEYS)
    for where in ("live", "gallery"):
        taken = [k for key in [*here(where), *here("app")] for k in key.keys.split(",")]
        assert len(taken) == len(set(taken))
    live = {k for key in [*here("live"), *here("app")] for k in key.keys.split(",")}
    assert not live & set("ubcefhSi")
    assert set("wWlL=mxyvnrRD12345[]<>g?:q.sjk") | {"space"} <= live


def test_the_footer_never_cuts_help_and_quit() -> None:
    entries = [("pause", "pause"), ("wd-down wd-up", "weight decay"), ("set", "set"), ("chart", "chart")]
    for width in range(20, 100):
        text = footer([*entries, ("help", "help"), ("quit", "quit")], {}, width).plain
        assert text.endswith("? help   q quit")
        assert len(text) <= width
    assert footer([("pause", "pause")], {"pause": "p"}, 80).plain == "p pause"


def test_a_keymap_is_read_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    assert read_keymap(file) == {}
    file.write_text('pause = "p"\n')
    assert read_keymap(file) == {"pause": "p"}
    for wrong, says in (
        ('puase = "p"', "did you mean pause"),
        ("pause = 3", "name of a key"),
        ("pause = ", "keys.toml"),
    ):
        file.write_text(wrong)
        with pytest.raises(Exception, match=says):
            read_keymap(file)


def test_marks_without_a_number_do_not_merge() -> None:
    broken = Mark(5, "wd ?→?", "", key="optim.weight_decay")
    assert merged([broken, replace(broken, step=6)], int, 10) == [broken, replace(broken, step=6)]


def test_a_linear_axis_always_has_two_ticks() -> None:
    for low, high in ((0.58, 0.70), (0.0, 70.0), (0.0, 0.14), (49.0, 50.5), (-3.0, 2.0)):
        for room in (1, 2, 3, 8):
            values = [value for value, _ in linear_ticks(low, high, room)]
            assert len(values) >= 2
            assert all(low - 1e-9 <= value <= high + 1e-9 for value in values)


def test_the_help_stands_beside_its_names_and_the_columns_apart() -> None:
    for width in (60, 75, 155):
        text = meanings_text(width).plain
        for row in text.split("\n")[2:-1]:
            assert len(row) <= width
            assert row[18] == " "
            assert row[19] != " "
    for where in ("live", "gallery"):
        for row in keys_text({}, 100, where).plain.split("\n"):
            assert len(row) < 50 or row[49] == " "


def test_a_screen_is_sparing_only_where_training_takes_every_core(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    reader = RunReader(record(runs))
    for threads, pace, sparing in ((4, 0.0, True), (3, 0.0, False), (4, 400.0, False)):
        reader.info |= {"used": {"threads": threads}, "asked": {"pace": pace}}
        assert takes_every_core(reader) is sparing
