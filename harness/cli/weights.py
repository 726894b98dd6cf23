"""`noisebench weights`: the checkpoints of a store; one of them as a file that travels, and back."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.errors import UsageError, one_line
from .options import add_shared, note, note_left_out, print_json, print_table, verb, write_to

if TYPE_CHECKING:
    from ..store.cell import Cell
    from ..training.checkpoint import Card

_EXAMPLES = """  noisebench weights ls                                         those that come with the package
  noisebench weights ls nb-store
  noisebench weights card nb-store unet                         the recipe, the curve and the cost of one
  noisebench weights export nb-store 3fa9 --to denoiser.safetensors
  noisebench weights card denoiser.safetensors
  noisebench weights import denoiser.safetensors                a run whose key fits does not train again
  noisebench weights fetch lpips niqe                           the files that these metrics need"""

_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
"""A SHA-256, and as much of it as a line has room for."""


def add(verbs: Any) -> None:
    parser = verb(verbs, "weights", "list, export and import checkpoints; download weights of metrics", _EXAMPLES, run)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, about in (
        ("ls", "list the checkpoints of a store, or those that come with the package"),
        ("card", "show what a checkpoint was made of, how it went and what it took"),
        ("export", "write one checkpoint of a store as a file, with its card"),
        ("import", "keep checkpoint files where every run finds them by key"),
        ("fetch", "download the weights that metrics need, which no run does by itself"),
    ):
        p = actions.add_parser(name, help=about, description=about)
        if name == "import":
            p.add_argument("files", metavar="FILE", nargs="+", help="a file that `weights export` wrote")
        elif name == "fetch":
            p.add_argument("metrics", metavar="METRIC", nargs="+", help="a spec, such as lpips or 'pyiqa(name=musiq)'")
        elif name == "ls":
            p.add_argument("store", metavar="STORE", nargs="?", help="a store (default: what comes with noisebench)")
        else:
            p.add_argument(
                "store", metavar="STORE", help="a store" + (", or a checkpoint file" if name == "card" else "")
            )
        if name in ("card", "export"):
            p.add_argument("filter", metavar="FILTER", nargs="?", default="", help="a key's start, or part of a name")
        if name == "export":
            p.add_argument("--to", metavar="FILE", required=True, help="where to")
        add_shared(p, "json")


def run(args: argparse.Namespace) -> int:
    """0, or 1 where a cell of the store is left out. Raises `UsageError` (exit code 2)."""
    if args.action == "import":
        return _import(args)
    if args.action == "fetch":
        return _fetch(args)
    if args.store is None:
        return _list_enclosed(args.json)
    path = Path(args.store)
    if args.action == "card" and path.is_file():
        from ..training.checkpoint import read_card

        _show(read_card(path), args.json)
        return 0
    cells, left_out = _trained(path)
    if args.action == "ls":
        _list(cells, args.json)
        return 1 if left_out else 0
    from ..store.cells import WEIGHTS, cell_dir
    from ..training.checkpoint import file_sha256, read_card

    cell = _chosen_training(cells, args.filter, path)
    file = cell_dir(path, cell.key) / WEIGHTS
    if args.action == "card":
        _show(read_card(file), args.json)
        return 0
    read_card(file)
    data = file.read_bytes()
    if cell.training is None or file_sha256(data) != cell.training.weights_sha256:
        raise UsageError(
            f"{one_line(file)} does not hold the trained weights: remove the cell by `noisebench store rm`, run again"
        )
    write_to(Path(args.to).expanduser(), data)
    if args.json:
        print_json({"key": cell.key, "file": args.to, "bytes": len(data)})
    else:
        print(f"{len(data) / 2**20:.2f} MiB in {args.to}, for cell {cell.key[:12]}")
    return 0


def _trained(store: Path) -> tuple[list[Cell], list[str]]:
    """The cells that trained something, and a line for each cell of the store that is left out."""
    from ..store.cells import existing_store
    from ..store.reading import read_cells

    cells, left_out = read_cells(existing_store(store))
    note_left_out(left_out)
    return [cell for cell in cells if cell.kind == "train" and cell.outcome == "ok"], left_out


def _chosen_training(cells: list[Cell], text: str, store: Path) -> Cell:
    from ..store.names import read_names
    from ..store.reading import matching

    matches = matching(cells, text, read_names(store))
    if len(matches) != 1:
        count = f"{len(matches)} checkpoints " + (f"match {one_line(text)!r}" if text else "are there")
        raise UsageError(f"{count}: name one by its key, see `noisebench weights ls {one_line(store)}`")
    return matches[0]


def _list(cells: list[Cell], as_json: bool) -> None:
    from ..store.cell_json import sorted_values

    if as_json:
        print_json(sorted_values(cells))
        return
    rows = []
    for cell, training in ((cell, cell.training) for cell in cells if cell.training is not None):
        score = "-" if training.score is None else f"{training.score:.4g}"
        seconds = f"{training.cost.seconds:.0f}"
        rows.append([cell.key[:12], cell.method.display, str(cell.seed), f"{training.steps}", score, seconds])
    print_table(rows, ["key", "method", "seed", "steps", "validation", "seconds"])


def _list_enclosed(as_json: bool) -> int:
    """1 where a checkpoint is of no use, for its recipe has another key today."""
    from ..components.registry import bind
    from ..training.checkpoint import enclosed_checkpoints, key_today

    checkpoints: list[dict[str, Any]] = []
    for file, card in enclosed_checkpoints().items():
        method = card.method
        try:
            method = bind(method, "method", card.track).display
            state = "used by key" if key_today(card) == card.key else "stale: its source files have changed since"
        except UsageError as error:
            state = f"stale: {error}"
        checkpoints.append({
            "file": str(file), "key": card.key, "method": method, "seed": card.seed,
            "steps": card.training.steps, "validation": card.training.score,
            "cpu_seconds": card.training.cost.cpu_seconds, "state": state,
        })  # fmt: skip
    if as_json:
        print_json(checkpoints)
    else:
        rows = [
            [Path(one["file"]).name, one["key"][:12], one["method"], str(one["seed"]), str(one["steps"]),
             "-" if one["validation"] is None else f"{one['validation']:.4g}", f"{one['cpu_seconds']:.0f}",
             one["state"]]
            for one in checkpoints
        ]  # fmt: skip
        print_table(rows, ["file", "key", "method", "seed", "steps", "validation", "CPU seconds", "state"])
    return 1 if any(one["state"] != "used by key" for one in checkpoints) else 0


def _show(card: Card, as_json: bool) -> None:
    from ..store.cell_json import sorted_values

    if as_json:
        print_json(sorted_values(card))
        return
    training = card.training
    cost = training.cost
    score = "not defined" if training.score is None else f"{training.score:.4f}"
    print(f"key {card.key}\nmethod {one_line(card.method)}\nseed {one_line(card.seed)}")
    print(f"data {one_line(card.data.get('spec'))}\nregime {one_line(card.regime)}")
    stopped = f", stopped: {one_line(training.stopped)}" if training.stopped else ""
    print(f"steps {training.steps} of {training.of}{stopped}\nvalidation {one_line(training.metric)} {score}")
    for name in ("seconds", "cpu_seconds", "items_per_second"):
        print(f"{name} {getattr(cost, name):.1f}")
    for name in ("parameter_bytes", "gradient_bytes", "optimizer_bytes", "saved_bytes", "peak_memory_bytes", "macs"):
        value = getattr(cost, name)
        print(f"{name} {'-' if value is None else value}")
    for figure, value in (training.figures or {}).items():
        print(f"{one_line(figure)} {value:.6g}")
    print("curve (step, seconds, loss, validation)")
    print_table(
        [
            [str(p.step), f"{p.seconds:.1f}", *("-" if v is None else f"{v:.4f}" for v in (p.loss, p.score))]
            for p in training.curve
        ],
        ["step", "seconds", "loss", "validation"],
    )
    print(f"environment {json.dumps(card.environment, sort_keys=True)}")


def _import(args: argparse.Namespace) -> int:
    from ..training.checkpoint import import_folders, read_card

    cards = [read_card(Path(file)) for file in args.files]  # a mistake in any comes before the first is kept
    folder = import_folders()[-1]
    kept = []
    for file, card in zip(args.files, cards, strict=True):
        target = folder / f"{card.key}.safetensors"
        folder.mkdir(parents=True, exist_ok=True)
        write_to(target, Path(file).read_bytes())
        kept.append({"key": card.key, "file": str(target)})
        if not args.json:
            print(f"{card.key[:12]} kept in {target}")
    if args.json:
        print_json(kept)
    note("a run whose training has this key uses it")
    return 0


def _fetch(args: argparse.Namespace) -> int:
    from ..components.readiness import KnowsFiles
    from ..components.registry import bind_all
    from ..components.tracks import DEFAULT, known_track

    track, answers = known_track(DEFAULT), {}
    for metric in bind_all(args.metrics, "metric"):
        answers[metric.display] = track.fetch_files(metric) if isinstance(track, KnowsFiles) else ""
        if not args.json:
            print(_DIGEST.sub(r"\1", f"{metric.display}: {answers[metric.display]}"), flush=True)
    if args.json:
        print_json(answers)
    return 0
