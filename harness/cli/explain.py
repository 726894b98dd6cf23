"""`noisebench explain`: what a score's signature says."""

from __future__ import annotations

import argparse
from typing import Any

from .options import add_json, print_json, verb

_EXAMPLES = """  noisebench explain "psnr|uint8@1|gaussian(sigma=25)@1|photos:3f9c0a…|seed 0|noisebench 0.1\""""


def add(verbs: Any) -> None:
    """Add the verb."""
    p = verb(verbs, "explain", "spell out the signature of a score", _EXAMPLES)
    p.add_argument("signature", metavar="SIGNATURE", help="a signature, as the board prints it")
    add_json(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Explain."""
    from ..analysis.signature import explain_signature

    found = explain_signature(args.signature)
    if args.json:
        print_json(found)
        return 0
    for part in found["parts"]:
        print(f"{part['part']}: {part['value']}" + (f"  [{part['now']}]" if part["now"] else ""))
        print(f"    {part['meaning']}")
    return 0
