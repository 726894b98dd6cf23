"""`noisebench list`: what can be named, and its parameters."""

from __future__ import annotations

import argparse
from typing import Any

from ..text.errors import UsageError, nearest, one_line
from .options import add_shared, note, print_json, print_table, refuse_beside, verb

KINDS = ("tracks", "methods", "datasets", "regimes", "metrics", "protocols", "suites", "systems", "archs", "objectives",
         "losses", "optimizers", "schedules", "parts", "samplers", "stops")  # fmt: skip
_EXAMPLES = """  noisebench list methods
  noisebench list regimes poisson_gaussian
  noisebench list suites --json
  noisebench list systems --store nb-claims
  noisebench list systems 12"""


def add(verbs: Any) -> None:
    p = verb(verbs, "list", "list methods, datasets, regimes, metrics, protocols, suites or systems", _EXAMPLES, run)
    p.add_argument("kind", choices=KINDS, help="what to list")
    p.add_argument("name", nargs="?", metavar="NAME", help="show this one in full")
    p.add_argument("--store", metavar="STORE", action="append", default=[],
                   help="systems: read verdicts from this store or export (default: those in ./results)")  # fmt: skip
    p.add_argument("--all", action="store_true", help="systems: those too that nothing expresses yet")
    p.add_argument("--track", metavar="T", help="only what belongs to this track (default: all)")
    add_shared(p, "plugin", "json")


def run(args: argparse.Namespace) -> int:
    if args.kind == "systems":
        refuse_beside(args, "`list systems`", "lists what comes with noisebench", "plugin")
        return _systems(args)
    if args.store:
        raise UsageError("--store goes with `list systems`: it is what the verdicts are read from")
    if args.all:
        raise UsageError(f"--all goes with `list systems`: `list {args.kind}` shows all there are")
    if args.kind == "suites":
        from ..suite.suite import named_suites

        entries: list[dict[str, Any]] = [
            {"name": name, "about": path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# "), "path": str(path)}
            for name, path in named_suites().items()
        ]
    else:
        from ..engine.planning_process import catalogue_in_child

        entries = catalogue_in_child(_singular(args.kind), args.track or "", args.plugin, args.name or "")
    if args.name:
        named = sorted((e for e in entries if e["name"] == args.name), key=lambda e: e.get("track") != "restore")
        if not named:
            known = [e["name"] for e in entries]
            raise UsageError(f"no suite {one_line(args.name, 60)!r}: {nearest(args.name, known)}")
        if not any(e.get("version", 1) for e in named):  # what registers it cannot be imported
            raise UsageError(named[0]["doc"])
        if args.json:
            print_json(named[0])
            return 0
        if args.kind == "suites":
            with open(named[0]["path"], encoding="utf-8") as file:
                print(file.read(), end="")
            return 0
        for place, one in enumerate(named):
            print("\n" * (place > 0), end="")
            _print_in_full(one, args.kind, several=len(named) > 1)
    elif args.json:
        print_json(entries)
    else:
        several = len({e.get("track") for e in entries}) > 1 and args.kind not in ("tracks", "suites")
        print_table(
            [[e["name"], *([e["track"]] if several else []), e["about"]] for e in entries],
            ["name", *(["track"] if several else []), "what it is"],
        )
    return 0


def _print_in_full(entry: dict[str, Any], kind: str, several: bool) -> None:
    """What one component is, its parameters and what it declares; its track where several have the name."""
    of = f", track {entry['track']}" if several else ""
    print(f"{entry['name']} (version {entry['version']}{of})\n\n{entry['doc']}\n")
    if entry["parameters"]:
        print_table(
            [[p["name"], p["type"], p["default"]] for p in entry["parameters"]], ["parameter", "type", "default"]
        )
    elif kind != "tracks":
        print("no parameters")
    for key, value in entry["meta"].items():
        if value not in (False, [], "", None, {}):
            print(f"{key.replace('_', ' ')}: {_value_text(value)}")


def _value_text(value: Any) -> str:
    """A declared value as a person writes it."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value_text(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_value_text, value))
    return "yes" if value is True else str(value)


def _singular(kind: str) -> str:
    from ..components.registry import RECIPE_KINDS

    return next((one for one, several in RECIPE_KINDS.items() if several == kind), kind[:-1])


def _systems(args: argparse.Namespace) -> int:
    from pathlib import Path

    from ..claims.effects import all_claims
    from ..claims.systems import NOT_YET, read_systems, system_rows
    from ..components.tracks import get_track

    results = [Path(p) for p in args.store] or sorted(
        p for form in ("*.json", "*.json.xz", "*.json.zst", "*.parquet") for p in Path("results").rglob(form)
    )
    systems = read_systems()
    if args.name:
        known = [str(s.number) for s in systems] + [s.name for s in systems]
        systems = [s for s in systems if args.name in (str(s.number), s.name)]
        if not systems:
            raise UsageError(f"no system {one_line(args.name, 60)!r}: {nearest(args.name, known)}")
    if not results:
        note("there are no results in ./results, so no verdicts: call it in the checkout, or give --store")
    if args.track:
        systems = [s for s in systems if s.track == get_track(args.track).name]
        if args.name and not systems:
            raise UsageError(f"system {args.name!r} is not of the track {args.track}: leave out --track")
    rows = system_rows(systems, all_claims(), results)
    if args.json:
        print_json(rows[0] if args.name else rows)
    elif args.name:
        _system(rows[0])
    else:
        shown = [r for r in rows if args.all or r["state"] != NOT_YET]
        table = [
            [r["number"], r["name"], r["role"], r["track"], _specs(r), _claims(r), r["verdict"] or "-"] for r in shown
        ]
        print_table(table, ["#", "system", "role", "track", "spec", "claims", "verdict"])
        if len(shown) < len(rows):
            print(f"and {len(rows) - len(shown)} that are not here yet: `noisebench list systems --all` names them")
    return 0


def _specs(row: dict[str, Any]) -> str:
    return str(row["spec"]) + (" (part)" if row["part"] else "")


def _claims(row: dict[str, Any]) -> str:
    names = list(row["claims"])
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "") or "-"


def _system(row: dict[str, Any]) -> None:
    print(f"{row['number']}. {row['name']} ({row['role']})\n\n{row['about']}\n")
    print(f"source: {row['source']}\ntrack: {row['track']}\nspec: {_specs(row)}")
    if row["suites"]:
        print("beside its rivals: " + ", ".join(f"noisebench run {name}" for name in row["suites"]))
    if row["lacks"]:
        print(f"did not show here, or is not built: {row['lacks']}")
    for name, verdict in row["claims"].items():
        print(f"{row['kinds'][name]} {name}: {verdict}")
