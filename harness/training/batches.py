"""The data of a recipe: its dataset, the batches of its steps, and the items of its validations."""

from __future__ import annotations

from ..components.datasets import open_dataset
from ..planning.recipe import Recipe, data_of
from ..track.dataset_protocol import Dataset, KeepsApart
from ..track.training_batches import Batches, Trains
from .split import split


def training_batches(recipe: Recipe, track: Trains, seed: int) -> tuple[Dataset, Batches, list[int]]:
    """The dataset, the batches of each step, and the places of the items to validate on. Raises `UsageError`."""
    data = data_of(recipe, seed)
    dataset = open_dataset(data)
    if isinstance(dataset, KeepsApart):
        validation = list(dataset.kept_apart)[: recipe.validation]
        chosen = sorted({*range(len(dataset.ids))} - {*dataset.kept_apart})
    else:
        chosen, validation = split(dataset.ids, recipe.validation, data.display)
    order = recipe.sampler.entry.obj(len(chosen), recipe.batch, seed, **recipe.sampler.kwargs)
    batches = track.batches(
        dataset, chosen, recipe.regime, order, crop=recipe.crop, seed=seed, fixed=recipe.draws == "fixed"
    )
    return dataset, batches, validation
