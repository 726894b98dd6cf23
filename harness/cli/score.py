"""`noisebench score`: a folder of restored pictures against a folder of clean ones, paired by name."""

from __future__ import annotations

import argparse
from typing import Any

from .options import add_json, add_plugins, add_weights, note, print_json, print_table, use_data, verb

_EXAMPLES = """  noisebench score restored/ clean/
  noisebench score restored/ clean/ --protocol "y8(border=4)" --metrics psnr ssim --json
  noisebench score restored/ clean/ --metrics psnr "kid(features=efficientnet_lite0)\""""


def add(verbs: Any) -> None:
    """Add the verb."""
    p = verb(verbs, "score", "score restored pictures that exist already", _EXAMPLES)
    p.add_argument("restored", metavar="RESTORED_DIR", help="restored pictures")
    p.add_argument("clean", metavar="CLEAN_DIR", help="clean pictures of the same names")
    p.add_argument("--protocol", default="uint8", metavar="P", help="how scores are taken (default: uint8)")
    p.add_argument("--metrics", nargs="+", default=["psnr", "ssim"], metavar="M", help="default: psnr ssim")
    add_plugins(p)
    add_weights(p)
    add_json(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Score and print a row a picture and the mean, then what was scored of the set."""
    from ..analysis.folders import mean_scores, score_folders
    from ..registry import load_plugin

    use_data(args)
    for file in args.plugin:
        load_plugin(file)
    rows, sets, signature = score_folders(args.restored, args.clean, args.protocol, args.metrics)
    means = mean_scores(rows)
    if args.json:
        print_json({"protocol": args.protocol, "signature": signature, "rows": rows, "mean": means, "sets": sets})
        return 0
    names = list(means)
    if names:
        table = [[r["item"], *(f"{r['scores'][n]:.4f}" for n in names)] for r in rows]
        print_table([*table, ["mean", *(f"{means[n]:.4f}" for n in names)]], ["picture", *names])
    if sets:
        from ..report.sets import part_table

        shown = part_table(sets)
        print("" if names else f"{len(rows)} pictures", end="\n")
        print_table([list(row) for row in shown.rows], list(shown.header))
    for row in rows:
        if row["note"]:
            note(f"{row['item']}: {row['note']}")
    print(f"\n{signature}")
    return 0
