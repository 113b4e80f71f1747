"""The verdict on recorded runs: one regime per test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grok_tui.science.fits import Contraction
from grok_tui.store.reader import RunReader
from grok_tui.store.rundir import RunDir
from grok_tui.verdict import DELAY_LAW, LAZY_TO_RICH, NEITHER, Verdict, verdict
from grok_tui.verdict import facts as verdict_facts
from grok_tui.verdict.facts import facts
from recorded import (
    GROKKED,
    collapsing,
    delay_law,
    extras,
    lazy_to_rich,
    linear,
    machine,
    presses,
    record,
    record_seeds,
    steered,
    steps_up_to,
    xor,
)

MEMORISED = GROKKED[:1]
MOVING = (
    "From lazy to rich: features are learnt, the kernel has changed by 0.20, while the weight norm rises from 9 to 11."
)
EARLY = "Features were learnt from the start, without a lazy phase. "
SHRINKS = "Per step the squared norm shrinks by {} × learning rate × weight decay."
COLLAPSED = "The weights have shrunk to almost nothing: weight decay is stronger than the gradient."
Live = Callable[..., RunDir]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def said(run: RunDir) -> Verdict:
    return verdict(RunReader(run))


def test_starting(live: Live) -> None:
    assert "The engine is starting" in said(live(status="starting", last=1)).says


def test_before_memorising(live: Live) -> None:
    told = said(live(last=20))
    assert told.says.startswith("Fitting the train data: train accuracy 0.")
    assert told.theory == ""


def test_before_memorising_without_accuracy(live: Live) -> None:
    assert "train loss" in said(live("kumar-poly", values=lazy_to_rich(steps_up_to(100)), last=100)).says


def test_memorised_and_the_norm_falls(live: Live) -> None:
    told = said(live(last=600, events=MEMORISED))
    assert told.says.startswith("Memorised at step 40. Weight decay brings the weight norm down, from 67.8 to ")
    assert told.theory == DELAY_LAW


def test_memorised_and_the_norm_still_rises(live: Live) -> None:
    steps = steps_up_to(60)
    values = delay_law(steps) | {"norm/weight": 20 + steps / 3}
    told = said(live(last=60, values=values, events=MEMORISED))
    assert "The weight norm still rises (40)" in told.says


def test_weight_decay_off_and_no_grokking_expected(live: Live) -> None:
    values = delay_law(steps_up_to(3400), t_grok=None)
    told = said(live(values=values, events=[*MEMORISED, steered(300, 1.0, 0.0)]))
    assert told.says == "Weight decay is off and the weight norm is 68, not falling: no grokking is expected."
    assert told.more[0] == "Weight decay was changed last at step 300."
    assert told.theory == DELAY_LAW


def test_weight_decay_too_weak_to_matter(live: Live) -> None:
    values = delay_law(steps_up_to(3400), t_grok=None)
    told = said(live(values=values, events=[*MEMORISED, *presses(300, 13)]))
    assert told.says == "Weight decay is only 5.6e-4 and the weight norm is 68, not falling: no grokking is expected."


def test_weight_decay_back(live: Live) -> None:
    events = [*MEMORISED, steered(100, 1.0, 0.0), steered(400, 0.0, 1.0)]
    told = said(live(last=700, events=events))
    assert told.says == "Weight decay is 1 again since step 400: the weight norm went from 58.5 to 53.1."


def test_grokked_by_the_delay_law(live: Live) -> None:
    told = said(live(events=GROKKED))
    assert told.says == "Grokked at step 805, 765 steps after it memorised; the weight norm fell from 67.8 to 52.4."
    assert told.theory == DELAY_LAW


def test_grokked_and_lost_again(live: Live) -> None:
    values = delay_law(steps_up_to(3400))
    values["test/acc"][-5:] = 0.4
    assert "has since fallen to 0.40" in said(live(values=values, events=GROKKED)).says


def test_lazy_then_rich_then_grokked(live: Live) -> None:
    events: list[Any] = [("phase", 900, {"phase": "memorized"})]
    lazy = said(live("kumar-poly", values=lazy_to_rich(steps_up_to(1000)), last=1000, events=events))
    assert "hardly changed" in lazy.says
    moving = said(live("kumar-poly", values=lazy_to_rich(steps_up_to(4000)), last=4000, events=events))
    assert moving.says == MOVING
    events.append(("phase", 4600, {"phase": "grokked"}))
    done = said(live("kumar-poly", values=lazy_to_rich(steps_up_to(9000)), last=9000, events=events))
    assert done.says == (
        "Grokked at step 4,600, 3,700 steps after it memorised: by then the kernel had changed by 0.27."
    )
    assert done.more[1:3] == ("The weight norm went from 9 to 11.7.", "There is no weight decay.")
    assert {lazy.theory, moving.theory, done.theory} == {LAZY_TO_RICH}


def test_a_kernel_that_cannot_move_speaks_for_neither(live: Live) -> None:
    values = linear(steps_up_to(1000))
    events: list[Any] = [("phase", 300, {"phase": "memorized"})]
    waiting = said(live("linear", values=values, last=1000, events=events))
    assert waiting.says == (
        "Memorised at step 300. "
        "A linear model learns no features and nothing shrinks its weights: neither theory applies."
    )
    events.append(("phase", 2100, {"phase": "grokked"}))
    done = said(live("linear", values=linear(steps_up_to(4000)), last=4000, events=events))
    assert "1,800 steps after it memorised, with the kernel unchanged (drift 0)" in done.says
    assert waiting.theory == done.theory == NEITHER


def test_paused(live: Live) -> None:
    told = said(live(status="paused", events=MEMORISED, last=600))
    assert told.says == "Paused at step 600."
    assert told.more[0].startswith("Memorised at step 40. Weight decay brings")
    assert told.theory == DELAY_LAW


def test_a_run_that_diverged_says_what_where_and_how_to_go_on(runs: Path) -> None:
    reason = "diverged at step 3400: the train loss is nan; at step 3350 the train loss was 0.0123"
    run = record(runs, status="failed", error=reason, events=[*MEMORISED, ("failed", 3400, {"reason": reason})])
    assert said(run).says == ("Diverged at step 3,400: the train loss is nan; at step 3350 the train loss was 0.0123.")
    assert said(run).more[0].startswith("To go on with a smaller learning rate"), "it has no checkpoint"
    for step in (1200, 3200):
        run.checkpoint(step).touch()
    assert said(run).more == (
        "The last good checkpoint is at step 3,200.",
        f"To go on with a smaller learning rate, in a new run: grok-tui resume {run.id} --set optim.lr=8e-4",
    )
    assert said(run).theory == ""


def test_a_run_whose_engine_broke_says_why(runs: Path) -> None:
    run = record(runs, status="failed", error="OSError: no space left on device\nTraceback")
    run.checkpoint(1200).touch()
    assert said(run).says == "Failed at step 3,400: OSError: no space left on device."
    assert said(run).more == (f"The last checkpoint is at step 1,200. To go on from it: grok-tui resume {run.id}",)
    run = record(runs, status="failed", error="x" * 300)
    assert len(said(run).says) < 130
    assert "see engine.log" in said(record(runs, status="failed")).says


def test_interrupted_can_go_on(runs: Path) -> None:
    assert said(record(runs, status="interrupted")).says.startswith("Stopped at step 3,400; it can go on")
    killed = record(runs, status="running")  # nobody holds it: its engine died
    assert said(killed).says.startswith("Stopped at step 3,400;")


def test_finished_without_grokking(runs: Path) -> None:
    values = delay_law(steps_up_to(4000), t_grok=None)
    off = record(runs, "modadd-wd-off", last=4000, values=values, events=[*MEMORISED, steered(40, 1.0, 0.0)])
    assert "without grokking: weight decay was off, and the weight norm stayed at 68" in said(off).says
    on = record(runs, last=4000, values=values, events=MEMORISED)
    assert said(on).says == "Finished at step 4,000 without grokking; the weight norm came to 68."
    never = record(runs, last=30)
    assert "without memorising" in said(never).says


def phases(t_mem: int, t_grok: int | None = None) -> list[Any]:
    told: list[Any] = [("phase", t_mem, {"phase": "memorized"})]
    return told + ([("phase", t_grok, {"phase": "grokked"})] if t_grok else [])


def test_a_feature_machine_before_it_generalises(live: Live) -> None:
    told = said(live("rfm", values=machine(steps_up_to(9)), last=9, events=phases(0)))
    assert told.says == "Memorised at iteration 0. Features are learnt: the kernel has changed by 0.36."
    assert told.more[:2] == ("There is no gradient descent and no weight decay.", "Test accuracy is 0.04.")
    assert told.theory == NEITHER
    begun = said(live("rfm", values=machine(steps_up_to(1)), last=1, events=phases(0)))
    assert begun.says == "Memorised at iteration 0. From here on each iteration learns features."


def test_a_feature_machine_after_it_generalised(runs: Path) -> None:
    events = phases(0, 16)
    told = said(record(runs, "rfm", values=machine(steps_up_to(30)), last=30, events=events))
    assert told.says == "Generalised at iteration 16; the kernel has changed by 0.78."
    assert told.more[0] == "Features alone explain it: no gradient descent, no weight decay, no lazy phase."
    never = machine(steps_up_to(30), t_grok=None)
    told = said(record(runs, "rfm", values=never, last=30, events=phases(0)))
    assert told.says == "Finished at iteration 30 without grokking; the kernel has changed by 0.78."


def test_features_from_the_first_step_are_no_lazy_phase(live: Live) -> None:
    """On XOR clusters the kernel of the test data hardly turns; it is the norm that dwarfs its start."""
    values = xor(steps_up_to(6))
    told = said(live("xor-cluster", values=values, last=6, events=phases(1)))
    assert told.says == EARLY + "By step 1 the weight norm had grown from 0.01 to 1.01."
    assert told.more[:2] == ("There is no weight decay.", "The kernel has changed by 0.04 so far.")
    done = said(live("xor-cluster", values=xor(steps_up_to(90)), last=90, events=phases(1, 20)))
    assert done.says == "Grokked at step 20, 19 steps after it memorised; " + EARLY[0].lower() + EARLY[1:-1]
    assert done.more[0] == "By step 1 the weight norm had grown from 0.01 to 1.01."
    soon = said(live("xor-cluster", values=xor(steps_up_to(90)), last=90, events=phases(1, 2)))
    assert soon.says == "Grokked at step 2, 1 step after it memorised; " + EARLY[0].lower() + EARLY[1:-1]
    assert told.theory == done.theory == NEITHER


def test_a_norm_that_grows_by_less_leaves_a_lazy_phase(live: Live) -> None:
    values = xor(steps_up_to(6))
    values["norm/weight"] = 1.0 + steps_up_to(6)
    told = said(live("xor-cluster", values=values, last=6, events=phases(1)))
    assert told.says.startswith("From lazy to rich: features are learnt")
    values["kernel/distance"] = np.where(steps_up_to(6) > 0, 0.5, 0.0)
    told = said(live("xor-cluster", values=values, last=6, events=phases(1)))
    assert told.says == EARLY + "By step 1 the kernel had changed by 0.50."


def test_the_kernel_at_memorising_is_that_measured_nearest(live: Live) -> None:
    """Kernels are measured more seldom than rows: here at steps 0, 3, 6 and so on."""
    values = xor(steps_up_to(900)) | {"norm/weight": np.ones_like(steps_up_to(900))}
    values["kernel/distance"] = np.where(steps_up_to(900) > 0, 0.43, 0.0)
    reader = RunReader(live("xor-cluster", values=values, last=900, events=phases(1)))
    assert list(reader.series("kernel/distance")[0][:2]) == [0, 3]
    assert verdict(reader).says == EARLY + "By step 1 the kernel had changed by 0.43."
    steps = steps_up_to(900)
    values["kernel/distance"] = np.where(steps >= 100, 0.43, np.where(steps > 0, np.nan, 0.0))
    later = said(live("xor-cluster", values=values, last=900, events=phases(9)))
    assert later.says.startswith("From lazy to rich: features are learnt"), "what it is at 100 says nothing of step 9"


def test_a_kernel_that_turned_early_is_only_told_where_the_norm_is_not_at_stake(live: Live) -> None:
    values = delay_law(steps_up_to(600))  # its kernel is at 0.7 when it memorises
    assert said(live("modadd-fast", values=values, last=600, events=MEMORISED)).theory == DELAY_LAW
    rich = said(live("kumar-transformer", values=values, last=600, events=MEMORISED, sets=["optim.lr=1e-3"]))
    assert rich.says.startswith("From lazy to rich: features are learnt, the kernel has changed by 0.")
    assert rich.theory == "lazy to rich", "a preset of that theory is held against it"
    assert rich.more[0] == "Weight decay 1 acts, too."


def test_a_norm_that_is_held(live: Live) -> None:
    values = delay_law(steps_up_to(3400), t_grok=None)
    hold = "optim.hold_norm"
    high = said(live(values=values, events=[*MEMORISED, steered(300, 0.0, 68.2, hold)]))
    assert high.says == "The weight norm is held at 68.2, no lower than when it memorised: no grokking is expected."
    low = said(live(values=values, events=[*MEMORISED, steered(300, 0.0, 46.4, hold)]))
    assert low.says == "The weight norm is held at 46.4 (64.2 at memorising): the lower it is, the sooner it groks."
    done = said(
        live(values=delay_law(steps_up_to(3400)), events=[*GROKKED[:1], steered(300, 0.0, 46.4, hold), GROKKED[1]])
    )
    assert done.says == "Grokked at step 805, 765 steps after it memorised, with the weight norm held at 46.4."
    assert {high.theory, low.theory, done.theory} == {DELAY_LAW}


def test_a_norm_held_only_after_it_grokked_did_not_do_it(live: Live) -> None:
    told = said(live(events=[*GROKKED, steered(2000, 0.0, 51.0, "optim.hold_norm")]))
    assert "the weight norm fell from 67.8" in told.says


def test_a_norm_let_go_is_not_held(live: Live) -> None:
    hold = "optim.hold_norm"
    told = said(live(last=600, events=[*MEMORISED, steered(100, 0.0, 68.0, hold), steered(200, 68.0, 0.0, hold)]))
    assert told.says.startswith("Memorised at step 40. Weight decay brings the weight norm down")


def test_finished_with_the_norm_held(runs: Path) -> None:
    values = delay_law(steps_up_to(4000), t_grok=None)
    run = record(runs, last=4000, values=values, events=[*MEMORISED, steered(40, 0.0, 68.0, "optim.hold_norm")])
    assert said(run).says == "Finished at step 4,000 without grokking: the weight norm was held at 68."
    assert said(run).more == ("The delay law predicts this: nothing brought the norm down.",)


def test_a_norm_that_was_set_once(live: Live) -> None:
    told = said(live(last=600, events=[*MEMORISED, steered(200, 60.0, 42.0, "norm")]))
    assert told.says == "The weight norm was set from 60 to 42 at step 200; it is 54.1 now."
    assert told.more[-1] == "A norm that is set once hardly changes when a run groks; a norm that is held does."
    later = said(live(last=600, events=[*MEMORISED, steered(200, 60.0, 42.0, "norm"), steered(300, 0.0, 1.0)]))
    assert later.says.startswith("Weight decay is 1 again since step 300")
    done = said(live(events=[GROKKED[0], steered(200, 60.0, 42.0, "norm"), GROKKED[1]]))
    assert done.says.startswith("Grokked at step 805")
    assert "The weight norm was set from 60 to 42 at step 200." in done.more


def test_weights_that_collapse(live: Live, runs: Path) -> None:
    told = said(live("delay-sgd", values=collapsing(steps_up_to(3000)), last=3000))
    assert told.says == COLLAPSED
    assert said(live("delay-sgd", values=collapsing(steps_up_to(600)), last=600)).says.startswith(
        "Fitting the train data"
    )
    done = said(record(runs, "delay-sgd", values=collapsing(steps_up_to(9000)), last=9000))
    assert done.says == COLLAPSED
    by_hand = [steered(10, 27.0, 0.1, "norm")]
    told = said(live("delay-sgd", values=collapsing(steps_up_to(3000)), last=3000, events=by_hand))
    assert told.says.startswith("Fitting the train data")


def test_accuracy_within_a_tolerance(live: Live, runs: Path) -> None:
    steps = steps_up_to(9000)
    falling = 1e-3 + np.exp(-steps / 200)
    values = delay_law(steps, 500, 4000) | {"train/loss": falling, "test/loss": 1.2 * falling}
    told = said(live("teacher-student", values=values, last=9000, events=phases(600)))
    assert told.says == "Accuracy counts answers within 1e-3; train loss halved by step 143, test loss by step 143."
    assert told.more[0] == "Both losses fall together: the delay comes from the threshold of the accuracy."
    done = said(record(runs, "teacher-student", values=values, last=9000, events=phases(600, 4100)))
    assert done.says == (
        "Grokked at step 4,100, 3,500 steps after it memorised; train loss halved by step 143, test loss by step 143."
    )
    assert told.theory == done.theory == NEITHER
    values["test/loss"] = 1.2 * (1e-3 + np.exp(-steps / 2000))
    told = said(live("teacher-student", values=values, last=9000, events=phases(600)))
    assert told.more[0] == "The test loss falls later, too."
    values["test/loss"] = np.ones_like(steps)
    told = said(live("teacher-student", values=values, last=9000, events=phases(600)))
    assert told.says == "Accuracy counts answers within 1e-3; train loss 1e-3, test loss 1."


def test_an_eigenvector_of_the_kernel_is_named(live: Live, runs: Path) -> None:
    values = lazy_to_rich(steps_up_to(1000))
    told = said(live("kumar-eigenvector", values=values, last=1000, events=phases(900), sets=["task.k=150"]))
    assert "The target is eigenvector 150 of the kernel at the start." in told.more
    at_once = said(record(runs, "kumar-eigenvector", values=values, last=1000, events=phases(9, 9), sets=["task.k=1"]))
    assert at_once.says == "Generalised at step 9, no later than it memorised: there is no delay to explain."
    assert at_once.more == ("The target is eigenvector 1 of the kernel at the start.",)


def test_a_kernel_that_stays_is_lazy(live: Live, runs: Path) -> None:
    values = lazy_to_rich(steps_up_to(9000), moving=1e5)
    soon = said(live("kumar-poly", values=lazy_to_rich(steps_up_to(2000), 1e5), last=2000, events=phases(900)))
    assert soon.says == "Memorised at step 900. The kernel has hardly changed (by 1e-9): training is lazy so far."
    done = said(record(runs, "kumar-poly", values=values, last=9000, events=phases(900)))
    assert done.says.startswith("Finished at step 9,000 without grokking: training stayed lazy, the kernel changed by ")
    moved = said(record(runs, "kumar-poly", values=lazy_to_rich(steps_up_to(9000)), last=9000, events=phases(900)))
    assert moved.says == "Finished at step 9,000 without grokking, although the kernel has changed by 0.39."
    assert moved.more[0] == "The test loss is 0.223."
    assert {soon.theory, done.theory, moved.theory} == {LAZY_TO_RICH}


def test_lazy_to_rich_with_weight_decay_speaks_of_the_kernel_still(live: Live) -> None:
    """The kernel at memorising is still, so the preset's theory tells which of the two is at stake."""
    decay = ["optim.weight_decay=1e-3"]
    values = lazy_to_rich(steps_up_to(4000))
    told = said(live("kumar-poly", values=values, last=4000, events=phases(900), sets=decay))
    assert told.says == MOVING
    assert "Weight decay 1e-3 acts, too." in told.more
    done = said(
        live("kumar-poly", values=lazy_to_rich(steps_up_to(9000)), last=9000, events=phases(900, 4600), sets=decay)
    )
    assert done.says.endswith("3,700 steps after it memorised: by then the kernel had changed by 0.27.")
    assert "Weight decay 1e-3 acts, too." in done.more
    assert told.theory == done.theory == LAZY_TO_RICH


def test_a_kernel_that_had_hardly_moved_when_it_grokked_speaks_for_no_theory(live: Live) -> None:
    values = lazy_to_rich(steps_up_to(9000))
    told = said(live("kumar-eigenvector", values=values, last=9000, events=phases(200, 562)))
    assert told.says == "Grokked at step 562, 362 steps after it memorised; the kernel had hardly changed (by 2e-5)."
    assert told.theory == ""


def test_the_linearised_network_left_behind_is_told(live: Live) -> None:
    steps = steps_up_to(9000)
    values = lazy_to_rich(steps)
    values |= {"twin/test_loss": extras(values, steps)["twin/test_loss"]}
    told = said(live("kumar-twin", values=values, last=9000, events=phases(900, 4600)))
    assert "The test loss of the linearised network is still 15.4." in told.more
    values["twin/test_loss"] = values["test/loss"]
    told = said(live("kumar-twin", values=values, last=9000, events=phases(900, 4600)))
    assert not any("linearised" in more for more in told.more)


def contracting(steps: np.ndarray, rate: float) -> dict[str, np.ndarray]:
    """A norm whose square falls exponentially after step 100, to a floor."""
    fall = np.exp(-rate * np.maximum(steps - 100, 0))
    return delay_law(steps, 40, None) | {"norm/weight": np.sqrt(300 + 3600 * fall)}


def test_the_rate_of_contraction_is_fitted(live: Live) -> None:
    """lr x wd is 8e-3 in modadd-fast: V falls by 1.4 of that a step."""
    run = live(values=contracting(steps_up_to(900), 1.4 * 8e-3), last=900, events=MEMORISED)
    told = said(run)
    assert told.more[0] == SHRINKS.format(1.4)
    slow = live(values=contracting(steps_up_to(900), 0.7 * 8e-3), last=900, events=MEMORISED)
    assert said(slow).more[0] == SHRINKS.format(0.7)


def test_too_few_rows_or_no_fall_are_not_fitted(live: Live) -> None:
    short = live(values=contracting(steps_up_to(105), 1.4 * 8e-3), last=105, events=MEMORISED)
    assert not any("shrinks" in more for more in said(short).more)
    hardly = contracting(steps_up_to(3400), 1.4 * 8e-3)
    hardly["norm/weight"] = 60 + 0.03 * hardly["norm/weight"]
    assert not any("shrinks" in more for more in said(live(values=hardly, events=MEMORISED)).more)


def test_a_fall_that_is_no_exponential_is_not_told(live: Live) -> None:
    steps = steps_up_to(900)
    norm = np.where(steps < 50, 70.0, 60.0 - 20 * (np.sin(steps / 7) > 0))
    norm[-1] = 40
    values = delay_law(steps, 40, None) | {"norm/weight": norm}
    assert not any("shrinks" in more for more in said(live(values=values, last=900, events=MEMORISED)).more)


def test_the_learning_rate_is_that_in_force(live: Live) -> None:
    """Over alpha squared where the config says so; weight decay counts by it."""
    sets = ["model.alpha=0.5", "optim.lr=6e-5"]
    assert facts(RunReader(live("kumar-transformer", sets=sets))).lr == pytest.approx(2.4e-4)
    assert facts(RunReader(live("modadd-fast"))).lr == 8e-3


def test_a_steering_starts_the_fit_anew(live: Live) -> None:
    values = contracting(steps_up_to(900), 1.4 * 8e-3)
    turned = live(values=values, last=900, events=[*MEMORISED, steered(890, 1.0, 2.0)])
    assert not any("shrinks" in more for more in said(turned).more)


def test_the_fit_is_made_once_for_the_same_rows_and_of_few(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = []
    verdict_facts.fitted.cache_clear()

    def contraction_rate(steps: np.ndarray, squared: np.ndarray) -> Contraction:
        fitted.append(len(steps))
        return Contraction(0.0112, 1.0, 1.0, 0.99)

    monkeypatch.setattr("grok_tui.verdict.facts.contraction_rate", contraction_rate)
    run = live(values=contracting(steps_up_to(3400), 1.4 * 8e-3), events=MEMORISED)
    reader = RunReader(run)
    assert [verdict(reader).more[0] for _ in range(3)] == [SHRINKS.format(1.4)] * 3
    assert len(fitted) == 1
    assert fitted[0] <= 60
    with run.metrics_csv.open("a") as file:
        file.write(run.metrics_csv.read_text().splitlines()[-1].replace("3400", "3450", 1) + "\n")
    reader.refresh()
    verdict(reader)
    assert len(fitted) == 2


def begun(phase: str, step: int, after: int) -> tuple[str, int, dict[str, Any]]:
    return "phase", step, {"phase": phase, "after": after}


def test_a_time_is_said_with_its_interval_once(live: Live) -> None:
    exact = said(live(events=[begun("memorized", 40, 39), begun("grokked", 805, 804)]))
    assert exact.says.startswith("Grokked at step 805, 765 steps after it memorised;")
    between = said(live(events=[begun("memorized", 40, 39), begun("grokked", 805, 790)]))
    assert between.says.startswith("Grokked between steps 790 and 805, about 765 steps after it memorised;")
    assert between.theory == DELAY_LAW
    waiting = said(live(last=600, events=[begun("memorized", 400, 394)]))
    assert waiting.says.startswith("Memorised between steps 394 and 400. ")
    iteration = said(live("rfm", values=machine(steps_up_to(9)), last=9, events=[begun("memorized", 3, 2)]))
    assert iteration.says.startswith("Memorised at iteration 3.")


@pytest.mark.parametrize(("mem", "grok"), [((45, 0), (76, 45)), ((40, 39), (805, 788)), ((40, 38), (805, 804))])
def test_too_few_rows_conclude_nothing(live: Live, mem: tuple[int, int], grok: tuple[int, int]) -> None:
    told = said(live(events=[begun("memorized", *mem), begun("grokked", *grok)]))
    assert told.says.endswith("too few rows to tell the delay.")
    assert f"{grok[0]}" in told.says
    assert f"{mem[0]}" in told.says
    assert told.theory == ""


def test_a_kernel_that_was_not_measured_when_it_grokked_is_no_evidence(live: Live) -> None:
    steps = steps_up_to(9000)
    values = lazy_to_rich(steps) | {"kernel/distance": np.full_like(steps, np.nan)}
    told = said(live("kumar-poly", values=values, last=9000, events=phases(200, 562)))
    assert told.says.endswith("The kernel, which shows features, was not measured then.")
    assert told.theory == ""


def test_many_seeds_are_medians(runs: Path) -> None:
    told = said(record_seeds(runs, seeds=16))
    assert told.says.startswith("Grokked at step 805")
    assert told.more[0] == "These are medians of 16 seeds; 12 grokked."
    assert told.theory == DELAY_LAW


def test_weight_decay_is_what_the_optimizer_holds(live: Live) -> None:
    """What was asked is 1, what the optimizer holds is 0: no grokking is expected."""
    values = delay_law(steps_up_to(3400), t_grok=None)
    event = {"key": "optim.weight_decay", "old": 1.0, "new": 1.0, "optimizer": {"weight_decay": 0.0, "lr": 8e-3}}
    told = said(live(values=values, events=[*MEMORISED, ("steered", 300, event)]))
    assert told.says.startswith("Weight decay is off")
