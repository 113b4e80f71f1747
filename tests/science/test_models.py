"""The networks against a plain restatement of their formulas."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator

from grok_tui.science.models import MODELS, ScaledOutput


def generator() -> Generator:
    return Generator().manual_seed(0)


def test_embedding_mlp_is_its_formula() -> None:
    net = MODELS["embedding-mlp"](vocabulary=7, n_inputs=2, n_outputs=7, d_embed=6, d_hidden=5)
    w, x = net.init(generator()), torch.tensor([[0, 6], [3, 3], [6, 0]])
    embedded = torch.cat([w["E"][x[:, 0]], w["E"][x[:, 1]]], dim=1)
    expected = F.gelu(embedded @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]
    torch.testing.assert_close(net(w, x), expected)


def test_transformer_is_its_formula() -> None:
    net = MODELS["transformer"](vocabulary=7, n_inputs=2, n_outputs=7, d_embed=8, n_heads=2, d_hidden=5)
    w, x = net.init(generator()), torch.tensor([[0, 6], [3, 3], [6, 0]])
    expected = []
    for tokens in x:
        r = w["E"][tokens] + w["P"]
        q, k, v = (r @ w[name] for name in ("W_Q", "W_K", "W_V"))
        heads = []
        for part in (slice(0, 4), slice(4, 8)):
            pattern = torch.softmax(k[:, part] @ q[-1, part] / 2, dim=0)
            heads.append(pattern @ v[:, part])
        last = r[-1] + torch.cat(heads) @ w["W_O"]
        last = last + F.gelu(last @ w["W_in"] + w["b_in"]) @ w["W_out"] + w["b_out"]
        expected.append(last @ w["W_U"])
    torch.testing.assert_close(net(w, x), torch.stack(expected))


def test_transformer_is_the_same_looked_up_or_not() -> None:
    """More examples than tokens are looked up in a table; fewer are computed one by one."""
    net = MODELS["transformer"](vocabulary=7, n_inputs=2, n_outputs=7, d_embed=8, n_heads=2, d_hidden=5)
    w = net.init(generator())
    pairs = torch.cartesian_prod(torch.arange(7), torch.arange(7))
    torch.testing.assert_close(net(w, pairs)[:5], net(w, pairs[:5]))


def test_committee_is_its_formula() -> None:
    net = MODELS["committee"](vocabulary=0, n_inputs=4, n_outputs=1, d_hidden=3, eps=0.5)
    w, x = net.init(generator()), torch.randn(5, 4, generator=generator(), dtype=torch.float64)
    h = torch.stack([x @ row for row in w["W"]])
    torch.testing.assert_close(net(w, x).squeeze(1), (h + 0.25 * h**2).mean(dim=0))


def test_matrices_start_with_variance_one_over_fan_in() -> None:
    net = MODELS["embedding-mlp"](vocabulary=59, n_inputs=2, n_outputs=59, d_embed=128, d_hidden=256)
    w = net.init(generator())
    for name, fan_in in (("E", 128), ("W1", 256), ("W2", 256)):
        assert abs(w[name].std().item() * fan_in**0.5 - 1) < 0.05
    assert set(w["b1"].tolist()) == {1e-6}


def test_centred_output_starts_at_zero_and_scales_with_alpha() -> None:
    net = MODELS["mlp"](vocabulary=0, n_inputs=4, n_outputs=2, d_hidden=8)
    w, x = net.init(generator()), torch.randn(5, 4, generator=generator(), dtype=torch.float64)
    model = ScaledOutput(net, 2.0, {name: v.clone() for name, v in w.items()})
    start = model.at_start(x)
    assert model(w, x, start).abs().max() == 0
    moved = {name: v + 0.1 for name, v in w.items()}
    torch.testing.assert_close(model(moved, x, start), 2 * (net(moved, x) - net(w, x)))
    assert ScaledOutput(net, 2.0).at_start(x) is None
