"""What a run can measure: one record per measure, read by the config, the engine, the screens and the help.

A new measure that `measure.also` names is a record here and a function in engine/measures.py.
"""

from dataclasses import dataclass

from .names import MODULAR, NETWORKS


@dataclass(frozen=True)
class Measure:
    """Columns of metrics.csv that share one meaning."""

    name: str
    title: str
    """The name on screen."""
    columns: tuple[str, ...]
    """`norm/*` stands for one column per weight tensor. A run of many seeds also has X@low and X@high for each X."""
    meaning: str
    unit: str = ""
    """Empty for a pure number."""
    is_extra: bool = False
    """Taken only if `measure.also` names it."""
    tasks: tuple[str, ...] = ()
    """Tasks, models and losses for which it is defined; empty for all."""
    models: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


EMBEDDINGS = ("embedding-mlp", "transformer", "quadratic-mlp")
REAL = ("polynomial", "eigenvector", "linear-teacher", "teacher-student")

_ALL = (
    Measure(
        "loss",
        "loss",
        ("train/loss", "test/loss"),
        "mean loss over the train examples and over the test examples",
    ),
    Measure(
        "accuracy",
        "accuracy",
        ("train/acc", "test/acc"),
        "share of right answers, 0 to 1; a real-valued answer is right if its squared error is below task.tolerance",
    ),
    Measure(
        "weight_norm",
        "weight norm",
        ("norm/weight",),
        "‖θ‖ = √(sum of all squared weights); ‖M‖ for a kernel machine. The delay law says that the test loss falls "
        "when this norm is low",
    ),
    Measure("squared_norm", "squared norm", ("norm/V",), "V = ‖θ‖², the sum of all squared weights", models=NETWORKS),
    Measure(
        "tensor_norms",
        "norms by name",
        ("norm/*",),
        "‖w‖ of each weight tensor w, under the name of the tensor",
        models=NETWORKS,
    ),
    Measure(
        "gradient_norm",
        "gradient norm",
        ("norm/grad",),
        "‖∇L‖, the norm of the gradient of the train loss, without weight decay",
        models=NETWORKS,
    ),
    Measure(
        "drift",
        "kernel drift",
        ("kernel/drift",),
        "‖K − K₀‖ / ‖K₀‖, where K is the network's kernel now and K₀ the kernel at step 0; "
        "unlike the kernel distance it also grows with the scale of K",
    ),
    Measure(
        "distance",
        "kernel distance",
        ("kernel/distance",),
        "1 − ⟨K, K₀⟩ / (‖K‖ ‖K₀‖), 0 to 1, whatever the scale of K; 0 means that the features are those of step 0 "
        "(lazy training)",
    ),
    Measure(
        "velocity",
        "kernel velocity",
        ("kernel/velocity",),
        "kernel distance between K and the kernel measured before it, divided by the steps between them",
        "per step",
    ),
    Measure(
        "alignment",
        "kernel alignment",
        ("kernel/alignment",),
        "⟨K, YYᵀ⟩ / (‖K‖ ‖YYᵀ‖) of the centred kernel K and the centred labels Y, −1 to 1: how well the kernel fits "
        "the labels",
    ),
    Measure(
        "column_alignment",
        "column alignment",
        ("kernel/column_alignment",),
        "kernel alignment with only the columns of K centred, as arXiv 2310.06110 computes it",
    ),
    Measure(
        "twin",
        "linearised network",
        ("twin/train_loss", "twin/test_loss"),
        "train and test loss of f(θ₀) + ∇f(θ₀)·(θ − θ₀), trained beside the network on the same batches; "
        "the kernel of this linearised network cannot change",
        is_extra=True,
        models=NETWORKS,
    ),
    Measure(
        "regression",
        "kernel regression",
        ("k0/test_loss",),
        "test loss of kernel regression with the kernel of step 0: K₀(test, train) K₀(train, train)⁺ y",
        is_extra=True,
        tasks=REAL,
        models=NETWORKS,
        losses=("mse",),
    ),
    Measure(
        "decomposition",
        "error terms",
        ("error/variance", "error/alignment", "error/linear"),
        "the three terms whose sum is the expected test loss of a committee machine: variance, alignment and linear "
        "error (arXiv 2310.06110, equation 6)",
        is_extra=True,
        tasks=("polynomial",),
        models=("committee",),
    ),
    Measure(
        "spectrum",
        "kernel spectrum",
        ("kernel/rank", "kernel/top1", "kernel/top2", "kernel/top3"),
        "effective rank exp(−Σ pᵢ ln pᵢ) with pᵢ = λᵢ / Σλ, and the three largest eigenvalues λᵢ of K",
        is_extra=True,
    ),
    Measure(
        "angle",
        "angle",
        ("angle/init", "angle/mem"),
        "angle between the weights now and the weights at step 0, and at t_mem, each taken as one long vector",
        "degrees",
        is_extra=True,
        models=NETWORKS,
    ),
    Measure(
        "fourier",
        "Fourier",
        ("fourier/gini", "fourier/energy"),
        "power of the embedding by frequency over the residues: Gini coefficient, and share of the five strongest "
        "frequencies, 0 to 1; near 1 a few frequencies carry the embedding",
        is_extra=True,
        tasks=MODULAR,
        models=EMBEDDINGS,
    ),
    Measure(
        "bits",
        "bits",
        ("bits/share",),
        "‖W₁[:k]‖² / ‖W₁‖²: share of the first layer's squared weight on the k bits that the parity is taken over",
        is_extra=True,
        tasks=("parity",),
        models=("mlp",),
    ),
)

MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}

EXTRAS: dict[str, Measure] = {name: measure for name, measure in MEASURES.items() if measure.is_extra}
"""The measures that `measure.also` can name."""

_BY_COLUMN = {column: measure for measure in _ALL for column in measure.columns}


def measure_of(column: str) -> Measure | None:
    """The measure that a column of metrics.csv belongs to; None if this version does not know the column."""
    plain = column.removesuffix("@low").removesuffix("@high")
    unnamed = MEASURES["tensor_norms"] if plain.startswith("norm/") else None
    return _BY_COLUMN.get(plain, unnamed)
