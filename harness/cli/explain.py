"""`noisebench explain`: what a signature says; a pair of pictures under every usual convention; or its noise."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from ..text.wording import counted
from .options import add_shared, note, option_value, print_json, print_table, verb

_EXAMPLES = """  noisebench explain "psnr|uint8@1|none@1|photos:3f9c0a…|seed 0|noisebench 0.1"
  noisebench explain restored.png clean.png
  noisebench explain restored/ clean/ --claimed 25.43
  noisebench explain --noisy noisy.png clean.png           level, law and recipe of the noise"""
SEEDS = 10_000
"""Seeds of each generator that are looked through."""


@runtime_checkable
class ExplainsPairs(Protocol):
    """A track that can score a pair of files, or of folders, under every convention in common use.

    Gives how many pairs there are, and a row a convention: `name`, `metric`, `value`, `what`, `who`, whether it `gives`
    the claimed number, and whether it is our `own` default.
    """

    def explain_pairs(self, restored: str, clean: str, claimed: str | None) -> tuple[int, list[dict[str, Any]]]: ...


class NoiseTrait(Protocol):
    """One thing about the noise of an item: its name, what it is in words, and the numbers behind that."""

    @property
    def part(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def values(self) -> Mapping[str, float | str | bool | None]: ...


@runtime_checkable
class ExplainsNoise(Protocol):
    """A track that can say what the noise of an item is, of its file and that of the clean one, and looks through so
    many seeds of generators in common use."""

    def explain_noise(self, noisy: str, clean: str, seeds: int) -> Sequence[NoiseTrait]: ...


def add(verbs: Any) -> None:
    p = verb(verbs, "explain", "spell out a signature, a pair under every usual convention, or noise", _EXAMPLES, run)
    p.add_argument(
        "signature",
        metavar="SIGNATURE|RESTORED|NOISY",
        help="a signature, as the board prints it; or a picture or folder",
    )
    p.add_argument("clean", nargs="?", metavar="CLEAN", help="the clean picture, or a folder of the same names")
    p.add_argument("--claimed", metavar="X", help="mark the conventions that give this number, as printed")
    p.add_argument("--noisy", action="store_true", help="the first picture is a noisy one: say what its noise is")
    p.add_argument("--seeds", type=int, metavar="N", default=SEEDS,
                   help=f"with --noisy: look through seeds 0 to N-1 (default: {SEEDS})")  # fmt: skip
    add_shared(p, "track", "plugin", "json")


def run(args: argparse.Namespace) -> int:
    if args.noisy:
        return _noise(args)
    if args.clean is not None:
        return _pair(args)
    from ..boards.signature import explain_signature
    from ..text.errors import UsageError, one_line

    if args.claimed is not None:
        raise UsageError("--claimed goes with two pictures or folders: explain RESTORED CLEAN --claimed X")
    if "|" not in args.signature:
        raise UsageError(
            f"{one_line(args.signature)!r} is no signature, which has the form metric|protocol@v|regime@v|…; "
            "to explain a picture, name the clean one too: noisebench explain RESTORED CLEAN"
        )
    explained = explain_signature(args.signature)
    if args.json:
        print_json(explained)
        return 0
    for part in explained["parts"]:
        print(f"{part['part']}: {part['value']}" + (f"  [{part['now']}]" if part["now"] else ""))
        print(f"    {part['meaning']}")
    return 0


def _pair(args: argparse.Namespace) -> int:
    from ..components.plugins import load_plugin
    from ..components.tracks import get_track
    from ..text.errors import UsageError, one_line

    claimed = args.claimed
    if claimed is not None and not re.fullmatch(r"\d{1,4}(\.\d{1,12})?", claimed):
        raise UsageError(f"--claimed must be a number as printed, such as 25.43, not {one_line(claimed)!r}")
    for file in args.plugin:
        load_plugin(file)
    track = get_track(args.track)
    if not isinstance(track, ExplainsPairs):
        raise UsageError(f"track {track.name} knows no conventions to explain a pair by: give a signature alone")
    count, rows = track.explain_pairs(args.signature, args.clean, claimed)
    if args.json:
        print_json({track.words.items: count, "claimed": claimed, "conventions": rows})
        return 0
    table = []
    for group in grouped(rows):
        for place, row in enumerate(group):
            mark = "=" if row["gives"] else ""
            value = f"{row['value']:.4f}" if place == 0 else ""
            table.append([mark, value, row["name"], row["what"], row["who"]])
    print_table(table, ["", "value", "convention", "what is compared", "used by"])
    if claimed is not None:
        note("\n" + "\n".join(_matching_conventions(rows, claimed, track.defaults.protocol)))
    return 0


def _noise(args: argparse.Namespace) -> int:
    """What the noise of a picture is."""
    from ..components.tracks import get_track
    from ..suite.suite import count
    from ..text.errors import UsageError

    if args.clean is None or args.claimed is not None:
        raise UsageError("--noisy goes with two pictures alone: explain --noisy NOISY CLEAN")
    track = get_track(args.track)
    if not isinstance(track, ExplainsNoise):
        raise UsageError(f"track {track.name} cannot tell noises apart: leave --noisy out")
    findings = track.explain_noise(args.signature, args.clean, option_value("seeds", count, args.seeds))
    if args.json:
        print_json([{"part": one.part, "text": one.text, **one.values} for one in findings])
        return 0
    for one in findings:
        print(f"{one.part:<10} {one.text}")
    return 0


def grouped(rows: Sequence[dict[str, Any]], places: int = 4) -> list[list[dict[str, Any]]]:
    """Rows that print the same value stand together."""
    groups: list[list[dict[str, Any]]] = []
    for row in rows:
        same = groups and groups[-1][0]["metric"] == row["metric"]
        if same and f"{groups[-1][0]['value']:.{places}f}" == f"{row['value']:.{places}f}":
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _matching_conventions(rows: Sequence[dict[str, Any]], claimed: str, protocol: str) -> list[str]:
    """Which conventions give the number claimed, and what our own protocol does instead."""
    fitting = [row for row in rows if row["gives"]]
    if not fitting:
        return [f"{claimed} is given by none of these", *_nearest_values(rows, float(claimed))]
    lines = [f"{claimed} is given by:", *(f"  {row['name']}: {row['what']}" for row in fitting)]
    if len(fitting) > 1:
        lines.append(_how_to_tell(fitting, claimed))
    for default in (row for row in rows if row["own"]):
        if default["metric"] in {row["metric"] for row in fitting} and not default["gives"]:
            lines.append(f"where {protocol}, the protocol of noisebench, has {default['value']:.4f}: {default['what']}")
    return lines


def _nearest_values(rows: Sequence[dict[str, Any]], claimed: float) -> list[str]:
    """The value that comes nearest to a number that none gives, and what to ask then."""
    finite = [row for row in rows if math.isfinite(row["value"])]
    if not finite:
        return []
    near = min(finite, key=lambda row: abs(row["value"] - claimed))
    return [
        f"nearest: {near['value']:.4f}, {near['value'] - claimed:+.4f} from it ({near['name']}: {near['what']})",
        "is the noise the same (level, seed, clipping), and the set (which pictures, their size, colour or grey)?",
    ]


def _how_to_tell(fitting: Sequence[dict[str, Any]], claimed: str) -> str:
    """What would tell conventions apart that give the same number."""
    if len({f"{row['value']:.9f}" for row in fitting}) == 1:
        return (
            f"{len(fitting)} conventions agree on this to the last digit: give a second picture, or one before rounding"
        )
    decimals = len(claimed.partition(".")[2])
    places = counted(decimals, "decimal")
    return f"{len(fitting)} conventions match at {places}: give more decimals or a second picture"
