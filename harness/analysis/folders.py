"""Score two folders of pictures, paired by name; what is unmatched is an error that lists it."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..errors import NotDefined, UsageError, one_line
from ..regimes.degrade import as_hwc, to_unit
from ..registry import METRICS, PROTOCOLS, Bound, bind, bind_all
from ..scoring.collect import Collector, collector
from ..scoring.score import score_pair
from ..tracks.pictures import read_picture

T = TypeVar("T")
_SIDE_BY_SIDE = tuple(
    f"noisebench.scoring.{name}" for name in ("fidelity", "perceptual", "diagnostics", "vision", "no_reference")
)
"""Modules of metrics that may be called from several threads at once."""
_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".npy")


def pictures_in(folder: str | Path) -> dict[str, Path]:
    """Pictures of a folder by name without ending. Raises `UsageError` for none, or two of one name."""
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise UsageError(f"{one_line(path)} is not a folder")
    found: dict[str, Path] = {}
    for file in sorted(path.iterdir()):
        if file.suffix.lower() in _ENDINGS and file.is_file():
            if file.stem in found:
                raise UsageError(
                    f"{one_line(path)} has two pictures named {one_line(file.stem)!r} "
                    f"({one_line(found[file.stem].name)}, {one_line(file.name)}): keep one"
                )
            found[file.stem] = file
    if not found:
        raise UsageError(f"{one_line(path)} has no pictures ({', '.join(_ENDINGS)})")
    return found


def score_folders(
    restored: str, clean: str, protocol: str, metrics: Sequence[str]
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]], str]:
    """A row a picture with its scores, a `SetPart` a set metric, and the signature of the first metric.

    Raises `UsageError`.
    """
    rules = bind(protocol, PROTOCOLS)
    measures = bind_all(metrics, METRICS)
    single = [m for m in measures if not m.entry.meta.get("set")]
    whole = [m for m in measures if m.entry.meta.get("set")]
    ours, theirs = pictures_in(restored), pictures_in(clean)
    unmatched = [f"{one_line(n)} only in {one_line(d)}" for a, b, d in ((ours, theirs, restored), (theirs, ours, clean))
             for n in sorted(a.keys() - b.keys())]  # fmt: skip
    if unmatched:
        more = f" and {len(unmatched) - 5} more" if len(unmatched) > 5 else ""
        raise UsageError(f"unmatched pictures: {'; '.join(unmatched[:5])}{more}: give both folders the same names")
    with tempfile.TemporaryDirectory() as folder:
        taker, parts = collector(whole, Path(folder), len(ours), rules)
        names = sorted(ours)
        # Networks use all cores themselves, features are taken in turn, and of a plug-in nothing is promised.
        alone = whole or any(m.entry.obj.__module__ not in _SIDE_BY_SIDE for m in single)
        jobs = [partial(_row, n, ours[n], theirs[n], rules, single, taker if whole else None) for n in names]
        rows = [job() for job in jobs] if alone else side_by_side(jobs)
        sets = {name: {**parts[name], **found} for name, found in taker.score().items()}
    from .. import __version__

    first = measures[0]
    signature = (
        f"{first.display}@{first.entry.version}|{rules.display}@{rules.entry.version}|folder|{len(rows)} pictures|"
        f"noisebench {__version__}"
    )
    return rows, sets, signature


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


def _row(
    name: str, ours: Path, theirs: Path, rules: Bound, measures: Sequence[Bound], taker: Collector | None
) -> dict[str, Any]:
    mine, wanted = read_picture(ours), read_picture(theirs)
    if as_hwc(mine).shape != as_hwc(wanted).shape:
        raise UsageError(
            f"{one_line(ours)} is {'x'.join(map(str, mine.shape))} and {one_line(theirs)} is "
            f"{'x'.join(map(str, wanted.shape))}: they must be of one size and kind"
        )
    picture = to_unit(mine).astype(np.float32)
    scores = score_pair(picture, wanted, rules, measures)
    if taker is not None:
        taker.take(picture, wanted)
    why = "; ".join(f"{m}: {v.reason}" for m, v in scores.items() if isinstance(v, NotDefined))
    return {"item": name, "scores": {m: float(v) for m, v in scores.items()}, "note": why}


def mean_scores(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Mean of each metric over pictures; NaN where a picture has no value."""
    return {m: math.fsum(r["scores"][m] for r in rows) / len(rows) if all(math.isfinite(r["scores"][m]) for r in rows)
            else float(np.mean([r["scores"][m] for r in rows])) for m in rows[0]["scores"]}  # fmt: skip
