"""Recipes: every choice of a training, bound; read from the parameters of a trained method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from ..components.registry import Bound, bind
from ..spec.parameter_types import nested_in
from ..spec.parsing import Spec, parse
from ..text.errors import UsageError, one_line
from ..text.wording import counted
from .tuning_grid import grid_of

VERSION = 1
"""Version of the loop: raised when the same recipe gives other weights."""
Precision = Literal["float32", "bfloat16", "float16"]
Draws = Literal["fresh", "fixed"]
Keep = Literal["last", "best"]


@dataclass(frozen=True)
class Recipe:
    """Every choice of a training. `seed` None: that of the cell which uses it.

    `batch` items a step, cropped to `crop` pixels a side where the track crops; `validation` items are split off by
    key and scored `checks` times. `precision` other than float32 is automatic mixed precision; `compiled` uses
    torch.compile. With `draws` fresh an item's draws are new each time it comes, with fixed they stay. `keep` last is
    the network of the last step, best that of the best validation.

        >>> recipe = nb.recipe_of(nb.bind("trained(arch=dncnn(depth=5), steps=2000)", "method").kwargs)
        >>> recipe.arch, recipe.steps, recipe.keep
        (Bound(dncnn(depth=5)), 2000, 'last')
    """

    arch: Bound
    objective: Bound
    optimizer: Bound
    schedule: Bound
    data: Bound
    regime: Bound
    sampler: Bound
    parts: tuple[Bound, ...]
    stop: Bound
    batch: int
    steps: int
    validation: int
    checks: int
    precision: Precision
    compiled: bool
    seed: int | None
    crop: int = 0
    draws: Draws = "fresh"
    keep: Keep = "last"

    @property
    def text(self) -> str:
        """The recipe in canonical form, on one line."""
        return "; ".join(f"{field.name}={_text(getattr(self, field.name))}" for field in fields(self))


def recipe_of(kwargs: Mapping[str, Any]) -> Recipe:
    """The recipe in the parameters of a trained method. Raises `UsageError` where it cannot be trained.

    For example:

        >>> nb.recipe_of(nb.bind("trained(steps=5, checks=10)", "method", "classify").kwargs)
        Traceback (most recent call last):
        noisebench.text.errors.UsageError: checks=10 are more than steps=5: validate at most once a step
    """
    recipe = Recipe(**{field.name: kwargs[field.name] for field in fields(Recipe) if field.name in kwargs})
    if recipe.checks > recipe.steps:
        raise UsageError(f"checks={recipe.checks} are more than steps={recipe.steps}: validate at most once a step")
    _refuse_order(recipe.parts)
    settling = next((one.entry.name for one in recipe.parts if getattr(one.entry.obj, "settles", False)), None)
    if settling is not None and (recipe.keep != "last" or recipe.stop.entry.name != "steps"):
        raise UsageError(f"part {settling} is complete only after the last step: give keep=last and stop=steps")
    return recipe


def _refuse_order(parts: tuple[Bound, ...]) -> None:
    """Raise `UsageError` for a part that gives its figures twice, or averages weights behind a part that finishes."""
    finishing: list[str] = []
    for place, one in enumerate(parts):
        if hasattr(one.entry.obj, "figures") and any(one.entry is other.entry for other in parts[:place]):
            raise UsageError(f"parts: {one.entry.name} is given twice, and its figures have one name: give it once")
        averages = hasattr(one.entry.obj, "before_validation")
        if averages and finishing:
            name = one.entry.name
            raise UsageError(
                f"parts: {name} would replace the weights that {finishing[0]} makes: "
                f"put {name} first, before {finishing[0]}"
            )
        if not averages and hasattr(one.entry.obj, "finish"):
            finishing.append(one.entry.name)


def recipes_in(method: Bound) -> Iterator[Bound]:
    """Each trained method in a bound one, itself included; of a tuned method all variants.

    Methods that a recipe names are left out: only its training needs them.
    """
    if getattr(method.entry.obj, "trained", False):
        yield method
        return
    grid = grid_of(method)
    variants = method.inner if grid is None else [one for _, one in grid.variants]
    for nested in (*method.then, *variants):
        yield from recipes_in(nested)


def tuned_in(method: Bound) -> Iterator[Bound]:
    """Each tuned method in a bound one, itself included; as `recipes_in`."""
    if grid_of(method) is not None:
        yield method
        return
    if getattr(method.entry.obj, "trained", False):
        return
    for nested in (*method.then, *method.inner):
        yield from tuned_in(nested)


def seed_of(recipe: Recipe, cell_seed: int) -> int:
    """The seed of a training for a cell of that seed."""
    return cell_seed if recipe.seed is None else recipe.seed


def data_of(recipe: Recipe, seed: int) -> Bound:
    """The training set for a seed: each dataset in it whose parameter `seed` is None gets this seed."""
    data = bind(_seeded(recipe.data, seed), "dataset", recipe.data.track)
    return recipe.data if data.canonical == recipe.data.canonical else data


def datasets_of(regime: Bound) -> list[Bound]:
    """The datasets that a regime takes something from, such as recorded noise."""
    datasets = []
    for one in regime.parts:
        for name, (annotation, _) in one.entry.params.items():
            inside, value = nested_in(annotation), one.kwargs[name]
            if isinstance(value, Bound) and inside is not None and inside.kind == "dataset":
                datasets.append(value)
    return datasets


def _seeded(data: Bound, seed: int) -> Spec:
    spec = parse(data.display)
    given = dict(spec.args)
    for name, (annotation, _) in data.entry.params.items():
        inside, value = nested_in(annotation), data.kwargs[name]
        if isinstance(value, Bound) and inside is not None and inside.kind == "dataset":
            given[name] = _seeded(value, seed)
        elif name == "seed" and value is None:
            given[name] = seed
    return Spec(spec.name, tuple(given.items()))


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_text, value)) + ")"
    return value.canonical if isinstance(value, Bound) else repr(value)


def refuse_large_crop(crop: int, side: int, item: str, name: str) -> None:
    """Raise `UsageError` where a crop is larger than the `side` of the smallest item of a training set."""
    if crop > side:
        raise UsageError(
            f"{name} has no crop of {crop} pixels in {one_line(item, 60)!r}, whose shorter side has {side}: "
            f"give crop={side} or less"
        )


def refuse_too_few(items: int, validation: int, name: str) -> None:
    """Raise `UsageError` where a set of so many items has none left to train on beside those for validation."""
    if validation >= items:
        raise UsageError(
            f"{name} has {counted(items, 'item')}, and {validation} are for validation: nothing is left to train on: "
            + (f"give validation=N, at most {items - 1}" if items > 1 else "a training needs two items or more")
        )
