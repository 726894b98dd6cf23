"""`summary.json`: every number of the board for programs, sorted and documented."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from msgspec import json

from ..boards import order_stability
from ..boards.board import Board, reading_text
from ..boards.failures import Failure
from ..boards.grouping import digest
from ..boards.rows import Row
from ..boards.scaling import growths
from ..store.cell_json import plain_values
from ..text.json_values import plain
from .data import ReportData
from .order_stability import evidence_values, overall_values
from .recipes import recipes_values
from .set_metrics import sets_values

SCHEMA = 3
"""1: before tracks. 2: rank by signed ranks, interval of one pair, infinite means where one item was exact."""
DIGITS = 9
BESIDE = "leaderboard_boards"
"""The folder beside the summary for boards that it has no room for."""
BESIDE_FILES = f"{BESIDE}/*-{'[0-9a-f]' * 16}.json"
"""What an earlier report has left there."""
ABOUT = {
    "numbers": f"plain JSON numbers with {DIGITS} digits; an infinite mean is the text 'inf' or '-inf', a mean that "
    "is not defined is null and its note says why; identical counts the items on which a row is exact, which are in no "
    "mean of its board",
    "boards": "one for each track, dataset, regime, protocol and set of seeds; rows in the order of the board; words "
    "say what its track calls its things",
    "items": "how many items the board is over: means, ranks and intervals are over these",
    "role": "what a row is: empty for a contender, baseline, sanity or optimum",
    "rank": "[low, high], null where the row is not ranked (not_ranked says why) or was not tested pairwise",
    "difference": "mean difference to the best row with a finite mean, in the unit of rank_by; interval holds with "
    "those of all other pairs at once (95 %), null where there is none; it leaves 0 out where the row and the best one "
    "are told apart",
    "below_optimum": "how far below the best possible, where it is known, in the metric optimum_by of the board",
    "below_baseline": "whether the row is worse than the baseline of the board, in rank_by",
    "cost": "the cost of the row at the board's cost_setting; a null has its reason in reasons",
    "growth": "latency_rel of a method as a power of the size (the product of its sides), by least squares of "
    "logarithms; error is the standard error of the exponent, worst the largest share by which a size is off",
    "failures": "cells that are not ok, cost cells included; they take part in no mean",
    "worst_5_percent": "the score, in rank_by, that one item in twenty falls short of",
    "evidence": f"{' '.join(order_stability.READING)} wins_ties_losses sums over all other methods; wins is the matrix "
    "of the first 30: items on which the row beats the column; rankings[0] is the board's own; disagreement says where "
    "the tests of ranks contradict the board; mcnemar, where every score is 0 or 1, is the p of McNemar's exact test "
    "for the same rows and columns, of all pairs of the board at once (Holm)",
    "undecided": "of a board: that it tells no two methods apart, and how many items would, empty where it tells some; "
    "the number is planned for 80 % power from the mean and the deviation of the differences",
    "together": "the methods that several boards of one protocol share; firsts counts boards with rank low 1, without "
    "the undecided ones",
}
BEST_ALONE = (
    "the file that has the board whole: this is a report of very many rows, where each board has its first rows here, "
    "and neither evidence nor sets"
)
RECIPES = (
    "methods whose network was trained. boards: mean, deviation of the means of the seeds, rank, difference and "
    "interval over items and seeds, and behind: how much worse than the best that needs no more training_bytes. races: "
    "what was validated on the same items, with the curve and the cost of each training, and the grid of what was tuned"
)
SETS = (
    "metrics of the whole set of items, lower is better, in no ranking: columns by label; rows by method, then "
    "label: value (null where refused or not defined: note says why), standard error, 95 % interval, n, "
    "floor (what the true items themselves score), flags (small-n, refused)"
)


def summary(data: ReportData) -> Iterator[str]:
    """The JSON text, keys sorted, one board after the other."""
    about = {**ABOUT, "statistics": reading_text(data.words)}
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "title": data.title,
        "about": {
            **about,
            **({"all_in": BEST_ALONE} if data.most_rows is not None else {}),
            **({"sets": SETS} if any(data.sets) else {}),
            **({"recipes": RECIPES} if data.recipes.races else {}),
        },
        "boards": [],
        "together": [overall_values(one) for one in data.overall],
        "failures": [failure_values(f) for f in data.failures],
        "costs": [
            {"method": r.cell.method.spec, "key": r.cell.key, "cost": plain_values(r.cell.cost)} for r in data.costs
        ],
        "growth": [vars(growth) for growth in growths(data.costs)],
        **({"recipes": recipes_values(data.recipes)} if data.recipes.races else {}),
    }
    start = "{\n"
    for name in sorted(document):
        yield f"{start}{_encode(name)}: "
        start = ",\n"
        if name != "boards" or not data.boards:
            yield _lines(plain(document[name], DIGITS), 3)
            continue
        between = "[\n"
        for place in range(len(data.boards)):
            yield between + _lines(plain(_in_summary(data, place), DIGITS), 2)
            between = ",\n"
        yield "\n]"
    yield "\n}\n"


def board_files(data: ReportData) -> dict[str, Callable[[], Iterable[str]]]:
    """The text of each board of a report of very many rows, by its path; none of a smaller one, whose summary has all.

    It is made when it is asked for.
    """
    if data.most_rows is None:
        return {}

    def text(place: int) -> list[str]:
        return [_lines(plain(_board_values(data, place), DIGITS), 2), "\n"]

    return {_path(board, place): partial(text, place) for place, board in enumerate(data.boards)}


def _path(board: Board, place: int) -> str:
    return f"{BESIDE}/{place + 1:04d}-{digest([board.identity])[:16]}.json"


def _in_summary(data: ReportData, place: int) -> dict[str, Any]:
    board = data.boards[place]
    if data.most_rows is None:
        return _board_values(data, place)
    return {**_board(board, board.rows[: data.most_rows]), "all_in": _path(board, place)}


def _board_values(data: ReportData, place: int) -> dict[str, Any]:
    board, sets = data.boards[place], data.sets[place]
    return {
        **_board(board, board.rows),
        "evidence": evidence_values(data.evidence[place]),
        **({"sets": sets_values(sets)} if sets else {}),
    }


def failure_values(f: Failure) -> dict[str, Any]:
    """A cell without a place on a board as plain values; `items` is how many of its items are stored, in words."""
    return {
        "label": f.label, "where": f.where, "seed": f.seed, "outcome": f.outcome, "reason": f.reason,
        "last_line": f.last_line, "items": f.items, "key": f.key,
    }  # fmt: skip


def _encode(value: Any) -> str:
    return json.encode(value, order="sorted").decode()


def _lines(value: Any, depth: int) -> str:
    """JSON with a line for each row of a board: good to compare, and many times faster than with `indent`."""
    if depth and isinstance(value, dict) and value:
        inner = [f"{_encode(k)}: {_lines(value[k], depth - 1)}" for k in sorted(value)]
        return "{\n" + ",\n".join(inner) + "\n}"
    if depth and isinstance(value, list) and any(isinstance(v, dict) for v in value):
        return "[\n" + ",\n".join(_lines(v, depth - 1) for v in value) + "\n]"
    return _encode(value)


def _board(board: Board, rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "track": board.track,
        "words": board.words,
        "dataset": board.dataset,
        "fingerprint": board.fingerprint,
        "regime": board.regime,
        "regime_spec": board.regime_spec,
        "protocol": board.protocol,
        "seeds": board.seeds,
        "items": len(board.items),
        "units": board.units.count,
        "metrics": {
            c.label: {"version": c.version, "higher": c.higher, "unit": c.unit, "decimals": c.decimals}
            for c in board.columns
        },
        "rank_by": board.rank_by.label if board.rank_by else None,
        "optimum_by": board.optimum_column.label if board.optimum_column else None,
        "signatures": board.signatures,
        "inputs_sha256": board.inputs,
        "environment": board.environment,
        "cost_setting": board.cost_setting,
        "undecided": board.undecided,
        "warnings": board.warnings,
        "notes": board.notes,
        "rows": [_row(row) for row in rows],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "method": row.label,
        "spec": row.spec,
        "versions": row.versions,
        "source_sha256": row.source_sha256,
        "cite": row.cite,
        "flags": row.flags,
        "role": row.role,
        "rank": row.ranks,
        "not_ranked": row.unranked,
        "scores": {k: {"mean": s.mean, "identical": s.identical, "note": s.note} for k, s in row.scores.items()},
        "difference": row.difference,
        "interval": row.interval,
        "worst_5_percent": row.tail,
        "below_optimum": row.below_optimum,
        "below_baseline": row.below_baseline,
        "cost": plain_values(row.cost),
        "notes": row.notes,
        "keys": row.keys,
    }
