"""`noisebench list`: what can be named, and its parameters."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..text.errors import UsageError, nearest, one_line
from ..text.terminal import TextColumn, terminal_width, wrapped
from .options import add_shared, print_fitted, print_json, refuse_beside, verb

KINDS = ("tracks", "methods", "datasets", "regimes", "metrics", "protocols", "suites", "systems", "archs", "objectives",
         "losses", "optimizers", "schedules", "parts", "samplers", "stops")  # fmt: skip
_EXAMPLES = """  noisebench list methods
  noisebench list regimes poisson_gaussian
  noisebench list suites --json
  noisebench list systems --store nb-claims
  noisebench list systems 12"""


def add(verbs: Any) -> None:
    p = verb(verbs, "list", "list methods, datasets, regimes, metrics, protocols, suites or systems", _EXAMPLES, run)
    p.add_argument("kind", choices=KINDS, metavar="KIND", help=f"what to list: {', '.join(KINDS)}")
    p.add_argument("name", nargs="?", metavar="NAME", help="show this one in full")
    p.add_argument("--store", metavar="STORE", action="append", default=[],
                   help="systems: read verdicts from this store or export (default: those of the package)")  # fmt: skip
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
        entries = _suites(args.track)
    else:
        from ..engine.planning_process import catalogue_in_child

        brief = not (args.name or args.json)
        entries = catalogue_in_child(_singular(args.kind), args.track or "", args.plugin, args.name or "", brief=brief)
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
        from ..components.readiness import short_state

        print_fitted(
            ([e["name"], e["track"] if several else "", short_state(e.get("state", "")), e["about"]] for e in entries),
            TextColumn("name", least=20), TextColumn("track"), TextColumn("state"),
            TextColumn("what it is", least=20),
        )  # fmt: skip
    return 0


def _suites(track: str | None) -> list[dict[str, Any]]:
    """The suites of the package, of one track or of all."""
    from ..components.tracks import DEFAULT, get_track
    from ..suite.reading import read_yaml
    from ..suite.suite import named_suites

    entries = [
        {
            "name": name,
            "track": read_yaml(path, "suite", "").mapping.get("track", DEFAULT),
            "about": path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# "),
            "path": str(path),
        }
        for name, path in named_suites().items()
    ]
    return [one for one in entries if track is None or one["track"] == get_track(track).name]


def _print_in_full(entry: dict[str, Any], kind: str, several: bool) -> None:
    """What one component is, its parameters and what it declares; its track where several have the name."""
    from ..components.readiness import READY, remedy

    of, width = f", track {entry['track']}" if several else "", terminal_width()
    print(f"{entry['name']} (version {entry['version']}{of})\n")
    if entry.get("state", READY) != READY:
        print(f"{entry['state']}: {remedy(entry['state'], entry['name'])}\n")
    for paragraph in entry["doc"].split("\n\n"):
        whole = any(line.startswith(" ") for line in paragraph.splitlines())
        for line in paragraph.splitlines() if whole else [paragraph]:
            print("\n".join(wrapped(line, width)))
        print()
    if entry["parameters"]:
        print_fitted(
            ([p["name"], p["type"], p["default"]] for p in entry["parameters"]),
            TextColumn("parameter"), TextColumn("type", least=12), TextColumn("default", least=20),
        )  # fmt: skip
    elif kind != "tracks":
        print("no parameters")
    for key, value in entry["meta"].items():
        if value not in (False, [], "", None, {}):
            print("\n".join(wrapped(f"{key.replace('_', ' ')}: {_value_text(value)}", width, "  ")))


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
    from ..claims.effects import all_claims
    from ..claims.systems import NOT_YET, judged_systems, read_systems
    from ..components.tracks import get_track

    systems = read_systems()
    if args.name:
        known = [str(s.number) for s in systems] + [s.name for s in systems]
        systems = [s for s in systems if args.name in (str(s.number), s.name)]
        if not systems:
            raise UsageError(f"no system {one_line(args.name, 60)!r}: {nearest(args.name, known)}")
    if args.track:
        systems = [s for s in systems if s.track == get_track(args.track).name]
        if args.name and not systems:
            raise UsageError(f"system {args.name!r} is not of the track {args.track}: leave out --track")
    judged = judged_systems(systems, all_claims(), [Path(store) for store in args.store] or None)
    width = terminal_width()
    if args.json:
        rows = [one.row() for one in judged]
        print_json(rows[0] if args.name else rows)
    elif args.name:
        from ..report.systems import system_text

        print(system_text(judged[0], width))
    else:
        shown = [one for one in judged if args.all or one.system.specs]
        table = [
            [
                str(s.number),
                one_line(s.name, max(20, width // 3)),
                one.verdict or "-",
                s.track,
                s.role,
                "; ".join(s.specs) or NOT_YET,
            ]
            for one in shown
            for s in (one.system,)
        ]
        print_fitted(
            table,
            TextColumn("#"),
            TextColumn("system"),
            TextColumn("verdict", least=30),
            TextColumn("track", drop=1),
            TextColumn("role", drop=2),
            TextColumn("spec", least=12, drop=3),
        )
        if len(shown) < len(judged):
            print(f"and {len(judged) - len(shown)} that are not here yet: `noisebench list systems --all` names them")
    return 0
