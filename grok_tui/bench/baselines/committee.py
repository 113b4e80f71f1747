"""The committee machine by autograd, as the notebook of arXiv 2310.06110 trains it.

Kumar, Bordelon, Gershman and Pehlevan 2024, supplement, also in giovana-morais/amlds_final_project
(grokking-feature-timescales-anon-final.ipynb), figures 3 and 4. The notebook's regression cells are in JAX and its
modular ones in torch; this is the network of the former in the loop of the latter: nn.MSELoss, torch.optim.SGD, the
train loss kept from the step's own forward pass, the test loss taken at every step.

In favour of the baseline: if f is centred, f_0 is computed once (there, with every loss).
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ...config.schema import RunConfig


class Committee(nn.Module):
    """f(x) = alpha * mean_i phi(w_i . x),  phi(h) = h + eps/2 h^2."""

    def __init__(self, weights: Tensor, alpha: float, eps: float) -> None:
        super().__init__()
        self.W = nn.Parameter(weights.clone())
        self.alpha, self.eps = alpha, eps

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, d); returns (n,)."""
        h = self.W @ x.T
        return self.alpha * torch.mean(h + 0.5 * self.eps * h**2, dim=0)


class Training:
    """Full-batch gradient descent from a start file."""

    def __init__(self, start: Path, config: RunConfig, threads: int) -> None:
        torch.set_num_threads(threads)
        tensors, model, optim = load_file(start), config.model, config.optim
        self.model = Committee(tensors["weights/W"], model.alpha, model.eps)
        self.x_train, self.x_test = tensors["train_x"], tensors["test_x"]
        self.y_train, self.y_test = tensors["train_y"].squeeze(1), tensors["test_y"].squeeze(1)
        if model.centered:  # f - f_0 - y
            with torch.no_grad():
                self.y_train = self.y_train + self.model(self.x_train)
                self.y_test = self.y_test + self.model(self.x_test)
        self.loss = nn.MSELoss()
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=optim.lr / model.alpha**2 if optim.lr_over_alpha2 else optim.lr
        )
        self.train_losses: list[float] = []
        self.test_losses: list[float] = []

    def advance(self, steps: int) -> None:
        for _ in range(steps):
            loss = self.loss(self.model(self.x_train), self.y_train)
            self.train_losses.append(loss.item())
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            with torch.no_grad():
                self.test_losses.append(self.loss(self.model(self.x_test), self.y_test).item())

    def curve(self) -> list[float]:
        return self.train_losses
