"""What a sweep plans: names that follow from the computation, and what is done again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from grok_tui.config.fields import TEXT_FIELDS
from grok_tui.errors import RunHeld, UsageError
from grok_tui.store.jsonl import append_line
from grok_tui.sweep import plan as module
from grok_tui.sweep.plan import Asked, Cell, PlannedRun, plan
from small import small


def cell(*sets: str, label: str = "a", stop_on: str | None = None) -> Cell:
    return Cell(label, small("modadd-fast", *sets), "modadd-fast", stop_on)


def ids(*cells: Cell, asked: Asked = module.ONE_CORE) -> list[str]:
    return [each.run.id for each in plan(cells, (0, 1), Path("sweep"), asked)]


def test_every_cell_is_planned_with_every_seed() -> None:
    planned = plan([cell(), cell("optim.lr=0.1", label="b")], (3, 4), Path("sweep"))
    assert [(each.cell.label, each.seeds, each.config.train.seed) for each in planned] == [
        ("a", (3,), 3), ("a", (4,), 4), ("b", (3,), 3), ("b", (4,), 4),
    ]  # fmt: skip
    assert len({each.run.path for each in planned}) == 4
    assert all(re.fullmatch(r"modadd-fast_[0-9a-f]{10}_s[34]", each.run.id) for each in planned)
    assert planned[2].name == "modadd-fast b seed 3"


TEXTS = {name: "lazy to rich" if name == "theory" else "other words" for name in TEXT_FIELDS}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_for_people_do_not_count(name: str) -> None:
    changed = msgspec.structs.replace(cell().config, **{name: TEXTS[name]})
    assert changed != cell().config
    assert ids(cell()) == ids(Cell("a", changed, "modadd-fast"))


@pytest.mark.parametrize("sets", ["train.pace=30", "measure.disk=7"])
def test_pace_and_disk_do_not_count_and_nor_does_the_label(sets: str) -> None:
    assert ids(cell()) == ids(cell(sets, label="b"))


def test_what_changes_the_numbers_changes_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ids(cell())
    assert len(set(first)) == 2
    others = [
        ids(cell("optim.lr=0.1")), ids(cell("measure.budget=0.5")), ids(cell(stop_on="grok")),
        *(ids(cell(), asked=asked) for asked in (Asked(backend="plain"), Asked(device="cuda"), Asked(threads=2))),
    ]  # fmt: skip
    monkeypatch.setattr(module, "COMPUTATION", module.COMPUTATION + 1)
    others.append(ids(cell()))
    assert len({name for names in [first, *others] for name in names}) == 2 * (1 + len(others))


def test_seeds_may_train_together(tmp_path: Path) -> None:
    (planned,) = plan([cell()], (0, 1), tmp_path, together=True)
    assert planned.name == "modadd-fast a seeds 0, 1"
    assert planned.prepare() is False
    assert planned.run.info()["seeds"] == [0, 1]
    assert (planned.run.seed(1).path / "config.toml").exists()
    planned.run.seed(0).checkpoint(0).touch()
    assert planned.can_resume()


def test_a_config_that_cannot_be_trained_is_refused_when_it_is_planned() -> None:
    digits = Cell("a", small("mnist-alpha", "task.path=/nowhere"), "mnist-alpha")
    with pytest.raises(UsageError, match="/nowhere"):
        plan([digits], (0,), Path("sweep"))


@pytest.fixture
def planned(tmp_path: Path) -> PlannedRun:
    return plan([cell()], (0,), tmp_path)[0]


def test_a_directory_that_no_engine_wrote_in_is_made_again(planned: PlannedRun) -> None:
    assert planned.outcome() == "missing"
    assert planned.prepare() is False
    assert (planned.outcome(), planned.can_resume()) == ("interrupted", False)
    (planned.run.path / "left").touch()
    assert planned.prepare() is False
    assert not (planned.run.path / "left").exists()
    planned.run.run_json.write_text("{")
    assert (planned.outcome(), planned.can_resume()) == ("interrupted", False)  # run.json is rebuilt from the rest
    assert planned.prepare() is False


def test_an_interrupted_run_resumes_and_a_failed_one_starts_again(planned: PlannedRun) -> None:
    planned.prepare()
    planned.run.checkpoint(0).touch()
    assert planned.prepare() is True
    planned.run.update_info(status="failed", error="No space left on device")
    assert (planned.outcome(), planned.can_resume(), planned.has_ended) == ("failed", False, False)
    assert planned.prepare() is False
    assert planned.run.checkpoint_steps() == []


def test_a_diverged_run_has_ended(planned: PlannedRun) -> None:
    planned.prepare()
    append_line(planned.run.events_jsonl, {"seq": 1, "time": "", "type": "failed", "step": 3, "reason": "loss is nan"})
    planned.run.update_info(status="failed")
    assert (planned.outcome(), planned.has_ended) == ("diverged", True)


def test_a_run_that_an_engine_holds_is_not_touched(planned: PlannedRun) -> None:
    planned.prepare()
    (planned.run.path / "left").touch()
    lock = planned.run.acquire()
    with pytest.raises(RunHeld, match=planned.run.id):
        planned.prepare()
    os.close(lock)
    assert (planned.run.path / "left").exists()


def test_planning_and_launching_import_no_torch_and_no_screen() -> None:
    code = (
        "import sys, grok_tui.sweep.local, grok_tui.sweep.worker\n"
        "assert not {'torch', 'textual', 'typer', 'rich', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
