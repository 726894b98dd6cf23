"""`noisebench score`: a folder of restored pictures against a folder of clean ones, paired by name."""

from __future__ import annotations

import argparse
from typing import Any

from .options import add_json, add_plugins, note, print_json, print_table, verb

_EXAMPLES = """  noisebench score restored/ clean/
  noisebench score restored/ clean/ --protocol "y8(border=4)" --metrics psnr ssim --json"""


def add(verbs: Any) -> None:
    """Add the verb."""
    p = verb(verbs, "score", "score restored pictures that exist already", _EXAMPLES)
    p.add_argument("restored", metavar="RESTORED_DIR", help="restored pictures")
    p.add_argument("clean", metavar="CLEAN_DIR", help="clean pictures of the same names")
    p.add_argument("--protocol", default="uint8", metavar="P", help="how scores are taken (default: uint8)")
    p.add_argument("--metrics", nargs="+", default=["psnr", "ssim"], metavar="M", help="default: psnr ssim")
    add_plugins(p)
    add_json(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Score and print a row a picture and the mean."""
    from ..analysis.folders import mean_scores, score_folders
    from ..registry import load_plugin

    for file in args.plugin:
        load_plugin(file)
    rows, signature = score_folders(args.restored, args.clean, args.protocol, args.metrics)
    means = mean_scores(rows)
    if args.json:
        print_json({"protocol": args.protocol, "signature": signature, "rows": rows, "mean": means})
        return 0
    names = list(means)
    table = [[r["item"], *(f"{r['scores'][n]:.4f}" for n in names)] for r in rows]
    print_table([*table, ["mean", *(f"{means[n]:.4f}" for n in names)]], ["picture", *names])
    for row in rows:
        if row["note"]:
            note(f"{row['item']}: {row['note']}")
    print(f"\n{signature}")
    return 0
