"""The sentence: one regime a test, from recorded runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from grok_tui.store.read import RunReader
from grok_tui.store.rundir import RunDir
from grok_tui.tui.reading import Phases
from grok_tui.tui.words import DELAY_LAW, LAZY_TO_RICH, NEITHER, Facts, Sentence, Steering, say, sentence
from recorded import GROKKED, delay_law, lazy_to_rich, linear, presses, record, steered, steps_up_to

MEMORISED = GROKKED[:1]
Live = Callable[..., RunDir]


def said(run: RunDir) -> Sentence:
    return sentence(RunReader(run))


def test_starting(live: Live) -> None:
    assert "Starting the engine" in said(live(status="starting", last=1)).says


def test_before_memorising(live: Live) -> None:
    told = said(live(last=20))
    assert told.says.startswith("Fitting the train data: train accuracy 0.")
    assert told.theory == ""


def test_before_memorising_without_accuracy(live: Live) -> None:
    assert "train loss" in said(live("kumar-poly", values=lazy_to_rich(steps_up_to(100)), last=100)).says


def test_memorised_and_the_norm_falls(live: Live) -> None:
    told = said(live(last=600, events=MEMORISED))
    assert told.says.startswith("Memorised at 40. Weight decay pulls the norm down: 67")
    assert told.theory == DELAY_LAW


def test_memorised_and_the_norm_still_rises(live: Live) -> None:
    steps = steps_up_to(60)
    values = delay_law(steps) | {"norm/weight": 20 + steps / 3}
    told = said(live(last=60, values=values, events=MEMORISED))
    assert "The norm still rises (40)" in told.says


def test_weight_decay_off_and_no_grokking_expected(live: Live) -> None:
    values = delay_law(steps_up_to(3400), t_grok=None)
    told = said(live(values=values, events=[*MEMORISED, steered(300, 1.0, 0.0)]))
    assert told.says == "Weight decay is off since 300: norm 68, not falling. No grokking expected."
    assert told.theory == DELAY_LAW


def test_weight_decay_too_weak_to_matter(live: Live) -> None:
    values = delay_law(steps_up_to(3400), t_grok=None)
    told = said(live(values=values, events=[*MEMORISED, *presses(300, 13)]))
    assert told.says == "Weight decay is only 5.6e-4: norm 68, not falling. No grokking expected."


def test_weight_decay_back(live: Live) -> None:
    events = [*MEMORISED, steered(100, 1.0, 0.0), steered(400, 0.0, 1.0)]
    told = said(live(last=700, events=events))
    assert told.says.startswith("Weight decay is back at 1: the norm went 58.5 → 53.1 since 400.")


def test_grokked_by_the_delay_law(live: Live) -> None:
    told = said(live(events=GROKKED))
    assert told.says.startswith("Grokked at 805, 765 steps after memorising; the norm fell 67")
    assert told.theory == DELAY_LAW


def test_grokked_and_lost_again(live: Live) -> None:
    values = delay_law(steps_up_to(3400))
    values["test/acc"][-5:] = 0.4
    assert "fallen back to 0.40" in said(live(values=values, events=GROKKED)).says


def test_lazy_then_rich_then_grokked(live: Live) -> None:
    events: list[Any] = [("phase", 900, {"phase": "memorized"})]
    lazy = said(live("kumar-poly", values=lazy_to_rich(steps_up_to(1000)), last=1000, events=events))
    assert "hardly moved" in lazy.says
    moving = said(live("kumar-poly", values=lazy_to_rich(steps_up_to(4000)), last=4000, events=events))
    assert moving.says == "The kernel is moving: distance 0.20, norm 9 → 11. From lazy to rich."
    events.append(("phase", 4600, {"phase": "grokked"}))
    done = said(live("kumar-poly", values=lazy_to_rich(steps_up_to(9000)), last=9000, events=events))
    assert done.says.startswith("Grokked at 4,600, no weight decay: kernel distance 0.39, norm 9 → 11")
    assert {lazy.theory, moving.theory, done.theory} == {LAZY_TO_RICH}


def test_a_kernel_that_cannot_move_speaks_for_neither(live: Live) -> None:
    values = linear(steps_up_to(1000))
    events: list[Any] = [("phase", 300, {"phase": "memorized"})]
    waiting = said(live("linear", values=values, last=1000, events=events))
    assert "kernel cannot move" in waiting.says
    events.append(("phase", 2100, {"phase": "grokked"}))
    done = said(live("linear", values=linear(steps_up_to(4000)), last=4000, events=events))
    assert "1,800 steps late, with kernel drift 0" in done.says
    assert waiting.theory == done.theory == NEITHER


def test_paused(live: Live) -> None:
    told = said(live(status="paused", events=MEMORISED, last=600))
    assert told.says == "Paused at 600: space goes on, . takes one chunk."


def test_failed_says_why(runs: Path) -> None:
    run = record(runs, status="failed", events=[("failed", 3400, {"reason": "train loss is nan\nTraceback"})])
    assert said(run).says == "Failed at 3,400: train loss is nan"
    run = record(runs, status="failed", error="x" * 300)
    assert len(said(run).says) <= 78


def test_interrupted_can_go_on(runs: Path) -> None:
    assert said(record(runs, status="interrupted")).says.startswith("Stopped at 3,400. space goes on")
    killed = record(runs, status="running")  # nobody holds it: its engine died
    assert said(killed).says.startswith("Stopped at 3,400.")


def test_finished_without_grokking(runs: Path) -> None:
    values = delay_law(steps_up_to(4000), t_grok=None)
    off = record(runs, "modadd-wd-off", last=4000, values=values, events=[*MEMORISED, steered(40, 1.0, 0.0)])
    assert "without grokking: weight decay off, the norm stayed at 68" in said(off).says
    on = record(runs, last=4000, values=values, events=MEMORISED)
    assert said(on).says == "Finished at 4,000 without grokking; the norm came to 68."
    never = record(runs, last=30)
    assert "without memorising" in said(never).says


FACTS = Facts(
    status="running", step=1_234_567, steps=2_000_000, phases=Phases(None, None), wd=1.0, lr=8e-3,
    ever_decayed=True, is_linear=False, acc=(0.9999, 0.0123), loss=(1.23e-12, 12345.6), norm=12345.6,
    norm_start=1.23e-5, norm_at_mem=12345.6, norm_top=12345.6, norm_at_grok=123.4, norm_change=-0.1,
    distance=0.123, drift=1.23e5, steering=Steering(1_234_000, 0.0, 5.62e-4, 12345.6),
)  # fmt: skip


def test_no_sentence_is_wider_than_80_columns() -> None:
    everything = product(
        ("starting", "running", "paused", "finished", "interrupted"),
        (Phases(None, None), Phases(123_456, None), Phases(123_456, 1_234_567), Phases(5, 5)),
        (0.0, 5.62e-9, 1.0),
        (True, False),
        (True, False),
        (-0.1, 0.0, 0.1),
        (None, 1.23e-5, 0.123),
        (None, FACTS.steering),
    )
    for status, phases, wd, decayed, is_linear, change, distance, steering in everything:
        facts = replace(
            FACTS, status=status, phases=phases, wd=wd, ever_decayed=decayed, is_linear=is_linear,
            norm_change=change, distance=distance, steering=steering,
        )  # fmt: skip
        told = say(facts)
        assert len(told.says) <= 78, told.says
        assert "None" not in told.says + told.more


def test_a_sentence_needs_no_measure() -> None:
    bare = replace(
        FACTS, acc=(None, None), loss=(None, None), norm=None, norm_start=None, norm_top=None, norm_at_grok=None,
        distance=None, drift=None, steering=None,
    )  # fmt: skip
    for phases in (Phases(None, None), Phases(5, None), Phases(5, 50)):
        for wd, decayed in ((1.0, True), (0.0, True), (0.0, False)):
            assert say(replace(bare, phases=phases, wd=wd, ever_decayed=decayed)).says


def test_curves_of_nothing_but_nan(runs: Path) -> None:
    values = {name: np.full_like(column, np.nan) for name, column in delay_law(steps_up_to(3400)).items()}
    assert said(record(runs, values=values, status="failed", error="train loss is nan")).says.startswith("Failed")
