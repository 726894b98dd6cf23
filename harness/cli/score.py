"""`noisebench score`: a folder of restored items against a folder of true ones, paired by name."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from .options import add_json, add_plugins, add_track, add_weights, note, print_json, print_table, use_data, verb

_EXAMPLES = """  noisebench score restored/ clean/
  noisebench score restored/ clean/ --protocol "y8(border=4)" --metrics psnr ssim --json
  noisebench score restored/ clean/ --metrics psnr "kid(features=efficientnet_lite0)\""""


@runtime_checkable
class ScoresFolders(Protocol):
    """A track that can score files that exist already, paired by name with true ones.

    Gives a row an item (`item`, `scores` by metric, `note`), a `SetPart` a set metric, and a signature.
    """

    def score_folders(
        self, restored: str, clean: str, protocol: str, metrics: Sequence[str]
    ) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]], str]: ...


def add(verbs: Any) -> None:
    """Add the verb."""
    p = verb(verbs, "score", "score restored pictures that exist already", _EXAMPLES)
    p.add_argument("restored", metavar="RESTORED_DIR", help="restored pictures")
    p.add_argument("clean", metavar="CLEAN_DIR", help="clean pictures of the same names")
    p.add_argument("--protocol", metavar="P", help="how scores are taken (default: the track's, such as uint8)")
    p.add_argument("--metrics", nargs="+", metavar="M", help="default: the track's, such as psnr ssim")
    add_track(p)
    add_plugins(p)
    add_weights(p)
    add_json(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Score and print a row an item and the mean, then what was scored of the set."""
    from ..errors import UsageError
    from ..registry import load_plugin
    from ..track import get_track

    use_data(args)
    for file in args.plugin:
        load_plugin(file)
    track = get_track(args.track)
    if not isinstance(track, ScoresFolders):
        raise UsageError(f"track {track.name} cannot score folders: run its methods with `noisebench run`")
    protocol, metrics = args.protocol or track.defaults.protocol, args.metrics or track.defaults.metrics
    rows, sets, signature = track.score_folders(args.restored, args.clean, protocol, metrics)
    means = {name: _mean([row["scores"][name] for row in rows]) for name in rows[0]["scores"]}
    if args.json:
        print_json({"protocol": protocol, "signature": signature, "rows": rows, "mean": means, "sets": sets})
        return 0
    names = list(means)
    if names:
        table = [[r["item"], *(f"{r['scores'][n]:.4f}" for n in names)] for r in rows]
        print_table([*table, ["mean", *(f"{means[n]:.4f}" for n in names)]], [track.words.item, *names])
    if sets:
        from ..report.set_metrics import part_table

        shown = part_table(sets)
        print("" if names else f"{len(rows)} {track.words.items}", end="\n")
        print_table([list(row) for row in shown.rows], list(shown.header))
    for row in rows:
        if row["note"]:
            note(f"{row['item']}: {row['note']}")
    print(f"\n{signature}")
    return 0


def _mean(values: Sequence[float]) -> float:
    """The mean, not finite where a value is not."""
    return (math.fsum if all(map(math.isfinite, values)) else sum)(values) / len(values)
