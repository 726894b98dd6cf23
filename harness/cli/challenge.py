"""`noisebench challenge`: make one, pack a submission to it, judge submissions, and export it for a server."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.errors import one_line
from ..text.terminal import terminal_width
from ..text.wording import counted
from .options import add_shared, note, option_value, print_json, use_data, verb

if TYPE_CHECKING:
    from ..submissions.challenges.judge import Judgement
    from ..suite.suite import Suite

_LISTED = 20
"""Problems of a submission that are printed."""
_EXAMPLES = """  noisebench challenge make --datasets "folder(path='hidden')" \\
    --regimes "gaussian(sigma=25)" --to night
  noisebench challenge pack results/ --challenge night --to submission.zip \\
    --name my_net
  noisebench challenge judge *.zip --challenge night --truth night-truth.zip \\
    --to judged
  noisebench challenge export --challenge night --truth night-truth.zip \\
    --codabench bundle.zip --image me/noisebench

night is for participants; night-truth.zip is for the organiser alone"""
_MAKE = """  noisebench challenge make --datasets "folder(path='hidden')" \\
    --regimes "gaussian(sigma=25)" --to night
  noisebench challenge make suite.yaml --to night --truth /safe/night-truth.zip"""
_PACK = """  noisebench challenge pack results/ --challenge night --to submission.zip \\
    --name my_net"""
_JUDGE = """  noisebench challenge judge a.zip b.zip --challenge night \\
    --truth night-truth.zip
  noisebench challenge judge *.zip --challenge night --truth night-truth.zip \\
    --to judged
  noisebench report judged --to board

exit codes: 0 all were scored, 1 some are refused, 2 usage"""
_EXPORT = """  noisebench challenge export --challenge night --truth night-truth.zip \\
    --codabench bundle.zip --image me/noisebench"""


def add(verbs: Any) -> None:
    p = verb(verbs, "challenge", "make a challenge, pack a submission, judge submissions, export", _EXAMPLES, run)
    actions = p.add_subparsers(dest="action", metavar="ACTION", required=True)

    make = verb(actions, "make", "write inputs for participants, and the truth for the organiser", _MAKE, _make)
    make.add_argument(
        "suite", nargs="?", metavar="SUITE", help="a suite file, or the name of one; its methods are left out"
    )
    make.add_argument("--datasets", nargs="+", metavar="D", help="dataset specs")
    make.add_argument("--regimes", nargs="+", metavar="R", help="regime specs")
    make.add_argument("--protocol", metavar="P", help="how scores are taken (default: the track's)")
    make.add_argument("--metrics", nargs="+", metavar="M", help="metric specs (default: the track's)")
    make.add_argument("--to", metavar="DIR", required=True, help="the folder for participants, which is new")
    make.add_argument("--truth", metavar="FILE", help="the file for the organiser (default: DIR-truth.zip beside DIR)")
    make.add_argument("--name", metavar="NAME", help="what the challenge is called (default: the name of DIR)")
    add_shared(make, "track", "limit", "plugin", "data", "json")

    pack = verb(actions, "pack", "check a folder of outputs, and pack it into a submission", _PACK, _pack)
    pack.add_argument("results", metavar="RESULTS_DIR", help="outputs, named as the items: item-0001.npy, .png, .wav; "
                      "of classes also one CSV")  # fmt: skip
    pack.add_argument("--challenge", metavar="DIR", required=True, help="the challenge")
    pack.add_argument("--to", metavar="FILE", required=True, help="the submission to write, such as submission.zip")
    pack.add_argument("--name", metavar="NAME", help="what the method is called (default: the name of RESULTS_DIR)")
    add_shared(pack, "json")

    judge = verb(actions, "judge", "score submissions by the protocol, into a store", _JUDGE, _judge)
    judge.add_argument("submissions", nargs="+", metavar="SUBMISSION", help="a packed submission, or a folder of one")
    judge.add_argument("--challenge", metavar="DIR", required=True, help="the challenge")
    judge.add_argument("--truth", metavar="FILE", required=True, help="its truth")
    judge.add_argument("--to", metavar="DIR", default="judged", help="the store that is added to (default: judged)")
    add_shared(judge, "json")

    export = verb(actions, "export", "write a challenge as a bundle for Codabench", _EXPORT, _export)
    export.add_argument("--challenge", metavar="DIR", required=True, help="the challenge")
    export.add_argument("--truth", metavar="FILE", required=True, help="its truth")
    export.add_argument("--codabench", metavar="FILE", required=True, help="the bundle to write, such as bundle.zip")
    export.add_argument("--image", metavar="I", required=True, help="a docker image with noisebench in it")
    add_shared(export, "json")


def run(args: argparse.Namespace) -> int:
    """An action is required, so that each sets its own."""
    raise AssertionError(args.action)


def _suite(args: argparse.Namespace) -> Suite:
    from dataclasses import replace

    from ..suite.suite import Suite, count, find_suite, read_suite

    suite = read_suite(find_suite(args.suite)) if args.suite else Suite()
    changes: dict[str, Any] = {
        name: tuple(getattr(args, name)) for name in ("datasets", "regimes", "metrics") if getattr(args, name)
    }
    if args.protocol:
        changes["protocol"] = args.protocol
    if args.limit is not None:
        changes["limit"] = option_value("limit", count, args.limit)
    if args.metrics:
        changes["rank_by"] = ""
    if not args.suite:
        changes["track"] = args.track
    return replace(suite, **changes, plugins=(*suite.plugins, *args.plugin))


def _make(args: argparse.Namespace) -> int:
    from ..submissions.challenges.files import check_name
    from ..submissions.challenges.make import make_challenge

    use_data(args)
    to = Path(args.to)
    truth = Path(args.truth) if args.truth else to.with_name(f"{to.name}-truth.zip")
    challenge = make_challenge(_suite(args), option_value("name", check_name, args.name or to.name), to, truth)
    for line in challenge.notes:
        note(f"note: {line}")
    if args.json:
        print_json({"to": str(to), "truth": str(truth), "items": challenge.items, "notes": challenge.notes})
    else:
        print(f"{counted(challenge.items, 'item')} in {to}, which is for participants")
        print(f"their truth in {truth}, which is for you alone: it is in no folder that you publish")
    return 0


def _pack(args: argparse.Namespace) -> int:
    from ..submissions.challenges.files import Challenge, check_name
    from ..submissions.challenges.pack import Misfits, pack_submission

    results = Path(args.results)
    name = option_value("name", check_name, args.name or results.resolve().name)
    try:
        packed = pack_submission(results, Challenge(Path(args.challenge)), Path(args.to), name)
    except Misfits as misfits:
        _print_problems(misfits.problems)
        raise
    if args.json:
        print_json({"to": args.to, "method": name, "outputs": packed.outputs, "bytes": packed.bytes})
    else:
        print(f"{counted(packed.outputs, 'output')} of {name} in {args.to} ({packed.bytes / 1024:.0f} KiB)")
    return 0


def _print_problems(problems: Any) -> None:
    for line in problems[:_LISTED]:
        note(f"  {one_line(line)}")
    if len(problems) > _LISTED:
        note(f"  and {len(problems) - _LISTED} more")


def _judge(args: argparse.Namespace) -> int:
    from ..report.terminal import ranking_lines
    from ..store.reading import read_records
    from ..submissions.challenges.files import Challenge, SealedTruth
    from ..submissions.challenges.judge import judge

    store = Path(args.to)
    challenge = Challenge(Path(args.challenge))
    judgements = judge([Path(p) for p in args.submissions], challenge, SealedTruth(Path(args.truth), challenge), store)
    refused = [one for one in judgements if one.problems]
    if args.json:
        print_json({"to": str(store), "submissions": [_shown(one) for one in judgements]})
        return int(bool(refused))
    for one in refused:
        print(f"{one_line(one.path)}: refused: {counted(len(one.problems), 'problem')}")
        for line in one.problems[:_LISTED]:
            print(f"  {one_line(line)}")
    print(f"{len(judgements) - len(refused)} of {counted(len(judgements), 'submission')} scored")
    for line in ranking_lines(read_records(store), terminal_width()):
        print(line)
    print(f"next: noisebench report {store} --to board")
    return int(bool(refused))


def _shown(one: Judgement) -> dict[str, Any]:
    """What `--json` says of a submission: `columns` are the means by board and metric."""
    from ..statistics.exact_scores import mean_of
    from ..submissions.challenges.codabench import column_key

    columns, means = {}, []
    for board, (cell, rows) in enumerate(zip(one.cells, one.rows, strict=True), 1):
        scores = {}
        for metric, part in cell.metrics.items() if rows else ():
            values = [float("nan") if row["scores"][metric] is None else float(row["scores"][metric]) for row in rows]
            scores[metric] = mean_of(values, part.higher)[0]
            columns[column_key(board, metric)] = scores[metric]
        means.append({"regime": cell.regime.display, "dataset": cell.dataset.display, "key": cell.key, "mean": scores})
    return {"submission": str(one.path), "method": one.method, "problems": list(one.problems), "boards": means,
            "columns": columns}  # fmt: skip


def _export(args: argparse.Namespace) -> int:
    from ..submissions.challenges.codabench import export_codabench
    from ..submissions.challenges.files import Challenge, SealedTruth

    challenge = Challenge(Path(args.challenge))
    size = export_codabench(challenge, SealedTruth(Path(args.truth), challenge), Path(args.codabench), args.image)
    if args.json:
        print_json({"to": args.codabench, "bytes": size})
    else:
        print(f"bundle: {args.codabench} ({size / 1024:.0f} KiB), which has the truth in it: upload it, publish it not")
    return 0
