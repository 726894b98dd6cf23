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

        >>> import torch
        >>> @nb.arch("one_layer")
        ... def one_layer(given, wanted):
        ...     '''One convolution.'''
        ...     return torch.nn.Conv2d(given[0], wanted[0], 3, padding=1)
        >>> one_layer((1, 8, 8), (1, 8, 8))(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 1, 8, 8])
    """
    return component("arch", name, version, {"cite": cite}, "", made_of=2)


def loss(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register a loss: `f(output, wanted, **params) -> scalar tensor`, the mean over the batch; lower is better.

    For example:

        >>> @nb.loss("fourth_power")
        ... def fourth_power(output, wanted):
        ...     '''Fourth power: large errors count most.'''
        ...     return ((output - wanted) ** 4).mean()
        >>> import torch
        >>> fourth_power(torch.zeros(2), torch.full((2,), 2.0))
        tensor(16.)
    """
    return component("loss", name, version, {"cite": cite}, "")


def objective(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register an objective: `f(net, batch, **params) -> scalar tensor`.

    `batch` maps `given`, `wanted` and what else the track gives to tensors with the batch first; `progress`, one number
    an item, is the share of the steps that are done. Draws of its own come from torch's generator, which is seeded anew
    for each step.

        >>> @nb.objective("absolute")
        ... def absolute(net, batch):
        ...     '''The mean absolute error.'''
        ...     return (net(batch["given"]) - batch["wanted"]).abs().mean()
        >>> import torch
        >>> absolute(torch.nn.Identity(), {"given": torch.zeros(4), "wanted": torch.ones(4)})
        tensor(1.)
    """
    return component("objective", name, version, {"cite": cite}, "")


def optimizer(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register an optimiser: `f(parameters, **params) -> torch.optim.Optimizer`; `lr` is the rate before a schedule.

    For example:

        >>> import torch
        >>> @nb.optimizer("plain_sgd")
        ... def plain_sgd(parameters, *, lr: float = 0.1):
        ...     '''SGD without momentum.'''
        ...     return torch.optim.SGD(parameters, lr=lr)
        >>> plain_sgd(torch.nn.Linear(2, 1).parameters(), lr=0.5).param_groups[0]["lr"]
        0.5
    """
    return component("optimizer", name, version, {"cite": cite}, "", made_of=1)


def schedule(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register a schedule: `f(progress, **params) -> factor` of the rate; `progress` is 0 at first, and below 1.

    For example:

        >>> @nb.schedule("halves")
        ... def halves(progress, *, times: int = 3):
        ...     '''Halves: the rate is halved some times on the way.'''
        ...     return 0.5 ** int(progress * (times + 1))
        >>> [halves(progress) for progress in (0, 0.5, 0.9)]
        [1.0, 0.25, 0.125]
    """
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

        >>> import torch
        >>> @nb.part("clamped")
        ... class Clamped:
        ...     '''Keep each weight within a bound after each step.'''
        ...     def __init__(self, *, bound: float = 1.0):
        ...         self.bound = bound
        ...     def after_step(self, net, step, steps):
        ...         for weight in net.parameters():
        ...             weight.data.clamp_(-self.bound, self.bound)
        >>> net = torch.nn.PReLU(init=3.0)
        >>> Clamped().after_step(net, step=0, steps=10)
        >>> net.weight.item()
        1.0
    """
    return component("part", name, version, {"cite": cite}, "")


def sampler(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register a sampler: `f(n, batch, seed, **params) -> order`; `order(step)` are the places of a batch below `n`.

    For example:

        >>> @nb.sampler("in_turn")
        ... def in_turn(n, batch, seed):
        ...     '''Items one after the other.'''
        ...     return lambda step: [(step * batch + i) % n for i in range(batch)]
        >>> in_turn(5, 2, seed=0)(2)
        [4, 0]
    """
    return component("sampler", name, version, {"cite": cite}, "")


def stop(name: str, *, version: int = 1, cite: str = "") -> Callable[[F], F]:
    """Register a rule when to stop: `f(curve, higher, **params) -> reason`, an empty text to go on.

    `curve` are the validations so far (see `CurvePoint`); `higher` says whether a higher score is better.

        >>> @nb.stop("at_third")
        ... def at_third(curve, higher):
        ...     '''At the third validation.'''
        ...     return "the third validation" if len(curve) == 3 else ""
        >>> at_third([0.1, 0.2, 0.3], higher=True)
        'the third validation'
    """
    return component("stop", name, version, {"cite": cite}, "")
