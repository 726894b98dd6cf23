"""`summary.json`: every number of the board for programs, sorted and documented."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..analysis import evidence
from ..analysis.board import HOW, Board
from ..analysis.evidence import Evidence, Overall
from ..analysis.failures import Failure
from ..analysis.growth import growths
from ..analysis.rows import Row
from ..analysis.sets import BoardSets
from ..jsonable import plain
from ..store.record import Record
from .evidence import evidence_values, overall_values
from .sets import sets_values

DIGITS = 9
ABOUT = {
    "numbers": f"plain JSON numbers with {DIGITS} digits; an infinite mean is the text 'inf' or '-inf', a mean that "
    "is not defined is null and its note says why",
    "boards": "one for each dataset, regime, protocol and set of seeds; rows in the order of the board",
    "rank": "[low, high], null where the row is not ranked (not_ranked says why) or was not tested pairwise",
    "difference": "mean difference to the best row in the unit of rank_by; interval is its 95 % interval",
    "below_optimum": "dB below the Bayes optimum, where the dataset has one",
    "cost": "the cost of the row at the board's cost_setting; a null has its reason in reasons",
    "growth": "latency_rel of a method as a power of the number of pixels, by least squares of logarithms over sizes; "
    "error is the standard error of the exponent, worst the largest share by which a size is off",
    "failures": "cells that are not ok, cost cells included; they take part in no mean",
    "worst_5_percent": "the score, in rank_by, that one picture in twenty falls short of",
    "evidence": f"{' '.join(evidence.HOW)} wins_ties_losses sums over all other methods; wins is the matrix "
    "of the first 30: pictures on which the row beats the column; rankings[0] is the board's own",
    "together": "the methods that several boards of one protocol share; firsts counts boards with rank low 1",
    "statistics": HOW,
}
SETS = (
    "metrics of the whole set of pictures, lower is better, in no ranking: columns by label; rows by method, then "
    "label: value (null where refused or not defined: note says why), standard error, 95 % interval, n, "
    "floor (what the clean pictures themselves score), flags (small-n, refused)"
)


def summary(
    boards: Sequence[Board],
    failures: Sequence[Failure],
    costs: Sequence[Record],
    found: Sequence[Evidence | None],
    together: Sequence[Overall],
    title: str,
    sets: Sequence[BoardSets | None] = (),
) -> str:
    """The JSON text, keys sorted; `found` is the evidence, `sets` are the set metrics of each board."""
    held = {place: {"sets": sets_values(one)} for place, one in enumerate(sets) if one is not None}
    document = {
        "schema": 1,
        "title": title,
        "about": {**ABOUT, **({"sets": SETS} if held else {})},
        "boards": [
            {**_board(b), "evidence": evidence_values(e), **held.get(place, {})}
            for place, (b, e) in enumerate(zip(boards, found, strict=True))
        ],
        "together": [overall_values(one) for one in together],
        "failures": [vars(f) for f in failures],
        "costs": [{"method": r.cell["method"]["spec"], "key": r.cell["key"], "cost": r.cell["cost"]} for r in costs],
        "growth": [vars(growth) for growth in growths(costs)],
    }
    return _lines(plain(document, DIGITS), 4) + "\n"


def _lines(value: Any, depth: int) -> str:
    """JSON with a line for each row of a board: good to compare, and many times faster than with `indent`."""
    if depth and isinstance(value, dict) and value:
        inner = [f"{json.dumps(k, ensure_ascii=False)}: {_lines(value[k], depth - 1)}" for k in sorted(value)]
        return "{\n" + ",\n".join(inner) + "\n}"
    if depth and isinstance(value, list) and any(isinstance(v, dict) for v in value):
        return "[\n" + ",\n".join(_lines(v, depth - 1) for v in value) + "\n]"
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _board(board: Board) -> dict[str, Any]:
    return {
        "dataset": board.dataset,
        "fingerprint": board.fingerprint,
        "regime": board.regime,
        "regime_spec": board.regime_spec,
        "protocol": board.protocol,
        "seeds": board.seeds,
        "pictures": len(board.items),
        "metrics": {c.label: {"version": c.version, "higher": c.higher, "unit": c.unit} for c in board.columns},
        "rank_by": board.rank_by.label if board.rank_by else None,
        "signatures": board.signatures,
        "inputs_sha256": board.inputs,
        "environment": board.environment,
        "cost_setting": board.cost_setting,
        "warnings": board.warnings,
        "notes": board.notes,
        "rows": [_row(row) for row in board.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "method": row.label,
        "spec": row.spec,
        "versions": row.versions,
        "source_sha256": row.source_sha256,
        "cite": row.cite,
        "flags": row.flags,
        "baseline": row.baseline,
        "rank": row.ranks,
        "not_ranked": row.unranked,
        "scores": {label: {"mean": s.mean, "note": s.note} for label, s in row.scores.items()},
        "difference": row.difference,
        "interval": row.interval,
        "worst_5_percent": row.tail,
        "below_optimum": row.below_optimum,
        "below_noisy": row.below_noisy,
        "cost": row.cost,
        "notes": row.notes,
        "keys": row.keys,
    }
