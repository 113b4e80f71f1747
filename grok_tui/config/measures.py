"""What a run can measure: one record per measure, read by the config, the engine, the screens and the help.

A new measure that `measure.also` can name is a record here and a function in engine/measures.py.
"""

from typing import NamedTuple

from .names import MODULAR, NETWORKS


class MeasureRecord(NamedTuple):
    """Columns of metrics.csv that share one meaning. `norm/*` stands for one column per weight tensor.

    A run of many seeds also has the columns X@low and X@high for each column X.
    """

    name: str
    columns: tuple[str, ...]
    meaning: str
    unit: str = ""
    """Empty for a pure number."""
    tasks: tuple[str, ...] = ()
    """Tasks, models and losses for which it is defined; empty for all."""
    models: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


_USUAL = (
    MeasureRecord("loss", ("train/loss", "test/loss"), "mean loss over the train examples and over the test examples"),
    MeasureRecord(
        "accuracy", ("train/acc", "test/acc"),
        "share of right answers, 0 to 1; a real-valued answer is right if its squared error is below task.tolerance",
    ),
    MeasureRecord(
        "weight norm", ("norm/weight",),
        "‖θ‖ = √(sum of all squared weights); ‖M‖ for a kernel machine; by the delay law test follows when it is low",
    ),
    MeasureRecord("squared norm", ("norm/V",), "V = ‖θ‖²", models=NETWORKS),
    MeasureRecord("norms by name", ("norm/*",), "‖w‖ of each weight tensor w, under its name", models=NETWORKS),
    MeasureRecord("gradient norm", ("norm/grad",), "‖∇L‖ of the train loss L, without weight decay", models=NETWORKS),
    MeasureRecord(
        "kernel drift", ("kernel/drift",),
        "‖K − K₀‖ / ‖K₀‖ of the kernel K now and K₀ at step 0; unlike the distance it grows with the scale of K",
    ),
    MeasureRecord(
        "kernel distance", ("kernel/distance",),
        "1 − ⟨K, K₀⟩ / (‖K‖ ‖K₀‖), 0 to 1; 0: the features are those of step 0 (lazy training)",
    ),
    MeasureRecord(
        "kernel velocity", ("kernel/velocity",),
        "kernel distance from the kernel measured before, divided by the steps between them", "per step",
    ),
    MeasureRecord(
        "kernel alignment", ("kernel/alignment",),
        "⟨K, YYᵀ⟩ / (‖K‖ ‖YYᵀ‖) of the centred kernel K and labels Y, −1 to 1: how well the kernel fits the labels",
    ),
    MeasureRecord(
        "column alignment", ("kernel/column_alignment",),
        "kernel alignment with only the columns of K centred, as arXiv 2310.06110 computes it",
    ),
)  # fmt: skip

_REAL = ("polynomial", "eigenvector", "linear-teacher", "teacher-student")
_EMBEDDINGS = ("embedding-mlp", "transformer", "quadratic-mlp")

_EXTRA = (
    MeasureRecord(
        "twin", ("twin/train_loss", "twin/test_loss"),
        "losses of the linearised network f(θ₀) + ∇f(θ₀)·(θ − θ₀), trained beside the network on the same batches; "
        "its kernel cannot change", models=NETWORKS,
    ),
    MeasureRecord(
        "regression", ("k0/test_loss",),
        "test loss of kernel regression with the kernel of step 0: K₀(test, train) K₀(train, train)⁺ y",
        tasks=_REAL, models=NETWORKS, losses=("mse",),
    ),
    MeasureRecord(
        "decomposition", ("error/variance", "error/alignment", "error/linear"),
        "three error terms whose sum is the expected test loss of a committee machine (arXiv 2310.06110, equation 6)",
        tasks=("polynomial",), models=("committee",),
    ),
    MeasureRecord(
        "spectrum", ("kernel/rank", "kernel/top1", "kernel/top2", "kernel/top3"),
        "effective rank exp(−Σ pᵢ ln pᵢ), pᵢ = λᵢ / Σλ, and the three largest eigenvalues λᵢ of the kernel",
    ),
    MeasureRecord(
        "angle", ("angle/init", "angle/mem"),
        "angle of the weights, as one long vector, with the weights of step 0, and with those of t_mem", "degrees",
        models=NETWORKS,
    ),
    MeasureRecord(
        "fourier", ("fourier/gini", "fourier/energy"),
        "power of the embedding over frequencies: Gini coefficient, and share of the five strongest frequencies; "
        "near 1 a few frequencies carry the embedding", tasks=MODULAR, models=_EMBEDDINGS,
    ),
    MeasureRecord(
        "bits", ("bits/share",),
        "‖W₁[:k]‖² / ‖W₁‖²: share of the first layer's squared weight on the k bits that the parity is taken over",
        tasks=("parity",), models=("mlp",),
    ),
)  # fmt: skip

EXTRAS: dict[str, MeasureRecord] = {measure.name: measure for measure in _EXTRA}
"""The measures that `measure.also` can name."""
MEASURES: dict[str, MeasureRecord] = {measure.name: measure for measure in _USUAL} | EXTRAS

_BY_COLUMN = {column: measure for measure in MEASURES.values() for column in measure.columns}


def measure_of(column: str) -> MeasureRecord | None:
    """The measure that a column of metrics.csv belongs to; None if this version does not know the column."""
    plain = column.removesuffix("@low").removesuffix("@high")
    return _BY_COLUMN.get(plain) or (MEASURES["norms by name"] if plain.startswith("norm/") else None)
