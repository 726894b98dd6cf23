"""A planned cell in messages of the command line: its name, its place in the suite, and its values for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ..text.errors import one_line

if TYPE_CHECKING:
    from ..planning.cells import PlannedCell

LABEL = 90
"""How many characters the label of a cell has at most."""


def called(cell: PlannedCell, kind: Literal["method", "dataset"]) -> str:
    """The name of a method or dataset in messages of a run: that of the suite, else its spec."""
    return cell.names.get(kind) or getattr(cell, kind).display


def label(cell: PlannedCell, limit: int = LABEL) -> str:
    """A cell on one line, at most `limit` characters long."""
    method = called(cell, "method")
    if cell.kind == "cost":
        return one_line(f"{method} · cost {_size(cell)}", limit)
    if cell.kind == "train":
        return one_line(f"training {method} · seed {cell.seed}", limit)
    return one_line(" · ".join((method, called(cell, "dataset"), cell.regime.display)), limit)


def cell_place(cell: PlannedCell) -> str:
    """Method, dataset, regime and seed of a cell; of a cost its method and size."""
    method, where, *rest = cell_names(cell)
    return " · ".join([method, where] if cell.kind == "cost" else [method, where, rest[0], f"seed {rest[1]}"])


def cell_names(cell: PlannedCell) -> list[str]:
    """The names of method, dataset, regime and seed, each for a column of a table."""
    if cell.kind == "cost":
        return [called(cell, "method"), f"cost {_size(cell)}", "-", "-"]
    return [called(cell, "method"), called(cell, "dataset"), cell.regime.display, str(cell.seed)]


def cell_values(cell: PlannedCell) -> dict[str, Any]:
    """What a cell is, for JSON."""
    return {
        "key": cell.key,
        "kind": cell.kind,
        "method": cell.method.display,
        "dataset": cell.dataset.display,
        "regime": cell.regime.display,
        "seed": cell.seed,
        **({"size": cell.inputs["size"]} if cell.kind == "cost" else {}),
    }


def _size(cell: PlannedCell) -> str:
    return "x".join(map(str, cell.inputs["size"]))
