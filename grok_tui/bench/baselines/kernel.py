"""Trace NTK by Jacobian contraction, as torch's tutorial "Neural Tangent Kernels" computes it with torch.func.

pytorch/tutorials, intermediate_source/neural_tangent_kernels.py, after Novak, Sohl-Dickstein and Schoenholz 2022,
arXiv 2206.08720: vmap(jacrev(f)) gives the Jacobian of every example, einsum contracts it over outputs and weights.

In favour of the baseline: both arguments of the kernel are the probe, so that one Jacobian is computed (there, two).
If the Jacobian would need more than `LARGEST` bytes, outputs are taken in blocks, whose kernels add up.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from ...config.schema import RunConfig
from .transformer import Transformer

LARGEST = 8e9


class EmbeddingMLP(nn.Module):
    """W2 gelu(W1 [E_a; E_b] + b1) + b2."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.E = nn.Embedding.from_pretrained(weights["E"], freeze=False)
        self.hidden, self.out = nn.Linear(1, 1), nn.Linear(1, 1)
        for layer, w, b in ((self.hidden, "W1", "b1"), (self.out, "W2", "b2")):
            layer.weight, layer.bias = nn.Parameter(weights[w].T.contiguous()), nn.Parameter(weights[b])

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (batch, 2)."""
        return self.out(F.gelu(self.hidden(self.E(tokens).flatten(1))))


class LastPosition(nn.Module):
    """A transformer, read at its last position."""

    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits, shape (batch, classes)."""
        return self.model(tokens)[:, -1]


class Kernel:
    """The kernel of a network on the first test examples of a start file."""

    def __init__(self, start: Path, config: RunConfig, threads: int) -> None:
        torch.set_num_threads(threads)
        tensors, model, probe = load_file(start), config.model, config.measure.probe
        weights = {name.removeprefix("weights/"): t for name, t in tensors.items() if name.startswith("weights/")}
        self.x = tensors["test_x"][:probe]
        self.net: nn.Module
        if model.name == "transformer":
            self.net = LastPosition(Transformer(weights, model.n_heads, model.activation))
        else:
            self.net = EmbeddingMLP(weights)
        self.parameters = {name: w.detach() for name, w in self.net.named_parameters()}
        with torch.no_grad():
            self.n_outputs = self.net(self.x[:1]).shape[1]
        size = sum(w.numel() * w.element_size() for w in self.parameters.values()) * probe
        self.at_once = max(1, min(self.n_outputs, int(LARGEST / size)))

    def advance(self, steps: int) -> None:
        """Compute the kernel so many times."""
        for _ in range(steps):
            blocks = range(0, self.n_outputs, self.at_once)
            self.kernel = torch.stack([self._contracted(slice(i, i + self.at_once)) for i in blocks]).sum(0)

    def _contracted(self, outputs: slice) -> Tensor:
        def one(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
            return functional_call(self.net, parameters, (x.unsqueeze(0),)).squeeze(0)[outputs]

        jacobian = vmap(jacrev(one), (None, 0))(self.parameters, self.x)
        blocks = (block.flatten(2) for block in jacobian.values())
        return torch.stack([torch.einsum("Naf,Maf->NM", block, block) for block in blocks]).sum(0)

    def distance(self, path: Path) -> float:
        """‖K' - K‖_F / ‖K‖_F, K the kernel computed last and K' that in a file."""
        other = load_file(path)["kernel"].to(self.kernel)
        return float(torch.linalg.matrix_norm(other - self.kernel) / torch.linalg.matrix_norm(self.kernel))
