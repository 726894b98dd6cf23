"""The trainings of a plan: each once, with its key, before what needs its network; none on an item that is tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import UsageError, one_line
from .planned_cell import PlannedCell, PlannedMethod, method_part, planned_cell, regime_inputs, weights_part
from .planned_data import Reading
from .recipe import VERSION, recipe_of, recipes_in, seed_of, tuned_in
from .registry import Bound, bind
from .store.record import DatasetPart, Tuning, Variant
from .suite import Suite
from .track import Track, Trains
from .tuning_grid import Grid, grid_of


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
        made: PlannedCell = {**cell, "after": sorted(self.keys.values()), "trained": self.keys}
        return {**made, "tuned": self.tuned} if self.tuned else made


class Trainings:
    """The training cells of a suite, each planned once, in the order in which they are asked for.

    Raises `UsageError` where a track has no networks, or where a picture would be trained on that is tested.
    """

    def __init__(self, suite: Suite, track: Track, tests: Sequence[Bound], reading: Reading) -> None:
        self.cells: list[PlannedCell] = []
        self._suite, self._track, self._tests, self._reading = suite, track, tests, reading
        self._made: dict[tuple[str, int], PlannedCell] = {}
        self._data: dict[str, DatasetPart] = {}
        self._tested: list[tuple[Bound, list[tuple[str, str]]]] | None = None

    def of(self, method: PlannedMethod, cell_seed: int) -> Trained:
        """What a cell of that method and seed needs trained."""
        keys = {}
        tuned = [(bound, grid) for bound in tuned_in(method.bound) if (grid := grid_of(bound)) is not None]
        variants = {one.canonical for _, grid in tuned for _, one in grid.variants}
        for bound in recipes_in(method.bound):
            recipe = recipe_of(bound.kwargs)
            seed = seed_of(recipe, cell_seed)
            cell = self._made.get((bound.canonical, seed))
            if cell is None:
                cell = self._made[bound.canonical, seed] = self._cell(bound, seed)
                cell["variant"] = True
                self.cells.append(cell)
            if bound.canonical not in variants:
                cell["variant"] = False
            keys[recipe.text] = cell["key"]
        return Trained(keys, [planned_tuning(bound, grid, keys) for bound, grid in tuned])

    def _cell(self, bound: Bound, seed: int) -> PlannedCell:
        suite, track = self._suite, self._track
        if not isinstance(track, Trains):
            raise UsageError(f"track {track.name} trains no networks: leave {bound.display} out")
        recipe = recipe_of(bound.kwargs)
        data = self._data.get(recipe.data.canonical)
        if data is None:
            data, truths = self._reading.training_set(recipe.data, track)
            self._refuse_tested(recipe.data, truths, track)
            self._data[recipe.data.canonical] = data
        method = PlannedMethod(bound, method_part(bound), weights_part(bound))
        inputs: dict[str, Any] = {
            **method.inputs,
            "kind": "train",
            "track": f"{track.name}@{track.version}",
            "data": data["fingerprint"],
            "regime": regime_inputs(recipe.regime),
            "seed": seed,
            "training": VERSION,
        }
        protocol = bind(track.defaults.protocol, "protocol", track.name)
        return planned_cell("train", inputs, method, data, recipe.regime, {}, seed, suite, track, protocol)

    def _refuse_tested(self, data: Bound, known: Mapping[str, str], track: Trains) -> None:
        """Raise `UsageError` for what is in the training set (`known`: id by truth) and in a set that is tested."""
        if self._tested is None:
            limit = self._suite.limit
            self._tested = [(test, self._reading.tested_truths(test, limit, track)) for test in self._tests]
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


def planned_tuning(bound: Bound, grid: Grid, keys: Mapping[str, str]) -> Tuning:
    """The grid of a tuned method as it is stored; `keys` are those of the trainings, by recipe."""
    variants = [Variant(values=list(values), key=keys[recipe_of(one.kwargs).text]) for values, one in grid.variants]
    return {"method": bound.display, "vary": list(grid.vary), "variants": variants}
