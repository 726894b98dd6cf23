"""Evaluate a method in this process: for notebooks and tests."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .components import open_dataset
from .errors import UsageError
from .plan import set_parts, shown_to, split_metrics
from .registry import Bound, Entry, bind, registry
from .track import DEFAULT, HasSetMetrics, Track, get_track

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Result:
    """Scores of one method on one dataset under one regime: `rows` an item, means as attributes (`.psnr`).

    A row has `item`, `input_sha256`, `output_sha256`, `seconds`, `note` and each metric as a float (NaN where the
    score is not defined, with the reason in `note`). `sets` has a `SetPart` (see store/record.py) of each metric of
    the whole set; its value is an attribute too (`.kid`), NaN where it was refused.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)

    def mean(self, metric: str) -> float:
        """Mean over items, or the value of a set metric. Raises `UsageError` for one that was not asked for."""
        if metric in self.sets:
            return _float(self.sets[metric]["value"])
        if not self.rows or metric not in self.rows[0]:
            raise UsageError(f"no metric {metric!r} in this result: name it in metrics=")
        return float(np.mean([row[metric] for row in self.rows]))

    @property
    def frame(self) -> pandas.DataFrame:
        """The rows as a frame: `item`, each metric, `seconds`, `input_sha256`, `output_sha256`, `note`."""
        import pandas

        about = ["seconds", "input_sha256", "output_sha256", "note"]
        metrics = [name for name in (self.rows[0] if self.rows else ()) if name not in ("item", *about)]
        return pandas.DataFrame(self.rows, columns=["item", *metrics, *about])

    def __getattr__(self, name: str) -> float:
        if name.startswith("_") or name in ("rows", "sets"):
            raise AttributeError(name)
        try:
            return self.mean(name)
        except UsageError as error:
            raise AttributeError(str(error)) from None


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


def evaluate(
    method: str | Callable[..., Any],
    dataset: str = "",
    regime: str = "",
    *,
    track: str = DEFAULT,
    protocol: str = "",
    metrics: Sequence[str] = (),
    seed: int = 0,
    limit: int | None = None,
    device: str = "cpu",
) -> Result:
    """Run in this process what `noisebench run` runs in isolation: the same numbers, no limits, nothing stored.

    `method` is a spec, a registered function or class (then with what it declares and its defaults), or any function
    as the track calls it: in `restore`, `f(noisy, info)` on (1, C, H, W) tensors. What is not said is as the track
    has it: in `restore`, `photos` under `gaussian(sigma=25)`, psnr and ssim under `uint8`. Raises what the method
    raises.
    """
    from .calling import call_on, item_row, told

    field_of_work = get_track(track)
    usual = field_of_work.defaults
    runner = field_of_work.open(_bound(method, field_of_work))
    runner.setup(device)
    data = open_dataset(bind(dataset or usual.dataset, "dataset", track))
    noise, rules = bind(regime or usual.regime, "regime", track), bind(protocol or usual.protocol, "protocol", track)
    single, whole = split_metrics(bind(m, "metric", track) for m in metrics or usual.metrics)
    _, parts = set_parts(whole, field_of_work)
    n = len(data.ids) if limit is None else min(limit, len(data.ids))
    runner.expect(data.ids, n)
    shown = shown_to(runner.meta)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        taker = None
        if parts and isinstance(field_of_work, HasSetMetrics):
            taker = field_of_work.collector(parts, Path(folder), n, protocol=rules)
        for index in range(n):
            item = data.load(index)
            case = field_of_work.pose(noise, item, seed)
            output, elapsed, _ = call_on(runner, told(case, item, shown), device)
            row = item_row(field_of_work, item, case, output, elapsed, rules, single)
            scores = {name: _float(value) for name, value in row["scores"].items()}
            rows.append({**{key: value for key, value in row.items() if key != "scores"}, **scores})
            if taker is not None:
                taker.take(output, item)
        found = taker.score() if taker is not None else {}
    return Result(rows, {name: {**part, **found[name]} for name, part in parts.items()})


def _bound(method: str | Callable[..., Any], track: Track) -> Bound:
    """A spec, a registered function or class with its defaults, or any function as it stands."""
    spec = method if isinstance(method, str) else registry("method", track.name).name_of(method)
    if spec or isinstance(method, str):
        return bind(spec, "method", track.name)
    meta = {"needs": (), "requires": (), "oracle": False, "named": False, **track.declare("method", {})}
    name = getattr(method, "__name__", "method")
    return Bound(Entry(name, method, 1, meta), {}, name, name, track=track.name)
