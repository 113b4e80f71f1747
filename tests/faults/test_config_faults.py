"""Faults of the config: input that once crashed, hung, passed silently or did not say what was wrong.

The numbers are those of the list of faults. Each test covers the class: the case that was reported, and its siblings.
"""

import json
import os
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from grok_tui.config import presets
from grok_tui.config.fields import fields
from grok_tui.config.load import LARGEST_FILE, load, read_toml, to_toml, variable
from grok_tui.config.names import NAMED, TASKS
from grok_tui.config.paths import absolute, expanded, shown
from grok_tui.config.start import check_start, memory, seed_range
from grok_tui.errors import UsageError
from small import GrokTui, small

pytestmark = pytest.mark.faults


def refusal(preset: str, *sets: str, env: dict[str, str] | None = None) -> str:
    """The line with which a config is refused, read or at its start, within a second."""
    begun = time.monotonic()
    with pytest.raises(UsageError) as error:
        check_start(presets.load_preset(preset, list(sets), env or {}))
    assert time.monotonic() - begun < 10
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000
    return str(error.value)


@pytest.fixture(autouse=True)
def machine_of_16_gb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grok_tui.config.start.machine_memory", lambda: 16 * 10**9)


def error_of(read: Callable[[], Any]) -> str:
    """The line with which something is refused; empty if it is accepted."""
    try:
        read()
    except UsageError as error:
        return str(error)
    return ""


# 5: schedules that fail late


def test_5_presets_check_finds_a_schedule_that_must_fail(grok_tui: GrokTui, tmp_path: Path) -> None:
    plain = presets.path("modadd-no-decay").read_text()
    (tmp_path / "zero.toml").write_text(plain + '\n[[schedule]]\nstep = 3\nset = { "optim.weight_decay" = "x2" }\n')
    twice = "".join(f'\n[[schedule]]\nstep = {n}\nset = {{ "optim.beta1" = "x1.08" }}\n' for n in (3, 5))
    (tmp_path / "beta.toml").write_text(plain + twice)
    (tmp_path / "good.toml").write_text(plain)
    done = grok_tui("presets", "check", "zero.toml", "beta.toml", "good.toml")
    assert done.returncode == 2
    zero, beta = done.stderr.splitlines()
    assert "zero.toml: schedule[0].set: optim.weight_decay: x2 of 0 is 0" in zero
    assert "beta.toml: schedule[1].set: optim.beta1: expected a number from 0 to 0.999999, got 1.04" in beta
    assert done.stdout == "good.toml: ok\n"


# 7: test examples that are train examples


@pytest.mark.parametrize("task", [name for name in TASKS if name != "mnist"])
def test_7_no_test_input_is_a_train_input(task: str) -> None:
    from grok_tui.science.tasks import TASKS as DRAW

    sizes: dict[str, Any] = {"n_train": 300, "n_test": 700, "n": 10, "p": 23, "k": 3}
    options = {name: sizes.get(name, fields()[f"task.{name}"].default) for name in TASKS[task].fields}
    data = DRAW[task](torch.Generator().manual_seed(0), **options)
    train, test = ({row.tobytes() for row in x.numpy()} for x in (data.train_x, data.test_x))
    assert train
    assert test
    assert not train & test


@pytest.mark.parametrize("sets", [("task.n=10",), ("task.n=12", "task.n_train=4000"), ("task.n=1", "task.k=1")])
def test_7_more_inputs_than_there_are_bits_for_are_refused(sets: tuple[str, ...]) -> None:
    assert "different inputs of" in refusal("parity", *sets)


# 26: ~


def test_26_a_tilde_is_the_home_directory(grok_tui: GrokTui, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert expanded("~/bugruns") == tmp_path / "home" / "bugruns"
    assert absolute("~/x") == tmp_path / "home" / "x"
    with pytest.raises(UsageError, match=r"~nobody-here-at-all/x: there is no such home directory; write \./~nobody"):
        expanded("~nobody-here-at-all/x")
    config = presets.load_preset("mnist-alpha", ["task.path=~/digits"], {})
    assert config.task.path == str(tmp_path / "home" / "digits")


def test_26_options_and_their_variables_take_a_tilde(grok_tui: GrokTui, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "mine.toml").write_bytes(presets.path("kumar-poly").read_bytes())
    arguments = ("run", "--config", "~/mine.toml", "--steps", "2", "--quiet")
    done = grok_tui(*arguments, env={"HOME": str(home), "GROK_TUI_RUNS": "~/by-variable"})
    assert (done.returncode, done.stderr) == (0, "")
    done = grok_tui(*arguments, "--runs", "~/by-option", env={"HOME": str(home)})
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in home.iterdir()) == ["by-option", "by-variable", "mine.toml"]
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    done = grok_tui("presets", "check", "~nobody-here-at-all/x.toml")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_26_the_path_of_a_task_is_kept_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = presets.load_preset("mnist-alpha", ["task.path=digits/../data"], {})
    assert config.task.path == f"{tmp_path}/digits/../data"
    (tmp_path / "kept.toml").write_text(to_toml(config))
    monkeypatch.chdir("/")
    assert load(tmp_path / "kept.toml", env={}) == config


def test_26_a_current_directory_that_is_gone_needs_paths_from_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert shown(Path("/etc/passwd")) == "/etc/passwd"
    assert absolute("/etc") == Path("/etc")
    assert "current directory does not exist" in refusal("mnist-alpha", "task.path=digits")


# 28: limits of the parser

FILES: dict[str, tuple[bytes, str]] = {
    "digits": (b"steps = 1" + b"0" * 5000, "it has a number of too many digits"),
    "hexadecimal": (b"title = 0x" + b"f" * 50_000, "title: expected a text, got what is far too long"),
    "huge step": (b"[train]\nsteps = 0x" + b"f" * 2400, "[task] is missing"),
    "lists": (b"a = " + b"[\n" * 3000, "nested too deep"),
    "tables": (b"a = " + b"{a=" * 3000, "nested too deep"),
    "dots": (b".".join([b"a"] * 50_000) + b" = 1", "has more than 200 dots"),
    "dots on lines": (b"\n".join(b"b%d." % i + b".".join([b"a"] * 190) + b" = 1" for i in range(500)), "no such key"),
    "dots in a table": (b"a = {" + b".".join([b"a"] * 5000) + b" = 1}", "has more than 200 dots"),
    "large": (b"# \n" * LARGEST_FILE, "larger than 256 kB"),
    "nul": (b"title = 'a\0b'", "not TOML"),
    "escaped nul": (b'title = "a\\u0000b"', "none of them a control character"),
    "escape": (b'title = "\\u001b]52;c;x\\u0007"', "none of them a control character"),
    "utf-16": ("title = 'x'".encode("utf-16"), "it is not UTF-8 text"),
    "latin-1": (b"title = '\xe4'", "it is not UTF-8 text"),
    "empty": (b"", "[task] is missing"),
    "section": (b"task = 'x'", "task: expected a table [task], got x"),
    "list of sections": (b"[[task]]\nname = 'parity'\n", "task: expected a table [task]"),
    "schedule": (b"schedule = 5", "schedule: expected [[schedule]] tables, got 5"),
    "text": (b"title = '" + b"x" * 1200 + b"'", "at most 1000 characters"),
    "key": (b"'a\\nb\x7f' = 1", "not TOML"),
    "long key": (b"x" * 2000 + b" = 1", "no such key"),
    "date": (b"title = 1979-05-27T07:32:00Z", "title: expected a text, got 1979"),
}


@pytest.mark.parametrize("name", FILES)
def test_28_what_is_no_config_gets_one_line_with_the_name_of_the_file(tmp_path: Path, name: str) -> None:
    content, says = FILES[name]
    file = tmp_path / "bad.toml"
    file.write_bytes(content)
    if name == "schedule":
        file.write_text("schedule = 5\n" + presets.path("modadd-fast").read_text())
    begun = time.monotonic()
    with pytest.raises(UsageError) as error:
        load(file, env={})
    assert time.monotonic() - begun < 20
    assert str(error.value).startswith(str(file))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000
    assert says in str(error.value)


def test_28_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbf" + presets.path("modadd-fast").read_bytes())
    assert load(tmp_path / "bom.toml", env={}) == presets.load_preset("modadd-fast", env={})


@pytest.mark.parametrize(
    "kind", ["directory", "fifo", "link to a device", "missing", "link to itself", "name", "file/"]
)
def test_28_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd.toml"
    match kind:
        case "directory":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "link to a device":
            path.symlink_to("/dev/zero")
        case "link to itself":
            path.symlink_to(path)
        case "name":
            path = tmp_path / ("x" * 300)
        case "file/":
            path.touch()
            path = path / "x"
    begun = time.monotonic()
    with pytest.raises(UsageError, match="cannot be read"):
        load(path, env={})
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("name", ["a\nb.toml", "a\x1b[31mb.toml", "a\udcffb.toml"])
def test_28_the_name_of_a_file_is_shown_on_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x = 1")
    said = error_of(lambda: load(tmp_path / name, env={}))
    assert said.isprintable()
    assert said.endswith("b.toml: x: no such key; it is one of: " + said.partition("one of: ")[2])


def test_28_check_goes_on_to_later_files(grok_tui: GrokTui, tmp_path: Path) -> None:
    (tmp_path / "deep.toml").write_text("a = " + "[" * 2000)
    os.mkfifo(tmp_path / "fifo.toml")
    done = grok_tui("presets", "check", "deep.toml", "fifo.toml", "missing.toml", str(presets.path("linear")))
    assert done.returncode == 2
    assert done.stdout.endswith("linear.toml: ok\n")
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["deep.toml", "fifo.toml", "missing.toml"]


def test_28_a_name_in_place_of_a_section_and_an_override(tmp_path: Path) -> None:
    text = presets.path("modadd-fast").read_text()
    (tmp_path / "flat.toml").write_text(
        'optim = "adamw"\n' + text[: text.index("[optim]")] + text[text.index("[train]") :]
    )
    for sets in ([], ["optim.lr=1e-3"]):
        with pytest.raises(UsageError, match=r"flat\.toml: optim: expected a table \[optim\], got adamw"):
            load(tmp_path / "flat.toml", sets, env={})


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"x = " + b"[" * 2000, "nested too deep"), (b"\xff", "not UTF-8"), (b"a\x1b = 1", "not TOML")],
)
def test_28_the_file_of_keys_is_read_with_the_same_limits(tmp_path: Path, content: bytes, says: str) -> None:
    from grok_tui.tui.keys import read_keymap

    (tmp_path / "keys.toml").write_bytes(content)
    with pytest.raises(UsageError, match=says):
        read_keymap(tmp_path / "keys.toml")
    os.mkfifo(tmp_path / "fifo.toml")
    with pytest.raises(UsageError, match="it is not a file"):
        read_keymap(tmp_path / "fifo.toml")
    assert read_keymap(tmp_path / "missing.toml") == {}


# 30: bounds after derivation


def test_30_seeds_beyond_the_last_are_refused_before_anything_is_made(grok_tui: GrokTui, tmp_path: Path) -> None:
    done = grok_tui("run", "--preset", "kumar-poly", "--steps", "5", "--seed", "2147483647", "--seeds", "2")
    assert done.returncode == 2
    assert "from train.seed 2147483647 on they pass the largest seed, 2147483647" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_30_seed_range() -> None:
    config = presets.load_preset("kumar-poly", ["train.seed=2147483646"], {})
    assert list(seed_range(config, 2)) == [2147483646, 2147483647]
    for count in (-1, 0, 1, 3, 1001, 10**30):
        with pytest.raises(UsageError, match=f"--seeds {count}: "):
            seed_range(config, count)
    with pytest.raises(UsageError, match="for 1000 seeds"):
        seed_range(presets.load_preset("modadd-fast", ["model.d_hidden=1000000"], {}), 1000)


# 31: the environment


def test_31_a_variable_that_does_not_fit_is_named() -> None:
    assert refusal("modadd-fast", env={"GROK_TUI_OPTIM_LR": "fast"}).startswith(
        "environment variable GROK_TUI_OPTIM_LR: optim.lr: expected a number"
    )
    said = refusal("delay-parity", env={"GROK_TUI_TASK_P": "97"})
    assert "task.p: task parity does not read it" in said
    assert said.endswith("(the environment has GROK_TUI_TASK_P=97)")
    assert "GROK_TUI_TASK_P=60" in refusal("modadd-fast", env={"GROK_TUI_TASK_P": "60"})
    assert "environment" not in refusal("modadd-fast", "task.p=60")


def test_31_an_empty_variable_sets_nothing() -> None:
    empty = {variable(key): "" for key in fields()}
    assert presets.load_preset("nanda", env=empty) == presets.load_preset("nanda", env={})


@pytest.mark.parametrize("command", [("list",), ("show", "nanda"), ("check",), ("fields",)])
def test_31_presets_can_be_read_whatever_the_environment_says(grok_tui: GrokTui, command: tuple[str, ...]) -> None:
    done = grok_tui("presets", *command, env={"GROK_TUI_TASK_P": "97", "GROK_TUI_OPTIM_LR": "fast"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


# 34: device names


@pytest.mark.parametrize(
    "name", ["cuda:01", "cuda:99999999999", "cuda:-1", "cuda:", "cuda:٣", "cuda:0 ", "gpu", "CPU", "", "cpu\n", "mps:0"]
)
def test_34_a_device_that_is_none_gets_one_line(name: str) -> None:
    from grok_tui.engine.devices import choose

    with pytest.raises(UsageError, match="expected auto, cpu, cuda, cuda:N or mps"):
        choose(name)


def test_34_a_device_that_is_not_here_gets_one_line() -> None:
    from grok_tui.engine.devices import choose

    for name in ("cuda:99", "cuda:999"):
        with pytest.raises(UsageError, match=f"--device {name}: "):
            choose(name)


def test_34_a_device_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from grok_tui.engine.devices import choose

    monkeypatch.setenv("GROK_TUI_DEVICE", "cuda:01")
    with pytest.raises(UsageError, match=r"^GROK_TUI_DEVICE=cuda:01: expected auto"):
        choose("cuda:01")


# Attacks: values and sizes that cannot be

IMPOSSIBLE = [
    ("kumar-poly", "task.d=10000000"), ("parity", "model.n_layers=1000000007"),
    ("parity", "task.n_test=9223372036854775807"),
    ("modadd-fast", "measure.per_decade=2147483647"), ("modadd-fast", "measure.kernel_per_decade=9223372036854775807"),
    ("modadd-fast", "task.p=9223372036854775807"), ("modadd-fast", "task.p=1000000007"), ("modadd-fast", "task.p=1999"),
    ("modadd-fast", "model.d_hidden=10000000"), ("rfm", "task.p=499"),
    ("nanda", "model.d_embed=100000"), ("parity", "task.n=100000", "task.n_train=10000000"),
    ("teacher-student", "task.d_teacher=100000"), ("kumar-eigenvector", "task.n_train=100000"),
    ("kumar-twin", "task.n_train=5000"), ("kumar-alpha", "model.alpha=1e-170"), ("kumar-alpha", "model.alpha=1e7"),
    ("kumar-alpha", "optim.lr=1e300"), ("kumar-alpha", "optim.lr=1e-300"),
    ("modadd-fast", "optim.beta2=0.99999999999999"),
    ("modadd-fast", "optim.weight_decay=1e-40"), ("modadd-fast", "train.steps=1e5000"),
    ("modadd-fast", "train.pace=1e-9"),
    ("modadd-fast", "train.steps=" + "9" * 5000), ("modadd-fast", "measure.also=angle,angle"),
    ("modadd-fast", "measure.also=foruier"), ("modadd-fast", "measure.disk=0"), ("mnist-alpha", "task.path=a\0b"),
    ("mnist-alpha", "task.path=/dev/null"), ("modadd-fast", "=1"), ("modadd-fast", "x" * 5000 + "=1"),
    ("modadd-fast", "optim.hold_norm=1e-30"), ("modadd-fast", "train.seed=2147483648"),
]  # fmt: skip


@pytest.mark.parametrize("case", IMPOSSIBLE, ids=[" ".join(case)[:60] for case in IMPOSSIBLE])
def test_sizes_and_values_that_cannot_be_are_refused_at_once(case: tuple[str, ...]) -> None:
    refusal(*case)


def test_the_refusal_names_the_fields_and_both_sizes() -> None:
    says = r"model.d_hidden, model.d_embed, model.n_layers: the run needs at least (\d+)\.\d GB of memory, "
    says += r"this machine has 16\.0"
    match = re.fullmatch(says, refusal("nanda", "model.d_embed=100000"))
    assert match
    weights = 4 * 100_000**2 + 2 * 512 * 100_000
    assert 5 * 4 * weights < float(match[1]) * 1e9 < 5 * 4 * weights * 1.05


@pytest.mark.parametrize("name", presets.names())
def test_no_preset_comes_near_the_memory_of_a_small_machine(name: str) -> None:
    assert sum(memory(presets.load_preset(name, env={})).values()) < 1e9


EDGES = [
    ("kumar-alpha", "model.alpha=1e-6"), ("kumar-alpha", "model.alpha=1e6"), ("kumar-alpha", "optim.lr=1e9"),
    ("kumar-alpha", "model.init_scale=1e-12"),
    ("kumar-twin", "model.init_scale=1e6"), ("kumar-twin", "model.alpha=1e-6"),
    ("kumar-poly", "task.target_scale=1e9"), ("kumar-poly", "model.eps=1e6"),
    ("kumar-poly", "task.d=1", "task.n_train=1"),
    ("modadd-fast", "optim.hold_norm=1e-12"), ("modadd-fast", "optim.hold_norm=1e12"), ("modadd-fast", "task.p=3"),
    ("modadd-fast", "optim.weight_decay=1e9"), ("modadd-fast", "optim.beta1=0.999999", "optim.beta2=0.999999"),
    ("modadd-fast", "measure.per_decade=1000", "measure.kernel_per_decade=1000", "measure.budget=0.99"),
    ("modadd-fast", "measure.also=fourier,spectrum,angle,twin", "model.init_scale=1e6"), ("rfm", "optim.ridge=1e12"),
    ("rfm", "model.kernel=gaussian", "model.bandwidth=1e-6"), ("rfm", "task.p=3"),
    ("xor-cluster", "task.separation=1e9"),
    ("parity", "task.n=1", "task.k=1", "task.n_train=1", "task.n_test=1"),
    ("kumar-eigenvector", "task.n_train=1", "task.n_test=1", "task.k=1"), ("modadd-fast", "train.seed=2147483647"),
]  # fmt: skip


@pytest.mark.parametrize("case", EDGES, ids=[" ".join(case) for case in EDGES])
def test_values_at_their_limits_train_or_diverge(case: tuple[str, ...]) -> None:
    from training import events, rows, train

    trainer, records = train(small(case[0], "train.steps=4", *case[1:]))
    assert rows(records)
    assert trainer.step == 4 or events(records, "failed")


RANDOM = random.Random(0)
NUMBERS = [
    "0", "1", "-1", "2", "3", "7", "1e3", "1e-3", "0.5", "1e308", "-1e308", "1e-320", "inf", "-inf", "nan", "1e5000",
    "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "1000000007", "10000000", "100000",
    "-0.0",
    "0x10", "1_000", " 5 ", "1e7", "true", "false", "", "None", "[]", "[1, 2]", "\0", "\x1b[31m", "١", "9" * 4400, "x2",
    "1999", "0.9999999999999999", "1e-12", "1e9", "9999999", "20000", "torch", "none", "float64", "gaussian", "post",
]  # fmt: skip


def value_for(key: str) -> str:
    """A random text for a field, often a legal one."""
    known = fields()[key]
    section, _, name = key.partition(".")
    if name == "name":
        return RANDOM.choice([*NAMED[section], "nonsense"])
    if known.choices and RANDOM.random() < 0.5:
        return str(RANDOM.choice(known.choices))
    if known.kind in (int, float) and RANDOM.random() < 0.5:
        return repr(known.kind(10 ** RANDOM.uniform(-3, 9)))
    return RANDOM.choice(NUMBERS)


@pytest.mark.parametrize("key", fields())
def test_random_values_are_accepted_or_refused_in_one_line_within_a_second(key: str) -> None:
    accepted = 0
    for _ in range(60):
        preset = RANDOM.choice(presets.names())
        others = RANDOM.sample(sorted(fields()), RANDOM.choice([0, 0, 1, 2]))
        sets = [f"{one}={value_for(one)}" for one in [key, *others]]
        begun = time.monotonic()
        said = error_of(lambda: check_start(presets.load_preset(preset, sets, {})))  # noqa: B023
        assert time.monotonic() - begun < 10, sets
        assert said.isprintable(), sets
        accepted += not said
    assert accepted < 60


def random_toml(depth: int = 0) -> Any:
    """A random TOML value."""
    kind = RANDOM.choice(["int", "float", "text", "bool", "list", "table"] if depth < 3 else ["int", "text"])
    match kind:
        case "int":
            return RANDOM.choice([0, 1, -1, 2**31, 2**63, 10**300, RANDOM.randrange(10**6)])
        case "float":
            return RANDOM.choice([0.0, 1.5, -2.0, 1e308, 1e-320, float("inf"), float("nan")])
        case "text":
            return RANDOM.choice(["", "x2", "/0", "x", "1", "memorized", "adamw", "optim.lr", "é", "a" * 500])
        case "bool":
            return RANDOM.random() < 0.5
        case "list":
            return [random_toml(depth + 1) for _ in range(RANDOM.randrange(3))]
    keys = ["set", "step", "on", "name", "optim.lr", "wd", "norm", "lr", "steps", "x"]
    return {RANDOM.choice(keys): random_toml(depth + 1) for _ in range(RANDOM.randrange(3))}


def test_random_documents_are_accepted_or_refused_in_one_line(tmp_path: Path) -> None:
    import tomli_w

    file, good = tmp_path / "random.toml", read_toml(presets.path("modadd-fast"))
    refused = 0
    for _ in range(400):
        document = json.loads(json.dumps(good))
        where = RANDOM.choice([*document, "schedule", "schedule", "measure", "nonsense"])
        if where in ("schedule",):
            document[where] = [random_toml(1) for _ in range(RANDOM.randrange(1, 3))]
        elif isinstance(document.get(where), dict) and RANDOM.random() < 0.8:
            document[where][RANDOM.choice([*document[where], "x", "also"])] = random_toml()
        else:
            document[where] = random_toml()
        file.write_text(tomli_w.dumps(document), encoding="utf-8")
        said = error_of(lambda: load(file, env={}))
        assert said.isprintable()
        assert not said or said.startswith(str(file))
        refused += bool(said)
    assert refused > 300
