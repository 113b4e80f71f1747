"""The committee machine by autograd, as the notebook of arXiv 2310.06110 trains it.

Kumar, Bordelon, Gershman and Pehlevan 2024, supplement, also in giovana-morais/amlds_final_project
(grokking-feature-timescales-anon-final.ipynb), figures 3 and 4. The notebook's regression cells are in JAX and its
modular ones in torch; this is the network of the former in the loop of the latter: nn.MSELoss, torch.optim.SGD, the
train loss kept from the step's own forward pass, the test loss taken at every step.

In favour of the baseline: where f is centred, f_0 is computed once (there, with every loss).
"""

from __future__ import annotations

import torch
from safetensors.torch import load_file
from torch import Tensor, nn


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

    def __init__(self, start: str, alpha: float, eps: float, centered: bool, lr: float, threads: int) -> None:
        torch.set_num_threads(threads)
        tensors = load_file(start)
        self.model = Committee(tensors["weights/W"], alpha, eps)
        self.x_train, self.x_test = tensors["train_x"], tensors["test_x"]
        self.y_train, self.y_test = tensors["train_y"].squeeze(1), tensors["test_y"].squeeze(1)
        if centered:  # f - f_0 - y
            with torch.no_grad():
                self.y_train = self.y_train + self.model(self.x_train)
                self.y_test = self.y_test + self.model(self.x_test)
        self.loss = nn.MSELoss()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr)
        self.train_losses: list[float] = []
        self.test_losses: list[float] = []

    def advance(self, steps: int) -> None:
        """Train."""
        for _ in range(steps):
            loss = self.loss(self.model(self.x_train), self.y_train)
            self.train_losses.append(loss.item())
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            with torch.no_grad():
                self.test_losses.append(self.loss(self.model(self.x_test), self.y_test).item())

    def curve(self) -> list[float]:
        """The train losses so far."""
        return self.train_losses
