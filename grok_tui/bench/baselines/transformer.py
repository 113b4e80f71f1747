"""One-layer transformer without LayerNorm as the code of arXiv 2301.05217 trains it.

Nanda, Chan, Lieberum, Smith and Steinhardt 2023; mechanistic-interpretability-grokking/progress-measures-paper
(transformers.py, helpers.py) and the notebook of neelnanda-io/Grokking: every position is computed, heads have matrices
of their own, einsum throughout, a mask of -1e10 above the diagonal, log-softmax in float64, torch's AdamW, full batch;
train and test loss at every step, both recorded by autograd, then one backward pass of the train loss.

In favour of the baseline: examples and labels are tensors made once (there, labels are made anew from Python lists for
every loss), and activations pass through no hooks. Left out so that both sides train the same network: the learning
rate's 10 steps of warm-up, and the output for "=".
"""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from ...config.schema import RunConfig

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}


class Transformer(nn.Module):
    """E + position, attention, MLP, unembedding; logits at every position, shape (batch, positions, classes)."""

    def __init__(self, weights: dict[str, Tensor], n_heads: int, activation: str) -> None:
        super().__init__()
        d = weights["E"].shape[1]

        def heads(w: Tensor) -> nn.Parameter:
            return nn.Parameter(w.T.reshape(n_heads, d // n_heads, d).clone())

        def matrix(w: Tensor) -> nn.Parameter:
            return nn.Parameter(w.T.contiguous())

        self.W_E, self.W_pos = matrix(weights["E"]), nn.Parameter(weights["P"].clone())
        self.W_Q, self.W_K, self.W_V = (heads(weights[name]) for name in ("W_Q", "W_K", "W_V"))
        self.W_O, self.W_in, self.W_out = (matrix(weights[name]) for name in ("W_O", "W_in", "W_out"))
        self.b_in, self.b_out, self.W_U = (nn.Parameter(weights[name].clone()) for name in ("b_in", "b_out", "W_U"))
        self.mask = torch.ones(len(self.W_pos), len(self.W_pos), dtype=self.W_E.dtype).tril()
        self.phi = ACTIVATIONS[activation]

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (batch, positions)."""
        r = torch.einsum("dbp->bpd", self.W_E[:, tokens]) + self.W_pos
        r = r + self.attention(r)
        hidden = self.phi(torch.einsum("md,bpd->bpm", self.W_in, r) + self.b_in)
        r = r + torch.einsum("dm,bpm->bpd", self.W_out, hidden) + self.b_out
        return r @ self.W_U

    def attention(self, r: Tensor) -> Tensor:
        """Every position attends to itself and those before it."""
        key, query, value = (torch.einsum("ihd,bpd->biph", w, r) for w in (self.W_K, self.W_Q, self.W_V))
        scores = torch.tril(torch.einsum("biph,biqh->biqp", key, query)) - 1e10 * (1 - self.mask)
        pattern = F.softmax(scores / key.shape[-1] ** 0.5, dim=-1)
        mixed = torch.einsum("biph,biqp->biqh", value, pattern)
        return torch.einsum("df,bqf->bqd", self.W_O, mixed.permute(0, 2, 1, 3).flatten(2))


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean of -log softmax(logits)[label], in float64."""
    log_probabilities = F.log_softmax(logits.to(torch.float64), dim=-1)
    return -torch.gather(log_probabilities, index=labels[:, None], dim=-1).mean()


class Training:
    """Full-batch training from a start file."""

    def __init__(self, start: Path, config: RunConfig, threads: int) -> None:
        torch.set_num_threads(threads)
        tensors, optim = load_file(start), config.optim
        self.train = tensors["train_x"], tensors["train_y"]
        self.test = tensors["test_x"], tensors["test_y"]
        weights = {name.removeprefix("weights/"): t for name, t in tensors.items() if name.startswith("weights/")}
        self.model = Transformer(weights, config.model.n_heads, config.model.activation)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=optim.lr, weight_decay=optim.weight_decay, betas=(0.9, optim.beta2)
        )
        self.train_losses: list[float] = []
        self.test_losses: list[float] = []

    def full_loss(self, data: tuple[Tensor, Tensor]) -> Tensor:
        """The loss at the last position."""
        return cross_entropy(self.model(data[0])[:, -1], data[1])

    def advance(self, steps: int) -> None:
        for _ in range(steps):
            train_loss, test_loss = self.full_loss(self.train), self.full_loss(self.test)
            self.train_losses.append(train_loss.item())
            self.test_losses.append(test_loss.item())
            train_loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()

    def curve(self) -> list[float]:
        return self.train_losses
