"""Training for a method that is called in this process: done once, in a store of the user's cache."""

from __future__ import annotations

from typing import Any

from ..data.roots import data_roots
from ..errors import UsageError
from ..recipe import recipe_of, recipes_in, seed_of
from ..registry import Bound
from ..store.cells import WEIGHTS, cell_dir
from ..suite import Suite
from ..track import Track
from ..training.checkpoint import give_checkpoints
from .run import RunOptions, run


class _Silent:
    """A watcher that says nothing."""

    def plan(self, todo: int, stored: int) -> None: ...
    def start(self, cell: Any) -> None: ...
    def item(self, cell: Any, n: int, of: int) -> None: ...
    def said(self, cell: Any, message: str) -> None: ...
    def end(self, cell: Any, outcome: str, reason: str) -> None: ...


def train_for(method: Bound, track: Track, seed: int, device: str) -> None:
    """Have the checkpoints of a method where it looks for them; nothing where it needs none. Raises `UsageError`."""
    trained = list(recipes_in(method))
    if not trained:
        return
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
    keys = {(cell["method"]["spec"], cell["seed"]): cell["key"] for cell in summary.cells}
    files = {}
    for bound in trained:
        recipe = recipe_of(bound.kwargs)
        files[recipe.text] = str(cell_dir(store, keys[bound.canonical, seed_of(recipe, seed)]) / WEIGHTS)
    give_checkpoints(files)
