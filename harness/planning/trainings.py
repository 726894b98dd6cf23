"""The trainings of a plan: each once, before the cells that need its network, and on no item that is tested."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar, cast

from msgspec import structs

from ..components.datasets import load_item, open_dataset, text_ids
from ..components.registry import Bound, bind
from ..components.tracks import get_track
from ..store.cell import DatasetPart, TunedVariant, Tuning
from ..store.keys import combined
from ..suite.suite import Suite
from ..text.errors import UsageError, one_line
from ..track.alike_items import HoldsItems, SketchesTruths
from ..track.dataset_protocol import IsMade, KeepsApart
from ..track.track_protocol import Track, identified
from ..track.training_batches import CropsItems, Trains
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
from .kept_parts import KeptParts
from .recipe import (
    VERSION,
    data_of,
    datasets_of,
    recipe_of,
    recipes_in,
    refuse_large_crop,
    refuse_too_few,
    seed_of,
    tuned_in,
)
from .tuning_grid import TuningGrid, grid_of

T = TypeVar("T")
_SKETCHED = 500
"""So many items of a tested set are looked for in a training set, at most."""


@dataclass(frozen=True)
class NeededTrainings:
    """The trainings that a cell needs: recipe → key of the training, and the grids of tuned methods."""

    keys: dict[str, str] = field(default_factory=dict)
    tuned: list[Tuning] = field(default_factory=list)

    @property
    def inputs(self) -> dict[str, Any]:
        """What the trainings add to the key of the cell: their keys."""
        return {"trained": sorted(self.keys.values())} if self.keys else {}

    def run_before(self, cell: PlannedCell) -> PlannedCell:
        """The cell, to run after these trainings."""
        if not self.keys:
            return cell
        return structs.replace(cell, after=sorted(self.keys.values()), trained=self.keys, tuned=self.tuned)


class ReadOnce:
    """A cache of what plans read, by name: several plans read each dataset once, and what `kept` has not at all."""

    def __init__(self, kept: KeptParts | None = None) -> None:
        self.kept = kept
        self._read: dict[tuple[Any, ...], Any] = {}

    def __call__(self, name: tuple[Any, ...], read: Callable[[], T]) -> T:
        """The value of that name; `read` gives it the first time."""
        if name not in self._read:
            self._read[name] = read()
        return cast(T, self._read[name])


class Trainings:
    """The training cells of a suite, each planned once, in the order of first use.

    A network of another track, such as a denoiser before a classifier, is planned as that track does it. Raises
    `UsageError` where a track trains no networks, and where an item is both trained on and tested.
    """

    def __init__(self, suite: Suite, track: Track, tests: Sequence[Bound], once: ReadOnce) -> None:
        self.cells: list[PlannedCell] = []
        self._suite, self._track, self._tests, self._once = suite, track, tests, once
        self._planned: dict[tuple[str, int], PlannedCell] = {}
        self._needs: dict[tuple[str, int], NeededTrainings] = {}
        self._data: dict[tuple[str, str], DatasetPart] = {}
        self._tested: list[tuple[Bound, list[tuple[str, str]]]] | None = None

    def of(self, method: PlannedMethod, cell_seed: int) -> NeededTrainings:
        """The trainings that a cell of that method and seed needs. Raises `UsageError` where that cannot be made."""
        wanted = method.bound.canonical, cell_seed
        if wanted not in self._needs:
            for data in _fitted_to(method.bound):
                self._training_data(data, get_track(data.track))
            needed = self._needed((method.bound,), cell_seed)
            if needed.keys:
                self._once(
                    ("made", method.bound.track, method.bound.canonical), lambda: _refuse_unmade("method", method.bound)
                )
            self._needs[wanted] = needed
        return self._needs[wanted]

    def _needed(self, methods: Sequence[Bound], cell_seed: int) -> NeededTrainings:
        """The trainings that a cell of these methods needs, or a training whose recipe names them."""
        keys = {}
        tuned_methods = [bound for method in methods for bound in tuned_in(method)]
        tuned = [(bound, grid) for bound in tuned_methods if (grid := grid_of(bound)) is not None]
        variants = {one.canonical for _, grid in tuned for _, one in grid.variants}
        for bound in (one for method in methods for one in recipes_in(method)):
            recipe = recipe_of(bound.kwargs)
            seed = seed_of(recipe, cell_seed)
            cell = self._planned.get((bound.canonical, seed))
            if cell is None:
                cell = self._planned[bound.canonical, seed] = self._cell(bound, seed)
                cell.variant = True
                self.cells.append(cell)
            if bound.canonical not in variants:
                cell.variant = False
            keys[recipe.text] = cell.key
        return NeededTrainings(keys, [planned_tuning(bound, grid, keys) for bound, grid in tuned])

    def _cell(self, bound: Bound, seed: int) -> PlannedCell:
        suite, track = self._suite, self._track
        if bound.track != track.name:
            track = get_track(bound.track)
            defaults = track.defaults
            suite = replace(
                suite, track=track.name, protocol=defaults.protocol, metrics=defaults.metrics, rank_by=defaults.rank_by
            )
        if not isinstance(track, Trains):
            raise UsageError(f"track {track.name} trains no networks: leave {bound.display} out")
        recipe = recipe_of(bound.kwargs)
        chosen = data_of(recipe, seed)
        data = self._training_data(chosen, track)
        items = data.items or 0
        if recipe.validation >= items and not isinstance(open_dataset(chosen), KeepsApart):
            refuse_too_few(items, recipe.validation, chosen.display)
        if (crop := _read_once(chosen, track, self._once).crop) is not None:
            refuse_large_crop(recipe.crop, *crop, chosen.display)
        for one in datasets_of(recipe.regime):
            self._training_data(one, track)
        for one in recipe.parts:
            _refuse_unmade("part", one)
        method = PlannedMethod(bound, method_part(bound), weights_part(bound))
        regime = PlannedRegime(recipe.regime)
        inner = self._needed(bound.inner, seed)
        shared = PlannedSuite(suite, track, bind(track.defaults.protocol, "protocol", track.name))
        inputs: dict[str, Any] = {
            **method.inputs,
            **inner.inputs,
            "kind": "train",
            **shared.track_inputs,
            "data": data.fingerprint,
            **regime.inputs,
            **regime_data(recipe.regime, self._once),
            "seed": seed,
            "training": VERSION,
        }
        cell = planned_cell("train", inputs, method, data, regime, {}, seed, shared)
        return inner.run_before(cell)

    def _training_data(self, data: Bound, track: Track) -> DatasetPart:
        """The stored part of a training set. Raises `UsageError` where one of its items is tested."""
        stored = self._data.get((data.track, data.canonical))
        if stored is None:
            stored, truths, sketches, _ = _read_once(data, track, self._once)
            self._refuse_tested(data, truths)
            self._refuse_shown(data, sketches, track)
            self._data[data.track, data.canonical] = stored
        return stored

    def _refuse_tested(self, data: Bound, known: Mapping[str, str]) -> None:
        """Raise `UsageError` for an item of the training set (`known`: id by truth) that is in a tested set."""
        if self._tested is None:
            self._tested = [(test, self._truths_of(test)) for test in self._tests]
        words = _track_of_items(self._track).words
        for test, tested in self._tested:
            repeated = [(known[truth], item_id) for truth, item_id in tested if truth in known]
            if repeated:
                one, other = repeated[0]
                count = f"{len(repeated)} {words.items if len(repeated) > 1 else words.item}"
                raise UsageError(
                    f"{data.display} trains on {count} of {test.display}, which is tested: such as "
                    f"{one_line(one, 60)!r}, which is {one_line(other, 60)!r} there; train on other {words.items}"
                )

    def _refuse_shown(self, data: Bound, sketches: Mapping[str, Any], track: Track) -> None:
        """Raise `UsageError` for a training set that shows most items of a set that is tested, nearly or in part."""
        tested_track = _track_of_items(self._track)
        if not isinstance(track, SketchesTruths) or not isinstance(tested_track, SketchesTruths) or not sketches:
            return
        if track.sketches != tested_track.sketches:
            return
        words = tested_track.words
        for test in self._tests:
            named = "test sketches", self._track.name, test.canonical, self._suite.limit
            tested = self._once(named, functools.partial(_tested_sketches, test, self._suite.limit, self._track))
            shown = track.shown(list(sketches.values()), list(tested.values()))
            if 2 * len(shown) > len(tested):
                place, source = next(iter(shown.items()))
                raise UsageError(
                    f"{data.display} trains on {words.items} that show {len(shown)} of {len(tested)} "
                    f"{words.items} of {test.display}, which is tested, nearly or in part: such as "
                    f"{one_line(list(sketches)[source], 60)!r} of {one_line(list(tested)[place], 60)!r} there; "
                    f"train on other {words.items}"
                )

    def _truths_of(self, test: Bound) -> list[tuple[str, str]]:
        track, limit = self._track, self._suite.limit
        if not isinstance(_track_of_items(track), Trains):
            return []
        named = "truths", track.name, test.canonical, limit
        return self._once(named, lambda: _tested_truths(test, limit, track))


def _refuse_unmade(kind: str, bound: Bound) -> None:
    """Raise `UsageError` where a class refuses its parameters: a training for it would be wasted.

    Its other errors come up in its cell.
    """
    if not inspect.isclass(bound.entry.obj):
        return
    try:
        bound.entry.obj(**bound.kwargs)
    except UsageError as error:
        component = f"{kind} {bound.entry.name}"
        raise UsageError(str(error) if str(error).startswith(component) else f"{component}: {error}") from None
    except Exception:
        return


def planned_tuning(bound: Bound, grid: TuningGrid, keys: Mapping[str, str]) -> Tuning:
    """The stored grid of a tuned method; `keys` are those of the trainings, by recipe."""
    variants = [
        TunedVariant(values=list(values), key=keys[recipe_of(one.kwargs).text]) for values, one in grid.variants
    ]
    return Tuning(method=bound.display, vary=list(grid.vary), variants=variants)


def regime_data(regime: Bound, once: ReadOnce) -> dict[str, list[str]]:
    """Fingerprints, for a key, of the datasets of a regime; nothing where it has none."""
    return _fingerprints("regime_data", datasets_of(regime), once)


def fitted_data(method: Bound, once: ReadOnce) -> dict[str, list[str]]:
    """Fingerprints, for a key, of the user's files that a method is fitted to; nothing where there are none.

    A dataset declares `own_files` where its files may change under one spec. A training has its data in its own key.
    """
    return _fingerprints("fitted_data", _own_files(method), once)


def judged_data(metrics: Iterable[Bound], once: ReadOnce) -> dict[str, list[str]]:
    """Fingerprints, for a key, of the user's files that the judges in metrics are trained on; nothing for none."""
    datasets = (one for metric in metrics for one in _own_files(metric, of_trainings=True))
    return _fingerprints("judged_data", datasets, once)


def _fitted_to(method: Bound) -> Iterator[Bound]:
    """The datasets, by the name `data`, that a method and the methods in it are fitted to without a training."""
    if getattr(method.entry.obj, "trained", False):
        return
    data = method.kwargs.get("data")
    if isinstance(data, Bound) and data.track != "generate" and isinstance(get_track(data.track), Trains):
        yield data
    for one in (*method.then, *method.inner):
        if one is not data:
            yield from _fitted_to(one)


def _fingerprints(name: str, datasets: Iterable[Bound], once: ReadOnce) -> dict[str, list[str]]:
    """The fingerprints of datasets under a name; nothing where there are none."""
    fingerprints = [_read_once(one, get_track(one.track), once).stored.fingerprint for one in datasets]
    return {name: fingerprints} if fingerprints else {}


def _own_files(bound: Bound, *, of_trainings: bool = False) -> Iterator[Bound]:
    """The datasets of the user's files in a component; with `of_trainings` those of trainings too."""
    if not of_trainings and getattr(bound.entry.obj, "trained", False):
        return
    if bound.entry.meta.get("own_files"):
        yield bound
    for one in (*bound.then, *bound.inner):
        yield from _own_files(one, of_trainings=of_trainings)


class _TrainingSet(NamedTuple):
    """The stored part of a training set, its ids by truth, its track's sketch of the truth of each id, and the largest
    crop that all items have, with the smallest item; None where the track crops nothing."""

    stored: DatasetPart
    truths: dict[str, str]
    sketches: dict[str, Any]
    crop: tuple[int, str] | None


def _read_once(bound: Bound, track: Track, once: ReadOnce) -> _TrainingSet:
    return once(("trained on", track.name, bound.canonical), lambda: _training_set(bound, track))


def _training_set(bound: Bound, track: Track) -> _TrainingSet:
    """A training set. Items that are made are not read, but for the size of the first one, others once."""
    dataset = open_dataset(bound)
    lines, truths, sketches = [], {}, {}
    # Asked once: to look for what a protocol has takes longer than to read a small item.
    name_of = dataset.made if isinstance(dataset, IsMade) else None
    truth_of = track.truth_sha256 if isinstance(track, Trains) else None
    sketch_of = track.truth_sketch if isinstance(track, SketchesTruths) else None
    crop_of = track.largest_crop if isinstance(track, CropsItems) else None
    crops: list[tuple[int, str]] = []
    for index, item_id in enumerate(text_ids(bound, dataset)):
        if name_of is not None:
            line, truth = f"{item_id!r} {name_of(index)}", name_of(index)
        else:
            item = load_item(bound, dataset, index, track)
            if crop_of is not None:
                crops.append((crop_of(item), item_id))
            line, truth = identified(track, item), truth_of(item) if truth_of is not None else item_id
            if sketch_of is not None and (sketch := sketch_of(item)) is not None:
                sketches[item_id] = sketch
        lines.append(line)
        truths[truth] = item_id
    count = len(lines)
    stored = DatasetPart(**structs.asdict(part(bound)), fingerprint=combined(lines), items=count, total=count)
    if name_of is not None and crop_of is not None and count:
        crops.append((crop_of(load_item(bound, dataset, 0, track)), dataset.ids[0]))
    return _TrainingSet(stored, truths, sketches, min(crops, default=None))


def _track_of_items(track: Track) -> Track:
    """The track whose items are compared: that of the pictures where an item is a stream of them."""
    return get_track(track.holds) if isinstance(track, HoldsItems) else track


def _tested_items(bound: Bound, limit: int | None, track: Track, most: int | None = None) -> Iterator[tuple[str, Any]]:
    """Each item that is tested and its id, or those of the items in it; of more than `most` so many, evenly chosen."""
    dataset = open_dataset(bound)
    places = range(len(dataset.ids))[:limit]
    for index in places[:: -(-len(places) // most)] if most and places else places:
        item = dataset.load(index)
        if isinstance(track, HoldsItems):
            parts = track.items_in(item)
            yield from ((one.id, one) for one in parts[:: -(-len(parts) // most) if most else 1])
        else:
            yield dataset.ids[index], item


def _tested_truths(bound: Bound, limit: int | None, track: Track) -> list[tuple[str, str]]:
    """The truth and the id of each item that is tested; none of a set that knows no truths."""
    if bound.entry.meta.get("truthless"):
        return []
    dataset = open_dataset(bound)
    if isinstance(dataset, IsMade):
        return [(dataset.made(index), item_id) for index, item_id in list(enumerate(dataset.ids))[:limit]]
    trained = cast(Trains, _track_of_items(track))
    return list({(trained.truth_sha256(item), item_id): None for item_id, item in _tested_items(bound, limit, track)})


def _tested_sketches(bound: Bound, limit: int | None, track: Track) -> dict[str, Any]:
    """What its track sketches of the truth of items that are tested, by the id; nothing of made items."""
    if isinstance(open_dataset(bound), IsMade):
        return {}
    sketcher = cast(SketchesTruths, _track_of_items(track))
    items = _tested_items(bound, limit, track, _SKETCHED)
    sketches = {item_id: sketcher.truth_sketch(item) for item_id, item in items}
    return {item_id: sketch for item_id, sketch in sketches.items() if sketch is not None}
