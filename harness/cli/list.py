"""`noisebench list`: what can be named, and its parameters."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import UsageError, nearest
from .options import add_json, add_plugins, print_json, print_table, verb

KINDS = ("methods", "datasets", "regimes", "metrics", "protocols", "suites")
_EXAMPLES = """  noisebench list methods
  noisebench list regimes poisson_gaussian
  noisebench list suites --json"""


def add(verbs: Any) -> None:
    """Add the verb."""
    p = verb(verbs, "list", "list methods, datasets, regimes, metrics, protocols or suites", _EXAMPLES)
    p.add_argument("kind", choices=KINDS)
    p.add_argument("name", nargs="?", metavar="NAME", help="show this one in full")
    add_plugins(p)
    add_json(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List."""
    if args.kind == "suites":
        from ..suite import named_suites

        entries: list[dict[str, Any]] = [
            {
                "name": name,
                "about": path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# "),
                "path": str(path),
            }
            for name, path in named_suites().items()
        ]
    else:
        import os

        from ..engine.planner import ask_child

        files = [os.path.abspath(p) for p in args.plugin]
        entries = ask_child({"verb": "list", "kind": args.kind[:-1], "plugins": files})["entries"]
    if args.name:
        found = [e for e in entries if e["name"] == args.name]
        if not found:
            raise UsageError(f"no {args.kind[:-1]} {args.name!r}: {nearest(args.name, [e['name'] for e in entries])}")
        if args.json:
            print_json(found[0])
            return 0
        if args.kind == "suites":
            with open(found[0]["path"], encoding="utf-8") as file:
                print(file.read(), end="")
            return 0
        print(f"{found[0]['name']} (version {found[0]['version']})\n\n{found[0]['doc']}\n")
        print_table(
            [[p["name"], p["type"], p["default"]] for p in found[0]["parameters"]],
            ["parameter", "type", "default"],
        )
        for key, value in found[0]["meta"].items():
            if value not in (False, [], "", None):
                print(f"{key}: {value}")
    elif args.json:
        print_json(entries)
    else:
        print_table([[e["name"], e["about"]] for e in entries], ["name", "what it is"])
    return 0
