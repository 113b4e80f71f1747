"""What the benchmark says of its figures, and the arithmetic that it counts."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from grok_tui.bench import arithmetic
from grok_tui.bench.records import PARTS, Measured, Note, alternate, ratios
from grok_tui.bench.report import as_json, heading, line, summary
from grok_tui.cli.bench import choose
from grok_tui.config.presets import load_preset
from grok_tui.errors import UsageError

FAST = Measured("ours / baseline", [9.0, 7.0, 8.5], at_least=8)
SLOW = Measured("ours / baseline", [7.0, 8.5, 6.0], at_least=8)


def test_a_missed_target_is_reported() -> None:
    assert line(FAST).split() == ["ours", "/", "baseline", "8.5", "7", "-", "9", ">=", "8", "met"]
    assert line(SLOW).split()[-1] == "MISSED"
    assert line(Measured("ours", [12.0], "steps/s")).split() == ["ours,", "steps/s", "12"]
    assert summary([("a", FAST)]) == "1 of 1 targets met"
    assert summary([("a", FAST), ("b", SLOW)]) == "1 of 2 targets met; missed: b: ours / baseline"
    assert Measured("x", [float("nan")], at_most=1).is_met is False


def test_json_has_every_round_and_the_target() -> None:
    told = json.loads(json.dumps(as_json("committee", SLOW)))
    assert (told["part"], told["median"], told["rounds"]) == ("committee", 7.0, [7.0, 8.5, 6.0])
    assert (told["target"], told["met"]) == (">= 8", False)
    assert as_json("a", Note("x")) == {"type": "note", "part": "a", "text": "x"}


def test_the_heading_names_the_machine_and_the_columns() -> None:
    versions, on, _, columns = heading(2, "2026-11-25T08:30:00+00:00")
    assert f"torch {torch.__version__}," in versions
    assert versions.endswith("2026-11-25 08:30")
    assert on.endswith("2 threads on each side")
    assert columns.split() == ["median", "low", "-", "high", "target"]


def test_parts_come_in_their_order_and_an_unknown_one_is_refused() -> None:
    assert choose([]) == list(PARTS)
    assert choose(["ntk", "mlp"]) == ["mlp", "ntk"]
    with pytest.raises(UsageError, match=r"no part transfomer; .*transformer"):
        choose(["transfomer"])


def test_sides_take_turns_at_going_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grok_tui.bench.records.PAUSE", 0)
    order: list[str] = []

    def measure(name: str) -> float:
        order.append(name)
        return len(order)

    found = alternate({"a": lambda: measure("a"), "b": lambda: measure("b")}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert ratios(found["a"], found["b"]) == [1 / 2, 4 / 3, 5 / 6]


def products(*shapes: tuple[int, int, int]) -> int:
    """What torch counts for these products, and for both of their gradients."""
    with FlopCounterMode(display=False) as counted:
        total: Tensor = torch.zeros(())
        for m, k, n in shapes:
            total = total + (torch.ones(m, k, requires_grad=True) @ torch.ones(k, n, requires_grad=True)).sum()
        total.backward()
    return counted.get_total_flops()


def test_a_step_is_counted_as_torch_counts_its_products() -> None:
    n, v, t, d, h, c = 50, 7, 3, 8, 16, 5
    by_position = [(v, d, d)] * (2 * t) + [(v, d, v)] * t  # keys and values, and what they give each "="
    assert arithmetic.embedding_mlp(n, 2, v, d, h, c) == products((n, h, c), (v, d, h), (v, d, h))
    rows = [(n, d, d), (n, d, h), (n, h, d), (n, d, c)]
    assert arithmetic.transformer(n, t, v, d, h, c) == products(*rows, *by_position, (v, d, d))


@pytest.mark.parametrize(("preset", "gflop"), [("modadd-mlp", 0.15), ("nanda", 3.83)])
def test_the_formula_that_is_printed_gives_the_number_beside_it(preset: str, gflop: float) -> None:
    """`2 n h c` with the preset's own numbers, multiplied out."""
    config = load_preset(preset)
    task, model = config.task, config.model
    work, formula = arithmetic.step_of(config)
    letters = {
        "n": int(task.frac_train * task.p**2), "t": task.n_tokens, "v": task.p + (task.n_tokens == 3),
        "d": model.d_embed, "h": model.d_hidden, "c": task.p,
    }  # fmt: skip
    spelled = formula.replace("[", "(").replace("]", ")").replace("^", "**")
    product = re.sub(r"(?<=[\w)]) (?=[\w(])", " * ", spelled)
    assert eval(product, {}, letters) * 1e-9 == pytest.approx(work, rel=1e-12)
    assert work == pytest.approx(gflop, rel=0.02)


def test_the_command_line_of_bench_loads_no_torch() -> None:
    """Choosing parts and printing help is quick; what is measured loads torch."""
    code = "import sys, grok_tui.cli.bench; print(sorted({'torch', 'textual'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
