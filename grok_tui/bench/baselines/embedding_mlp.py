"""Embedding MLP, all seeds stacked, as the code of arXiv 2606.13753 trains it.

ClevixLab/critical-norm-grokking, src/run_grokfss.py and run_denserho.py: weights are a list of tensors (seeds, ...),
the forward pass gathers embeddings and takes einsum over the seeds, the sum of the seeds' losses goes through autograd,
and AdamW is written out tensor by tensor. Accuracy is taken with every loss. Losses, accuracies, norms, the spectra's
entropies and the Fourier Gini of the embedding are logged at 360 geometrically spaced steps.

`python -m grok_tui.bench.baselines.embedding_mlp START OPTIM THREADS STEPS BUDGET` trains one seed, as a program.
OPTIM is a JSON object. This module imports nothing else of grok-tui: the program is timed with its imports.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

NAMES = ("E", "W1", "b1", "W2", "b2")
DECAYS = (True, True, False, True, False)
BETA1, EPS = 0.9, 1e-8
LOGGED = 360


def geometric(steps: int) -> set[int]:
    """The steps that are logged: 0 and `LOGGED` more, log-spaced up to the last."""
    return {0, *np.unique(np.round(np.geomspace(1, steps, LOGGED)).astype(int)).tolist()}


class Training:
    """Full-batch training of one seed or more."""

    def __init__(self, start: Path | Sequence[Path], config: Any, threads: int, budget: int = 0) -> None:
        """start: a file, or one per seed. config: its section `optim` is used. budget: length of the run over which
        the logged steps are spread; 0: none.
        """
        torch.set_num_threads(threads)
        files = [load_file(path) for path in ([start] if isinstance(start, Path) else start)]

        def stacked(name: str) -> Tensor:
            return torch.stack([file[name] for file in files])

        self.weights = [stacked(f"weights/{name}").requires_grad_() for name in NAMES]
        self.train = stacked("train_x").unbind(-1), stacked("train_y")
        self.test = stacked("test_x").unbind(-1), stacked("test_y")
        self.first = [torch.zeros_like(w) for w in self.weights]
        self.second = [torch.zeros_like(w) for w in self.weights]
        self.lr, self.weight_decay, self.beta2 = config.optim.lr, config.optim.weight_decay, config.optim.beta2
        self.logged = geometric(budget) if budget else set()
        self.log: list[dict[str, Tensor]] = []
        self.train_losses: list[Tensor] = []
        self.step = 0

    def forward(self, tokens: tuple[Tensor, ...]) -> Tensor:
        """Logits, shape (seeds, batch, classes)."""
        e, w1, b1, w2, b2 = self.weights
        embedded = [torch.gather(e, 1, t.unsqueeze(-1).expand(*t.shape, e.shape[2])) for t in tokens]
        x = torch.cat(embedded, dim=-1)
        h = F.gelu(torch.einsum("sbe,seh->sbh", x, w1) + b1.unsqueeze(1))
        return torch.einsum("sbh,shp->sbp", h, w2) + b2.unsqueeze(1)

    def loss_and_accuracy(self, data: tuple[tuple[Tensor, ...], Tensor]) -> tuple[Tensor, Tensor]:
        """Loss and accuracy of every seed, shape (seeds,) each."""
        tokens, y = data
        logits = self.forward(tokens)
        picked = F.log_softmax(logits, dim=-1).gather(-1, y.unsqueeze(-1)).squeeze(-1)
        return -picked.mean(dim=1), (logits.argmax(-1) == y).float().mean(dim=1)

    def advance(self, steps: int) -> None:
        """Train, and log the steps in `logged`."""
        for _ in range(steps):
            if self.step in self.logged:
                self.evaluate()
            losses, _ = self.loss_and_accuracy(self.train)
            self.train_losses.append(losses.detach())
            for w in self.weights:
                w.grad = None
            losses.sum().backward()
            self.update()

    @torch.no_grad()
    def update(self) -> None:
        """One AdamW step, the decay on matrices only."""
        self.step += 1
        for w, m, v, decays in zip(self.weights, self.first, self.second, DECAYS, strict=True):
            assert w.grad is not None
            if decays:
                w.mul_(1 - self.lr * self.weight_decay)
            m.mul_(BETA1).add_(w.grad, alpha=1 - BETA1)
            v.mul_(self.beta2).addcmul_(w.grad, w.grad, value=1 - self.beta2)
            mean, square = m / (1 - BETA1**self.step), v / (1 - self.beta2**self.step)
            w.addcdiv_(mean, square.sqrt().add_(EPS), value=-self.lr)

    @torch.no_grad()
    def evaluate(self) -> None:
        """Log losses, accuracies and measures of the weights."""
        e, w1, _, w2, _ = self.weights
        (train_loss, train_acc), (test_loss, test_acc) = (self.loss_and_accuracy(d) for d in (self.train, self.test))
        log = {"train_loss": train_loss, "train_acc": train_acc, "test_loss": test_loss, "test_acc": test_acc}
        log["weight_norm"] = sum((w.square().sum(dim=(1, 2)) for w in (w1, w2)), e.square().sum(dim=(1, 2))).sqrt()
        log |= {"entropy_E": entropy(e), "entropy_W2": entropy(w2), "gini": fourier_gini(e)}
        self.log.append({name: values.clone() for name, values in log.items()})

    def curve(self) -> list[float]:
        """The first seed's train losses so far."""
        return [float(losses[0]) for losses in self.train_losses]


def entropy(matrices: Tensor) -> Tensor:
    """-sum p ln p, shape (seeds,), p the shares of the squared singular values."""
    square = torch.linalg.svdvals(matrices).square()
    share = square / square.sum(-1, keepdim=True)
    return -(share * (share + 1e-30).log()).sum(-1)


def fourier_gini(embedding: Tensor) -> Tensor:
    """Gini of the embedding's power over frequencies along the token axis, without the mean, shape (seeds,)."""
    power = torch.fft.rfft(embedding, dim=1).abs().square().sum(-1)[:, 1:].sort(dim=-1).values
    n = power.shape[-1]
    rank = torch.arange(1, n + 1, dtype=power.dtype)
    return 2 * (rank * power).sum(-1) / (n * power.sum(-1)) - (n + 1) / n


def main(start: str, optim: str, threads: str, steps: str, budget: str) -> None:
    """Train to a step and print the test accuracy."""
    config = SimpleNamespace(optim=SimpleNamespace(**json.loads(optim)))
    training = Training(Path(start), config, int(threads), int(budget))
    training.advance(int(steps))
    _, accuracy = training.loss_and_accuracy(training.test)
    print(json.dumps({"step": training.step, "logged": len(training.log), "test_acc": accuracy.item()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
