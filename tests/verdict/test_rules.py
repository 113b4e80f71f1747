"""The table of rules: each rule can be the first that holds, and its words are plain."""

import re
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import pytest
from msgspec import structs

from grok_tui.config import presets
from grok_tui.verdict import DELAY_LAW, LAZY_TO_RICH, NEITHER
from grok_tui.verdict.facts import Facts, Moment, Steering
from grok_tui.verdict.rules import RULES, Rule
from grok_tui.verdict.sentence import PLACE, fill, judge, phrase, rule_for
from grok_tui.verdict.series import Phases, Time

TURN = Steering(1_234_000, 0.0, 5.62e-4, 12345.6)
FACTS = Facts(
    run="2026-11-21_142233_modadd-mlp_s0_k3f9", config=presets.load_preset("modadd-fast"), status="running",
    step=1_234_567, phases=Phases(), wd=1.0, lr=8e-3, lr_field=8e-3, ever_decayed=True,
    train_acc=0.9999, test_acc=0.9123, train_loss=1.23e-12, test_loss=12345.6, train_halved=99_999,
    test_halved=1_123_456, twin_loss=1e9, start=Moment(1.23e-5, 0.0), at_mem=Moment(12345.6, 0.123),
    at_grok=Moment(123.4, 0.9999), now=Moment(12345.6, 0.123), norm_top=12345.6, norm_change=-0.1, drift=1.23e5,
    contraction=1.4142, turn=TURN, reason="the train loss is nan", checkpoint=1_200_000,
)  # fmt: skip

CONFIGS = ("modadd-fast", "kumar-poly", "xor-cluster", "linear", "rfm", "teacher-student", "kumar-eigenvector")
EXACT, WIDE = Time(1_234_567, 1_234_566), Time(1_234_567, 1_134_567)
PHASES = (
    Phases(), Phases(Time(99_999)), Phases(Time(99_999), EXACT), Phases(Time(99_999), Time(1_234_567, 1_220_000)),
    Phases(Time(99_999), WIDE), Phases(Time(5), Time(5)),
)  # fmt: skip
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"now": Moment(1e-9, None), "train_acc": None, "twin_loss": None},
    {"now": Moment(12345.6, 1.23e-5), "at_grok": Moment(12345.6, 1.23e-5), "norm_change": 0.1, "reason": "disk full"},
    {"now": Moment(12345.6, 0.123, 12345.6), "at_grok": Moment(123.4, 0.9999, 12345.6), "turn": None},
    {"now": Moment(12345.6, 0.123, 1.23), "at_grok": Moment(123.4, None, 0.0), "norm_change": 0.0},
    {"train_acc": None, "train_loss": None, "test_acc": 0.1, "rescale": Steering(1_234_100, 12345.6, 99.9, None)},
    {"at_mem": Moment(1.23e-5, 0.01), "turn": None, "norm_change": 0.0},
    {"turn": None, "norm_change": 0.1},
    {"turn": None, "norm_change": -0.1},
)
DECAYS = ((1.0, True), (5.62e-9, True), (0.0, True), (0.0, False))
STATUSES = ("starting", "running", "paused", "finished", "interrupted", "failed")


@cache
def all_facts() -> tuple[Facts, ...]:
    found = []
    for name, status, phases, kind, (wd, decayed) in product(CONFIGS, STATUSES, PHASES, KINDS, DECAYS):
        config = presets.load_preset(name)
        for theory in sorted({config.theory, "neither"}):
            given = {"config": structs.replace(config, theory=theory), "wd": wd, "ever_decayed": decayed}
            found.append(replace(FACTS, status=status, phases=phases, **given, **kind))
    return tuple(found)


@pytest.mark.parametrize("number", range(len(RULES)))
def test_each_rule_is_the_first_that_holds_for_some_run(number: int) -> None:
    assert RULES[number] in reached(), RULES[number].says


@cache
def reached() -> frozenset[Rule]:
    return frozenset(rule_for(f) for f in all_facts())


def test_some_rule_holds_for_every_run() -> None:
    for f in all_facts():
        assert judge(f).says


@pytest.mark.parametrize("number", range(len(RULES)))
def test_what_a_rule_names_exists(number: int) -> None:
    """Of a run that has everything each phrase is known, so that no misspelt name hides as one that is missing."""
    full = replace(
        FACTS, phases=PHASES[3], config=presets.load_preset("kumar-eigenvector"), rescale=TURN,
        at_grok=Moment(1.0, 1.0, 1.0), now=Moment(1.0, 1.0, 1.0),
    )  # fmt: skip
    tolerant = replace(full, config=presets.load_preset("teacher-student"))
    rule = RULES[number]
    for name in re.findall(PLACE, " ".join((rule.says, *rule.more))):
        assert any(phrase(f, name) is not None for f in (full, tolerant)), name


def test_theories_are_known_and_sentences_end() -> None:
    for f in all_facts():
        told = judge(f)
        assert told.theory in ("", DELAY_LAW, LAZY_TO_RICH, NEITHER)
        assert len(told.says) <= 155, told.says
        for part in (told.says, *told.more):
            assert not re.search(r"None|[{}]|\.\.|  ", part), part
            assert part.endswith(".") or "grok-tui resume" in part, part


def test_no_number_is_unknown_in_a_run_that_measures_everything() -> None:
    for f in all_facts():
        if f.now.distance is not None and f.train_acc is not None:
            assert "unknown" not in judge(f).says, judge(f).says


JARGON = (
    "V", "turned by", "theory speaks", "twin", "wd", "lr·wd", "let go", "by hand", "whatever decays", "hangs", "pulls?",
    "outruns?", "As the delay law has it", "So does", "kernel distance", "at init", "NTK", "space goes on", "chunk",
    "hump", "hear", "told", "the lower, the sooner", "t_mem", "t_grok", "rich regime", "probe",
)  # fmt: skip


@pytest.mark.parametrize("word", JARGON)
def test_words_are_plain(word: str) -> None:
    for text in texts():
        assert not re.search(rf"\b{word}\b", text), text


@cache
def texts() -> frozenset[str]:
    told = [fill(rule_for(f), f) for f in all_facts()]
    return frozenset(text for one in told for text in (one.says, *one.more))


def test_no_key_of_the_screen_is_named() -> None:
    """The command line prints the verdict, too."""
    assert not [text for text in texts() if re.search(r"\b(press|space|enter|esc)\b", text)]


def test_a_run_that_measures_nothing_gets_a_verdict() -> None:
    for name, status, phases in product(CONFIGS, STATUSES, PHASES):
        bare = Facts(run="x", config=presets.load_preset(name), status=status, step=9, phases=phases)
        assert judge(bare).says
