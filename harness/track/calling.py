"""One method on one item: its case, the timed call, and the row."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Literal, TypedDict, TypeVar

from ..components.registry import Bound
from ..text.errors import NotDefined
from ..text.json_values import plain
from .alike_items import COPIES, SeesCopies
from .posed_case import Case
from .runner_protocol import Runner, RunsTogether
from .track_protocol import Track

Posed = TypeVar("Posed")
Shown = Literal["item", "id"]
"""What a method sees of an item beyond its input."""


class ItemRow(TypedDict):
    """The stored row of one item: hashes, seconds, scores (None: not defined), and notes: what the output is a copy of,
    and why a score has no value."""

    item: str
    input_sha256: str
    output_sha256: str
    seconds: float
    scores: dict[str, Any]
    note: str


def synchronise(device: str) -> None:
    """Wait until the device has finished."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()


def reveal(case: Case, item: Any, shown: Shown | None) -> Case:
    """The case as a method gets it: with the item for an oracle, with the item's id for a `named` method."""
    if shown is None:
        return case
    return replace(case, info=case.info.replace(sample=item) if shown == "item" else case.info.replace(item=item.id))


def call_on(runner: Runner, case: Case, device: str) -> tuple[Any, float, list[str]]:
    """Call the method once: its validated output, the seconds, and notes for the cell. Raises `Skip`, `Invalid`."""
    return call_all_on(runner, [case], device)[0]


def items_together(runner: Runner) -> int:
    """How many items a runner takes in one call, at most."""
    return runner.together if isinstance(runner, RunsTogether) else 1


def call_all_on(runner: Runner, cases: Sequence[Case], device: str) -> list[tuple[Any, float, list[str]]]:
    """Call the method once on all cases, of which each is given an equal part of the seconds: see `call_on`."""
    for case in cases:
        runner.check(case.info)
    prepared = [runner.prepare(case.given) for case in cases]
    infos = [case.info for case in cases]
    pid = os.getpid()
    synchronise(device)
    start = time.perf_counter()
    if len(cases) > 1 and isinstance(runner, RunsTogether):
        outputs = runner.call_all(prepared, infos)
    else:
        outputs = [runner.call(given, info) for given, info in zip(prepared, infos, strict=True)]
    synchronise(device)
    elapsed = (time.perf_counter() - start) / len(cases)
    if os.getpid() != pid:  # a child that the method forked came back: it must not go on
        os._exit(1)
    called = []
    for case, given, output in zip(cases, prepared, outputs, strict=True):
        accepted = runner.accept(output, case)
        touched = output is not given and not runner.untouched(given, case.given)
        warning = "edits its input in place (it was given a copy)" if touched else ""
        called.append((accepted, elapsed, [note for note in (warning, case.note) if note]))
    return called


def in_groups(coming: Iterator[Posed], most: int) -> Iterator[list[Posed]]:
    """Lists of at most so many, each made when it is due. What fails is raised after those before it were given."""
    failed: Exception | None = None
    full = True
    while full and failed is None:
        group: list[Posed] = []
        try:
            group.extend(islice(coming, most))
        except Exception as error:
            failed = error
        full = len(group) == most
        if group:
            yield group
    if failed is not None:
        raise failed


def item_row(
    track: Track, item: Any, case: Case, output: Any, elapsed: float, protocol: Bound, metrics: Sequence[Bound]
) -> ItemRow:
    """The row of one item, scored."""
    values = track.score(output, item, case, protocol, metrics)
    copied = track.copied(output, item, case, protocol) if isinstance(track, SeesCopies) else ""
    why = [f"{COPIES}{copied}"] if copied else []
    why += [f"{name}: {v.reason}" for name, v in values.items() if isinstance(v, NotDefined)]
    return {
        "item": item.id,
        "input_sha256": case.input_sha256,
        "output_sha256": track.outputs.digest(output),
        "seconds": elapsed,
        "scores": {name: plain(float(v)) for name, v in values.items()},
        "note": "; ".join(why),
    }
