"""Evaluate a method in this process: for notebooks and tests."""

from __future__ import annotations

import inspect
import operator
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .components import open_dataset
from .engine.environment import check_device
from .engine.training_on_demand import train_for
from .errors import UsageError, one_line
from .plan import refuse_unknown_needs, set_parts, shown_to, split_metrics
from .registry import Bound, Entry, bind, bind_all, registry
from .runner import used_device
from .statistics.exact_scores import is_exact, means
from .suite import count
from .suite import whole as natural
from .track import DEFAULT, HasRange, HasSetMetrics, Track, get_track

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Result:
    """Scores of one method on one dataset under one regime: `rows` an item, means as attributes (`.psnr`).

    A row has `item`, `input_sha256`, `output_sha256`, `seconds`, `note` and each metric as a float (NaN where the
    score is not defined, with the reason in `note`). `sets` has a `SetPart` (see store/record.py) of each metric of
    the whole set; its value is an attribute too (`.kid`), NaN where it was refused. A mean leaves out items that are
    exact (an infinite PSNR) as long as others are not. `higher` says of each metric whether more is better.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    higher: dict[str, bool] = field(default_factory=dict)

    def mean(self, metric: str) -> float:
        """Mean over items, or the value of a set metric. Raises `UsageError` for one that was not asked for."""
        if metric in self.sets:
            return _float(self.sets[metric]["value"])
        if not self.rows or metric not in self.rows[0]:
            raise UsageError(f"no metric {metric!r} in this result: name it in metrics=")
        return mean_of([row[metric] for row in self.rows], self.higher.get(metric, True))[0]

    @property
    def frame(self) -> pandas.DataFrame:
        """The rows as a frame: `item`, each metric, `seconds`, `input_sha256`, `output_sha256`, `note`."""
        import pandas

        about = ["seconds", "input_sha256", "output_sha256", "note"]
        metrics = [name for name in (self.rows[0] if self.rows else ()) if name not in ("item", *about)]
        return pandas.DataFrame(self.rows, columns=["item", *metrics, *about])

    def __getattr__(self, name: str) -> float:
        if name.startswith("_") or name in ("rows", "sets", "higher"):
            raise AttributeError(name)
        try:
            return self.mean(name)
        except UsageError as error:
            raise AttributeError(str(error)) from None


def mean_of(values: Sequence[float], higher: bool) -> tuple[float, int]:
    """The mean of scores, and how many are exact, infinitely good: those are left out, unless all are."""
    table = np.array([values], dtype=np.float64)
    return float(means(table, higher)[0]), int(is_exact(table, higher).sum())


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


def evaluate(
    method: str | Callable[..., Any],
    dataset: str = "",
    regime: str = "",
    *,
    track: str = DEFAULT,
    protocol: str = "",
    metrics: Sequence[str] | str = (),
    seed: int = 0,
    limit: int | None = None,
    device: str = "cpu",
    range: float | tuple[float, float] | None = None,
) -> Result:
    """Run in this process what `noisebench run` runs in isolation: the same numbers, no limits, nothing stored.

    `method` is a spec, a registered function or class (then with what it declares and its defaults), any function
    as the track calls it: in `restore`, `f(noisy, info)` on (1, C, H, W) tensors, or a torch module, which is called
    on the tensor alone, in eval mode and without gradients. What is not said is as the track has it: in `restore`,
    `photos` under `gaussian(sigma=25)`, psnr and ssim under `uint8`. `range` says what the float pictures of the
    dataset are on, where not on [0, 1]: 255 for 0–255, or (-1, 1). Raises what the method raises, and `UsageError`.
    """
    from .calling import call_on, item_row, told

    field_of_work = get_track(track)
    usual = field_of_work.defaults
    seed = _number("seed", natural, seed)
    limit = None if limit is None else _number("limit", count, limit)
    device = str(device)
    check_device(device)
    bound = _bound(method, field_of_work)
    refuse_unknown_needs(bound, field_of_work)
    if range is not None and not isinstance(field_of_work, HasRange):
        raise UsageError(f"track {field_of_work.name} has no pictures: leave range out")
    train_for(bound, field_of_work, seed, device)
    runner = field_of_work.open(bound)
    runner.setup(device)
    device = used_device(runner, device)
    data = open_dataset(bind(_or(dataset, usual.dataset), "dataset", track))
    noise, rules = (
        bind(_or(regime, usual.regime), "regime", track),
        bind(_or(protocol, usual.protocol), "protocol", track),
    )
    single, whole = split_metrics(bind_all(_or(metrics, usual.metrics), "metric", track))
    _, parts = set_parts(whole, field_of_work)
    n = len(data.ids) if limit is None else min(limit, len(data.ids))
    runner.expect(data.ids, n)
    shown = shown_to(runner.meta)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        taker = None
        if parts and isinstance(field_of_work, HasSetMetrics):
            taker = field_of_work.collector(parts, Path(folder), n, protocol=rules)
        for index, _ in enumerate(data.ids[:n]):
            item = data.load(index)
            if range is not None and isinstance(field_of_work, HasRange):
                item = field_of_work.rescaled(item, range)
            case = field_of_work.pose(noise, item, seed)
            output, elapsed, _ = call_on(runner, told(case, item, shown), device)
            row = item_row(field_of_work, item, case, output, elapsed, rules, single)
            scores = {name: _float(value) for name, value in row["scores"].items()}
            rows.append({**{key: value for key, value in row.items() if key != "scores"}, **scores})
            if taker is not None:
                taker.take(output, item)
        found = taker.score() if taker is not None else {}
    higher = {metric.display: bool(metric.entry.meta["higher"]) for metric in single}
    return Result(rows, {name: {**part, **found[name]} for name, part in parts.items()}, higher)


def _or(given: Any, usual: Any) -> Any:
    """`usual` where nothing is given."""
    return usual if given is None or (isinstance(given, str | tuple | list) and not given) else given


def _number(name: str, check: Callable[[Any], int], value: Any) -> int:
    try:
        return check(value if isinstance(value, bool) or not hasattr(value, "__index__") else operator.index(value))
    except ValueError as error:
        raise UsageError(f"{name} must be {error}, not {one_line(repr(value), 80)}") from None


def _bound(method: str | Callable[..., Any], track: Track) -> Bound:
    """A spec, a registered function or class with its defaults, a torch module, or any function as it stands."""
    spec = method if isinstance(method, str) else registry("method", track.name).name_of(method)
    if spec or isinstance(method, str):
        return bind(spec, "method", track.name)
    name = getattr(method, "__name__", type(method).__name__)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(method, torch.nn.Module):
        method = _called(method)
    _check_callable(method, name)
    meta = {"needs": (), "requires": (), "oracle": False, "named": False, **track.declare("method", {})}
    return Bound(Entry(name, method, 1, meta), {}, name, name, track=track.name)


def _called(module: Any) -> Callable[[Any, Any], Any]:
    """A torch module as a method: called on what is given, in eval mode and without gradients, and left as it was."""
    import torch

    def call(given: Any, info: Any) -> Any:
        trained = [part for part in module.modules() if part.training]
        module.eval()
        try:
            with torch.no_grad():
                return module(given)
        finally:
            for part in trained:
                part.training = True

    return call


def _check_callable(method: Any, name: str) -> None:
    """Raise `UsageError` for what cannot be called as `f(given, info)`, or made without arguments where a class."""
    given: tuple[Any, ...] = () if inspect.isclass(method) else (None, None)
    how = f"{name}()" if inspect.isclass(method) else f"{name}(given, info)"
    if not callable(method):
        raise UsageError(
            f"method is {name}: give a spec such as 'nlm(h=0.8)', a function f(given, info), a class, or a torch module"
        )
    try:
        inspect.signature(method).bind(*given)
    except TypeError as error:
        raise UsageError(f"method {name} cannot be called as {how}: {error}") from None
    except ValueError:  # a function in C tells no signature
        return
