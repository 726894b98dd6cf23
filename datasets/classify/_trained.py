"""A classifier that a set is computed by: trained by its recipe, as a run trains it, once, and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import noisebench as nb
from noisebench.datasets.classify._arrays import labelled_arrays
from noisebench.planned_cell import method_part
from noisebench.recipe import VERSION, Recipe, data_of, recipe_of, seed_of
from noisebench.recipes.parts._example_scores import one_thread
from noisebench.training.network import build, made_parts
from noisebench.training.split import split


@dataclass(frozen=True)
class Learned:
    """A network in eval mode on a CPU, the shape of one picture that it is given, (C, H, W), and its classes.

    `lines` are all that it was made of.
    """

    net: Any
    given: tuple[int, ...]
    classes: int
    lines: Sequence[str]


def learned(method: nb.Bound, seed: int, name: str) -> Learned:
    """The network of a method `trained(…)` of this track, read where it was trained before.

    On one thread of a CPU it is that of the same method in a run, to the last bit. `seed` is that of a recipe that says
    none. Raises `UsageError` where the method is another one, or where its recipe needs a validation or a checkpoint.
    """
    import torch

    if not getattr(method.entry.obj, "trained", False):
        raise nb.UsageError(f"{name}: {method.display} is trained by no recipe: give trained(…)")
    recipe = recipe_of(method.kwargs)
    seed = seed_of(recipe, seed)
    if recipe.keep != "last" or recipe.stop.entry.name != "steps" or any(one.inner for one in recipe.parts):
        raise nb.UsageError(
            f"{name}: {method.display} is trained to its last step here: leave out stop, keep, teachers"
        )
    held = labelled_arrays(data_of(recipe, seed))
    given, wanted = tuple(held.pictures.shape[1:]), (len(held.classes),)
    sources = method_part(method)["sources"]
    own = [f"learned 1 {VERSION} {seed=}", method.canonical, repr(method.versions)]
    lines = [*own, *(f"{file} {sha256}" for file, sha256 in sources.items()), *held.lines]

    def make(say: Callable[[int, int], None]) -> dict[str, Any]:
        with one_thread(), torch.random.fork_rng(devices=[]):
            net = _net_of(recipe, seed, name, say)
        return {key: value.numpy() for key, value in net.state_dict().items()}

    made = nb.made_once("learned", lines, make)
    with torch.random.fork_rng(devices=[]):
        net = build(recipe, made_parts(recipe), given, wanted)
    net.load_state_dict({key: torch.from_numpy(value) for key, value in made.items()})
    return Learned(net.eval().requires_grad_(False), given, wanted[0], lines)


def _net_of(recipe: Recipe, seed: int, name: str, say: Callable[[int, int], None]) -> Any:
    """The network after all steps. Raises `UsageError` where it diverged."""
    import math

    from noisebench.tracks.classify.batches import LabelBatches
    from noisebench.training.trainer import Trainer

    data = data_of(recipe, seed)
    dataset = nb.open_dataset(data)
    apart = getattr(dataset, "kept_apart", None)
    if apart is None:
        chosen, _ = split(dataset.ids, recipe.validation, data.display)
    else:
        chosen = sorted({*range(len(dataset.ids))} - {*apart})
    order = recipe.sampler.entry.obj(len(chosen), recipe.batch, seed, **recipe.sampler.kwargs)
    batches = LabelBatches(dataset, chosen, recipe.regime, order, seed, fixed=recipe.draws == "fixed")
    trainer = Trainer(recipe, batches.given, batches.wanted, seed, "cpu")
    for step in range(recipe.steps):
        say(step, recipe.steps)
        if not math.isfinite(trainer.advance(batches(step))):
            raise nb.UsageError(f"{name}: its training diverged at step {step + 1}: give a lower rate")
    trainer.finish()
    return trainer.net
