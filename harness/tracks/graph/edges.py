"""Graphs as edges: order, cycles, the class of graphs that no data of normal noise tells apart, effects that are right.

Edges are bool (d, d), `edges[i, j]` for one from i to j. Where both directions are set, the edge has none.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Edges = npt.NDArray[np.bool_]


def topological_order(edges: Edges) -> list[int] | None:
    """The variables, every cause before its effects, the smallest first where there is a choice; None for a cycle."""
    causes = edges.sum(axis=0)
    free = sorted(np.flatnonzero(causes == 0).tolist())
    order: list[int] = []
    while free:
        first = free.pop(0)
        order.append(first)
        for effect in np.flatnonzero(edges[first]).tolist():
            causes[effect] -= 1
            if causes[effect] == 0:
                free = sorted([*free, effect])
    return order if len(order) == len(edges) else None


def is_acyclic(edges: Edges) -> bool:
    """Whether no way along the edges leads back; an edge without direction is a way back."""
    return topological_order(edges) is not None


def descendants(edges: Edges) -> Edges:
    """(d, d): whether a way along the edges leads from i to j; each variable reaches itself."""
    reach: Edges = edges | np.eye(len(edges), dtype=bool)
    while True:
        further = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
        if (further == reach).all():
            return reach
        reach = further


def class_of(edges: Edges) -> Edges:
    """The CPDAG of an acyclic graph: edges of the graphs that imply the same independences, without direction where
    these differ in it.

    Edges that meet in a variable whose causes are not joined keep their direction; so do those that Meek's rules 1 to 3
    give one (Meek 1995).
    """
    joined = edges | edges.T
    kept = np.zeros_like(edges)
    for effect in range(len(edges)):
        causes = np.flatnonzero(edges[:, effect])
        apart = ~joined[np.ix_(causes, causes)] & ~np.eye(len(causes), dtype=bool)
        kept[causes[apart.any(axis=1)], effect] = True
    while True:
        open_edges = joined & ~kept & ~kept.T
        new = np.zeros_like(edges)
        for i, j in np.argwhere(open_edges):
            # 1: k → i — j with k and j not joined. 2: i → k → j. 3: i — k → j and i — l → j, k and l not joined.
            between = np.flatnonzero(open_edges[i] & kept[:, j])
            apart = ~joined[np.ix_(between, between)] & ~np.eye(len(between), dtype=bool)
            new[i, j] = (kept[:, i] & ~joined[:, j]).any() or (kept[i] & kept[:, j]).any() or apart.any()
        if not new.any():
            return open_edges | kept
        kept |= new


def wrong_effects(truth: Edges, estimated: Edges) -> int:
    """The structural intervention distance of two acyclic graphs: pairs (i, j) for which adjusting for the causes that
    `estimated` gives i tells a wrong effect of i on j (Peters & Bühlmann 2015).

    Where j is itself a cause of i in `estimated`, it is wrong if i has an effect on j. Else the causes must be a valid
    set (Shpitser et al. 2010): none of them stems from a way of effect from i to j, and every other way is blocked.
    """
    size, reach = len(truth), descendants(truth)
    wrong = 0
    for i in range(size):
        causes = estimated[:, i]
        others = np.arange(size) != i
        # k stems from a way of effect to j where i → … → m → … → j and m → … → k, m behind i.
        spoiling = reach[i] & others & reach[:, causes].any(axis=1)
        spoiled: Edges = reach[spoiling].any(axis=0)
        unlike = spoiled | _open_ways(truth, reach, i, causes)
        wrong += int((others & ((causes & reach[i]) | (~causes & unlike))).sum())
    return wrong


def _open_ways(truth: Edges, reach: Edges, start: int, given: Edges) -> Edges:
    """(d,): the variables that a way from `start`, open given a set, reaches otherwise than along edges all the way."""
    leads_to_given: Edges = np.asarray(reach[:, given].any(axis=1))
    seen: set[tuple[int, bool, bool]] = set()
    # A state: where, whether it was entered along an edge, whether every edge so far was taken along.
    coming = [(int(k), True, True) for k in np.flatnonzero(truth[start])]
    coming += [(int(k), False, False) for k in np.flatnonzero(truth[:, start])]
    reached = np.zeros(len(truth), dtype=bool)
    while coming:
        state = coming.pop()
        if state in seen or state[0] == start:
            continue
        seen.add(state)
        place, along, causal = state
        if not causal:
            reached[place] = True
        if not given[place]:
            coming += [(int(k), True, causal) for k in np.flatnonzero(truth[place])]
        if (along and leads_to_given[place]) or (not along and not given[place]):
            coming += [(int(k), False, False) for k in np.flatnonzero(truth[:, place])]
    return reached
