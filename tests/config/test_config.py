"""Configs: what presets hold, what overrides do, and the one line that each kind of bad input gets."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_tui.config import presets
from grok_tui.config.check import is_prime, nearest_prime
from grok_tui.config.fields import field, fields, replace, steerable
from grok_tui.config.load import load, resolve, to_toml
from grok_tui.config.measures import MEASURES
from grok_tui.errors import UsageError
from small import GrokTui


@pytest.mark.parametrize("name", presets.names())
def test_preset_is_whole_and_survives_a_round_trip(name: str) -> None:
    config = presets.load_preset(name)
    assert resolve(tomllib.loads(to_toml(config)), "again") == config
    assert all((config.title, config.source, config.theory, config.says, config.look))


def test_the_presets_of_the_issue_are_there() -> None:
    assert presets.names()[0] == presets.DEFAULT == "modadd-mlp"
    promised = "modadd-mlp modadd-fast modadd-wd-off modadd-transformer kumar-poly kumar-alpha parity linear"
    assert set(presets.names()) >= set(promised.split())


def test_flag_beats_environment_beats_preset_beats_default() -> None:
    path = presets.path("modadd-fast")
    assert load(path, env={}).optim.lr == 8e-3
    assert load(path, env={"GROK_TUI_OPTIM_LR": "0.5"}).optim.lr == 0.5
    assert load(path, ["optim.lr=0.25"], env={"GROK_TUI_OPTIM_LR": "0.5"}).optim.lr == 0.25
    assert load(path, env={}).optim.beta1 == 0.9


def test_short_names_and_bare_names_reach_fields() -> None:
    config = presets.load_preset("modadd-mlp", ["wd=0.1", "lr=2e-3", "frac_train=0.5"])
    assert (config.optim.weight_decay, config.optim.lr, config.task.frac_train) == (0.1, 2e-3, 0.5)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("False", False), ("0", False)])
def test_true_and_false_may_be_written_in_several_ways(text: str, value: bool) -> None:
    assert load(presets.path("modadd-fast"), env={"GROK_TUI_MODEL_CENTERED": text}).model.centered is value


def test_choosing_another_model_drops_the_fields_of_the_old_one() -> None:
    config = presets.load_preset("modadd-mlp", ["model.name=transformer", "model.n_heads=2"])
    assert (config.model.name, config.model.n_heads) == ("transformer", 2)


BAD = {
    "optim.lr=abc": "optim.lr: expected a number from 1e-20 to 1e9, got abc",
    "optim.lr=-1": "optim.lr: expected a number from 1e-20 to 1e9, got -1",
    "optim.lr=inf": "optim.lr: expected a finite number from 1e-20 to 1e9, got inf",
    "wd=nan": "optim.weight_decay: expected a finite number from 0 to 1e9, got nan",
    "optm.lr=1": "optm.lr: no such field; did you mean optim.lr?",
    "model.activation=sigmoid": "model.activation: expected gelu or relu or tanh, got sigmoid",
    "train.steps=1.5": "train.steps: expected a whole number from 1 to 10,000,000,000, got 1.5",
    "task.p=60": "task.p: 60 is not prime; the nearest is 59",
    "task.frac_train=1e-5": "task.frac_train: 1e-05 of the pairs mod 59 leaves no train data",
    "task.frac_train=1": "task.frac_train: expected a number > 0 and < 1, got 1",
    "model.name=committee": "model.name: committee takes vectors, but task.name modular-addition gives tokens",
    "model.name=mpl": "model.name: no model mpl; did you mean mlp?",
    "model.n_heads=2": "model.n_heads: model embedding-mlp does not read it",
    "optim.lr": "--set optim.lr: expected KEY=VALUE",
    "train.batch_size=100000": "train.batch_size: 100000 is more than 1392 train examples",
    "phase.test_acc=0": "phase: give a threshold for train (train_acc or train_loss) and for test",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_value_says_what_and_what_would_be_right(text: str) -> None:
    with pytest.raises(UsageError) as error:
        presets.load_preset("modadd-mlp", [text])
    assert BAD[text] in str(error.value)
    assert "\n" not in str(error.value)


FILES = {
    "title = 'x'\n[task\n": ":2: not TOML",
    "titel = 'x'\n": "titel: no such key; did you mean title?",
    "title = 'x'\n": "[task] is missing",
    "[task]\np = 5\n": "task.name is missing",
    "[task]\nname = 'modular-addition'\nq = 3\n": "task.q: no such field",
}


@pytest.mark.parametrize("text", FILES)
def test_a_bad_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as error:
        load(file, env={})
    assert str(error.value).startswith(f"{file}")
    assert FILES[text] in str(error.value)


def edited(tmp_path: Path, preset: str, old: str, new: str) -> Path:
    text = presets.path(preset).read_text()
    assert old in text
    file = tmp_path / "edited.toml"
    file.write_text(text.replace(old, new))
    return file


SCHEDULES = {
    'on = "memorized"\nset = { "optim.wieght_decay" = 0.0 }': "cannot be steered; did you mean optim.weight_decay?",
    'set = { "optim.weight_decay" = 0.0 }': "schedule[0]: give either step = N or on =",
    'on = "memorized"\nstep = 3\nset = { "optim.weight_decay" = 0.0 }': "schedule[0]: give either step = N or on =",
    'on = "memorised"\nset = { "optim.weight_decay" = 0.0 }': "schedule[0].on",
    'step = -1\nset = { "optim.weight_decay" = 0.0 }': "schedule[0].step: expected a whole number from 0 to",
    'step = 5\nset = { "optim.weight_decay" = -2.0 }': "optim.weight_decay: expected a number from 0 to 1e9, got -2.0",
    'step = 5\nset = { "task.p" = 7 }': "task.p cannot be steered",
    "step = 5\nset = {}": "schedule[0].set: it changes nothing",
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_bad_schedule_is_refused(tmp_path: Path, schedule: str) -> None:
    file = edited(tmp_path, "modadd-wd-off", 'on = "memorized"\nset = { "optim.weight_decay" = 0.0 }', schedule)
    with pytest.raises(UsageError) as error:
        load(file, env={})
    assert SCHEDULES[schedule] in str(error.value)


def test_a_wrong_type_in_a_file_names_the_field(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"optim.lr: expected a number from 1e-20 to 1e9, got fast"):
        load(edited(tmp_path, "modadd-mlp", "lr = 1e-3", 'lr = "fast"'), env={})


def test_accuracy_thresholds_need_a_task_that_has_accuracy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="polynomial has no accuracy"):
        load(edited(tmp_path, "kumar-poly", "train_loss = 0.1", "train_acc = 0.9"), env={})


def test_every_field_is_described() -> None:
    assert all(f.text for f in fields().values())
    assert {key for key, f in fields().items() if f.steerable} == {
        "model.alpha", "optim.lr", "optim.weight_decay", "optim.momentum", "optim.beta1", "optim.beta2",
        "optim.hold_norm", "optim.ridge",
    }  # fmt: skip


def test_steerable_fields_are_those_that_the_run_reads() -> None:
    assert set(steerable(presets.load_preset("kumar-poly"))) == {
        "model.alpha", "optim.lr", "optim.weight_decay", "optim.momentum", "optim.hold_norm",
    }  # fmt: skip


def test_replace_changes_a_copy() -> None:
    config = presets.load_preset("modadd-mlp")
    changed = replace(config, {"optim.lr": 0.5})
    assert (config.optim.lr, changed.optim.lr) == (1e-3, 0.5)


@given(st.floats(min_value=1e-30, max_value=1e9))
def test_any_weight_decay_within_the_limits_is_kept_exactly(value: float) -> None:
    assert field("wd").convert(value) == field("wd").parse(repr(value)) == value


def test_unknown_field_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"did you mean optim\.weight_decay"):
        field("optim.weightdecay")


def test_primes() -> None:
    assert [p for p in range(30) if is_prime(p)] == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
    assert nearest_prime(60) == 59
    assert nearest_prime(62) == 61


def test_presets_fields_prints_every_field_and_measure_with_its_meaning(grok_tui: GrokTui) -> None:
    text = grok_tui("presets", "fields").stdout
    for known in fields().values():
        assert f"\n{known.key}: " in f"\n{text}"
        assert known.text in text
    assert "optim.lr: a number from 1e-20 to 1e9; default 0.001; can be changed while the run trains\n" in text
    assert all(measure.meaning in text for measure in MEASURES.values())
    lines = [json.loads(line) for line in grok_tui("presets", "fields", "--json").stdout.splitlines()]
    assert [line["field"] for line in lines if "field" in line] == list(fields())
    assert {line["measure"] for line in lines if "measure" in line} == set(MEASURES)
