"""The trainings of a plan: each once, with its key, before what needs its network; none on an item that is tested."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from msgspec import structs

from ..components.datasets import load_item, open_dataset, text_ids
from ..components.registry import Bound, bind
from ..components.tracks import get_track
from ..store.cell import DatasetPart, Tuning, Variant
from ..store.keys import combined
from ..suite.suite import Suite
from ..text.errors import UsageError, one_line
from ..track.protocols import IsMade, Track, Trains, identified
from .cells import (
    PlannedCell,
    PlannedMethod,
    PlannedRegime,
    PlannedSuite,
    method_part,
    part,
    planned_cell,
    weights_part,
)
from .recipe import VERSION, data_of, datasets_of, recipe_of, recipes_in, seed_of, tuned_in
from .tuning_grid import Grid, grid_of

T = TypeVar("T")


@dataclass(frozen=True)
class Trained:
    """What a cell needs trained: recipe → key of the cell that trains it, and the grids of what is tuned."""

    keys: dict[str, str] = field(default_factory=dict)
    tuned: list[Tuning] = field(default_factory=list)

    @property
    def inputs(self) -> dict[str, Any]:
        """What the checkpoints of a method add to a key: the keys of the cells that train them."""
        return {"trained": sorted(self.keys.values())} if self.keys else {}

    def before(self, cell: PlannedCell) -> PlannedCell:
        """The cell, to be run after those that train its method."""
        if not self.keys:
            return cell
        return structs.replace(cell, after=sorted(self.keys.values()), trained=self.keys, tuned=self.tuned)


class ReadOnce:
    """What was read for a plan, by name, so that several plans read each thing once."""

    def __init__(self) -> None:
        self._read: dict[tuple[Any, ...], Any] = {}

    def __call__(self, name: tuple[Any, ...], read: Callable[[], T]) -> T:
        """What is of that name: read now, where it was not before."""
        if name not in self._read:
            self._read[name] = read()
        return cast(T, self._read[name])


class Trainings:
    """The training cells of a suite, each planned once, in the order in which they are asked for.

    What is trained of another track, such as a denoiser before a classifier, is planned as that track does it. Raises
    `UsageError` where a track has no networks, or where a picture would be trained on that is tested.
    """

    def __init__(self, suite: Suite, track: Track, tests: Sequence[Bound], once: ReadOnce) -> None:
        self.cells: list[PlannedCell] = []
        self._suite, self._track, self._tests, self._once = suite, track, tests, once
        self._made: dict[tuple[str, int], PlannedCell] = {}
        self._needs: dict[tuple[str, int], Trained] = {}
        self._data: dict[tuple[str, str], DatasetPart] = {}
        self._tested: list[tuple[Bound, list[tuple[str, str]]]] | None = None

    def of(self, method: PlannedMethod, cell_seed: int) -> Trained:
        """What a cell of that method and seed needs trained. Raises `UsageError` where the method cannot be made."""
        asked = method.bound.canonical, cell_seed
        if asked not in self._needs:
            needed = self._needed((method.bound,), cell_seed)
            if needed.keys:
                self._once(
                    ("made", method.bound.track, method.bound.canonical), lambda: _refuse_unmade("method", method.bound)
                )
            self._needs[asked] = needed
        return self._needs[asked]

    def _needed(self, methods: Sequence[Bound], cell_seed: int) -> Trained:
        """What a cell needs trained that uses these methods, or is a training whose recipe is made of them."""
        keys = {}
        found = [bound for method in methods for bound in tuned_in(method)]
        tuned = [(bound, grid) for bound in found if (grid := grid_of(bound)) is not None]
        variants = {one.canonical for _, grid in tuned for _, one in grid.variants}
        for bound in (one for method in methods for one in recipes_in(method)):
            recipe = recipe_of(bound.kwargs)
            seed = seed_of(recipe, cell_seed)
            cell = self._made.get((bound.canonical, seed))
            if cell is None:
                cell = self._made[bound.canonical, seed] = self._cell(bound, seed)
                cell.variant = True
                self.cells.append(cell)
            if bound.canonical not in variants:
                cell.variant = False
            keys[recipe.text] = cell.key
        return Trained(keys, [planned_tuning(bound, grid, keys) for bound, grid in tuned])

    def _cell(self, bound: Bound, seed: int) -> PlannedCell:
        suite, track = self._suite, self._track
        if bound.track != track.name:
            track = get_track(bound.track)
            own = track.defaults
            suite = replace(suite, track=track.name, protocol=own.protocol, metrics=own.metrics, rank_by=own.rank_by)
        if not isinstance(track, Trains):
            raise UsageError(f"track {track.name} trains no networks: leave {bound.display} out")
        recipe = recipe_of(bound.kwargs)
        data = self._seen(data_of(recipe, seed), track)
        for one in datasets_of(recipe.regime):
            self._seen(one, track)
        for one in recipe.parts:
            _refuse_unmade("part", one)
        method = PlannedMethod(bound, method_part(bound), weights_part(bound))
        regime = PlannedRegime(recipe.regime)
        within = self._needed(bound.inner, seed)
        whole = PlannedSuite(suite, track, bind(track.defaults.protocol, "protocol", track.name))
        inputs: dict[str, Any] = {
            **method.inputs,
            **within.inputs,
            "kind": "train",
            **whole.track_inputs,
            "data": data.fingerprint,
            **regime.inputs,
            **regime_data(recipe.regime, self._once),
            "seed": seed,
            "training": VERSION,
        }
        cell = planned_cell("train", inputs, method, data, regime, {}, seed, whole)
        return within.before(cell)

    def _seen(self, data: Bound, track: Track) -> DatasetPart:
        """What is stored of a set that a training sees. Raises `UsageError` where a picture of it is tested."""
        made = self._data.get((data.track, data.canonical))
        if made is None:
            made, truths = _read_once(data, track, self._once)
            self._refuse_tested(data, truths)
            self._data[data.track, data.canonical] = made
        return made

    def _refuse_tested(self, data: Bound, known: Mapping[str, str]) -> None:
        """Raise `UsageError` for what is in the training set (`known`: id by truth) and in a set that is tested."""
        if self._tested is None:
            self._tested = [(test, self._truths_of(test)) for test in self._tests]
        words = self._track.words
        for test, tested in self._tested:
            both = [(known[truth], item_id) for truth, item_id in tested if truth in known]
            if both:
                one, other = both[0]
                count = f"{len(both)} {words.items if len(both) > 1 else words.item}"
                raise UsageError(
                    f"{data.display} trains on {count} of {test.display}, which is tested: such as "
                    f"{one_line(one, 60)!r}, which is {one_line(other, 60)!r} there; train on other {words.items}"
                )

    def _truths_of(self, test: Bound) -> list[tuple[str, str]]:
        track, limit = self._track, self._suite.limit
        if not isinstance(track, Trains):
            return []
        named = "truths", track.name, test.canonical, limit
        return self._once(named, lambda: _tested_truths(test, limit, track))


def _refuse_unmade(kind: str, bound: Bound) -> None:
    """Raise `UsageError` where a class says that its parameters do not fit: a training for it would be for nothing.

    What else goes wrong in it goes wrong in its cell, which says so.
    """
    if not inspect.isclass(bound.entry.obj):
        return
    try:
        bound.entry.obj(**bound.kwargs)
    except UsageError as error:
        own = f"{kind} {bound.entry.name}"
        raise UsageError(str(error) if str(error).startswith(own) else f"{own}: {error}") from None
    except Exception:
        return


def planned_tuning(bound: Bound, grid: Grid, keys: Mapping[str, str]) -> Tuning:
    """The grid of a tuned method as it is stored; `keys` are those of the trainings, by recipe."""
    variants = [Variant(values=list(values), key=keys[recipe_of(one.kwargs).text]) for values, one in grid.variants]
    return Tuning(method=bound.display, vary=list(grid.vary), variants=variants)


def regime_data(regime: Bound, once: ReadOnce) -> dict[str, list[str]]:
    """What the datasets add to a key that a regime takes something from: their fingerprints; nothing without such."""
    return _fingerprints("regime_data", datasets_of(regime), once)


def fitted_data(method: Bound, once: ReadOnce) -> dict[str, list[str]]:
    """What the user's own files add to a key that a method is fitted to: their fingerprints; nothing without such.

    A dataset says `own_files` where what it reads may change under the same spec. What a training sees is in its key.
    """
    return _fingerprints("fitted_data", _own_files(method), once)


def judged_data(metrics: Iterable[Bound], once: ReadOnce) -> dict[str, list[str]]:
    """What the user's own files add to a key that judges in metrics are trained on; nothing without such."""
    own = (one for metric in metrics for one in _own_files(metric, of_trainings=True))
    return _fingerprints("judged_data", own, once)


def _fingerprints(name: str, datasets: Iterable[Bound], once: ReadOnce) -> dict[str, list[str]]:
    """The fingerprints of datasets under a name; nothing where there are none."""
    found = [_read_once(one, get_track(one.track), once)[0].fingerprint for one in datasets]
    return {name: found} if found else {}


def _own_files(bound: Bound, *, of_trainings: bool = False) -> Iterator[Bound]:
    """The datasets of the user's own files in a component; those of trainings too where that is said."""
    if not of_trainings and getattr(bound.entry.obj, "trained", False):
        return
    if bound.entry.meta.get("own_files"):
        yield bound
    for one in (*bound.then, *bound.inner):
        yield from _own_files(one, of_trainings=of_trainings)


def _read_once(bound: Bound, track: Track, once: ReadOnce) -> tuple[DatasetPart, dict[str, str]]:
    return once(("trained on", track.name, bound.canonical), lambda: _training_set(bound, track))


def _training_set(bound: Bound, track: Track) -> tuple[DatasetPart, dict[str, str]]:
    """What is stored of a training set, and its ids by their truths; items that are made are not read, others once."""
    dataset = open_dataset(bound)
    lines, truths = [], {}
    for index, item_id in enumerate(text_ids(bound, dataset)):
        if isinstance(dataset, IsMade):
            line, truth = f"{item_id!r} {dataset.made(index)}", dataset.made(index)
        else:
            item = load_item(bound, dataset, index, track)
            line, truth = identified(track, item), track.truth_sha256(item) if isinstance(track, Trains) else item_id
        lines.append(line)
        truths[truth] = item_id
    count = len(lines)
    made = DatasetPart(**structs.asdict(part(bound)), fingerprint=combined(lines), items=count, total=count)
    return made, truths


def _tested_truths(bound: Bound, limit: int | None, track: Trains) -> list[tuple[str, str]]:
    """The truth and the id of each item that is tested."""
    dataset = open_dataset(bound)
    chosen = list(enumerate(dataset.ids))[:limit]
    if isinstance(dataset, IsMade):
        return [(dataset.made(index), item_id) for index, item_id in chosen]
    return [(track.truth_sha256(dataset.load(index)), item_id) for index, item_id in chosen]
