"""`noisebench certify`: what deploying a method in another form changes, a variant a row."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..text.errors import UsageError, one_line
from .options import (
    add_shared,
    folder_to_write,
    note_stopped,
    option_value,
    print_json,
    print_table,
    use_data,
    verb,
    write_to,
)

VARIANTS = {
    "again": "variant(of={method})",
    "tiled": "tiled(method={method}, size=128, overlap=32)",
    "float16": "variant(of={method}, precision=float16)",
    "bfloat16": "variant(of={method}, precision=bfloat16)",
    "int8": "variant(of={method}, precision=int8)",
    "torchscript": "variant(of={method}, engine=torchscript)",
    "onnx": "variant(of={method}, engine=onnx)",
    "batch": "variant(of={method}, batch=4)",
    "cuda": "variant(of={method}, device=cuda)",
    "compile": "variant(of={method}, engine=compile)",
}
_TRACK = "restore"
_UNASKED = tuple(name for name in VARIANTS if name != "compile")
_EXAMPLES = """  noisebench certify unet_blind --limit 4
  noisebench certify unet_blind --against float16 compile --to card
  noisebench certify unet_blind \\
    --against "tiled(method=unet_blind, size=64, overlap=8)"

exit codes: 0 all compared or not possible here, 1 some variant failed, 2 usage"""


def add(verbs: Any) -> None:
    p = verb(verbs, "certify", "say what deploying a method in another form changes", _EXAMPLES, run)
    p.add_argument("method", metavar="METHOD", help="a method of restoration")
    p.add_argument(
        "--against",
        nargs="+",
        metavar="V",
        default=_UNASKED,
        help=f"variants: {', '.join(VARIANTS)}, or specs of methods (default: all of these but compile, which takes "
        "minutes)",
    )
    p.add_argument("--datasets", nargs="+", metavar="D", help="dataset specs (default: that of the track)")
    p.add_argument("--regimes", nargs="+", metavar="R", help="regime specs (default: that of the track)")
    p.add_argument("--protocol", metavar="P", default="", help="how scores are taken (default: uint8)")
    p.add_argument("--size", metavar="HxW", default="256x256", help="of a picture for costs (default: 256x256)")
    p.add_argument("--no-costs", action="store_true", help="compare scores and pictures alone")
    p.add_argument("--store", metavar="DIR", default="nb-store", help="where the rows go (default: nb-store)")
    p.add_argument("--to", metavar="DIR", help="write certificate.md and certificate.json there")
    add_shared(p, "limit", "jobs", "plugin", "data", "weights", "json")


def run(args: argparse.Namespace) -> int:
    """Run what is not stored, compare and report; 0, or 1 where a variant failed."""
    from ..engine.run import RunOptions
    from ..engine.run import run as run_suite
    from ..report.certificate import (
        BOUND,
        certificate_head,
        certificate_markdown,
        certificate_row,
        measured_on,
        statement,
    )
    from .progress import watcher

    use_data(args)
    to = folder_to_write("to", args.to)
    names = list(dict.fromkeys(args.against))
    suite = _suite(args, names)
    store = Path(args.store)
    try:
        with watcher() as watch:
            summary = run_suite(suite, store, RunOptions(args.jobs), watch)
    except KeyboardInterrupt:
        note_stopped(args.store)
        return 130
    plain, variants = _compared(summary.cells, names, store)
    [(metric, asked)] = plain[0].cell.metrics.items()
    unit = asked.unit
    document = {
        "method": plain[0].cell.method.display,
        "measured_on": measured_on(plain),
        "metric": metric,
        "variants": [{**asdict(one), "statement": statement(one, metric, unit)} for one in variants],
    }
    if to is not None:
        to.mkdir(parents=True, exist_ok=True)
        write_to(to / "certificate.md", certificate_markdown(plain, variants, metric).encode("utf-8", "replace"))
        write_to(to / "certificate.json", json.dumps(document, indent=1, ensure_ascii=False).encode())
    if args.json:
        print_json(document)
    else:
        print(f"{one_line(document['method'])}\n" + "\n".join(map(one_line, measured_on(plain))) + "\n")
        print_table(map(certificate_row, variants), certificate_head(metric))
        print()
        for one in variants:
            print(f"{one_line(one.name)}: {one_line(statement(one, metric, unit), 1000)}")
        print(f"\n{BOUND}")
        if to is not None:
            print(f"certificate: {to / 'certificate.md'}")
    return 1 if any(one.outcome not in ("ok", "skipped") for one in variants) else 0


def _suite(args: argparse.Namespace, names: Sequence[str]) -> Any:
    """The suite of the method and its variants, each with a cost."""
    from ..components.tracks import get_track
    from ..spec.parsing import parse
    from ..suite.suite import CostPlan, Suite, count, input_size

    method = str(parse(args.method))
    for name in names:
        if "(" not in name and name not in VARIANTS:
            raise UsageError(f"--against {one_line(name)}: name {', '.join(VARIANTS)}, or give the spec of a method")
    forms = [VARIANTS[one].replace("{method}", method) if one in VARIANTS else str(parse(one)) for one in names]
    defaults = get_track(_TRACK).defaults
    return Suite(
        suite="certificate",
        methods=(method, *forms),
        datasets=tuple(args.datasets or (defaults.dataset,)),
        regimes=tuple(args.regimes or (defaults.regime,)),
        protocol=args.protocol,
        metrics=(defaults.rank_by,),
        limit=None if args.limit is None else option_value("limit", count, args.limit),
        cost=CostPlan() if args.no_costs else CostPlan((option_value("size", input_size, args.size),), 5),
        keep="all",
        plugins=tuple(args.plugin),
    )


def _compared(cells: Sequence[Any], names: Sequence[str], store: Path) -> tuple[list[Any], list[Any]]:
    """The records of the plain method, and each variant compared with it. Raises `UsageError`."""
    from ..comparing.equivalence import compare_variant
    from ..components.tracks import get_track
    from ..store.outputs import LostOutput, open_kept
    from ..store.reading import read_some

    # At one place the methods stand in the order of the suite.
    specs = list(dict.fromkeys(cell.method.spec for cell in cells if cell.kind == "score"))
    of = {spec: list(read_some(store, [c.key for c in cells if c.method.spec == spec])) for spec in specs}
    track = get_track(_TRACK)
    metric, files = track.defaults.rank_by, track.outputs

    def outputs(record: Any, place: int) -> Any:
        try:
            kept = open_kept(store, record.cell.key, files)
            return kept.read(place, record.items[place], record.input_sha256[place])[0]
        except LostOutput as error:
            raise UsageError(
                f"{one_line(store)}: {one_line(error)}: `noisebench store verify` names what to do"
            ) from None

    plain, *others = of.values()
    return plain, [
        compare_variant(name, plain, other, metric, outputs) for name, other in zip(names, others, strict=True)
    ]
