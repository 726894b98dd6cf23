"""Set metrics as tables: a value a method, its error, and the floor beside it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..analysis.board import Board
from ..analysis.sets import BoardSets, SetValue
from .escape import latex, markdown, spreadsheet
from .tables import Table, to_latex, to_markdown

HOW = (
    "One value for the whole set of restored pictures against the reference; lower is better. ±: standard error; in "
    "brackets: 95 % interval. These values take no part in any ranking or mean.",
    "Floor: what the clean pictures themselves score (two halves of them, or all against a reference file); halves are "
    "of other scenes and half as many, so a method may well be below. small-n: below 2,048, where a Fréchet distance "
    "is mostly bias.",
)
HEAD = ("value", "floor", "N", "flags", "note")


def value_text(value: float | None, error: float | None, interval: Any) -> str:
    """A value with its error or interval."""
    if value is None or math.isnan(value):
        return "n/d"
    text = _short(value) + ("" if error is None else f" ± {_short(error, 2)}")
    return text + (" [{}, {}]".format(*(_short(v) for v in interval)) if interval else "")


def _short(value: float, digits: int = 4) -> str:
    return f"{value:.{digits}g}".replace("-", "−")


def _cells(value: SetValue) -> tuple[str, ...]:
    return (
        value_text(value.value, value.error, value.interval),
        "–" if value.floor is None else _short(value.floor),
        str(value.n),
        ", ".join(value.flags),
        value.note,
    )


def set_table(sets: BoardSets) -> Table:
    """A row a method and set metric, best first within a metric; what has no value comes last, with its reason."""
    rows: list[tuple[str, ...]] = []
    for column in sets.columns:
        held = [(label, values[column.label]) for label, values in sets.values.items() if column.label in values]
        held.sort(key=lambda pair: (math.isnan(pair[1].value), pair[1].value, pair[0]))
        if len({value.note for _, value in held}) == 1 and all(math.isnan(value.value) for _, value in held):
            held = [("all methods", held[0][1])]
        rows += [(column.label, label, *_cells(value)) for label, value in held]
    return Table(
        ("set metric ↓", "method", *HEAD),
        (False, False, True, True, True, False, False),
        tuple(rows),
    )


def set_facts(sets: BoardSets) -> list[str]:
    """What each set metric rests on, a line each."""
    return [
        f"{c.label}: version {c.version}, features {c.features} ({c.d}, SHA-256 {c.features_sha256[:12]}…), "
        f"{c.resize}, reference {c.reference}"
        for c in sets.columns
    ]


def sets_markdown(boards: Sequence[Board], sets: Sequence[BoardSets | None]) -> list[str]:
    """The lines of a section for all boards that have set metrics, none where none has."""
    out: list[str] = []
    for board, held in zip(boards, sets, strict=True):
        if held is not None:
            out += [f"### {markdown(board.title)}", "", markdown(f"protocol {board.protocol} · {board.seeds_text}"), ""]
            out += [*to_markdown(set_table(held)), "", *(f"- {markdown(line)}" for line in set_facts(held)), ""]
    return ["## Set metrics", "", *map(markdown, HOW), "", *out] if out else []


def sets_latex(boards: Sequence[Board], sets: Sequence[BoardSets | None]) -> str:
    """A table a board that has set metrics."""
    out: list[str] = []
    for board, held in zip(boards, sets, strict=True):
        if held is not None:
            caption = " ".join([latex(f"{board.title}: set metrics."), *map(latex, HOW)])
            out += ["", r"\begin{table}", r"\centering", rf"\caption{{{caption}}}", *to_latex(set_table(held))]
            out += [r"\par\footnotesize " + r"\\ ".join(latex(line) for line in set_facts(held)), r"\end{table}"]
    return "\n".join([*out, ""]) if out else ""


def sets_csv(boards: Sequence[Board], sets: Sequence[BoardSets | None]) -> str:
    """A row a method and set metric, numbers in full; only a head where there is none."""
    text = io.StringIO()
    head = ["dataset", "regime", "protocol", "seeds", "method", "set_metric", "value", "error", "interval_low",
            "interval_high", "n", "d", "floor", "flags", "note", "reference", "features_sha256", "resize"]  # fmt: skip
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for board, held in zip(boards, sets, strict=True):
        for column in held.columns if held is not None else ():
            for label, values in held.values.items() if held is not None else ():
                if column.label in values:
                    v = values[column.label]
                    low, high = v.interval or (None, None)
                    place = (board.dataset, board.regime, board.protocol)
                    writer.writerow(
                        [
                            *map(spreadsheet, place), ",".join(map(str, board.seeds)), spreadsheet(label),
                            spreadsheet(column.label), *(_full(x) for x in (v.value, v.error, low, high)), v.n,
                            column.d, _full(v.floor), ",".join(v.flags), spreadsheet(v.note),
                            spreadsheet(column.reference), column.features_sha256, column.resize,
                        ]
                    )  # fmt: skip
    return text.getvalue()


def sets_values(sets: BoardSets) -> dict[str, Any]:
    """Columns and values for JSON; a value that is not defined is NaN here."""
    return {
        "columns": {c.label: {k: v for k, v in vars(c).items() if k != "label"} for c in sets.columns},
        "rows": {label: {m: vars(v) for m, v in values.items()} for label, values in sets.values.items() if values},
    }


def _full(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.9g}"


def part_table(parts: Mapping[str, Any]) -> Table:
    """`SetPart`s of one set, a row each."""
    rows = []
    for name, p in parts.items():
        interval = tuple(p["interval"]) if p["interval"] else None
        value = SetValue(
            math.nan if p["value"] is None else p["value"], p["error"], interval, p["n"], p["floor"], tuple(p["flags"]),
            p["note"],
        )  # fmt: skip
        rows.append((name, *_cells(value)))
    return Table(("set metric ↓", *HEAD), (False, True, True, True, False, False), tuple(rows))
