"""The arithmetic of a step, counted by formula. Imports no torch.

Counted are the matrix products as grok-tui computes them: 2 m k n operations per product. A backward pass takes each
product of the forward pass twice, once for each factor; hence the factor 3. Letters: n examples, t positions,
v tokens, width d, h hidden units, c classes.
"""

from ..config.schema import RunConfig

TRANSFORMER = "3 [2 n d (d + 2 h + c) + (4 t + 2) v d^2 + 2 t v^2 d]"
EMBEDDING_MLP = "3 [2 n h c + 2 t v d h]"


def transformer(n: int, t: int, v: int, d: int, h: int, c: int) -> int:
    """Operations per step of the one-layer transformer, read at the last position."""
    return 3 * (2 * n * d * (d + 2 * h + c) + (4 * t + 2) * v * d**2 + 2 * t * v**2 * d)


def embedding_mlp(n: int, t: int, v: int, d: int, h: int, c: int) -> int:
    """Operations per step of the embedding MLP."""
    return 3 * (2 * n * h * c + 2 * t * v * d * h)


def step_of(config: RunConfig) -> tuple[float, str]:
    """(GFLOP per step, the formula) of a network on modular addition."""
    task, model = config.task, config.model
    count, formula = (transformer, TRANSFORMER) if model.name == "transformer" else (embedding_mlp, EMBEDDING_MLP)
    n, tokens = int(task.frac_train * task.p**2), task.p + (task.n_tokens == 3)
    return 1e-9 * count(n, task.n_tokens, tokens, model.d_embed, model.d_hidden, task.p), formula
