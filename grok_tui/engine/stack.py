"""Many seeds of one config as one batched computation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..config.schema import RunConfig
from .cuda_graph import Replay
from .gradient_learner import GradientLearner
from .optimization import Optimization


class Stack:
    """Learners of several seeds, stepped as one. Each looks into its part, to measure, to be saved and loaded.

    The weights have the seeds as their first dimension; every operation of a step acts on all of them.
    """

    def __init__(self, learners: Sequence[GradientLearner]) -> None:
        first = learners[0]
        self.learners = learners
        stacks = first.model.net.backward_stacks
        self.fit = Optimization.stacked([learner.net for learner in learners], first.net.backward if stacks else None)
        self.x, self.y = (torch.stack([getattr(one.data, name) for one in learners]) for name in ("train_x", "train_y"))
        starts = [learner.start_train for learner in learners if learner.start_train is not None]
        self.start = torch.stack(starts) if starts else None
        self.seeds = torch.arange(len(learners), device=self.x.device).unsqueeze(1)
        self.replay = Replay(self._step) if first.backend.steps == "graph" and not first.batch_size else None
        self._numbers = (0.0, 0.0)
        self.turn(first.config)

    def advance(self, steps: int) -> None:
        """Take `steps` steps of every seed."""
        with self.fit.recording_nothing():
            if self.replay:
                self.replay(steps)
            else:
                for _ in range(steps):
                    self._step()
        for learner in self.learners:
            learner.stepped(steps)

    def _step(self) -> None:
        self.fit.gradient(*self._batch())
        self.fit.step()

    def _batch(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """What the next step looks at: all, or what each seed's own random stream draws."""
        if not self.learners[0].batch_size:
            return self.x, self.y, self.start
        index = torch.stack([learner.draw() for learner in self.learners]).to(self.x.device)
        start = None if self.start is None else self.start[self.seeds, index]
        return self.x[self.seeds, index], self.y[self.seeds, index], start

    def turn(self, config: RunConfig) -> None:
        """Take over the knobs that the learners were turned to."""
        self.fit.turn(config.optim, config.model.alpha)
        numbers = (config.optim.hold_norm, config.model.alpha)
        if self.replay and numbers != self._numbers:
            self.replay.forget()
        self._numbers = numbers
