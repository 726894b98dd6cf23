"""Score two folders of pictures, paired by name; what is unmatched is an error that lists it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ...boards.signature import folder_signature
from ...components.registry import Bound, bind, bind_all
from ...data.folders import pair_folders
from ...imaging.pictures import PICTURE_SUFFIXES, read_picture
from ...imaging.pixels import as_hwc, to_unit
from ...imaging.sample import Sample
from ...imaging.validation import check_item, check_restored
from ...planning.plan import split_metrics
from ...text.errors import NotDefined, UsageError, one_line, refuse_all
from .scoring import score_pair
from .set_metrics.collector import FeatureCollector, collector

T = TypeVar("T")
_METRICS = f"{__package__}.metrics."


def score_folders(
    restored: str, clean: str, protocol: str, metrics: Sequence[str]
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]], str]:
    """A row a picture with its scores, a `SetPart` a set metric, and the signature of all scores.

    Raises `UsageError`.
    """
    rules = bind(protocol, "protocol")
    measures = bind_all(metrics, "metric")
    single, whole = split_metrics(measures)
    pairs = pair_folders(restored, clean, PICTURE_SUFFIXES)
    with tempfile.TemporaryDirectory() as folder:
        taker, parts = collector(whole, Path(folder), len(pairs), rules)
        jobs = [partial(_row_or_mistake, *pair, rules, single, taker if whole else None) for pair in pairs]
        outcomes = side_by_side(jobs) if not whole and all(map(_is_reentrant, single)) else [job() for job in jobs]
        refuse_all([row for row in outcomes if isinstance(row, str)], len(pairs), "pairs")
        rows = [row for row in outcomes if not isinstance(row, str)]
        sets = {name: {**parts[name], **value} for name, value in taker.score().items()}
    return rows, sets, folder_signature(measures, rules, f"{len(rows)} pictures")


def _is_reentrant(metric: Bound) -> bool:
    """Whether several threads may call a metric at once: not other packages' (networks use all cores themselves), and
    of a plug-in nothing is promised.
    """
    return metric.entry.obj.__module__.startswith(_METRICS) and metric.entry.meta["describe"] is None


def side_by_side(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """The results of all jobs in their order, of which as many run at once as there are cores.

    OpenCV and numpy let go of the interpreter while they work: of two threads 1.8 to 2.0 can run at any time, at the
    same CPU time. What is raised first, in order, is raised.
    """
    import cv2

    cores = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, len(jobs))
    inner = cv2.getNumThreads()
    if cores < 2:
        return [job() for job in jobs]
    cv2.setNumThreads(1)
    pool = ThreadPoolExecutor(cores)
    try:
        return [result.result() for result in [pool.submit(job) for job in jobs]]
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(inner)


def _row_or_mistake(*args: Any) -> dict[str, Any] | str:
    """A row, or what is wrong with the pair: all pairs are looked at before one is refused."""
    try:
        return _row(*args)
    except UsageError as error:
        return str(error)


def _row(
    name: str, ours: Path, theirs: Path, rules: Bound, measures: Sequence[Bound], taker: FeatureCollector | None
) -> dict[str, Any]:
    mine, wanted = read_picture(ours), read_picture(theirs)
    if as_hwc(mine).shape != as_hwc(wanted).shape:
        raise UsageError(
            f"{one_line(ours)} is {'x'.join(map(str, mine.shape))} and {one_line(theirs)} is "
            f"{'x'.join(map(str, wanted.shape))}: they must be of one size and kind"
        )
    check_item(wanted, f"{one_line(theirs)}: clean")
    check_restored(as_hwc(mine), f"{one_line(ours)}: restored", as_hwc(wanted), file=True)
    picture = to_unit(mine).astype(np.float32)
    scores = score_pair(picture, wanted, rules, measures)
    if taker is not None:
        taker.take(picture, Sample(name, wanted))
    why = "; ".join(f"{m}: {v.reason}" for m, v in scores.items() if isinstance(v, NotDefined))
    return {
        "item": os.fsencode(name).decode("utf-8", "replace"),  # JSON has no other bytes
        "scores": {m: float(v) for m, v in scores.items()},
        "note": why,
    }
