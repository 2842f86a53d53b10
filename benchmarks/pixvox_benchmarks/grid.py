"""A grid is methods x tasks x protocols x seeds at one budget; a cell is one of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

from pixvox_benchmarks.result import file_name
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.task_line import task_of
from pixvox_registry import MAKERS
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.budgets import Budget, budget
from pixvox_registry.contracts import Maker, Task
from pixvox_registry.order import Order


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """One backbone to be made: a method on the train split of a task, within a budget.

    Args:
        method: a recipe (``simclr``), or what another maker makes (``hub:some-name``).
    """

    method: str
    task: str
    budget: str
    seed: int

    @property
    def label(self) -> str:
        """For people, and for names of files."""
        return file_name(self.method, self.task, self.budget, f"s{self.seed}")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One number of a board, before its seeds are averaged."""

    pretraining: Pretraining
    protocol: str

    @property
    def label(self) -> str:
        """For people, and for names of files."""
        return file_name(self.pretraining.label, self.protocol)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Everything a comparison wants to know."""

    methods: tuple[str, ...]
    tasks: tuple[str, ...]
    protocols: tuple[str, ...]
    seeds: int
    budget: str

    def pretrainings(self) -> list[Pretraining]:
        """One per method, task and seed; the first seed of everything comes first."""
        return [
            Pretraining(method=method, task=task, budget=self.budget, seed=seed)
            for seed, task, method in product(range(self.seeds), self.tasks, self.methods)
        ]

    def cells(self) -> list[Cell]:
        """One per pretraining and protocol."""
        return [
            Cell(pretraining=pretraining, protocol=protocol)
            for pretraining, protocol in product(self.pretrainings(), self.protocols)
        ]


@dataclass(frozen=True)
class Workshop:
    """A pretraining with the plugins that it names, built once."""

    pretraining: Pretraining
    task: Task

    @classmethod
    def of(cls, pretraining: Pretraining) -> Workshop:
        """With its own task, read afresh."""
        return cls(pretraining, task_of(pretraining.task))

    @cached_property
    def maker(self) -> Maker:
        """Who makes the weights."""
        return MAKERS.build(self.maker_name)

    @property
    def maker_name(self) -> str:
        """What stands before the colon; ``recipe`` if nothing does."""
        maker, colon, _ = self.pretraining.method.partition(":")
        return maker if colon else "recipe"

    @cached_property
    def order(self) -> Order:
        """What the maker is asked for."""
        return Order(
            method=self.pretraining.method.removeprefix(f"{self.maker_name}:"),
            source=self.task.source,
            split="train",
            budget=self._budget,
            seed=self.pretraining.seed,
            flips=self.task.flips,
        )

    @property
    def _budget(self) -> Budget:
        preset = budget(self.pretraining.budget, self.task.dims)
        if isinstance(self.task, SegmentationTask):
            return replace(preset, image_size=self.task.patch_size)
        size = getattr(self.task, "image_size", None)
        return preset if size is None else replace(preset, image_size=size)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over all that decides the weights."""
        return fingerprint([self.maker_name, self.maker.fingerprint(self.order)])

    @cached_property
    def method_fingerprint(self) -> str:
        """The same for every seed: a board averages seeds of one method, never of two editions."""
        first = replace(self.order, seed=0)
        return fingerprint([self.maker_name, self.maker.fingerprint(first)])

    @property
    def run_name(self) -> str:
        """Name of the run folder: another recipe, dataset or version is another folder."""
        return f"{self.pretraining.label}-{self.fingerprint[:12]}"
