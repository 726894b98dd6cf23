"""What a recipe is: every choice of a training, bound; and the choices that go into a method's parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from ..components.registry import Bound, bind
from ..spec.parameter_types import nested_in
from ..spec.parsing import Spec, parse
from ..text.errors import UsageError
from .tuning_grid import grid_of

VERSION = 1
"""Of the loop: raised where the same recipe would give other weights."""
Precision = Literal["float32", "bfloat16", "float16"]
Draws = Literal["fresh", "fixed"]
Keep = Literal["last", "best"]


@dataclass(frozen=True)
class Recipe:
    """A training, whole but for its data on the disk. `seed` None: that of the cell which uses it.

    `batch` items a step, where a track cuts them `crop` pixels a side; `validation` items are split off by key and
    scored `checks` times. `precision` other than float32 is automatic mixed precision; `compiled` uses torch.compile.
    What is drawn of an item is drawn anew each time it comes, or with `draws` fixed once; the network that is used is
    that of the last step, or with `keep` best that of the best validation.
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
        """All of it in canonical form, on one line."""
        return "; ".join(f"{field.name}={_text(getattr(self, field.name))}" for field in fields(self))


def recipe_of(kwargs: Mapping[str, Any]) -> Recipe:
    """The recipe in the parameters of a method that is trained. Raises `UsageError` for what cannot be trained."""
    recipe = Recipe(**{field.name: kwargs[field.name] for field in fields(Recipe) if field.name in kwargs})
    if recipe.checks > recipe.steps:
        raise UsageError(f"checks={recipe.checks} are more than steps={recipe.steps}: validate at most once a step")
    _refuse_order(recipe.parts)
    settling = next((one.entry.name for one in recipe.parts if getattr(one.entry.obj, "settles", False)), None)
    if settling is not None and (recipe.keep != "last" or recipe.stop.entry.name != "steps"):
        raise UsageError(f"part {settling} is what it is to be only after its last step: give keep=last and stop=steps")
    return recipe


def _refuse_order(parts: tuple[Bound, ...]) -> None:
    """Raise `UsageError` for a part whose figures would be there twice, or that averages weights after a last word."""
    before: list[str] = []
    for place, one in enumerate(parts):
        if hasattr(one.entry.obj, "figures") and any(one.entry is other.entry for other in parts[:place]):
            raise UsageError(f"parts: {one.entry.name} is there twice, and so would be its figures: give it once")
        averages = hasattr(one.entry.obj, "before_validation")
        if averages and before:
            name = one.entry.name
            raise UsageError(
                f"parts: {name} would end with other weights than {before[0]} before it: "
                f"put {name} first, before {before[0]}"
            )
        if not averages and hasattr(one.entry.obj, "finish"):
            before.append(one.entry.name)


def recipes_in(method: Bound) -> Iterator[Bound]:
    """Each method within a bound one, itself included, that is trained by a recipe: of a tuned one all variants.

    What the recipe of one names in its turn is needed by its training alone.
    """
    if getattr(method.entry.obj, "trained", False):
        yield method
        return
    grid = grid_of(method)
    variants = method.inner if grid is None else [one for _, one in grid.variants]
    for nested in (*method.then, *variants):
        yield from recipes_in(nested)


def tuned_in(method: Bound) -> Iterator[Bound]:
    """Each method within a bound one, itself included, that chooses among trained variants; as of `recipes_in`."""
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
    """What a training of that seed is trained on: a dataset in it whose own parameter `seed` is none has this one."""
    data = bind(_seeded(recipe.data, seed), "dataset", recipe.data.track)
    return recipe.data if data.canonical == recipe.data.canonical else data


def datasets_of(regime: Bound) -> list[Bound]:
    """The datasets that a regime takes something from, such as noise, as its specs name them."""
    found = []
    for one in regime.parts:
        for name, (annotation, _) in one.entry.params.items():
            inside, value = nested_in(annotation), one.kwargs[name]
            if isinstance(value, Bound) and inside is not None and inside.kind == "dataset":
                found.append(value)
    return found


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
