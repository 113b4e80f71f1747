"""The command line by its exit codes and its JSON, as a real process without a terminal."""

from __future__ import annotations

import csv
import json
import math
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grok_tui.cli.runs import LAST_ROWS
from grok_tui.config import presets
from small import SMALL, GrokTui


def run(preset: str, *sets: str) -> list[str]:
    """`run` on a small preset."""
    return ["run", "--preset", preset, *(part for text in [*SMALL[preset], *sets] for part in ("--set", text))]


def result(output: str) -> dict[str, Any]:
    """The last line of `--json`."""
    lines = [json.loads(line) for line in output.splitlines()]
    assert lines[-1]["type"] == "result"
    assert all(line["type"] != "result" for line in lines[:-1])
    return lines[-1]


def test_run_as_json(grok_tui: GrokTui, tmp_path: Path) -> None:
    done = grok_tui(*run("modadd-fast", "train.steps=40"), "--json", "--seed", "3")
    assert (done.returncode, done.stderr) == (0, "")
    last = result(done.stdout)
    assert (last["status"], last["step"]) == ("finished", 40)
    assert set(last) == {"type", "run", "path", "status", "step", "t_mem", "t_grok", "delay", "interval"}
    records = [json.loads(line) for line in done.stdout.splitlines()]
    rows = [record for record in records if record["type"] == "row"]
    with (tmp_path / last["path"] / "metrics.csv").open() as file:
        written = list(csv.DictReader(file))
    assert [int(row["step"]) for row in written] == [row["step"] for row in rows]
    assert float(written[-1]["test/loss"]) == rows[-1]["test/loss"]


def test_config_of_a_run_repeats_it(grok_tui: GrokTui, tmp_path: Path) -> None:
    first = result(grok_tui(*run("modadd-wd-off", "train.steps=60", "train.seed=5"), "--json").stdout)
    config = tmp_path / first["path"] / "config.toml"
    second = result(grok_tui("run", "--config", str(config), "--json").stdout)
    assert (tmp_path / second["path"] / "metrics.csv").read_bytes() == (config.parent / "metrics.csv").read_bytes()


@pytest.mark.parametrize("preset", presets.names())
def test_every_preset_runs_as_it_is(grok_tui: GrokTui, tmp_path: Path, preset: str) -> None:
    done = grok_tui("run", "--preset", preset, "--steps", "20", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert " finished at 20 " in done.stdout
    (written,) = (tmp_path / "runs").iterdir()
    with (written / "metrics.csv").open() as file:
        (*_, last) = csv.DictReader(file)
    losses = [float(last[name]) for name in last if name.endswith("loss")]
    assert len(losses) >= 2
    assert all(math.isfinite(loss) for loss in losses)


def test_without_a_terminal_progress_is_plain_lines(grok_tui: GrokTui) -> None:
    done = grok_tui(*run("modadd-wd-off", "train.steps=200", "phase.train_acc=0.5"))
    lines = done.stderr.splitlines()
    assert any(line.endswith(": memorised") for line in lines)
    assert any("optim.weight_decay 1 -> 0 by the schedule" in line for line in lines)
    assert "\x1b" not in done.stderr + done.stdout


def test_exit_3_where_the_target_was_not_reached(grok_tui: GrokTui) -> None:
    done = grok_tui(*run("modadd-fast", "train.steps=5"), "--stop-on", "grok", "--json")
    assert done.returncode == 3
    assert result(done.stdout)["t_grok"] is None


def test_exit_0_and_the_step_where_it_was(grok_tui: GrokTui) -> None:
    done = grok_tui(*run("modadd-fast", "train.steps=500", "phase.test_acc=0.01"), "--stop-on", "grok", "--json")
    assert done.returncode == 0
    last = result(done.stdout)
    assert last["step"] == last["t_grok"] < 500


def test_a_diverging_run_fails_with_exit_1(grok_tui: GrokTui, tmp_path: Path) -> None:
    done = grok_tui(*run("kumar-poly", "optim.lr=1e6", "train.steps=300"), "--json")
    assert done.returncode == 1
    last = result(done.stdout)
    assert last["status"] == "failed"
    assert list((tmp_path / last["path"] / "checkpoints").glob("*.safetensors"))
    assert "diverged" in json.loads((tmp_path / last["path"] / "run.json").read_text())["error"]
    assert all(json.loads(line) for line in done.stdout.splitlines())  # nan is not JSON
    shown = grok_tui("runs", "show").stdout
    assert "diverged at step" in shown
    assert "--set lr=/10" in shown
    assert any({"nan", "inf"} & set(line.split()) for line in shown.splitlines()[-LAST_ROWS:])


BAD = {
    "run": "give one of --preset and --config",
    "run --preset modad-fast": "no preset modad-fast; did you mean modadd-fast?",
    "run --preset modadd-fast --set optm.lr=1": "did you mean optim.lr?",
    "run --preset modadd-fast --set wd=-1": "optim.weight_decay: expected",
    "run --preset modadd-fast --set task.p=60": "60 is not prime; the nearest is 59",
    "run --preset modadd-fast --set task.frac_train=1": "task.frac_train: expected",
    "run --preset modadd-fast --set task.frac_train=0.0001": "0.0001 of the pairs mod 59 leaves no train data",
    "run --preset modadd-fast --device cuda:99": "--device cuda:99",
    "run --preset modadd-fast --device gpu": "expected auto, cpu, cuda, cuda:N or mps",
    "run --preset modadd-fast --runs /proc/none": "--runs /proc/none: cannot be written",
    "run --preset modadd-fast --stop-on grkk": "Invalid value for '--stop-on'",
    "run --preset modadd-fast --name a/b": "--name a/b",
    "run --preset modadd-fast --steps 0": "train.steps: expected a whole number",
    "run --preset modadd-fast --steps many": "Invalid value for '--steps'",
    "run --preset modadd-fast --seeds 1": "Invalid value for '--seeds'",
    "run --preset modadd-fast --threads 0": "Invalid value for '--threads'",
    "run --preset modadd-fast --backend plan": "'plan' is not one of 'fast', 'plain'",
    "verify --backend slow": "'slow' is not one of 'fast', 'plain'",
    "bench transfomer": "no part transfomer; did you mean transformer?",
    "run --config nothing.toml": "nothing.toml: cannot be read",
    "run --presett x": "No such option: --presett",
    "dance": "No such command 'dance'",
    "resume": "no runs in runs",
    "attach": "no runs in runs",
    "steer latest wd=1": "no runs in runs",
    "runs show nothing": "no runs in runs",
    "presets show modad": "no preset modad",
    "": "no terminal here for the app; train without one: grok-tui run --preset NAME",
    "--preset nope": "no preset nope",
}


@pytest.mark.parametrize("arguments", BAD)
def test_bad_input_is_one_line_and_exit_2_and_nothing_written(
    grok_tui: GrokTui, tmp_path: Path, arguments: str
) -> None:
    done = grok_tui(*arguments.split())
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert BAD[arguments] in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_toml_error_names_file_and_line(grok_tui: GrokTui, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("title = 'x'\n[task\n")
    for arguments in (["run", "--config", "broken.toml"], ["presets", "check", "broken.toml"]):
        done = grok_tui(*arguments)
        assert done.returncode == 2
        assert "broken.toml:2: not TOML" in done.stderr


def test_a_preset_without_a_terminal_trains_headless_and_says_so(grok_tui: GrokTui, tmp_path: Path) -> None:
    arguments = [part for text in [*SMALL["modadd-fast"], "train.steps=20"] for part in ("--set", text)]
    done = grok_tui("--preset", "modadd-fast", *arguments)
    assert done.returncode == 0
    assert "no terminal here: training without a screen" in done.stderr
    assert " finished at 20 " in done.stdout


def test_presets_commands(grok_tui: GrokTui) -> None:
    listed = [json.loads(line) for line in grok_tui("presets", "list", "--json").stdout.splitlines()]
    assert {item["preset"] for item in listed} == set(presets.names())
    assert grok_tui("presets", "check").returncode == 0
    shown = grok_tui("presets", "show", "parity", "--set", "lr=0.5").stdout
    assert "lr = 0.5" in shown


def test_runs_commands(grok_tui: GrokTui, tmp_path: Path) -> None:
    assert grok_tui("runs", "list").stderr == "grok-tui: no runs in runs\n"
    last = result(grok_tui(*run("modadd-fast", "train.steps=20"), "--json").stdout)
    (tmp_path / "runs" / "foreign").mkdir()
    listed = grok_tui("runs", "list", "--json")
    assert [json.loads(line)["run"] for line in listed.stdout.splitlines()] == [last["run"]]
    assert "skipped runs/foreign: not a run" in listed.stderr
    shown = json.loads(grok_tui("runs", "show", "latest", "--json").stdout)
    assert (shown["id"], shown["status"], shown["last"]["train/loss"] > 0) == (last["run"], "finished", True)
    assert "finished" in grok_tui("runs", "show").stdout
    assert grok_tui("runs", "rm", "latest").returncode == 2
    assert grok_tui("runs", "rm", "latest", "--yes").returncode == 0
    assert grok_tui("runs", "list", "--json").stdout == ""


def test_a_finished_run_is_not_resumed_or_steered(grok_tui: GrokTui) -> None:
    grok_tui(*run("modadd-fast", "train.steps=10"))
    for arguments in (["resume"], ["steer", "latest", "wd=0.1"]):
        done = grok_tui(*arguments)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1


def test_doctor(grok_tui: GrokTui) -> None:
    done = grok_tui("doctor", "--json")
    found = {item["what"]: item for item in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0
    assert found["terminal"]["found"] == "none"
    assert {"torch", "cpu", "encoding", "runs"} <= set(found)


def test_the_environment_sets_fields_and_options(grok_tui: GrokTui, tmp_path: Path) -> None:
    env = {"GROK_TUI_TRAIN_STEPS": "12", "GROK_TUI_RUNS": str(tmp_path / "elsewhere")}
    last = result(grok_tui(*run("modadd-fast"), "--json", env=env).stdout)
    assert last["step"] == 12
    assert last["path"].startswith(str(tmp_path / "elsewhere"))


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_first(tmp_path: Path, signum: int, code: int) -> None:
    arguments = [*run("modadd-fast", "train.steps=1000000"), "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "grok_tui", *arguments], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["step"] > 20:
                process.send_signal(signum)
                break
        last = [json.loads(line) for line in process.stdout][-1]
    assert process.returncode == code
    assert last["status"] == "interrupted"
    assert (tmp_path / last["path"] / "checkpoints" / f"step_{last['step']:09d}.safetensors").exists()


def test_detached_steered_and_held(grok_tui: GrokTui, tmp_path: Path) -> None:
    path = tmp_path / grok_tui(*run("modadd-fast", "train.steps=1000000"), "--detach").stdout.strip()
    try:
        steered = grok_tui("steer", "latest", "wd=0.1", "lr=x2")
        assert steered.returncode == 0
        assert [line.split(": ")[1] for line in steered.stdout.splitlines()] == [
            "optim.weight_decay 1 -> 0.1", "optim.lr 0.008 -> 0.016",
        ]  # fmt: skip
        frozen = grok_tui("steer", "latest", "hold_norm=x1").stdout
        assert re.fullmatch(r"step \d+: optim\.hold_norm 0 -> [\d.]+\n", frozen)
        assert "held" in grok_tui("steer", "latest", "norm=x0.5").stderr
        assert grok_tui("steer", "latest", "hold_norm=0").returncode == 0
        rescaled = grok_tui("steer", "latest", "norm=x0.5").stdout
        old, new = map(float, re.findall(r"norm ([\d.]+) -> ([\d.]+)", rescaled)[0])
        assert new == pytest.approx(old / 2, rel=0.01)
        for bad, reason in (
            ("norm=0", "expected a number from 1e-12"),
            ("wd=-1", "expected a number"),
            ("lr=abc", "got abc"),
            ("lr=/0", "expected a factor > 0"),
        ):
            refused = grok_tui("steer", "latest", bad)
            assert (refused.returncode, reason in refused.stderr) == (2, True)
        held = grok_tui("resume", "latest")
        assert (held.returncode, "held by another engine" in held.stderr) == (4, True)
        assert grok_tui("runs", "rm", "latest", "--yes").returncode == 4
    finally:
        stopped = grok_tui("stop", "latest", "--json")
    assert stopped.returncode == 0
    assert json.loads(stopped.stdout)["status"] == "interrupted"
    assert json.loads((path / "run.json").read_text())["status"] == "interrupted"


def test_many_seeds_are_one_run_of_ordinary_runs(grok_tui: GrokTui, tmp_path: Path) -> None:
    done = grok_tui(*run("modadd-fast", "train.steps=30"), "--seeds", "3", "--seed", "4", "--threads", "1", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    last = result(done.stdout)
    assert {"memorized", "grokked"} < set(last)
    folder = tmp_path / last["path"]
    info = json.loads((folder / "run.json").read_text())
    assert (info["seeds"], info["status"], info["progress"]["step"]) == ([4, 5, 6], "finished", 30)
    for seed in info["seeds"]:
        of_seed = json.loads((folder / f"seed_{seed}" / "run.json").read_text())
        assert (of_seed["seed"], of_seed["status"]) == (seed, "finished")
        shown = grok_tui("runs", "show", str(folder / f"seed_{seed}"), "--json")
        assert json.loads(shown.stdout)["last"]["test/loss"] > 0
    assert len(grok_tui("runs", "list", "--json").stdout.splitlines()) == 1
    assert "3, of which 0 have grokked" in grok_tui("runs", "show").stdout


def test_stop_on_grok_waits_for_every_seed(grok_tui: GrokTui) -> None:
    arguments = run("modadd-fast", "train.steps=30", "phase.train_acc=0.001", "phase.test_acc=0.001")
    done = grok_tui(*arguments, "--seeds", "2", "--stop-on", "grok", "--json")
    assert (done.returncode, result(done.stdout)["grokked"], result(done.stdout)["step"]) == (0, 2, 0)
    never = grok_tui(*run("modadd-fast", "train.steps=3"), "--seeds", "2", "--stop-on", "grok", "--json")
    assert (never.returncode, result(never.stdout)["grokked"]) == (3, 0)


def test_the_backend_is_kept_and_the_curves_are_the_same(grok_tui: GrokTui, tmp_path: Path) -> None:
    losses = []
    for backend, gradient in (("fast", "by hand"), ("plain", "autograd")):
        done = grok_tui(*run("modadd-fast", "train.steps=20", "train.dtype=float64"), "--backend", backend, "--json")
        folder = tmp_path / result(done.stdout)["path"]
        assert json.loads((folder / "run.json").read_text())["used"]["backend"]["gradient"] == gradient
        with (folder / "metrics.csv").open() as file:
            losses.append(float(list(csv.DictReader(file))[-1]["train/loss"]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
