"""`noisebench site`: stores and exports as static pages, with an index, a search and a feed of changes."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.wording import counted
from .options import add_shared, folder_to_write, note, note_left_out, print_json, read_noted, verb

if TYPE_CHECKING:
    from ..report.site.build import BoardSource, Catalogue
    from ..store.results import Results

_EXAMPLES = """  noisebench site results/*.parquet --to build/site
  noisebench site nb-store --to site                     the boards of a store, with its previews
  noisebench site nb-store results/demo.parquet --to site
  noisebench site nb-store --entries entries --to site   with what others packed, and who verified it"""


def add(verbs: Any) -> None:
    p = verb(verbs, "site", "write boards, systems, methods and datasets as a static site", _EXAMPLES, run,
             "the site is as it was")  # fmt: skip
    p.add_argument("results", metavar="RESULTS", nargs="+", help="stores, or export files: a board for each")
    p.add_argument(
        "--to", metavar="DIR", required=True, help="where to write: a new folder, or a site to bring up to date"
    )
    p.add_argument("--entries", metavar="DIR", help="a folder of entries (noisebench pack), with what verified them")
    add_shared(p, "json")


def run(args: argparse.Namespace) -> int:
    """Build the site and say where it is; 1 where a cell is left out, because it is damaged or edited by hand."""
    from ..report.site.build import build_site
    from ..report.site.staging import manifest_in

    to = Path(args.to)
    folder_to_write("to", args.to)
    manifest_in(to)
    left_out: list[str] = []
    sources = [_source(Path(path), left_out) for path in args.results]
    entries = None
    if args.entries:
        from ..submissions.folder import read_folder

        entries, refused = read_folder(Path(args.entries))
        note_left_out(refused)
        left_out += refused
    built = build_site(sources, _catalogue(), to, datetime.now(UTC), note, entries)
    note_left_out(built.left_out)
    left_out += built.left_out
    size, largest = sum(built.files.values()), max(built.files, key=lambda path: built.files[path])
    if args.json:
        print_json({
            "to": str(to), "boards": built.boards, "files": len(built.files), "bytes": size,
            "largest": {"path": largest, "bytes": built.files[largest]}, "left_out": left_out,
            "changes": [{"kind": one.kind, "name": one.name, "text": one.text} for one in built.changes],
        })  # fmt: skip
    else:
        for one in built.changes[:_SHOWN]:
            print(f"{one.name} {one.text}")
        if len(built.changes) > _SHOWN:
            print(f"and {counted(len(built.changes) - _SHOWN, 'more change')}: changes.html has all")
        size_text = f"{counted(built.boards, 'board')}, {counted(len(built.files), 'file')}, {size / 2**20:.1f} MiB"
        print(f"written: {size_text} in {to} (start with {to / 'index.html'})")
    return 1 if left_out else 0


_SHOWN = 10


def _source(path: Path, left_out: list[str]) -> BoardSource:
    """The results at a path, which is looked for at once. Raises `UsageError`."""
    from ..report.page.previews import KeptPreviews
    from ..report.site.boards import board_name
    from ..report.site.build import BoardSource
    from ..text.errors import UsageError, one_line

    if not path.exists():
        raise UsageError(
            f"{one_line(path)} is not there: name a store or an export (noisebench export STORE --to FILE)"
        )

    def read() -> Results:
        results, damaged = read_noted(path)
        left_out.extend(damaged)
        return results

    return BoardSource(board_name(path), read, lambda: KeptPreviews.in_store(path) if path.is_dir() else None)


def _catalogue() -> Catalogue:
    """What is registered, asked of a process of its own, and the systems with the verdicts of the package."""
    from ..claims.effects import all_claims
    from ..claims.systems import judged_systems, read_systems
    from ..engine.planning_process import catalogue_in_child
    from ..report.site.build import Catalogue
    from ..report.site.components import Component

    listed = {kind: catalogue_in_child(kind, "", []) for kind in ("method", "dataset", "regime", "track")}
    of_kind = {kind: [Component.of(entry) for entry in entries] for kind, entries in listed.items()}
    return Catalogue(
        of_kind["method"], of_kind["dataset"], of_kind["regime"], {one.name: one.about for one in of_kind["track"]},
        judged_systems(read_systems(), all_claims()),
    )  # fmt: skip
