"""`noisebench explain`: what a score's signature says; or one pair of pictures under every usual convention."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from .options import add_json, note, print_json, print_table, verb

_EXAMPLES = """  noisebench explain "psnr|uint8@1|gaussian(sigma=25)@1|photos:3f9c0a…|seed 0|noisebench 0.1"
  noisebench explain restored.png clean.png
  noisebench explain restored/ clean/ --claimed 25.43"""


def add(verbs: Any) -> None:
    """Add the verb."""
    p = verb(verbs, "explain", "spell out a signature, or show a pair under every usual convention", _EXAMPLES)
    p.add_argument(
        "signature", metavar="SIGNATURE|RESTORED", help="a signature, as the board prints it; or a picture or folder"
    )
    p.add_argument("clean", nargs="?", metavar="CLEAN", help="the clean picture, or a folder of the same names")
    p.add_argument("--claimed", metavar="X", help="mark the conventions that give this number, as printed")
    add_json(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Explain."""
    if args.clean is not None:
        return _pair(args)
    from ..analysis.signature import explain_signature
    from ..errors import UsageError

    if args.claimed is not None:
        raise UsageError("--claimed goes with two pictures or folders: explain RESTORED CLEAN --claimed X")
    found = explain_signature(args.signature)
    if args.json:
        print_json(found)
        return 0
    for part in found["parts"]:
        print(f"{part['part']}: {part['value']}" + (f"  [{part['now']}]" if part["now"] else ""))
        print(f"    {part['meaning']}")
    return 0


def _pair(args: argparse.Namespace) -> int:
    from ..analysis.conventions import explain_pairs, grouped
    from ..analysis.folders import pictures_in
    from ..errors import UsageError, one_line
    from ..tracks.pictures import read_picture

    claimed = args.claimed
    if claimed is not None and not re.fullmatch(r"\d{1,4}(\.\d{1,12})?", claimed):
        raise UsageError(f"--claimed must be a number as printed, such as 25.43, not {one_line(claimed)!r}")
    restored, clean = Path(args.signature), Path(args.clean)
    for path in (restored, clean):
        if not path.exists():
            raise UsageError(f"{one_line(path)} does not exist: check the path")
    if restored.is_dir() != clean.is_dir():
        raise UsageError("give two pictures or two folders, not one of each")
    if restored.is_dir():
        ours, theirs = pictures_in(restored), pictures_in(clean)
        alone = sorted(ours.keys() ^ theirs.keys())
        if alone:
            shown = ", ".join(one_line(n, 60) for n in alone[:5])
            raise UsageError(f"unmatched pictures: {shown}: give both folders the same names")
        files = [(ours[name], theirs[name]) for name in sorted(ours)]
    else:
        files = [(restored, clean)]
    rows = explain_pairs(((read_picture(a), read_picture(b)) for a, b in files), claimed, [a.name for a, _ in files])
    if args.json:
        print_json({"pictures": len(files), "claimed": claimed, "conventions": rows})
        return 0
    table = []
    for group in grouped(rows):
        for place, row in enumerate(group):
            mark = "=" if row["gives"] else ""
            value = f"{row['value']:.4f}" if place == 0 else ""
            table.append([mark, value, row["name"], row["what"], row["who"]])
    print_table(table, ["", "value", "convention", "what is compared", "used by"])
    if claimed is not None:
        note("\n" + "\n".join(_given(rows, claimed)))
    return 0


def _given(rows: list[dict[str, Any]], claimed: str) -> list[str]:
    """Which conventions give the number claimed, and what our own protocol does instead."""
    from ..analysis.conventions import OWN

    found = [row for row in rows if row["gives"]]
    if not found:
        return [f"{claimed} is given by none of these"]
    lines = [f"{claimed} is given by:", *(f"  {row['name']}: {row['what']}" for row in found)]
    for own in (row for row in rows if row["name"] in OWN.values()):
        if own["metric"] in {row["metric"] for row in found} and not own["gives"]:
            lines.append(f"where uint8, the protocol of noisebench, has {own['value']:.4f}: {own['what']}")
    return lines
