"""Put the rows of a board in order: rank ranges, difference to the best, and the sanity rows as rulers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from .rows import Column, Row
from .statistics import ALPHA, MIN_PICTURES, bootstrap_interval, paired_difference, rank_ranges, worst_tail

MAX_PAIRED = 60
"""Pairs grow with the square of the methods: only this many, the best by mean, are tested pairwise."""
OTHER_INPUTS = "saw other inputs"


def refuse_other_inputs(rows: list[Row]) -> tuple[list[Row], list[str]]:
    """Only methods that saw the same noisy pictures are compared: those of the most common inputs."""
    count = Counter(row.inputs for row in rows)
    if len(count) < 2:
        return rows, []
    reference = min(count, key=lambda d: (-count[d], min(r.label for r in rows if r.inputs == d)))
    others = sorted(row.label for row in rows if row.inputs != reference)
    kept = [r if r.inputs == reference else replace(r, unranked=OTHER_INPUTS) for r in rows]
    listed = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
    return kept, [
        f"not compared, because the noisy pictures differ (input_sha256) from those of the other "
        f"{count[reference]}: {listed}"
    ]


def rank(rows: list[Row], column: Column | None, identity: str, n: int) -> tuple[list[Row], list[str]]:
    """Rows in the order of the board, ranked ones first, and what must be known of the ranking."""
    if column is None:
        return sorted(rows, key=lambda r: r.label), []
    sign = 1.0 if column.higher else -1.0
    judged = []
    for row in rows:
        why = row.unranked
        if not why and row.oracle:
            why = "oracle: sees what no method may see"
        if not why and np.isnan(row.scores[column.label].mean):
            why = f"{column.label} {row.scores[column.label].note}"
        judged.append(replace(row, unranked=why))

    def place(row: Row) -> tuple[bool, float, str]:
        mean = row.scores[column.label].mean
        return bool(row.unranked), float("inf") if np.isnan(mean) else -sign * mean, row.label

    judged.sort(key=place)
    ranked = [row for row in judged if not row.unranked]
    if not ranked:
        return judged, ["no method is ranked"]
    values = np.stack([row.scores[column.label].values for row in ranked])
    tested = min(len(ranked), MAX_PAIRED)
    ranking = rank_ranges(sign * values[:tested])
    differences = paired_difference(values, values[0])
    intervals = bootstrap_interval(differences, identity)
    tails = worst_tail(values, column.higher)
    done = []
    for i, row in enumerate(ranked):
        finite = bool(np.isfinite(differences[i]).all())
        done.append(
            replace(
                row,
                ranks=ranking.ranges[i] if i < tested else None,
                difference=float(differences[i].mean()) if finite else None,
                interval=(float(intervals[i, 0]), float(intervals[i, 1])) if finite and i else None,
                tail=float(tails[i]),
            )
        )
    return done + judged[len(ranked) :], _how_ranked(len(ranked), tested, ranking.pairs, ranking.smallest_p, n)


def _how_ranked(ranked: int, tested: int, pairs: int, smallest: float, n: int) -> list[str]:
    notes = []
    if ranked > tested:
        notes.append(
            f"{ranked} methods: only the {tested} best by mean are tested pairwise; "
            f"their rank ranges are among these {tested}, the others have none"
        )
    if pairs and n < MIN_PICTURES:
        notes.append(f"{n} pictures: with fewer than {MIN_PICTURES} no difference can be significant")
    elif pairs and smallest > ALPHA:
        notes.append(
            f"{n} pictures are too few for {pairs} pairs: the smallest p that Holm's correction leaves is "
            f"{smallest:.2g}, so hardly any difference can be significant"
        )
    return notes


def against_sanity(rows: list[Row], column: Column | None) -> tuple[list[Row], list[str]]:
    """Mark methods below the noisy input, and say how far each is below a known optimum."""
    if column is None:
        return rows, []
    sign = 1.0 if column.higher else -1.0
    fair = [row for row in rows if row.unranked != OTHER_INPUTS]
    inputs = next((row for row in fair if row.name == "identity"), None)
    optimum = next((row for row in fair if row.name == "bayes_optimum"), None)
    ruler = next((label for label in ("psnr", column.label) if optimum and label in optimum.scores), None)
    result, warnings = [], []
    for row in rows:
        if row.unranked != OTHER_INPUTS:
            if inputs is not None and row is not inputs:
                gap = sign * (row.scores[column.label].mean - inputs.scores[column.label].mean)
                if gap < 0:
                    warnings.append(f"{row.label} is below the noisy input by {-gap:.4g} {column.unit}".rstrip())
                    row = replace(row, below_noisy=True)
            if optimum is not None and ruler is not None and row.name != "bayes_optimum":
                below = optimum.scores[ruler].mean - row.scores[ruler].mean
                row = replace(row, below_optimum=below if np.isfinite(below) else None)
        result.append(row)
    return result, warnings
