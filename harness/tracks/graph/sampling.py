"""What a regime makes of a graph: noise, the samples that follow from it, and what is then done to these."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ...components.calls import check_floats
from ...components.keyed_noise import keyed_generator, noise_key
from ...components.registry import Bound
from ...text.errors import Skip, UsageError
from ...track.info import Info
from ...track.posed_case import Case
from .dag import Floats, LinearDag
from .edges import topological_order


@dataclass(frozen=True)
class Noise:
    """The noise of each variable: draws `values` (N, d) of mean 0, and their true `variances` (d,)."""

    values: Floats
    variances: Floats


@dataclass(frozen=True)
class Truth:
    """What a method is to find: `edges` (d, d), and where they are known `weights` (d, d) and noise `levels` (d,)."""

    edges: npt.NDArray[np.bool_]
    weights: Floats | None = None
    levels: Floats | None = None


@dataclass(frozen=True)
class Samples:
    """Samples `values` (N, d), with the truth in their units."""

    values: Floats
    truth: Truth


Values = TypeVar("Values", Noise, Samples)


@dataclass(frozen=True, repr=False)
class GraphCase(Case):
    """A case with its truth, which stays with the scorer: what a method's process is sent has none."""

    truth: Truth | None = None

    def __reduce__(self) -> tuple[type[Case], tuple[Any, ...]]:
        return Case, (self.given, self.info, self.input_sha256, self.wanted, self.note)


def item_sha256(item: LinearDag) -> str:
    """The hash of all that samples depend on: weights, their count, and measured values."""
    sha = hashlib.sha256(f"{item.weights.shape} {item.count}".encode() + item.weights.astype("<f8").tobytes())
    if item.values is not None:
        sha.update(item.values.astype("<f8").tobytes())
    return sha.hexdigest()


def pose_graph(regime: Bound, item: LinearDag, seed: int, draw: int = 0) -> GraphCase:
    """Samples of a graph under a regime, keyed by both, seed and draw.

    Raises `Skip` for a noise of samples that were measured, or none of others; `UsageError` for a noise that comes
    after what is done to samples.
    """
    key = noise_key(regime, seed, item_sha256(item), draw)
    rng = keyed_generator(key)
    noises = [part for part in regime.parts if part.entry.meta["of"] == "noise"]
    others = [part for part in regime.parts if part.entry.meta["of"] == "samples"]
    if list(regime.parts) != noises + others:
        raise UsageError(f"regime {regime.display}: write noise first, and then what is done to samples")
    if item.values is not None:
        if noises:
            raise Skip("these samples were measured, and take no noise: give none, standardised or bootstrap")
        samples = Samples(item.values, Truth(item.weights != 0))
    elif noises:
        noise = Noise(np.zeros((item.count, len(item.weights))), np.zeros(len(item.weights)))
        for part in noises:
            noise = _after(part, noise, rng)
        truth = Truth(item.weights != 0, item.weights, np.sqrt(noise.variances))
        samples = Samples(propagated(noise.values, item.weights), truth)
    else:
        raise Skip("this graph has no samples: give a regime that draws their noise, such as equal(sigma=1)")
    for part in others:
        samples = _after(part, samples, rng)
    given = np.ascontiguousarray(samples.values, dtype=np.float64)
    sha = hashlib.sha256(f"{given.shape}".encode() + given.astype("<f8").tobytes()).hexdigest()
    size = given.shape[1]
    return GraphCase(given, Info({"shape": (size, size)}, key), sha, (size + 1, size), truth=samples.truth)


def _after(part: Bound, given: Values, rng: np.random.Generator) -> Values:
    """What one regime makes of noise or samples. Raises `UsageError` that names it."""
    who = f"regime {part.entry.name}"
    if part.entry.meta["discloses"]:
        raise UsageError(f"{who}: discloses {', '.join(part.entry.meta['discloses'])}: in track graph none does")
    values = part.entry.obj(given, rng, **part.kwargs)
    if not isinstance(values, type(given)):
        raise UsageError(f"{who}: returned {type(values).__name__}, and {type(given).__name__} was due")
    check_floats(who, values.values)
    if values.values.ndim != 2 or values.values.shape[1] != given.values.shape[1]:
        raise UsageError(f"{who}: returned shape {values.values.shape} for an array of shape {given.values.shape}")
    return values


def propagated(noise: Floats, weights: Floats) -> Floats:
    """E (N, d) → X = E (I − W)⁻¹: each variable is its noise and the weighted sum of its causes.

    Added up cause by cause in one order, so that the values are the same on every machine.
    """
    values = noise.copy()
    for effect in topological_order(weights != 0) or []:
        for cause in np.flatnonzero(weights[:, effect]):
            values[:, effect] += weights[cause, effect] * values[:, cause]
    return values
