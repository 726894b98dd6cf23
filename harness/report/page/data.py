"""What the page shows, as plain values for JSON: boards by column, methods once, scores of items packed."""

from __future__ import annotations

import base64
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...boards.board import Board, placed_by, reading_text
from ...boards.build import MAX_PAIRS
from ...boards.levels import level_families
from ...boards.notations import alike
from ...boards.ordering import baseline_text
from ...boards.rows import Column, Row
from ...boards.undecided import undecided
from ...components.tracks import DEFAULT, known_track
from ...store.results import Results
from ...text.errors import one_line
from ...text.notation import Notation, notation_of, telling_apart
from ..cost_table import cost_reasons, cost_remarks, cost_table
from ..data import ReportData
from ..escape import slug
from ..extra_tables import Extra
from ..plots.drawing import Plot, is_reference
from ..plots.looks import Look, looks_of
from ..recipe_parts import recipe_parts
from ..summary import failure_values
from ..tables import (
    TextTable,
    board_hashes,
    digits_text,
    facts,
    optimum_title,
    remarks,
    versions_text,
)
from .legend import legend

MAX_CELLS = 4_000
"""Above so many rows ranks are those of the metric that the suite names: other metrics show their means only."""
_DIGITS = 9
"""As many as leaderboard.csv has."""
_Identity = tuple[str, str, str]
"""Spec, source and label of a method."""
_CODES = 65_000
_INF, _MINUS_INF, _NAN = 65_533, 65_534, 65_535


class Numbering:
    """Numbers things in the order in which they are met."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def __call__(self, thing: Any) -> int:
        return self.numbers.setdefault(thing, len(self.numbers))


@dataclass(frozen=True)
class Numberings:
    """What the boards of a page refer to by number: methods by their identity, flags, and the names of items."""

    methods: Numbering = field(default_factory=Numbering)
    flags: Numbering = field(default_factory=Numbering)
    items: Numbering = field(default_factory=Numbering)


def page_data(data: ReportData, plots: Sequence[Plot]) -> dict[str, Any]:
    """Everything but the previews; `plots` are those that the page does not draw itself."""
    numberings = Numberings()
    boards = list(page_boards(data.boards, numberings))
    return {**page_rest(data, plots, numberings), "boards": boards}


def page_boards(boards: Sequence[Board], numberings: Numberings) -> Iterator[dict[str, Any]]:
    """Each board; the `numberings` get what it refers to."""
    everything = sum(len(board.rows) for board in boards) <= MAX_CELLS
    paired = _paired(boards, everything)
    several = len({board.track for board in boards}) > 1
    for board in boards:
        yield {
            **_place(board, several), **_numbers(board, everything, paired),
            "items": numberings.items(board.items),
            "m": [numberings.methods(_identity(row)) for row in board.rows],
            "flags": [[numberings.flags(flag) for flag in row.flags] for row in board.rows],
        }  # fmt: skip


def page_rest(data: ReportData, plots: Sequence[Plot], numberings: Numberings) -> dict[str, Any]:
    """Everything but the boards, whose `numberings` are complete, and the previews."""
    boards, methods = data.boards, numberings.methods.numbers
    labels = {label: number for (_, _, label), number in methods.items()}
    return {
        "title": data.title,
        "origin": data.origin,
        "how": reading_text(data.words),
        "words": data.words,
        "opens": _opening(boards),
        "methods": _methods(data, methods),
        "notations": _over_boards(boards),
        "flags": list(numberings.flags.numbers),
        "items": [list(names) for names in numberings.items.numbers],
        "families": _families(boards),
        "failures": [
            {**failure_values(f), "spec": one_line(f.spec, 2_000), "trace": data.traces.get(f.key, "")}
            for f in data.failures
        ],
        "cost": _cost_rows(data.costs, methods),
        "extra": [_extra(e, labels) for e in data.extra],
        "plots": [_plot_values(plot, boards) for plot in plots],
    }


def _methods(data: ReportData, identities: Iterable[_Identity]) -> list[dict[str, Any]]:
    """A card of each method, with its look and, where a board of recipes compares it, the parts of its recipe."""
    cards: dict[_Identity, dict[str, Any]] = {}
    for row in (row for board in data.boards for row in board.rows):
        card = cards.setdefault(_identity(row), _card(row))
        for key in row.keys:
            card["weights"] |= data.weights.get(key, {})
    looks = looks_of(data.boards)
    compared = {row.recipe.label for ranked in data.recipes.boards for row in ranked.rows}
    parts = recipe_parts({label: spec for spec, _, label in cards if label in compared})
    return [
        {**cards[identity], "look": _look(looks.get(identity[2])), "parts": parts.get(identity[2])}
        for identity in identities
    ]


def _families(boards: Sequence[Board]) -> list[dict[str, Any]]:
    """Boards at several levels of one regime: what the level is called, and the place of the board at each."""
    places = {id(board): i for i, board in enumerate(boards)}
    return [
        {"x": f.parameter.split(".")[-1], "of": f.regime, "at": [[level, places[id(b)]] for level, b in f.boards]}
        for f in level_families(boards)
    ]


def _plot_values(plot: Plot, boards: Sequence[Board]) -> list[Any]:
    """Caption, picture, the place of its board, and whether it is of recipes."""
    picture = base64.b64encode(plot.svg).decode()
    return [plot.caption, picture, board_of(plot, boards), plot.name.startswith("recipe-")]


def _place(board: Board, several: bool) -> dict[str, Any]:
    """Where a board belongs and what must be known of it; its own words where the report has `several` tracks."""
    named = several and board.track != DEFAULT
    return {
        "d": f"{board.track}: {board.chosen}" if named else board.chosen,
        "r": board.regime, "p": board.protocol, "s": board.seeds_text,
        **({"words": board.words} if several else {}),
        "setting": board.cost_setting, "facts": facts(board), "warnings": list(board.warnings),
        "remarks": remarks(board), "legend": legend(board), "signatures": list(board.signatures.values()),
        "versions": versions_text(board), "hashes": board_hashes(board),
    }  # fmt: skip


def _numbers(board: Board, everything: bool, paired: frozenset[str]) -> dict[str, Any]:
    """The columns of a board; per row its means and places, distances, costs, and the scores of its items packed."""
    optimum = board.optimum_column
    ranking = board.rank_by.notation if board.rank_by else Notation(0)
    placed = [_placed(board, column, everything) for column in board.shown_columns]
    return {
        "columns": [
            [c.label, c.unit, c.higher, _written(c.notation), *([c.arrow] * bool(c.goal))]
            for c in (one.column for one in placed)
        ],
        "rank": board.shown_columns.index(board.rank_by) if board.rank_by is not None else -1,
        "below": [i for i, row in enumerate(board.rows) if row.below_baseline],
        "baseline": baseline_text(board.rows, board.words),
        "tail": [_exact(row.tail, ranking) for row in board.rows],
        "optimum": optimum and {
            "title": optimum_title(optimum), "notation": _written(optimum.notation),
            "by": [_exact(row.below_optimum, optimum.notation) for row in board.rows],
        },
        "scores": [_scores(board, one, everything, paired) for one in placed],
        "values": [
            packed(np.array([row.scores[c.label].by_item for row in board.rows]), c.notation)
            for c in (one.column for one in placed)
        ],
        "cost": [_cost(row) for row in board.rows] if board.cost_setting else None,
    }  # fmt: skip


def _over_boards(boards: Sequence[Board]) -> dict[str, int | str]:
    """How the means of each metric are written where those of several boards stand in one column."""
    means: dict[tuple[str, int], list[float]] = defaultdict(list)
    for board in boards:
        for column in board.columns:
            means[column.label, column.decimals] += [row.scores[column.label].mean for row in board.rows]
    return {label: _written(notation_of(values, decimals)) for (label, decimals), values in means.items()}


def _opening(boards: Sequence[Board]) -> int:
    """The place of the board that the page opens with: where a track is judged by clean items first, that of these."""
    clean = [
        place
        for place, board in enumerate(boards)
        if (track := known_track(board.track)) is not None
        and board.regime == track.defaults.regime == "none"
        and (board.track, board.chosen) == (boards[0].track, boards[0].chosen)
    ]
    return clean[0] if clean else 0


def board_of(plot: Plot, boards: Sequence[Board]) -> int | None:
    """The one board whose name stands at the end of the plot's."""
    places = [i for i, board in enumerate(boards) if plot.name.endswith(f"-{slug(board.title, 48)}")]
    return places[0] if len(places) == 1 else None


def _identity(row: Row) -> _Identity:
    return row.spec, row.source_sha256, row.label


def _card(row: Row) -> dict[str, Any]:
    return {
        "label": one_line(row.label), "name": one_line(row.name), "spec": one_line(row.spec, 2_000),
        "versions": ", ".join(f"{name} {version}" for name, version in row.versions.items()),
        "source": row.source_sha256, "cite": one_line(row.cite, 1_000), "sanity": bool(row.role),
        "trained": ", ".join(row.trained_on), "family": row.family, "weights": {},
        "reference": is_reference(row),
    }  # fmt: skip


def _look(look: Look | None) -> list[int] | None:
    """Number of the colour and how often it was given before; None for grey."""
    return None if look is None or look.number is None else [look.number, look.again]


@dataclass(frozen=True)
class _Placed:
    """The rows of a board as one of its metrics orders them; `column` has the notation that tells them apart."""

    column: Column
    ranking: bool
    rows: Sequence[Row]
    notes: Sequence[str]


def _placed(board: Board, column: Column, everything: bool) -> _Placed:
    if board.rank_by is not None and column.label == board.rank_by.label:
        return _Placed(column, True, board.rows, ())
    if not everything:
        return _Placed(column, False, board.rows, ())
    rows, notes = placed_by(board, column)
    notation = telling_apart(column.notation, alike(column.notation, column, rows))
    return _Placed(replace(column, chosen=notation), False, rows, notes)


def _scores(board: Board, of: _Placed, everything: bool, paired: frozenset[str]) -> dict[str, Any]:
    """Means and places of all rows by one metric, in the order of the board."""
    column, ranking, placed_rows = of.column, of.ranking, of.rows
    by_identity = {_identity(row): row for row in placed_rows}
    rows = [by_identity[_identity(row)] for row in board.rows]
    placed, notation = ranking or everything, column.notation
    pairs = _pairs(placed_rows, rows) if placed and ("own" if ranking else "others") in paired else None
    return {
        "mean": [_exact(row.scores[column.label].mean, notation) for row in rows],
        "identical": {i: n for i, row in enumerate(rows) if (n := row.scores[column.label].identical)},
        "note": {i: text for i, row in enumerate(rows) if (text := row.scores[column.label].note)},
        "low": [row.ranks[0] if placed and row.ranks else None for row in rows],
        "high": [row.ranks[1] if placed and row.ranks else None for row in rows],
        "gap": [_exact(row.difference, notation) if placed else None for row in rows],
        "from": [_exact(row.interval[0], notation) if placed and row.interval else None for row in rows],
        "to": [_exact(row.interval[1], notation) if placed and row.interval else None for row in rows],
        "why": {i: row.unranked for i, row in enumerate(rows) if row.unranked},
        **({"pairs": pairs} if pairs else {}),
        "undecided": board.undecided if ranking else _undecided(board, of) if placed else "",
        "remarks": of.notes if placed else ["ranks are shown by the metric that the suite ranks by"],
    }


def _undecided(board: Board, of: _Placed) -> str:
    return undecided(of.rows, of.column, board.units, board.words)


def packed(values: npt.NDArray[np.float64], notation: Notation) -> list[Any]:
    """[decimals, offset, base64 of little-endian uint16]: decimal steps above the smallest, three codes for no number.

    As many decimals as the tables print, fewer where the values span more than 16 bits hold. Of a column in scientific
    notation base64 of little-endian float32 alone.
    """
    if notation.scientific:
        with np.errstate(over="ignore", under="ignore"):
            return [base64.b64encode(values.astype("<f4").tobytes()).decode()]
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    places = notation.decimals
    while (high - low) * 10.0**places > _CODES:
        places -= 1
    offset = math.floor(low * 10.0**places)
    with np.errstate(invalid="ignore"):
        codes = np.rint(np.where(np.isfinite(values), values, low) * 10.0**places) - offset
    codes = np.where(np.isnan(values), _NAN, np.where(values == np.inf, _INF, codes))
    codes = np.where(values == -np.inf, _MINUS_INF, codes)
    return [places, offset, base64.b64encode(codes.astype("<u2").tobytes()).decode()]


def _paired(boards: Sequence[Board], everything: bool) -> frozenset[str]:
    """Of which metrics the page has the differences of all pairs, 16 bytes each: `own`, which ranks, and `others`."""
    ranking = sum(math.comb(len(board.rows), 2) for board in boards)
    every = sum(math.comb(len(board.rows), 2) * len(board.columns) for board in boards)
    return frozenset(
        (["own"] if ranking <= MAX_PAIRS else []) + (["others"] if everything and every <= MAX_PAIRS else [])
    )


def _pairs(placed: Sequence[Row], rows: Sequence[Row]) -> dict[str, Any] | None:
    """The methods tested pairwise, best first, by their places in `rows`; mean difference and interval of each pair.

    Little-endian float32 as base64, three numbers a pair: of the second to the first, the third to the first, the
    third to the second, and so on.
    """
    tested = [row for row in placed if row.to_others is not None]
    if len(tested) < 2:
        return None
    place = {_identity(row): i for i, row in enumerate(rows)}
    between = np.stack([row.to_others for row in tested if row.to_others is not None])
    later, earlier = np.tril_indices(len(tested), -1)
    with np.errstate(over="ignore"):
        numbers = between[later, earlier].astype("<f4")
    return {"of": [place[_identity(row)] for row in tested], "by": base64.b64encode(numbers.tobytes()).decode()}


def _written(notation: Notation) -> int | str:
    """The decimals of a notation; `e3` where it is scientific."""
    return f"e{notation.decimals}" if notation.scientific else notation.decimals


def _exact(value: float | None, notation: Notation) -> float | str | None:
    """The number with 9 digits, in full where it would be printed otherwise; infinite values as text."""
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if not notation.scientific:
        steps = abs(value) * 10.0**notation.decimals
        # Nine digits change it by 5e-9 of itself at most: far from the middle of two printed numbers both print alike.
        if abs(steps % 1.0 - 0.5) > 1e-8 * steps:
            return float(f"{value:.{_DIGITS}g}")
    return _shortest(value, notation.text)


def _shortest(value: float, printed: Callable[[float], str]) -> float:
    """The number with 9 digits, in full where it would be printed otherwise."""
    short = float(f"{value:.{_DIGITS}g}")
    return short if printed(short) == printed(value) else float(value)


def _cost(row: Row) -> list[Any] | None:
    if row.cost is None:
        return None
    latencies = ((row.cost.latency_ms or {}).get("p50"), row.cost.latency_rel)
    shown = [None if value is None else _shortest(value, digits_text) for value in latencies]
    return [*shown, row.cost.peak_memory_bytes, row.cost.params]


def _cost_rows(costs: Results, methods: Mapping[Any, int]) -> dict[str, Any]:
    """The table of costs, and the methods that each of its rows belongs to."""
    owners = []
    for spec, source in zip(costs.column("method_spec"), costs.column("source_sha256"), strict=True):
        owners.append([i for identity, i in methods.items() if identity[:2] == (spec, source)])
    why = ["; ".join(cost_reasons(record, energy=False)) for record in costs]
    return {**_table(cost_table(costs)), "of": owners, "why": why, "notes": cost_remarks(costs)}


def _extra(extra: Extra, labels: Mapping[str, int]) -> dict[str, Any]:
    """A table beside the boards; `methods` are the numbers of those that its last columns are of."""
    of = [labels[label] for label in extra.table.methods if label in labels]
    whole = len(of) == len(extra.table.methods) > 0
    return {
        "title": extra.title, "note": extra.note, "board": extra.board, "recipes": extra.recipes,
        **_table(extra.table), **({"methods": of} if whole else {}),
    }  # fmt: skip


def _table(table: TextTable) -> dict[str, Any]:
    strong = [i for i, best in enumerate(table.strong) if best]
    return {"head": table.header, "numeric": table.numeric, "rows": table.rows, "strong": strong, "of": table.labels}
