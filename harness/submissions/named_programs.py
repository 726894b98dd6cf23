"""Programs that the specs of an entry name: none is started because an entry says so."""

from __future__ import annotations

from collections.abc import Iterator

from ..components.registry import registry
from ..components.tracks import DEFAULT
from ..spec.parsing import Spec, Value, parse
from ..store.cell import Cell


def why_program(cell: Cell) -> str:
    """That what a cell is scored on or by starts a program, as a dataset of what a method answers may; else empty."""
    parts = {"dataset": cell.dataset.display, "regime": cell.regime.display, "protocol": cell.protocol.display}
    parts |= {f"metric {name}": name for name in (*cell.metrics, *cell.sets)}
    return next((f"its {part} names a program" for part, spec in parts.items() if starts_program(spec, cell.track)), "")


def starts_program(spec: str, track: str) -> bool:
    """Whether a method in a spec starts a program. Raises `UsageError` for what is no spec."""
    names = {word for word, is_quoted in words_in(parse(spec)) if not is_quoted}
    registries = [registry("method", one) for one in {track, DEFAULT}]
    return any(
        getattr(known.get(name).obj, "external", False) for known in registries for name in names & set(known.names())
    )


def words_in(value: Value) -> Iterator[tuple[str, bool]]:
    """Every name and text in a value, and whether it is quoted, as a path, an address or a command is."""
    if isinstance(value, Spec):
        yield value.name, False
        for inner in (*(arg for _, arg in value.args), *value.then):
            yield from words_in(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from words_in(inner)
    elif isinstance(value, str):
        yield value, True
