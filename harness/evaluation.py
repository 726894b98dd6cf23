"""Evaluate a method in this process: for notebooks and tests."""

from __future__ import annotations

import inspect
import operator
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from .components.datasets import open_dataset
from .components.entry import Entry
from .components.registry import Bound, bind, bind_all, registry
from .components.tracks import DEFAULT, get_track
from .engine.environment import check_device, environment
from .engine.training_on_demand import train_for
from .engine.tuning import tuning_notes
from .notebook.result import Result
from .planning.cells import method_flags, part, regime_key, shown_to
from .planning.dataset_part import Traits, chosen_ids, load_chosen, part_of_items, traits_of
from .planning.needs import refuse_unknown_needs
from .planning.plan import metric_part, set_parts, split_metrics, suited_to, usual_rank
from .store.cell import SCHEMA, Cell, DatasetPart, MethodPart, SetPart
from .store.cell_json import plain_values
from .store.keys import key_of
from .store.record import Record
from .suite.suite import count
from .suite.suite import whole as natural
from .text.errors import Skip, UsageError, noting_item, one_line
from .text.extras import absent_extra, needs_packages
from .track.attacks import Attacks, Differentiates
from .track.calling import ItemRow, call_all_on, in_groups, item_row, items_together, reveal
from .track.dataset_protocol import Dataset
from .track.item_traits import HasRange
from .track.order import in_order, presented, scored_in_order
from .track.posed_case import Case
from .track.runner import used_device
from .track.runner_protocol import Runner
from .track.set_metrics import Collector
from .track.track_protocol import Track, case_of


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
    on the tensor alone, in eval mode and without gradients. The rest defaults to the track's: in `restore`, `photos`
    under `gaussian(sigma=25)`, psnr and ssim under `uint8`. `range` is that of the dataset's float pictures, where it
    is not [0, 1]: 255 for 0–255, or (-1, 1). The global generators of Python, numpy and torch are left as they are;
    `torch.autocast`, `torch.no_grad` or another default dtype around the call have no effect: a method of mixed
    precision enters autocast by itself. Raises what the method raises, `Skip` where it does not apply, `Invalid` where
    it gives no output of the track, and `UsageError`.

        >>> 20 < nb.evaluate("identity", "photos", "gaussian(sigma=25)", limit=1).psnr < 21
        True
    """
    device = str(device)
    check_device(device)
    with _settings_of_a_run(device):
        field_of_work = get_track(track)
        usual = field_of_work.defaults
        seed = _number("seed", natural, seed)
        limit = None if limit is None else _number("limit", count, limit)
        bound = _bound(method, field_of_work)
        refuse_unknown_needs(bound, field_of_work)
        flags = method_flags(bound)
        if range is not None and not isinstance(field_of_work, HasRange):
            raise UsageError(f"range: track {track} does not rescale its {field_of_work.words.items}: leave range out")
        tuned = train_for(bound, field_of_work, seed, device)
        runner = field_of_work.open(bound)
        runner.setup(device)
        chosen = bind(_or_default(dataset, usual.dataset), "dataset", track)
        opened = open_dataset(chosen)
        noise = bind(_or_default(regime, usual.regime), "regime", track)
        rules = bind(_or_default(protocol, usual.protocol), "protocol", track)
        named_metrics = bind_all(_or_default(metrics, usual.metrics), "metric", track)
        suited, unscored = suited_to(named_metrics, chosen, field_of_work)
        single, of_sets = split_metrics(suited)
        keyed_sets, set_metrics = set_parts(of_sets, field_of_work)
        ids = chosen_ids(chosen, opened, limit, field_of_work)
        setup = _EvaluationSetup(
            field_of_work, runner, chosen, opened, ids, noise, rules, single, set_metrics, seed,
            used_device(runner, device), range,
        )  # fmt: skip
        expected = runner.expect(opened.ids, len(ids))
        scored = _score(setup)
        items = part_of_items(chosen, ids, scored.traits, len(opened.ids), field_of_work)
        cell = _cell(setup, bound, flags, items, keyed_sets)
        cell.sets = {name: structs.replace(part, **scored.sets[name]) for name, part in set_metrics.items()}
        if tuned:
            cell.tuned = tuned
        cell.notes = [
            *sorted(map(one_line, {*expected, *scored.notes})),
            *filter(None, [unscored]),
            *(note for one in tuned for note in tuning_notes(one)),
        ]
        return Result(_record(cell, scored.rows))


@dataclass(frozen=True)
class _EvaluationSetup:
    """A method that is set up, with the items that it is called on and what these are scored by.

    `sets` are blank parts of the metrics of whole sets; `range` is what the caller says of the items, None for nothing.
    """

    track: Track
    runner: Runner
    dataset: Bound
    opened: Dataset
    ids: Sequence[str]
    regime: Bound
    protocol: Bound
    metrics: Sequence[Bound]
    sets: Mapping[str, SetPart]
    seed: int
    device: str
    range: float | tuple[float, float] | None

    def posed(self, places: Iterable[int]) -> Iterator[tuple[Any, Case]]:
        """Items with their cases, in the order of `places`."""
        for place in places:
            with noting_item(self.track.words.item, self.ids[place]):
                item = load_chosen(self.dataset, self.opened, place, self.ids[place], self.track)
                if self.range is not None and isinstance(self.track, HasRange):
                    item = self.track.rescaled(item, self.range)
                case = case_of(self.track, self.regime, item, self.seed)
            yield item, case

    def attacked(self, places: Iterable[int]) -> Iterator[tuple[Any, Case]]:
        """The same, attacked where the regime attacks the method."""
        track, runner = self.track, self.runner
        if not (isinstance(track, Attacks) and isinstance(runner, Differentiates)):
            yield from self.posed(places)
            return
        for group in in_groups(self.posed(places), track.attacked_together(self.regime)):
            cases = track.attacked(self.regime, group, self.seed, runner.differentiate)
            yield from ((item, case) for (item, _), case in zip(group, cases, strict=True))

    def collector(self, folder: Path, features: Iterable[Any]) -> Collector:
        """What takes features for set metrics; a track that has such has a collector."""
        scoring: Any = self.track
        parts, n = plain_values(self.sets), len(self.ids)
        collector: Collector = scoring.collector(parts, folder, n, protocol=self.protocol, taken=features)
        return collector


@dataclass(frozen=True)
class _Scored:
    """Rows and traits of all items, in the order of the dataset; notes of calls; what set metrics say."""

    rows: list[ItemRow]
    traits: list[Traits]
    notes: set[str]
    sets: Mapping[str, Any]


def _score(setup: _EvaluationSetup) -> _Scored:
    """Call the method on each item, and score its output."""
    track, device, places = setup.track, setup.device, presented(setup.ids, setup.seed)
    shown = shown_to(setup.runner.meta)
    rows: list[ItemRow] = []
    traits: list[Traits] = []
    features: list[Any] = []
    notes: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        collector = setup.collector(Path(folder), ()) if setup.sets else None
        for group in in_groups(setup.attacked(places), items_together(setup.runner)):
            with noting_item(track.words.item, group[0][0].id):
                called = call_all_on(setup.runner, [reveal(case, item, shown) for item, case in group], device)
            for (item, case), (output, elapsed, call_notes) in zip(group, called, strict=True):
                with noting_item(track.words.item, item.id):
                    rows.append(item_row(track, item, case, output, elapsed, setup.protocol, setup.metrics))
                traits.append(traits_of(item, track))
                notes.update(call_notes)
                if collector is not None:
                    features.append(collector.take(output, item))
        sets = {}
        if collector is not None:
            sets = scored_in_order(collector, setup.collector, places, features, Path(folder))
    return _Scored(in_order(places, rows), in_order(places, traits), notes, sets)


@contextmanager
def _settings_of_a_run(device: str) -> Iterator[None]:
    """Use the torch settings of a run, then restore the caller's; the global generators likewise.

    So a method has the same numbers wherever it is called, and evaluating changes no training around it. Where torch is
    not imported yet nobody has changed its settings. Raises `Skip` for want of a package that an extra has.
    """
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with _torch_settings_of_a_run(device) if "torch" in sys.modules else nullcontext():
            yield
    except ImportError as error:
        if package := absent_extra(error):
            raise Skip(needs_packages([package]), needs=f"package {package}") from None
        raise
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@contextmanager
def _torch_settings_of_a_run(device: str) -> Iterator[None]:
    import torch

    kinds = {"cpu", torch.device(device).type}
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng([device] if device.startswith("cuda") else []))
        for kind in kinds:
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.callback(torch.set_default_dtype, dtype)
        torch.set_default_dtype(torch.float32)
        yield


def _cell(
    setup: _EvaluationSetup,
    method: Bound,
    flags: Mapping[str, Any],
    dataset: DatasetPart,
    keyed_sets: Mapping[str, Any],
) -> Cell:
    """The cell that a run would store, but for its sources and the time of its setup."""
    track, regime, protocol, metrics = setup.track, setup.regime, setup.protocol, setup.metrics
    inputs = {
        "kind": "score",
        "track": f"{track.name}@{track.version}",
        "method": {"spec": method.canonical},
        "data": dataset.fingerprint,
        "regime": regime_key(regime),
        "protocol": {"spec": protocol.canonical, "versions": protocol.versions},
        "metrics": {metric.canonical: metric.entry.version for metric in metrics},
        **({"sets": keyed_sets} if keyed_sets else {}),
        "seed": setup.seed,
    }
    of_method = MethodPart(
        **structs.asdict(part(method)),
        flags=dict(flags),
        cite=method.entry.meta.get("cite", ""),
        sources={},
        source_sha256="",
    )
    return Cell(
        schema=SCHEMA,
        key=key_of(inputs),
        kind="score",
        track=track.name,
        words=dict(vars(track.words)),
        method=of_method,
        dataset=dataset,
        regime=part(regime),
        protocol=part(protocol),
        seed=setup.seed,
        metrics={metric.display: metric_part(metric) for metric in metrics},
        outcome="ok",
        reason="",
        traceback="",
        notes=[],
        suite={"name": "", "rank_by": usual_rank(track, [m.display for m in metrics])},
        setup_s=None,
        seconds=None,
        cost=None,
        environment=environment(),
        inputs=inputs,
    )


def _record(cell: Cell, rows: Sequence[ItemRow]) -> Record:
    return Record(
        cell,
        [row["item"] for row in rows],
        [row["input_sha256"] for row in rows],
        [row["output_sha256"] for row in rows],
        [row["note"] for row in rows],
        np.array([row["seconds"] for row in rows]),
        {name: np.array([_float(row["scores"][name]) for row in rows]) for name in cell.metrics},
    )


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _or_default(given: Any, usual: Any) -> Any:
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
        method = _method_of(method)
    _check_callable(method, name)
    meta = {"needs": (), "requires": (), "oracle": False, "named": False, **track.declare("method", {})}
    return Bound(Entry(name, method, 1, meta), {}, name, name, track=track.name)


def _method_of(module: Any) -> Callable[[Any, Any], Any]:
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
    call = f"{name}()" if inspect.isclass(method) else f"{name}(given, info)"
    if not callable(method):
        raise UsageError(
            f"method is {name}: give a spec such as 'nlm(h=0.8)', a function f(given, info), a class, or a torch module"
        )
    try:
        inspect.signature(method).bind(*given)
    except TypeError as error:
        raise UsageError(f"method {name} cannot be called as {call}: {error}") from None
    except ValueError:  # a function in C tells no signature
        return
