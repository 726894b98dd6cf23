"""Training for a method that is called in this process: done once, in a store of the user's cache."""

from __future__ import annotations

from ..components.registry import Bound
from ..data.roots import data_roots
from ..planning.cells import PlannedCell
from ..planning.recipe import recipe_of, recipes_in, seed_of, tuned_in
from ..planning.trainings import planned_tuning
from ..planning.tuning_grid import grid_of
from ..store.cell import Tuning
from ..store.cells import WEIGHTS, cell_dir
from ..suite.suite import Suite
from ..text.errors import UsageError
from ..track.track_protocol import Track
from ..training.checkpoint import give_checkpoints
from .run import RunOptions, run
from .tuning import decided


class _Silent:
    """A watcher that says nothing."""

    def plan(self, todo: int, stored: int, forecast: str) -> None: ...
    def start(self, cell: PlannedCell) -> None: ...
    def item(self, cell: PlannedCell, n: int, of: int) -> None: ...
    def iteration(self, cell: PlannedCell, n: int, of: int) -> None: ...
    def message(self, cell: PlannedCell, text: str) -> None: ...
    def end(self, cell: PlannedCell, outcome: str, reason: str) -> None: ...
    def note(self, text: str) -> None: ...


def train_for(method: Bound, track: Track, seed: int, device: str) -> list[Tuning]:
    """Have the checkpoints of a method where it looks for them; nothing where it needs none. Raises `UsageError`.

    Returns the grids of what is tuned, decided.
    """
    trained = list(recipes_in(method))
    if not trained:
        return []
    suite = Suite(
        suite="evaluate", track=track.name, methods=(method.display,), regimes=(track.defaults.regime,),
        seeds=(seed,), device=device,
    )  # fmt: skip
    store = data_roots()[-1].parent / "trained"
    store.parent.mkdir(parents=True, exist_ok=True)
    summary = run(suite, store, RunOptions(), _Silent())
    if not summary.ok:
        reasons = "; ".join(filter(None, summary.reason.values()))
        raise UsageError(f"{method.display} could not be trained: {reasons}")
    by_spec = {(cell.method.spec, cell.seed): cell.key for cell in summary.cells}
    recipes = [(bound, recipe_of(bound.kwargs)) for bound in trained]
    keys = {recipe.text: by_spec[bound.canonical, seed_of(recipe, seed)] for bound, recipe in recipes}
    give_checkpoints(
        {text: str(cell_dir(store, key) / WEIGHTS) for text, key in keys.items() if summary.outcome[key] == "ok"}
    )
    grids = [(bound, grid) for bound in tuned_in(method) if (grid := grid_of(bound)) is not None]
    return decided([planned_tuning(bound, grid, keys) for bound, grid in grids], store)
