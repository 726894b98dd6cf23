"""Pack what a store holds of one method into an entry: rows, hashes, environment, recipe, and outputs where asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..components.tracks import known_track
from ..report.bundle.suites import suites_of, yaml_text
from ..report.escape import slug
from ..spec.paths import is_meant
from ..store.cell import Cell
from ..store.cells import AGAIN, cell_dir, existing_store
from ..store.export import export_text
from ..store.names import spec_of
from ..store.outputs import Kept, LostOutput, output_file
from ..store.reading import read_records
from ..store.record import Record, used_trainings, with_needed
from ..store.results import Results
from ..store.versions import newest
from ..text.errors import UsageError, nearest, one_line
from .entry import ENDING, RESULTS, output_name, write_entry


@dataclass(frozen=True)
class Packed:
    """What was packed: how many cells and outputs, and notes."""

    cells: int
    outputs: int
    notes: list[str]


def pack(store: Path, method: str, to: Path, *, outputs: bool = False, key: Path | None = None) -> Packed:
    """Pack all that a store has of a method in its newest version, failures too, with the trainings that it uses.

    Raises `UsageError` for a method that is not there, for kept outputs that are damaged, and where nothing can be
    written.
    """
    if to.suffix != ENDING or not to.parent.is_dir():
        raise UsageError(f"--to {one_line(to)}: name a file that ends in {ENDING}, in a folder that is there")
    everything = newest(read_records(existing_store(store)))
    records = _of_method(everything, method, store)
    packed = [(record, index) for record in records for index in _kept_rows(store, record)] if outputs else []
    notes = _outputs_left_out(records, packed) if outputs else []
    manifest = write_entry(to, datetime.now(UTC).isoformat(timespec="seconds"), _contents(store, records, packed), key)
    count = sum(name.startswith("outputs/") for name in manifest.files)
    return Packed(len(records), count, notes)


def _of_method(everything: Results, method: str, store: Path) -> Results:
    """The cells of the method that a person means, and the trainings that these use."""
    cells = {record.cell.key: record.cell for record in everything}
    tested = [cell for cell in cells.values() if cell.kind != "train"]
    chosen = _meant(tested, everything, method)
    if not chosen:
        known = nearest(method, {cell.method.display for cell in tested})
        raise UsageError(f"{one_line(store)} has no cell of {one_line(method)!r}: {known}")
    needed = with_needed([key for cell in chosen for key in used_trainings(cell)], cells.get)
    keys = {cell.key for cell in chosen} | set(needed)
    return everything.take([n for n, key in enumerate(everything.column("key")) if key in keys])


def _meant(tested: Sequence[Cell], everything: Results, method: str) -> list[Cell]:
    """The cells of a method by its spec or by the name that it is shown under; by its bare name where it has one spec
    there."""
    spec = spec_of(everything.names(), "method", method) or method
    exact = [cell for cell in tested if is_meant(spec, cell.method.spec, cell.method.display)]
    bare = [cell for cell in tested if cell.method.name == method]
    return exact or (bare if len({cell.method.spec for cell in bare}) == 1 else [])


def _kept_rows(store: Path, record: Record) -> list[int]:
    """The rows of a cell whose output is kept as an array."""
    track = known_track(record.cell.track)
    if track is None or track.outputs.suffix != ".npy" or record.cell.kind != "score":
        return []
    folder = cell_dir(store, record.cell.key)
    return [n for n in range(len(record.items)) if output_file(folder, n, ".npy").is_file()]


def _outputs_left_out(records: Results, packed: Sequence[tuple[Record, int]]) -> list[str]:
    """That some cells have not all outputs in the entry, so that these cannot be scored again."""
    rows = [record.cell.key for record, _ in packed]
    scored = [record for record in records if record.cell.kind == "score" and record.cell.outcome == "ok"]
    short = [record for record in scored if rows.count(record.cell.key) < len(record.items)]
    if not short:
        return []
    return [f"{len(short)} of {len(scored)} cells have not kept all outputs: `noisebench run … --keep all` keeps them"]


def _contents(store: Path, records: Results, packed: Sequence[tuple[Record, int]]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file of an entry, its manifest and signature apart. Raises `UsageError`."""
    yield RESULTS, export_text(records).encode()
    for number, suite in enumerate(suites_of(records), 1):
        yield f"recipe/{slug(suite.suite)}-{number}.yaml", yaml_text(suite, {}).encode("utf-8", "replace")
    for record, index in packed:
        key, folder = record.cell.key, cell_dir(store, record.cell.key)
        track = known_track(record.cell.track)
        assert track is not None  # its outputs were looked for
        # What is read is held against the row: a damaged output would make a sound entry look forged.
        try:
            Kept(folder, record, track.outputs).read(index, record.items[index], record.input_sha256[index])
        except LostOutput as error:
            raise UsageError(f"{one_line(store)}: cell {key[:12]}: {error}: leave --outputs out, or {AGAIN}") from None
        yield output_name(key, index), output_file(folder, index, ".npy").read_bytes()
