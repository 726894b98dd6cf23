"""Where the best value of what is tuned lies at an edge of those tried: further values were perhaps better."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..components.registry import bind
from ..planning.recipe import tuned_in
from ..planning.tuning_grid import at_edge, best, grid_of
from ..text.errors import UsageError
from .figures import CellOf, CellResult


def edges_of(of: CellOf, result: CellResult) -> Iterator[str]:
    """Each parameter whose best value is the least or the largest of a grid, as `lr=0.1 of 0.01, 0.1`."""
    try:
        method = bind(of.method, "method", of.track)
    except UsageError:  # of a plug-in that is not loaded
        return
    trainings = {cell.method.spec: cell.training for cell in (*result.before, *result.trainings)}
    for tuned in tuned_in(method):
        grid = grid_of(tuned)
        if grid is None:
            continue
        tried = [values for values, _ in grid.variants]
        known = [trainings.get(variant.canonical) for _, variant in grid.variants]
        higher = any(one is not None and one.higher for one in known)
        place = best([None if one is None else one.score for one in known], higher)
        if place is None:
            continue
        for name in at_edge(grid.vary, tried, place):
            axis = grid.vary.index(name)
            yield f"{name}={tried[place][axis]} of {', '.join(dict.fromkeys(one[axis] for one in tried))}"


def edge_notes(edges: Iterable[tuple[str, str, int]]) -> list[str]:
    """Names of a claim, edges and seeds in words: names together that have the same edge on the same seeds."""
    seeds: dict[tuple[str, str], dict[int, None]] = {}
    for name, edge, seed in edges:
        seeds.setdefault((name, edge), {})[seed] = None
    names: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for (name, edge), on in seeds.items():
        names.setdefault((edge, tuple(on)), []).append(name)
    return [f"{', '.join(sharing)}: {edge}, on seed {', '.join(map(str, on))}" for (edge, on), sharing in names.items()]
