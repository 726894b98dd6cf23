"""Suite → cells and their keys. A key is the SHA-256 of everything that can change a cell's numbers."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..components.decorators import refuse_own_input_behind
from ..components.plugins import load_plugin
from ..components.registry import Bound, bind, bind_all
from ..components.sources import forget_sources, sources_of
from ..components.tracks import get_track
from ..spec.parsing import count
from ..store.cell import REFERENCE, MetricPart, SetPart
from ..store.names import names_of
from ..suite.suite import Suite
from ..text.errors import UsageError, one_line
from ..text.extras import absent_extra
from ..text.wording import counted
from ..track.preloading import PreloadsMore
from ..track.set_metrics import ChoosesMetrics, HasSetMetrics
from ..track.track_protocol import Track
from .cells import (
    NO_DATASET,
    PlannedCell,
    PlannedMethod,
    PlannedRegime,
    PlannedSuite,
    method_part,
    planned_cell,
    protocol_inputs,
    weights_part,
)
from .dataset_part import dataset_part
from .needs import refuse_unknown_needs, regime_for, undisclosed_needs
from .planned_cells import CellCross, PlannedCells, RegimeFields
from .recipe import recipes_in
from .trainings import NeededTrainings, ReadOnce, Trainings, fitted_data, judged_data, regime_data

_MOST_CELLS = 1_000_000
_COLUMNS = (
    *("track", "method", "dataset", "regime", "seed", "protocol", "item"),
    *("input_sha256", "output_sha256", "seconds", "note", "outcome", "key"),
)
"""Names that no metric may have: the other columns of rows and frames."""


def metric_part(bound: Bound) -> MetricPart:
    """The stored part of a metric. Raises `UsageError` where it cannot be used."""
    meta = bound.entry.meta
    declared = {name: meta[name] for name in ("higher", "unit", "decimals", "order", "gate")}
    described = meta["describe"](bound) if meta["describe"] is not None else {}
    goal = meta["goal"](bound) if callable(meta["goal"]) else meta["goal"]
    aimed = {"higher": goal == "higher"} if goal in ("higher", "lower") else {"goal": goal}
    return MetricPart(version=bound.entry.version, **{**declared, **described, **aimed})


def is_set(metric: Bound) -> bool:
    """Whether a metric scores the whole set of items, not each."""
    return bool(metric.entry.meta.get("set"))


def split_metrics(metrics: Iterable[Bound]) -> tuple[list[Bound], list[Bound]]:
    """Metrics of single items, and those of the whole set."""
    listed = list(metrics)
    return [m for m in listed if not is_set(m)], [m for m in listed if is_set(m)]


def set_parts(metrics: Sequence[Bound], track: Track) -> tuple[dict[str, Any], dict[str, SetPart]]:
    """What set metrics add to a key, and their blank `SetPart`s. Raises `UsageError` for what is missing."""
    if metrics and not isinstance(track, HasSetMetrics):
        raise UsageError(f"track {track.name} has no metrics of whole sets: {', '.join(m.display for m in metrics)}")
    keyed: dict[str, Any] = {}
    parts: dict[str, SetPart] = {}
    for metric in metrics:
        assert isinstance(track, HasSetMetrics)
        keyed[metric.canonical], blank = track.plan_set(metric)
        parts[metric.display] = SetPart(**blank)
    return keyed, parts


def completed(suite: Suite, track: Track) -> Suite:
    """The suite, completed by its track's defaults. Raises `UsageError` for a rank_by that is not scored."""
    defaults = track.defaults
    metrics = suite.metrics or defaults.metrics
    suite = replace(suite, protocol=suite.protocol or defaults.protocol, metrics=metrics)
    single, of_sets = split_metrics(_bound(metrics, "metric", suite, track))
    shown = [m.display for m in single]
    if suite.rank_by in [m.display for m in of_sets]:
        raise UsageError(
            f"rank_by {suite.rank_by!r} is of the whole set: name a metric of each {track.words.item}, "
            f"such as {defaults.rank_by}"
        )
    if suite.rank_by and shown and suite.rank_by not in shown:
        raise UsageError(f"rank_by {suite.rank_by!r} is not among the metrics {', '.join(shown)}")
    for name in shown:
        if name in _COLUMNS:
            raise UsageError(f"a metric cannot be named {name!r}: it is a column of every row")
    return replace(suite, rank_by=(suite.rank_by or usual_rank(track, shown)) if shown else "")


def usual_rank(track: Track, metrics: Sequence[str]) -> str:
    """The metric to rank by if nobody names one: the track's default, else the first; empty for none."""
    return track.defaults.rank_by if track.defaults.rank_by in metrics else metrics[0] if metrics else ""


def plan_each(suites: Iterable[Suite]) -> list[PlannedCells | UsageError]:
    """The cells of each suite, or why it cannot be planned; a dataset of several suites is read once."""
    once = ReadOnce()
    plans: list[PlannedCells | UsageError] = []
    for suite in suites:
        try:
            plans.append(plan_columns(suite, once))
        except UsageError as error:
            plans.append(error)
    return plans


def _bound(specs: Sequence[str], kind: str, suite: Suite, track: Track) -> list[Bound]:
    """Bind the specs of a suite. Raises `UsageError`, with file and line for a spec from a file."""
    try:
        return bind_all(specs, kind, track.name)
    except UsageError:
        for spec in specs:
            try:
                bind_all((spec,), kind, track.name)
            except UsageError as error:
                place = suite.places.get(spec)
                raise UsageError(f"{place}: {error}" if place else str(error)) from None
        raise


def _refuse_too_many(suite: Suite) -> None:
    """Raise `UsageError` for more cells than can be planned; none is made for that."""
    listed = {"method": suite.methods, "dataset": suite.datasets, "regime": suite.regimes}
    try:
        factors = {kind: sum(map(count, specs)) for kind, specs in listed.items()} | {"seed": len(suite.seeds)}
    except UsageError:
        return  # a spec that cannot be read is named, with its place, where it is bound
    if (cells := math.prod(factors.values())) > _MOST_CELLS:
        crossed = " × ".join(counted(n, kind) for kind, n in factors.items())
        raise UsageError(
            f"{cells:,} cells ({crossed}) are above the limit of {_MOST_CELLS:,}: sweep fewer values, or make several "
            "suites of them, which can share one store"
        )


def plan(suite: Suite, once: ReadOnce | None = None) -> list[PlannedCell]:
    """All cells of a suite, in a fixed order, each with its `key`, `inputs` and `request`. Raises `UsageError`."""
    return list(plan_columns(suite, once))


def without_absent(suite: Suite) -> tuple[Suite, list[str]]:
    """The suite without the methods that need a package which is not here, and a line for each of these."""
    bound, left_out = [], []
    for spec in suite.methods:
        try:
            bind_all((spec,), "method", suite.track)
        except UsageError as error:
            if absent_extra(error):
                name = suite.names.get("method", {}).get(spec, spec)
                left_out.append(f"method {one_line(name, 80)} is left out: {error}")
                continue
        bound.append(spec)
    return replace(suite, methods=tuple(bound)), left_out


def plan_columns(suite: Suite, once: ReadOnce | None = None) -> PlannedCells:
    """The same as columns. Raises `UsageError`."""
    _refuse_too_many(suite)
    forget_sources()
    once = once or ReadOnce()
    plugins = list(dict.fromkeys(os.path.abspath(p) for p in suite.plugins))
    for file in plugins:
        load_plugin(file)
    track = get_track(suite.track)
    suite = replace(completed(suite, track), plugins=tuple(plugins))
    bound = [
        _bound(getattr(suite, f"{kind}s"), kind, suite, track) for kind in ("method", "dataset", "regime", "metric")
    ]
    to_train = any(True for method in bound[0] for _ in recipes_in(method))
    for kind, group in zip(("method", "dataset", "regime", "metric"), bound, strict=True):
        # A suite of costs or trainings alone needs no dataset.
        if not group and not (kind == "dataset" and (suite.cost.sizes or to_train)):
            raise UsageError(f"no {kind} given: name at least one")
    for method in bound[0]:
        refuse_unknown_needs(method, track)
    for regime in bound[2]:
        refuse_own_input_behind(regime)
    methods = [PlannedMethod(m, method_part(m), weights_part(m)) for m in bound[0]]
    _, datasets, regimes, metrics = bound
    trainings = Trainings(suite, track, datasets, once)
    shared = PlannedSuite(suite, track, bind(suite.protocol, "protocol", track.name))
    scores = _score_cells(shared, methods, datasets, regimes, metrics, trainings, once)
    costs = PlannedCells.of(_cost_cells(shared, methods, regimes, trainings))
    if not datasets:
        for planned, seed in itertools.product(methods, suite.seeds):
            trainings.of(planned, seed)
    cells = PlannedCells.of(trainings.cells) + scores + costs
    _name(cells.templates, suite)
    return cells


def _name(cells: Sequence[PlannedCell], suite: Suite) -> None:
    """Give cells the suite's names; an unnamed training takes that of the first cell that needs it."""
    registered = {suite.track: named_specs(suite)}
    training_names: dict[str, dict[str, str]] = {}
    for cell in reversed(cells):
        names = {**training_names.get(cell.key, {}), **names_of(cell, registered)}
        if cell.kind != "train" and "method" in names:
            training_names |= {key: {"method": names["method"]} for key in cell.trained.values()}
        if names:
            cell.names = names


def named_specs(suite: Suite) -> dict[str, dict[str, str]]:
    """Kind → canonical spec → name, as a suite gives them. Raises `UsageError` where two specs have one name."""
    names: dict[str, dict[str, str]] = {}
    for kind, given in suite.names.items():
        texts = getattr(suite, f"{kind}s")
        run = bind_all(texts, kind, suite.track)
        named = {bind(spec, kind, suite.track).canonical: name for spec, name in given.items() if spec in texts}
        names[kind] = {bound.canonical: named[bound.canonical] for bound in run if bound.canonical in named}
        owners: dict[str, str] = {}
        for bound in run:
            name = named.get(bound.canonical, bound.display)
            if owners.setdefault(name, bound.display) != bound.display:
                raise UsageError(
                    f"the name {name!r} is given to two {kind}s, {owners[name]} and {bound.display}: rename one"
                )
    return names


def preload_for(cells: Sequence[PlannedCell], track: Track) -> list[str]:
    """Modules that these cells, and trainings of other tracks for them, need beyond the track's `preload`."""
    # The first optimiser of a process imports the second, for a second.
    trains = ["noisebench.training.trainer", "torch._dynamo"] if any(c.kind == "train" for c in cells) else []
    if not isinstance(track, PreloadsMore):
        return trains
    cells = [cell for cell in cells if cell.track == track.name]
    named = {("method", cell.method.display) for cell in cells}
    named |= {("metric", metric) for cell in cells for metric in (*cell.metrics, *cell.sets)}
    return trains + list(track.preload_for(bind(spec, kind, track.name) for kind, spec in sorted(named)))


def _score_cells(
    shared: PlannedSuite,
    methods: Sequence[PlannedMethod],
    datasets: Sequence[Bound],
    regimes: Sequence[Bound],
    metrics: Sequence[Bound],
    trainings: Trainings,
    once: ReadOnce,
) -> PlannedCells:
    suite, track = shared.suite, shared.track
    cross = CellCross(shared.known)
    planned_regimes = list(map(PlannedRegime, regimes))
    for dataset in datasets:
        suited, unscored = suited_to(metrics, dataset, track)
        single, of_sets = split_metrics(suited)
        keyed_sets, sets = set_parts(of_sets, track)
        scores = {m.display: metric_part(m) for m in single}
        scoring: dict[str, Any] = {
            **protocol_inputs(shared.protocol),
            "metrics": {m.canonical: _version(m, scores[m.display]) for m in single},
            "metric_sources": sources_of(suited),
            # Absent without set metrics, so that they change no other key.
            **({"sets": keyed_sets} if keyed_sets else {}),
            **judged_data(suited, once),
        }
        named = "tested", track.name, dataset.canonical, suite.limit
        read = dataset_part if once.kept is None else once.kept.part
        chosen = once(named, partial(read, dataset, suite.limit, track))
        dataset_sources = sources_of([dataset])
        templates: dict[Any, int] = {}
        for regime in planned_regimes:
            keyed = {**regime.inputs, **regime_data(regime.bound, once)}
            cross.add_regime(RegimeFields(regime.part, regime.requested, keyed))
            for seed, (number, method) in itertools.product(suite.seeds, enumerate(methods)):
                lacks = undisclosed_needs(method, dataset, regime.bound, seed, track, once)
                alike = number, seed, lacks, tuple(keyed)
                if alike not in templates:
                    trained = NeededTrainings() if lacks else trainings.of(method, seed)
                    inputs: dict[str, Any] = {
                        **method.inputs,
                        **trained.inputs,
                        "kind": "score",
                        **shared.track_inputs,
                        "data": chosen.fingerprint,
                        "dataset_sources": dataset_sources,
                        **keyed,
                        **fitted_data(method.bound, once),
                        **scoring,
                        "seed": seed,
                    }
                    cell = planned_cell("score", inputs, method, chosen, regime, scores, seed, shared)
                    cell = trained.run_before(cell)
                    cell.lacks, cell.sets, cell.unscored = lacks, sets, unscored
                    templates[alike] = cross.add_template(cell)
                cross.put(templates[alike])
    return cross.cells


def _cost_cells(
    shared: PlannedSuite, methods: Sequence[PlannedMethod], regimes: Sequence[Bound], trainings: Trainings
) -> Iterable[PlannedCell]:
    suite, track = shared.suite, shared.track
    for size in suite.cost.sizes:
        if not track.defaults.allows(size):
            text = "x".join(map(str, size))
            raise UsageError(f"cost size {text} does not fit track {track.name}: such as {track.defaults.sizes}")
        for method in methods:
            regime = PlannedRegime(regime_for(method.bound, regimes, track))
            trained = trainings.of(method, suite.seeds[0])
            inputs: dict[str, Any] = {
                **method.inputs,
                **trained.inputs,
                "kind": "cost",
                **shared.track_inputs,
                **regime.inputs,
                "size": list(size),
                "repeats": suite.cost.repeats,
                "device": suite.device,
                "threads": suite.limits.threads,
                "reference": REFERENCE,
            }
            seed = suite.seeds[0] if trained.keys else 0
            cell = planned_cell("cost", inputs, method, NO_DATASET, regime, {}, seed, shared)
            yield trained.run_before(cell)


def suited_to(metrics: Sequence[Bound], dataset: Bound, track: Track) -> tuple[Sequence[Bound], str]:
    """The metrics that score a dataset, and why others do not. Raises `UsageError` where none does."""
    if not isinstance(track, ChoosesMetrics):
        return metrics, ""
    why = {metric.canonical: track.unsuited(metric, dataset) for metric in metrics}
    suited = [metric for metric in metrics if not why[metric.canonical]]
    reasons = "; ".join(filter(None, why.values()))
    if not suited:
        raise UsageError(f"{reasons}: name another metric or dataset")
    return suited, reasons


def _version(metric: Bound, described: MetricPart) -> int | str:
    """What keys have of a metric: its version, and the package and weights that it is made with."""
    made_with = described.made_with
    return f"{metric.entry.version}, {made_with}" if made_with else metric.entry.version
