"""`noisebench score`: a folder of restored items against a folder of true ones, paired by name."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..text.wording import counted
from .options import add_shared, note, print_json, print_table, use_data, verb

_EXAMPLES = """  noisebench score restored/ clean/
  noisebench score restored/ clean/ --protocol "y8(border=4)" --json
  noisebench score out/ clean/ --metrics "kid(features=efficientnet_lite0)"
  noisebench score enhanced_wav/ clean_testset_wav/ --track audio"""


@runtime_checkable
class ScoresFolders(Protocol):
    """A track that can score files that exist already, paired by name with true ones.

    Gives a row an item (`item`, `scores` by metric, `note`), a `SetPart` a set metric, and a signature.
    """

    def score_folders(
        self, restored: str, clean: str, protocol: str, metrics: Sequence[str]
    ) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]], str]: ...


@runtime_checkable
class OwnsSuffixes(Protocol):
    """A track with files that no other track reads, by their endings in small letters."""

    own_suffixes: tuple[str, ...]


def add(verbs: Any) -> None:
    p = verb(verbs, "score", "score restored pictures or clips that exist already", _EXAMPLES, run)
    p.add_argument("restored", metavar="RESTORED_DIR", help="restored pictures or clips")
    p.add_argument("clean", metavar="CLEAN_DIR", help="clean ones of the same names")
    p.add_argument("--protocol", metavar="P", help="how scores are taken (default: the track's, such as uint8)")
    p.add_argument("--metrics", nargs="+", metavar="M", help="default: the track's, such as psnr ssim")
    add_shared(p, "track", "plugin", "weights", "json")


def run(args: argparse.Namespace) -> int:
    """Score and print a row an item and the mean, then what was scored of the set. 1 where no score has a value."""
    from ..components.plugins import load_plugin
    from ..components.registry import bind_all
    from ..components.tracks import get_track
    from ..statistics.exact_scores import mean_of
    from ..text.errors import UsageError, one_line

    use_data(args)
    for file in args.plugin:
        load_plugin(file)
    track = get_track(args.track)
    if not isinstance(track, ScoresFolders):
        raise UsageError(f"track {track.name} cannot score folders: run its methods with `noisebench run`")
    protocol, metrics = args.protocol or track.defaults.protocol, args.metrics or track.defaults.metrics
    try:
        rows, sets, signature = track.score_folders(args.restored, args.clean, protocol, metrics)
    except UsageError as error:
        if other := _owner_of(args.restored, track.name):
            raise UsageError(f"{error}; the folder has files of the track {other}: give --track {other}") from None
        raise
    except Exception as error:
        if not args.plugin:
            raise
        cause = one_line(f"{type(error).__name__}: {error}")
        raise UsageError(f"what {one_line(' and '.join(args.plugin))} adds raised {cause}: mend it") from error
    higher = {metric.display: bool(metric.entry.meta["higher"]) for metric in bind_all(metrics, "metric", track.name)}
    mean_and_exact = {name: mean_of([row["scores"][name] for row in rows], higher[name]) for name in rows[0]["scores"]}
    values = [value for row in rows for value in row["scores"].values()]
    code = int(all(map(math.isnan, values)) and all(part["value"] is None for part in sets.values()))
    means = {name: mean for name, (mean, _) in mean_and_exact.items()}
    exact = {name: count for name, (_, count) in mean_and_exact.items()}
    if args.json:
        print_json({"protocol": protocol, "signature": signature, "rows": rows, "mean": means, "identical": exact,
                    "sets": sets})  # fmt: skip
        return code
    names = list(means)
    if names:
        table = [[r["item"], *(f"{r['scores'][n]:.4f}" for n in names)] for r in rows]
        print_table(
            [*table, ["mean", *(f"{means[n]:.4f}{_counted(exact[n], len(rows))}" for n in names)]],
            [track.words.item, *names],
        )
    if sets:
        from ..report.set_metrics import part_table

        shown = part_table(sets)
        print("" if names else counted(len(rows), track.words.item, track.words.items), end="\n")
        print_table([list(row) for row in shown.rows], list(shown.header))
    for row in rows:
        if row["note"]:
            note(f"{row['item']}: {row['note']}")
    print(f"\n{signature}")
    return code


def _owner_of(folder: str, asked: str) -> str:
    """The track other than `asked` of which a folder has files; empty where there is none."""
    from ..components.registry import registry
    from ..components.tracks import get_track

    try:
        endings = {file.suffix.lower() for file in Path(folder).expanduser().iterdir()}
    except (OSError, ValueError):
        return ""
    for name in registry("track", "").names():
        track = get_track(name)
        if name != asked and isinstance(track, OwnsSuffixes) and endings & set(track.own_suffixes):
            return name
    return ""


def _counted(exact: int, n: int) -> str:
    """How many items are exact and in no mean; nothing where none is, or all are."""
    return f" ({exact} identical)" if 0 < exact < n else ""
