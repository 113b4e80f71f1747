"""The config of a run: one frozen record a section, and a table of which names take which fields.

The text of each field is the only place that describes it: `--help`, the form on screen and the README
table are printed from here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct

from .measures import EXTRAS
from .names import BINARY_LOSSES as BINARY_LOSSES
from .names import LOSSES as LOSSES
from .names import MODELS as MODELS
from .names import NAMED as NAMED
from .names import OPTIMIZERS as OPTIMIZERS
from .names import TASKS as TASKS


def doc(text: str, *, steerable: bool = False, **limits: Any) -> Meta:
    """Describe a field, bound its values, and say whether it may be changed while the run trains."""
    return Meta(description=text, extra={"steerable": steerable}, **limits)


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every section: immutable, and an unknown field is an error."""


class Task(Section, frozen=True, kw_only=True):
    """What is learnt."""

    name: Annotated[str, doc("the task")]
    p: Annotated[int, doc("modulus, a prime", ge=3)] = 59
    frac_train: Annotated[float, doc("share of all pairs that is trained on", gt=0, lt=1)] = 0.4
    n_tokens: Annotated[Literal[2, 3], doc("tokens of a modular input: 2 is [x, y], 3 is [x, y, =]")] = 2
    d: Annotated[int, doc("input dimension", ge=1)] = 40
    n: Annotated[int, doc("number of bits of a parity input", ge=1)] = 30
    k: Annotated[
        int, doc("bits that the parity is taken over; or which eigenvector is learnt, 1 that of the largest", ge=1)
    ] = 3
    n_train: Annotated[int, doc("number of train examples", ge=1)] = 1000
    n_test: Annotated[int, doc("number of test examples", ge=1)] = 1000
    target_scale: Annotated[float, doc("factor of the polynomial target: target_scale * (beta.x)^2", gt=0)] = 0.5
    d_teacher: Annotated[int, doc("width of the teacher network's two hidden layers", ge=1)] = 100
    n_outputs: Annotated[int, doc("outputs of the teacher network", ge=1)] = 5
    separation: Annotated[float, doc("length of an XOR cluster's mean; the noise around it is N(0, I)", gt=0)] = 10.0
    label_noise: Annotated[float, doc("share of XOR train labels that are flipped", ge=0, lt=0.5)] = 0.0
    path: Annotated[str, doc("directory of MNIST's IDX files; empty: the 5,000 digits of the extra mnist")] = ""
    tolerance: Annotated[
        float, doc("a real-valued answer counts as right when its squared error is below this; 0: no accuracy", ge=0)
    ] = 0.0


class Model(Section, frozen=True, kw_only=True):
    """The network, f(x) = alpha * (net(x) - net_0(x) if centered)."""

    name: Annotated[str, doc("the architecture")]
    d_embed: Annotated[int, doc("width of an embedding", ge=1)] = 128
    d_hidden: Annotated[int, doc("number of hidden units", ge=1)] = 256
    n_heads: Annotated[int, doc("number of attention heads; divides d_embed", ge=1)] = 4
    n_layers: Annotated[int, doc("transformer blocks, or hidden layers", ge=1)] = 1
    layer_norm: Annotated[
        Literal["none", "pre", "post"], doc("LayerNorm: none, before each block part and at the end, or after each")
    ] = "none"
    activation: Annotated[Literal["gelu", "relu", "tanh"], doc("the nonlinearity")] = "gelu"
    init: Annotated[
        Literal["fan-in", "torch"], doc("initial weights: N(0, 1 / fan-in), or as torch draws its layers by default")
    ] = "fan-in"
    eps: Annotated[float, doc("curvature of the activation h + eps/2 h^2; 0: linear", ge=0)] = 0.25
    kernel: Annotated[
        Literal["quadratic", "gaussian"], doc("kernel of the kernel machine: (x.M.x')^2, or exp(-|x - x'|_M^2 / 2L^2)")
    ] = "quadratic"
    bandwidth: Annotated[float, doc("L of the gaussian kernel", gt=0)] = 2.5
    alpha: Annotated[float, doc("output scale; large is lazy, small is rich", gt=0, steerable=True)] = 1.0
    init_scale: Annotated[float, doc("factor on every initial weight", gt=0)] = 1.0
    centered: Annotated[bool, doc("subtract the output at initialisation, so that f starts at 0")] = False


class Loss(Section, frozen=True, kw_only=True):
    """What is minimised."""

    name: Annotated[str, doc("the loss")]
    dtype: Annotated[
        Literal["float32", "float64"], doc("precision of the log-softmax; float32 can end a run by rounding")
    ] = "float32"


class Optim(Section, frozen=True, kw_only=True):
    """How it is minimised."""

    name: Annotated[str, doc("the optimizer")]
    lr: Annotated[float, doc("learning rate", gt=0, steerable=True)] = 1e-3
    weight_decay: Annotated[float, doc("weight decay: w shrinks by lr * weight_decay a step", ge=0, steerable=True)] = (
        0.0
    )
    momentum: Annotated[float, doc("momentum of gradient descent; 0: none", ge=0, lt=1, steerable=True)] = 0.0
    beta1: Annotated[float, doc("decay rate of Adam's first moment", ge=0, lt=1, steerable=True)] = 0.9
    beta2: Annotated[float, doc("decay rate of Adam's second moment", ge=0, lt=1, steerable=True)] = 0.999
    decay: Annotated[Literal["matrices", "all"], doc("which weights decay: matrices only, or biases too")] = "matrices"
    lr_over_alpha2: Annotated[bool, doc("use lr / alpha^2, so that the speed in function space stays")] = False
    hold_norm: Annotated[
        float,
        doc(
            "norm of the decaying weights, held by rescaling them after every step; x1 freezes it; 0: free",
            ge=0,
            steerable=True,
        ),
    ] = 0.0
    ridge: Annotated[float, doc("ridge of kernel regression, on the kernel's diagonal", ge=0, steerable=True)] = 0.0


class Train(Section, frozen=True, kw_only=True):
    """How long, on what, and from which seed."""

    steps: Annotated[int, doc("number of optimizer updates", ge=1)] = 20_000
    batch_size: Annotated[int, doc("examples a step, drawn with replacement; 0: full batch", ge=0)] = 0
    seed: Annotated[int, doc("seeds the data, the initial weights and the batches", ge=0, lt=2**31)] = 0
    dtype: Annotated[Literal["float32", "float64"], doc("precision of weights and data")] = "float32"
    pace: Annotated[float, doc("steps per second while watched, so that eyes can follow; 0: full speed", ge=0)] = 0.0


class Phase(Section, frozen=True, kw_only=True):
    """What counts as memorised and as grokked; the first row past every threshold given."""

    train_acc: Annotated[float, doc("memorised: train accuracy at least this; 0: not asked", ge=0, le=1)] = 0.0
    test_acc: Annotated[float, doc("grokked: test accuracy at least this; 0: not asked", ge=0, le=1)] = 0.0
    train_loss: Annotated[float, doc("memorised: train loss below this; 0: not asked", ge=0)] = 0.0
    test_loss: Annotated[float, doc("grokked: test loss below this; 0: not asked", ge=0)] = 0.0


class Measure(Section, frozen=True, kw_only=True):
    """When and on what the measures are taken. Rows lie log-spaced in step, until gaps reach `max_gap`."""

    per_decade: Annotated[int, doc("rows a decade of steps", ge=1)] = 80
    max_gap: Annotated[int, doc("most steps between two rows", ge=1)] = 50
    kernel_per_decade: Annotated[int, doc("kernel measurements a decade of steps; 0: none", ge=0)] = 20
    kernel_max_gap: Annotated[int, doc("most steps between two kernel measurements", ge=1)] = 200
    probe: Annotated[int, doc("number of test inputs that the kernel is measured on", ge=2)] = 128
    budget: Annotated[float, doc("share of the work, as counted, that measuring may take", gt=0, lt=1)] = 0.016
    also: Annotated[list[str], doc("measures beside the usual ones: " + ", ".join(EXTRAS))] = []


class Scheduled(Section, frozen=True, kw_only=True):
    """A change of steerable fields that belongs to the experiment."""

    set: Annotated[
        dict[str, float | str], doc("the fields to change and their new values; x2, /2 relative to the old one")
    ]
    step: Annotated[int, doc("apply before this step is taken; none: see on", ge=0)] | None = None
    on: Annotated[Literal["memorized", "grokked"] | None, doc("apply when this phase begins; none: see step")] = None


Theory = Literal["delay law", "lazy to rich", "neither", ""]
THEORIES: tuple[Theory, ...] = get_args(Theory)


class RunConfig(Section, frozen=True, kw_only=True):
    """One run, whole: written to config.toml, it repeats the run."""

    title: Annotated[str, doc("one line that names the experiment")] = ""
    source: Annotated[str, doc("where it was published")] = ""
    theory: Annotated[Theory, doc("the theory that the preset speaks for")] = ""
    says: Annotated[str, doc("what happens")] = ""
    look: Annotated[str, doc("what to look at")] = ""
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
