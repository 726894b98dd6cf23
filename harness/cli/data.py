"""`noisebench data`: which sets there are, where they lie, whether they match their manifests; fetch them, make one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from ..text.errors import UsageError, nearest, one_line
from ..text.terminal import TextColumn
from ..text.wording import counted
from .options import add_shared, note, print_fitted, print_json, verb, write_to

Progress = Callable[[int, int, str], None]
"""Called with (done, total, file) after each file."""

_STOPPED = "pictures that came whole are kept; the same command goes on"
_EXAMPLES = """  noisebench data list
  noisebench data where set12 bsd68
  noisebench data verify kodak24 --data ~/pictures
  noisebench data fetch set5 set14
  noisebench data manifest ~/pictures/mine --to mine.csv
  noisebench data manifest pairs/clean --noisy pairs/noisy --to pairs.csv"""
_HELP = {
    "list": "every dataset of restore: pictures, state, licence (docs/data.md has those of other tracks)",
    "where": "the folder of each set, and whether it is complete",
    "verify": "compare the pixels of each set with its manifest",
    "fetch": "download what is missing of each set",
    "manifest": "write the manifest of a folder of pictures: what a named set is made of",
}


class File(Protocol):
    """A file of a named set, by its place in the folder of the set."""

    @property
    def file(self) -> str: ...


class NamedSet(Protocol):
    """A dataset whose files are pinned by a manifest and lie where the user has them."""

    pictures: Sequence[File]
    ids: Sequence[str]

    @property
    def fetchable(self) -> bool: ...
    def candidates(self) -> list[Path]: ...
    def where(self) -> Path | None: ...
    def verify(self) -> list[str]: ...


class HasNamedSets(Protocol):
    """A track some of whose datasets are `NamedSet`s."""

    def has_manifest(self, dataset: Any) -> bool: ...
    def fetch_set(self, dataset: NamedSet, progress: Progress | None) -> Path: ...
    def manifest_of(self, folder: str, noisy: str | None) -> tuple[Path, list[dict[str, Any]], str]: ...


def _track() -> HasNamedSets:
    """The default track: its named sets are those that this verb is about."""
    from ..components.tracks import DEFAULT, get_track

    return cast(HasNamedSets, get_track(DEFAULT))


def named_set(name: str) -> NamedSet:
    """The named set. Raises `UsageError` for an unknown name, or a dataset that has no manifest."""
    from ..components.registry import registry

    others = [t for t in registry("track", "").names() if name in registry("dataset", t).names()]
    if others and name not in registry("dataset").names():
        raise UsageError(
            f"dataset {name!r} is of the track {others[0]} and has no manifest: docs/data.md says which sets need files"
        )
    opened = _opened(name)
    if opened is None:
        raise UsageError(f"dataset {one_line(name)!r} has no manifest: {nearest(name, named_sets())}")
    return opened


def named_sets() -> list[str]:
    """Names of all datasets that have a manifest."""
    return [row["name"] for row in list_data() if row["pictures"] is not None]


def _opened(name: str) -> NamedSet | None:
    from inspect import Parameter

    from ..components.registry import bind, registry

    entry = registry("dataset").get(name)
    if any(default is Parameter.empty for _, default in entry.params.values()):
        return None
    opened = entry.obj(**bind(name, "dataset").kwargs)
    return cast(NamedSet, opened) if _track().has_manifest(opened) else None


_WITHOUT_FILES = "no manifest"
"""The state of a set that has no files of its own."""


def list_data() -> list[dict[str, Any]]:
    """A row for each dataset. `state` is present, partial, absent, no manifest or broken."""
    from ..components.registry import registry

    return [_row(name) for name in registry("dataset").names()]


def _row(name: str) -> dict[str, Any]:
    from ..components.registry import registry

    row: dict[str, Any] = {"name": name, "pictures": None, "state": _WITHOUT_FILES, "folder": None, "fetch": False}
    try:
        entry = registry("dataset").get(name)
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


def _state(opened: NamedSet, place: Path | None) -> str:
    if place is None:
        return "absent"
    return "present" if all((place / p.file).is_file() for p in opened.pictures) else "partial"


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Download what is missing of a named set, and return its folder. Raises `UsageError`."""
    return _track().fetch_set(named_set(name), progress)


def add(verbs: Any) -> None:
    parser = verb(verbs, "data", "list, find, verify and fetch test sets; write the manifest of one", _EXAMPLES, run)
    actions = parser.add_subparsers(dest="action", metavar="{list,where,verify,fetch,manifest}", required=True)
    for name, text in _HELP.items():
        p = verb(actions, name, text, _EXAMPLES, run, _STOPPED)
        if name == "manifest":
            p.add_argument("folder", metavar="FOLDER", help="(clean) pictures, those of subfolders too")
            p.add_argument("--noisy", metavar="FOLDER", help="noisy pictures of the same names")
            p.add_argument("--to", metavar="FILE.csv", help="where to (default: standard output)")
            p.set_defaults(data=None)
        else:
            if name == "list":
                p.set_defaults(names=[])
            else:
                p.add_argument("names", metavar="NAME", nargs="+", help="a named set, such as set12")
            p.add_argument("--data", metavar="DIR", help="where the sets lie (default: $NOISEBENCH_DATA, the cache)")
        add_shared(p, "json")


def run(args: argparse.Namespace) -> int:
    """0, or 1 where a set asked for is absent or does not match. Raises `UsageError` (exit code 2)."""
    if args.data:
        os.environ["NOISEBENCH_DATA"] = args.data
    actions = {"list": _list, "where": _where, "fetch": _fetch, "verify": _verify, "manifest": _manifest}
    return actions[args.action](args)


def _list(args: argparse.Namespace) -> int:
    rows = list_data()
    if args.json:
        print_json(rows)
    else:
        shown = [{**row, "state": None} if row["state"] == _WITHOUT_FILES else row for row in rows]
        names = ("name", "pictures", "state", "licence")
        table = [["" if row[name] is None else str(row[name]) for name in names] for row in shown]
        print_fitted(table, TextColumn("name"), TextColumn("pictures"), TextColumn("files", least=7),
                     TextColumn("licence", least=16))  # fmt: skip
        if any(row["state"] == "absent" for row in rows):
            note("absent: `noisebench data fetch NAME`, or put files where `data where NAME` says")
    return 0


def _where(args: argparse.Namespace) -> int:
    sets = {name: named_set(name) for name in args.names}
    places = [
        {"name": name, "folder": str(s.where() or s.candidates()[0]), "state": _state(s, s.where())}
        for name, s in sets.items()
    ]
    if args.json:
        print_json(places)
    for place in places:
        if not args.json:
            print(place["folder"])
        if place["state"] != "present":
            note(f"{place['name']}: {place['state']}")
    return 1 if any(place["state"] != "present" for place in places) else 0


def _fetch(args: argparse.Namespace) -> int:
    sets = {name: named_set(name) for name in args.names}  # a mistake in any name comes before the first download
    done = [{"name": name, "folder": str(fetch(name, _counter(name)))} for name in sets]
    if args.json:
        print_json(done)
    else:
        print("\n".join(f"{d['name']}: {d['folder']}" for d in done))
    return 0


def _verify(args: argparse.Namespace) -> int:
    sets = {name: named_set(name) for name in args.names}
    results = [{"name": n, "pictures": len(s.pictures), "problems": s.verify()} for n, s in sets.items()]
    if args.json:
        print_json(results)
    else:
        for f in results:
            print("\n".join(f["problems"]) or _matching(f))
    return 1 if any(f["problems"] for f in results) else 0


def _matching(result: dict[str, Any]) -> str:
    files = "its file matches" if result["pictures"] == 1 else f"all {result['pictures']} files match"
    return f"{result['name']}: {files} the manifest"


def _manifest(args: argparse.Namespace) -> int:
    root, pictures, text = _track().manifest_of(args.folder, args.noisy)
    if args.to is not None:
        write_to(Path(args.to).expanduser(), text.encode())
    if args.json:
        print_json({"root": str(root), "manifest": args.to, "pictures": pictures})
    elif args.to is None:
        print(text, end="")
    note(f"{counted(len(pictures), 'picture')}, relative to {one_line(root)}")
    return 0


def _counter(name: str) -> Progress:
    live = sys.stderr.isatty()

    def show(done: int, total: int, file: str) -> None:
        if live:
            print(f"\r{name}: {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif done == total:
            print(f"{name}: {done}/{total}", file=sys.stderr)

    return show
