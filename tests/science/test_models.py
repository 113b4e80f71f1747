"""The networks against a plain restatement of their formulas."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from grok_tui.science.models import ScaledOutput
from grok_tui.science.models.network import normal
from networks import build


def generator() -> Generator:
    return Generator().manual_seed(0)


def test_embedding_mlp_is_its_formula() -> None:
    net = build("embedding-mlp", vocabulary=7, n_inputs=2, n_outputs=7, d_embed=6, d_hidden=5)
    w, x = net.initial_weights(generator()), torch.tensor([[0, 6], [3, 3], [6, 0]])
    embedded = torch.cat([w["E"][x[:, 0]], w["E"][x[:, 1]]], dim=1)
    expected = F.gelu(embedded @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]
    torch.testing.assert_close(net(w, x), expected)


def test_transformer_is_its_formula() -> None:
    net = build("transformer", vocabulary=7, n_inputs=2, n_outputs=7, d_embed=8, n_heads=2, d_hidden=5)
    w, x = net.initial_weights(generator()), torch.tensor([[0, 6], [3, 3], [6, 0]])
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
    net = build("transformer", vocabulary=7, n_inputs=2, n_outputs=7, d_embed=8, n_heads=2, d_hidden=5)
    w = net.initial_weights(generator())
    pairs = torch.cartesian_prod(torch.arange(7), torch.arange(7))
    torch.testing.assert_close(net(w, pairs)[:5], net(w, pairs[:5]))


def moved(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Away from the start, where gains are 1 and biases 0 or nearly."""
    g = Generator().manual_seed(7)
    return {name: w + normal(g, *w.shape, std=0.2) for name, w in weights.items()}


@torch.no_grad()
def torch_encoder_layer(w: dict[str, Tensor], block: str, **options: object) -> nn.TransformerEncoderLayer:
    """torch's own block, with these weights, two heads, and attention biases 0."""
    d, h = w["W_in" + block].shape
    layer = nn.TransformerEncoderLayer(d, 2, dim_feedforward=h, dropout=0.0, batch_first=True, **options).double()
    layer.self_attn.in_proj_weight.copy_(torch.cat([w[name + block].T for name in ("W_Q", "W_K", "W_V")]))
    layer.self_attn.in_proj_bias.zero_()
    layer.self_attn.out_proj.weight.copy_(w["W_O" + block].T)
    layer.self_attn.out_proj.bias.zero_()
    for linear, name in ((layer.linear1, "in"), (layer.linear2, "out")):
        linear.weight.copy_(w[f"W_{name}{block}"].T)
        linear.bias.copy_(w[f"b_{name}{block}"])
    for norm, name in ((layer.norm1, "att"), (layer.norm2, "mlp")):
        norm.weight.copy_(w[f"gain_{name}{block}"])
        norm.bias.copy_(w[f"bias_{name}{block}"])
    return layer


@pytest.mark.parametrize("layer_norm", ["post", "pre"])
@pytest.mark.parametrize("n_layers", [1, 2, 3])
@pytest.mark.parametrize("n_inputs", [2, 3])
@pytest.mark.parametrize("activation", ["gelu", "relu"])
@torch.no_grad()
def test_transformer_with_layer_norm_is_torchs_own(
    layer_norm: str, n_layers: int, n_inputs: int, activation: str
) -> None:
    sizes = {"vocabulary": 8, "n_inputs": n_inputs, "n_outputs": 7, "d_embed": 8, "n_heads": 2, "d_hidden": 5}
    net = build("transformer", **sizes, n_layers=n_layers, layer_norm=layer_norm, activation=activation, init="torch")
    w = moved(net.initial_weights(generator()))
    x = torch.cartesian_prod(*[torch.arange(8)] * n_inputs)
    r, mask = w["E"][x] + w["P"], nn.Transformer.generate_square_subsequent_mask(n_inputs, dtype=torch.float64)
    for block in ["", "2", "3"][:n_layers]:
        layer = torch_encoder_layer(w, block, activation=activation, norm_first=layer_norm == "pre")
        r = layer(r, src_mask=mask)
    final = F.layer_norm(r[:, -1], (8,), w["gain_end"], w["bias_end"])
    expected = F.linear(final, w["W_U"].T, w["b_U"])
    torch.testing.assert_close(net(w, x), expected)
    torch.testing.assert_close(net(w, x[:5]), expected[:5])  # fewer examples than tokens: nothing is looked up


def test_one_block_read_at_the_last_position_needs_no_mask() -> None:
    net = build(
        "transformer", vocabulary=7, n_inputs=2, n_outputs=7, d_embed=8, n_heads=2, d_hidden=5, layer_norm="post"
    )
    w, x = moved(net.initial_weights(generator())), torch.cartesian_prod(torch.arange(7), torch.arange(7))
    r = torch_encoder_layer(w, "", activation="gelu")(w["E"][x] + w["P"])
    expected = F.layer_norm(r[:, -1], (8,), w["gain_end"], w["bias_end"]) @ w["W_U"] + w["b_U"]
    torch.testing.assert_close(net(w, x), expected.detach())


def test_transformer_without_layer_norm_is_causal_in_its_first_block() -> None:
    """Two blocks, position by position."""
    net = build("transformer", vocabulary=7, n_inputs=3, n_outputs=7, d_embed=8, n_heads=2, d_hidden=5, n_layers=2)
    w, x = moved(net.initial_weights(generator())), torch.tensor([[0, 6, 2], [3, 3, 3], [6, 0, 1]])
    r = w["E"][x] + w["P"]
    for block in ("", "2"):
        q, k, v = ((r @ w[name + block]).unflatten(-1, (2, 4)).transpose(1, 2) for name in ("W_Q", "W_K", "W_V"))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        r = r + mixed @ w["W_O" + block]
        r = r + F.gelu(r @ w["W_in" + block] + w["b_in" + block]) @ w["W_out" + block] + w["b_out" + block]
    torch.testing.assert_close(net(w, x), r[:, -1] @ w["W_U"])


def test_mlp_is_torchs_own() -> None:
    """Omnigrok's shape in small: two hidden layers."""
    for n_layers in (1, 2, 3):
        net = build("mlp", vocabulary=0, n_inputs=4, n_outputs=3, d_hidden=6, n_layers=n_layers, activation="tanh")
        w, x = moved(net.initial_weights(generator())), torch.randn(5, 4, generator=generator(), dtype=torch.float64)
        assert list(w) == [name + str(layer) for layer in range(1, n_layers + 2) for name in "Wb"]
        parts: list[nn.Module] = []
        for layer in range(1, n_layers + 2):
            linear = nn.Linear(*w[f"W{layer}"].shape).double()
            linear.load_state_dict({"weight": w[f"W{layer}"].T, "bias": w[f"b{layer}"]})
            parts += [linear, nn.Tanh()]
        torch.testing.assert_close(net(w, x), nn.Sequential(*parts[:-1])(x).detach())


@pytest.mark.parametrize("n_inputs", [2, 3])
def test_quadratic_mlp_is_its_formula(n_inputs: int) -> None:
    net = build("quadratic-mlp", vocabulary=8, n_inputs=n_inputs, n_outputs=7, d_hidden=5)
    w, x = net.initial_weights(generator()), torch.randint(0, 8, (20, n_inputs), generator=generator())
    one_hot = F.one_hot(x, 8).flatten(1).double()
    assert one_hot.shape == (20, 8 * n_inputs)
    hidden = w["W1"].T @ one_hot.T
    torch.testing.assert_close(net(w, x), (w["W2"].T @ hidden**2).T / (8 * n_inputs * 5))


def test_signed_committee_is_its_formula() -> None:
    net = build("signed-committee", vocabulary=0, n_inputs=4, n_outputs=1, d_hidden=6)
    w, x = net.initial_weights(generator()), torch.randn(5, 4, generator=generator(), dtype=torch.float64)
    signs = [1, 1, 1, -1, -1, -1]
    expected = sum(s * F.relu(x @ row) for s, row in zip(signs, w["W"], strict=True)) / 6**0.5
    torch.testing.assert_close(net(w, x), expected.unsqueeze(1))


def test_committee_is_its_formula() -> None:
    net = build("committee", vocabulary=0, n_inputs=4, n_outputs=1, d_hidden=3, eps=0.5)
    w, x = net.initial_weights(generator()), torch.randn(5, 4, generator=generator(), dtype=torch.float64)
    h = torch.stack([x @ row for row in w["W"]])
    torch.testing.assert_close(net(w, x).squeeze(1), (h + 0.25 * h**2).mean(dim=0))


def test_matrices_start_with_variance_one_over_fan_in() -> None:
    net = build("embedding-mlp", vocabulary=59, n_inputs=2, n_outputs=59, d_embed=128, d_hidden=256)
    w = net.initial_weights(generator())
    for name, fan_in in (("E", 128), ("W1", 256), ("W2", 256)):
        assert abs(w[name].std().item() * fan_in**0.5 - 1) < 0.05
    assert set(w["b1"].tolist()) == {1e-6}


def assert_uniform(w: Tensor, bound: float) -> None:
    """U(-bound, bound), by its largest entry, its spread and its mean."""
    assert bound * (1 - 10 / w.numel()) < w.abs().max() <= bound * (1 + 1e-6)
    assert abs(w.std().item() / bound * 3**0.5 - 1) < 3 / w.numel() ** 0.5
    assert abs(w.mean().item()) / bound < 3 / w.numel() ** 0.5


def test_torch_init_of_a_transformer_is_what_torch_draws_by_default() -> None:
    """The laws hold of our weights and of torch's own."""
    net = build(
        "transformer",
        vocabulary=97,
        n_inputs=2,
        n_outputs=97,
        d_hidden=512,
        n_layers=2,
        layer_norm="post",
        init="torch",
    )
    w = net.initial_weights(generator())
    torch.manual_seed(0)
    layer, readout = nn.TransformerEncoderLayer(128, 4, 512), nn.Linear(128, 97)
    laws = []
    for end in ("", "2"):
        packed = torch.cat([w[name + end].T for name in ("W_Q", "W_K", "W_V")])
        laws += [
            (packed, layer.self_attn.in_proj_weight, (6 / (3 * 128 + 128)) ** 0.5),
            (w["W_O" + end].T, layer.self_attn.out_proj.weight, 128**-0.5),
            (w["W_in" + end].T, layer.linear1.weight, 128**-0.5),
            (w["b_in" + end], layer.linear1.bias, 128**-0.5),
            (w["W_out" + end].T, layer.linear2.weight, 512**-0.5),
            (w["b_out" + end], layer.linear2.bias, 512**-0.5),
        ]
        for part in ("att", "mlp"):
            assert set(w[f"gain_{part}{end}"].tolist()) == {1.0}
            assert set(w[f"bias_{part}{end}"].tolist()) == {0.0}
    laws += [(w["W_U"].T, readout.weight, 128**-0.5), (w["b_U"], readout.bias, 128**-0.5)]
    for mine, torchs, bound in laws:
        assert mine.shape == torchs.shape
        assert_uniform(mine, bound)
        assert_uniform(torchs.detach(), bound)
    assert not torch.equal(w["W_in"], w["W_in2"])
    assert w["E"].std().item() == pytest.approx(1, abs=0.05)
    assert w["P"].std().item() == pytest.approx(1, abs=0.15)


def test_torch_init_of_an_mlp_is_what_torch_draws_by_default() -> None:
    net = build("mlp", vocabulary=0, n_inputs=100, n_outputs=10, d_hidden=200, n_layers=2, init="torch")
    w = net.initial_weights(generator())
    for layer, fan_in in enumerate((100, 200, 200), 1):
        assert_uniform(w[f"W{layer}"], fan_in**-0.5)
        assert_uniform(w[f"b{layer}"], fan_in**-0.5)


def test_weights_of_two_layers_start_with_variance_one_over_fan_in() -> None:
    net = build("mlp", vocabulary=0, n_inputs=100, n_outputs=50, d_hidden=200, n_layers=2)
    w = net.initial_weights(generator())
    for layer, fan_in in enumerate((100, 200, 200), 1):
        assert w[f"W{layer}"].std().item() * fan_in**0.5 == pytest.approx(1, abs=0.03)
        assert set(w[f"b{layer}"].tolist()) == {1e-6}


@pytest.mark.parametrize("name", ["quadratic-mlp", "signed-committee"])
def test_plain_sums_start_with_variance_one(name: str) -> None:
    net = build(name, vocabulary=23, n_inputs=2, n_outputs=23, d_hidden=1000)
    for w in net.initial_weights(generator()).values():
        assert w.std().item() == pytest.approx(1, abs=0.05)


def test_linear_starts_with_variance_one_over_twice_inputs_times_outputs() -> None:
    w = build("linear", vocabulary=0, n_inputs=500, n_outputs=8).initial_weights(generator())
    assert w["S"].shape == (500, 8)
    assert w["S"].std().item() == pytest.approx((2 * 500 * 8) ** -0.5, rel=0.05)


def test_one_layer_draws_what_it_always_drew() -> None:
    """Numbers from before there were several layers: a seed must go on giving the same run."""
    w = build("transformer", vocabulary=59, n_inputs=2, n_outputs=59).initial_weights(generator())
    assert list(w) == ["E", "P", "W_Q", "W_K", "W_V", "W_O", "W_in", "b_in", "W_out", "b_out", "W_U"]
    assert w["W_Q"][0, :2].tolist() == pytest.approx([-0.023200899396661145, -0.17437687094831947], rel=1e-12)
    assert w["W_U"][-1, -2:].tolist() == pytest.approx([0.13181938790683181, 0.1152612970991719], rel=1e-12)
    w = build("mlp", vocabulary=0, n_inputs=30, n_outputs=2).initial_weights(generator())
    assert list(w) == ["W1", "b1", "W2", "b2"]
    assert w["W1"][0, :2].tolist() == pytest.approx([-0.42182155337145927, -0.06814597210636952], rel=1e-12)
    assert w["W2"][-1].tolist() == pytest.approx([0.04832835882213917, 0.01820295934818867], rel=1e-12)


@pytest.mark.parametrize("layer_norm", ["none", "post"])
def test_blocks_draw_after_one_another(layer_norm: str) -> None:
    """Two blocks start as one does, and go on."""
    sizes = {"vocabulary": 7, "n_inputs": 2, "n_outputs": 7, "d_embed": 8, "n_heads": 2, "d_hidden": 5}
    nets = [build("transformer", **sizes, n_layers=n, layer_norm=layer_norm) for n in (1, 2)]
    one, two = (net.initial_weights(generator()) for net in nets)
    block = [name for name in one if name not in ("E", "P", "W_U", "b_U", "gain_end", "bias_end")]
    assert set(two) == set(one) | {name + "2" for name in block}
    for name in ["E", "P", *block]:
        assert torch.equal(one[name], two[name])


def test_embedding_is_a_row_a_token() -> None:
    sizes = {"vocabulary": 7, "n_inputs": 2, "n_outputs": 6, "d_hidden": 5}
    for name, options in {"embedding-mlp": {"d_embed": 8}, "transformer": {"d_embed": 8}, "quadratic-mlp": {}}.items():
        net = build(name, **sizes, **options)
        table = net.embedding(net.initial_weights(generator()))
        assert table is not None
        assert table.shape == (7, options.get("d_embed", 5))
    net = build("quadratic-mlp", **sizes)
    w = net.initial_weights(generator())
    w["W1"][7:] = 0  # the second token's part
    torch.testing.assert_close(net.hidden(w, torch.tensor([[3, 6]])), net.embedding(w)[[3]])
    mlp = build("mlp", vocabulary=0, n_inputs=4, n_outputs=2)
    assert mlp.embedding(mlp.initial_weights(generator())) is None


def test_centred_output_starts_at_zero_and_scales_with_alpha() -> None:
    net = build("mlp", vocabulary=0, n_inputs=4, n_outputs=2, d_hidden=8)
    w, x = net.initial_weights(generator()), torch.randn(5, 4, generator=generator(), dtype=torch.float64)
    model = ScaledOutput(net, 2.0, {name: v.clone() for name, v in w.items()})
    start = model.at_start(x)
    assert model(w, x, start).abs().max() == 0
    moved = {name: v + 0.1 for name, v in w.items()}
    torch.testing.assert_close(model(moved, x, start), 2 * (net(moved, x) - net(w, x)))
    assert ScaledOutput(net, 2.0).at_start(x) is None
