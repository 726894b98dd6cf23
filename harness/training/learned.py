"""Networks inside components: trained by a recipe as in a run, once, and cached."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..components.registry import Bound
from ..components.tracks import get_track
from ..data.made_once import made_once
from ..planning.cells import method_part
from ..planning.recipe import VERSION, Recipe, recipe_of, seed_of
from ..text.errors import UsageError
from ..track.training_batches import Batches, Trains
from .batches import training_batches


@dataclass(frozen=True)
class Learned:
    """A network in eval mode on a CPU, and the shapes of one item that it gets and gives.

    `lines` name all that it depends on.

        >>> import torch
        >>> network = nb.Learned(torch.nn.Flatten(), given=(1, 8, 8), wanted=(64,), lines=("flatten",))
        >>> network.net(torch.zeros(3, *network.given)).shape[1:] == network.wanted
        True
    """

    net: Any
    given: tuple[int, ...]
    wanted: tuple[int, ...]
    lines: Sequence[str]


def learned(method: Bound, seed: int, name: str) -> Learned:
    """The network of a method `trained(…)`: from the cache where it was trained before.

    On one CPU thread it is bit by bit that of a run. `seed` is for a recipe that has none. Raises `UsageError` for
    another method, and for a recipe that needs a validation or a checkpoint.

        >>> import torch
        >>> method = nb.bind("trained(arch=mlp(hidden=(4,)), steps=2, checks=1)", "method", "classify")
        >>> network = nb.learned(method, seed=0, name="example")
        >>> network.given, network.net(torch.zeros(2, 1, 8, 8)).shape
        ((1, 8, 8), torch.Size([2, 10]))
    """
    import torch

    from .network import build, made_parts

    if not getattr(method.entry.obj, "trained", False):
        raise UsageError(f"{name}: {method.display} is trained by no recipe: give trained(…)")
    recipe = recipe_of(method.kwargs)
    seed = seed_of(recipe, seed)
    if recipe.keep != "last" or recipe.stop.entry.name != "steps" or any(one.inner for one in recipe.parts):
        raise UsageError(f"{name}: {method.display} is trained to its last step here: leave out stop, keep, teachers")
    track = get_track(method.track)
    if not isinstance(track, Trains):
        raise UsageError(f"{name}: the track {track.name} trains nothing")
    dataset, batches, _ = training_batches(recipe, track, seed)
    items = (dataset.load(index) for index in range(len(dataset.ids)))
    sources = method_part(method).sources
    identity = [f"learned 1 {VERSION} {seed=}", method.canonical, repr(method.versions)]
    lines = [*identity, *(f"{file} {sha256}" for file, sha256 in sources.items()), *map(track.identify, items)]

    def make(say: Callable[[int, int], None]) -> dict[str, Any]:
        with _one_thread(), torch.random.fork_rng(devices=[]):
            net = _net_of(recipe, batches, seed, name, say)
        return {key: value.numpy() for key, value in net.state_dict().items()}

    weights = made_once("learned", lines, make)
    with torch.random.fork_rng(devices=[]):
        net = build(recipe, made_parts(recipe), batches.given, batches.wanted)
    net.load_state_dict({key: torch.from_numpy(value) for key, value in weights.items()})
    return Learned(net.eval().requires_grad_(False), tuple(batches.given), tuple(batches.wanted), lines)


def _net_of(recipe: Recipe, batches: Batches, seed: int, name: str, say: Callable[[int, int], None]) -> Any:
    """The network after all steps. Raises `UsageError` where it diverged."""
    from .trainer import Trainer

    trainer = Trainer(recipe, batches.given, batches.wanted, seed, "cpu")
    for step in range(recipe.steps):
        say(step, recipe.steps)
        if not math.isfinite(trainer.advance(batches(step))):
            raise UsageError(f"{name}: its training diverged at step {step + 1}: give a lower rate")
    trainer.finish()
    return trainer.net


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limit torch to one thread, so that results do not depend on the machine's number of CPUs."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
