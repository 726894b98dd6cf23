"""`noisebench data`: which sets there are, where they lie, whether they match their manifests; fetch them."""

from __future__ import annotations

import argparse
import inspect
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, nearest, one_line
from ..registry import DATASETS, bind

if TYPE_CHECKING:  # numpy and OpenCV come with these: `--help` does without
    from ..tracks.fetch import Progress
    from ..tracks.manifest import ManifestSet

_EXAMPLES = """examples:
  noisebench data list
  noisebench data where set12 bsd68
  noisebench data verify kodak24 --data ~/pictures
  noisebench data fetch set5 set14
"""
_HELP = {
    "list": "every dataset: pictures, state, licence",
    "where": "the folder of each set, and whether it is complete",
    "verify": "compare the pixels of each set with its manifest",
    "fetch": "download what is missing of each set",
}


def named_set(name: str) -> ManifestSet:
    """The named set. Raises `UsageError` for an unknown name, or a dataset that has no manifest."""
    opened = _opened(name)
    if opened is None:
        raise UsageError(f"dataset {one_line(name)!r} has no manifest: {nearest(name, named_sets())}")
    return opened


def named_sets() -> list[str]:
    """Names of all datasets that have a manifest."""
    return [row["name"] for row in list_data() if row["pictures"] is not None]


def _opened(name: str) -> ManifestSet | None:
    entry = DATASETS.get(name)
    if any(default is inspect.Parameter.empty for _, default in entry.params().values()):
        return None
    from ..tracks.manifest import ManifestSet

    opened = entry.obj(**bind(name, DATASETS).kwargs)
    return opened if isinstance(opened, ManifestSet) else None


def list_data() -> list[dict[str, Any]]:
    """A row for each dataset. `state` is present, partial, absent, no manifest or broken."""
    return [_row(name) for name in DATASETS.names()]


def _row(name: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": name,
        "pictures": None,
        "state": "no manifest",
        "folder": None,
        "fetch": False,
    }
    try:
        entry = DATASETS.get(name)
        opened = _opened(name)
    except Exception as error:  # a broken plug-in must not hide the other sets
        broken = {"licence": "", "citation": "", "homepage": "", "about": one_line(error)}
        return {**row, "state": "broken", **broken}
    if opened is not None:
        place = opened.where()
        row.update(pictures=len(opened.ids), state=_state(opened, place), fetch=opened.fetchable)
        row["folder"] = None if place is None else str(place)
    about = {key: str(entry.meta.get(key, "")) for key in ("licence", "citation", "homepage")}
    return {**row, **about, "about": entry.doc}


def _state(opened: ManifestSet, place: Path | None) -> str:
    if place is None:
        return "absent"
    return "present" if all((place / p.file).is_file() for p in opened.pictures) else "partial"


def where(name: str) -> Path:
    """The folder of a named set: where it lies, else where it would be fetched to."""
    opened = named_set(name)
    return opened.where() or opened.candidates()[0]


def verify(name: str) -> list[str]:
    """Every way in which a named set differs from its manifest, a line each; empty where it matches."""
    return named_set(name).verify()


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Download what is missing of a named set, and return its folder. Raises `UsageError`."""
    from ..tracks.fetch import fetch as fetch_set

    return fetch_set(named_set(name), progress)


def add(subparsers: Any) -> None:
    """Add the verb `data` with its sub-verbs; `run` of this module is the default of the parser."""
    parser = subparsers.add_parser(
        "data", help="list, find, verify and fetch test sets", description=__doc__, epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    verbs = parser.add_subparsers(dest="action", metavar="{list,where,verify,fetch}", required=True)
    for verb, text in _HELP.items():
        sub = verbs.add_parser(
            verb,
            help=text,
            description=text,
            epilog=_EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if verb == "list":
            sub.set_defaults(names=[])
        else:
            sub.add_argument("names", metavar="NAME", nargs="+", help="a named set, such as set12")
        sub.add_argument("--data", metavar="DIR", help="where the sets lie (default: $NOISEBENCH_DATA, the cache)")
        sub.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0, or 1 where a set asked for is absent or does not match. Raises `UsageError` (exit code 2)."""
    if args.data:
        os.environ["NOISEBENCH_DATA"] = args.data
    if args.action == "list":
        rows = list_data()
        _emit(args.json, rows, lambda: _table(rows, ("name", "pictures", "state", "licence")))
        return 0
    sets = {name: named_set(name) for name in args.names}
    if args.action == "where":
        places = [
            {"name": n, "folder": str(s.where() or s.candidates()[0]), "state": _state(s, s.where())}
            for n, s in sets.items()
        ]
        _emit(args.json, places, lambda: "\n".join(str(p["folder"]) for p in places))
        lacking = [p for p in places if p["state"] != "present"]
        for place in lacking:
            print(f"{place['name']}: {place['state']}", file=sys.stderr)
        return 1 if lacking else 0
    if args.action == "fetch":
        done = []
        for name in sets:
            done.append({"name": name, "folder": str(fetch(name, _counter(name)))})
        _emit(args.json, done, lambda: "\n".join(f"{d['name']}: {d['folder']}" for d in done))
        return 0
    found = [{"name": n, "pictures": len(s.pictures), "problems": s.verify()} for n, s in sets.items()]
    _emit(args.json, found, lambda: "\n".join(_verdict(f) for f in found))
    return 1 if any(f["problems"] for f in found) else 0


def _verdict(found: dict[str, Any]) -> str:
    if not found["problems"]:
        return f"{found['name']}: all {found['pictures']} files match the manifest"
    return "\n".join(found["problems"])


def _counter(name: str) -> Progress:
    live = sys.stderr.isatty()

    def show(done: int, total: int, file: str) -> None:
        if live:
            print(f"\r{name}: {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif done == total:
            print(f"{name}: {done}/{total}", file=sys.stderr)

    return show


def _emit(as_json: bool, document: Any, plain: Any) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=1) if as_json else plain())


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    cells = [list(columns), *[["" if r[c] is None else one_line(r[c], 60) for c in columns] for r in rows]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join("  ".join(v.ljust(w) for v, w in zip(line, widths, strict=True)).rstrip() for line in cells)
