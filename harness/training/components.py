"""How the parts of a training recipe are registered: one decorator a kind. No track owns them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..components.decorators import component

F = TypeVar("F", bound=Callable[..., Any])


def arch(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register a network: a function, or a class of torch.nn.Module, `f(given, wanted, **params) -> Module`.

    `given` and `wanted` are shapes of one item without the batch, such as (1, 48, 48) of a picture or (10,) of logits;
    only what the definition needs of them is read. The module maps a batch of the first to a batch of the second.
    """
    return component("arch", name, version, {"cite": cite}, "", made_of=2)


def loss(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register a loss: `f(output, wanted, **params) -> scalar tensor`, the mean over the batch; lower is better."""
    return component("loss", name, version, {"cite": cite}, "")


def objective(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register an objective: `f(net, batch, **params) -> scalar tensor`.

    `batch` maps `given`, `wanted` and what else the track gives to tensors with the batch first; `progress`, one number
    an item, is the share of the steps that are done. Draws of its own come from torch's generator, which is seeded anew
    for each step.
    """
    return component("objective", name, version, {"cite": cite}, "")


def optimizer(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register an optimiser: `f(parameters, **params) -> torch.optim.Optimizer`; `lr` is the rate before a schedule."""
    return component("optimizer", name, version, {"cite": cite}, "", made_of=1)


def schedule(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register a schedule: `f(progress, **params) -> factor` of the rate; `progress` is 0 at first, and below 1."""
    return component("schedule", name, version, {"cite": cite}, "")


def part(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register what changes how a network is trained: a class with any of the methods below.

    `prepare(net) -> net`, or `prepare(net, given)` with the shape of one input, once, before the optimiser is made, and
    again where the trained weights are loaded;
    `before_step(net, step, steps)` after each backward pass, when gradients are there; `after_step(net, step, steps)`;
    `batch(batch, step, steps) -> batch`; `loss(net, loss, step, steps) -> scalar tensor` is minimised in place of the
    objective's loss; `finish(net)` at the end; `state() -> dict` of tensors and numbers and `load(state)` where
    it remembers something, so that a stopped training goes on; `before_validation(net)` and `after_validation(net)`
    where other weights are validated than are trained.
    `observe(net, batch, loss_of, step, steps)` before each forward pass is for what only looks: `loss_of(batch)` is the
    loss as a scalar tensor, and neither its time nor its draws are those of the training. `figures() -> dict` gives
    numbers by name at the end, which are stored with the training and can be named in claims. `costs`, a mapping, says
    which of them are a cost, and of what: `{"average_bits": "bits a weight"}`; reports draw quality against these.
    """
    return component("part", name, version, {"cite": cite}, "")


def sampler(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register a sampler: `f(n, batch, seed, **params) -> order`; `order(step)` are the places of a batch below `n`."""
    return component("sampler", name, version, {"cite": cite}, "")


def stop(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register a rule when to stop: `f(curve, higher, **params) -> reason`, an empty text to go on.

    `curve` are the validations so far (see `CurvePoint`); `higher` says whether a higher score is better.
    """
    return component("stop", name, version, {"cite": cite}, "")
