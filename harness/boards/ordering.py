"""Put the rows of a board in order: rank ranges, difference to the best, and to baseline and optimum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import structs

from ..statistics.crossed_ranking import TrainingScores
from ..statistics.exact_scores import averageable, compared, is_exact
from ..statistics.mcnemar import is_binary
from ..statistics.paired_tests import MIN_ITEMS, Floats, without_rounding, worst_tail
from ..statistics.ranking import Ranking, ranges, rank_ranges
from ..text.wording import by_number, counted
from .rows import Column, Row
from .units import Units

OTHER_INPUTS = "saw other inputs"


def refuse_other_inputs(rows: list[Row], words: Mapping[str, str]) -> tuple[list[Row], list[str]]:
    """Only methods that were given the same are compared: those of the most common inputs."""
    count = Counter(row.inputs for row in rows)
    if len(count) < 2:
        return rows, []
    reference = min(count, key=lambda d: (-count[d], min(r.label for r in rows if r.inputs == d)))
    others = sorted((row.label for row in rows if row.inputs != reference), key=by_number)
    kept = [r if r.inputs == reference else structs.replace(r, unranked=OTHER_INPUTS) for r in rows]
    listed = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
    return kept, [f"not compared: other {words['given']} (input_sha256) than the other {count[reference]}: {listed}"]


def rank(
    rows: list[Row], column: Column | None, identity: str, units: Units, items: str = "items", *, pairs: bool = True
) -> tuple[list[Row], list[str]]:
    """Rows in the order of the board, ranked ones first, and what must be known of the ranking.

    `identity` keys the resamples of the intervals; `items` are what `units` are called. Without `pairs` no row holds
    its differences to all others.
    """
    if column is None:
        return sorted(rows, key=lambda r: by_number(r.label)), []
    sign = 1.0 if column.higher else -1.0
    of_answers = any(not (row.unranked or row.explains or _why_unranked(row, column)) for row in rows)
    reasons = [row.unranked or _why_unranked(row, column, of_answers) for row in rows]
    judged = [
        row if why == row.unranked else structs.replace(row, unranked=why)
        for row, why in zip(rows, reasons, strict=True)
    ]

    def place(row: Row) -> tuple[Any, ...]:
        mean = row.scores[column.label].mean
        return bool(row.unranked), float("inf") if np.isnan(mean) else -sign * mean, by_number(row.label)

    judged.sort(key=place)
    ranked = [row for row in judged if not row.unranked]
    if not ranked:
        return judged, ["no method is ranked"]
    values = np.stack([row.scores[column.label].values for row in ranked])
    kept = compared(values, column.higher)
    if not kept.any():
        why = f"{column.label}: on each of the {units.count} {items} one method or another is exact"
        return [structs.replace(row, unranked=row.unranked or why) for row in judged], [f"no method is ranked: {why}"]
    perfect = int(is_exact(values, column.higher).all(axis=1).sum())
    rest = without_rounding(values[perfect:][:, kept])
    trainings = _trainings(ranked[perfect:], column, units, kept)
    ranking = _with_perfect(rank_ranges(sign * rest, identity, trainings, all_between=pairs), perfect, units.count)
    difference = (rest - rest[:1]).mean(axis=1)
    between = _between(ranking.between, perfect, column.higher)
    # Of right and wrong answers the worst 5 % are wrong, whatever the method: that says nothing.
    tails = None if is_binary(values) else worst_tail(values, column.higher)
    done = []
    places = {row.label: place for place, row in enumerate(ranked)}
    for i, row in enumerate(ranked):
        low, high = between[i, perfect, 1:] if i >= perfect else (np.nan, np.nan)
        done.append(
            structs.replace(
                row,
                ranks=ranking.ranges[i],
                apart=_Distinguished(places, ranking.apart[i]),
                difference=float(difference[i - perfect]) if i >= perfect else None,
                interval=None if np.isnan(low) else (float(low), float(high)),
                to_others=between[i] if pairs else None,
                tail=None if tails is None else float(tails[i]),
            )
        )
    return done + judged[len(ranked) :], _how_ranked(len(ranked), perfect, items)


def _trainings(rows: Sequence[Row], column: Column, units: Units, kept: npt.NDArray[np.bool_]) -> TrainingScores | None:
    """What rows score with each seed on the `kept` units, where that is finite; None where none was trained anew."""
    anew = np.array([row.trained_anew for row in rows])
    if not anew.any():
        return None
    scores = np.stack([units.average(np.asarray(row.scores[column.label].by_seed))[:, kept] for row in rows])
    finite = np.isfinite(scores).all(axis=(0, 1))
    scores = scores[:, :, finite] if finite.any() else np.full_like(scores, np.nan)
    used = [{key for keys in row.trainings for key in keys} for row in rows]
    shared = np.array([[not one.isdisjoint(other) for other in used] for one in used])
    return TrainingScores(scores if column.higher else -scores, anew, shared)


class _Distinguished(Set[str]):
    """The labels of the rows that one row is told apart from: a byte for each row, where a set of texts takes forty."""

    def __init__(self, places: Mapping[str, int], distinguished: npt.NDArray[np.bool_]) -> None:
        self.places, self.distinguished = places, distinguished

    def __contains__(self, label: object) -> bool:
        place = self.places.get(label)  # type: ignore[call-overload]
        return place is not None and bool(self.distinguished[place])

    def __iter__(self) -> Iterator[str]:
        return (
            label
            for label, distinguished in zip(self.places, self.distinguished.tolist(), strict=True)
            if distinguished
        )

    def __len__(self) -> int:
        return int(np.count_nonzero(self.distinguished))


def told_apart(rows: Sequence[Row]) -> npt.NDArray[np.bool_]:
    """Which of the rows (M,) the paired test tells apart, (M, M)."""
    labels = [row.label for row in rows]
    known = [of.distinguished for row in rows if isinstance(of := row.apart, _Distinguished) and [*of.places] == labels]
    if len(known) == len(rows):
        return np.array(known)
    return np.array([[label in row.apart for label in labels] for row in rows])


def _why_unranked(row: Row, column: Column, of_answers: bool = False) -> str:
    """Why a row takes no rank; `of_answers` says that the metric is of answers, and not of maps."""
    score = row.scores[column.label]
    if row.oracle:
        return "oracle: sees what no method may see"
    if row.explains and of_answers:
        return "explains: it answers as the classifier does whose maps it gives"
    return "" if averageable(score.values, column.higher) else f"{column.label} {score.note}"


def _with_perfect(ranking: Ranking, perfect: int, n: int) -> Ranking:
    """The ranking behind `perfect` methods that have all `n` items exact: better on each, equal to each other."""
    if not perfect:
        return ranking
    m = perfect + len(ranking.ranges)
    apart = np.zeros((m, m), dtype=np.bool_)
    apart[perfect:, perfect:] = ranking.apart
    apart[:perfect, perfect:] = apart[perfect:, :perfect] = n >= MIN_ITEMS
    order: Floats = -np.maximum(np.arange(m), perfect - 1).astype(np.float64)
    return replace(ranking, ranges=ranges(order, apart), apart=apart)


def _between(signed: Floats, perfect: int, higher: bool) -> Floats:
    """The differences of all pairs (M, M, 3) in the metric's own sign, none for the first `perfect` methods."""
    m = perfect + len(signed)
    between = np.full((m, m, 3), np.nan)
    between[perfect:, perfect:] = signed if higher else -signed[:, :, [0, 2, 1]]
    return between


def _how_ranked(ranked: int, perfect: int, items: str) -> list[str]:
    if not 0 < perfect < ranked:
        return []
    are = counted(perfect, "method is", "methods are")
    return [f"{are} exact on all {items}: differences are to the best of the others"]


def hold_against_references(
    rows: list[Row], column: Column | None, columns: Sequence[Column], words: Mapping[str, str]
) -> tuple[list[Row], list[str], Column | None]:
    """Mark methods below the baseline, and say how far each is below a known optimum, and by which metric."""
    if column is None:
        return rows, [], None
    fair = [row for row in rows if row.unranked != OTHER_INPUTS]
    baseline, floor = baseline_of(rows), baseline_text(rows, words)
    optimum = next((row for row in fair if row.role == "optimum"), None)
    ruler = None if optimum is None else _ruler(optimum, fair, columns)
    result, warnings = [], []
    for row in rows:
        if row.unranked != OTHER_INPUTS:
            if baseline is not None and row is not baseline:
                below = _shortfall(row, baseline, column)
                if below > 0:
                    warnings.append(f"{row.label} is below {floor} by {below:.4g} {column.unit}".rstrip())
                    row = structs.replace(row, below_baseline=True)
            if optimum is not None and ruler is not None and row.role != "optimum":
                below = _shortfall(row, optimum, ruler)
                row = structs.replace(row, below_optimum=below if np.isfinite(below) else None)
        result.append(row)
    return result, warnings, ruler


def baseline_of(rows: Sequence[Row]) -> Row | None:
    """The row that methods should not be below, where there is one."""
    return next((row for row in rows if row.role == "baseline" and row.unranked != OTHER_INPUTS), None)


def baseline_text(rows: Sequence[Row], words: Mapping[str, str]) -> str:
    """What the baseline is called: the input, where it gives that back, or by its name; empty where there is none."""
    baseline = baseline_of(rows)
    if baseline is None:
        return ""
    return f"the {words['given']}" if baseline.unchanged else baseline.label


def _shortfall(row: Row, other: Row, column: Column) -> float:
    """How much worse the mean of a row is than that of another one; NaN where either has none."""
    gap = other.scores[column.label].mean - row.scores[column.label].mean
    return gap if column.higher else -gap


def _ruler(optimum: Row, rows: Sequence[Row], columns: Sequence[Column]) -> Column | None:
    """The first metric in which a method can be told from the optimum."""
    others = [row for row in rows if row.role != "optimum"]
    return next((c for c in columns if any(np.isfinite(_shortfall(row, optimum, c)) for row in others)), None)
