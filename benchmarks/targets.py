"""What the benchmarks are held against: one table of targets, and the line that is printed of each measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """The bound of a measured value: at most, or `at_least`."""

    bound: float
    unit: str
    at_least: bool = False


TARGETS = {
    "scoring, times as fast as torchmetrics": Target(25, "×", at_least=True),
    "scoring, times as fast as scikit-image": Target(10, "×", at_least=True),
    "scoring, error": Target(1e-6, ""),
    "overhead of a long cell": Target(3, "%"),
    "overhead of a long cell of a network": Target(3, "%"),
    "overhead of a short cell": Target(0.1, "s"),
    "a cell of 4 small pictures beyond its method, CPU": Target(0.04, "s"),
    "starting a run, CPU": Target(1, "s"),
    # 4 s where a loop that reads, degrades and scores in one process takes 5.1 s.
    "200 pictures of 512×512 RGB, times as fast as one process": Target(1.27, "×", at_least=True),
    "import noisebench": Target(0.15, "s"),
    "noisebench --help": Target(0.15, "s"),
    "noisebench list systems, CPU": Target(1, "s"),
    "a run of 1,000 stored cells": Target(2, "s"),
    "a report of 10,000 cells": Target(15, "s"),
    "a report of 10,000 cells, memory": Target(1024, "MiB"),
    "memory of the parent, 400 pictures to 2": Target(1.05, "×"),
    "Fréchet distance below the dimension, times as fast as sqrtm": Target(20, "×", at_least=True),
    "Fréchet distance above the dimension, times as fast as sqrtm": Target(3, "×", at_least=True),
    "kernel distance of 5,000 to 5,000, memory": Target(1024, "MiB"),
    "equal work, × ref apart, beside 0 busy loops": Target(1.2, "×"),
    "equal work, × ref apart, beside 2 busy loops": Target(1.3, "×"),
    "equal work, × ref apart, beside 6 busy loops": Target(1.3, "×"),
    "equal code on other processors, × beyond its range": Target(1.2, "×"),
    "attacked in batches, times as fast as one picture at a time": Target(4, "×", at_least=True),
    "adversarial in batches, times as fast as one picture at a time": Target(3, "×", at_least=True),
    "opening the page of 10,000 rows": Target(2, "s"),
    "equal trainings told apart, symmetric": Target(5, "% of boards"),
    "equal trainings told apart, skewed": Target(6, "% of boards"),
}


def hold(measured: Mapping[str, float]) -> None:
    """Print measurements beside their targets. Raises AssertionError that names those that are missed."""
    missed = []
    for name, value in measured.items():
        target = TARGETS[name]
        met = value >= target.bound if target.at_least else value <= target.bound
        sign, unit = "≥" if target.at_least else "≤", f" {target.unit}" if target.unit else ""
        line = f"{name}: {value:.3g}{unit} (target {sign} {target.bound:g}{unit})"
        print(f"\n{'ok    ' if met else 'MISSED'}  {line}", end="")
        missed += [] if met else [line]
    print()
    assert not missed, "; ".join(missed)
