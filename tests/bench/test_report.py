"""What the benchmark says of its figures, and the arithmetic that it counts."""

from __future__ import annotations

import json

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from grok_tui.bench import flops
from grok_tui.bench.compare import alternate, ratios
from grok_tui.bench.records import Measured, Note, at_least, at_most
from grok_tui.bench.report import as_json, line, number, verdict
from small import GrokTui

FAST = Measured("ours / baseline", [9.0, 7.0, 8.5], target=at_least(8))
SLOW = Measured("ours / baseline", [7.0, 8.5, 6.0], target=at_least(8))


def test_a_miss_is_told_as_one() -> None:
    assert line(FAST).split() == ["ours", "/", "baseline", "8.50", "7.00", "-", "9.00", ">=", "8", "met"]
    assert line(SLOW).split()[-1] == "MISSED"
    assert line(Measured("ours", [12.0], "steps/s")).split() == ["ours,", "steps/s", "12.0"]
    assert verdict([("a", FAST)]) == "1 of 1 targets met"
    assert verdict([("a", FAST), ("b", SLOW)]) == "1 of 2 targets met; missed: b: ours / baseline"
    assert Measured("x", [float("nan")], target=at_most(1)).is_met is False


def test_json_has_every_round_and_the_target() -> None:
    told = json.loads(json.dumps(as_json("committee", SLOW)))
    assert (told["part"], told["median"], told["rounds"]) == ("committee", 7.0, [7.0, 8.5, 6.0])
    assert (told["target"], told["met"]) == (">= 8", False)
    assert as_json("a", Note("x")) == {"type": "note", "part": "a", "text": "x"}


@pytest.mark.parametrize(
    ("value", "told"),
    [(61234.5, "61,234"), (123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0.97, "0.970"), (2e-7, "2e-07")],
)
def test_numbers_have_three_figures(value: float, told: str) -> None:
    assert number(value) == told


def test_sides_take_turns_at_going_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grok_tui.bench.compare.PAUSE", 0)
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
    assert flops.embedding_mlp(n, v, 2, d, h, c) == products((n, h, c), (v, d, h), (v, d, h))
    rows = [(n, d, d), (n, d, h), (n, h, d), (n, d, c)]
    assert flops.transformer(n, v, t, d, h, c) == products(*rows, *by_position, (v, d, d))


def test_where_there_is_no_gpu_it_says_so(grok_tui: GrokTui) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    done = grok_tui("bench", "gpu", "--json")
    told = [json.loads(record) for record in done.stdout.splitlines()]
    assert done.returncode == 0
    assert told[0]["versions"]["torch"] == torch.__version__
    assert told[1] == {"type": "note", "part": "gpu", "text": "no CUDA device: not measured"}
