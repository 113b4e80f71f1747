"""The power of an embedding at each frequency over the residues modulo p."""

import torch
from torch import Tensor


def spectrum(embedding: Tensor) -> Tensor:
    """Share of power per frequency k = 1..(p-1)/2: sum_j |sum_a E_aj exp(-2 pi i k a/p)|^2, normalised to sum 1.

    embedding: (p, d), one row per residue (without tokens such as "="). Returns ((p-1)/2,). The mean over the
    residues (k = 0) is left out. An even p has one frequency more, p/2. It has no sine, so that its power counts
    half: the shares are those of ‖E - mean‖_F^2 for every p. NaN if all rows are equal.
    Nanda et al. 2023, arXiv 2301.05217; arXiv 2606.13753.
    """
    p = embedding.shape[0]
    power = torch.fft.rfft(embedding, dim=0)[1:].abs().square().sum(dim=1)
    if p % 2 == 0:
        power = torch.cat([power[:-1], power[-1:] / 2])
    return power / power.sum()


def gini(shares: Tensor) -> Tensor:
    """Gini coefficient 2 sum_i i p_(i) / (n sum p) - (n + 1)/n, p_(i) ascending, i from 1; 0 to 1 - 1/n.

    shares: (n,), not negative, of any sum. 0 if all are equal, 1 - 1/n if one has everything; NaN if all are 0.
    arXiv 2606.13753.
    """
    n = shares.shape[0]
    rank = torch.arange(1, n + 1, dtype=shares.dtype, device=shares.device)
    return 2 * (rank * shares.sort().values).sum() / (n * shares.sum()) - (n + 1) / n


def energy(shares: Tensor, n: int = 5) -> Tensor:
    """Share of power in the n strongest frequencies, 0 to 1.

    shares: (frequencies,), as `spectrum` returns them; if there are fewer than n, all are counted.
    Nanda et al. 2023, arXiv 2301.05217 (key frequencies: 5 of 56 at p = 113).
    """
    return shares.topk(min(n, shares.shape[0])).values.sum()
