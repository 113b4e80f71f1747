"""The tasks by name. Each draws its train and test examples from a seeded generator on the CPU.

A new task is a function in a module here, a line in `TASKS`, and its fields in config/schema.py. A new modular task is
a line in science/operations.py.
"""

from collections.abc import Callable
from functools import partial

from ..operations import OPERATIONS
from .binary import parity, xor_cluster
from .data import Data
from .eigenvector import eigenvector
from .mnist import mnist
from .modular import modular
from .regression import linear_teacher, polynomial, teacher_student

TASKS: dict[str, Callable[..., Data]] = {
    **{f"modular-{name}": partial(modular, operation=operation) for name, operation in OPERATIONS.items()},
    "parity": parity,
    "xor-cluster": xor_cluster,
    "mnist": mnist,
    "polynomial": polynomial,
    "eigenvector": eigenvector,
    "linear-teacher": linear_teacher,
    "teacher-student": teacher_student,
}

__all__ = ["TASKS", "Data"]
