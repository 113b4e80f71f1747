"""Changes of knobs: the grammar, what a change makes of a value, and schedules followed before they run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_tui.config import presets
from grok_tui.config.fields import NORM, fields, replace
from grok_tui.config.load import load
from grok_tui.config.schema import RunConfig, Scheduled
from grok_tui.config.steering import (
    HOLD,
    KEY_FACTOR,
    Change,
    check_pace,
    check_schedule,
    parse_change,
    resolve,
    split_change,
)
from grok_tui.errors import UsageError

LR, WD, ALPHA, BETA1 = "optim.lr", "optim.weight_decay", "model.alpha", "optim.beta1"


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return presets.load_preset("modadd-fast", env={})


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (1e-3, 1e-3), ("1e-3", 1e-3), (" 5 ", 5.0), (2, 2.0), ("x2", 0.8), ("*2", 0.8), ("×2", 0.8), ("x 2", 0.8),
        ("/2", 0.2), ("÷2", 0.2), ("x1", 0.4), ("x0.5", 0.2),
    ],
)  # fmt: skip
def test_a_change_sets_or_multiplies(value: object, result: float) -> None:
    assert Change.parse(WD, value).of(0.4) == pytest.approx(result, rel=1e-15)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        (LR, "x0", "expected a factor > 0"), (LR, "x-2", "expected a factor > 0"), (LR, "/inf", "a factor > 0"),
        (LR, "xnan", "a factor > 0"), (LR, "x", "expected a number, x2 or /2, got x"), (LR, "2x", "got 2x"),
        (LR, "", "got nothing"), (LR, True, "got True"), (LR, None, "got None"), (LR, [1], "got [1]"),
        (LR, 10**400, "expected a number, x2 or /2"),
        (LR, "1" * 5000, "expected a finite number"), (LR, "nan", "a finite number"),
        (LR, 0, "from 1e-20 to 1e9, got 0"), (LR, "/2/2", "got /2/2"), (BETA1, 1, "from 0 to 0.999999"),
        (ALPHA, 1e-170, "from 1e-6 to 1e6"), (NORM, 0, "from 1e-12 to 1e12"), (NORM, "1e-30", "from 1e-12"),
        (HOLD, 1e-30, "0, or a number from 1e-12"), (WD, 1e-40, "is lost in float32"),
    ],
)  # fmt: skip
def test_a_change_that_makes_no_sense_is_refused_in_one_line(key: str, value: object, says: str) -> None:
    with pytest.raises(UsageError) as error:
        Change.parse(key, value)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("key", "text", "current", "says"),
    [
        (WD, "x0.5", 0.0, "x0.5 of 0 is 0; give a number"), (WD, "x1", 0.0, "x1 of 0 is 0"),
        (BETA1, "x1.2", 0.9, "got 1.08, which is x1.2 of 0.9"), (LR, "x1e300", 1e300, "got inf"),
        (LR, "/1e300", 1e-3, "expected a number from 1e-20"), (ALPHA, "/1e7", 1.0, "from 1e-6 to 1e6"),
        (NORM, "x1e-20", 50.0, "from 1e-12 to 1e12"),
    ],
)  # fmt: skip
def test_a_factor_that_leaves_the_range_is_refused(key: str, text: str, current: float, says: str) -> None:
    with pytest.raises(UsageError, match=r".*") as error:
        Change.parse(key, text).of(current)
    assert says in str(error.value)


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_x1_changes_nothing_and_other_factors_are_exact(norm: float) -> None:
    assert Change.parse(NORM, "x1").of(norm) == norm
    assert Change.parse(NORM, "/1").of(norm) == norm
    if norm * 0.7 >= 1e-12:
        assert Change.parse(NORM, "x0.7").of(norm) == norm * 0.7


def test_a_number_of_too_many_digits_is_refused() -> None:
    with pytest.raises(UsageError, match="got what is far too long"):
        Change.parse(LR, 10**5000)


def test_four_presses_are_a_decade_and_come_back() -> None:
    up, down = Change.parse(LR, f"x{KEY_FACTOR}"), Change.parse(LR, f"/{KEY_FACTOR}")
    seen = [1e-3]
    for change in [up] * 4 + [down] * 4:
        seen.append(change.of(seen[-1]))
    assert (seen[4], seen[8]) == (0.01, 0.001)


@given(st.sampled_from(["to", "times", "over"]), st.floats(min_value=1e-20, max_value=1e9))
def test_the_text_of_a_change_is_the_change(kind: str, number: float) -> None:
    change = Change(LR, kind, number)  # type: ignore[arg-type]
    assert Change.parse(LR, str(change)) == change


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("wd 1e-3", ("wd", "1e-3")), ("wd=x2", ("wd", "x2")), ("lr/2", ("lr", "/2")), ("lr ÷ 2", ("lr", "÷ 2")),
        ("x2", ("", "x2")), ("× 2", ("", "× 2")), ("1e-3", ("", "1e-3")), (".5", ("", ".5")), ("", ("", "")),
        ("hold_norm x1", ("hold_norm", "x1")), ("optim.lr 3", ("optim.lr", "3")), ("=2", ("", "2")), ("?", ("?", "")),
    ],
)  # fmt: skip
def test_a_typed_change_is_split_into_name_and_value(typed: str, parts: tuple[str, str]) -> None:
    assert split_change(typed) == parts


def test_hold_norm_x1_holds_the_norm_as_it_is(config: RunConfig) -> None:
    norm = 68.23412341234
    assert resolve(config, "hold_norm", "x1", norm) == (HOLD, norm)
    held = replace(config, {HOLD: 50.0})
    assert resolve(held, "hold_norm", "x0.5", norm) == (HOLD, 25.0)
    assert resolve(config, NORM, "x0.5", norm) == (NORM, norm * 0.5)


def test_a_norm_that_is_held_cannot_be_rescaled(config: RunConfig) -> None:
    with pytest.raises(UsageError, match=r"norm: it is held at 50; change hold_norm, or set hold_norm to 0 first"):
        resolve(replace(config, {HOLD: 50.0}), NORM, "x0.7", 68.0)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("task.p", "cannot be changed in this run"),
        ("nrom", "did you mean norm"),
        ("optim.ridge", "these can: alpha, lr, wd, beta1, beta2, hold_norm, norm"),
    ],
)
def test_only_knobs_of_the_run_can_be_changed(config: RunConfig, key: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_change(config, key, 1.0)


def test_a_pace_is_0_or_fast_enough_to_be_followed() -> None:
    assert [check_pace(pace) for pace in (0, 5, 400.0)] == [0.0, 5.0, 400.0]
    for pace in (4.9, -1, float("inf"), float("nan"), True, "fast", None, 10**400):
        with pytest.raises(UsageError, match="pace"):
            check_pace(pace)


def test_the_limits_keep_lr_over_alpha_squared_a_normal_number_in_float32() -> None:
    (lr, alpha), tiny, huge = (fields()[key].doc for key in (LR, ALPHA)), 2.0**-126, 3.4e38
    assert tiny < lr.ge / alpha.le**2 < lr.le / alpha.ge**2 < huge
    assert lr.le / alpha.ge**2 * fields()[WD].doc.le < huge


SCHEDULES: dict[str, list[tuple[int | str, dict[str, float | str]]]] = {
    "schedule[0].set: optim.weight_decay: x2 of 0 is 0": [(5, {WD: "x2"})],
    "schedule[1].set: optim.weight_decay: x2 of 0 is 0": [(9, {WD: 0.0}), (10, {WD: "x2"})],
    "schedule[0].set: optim.weight_decay: x0.5 of 0 is 0": [(10, {WD: "x0.5"}), (9, {WD: 0.0})],
    "schedule[1].set: optim.beta1: expected": [(3, {BETA1: "x1.05"}), (5, {BETA1: "x1.1"})],
    "schedule[1].set: norm: it is held at 40 then": [(1, {HOLD: 40.0}), (2, {NORM: "x0.7"})],
    "schedule[0].set: model.alpha: expected a number from 1e-6": [(4000, {ALPHA: 1e-170})],
    "expected a number, x2 or /2, got fast": [("grokked", {LR: "fast"})],
    "expected a factor > 0": [("grokked", {LR: "x-1"})],
}


def scheduled(config: RunConfig, *entries: tuple[int | str, dict[str, float | str]]) -> RunConfig:
    moments = [{"step": when} if isinstance(when, int) else {"on": when} for when, _ in entries]
    made = [Scheduled(set=change, **at) for at, (_, change) in zip(moments, entries, strict=True)]  # type: ignore[arg-type]
    return RunConfig(**{name: getattr(config, name) for name in config.__struct_fields__} | {"schedule": made})


@pytest.mark.parametrize("says", SCHEDULES)
def test_a_schedule_that_must_fail_is_refused_before_it_runs(config: RunConfig, says: str) -> None:
    start = replace(config, {WD: 0.0}) if "schedule[0].set: optim.weight_decay: x2" in says else config
    with pytest.raises(UsageError) as error:
        check_schedule(scheduled(start, *SCHEDULES[says]))
    assert says in str(error.value)


@pytest.mark.parametrize(
    "entries",
    [
        [(5, {WD: 0.0}), ("memorized", {WD: "x2"})],  # the phase may begin before
        [("memorized", {HOLD: "x1"}), (5000, {HOLD: "x0.9"})],
        [("memorized", {HOLD: "x1"}), ("grokked", {HOLD: 0.0}), ("grokked", {NORM: "x0.7"})],
        [(1, {HOLD: 40.0}), (2, {HOLD: 0.0}), (3, {NORM: "x0.7"}), (4, {NORM: "x0.7"})],
        [("memorized", {BETA1: "x1.05"}), ("memorized", {BETA1: "x1.05"})],
        [(9, {WD: "x2"}), (4, {WD: 1.0}), (2, {WD: 0.0})],
        [(3, {"wd": 0.5}), (4, {"lr": "/2", "wd": "x2"})],
    ],
)
def test_a_schedule_that_can_work_is_accepted(
    config: RunConfig, entries: list[tuple[int | str, dict[str, float | str]]]
) -> None:
    check_schedule(scheduled(config, *entries))


def test_a_static_failure_is_found_by_reading_the_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("schedule") / "late.toml"
    text = presets.path("modadd-fast").read_text().replace("weight_decay = 1.0", "weight_decay = 0.0")
    file.write_text(text + '\n[[schedule]]\nstep = 3\nset = { "optim.weight_decay" = "x2" }\n')
    with pytest.raises(UsageError, match=r"late\.toml: schedule\[0\]\.set: optim\.weight_decay: x2 of 0 is 0"):
        load(file, env={})
