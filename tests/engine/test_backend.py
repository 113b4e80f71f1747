"""By which ways a run computes."""

from __future__ import annotations

import pytest
import torch

from grok_tui.engine import backend
from grok_tui.science.matmul import PRODUCTS
from grok_tui.science.torch_private import has_onednn

CPU = torch.device("cpu")


def test_products_go_by_the_processors_maker(monkeypatch: pytest.MonkeyPatch) -> None:
    onednn = "onednn" if has_onednn() else "torch"
    for intel, expected in ((True, "mkl" if torch.backends.mkl.is_available() else onednn), (False, onednn)):
        monkeypatch.setattr(backend, "is_intel", lambda intel=intel: intel)
        assert backend.choose(CPU).products == expected
        assert expected in PRODUCTS
    assert backend.choose(CPU, "plain") == backend.Backend("torch", "autograd", "eager")


def test_what_was_taken_is_taken_again() -> None:
    taken = backend.choose(CPU)
    assert backend.again(taken.as_dict() | {"seeds": "in threads"}) == taken
