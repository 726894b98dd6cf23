"""Suite → cells and their keys. A key is the SHA-256 of everything that can change a cell's numbers."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from msgspec import structs

from ..components.datasets import load_item, open_dataset, text_ids
from ..components.decorators import disclosed_by, refuse_own_input_behind
from ..components.plugins import load_plugin
from ..components.registry import Bound, bind, bind_all, registry
from ..components.sources import forget_sources, sources_of
from ..components.tracks import get_track
from ..store.cell import REFERENCE, DatasetPart, MetricPart, SetPart
from ..store.keys import combined
from ..store.names import names_of
from ..suite.suite import Suite
from ..text.errors import Skip, UsageError, nearest, one_line, refuse_all
from ..track.info import Info
from ..track.protocols import (
    Dataset,
    HasChannels,
    HasSetMetrics,
    PreloadsMore,
    SeesAlike,
    Track,
    case_of,
    identified,
)
from ..track.runner import not_disclosed
from .cells import (
    NO_DATASET,
    PlannedCell,
    PlannedMethod,
    PlannedRegime,
    PlannedSuite,
    method_part,
    part,
    planned_cell,
    protocol_inputs,
    weights_part,
)
from .recipe import recipes_in
from .trainings import ReadOnce, Trained, Trainings, fitted_data, judged_data, regime_data

_COLUMNS = (
    *("track", "method", "dataset", "regime", "seed", "protocol", "item"),
    *("input_sha256", "output_sha256", "seconds", "note", "outcome", "key"),
)
"""What a metric cannot be called: the other columns of rows and frames."""


@dataclass(frozen=True)
class Seen:
    """What the part of a cell that names its dataset needs of an item; None is what its track does not see."""

    line: str
    group: str
    sketch: Any
    channels: int | None


def look_at(item: Any, track: Track) -> Seen:
    """See an item. Raises `UsageError` for one that the track does not take."""
    line = identified(track, item)
    return Seen(
        line,
        getattr(item, "group", "") or "",
        track.sketch(item) if isinstance(track, SeesAlike) else None,
        track.channels(item) if isinstance(track, HasChannels) else None,
    )


def chosen_ids(bound: Bound, dataset: Dataset, limit: int | None, track: Track) -> Sequence[str]:
    """The ids of the items chosen, in order. Raises `UsageError` where there is none, or one stands for several."""
    total = len(dataset.ids)
    n = total if limit is None else min(limit, total)
    if n == 0:
        raise UsageError(f"dataset {bound.display} has no {track.words.items}")
    if len(set(text_ids(bound, dataset))) != total:
        raise UsageError(f"dataset {bound.display} gives the same id to several {track.words.items}")
    return dataset.ids[:n]


def dataset_part(bound: Bound, limit: int | None, track: Track) -> DatasetPart:
    """What is stored of a dataset, with the fingerprint of the items chosen. Reads each once. Raises `UsageError`."""
    dataset = open_dataset(bound)
    ids, seen, mistakes = chosen_ids(bound, dataset, limit, track), [], []
    for index, item_id in enumerate(ids):
        try:
            seen.append(look_at(load_chosen(bound, dataset, index, item_id, track), track))
        except UsageError as error:
            mistakes.append(str(error))
        except Exception as error:
            mistakes.append(f"{_where(bound, item_id, track)}: {type(error).__name__}: {one_line(error)}")
    refuse_all(mistakes, len(ids), track.words.items)
    return part_of_items(bound, ids, seen, len(dataset.ids), track)


def load_chosen(bound: Bound, dataset: Dataset, index: int, item_id: str, track: Track) -> Any:
    """An item of a dataset, as `load_item`. Raises `UsageError` for one of another id too."""
    item = load_item(bound, dataset, index, track)
    if item.id != item_id:
        raise UsageError(f"{_where(bound, item_id, track)}: what `load` gives has the id {one_line(repr(item.id), 60)}")
    return item


def _where(bound: Bound, item_id: str, track: Track) -> str:
    return f"dataset {bound.display}, {track.words.item} {one_line(item_id, 60)!r}"


def part_of_items(bound: Bound, ids: Sequence[str], seen: Sequence[Seen], total: int, track: Track) -> DatasetPart:
    """What is stored of a dataset of `total` items, of which those named by `ids` were chosen and seen."""
    groups: dict[str, list[str]] = {}
    for name, one in zip(ids, seen, strict=True):
        if one.group:
            groups.setdefault(one.group, []).append(name)
    fingerprint = combined(one.line for one in seen)
    made = DatasetPart(
        **structs.asdict(part(bound)), fingerprint=fingerprint, items=len(ids), total=total, groups=groups
    )
    if isinstance(track, HasChannels):
        made = structs.replace(made, channels=sorted({one.channels for one in seen}))
    if isinstance(track, SeesAlike):
        same, overlaps = track.alike([one.sketch for one in seen])
        named = {item: group for group, items in groups.items() for item in items}
        # What is one unit already needs no warning.
        first = {ids[i]: place for place, places in enumerate(same) for i in places}
        pairs = [
            [ids[i], ids[j]]
            for i, j in overlaps
            if first.get(ids[i], ids[i]) != first.get(ids[j], ids[j])
            and named.get(ids[i], ids[i]) != named.get(ids[j], ids[j])
        ]
        made = structs.replace(made, same=[[ids[i] for i in places] for places in same], overlaps=pairs)
    return made


def metric_part(bound: Bound) -> MetricPart:
    """What is stored of a metric. Raises `UsageError` where it cannot be used."""
    meta = bound.entry.meta
    own = {name: meta[name] for name in ("higher", "unit", "decimals", "order", "gate")}
    described = meta["describe"](bound) if meta["describe"] is not None else {}
    return MetricPart(version=bound.entry.version, **{**own, **described})


def is_set(metric: Bound) -> bool:
    """Whether a metric is of the whole set of items, and not of each."""
    return bool(metric.entry.meta.get("set"))


def split_metrics(metrics: Iterable[Bound]) -> tuple[list[Bound], list[Bound]]:
    """Metrics of single items, and those of the whole set."""
    every = list(metrics)
    return [m for m in every if not is_set(m)], [m for m in every if is_set(m)]


def set_parts(whole: Sequence[Bound], track: Track) -> tuple[dict[str, Any], dict[str, SetPart]]:
    """What set metrics add to a key, and their blank `SetPart`s. Raises `UsageError` for what is missing."""
    if whole and not isinstance(track, HasSetMetrics):
        raise UsageError(f"track {track.name} has no metrics of whole sets: {', '.join(m.display for m in whole)}")
    keyed: dict[str, Any] = {}
    parts: dict[str, SetPart] = {}
    for metric in whole:
        assert isinstance(track, HasSetMetrics)
        keyed[metric.canonical], blank = track.plan_set(metric)
        parts[metric.display] = SetPart(**blank)
    return keyed, parts


def completed(suite: Suite, track: Track) -> Suite:
    """The suite with what its track means where it says nothing. Raises `UsageError` for a rank_by not scored."""
    named = track.defaults
    metrics = suite.metrics or named.metrics
    suite = replace(suite, protocol=suite.protocol or named.protocol, metrics=metrics)
    single, whole = split_metrics(_bound(metrics, "metric", suite, track))
    shown = [m.display for m in single]
    if suite.rank_by in [m.display for m in whole]:
        raise UsageError(
            f"rank_by {suite.rank_by!r} is of the whole set: name a metric of each {track.words.item}, "
            f"such as {named.rank_by}"
        )
    if suite.rank_by and shown and suite.rank_by not in shown:
        raise UsageError(f"rank_by {suite.rank_by!r} is not among the metrics {', '.join(shown)}")
    for name in shown:
        if name in _COLUMNS:
            raise UsageError(f"a metric cannot be named {name!r}: it is a column of every row")
    return replace(suite, rank_by=(suite.rank_by or usual_rank(track, shown)) if shown else "")


def usual_rank(track: Track, metrics: Sequence[str]) -> str:
    """What is ranked by where nobody says: as the track has it, else the first metric; empty where there is none."""
    return track.defaults.rank_by if track.defaults.rank_by in metrics else metrics[0] if metrics else ""


def plan_each(suites: Iterable[Suite]) -> list[list[PlannedCell] | UsageError]:
    """The cells of each suite, or why it cannot be planned; what several name is read once."""
    once = ReadOnce()
    found: list[list[PlannedCell] | UsageError] = []
    for suite in suites:
        try:
            found.append(plan(suite, once))
        except UsageError as error:
            found.append(error)
    return found


def _bound(specs: Sequence[str], kind: str, suite: Suite, track: Track) -> list[Bound]:
    """What specs of a suite name. Raises `UsageError`, with file and line for a spec that a file gives."""
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


def plan(suite: Suite, once: ReadOnce | None = None) -> list[PlannedCell]:
    """All cells of a suite, in a fixed order, each with its `key`, `inputs` and `request`. Raises `UsageError`."""
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
        # A cost or a training needs no dataset: what asks for one alone names none.
        if not group and not (kind == "dataset" and (suite.cost.sizes or to_train)):
            raise UsageError(f"no {kind} given: name at least one")
    for method in bound[0]:
        refuse_unknown_needs(method, track)
    for regime in bound[2]:
        refuse_own_input_behind(regime)
    methods = [PlannedMethod(m, method_part(m), weights_part(m)) for m in bound[0]]
    _, datasets, regimes, metrics = bound
    trainings = Trainings(suite, track, datasets, once)
    whole = PlannedSuite(suite, track, bind(suite.protocol, "protocol", track.name))
    others = [
        *_score_cells(whole, methods, datasets, regimes, metrics, trainings, once),
        *_cost_cells(whole, methods, regimes, trainings),
    ]
    if not datasets:
        for planned, seed in itertools.product(methods, suite.seeds):
            trainings.of(planned, seed)
    return _named([*trainings.cells, *others], suite)


def _named(cells: list[PlannedCell], suite: Suite) -> list[PlannedCell]:
    """The cells with the names that the suite gives; a training without one has that of the first that needs it."""
    own = {suite.track: named_specs(suite)}
    needs: dict[str, dict[str, str]] = {}
    for cell in reversed(cells):
        names = {**needs.get(cell.key, {}), **names_of(cell, own)}
        if cell.kind != "train" and "method" in names:
            needs |= {key: {"method": names["method"]} for key in cell.trained.values()}
        if names:
            cell.names = names
    return cells


def named_specs(suite: Suite) -> dict[str, dict[str, str]]:
    """Kind → canonical spec → name, of what a suite runs and names. Raises `UsageError` where two have one name."""
    found: dict[str, dict[str, str]] = {}
    for kind, given in suite.names.items():
        texts = getattr(suite, f"{kind}s")
        run = bind_all(texts, kind, suite.track)
        named = {bind(spec, kind, suite.track).canonical: name for spec, name in given.items() if spec in texts}
        found[kind] = {bound.canonical: named[bound.canonical] for bound in run if bound.canonical in named}
        owners: dict[str, str] = {}
        for bound in run:
            name = named.get(bound.canonical, bound.display)
            if owners.setdefault(name, bound.display) != bound.display:
                raise UsageError(
                    f"the name {name!r} is for two {kind}s, {owners[name]} and {bound.display}: rename one"
                )
    return found


def preload_for(cells: Sequence[PlannedCell], track: Track) -> list[str]:
    """Modules that these cells of a track, and what is trained of others for them, need beyond what each does."""
    # The first optimiser of a process imports the second, for a second.
    trains = ["noisebench.training.trainer", "torch._dynamo"] if any(c.kind == "train" for c in cells) else []
    if not isinstance(track, PreloadsMore):
        return trains
    cells = [cell for cell in cells if cell.track == track.name]
    named = {("method", cell.method.display) for cell in cells}
    named |= {("metric", metric) for cell in cells for metric in (*cell.metrics, *cell.sets)}
    return trains + list(track.preload_for(bind(spec, kind, track.name) for kind, spec in sorted(named)))


def _score_cells(
    whole: PlannedSuite,
    methods: Sequence[PlannedMethod],
    datasets: Sequence[Bound],
    regimes: Sequence[Bound],
    metrics: Sequence[Bound],
    trainings: Trainings,
    once: ReadOnce,
) -> Iterable[PlannedCell]:
    suite, track = whole.suite, whole.track
    single, of_sets = split_metrics(metrics)
    keyed_sets, sets = set_parts(of_sets, track)
    scores = {m.display: metric_part(m) for m in single}
    scoring: dict[str, Any] = {
        **protocol_inputs(whole.protocol),
        "metrics": {m.canonical: _version(m, scores[m.display]) for m in single},
        "metric_sources": sources_of(metrics),
        # Absent where there are none, as weights are.
        **({"sets": keyed_sets} if keyed_sets else {}),
        **judged_data(metrics, once),
    }
    for dataset in datasets:
        named = "tested", track.name, dataset.canonical, suite.limit
        chosen = once(named, partial(dataset_part, dataset, suite.limit, track))
        dataset_sources = sources_of([dataset])
        for regime in map(PlannedRegime, regimes):
            keyed = {**regime.inputs, **regime_data(regime.bound, once)}
            for seed in suite.seeds:
                for method in methods:
                    lacks = _lacks(method.bound, dataset, regime.bound, seed, track, once)
                    trained = Trained() if lacks else trainings.of(method, seed)
                    inputs: dict[str, Any] = {
                        **method.inputs,
                        **trained.inputs,
                        "kind": "score",
                        **whole.track_inputs,
                        "data": chosen.fingerprint,
                        "dataset_sources": dataset_sources,
                        **keyed,
                        **fitted_data(method.bound, once),
                        **scoring,
                        "seed": seed,
                    }
                    cell = planned_cell("score", inputs, method, chosen, regime, scores, seed, whole)
                    cell = trained.before(cell)
                    cell.lacks, cell.sets = lacks, sets
                    yield cell


def _cost_cells(
    whole: PlannedSuite, methods: Sequence[PlannedMethod], regimes: Sequence[Bound], trainings: Trainings
) -> Iterable[PlannedCell]:
    suite, track = whole.suite, whole.track
    for size in suite.cost.sizes:
        if not track.defaults.allows(size):
            asked = "x".join(map(str, size))
            raise UsageError(f"cost size {asked} is none of track {track.name}: such as {track.defaults.sizes}")
        for method in methods:
            regime = PlannedRegime(regime_for(method.bound, regimes, track))
            trained = trainings.of(method, suite.seeds[0])
            inputs: dict[str, Any] = {
                **method.inputs,
                **trained.inputs,
                "kind": "cost",
                **whole.track_inputs,
                **regime.inputs,
                "size": list(size),
                "repeats": suite.cost.repeats,
                "device": suite.device,
                "threads": suite.limits.threads,
                "reference": REFERENCE,
            }
            seed = suite.seeds[0] if trained.keys else 0
            cell = planned_cell("cost", inputs, method, NO_DATASET, regime, {}, seed, whole)
            yield trained.before(cell)


def _version(metric: Bound, described: MetricPart) -> int | str:
    """What of a metric goes into a key: its version, and the package and weights that it is made with."""
    made_with = described.made_with
    return f"{metric.entry.version}, {made_with}" if made_with else metric.entry.version


def regime_for(method: Bound, regimes: Iterable[Bound], track: Track) -> Bound:
    """The first regime that discloses what the method needs and makes its own input; else the usual one."""
    needs = [n.split("|") for n in _needs(method)]
    for regime in regimes:
        told = disclosed_by(regime)
        if all(told & set(n) for n in needs) and all(p.entry.meta["source"] == "clean" for p in regime.parts):
            return regime
    return bind(track.defaults.regime, "regime", track.name)


def refuse_unknown_needs(method: Bound, track: Track) -> None:
    """Raise `UsageError` for what a method needs and no registered regime of its track can ever disclose."""
    usual = bind(track.defaults.regime, "regime", track.name)
    needs = {need: need.split("|") for need in _needs(method)}
    if all(set(usual.entry.meta["discloses"]) & set(names) for names in needs.values()):
        return
    regimes = registry("regime", track.name)
    always = case_of(track, usual, track.probe(track.defaults.size), 0).info.disclosed()
    known = {"item", "sample", *always}.union(*(regimes.get(name).meta["discloses"] for name in regimes.names()))
    for need, names in needs.items():
        if not known & set(names):
            raise UsageError(
                f"method {method.display} needs {need!r}, which no regime discloses: {nearest(names[0], known)}"
            )


def _lacks(method: Bound, dataset: Bound, regime: Bound, seed: int, track: Track, once: ReadOnce) -> str:
    """Why a method that is to be trained would be skipped at the first item, for what it is not told; empty if not.

    Its training would be for nothing. Methods that are not trained are told so when they run.
    """
    needs = {need: set(need.split("|")) for need in method.entry.meta.get("needs", ())}
    if not any(True for _ in recipes_in(method)) or all(names & disclosed_by(regime) for names in needs.values()):
        return ""

    def told() -> Info | None:
        try:
            return case_of(track, regime, open_dataset(dataset).load(0), seed).info
        except Skip:
            return None

    info = once(("told", track.name, dataset.canonical, regime.canonical, seed), told)
    return "" if info is None else not_disclosed([n for n, names in needs.items() if not any(a in info for a in names)])


def _needs(bound: Bound) -> list[str]:
    """What a method needs; of a wrapper that needs nothing itself, what the method within it needs."""
    own = list(bound.entry.meta.get("needs", ()))
    return own or [name for nested in bound.inner for name in _needs(nested)]
