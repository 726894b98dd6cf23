"""A folder of entries with the records of who verified them, for the site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from ..data.disk import read_regular
from ..report.site.entries import SiteEntry
from ..report.site.markup import web_addresses
from ..store.cell import Whole
from ..store.cell_json import checked
from ..text.errors import UsageError, one_line
from ..text.json_values import parsed
from .archive import Hostile
from .entry import ENDING, PackedEntry, read_entry
from .verify import VERDICTS

_MOST_ENTRIES, _MOST_RECORDS = 1_000, 5_000
_LARGEST, _LARGEST_RECORD = 2**30, 2**22
"""Bytes of an entry and of a record that are read."""


class VerificationRecord(Struct, frozen=True, kw_only=True):
    """What of a document of `noisebench verify --json` the site shows."""

    sha256: str
    verdict: str
    cells: list[dict[str, object]]
    cells_with_scores: Whole


def read_folder(folder: Path) -> tuple[list[SiteEntry], list[str]]:
    """The entries of a folder, the oldest first, and a line for each one left out. Raises `UsageError`.

    A record of `noisebench verify --json` lies beside them in a `.json`, and belongs to the entry whose SHA-256 it has.
    Links are not followed.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
    except OSError as error:
        raise UsageError(f"--entries {one_line(folder)} cannot be read ({error.strerror}): name a folder") from None
    packed = [path for path in files if path.suffix == ENDING]
    if len(packed) > _MOST_ENTRIES:
        raise UsageError(f"--entries {one_line(folder)}: {len(packed)} entries, and a site has {_MOST_ENTRIES} at most")
    records = list(_records(path for path in files if path.suffix == ".json"))
    entries: dict[str, SiteEntry] = {}
    left_out: list[str] = []
    for path in packed:
        try:
            if path.stat().st_size > _LARGEST:
                raise Hostile(f"{one_line(path)} is larger than {_LARGEST >> 30} GiB")
            one = _site_entry(read_entry(path), records)
        except UsageError as error:
            left_out.append(one_line(error, 300))
            continue
        if one.name.lower() in entries:
            left_out.append(f"{one_line(path)} would have the page of another entry: rename it")
        else:
            entries[one.name.lower()] = one
    return sorted(entries.values(), key=lambda entry: (entry.packed_at, entry.name)), left_out


def _records(files: Iterator[Path]) -> Iterator[VerificationRecord]:
    """The records of verifications; what is none is passed over."""
    for number, path in enumerate(files):
        try:
            if number < _MOST_RECORDS and path.stat().st_size <= _LARGEST_RECORD:
                record = checked(parsed(read_regular(path)), VerificationRecord)
                if record.verdict in VERDICTS:
                    yield record
        except (OSError, ValueError):
            continue


def _site_entry(entry: PackedEntry, records: list[VerificationRecord]) -> SiteEntry:
    matching = [record for record in records if record.sha256 == entry.sha256]
    cites = dict.fromkeys(record.cell.method.cite for record in entry.results if record.cell.kind != "train")
    cite = one_line("; ".join(filter(None, cites)), 1_000)
    return SiteEntry(
        name=re.sub(r"[^A-Za-z0-9_-]+", "-", entry.path.stem).strip("-")[:80] or "entry",
        method=one_line(entry.method, 200),
        packed_at=_moment(entry),
        signer=entry.signer,
        sha256=entry.sha256,
        verdict=_verdict([record.verdict for record in matching]),
        checks=tuple(
            f"{record.verdict}: {len(record.cells)} of {record.cells_with_scores} cells" for record in matching
        ),
        cite=cite,
        links=tuple(web_addresses(cite)),
        results=entry.results.where(kind="score", outcome="ok"),
    )  # fmt: skip


def _moment(entry: PackedEntry) -> str:
    """When it was packed, as its author says, in UTC. Raises `Hostile` for what is no time."""
    try:
        moment = datetime.fromisoformat(entry.manifest.packed_at)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        text = one_line(entry.manifest.packed_at, 40)
        raise Hostile(f"{one_line(entry.path)} was packed at {text!r}, which is no time") from None


def _verdict(verdicts: list[str]) -> str:
    """`refuted` where one re-run says so, else the strongest; empty where there is none."""
    if "refuted" in verdicts:
        return "refuted"
    return min(verdicts, key=[str(one) for one in VERDICTS].index, default="")
