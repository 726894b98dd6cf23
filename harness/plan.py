"""Suite → cells and their keys. A key is the SHA-256 of everything that can change a cell's numbers."""

from __future__ import annotations

import inspect
import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NotRequired, TypedDict, TypeVar, cast

from .components import disclosed_by, open_dataset
from .errors import UsageError, nearest, one_line, refuse_all
from .recipe import VERSION as TRAINING
from .recipe import recipe_of, recipes_in, seed_of
from .registry import Bound, bind, bind_all, load_plugin, registry
from .sources import declared_files, method_folders, method_sources
from .store.keys import combined, key_of
from .store.record import REFERENCE, DatasetPart, Inputs, Kind, MethodPart, MetricPart, NamedPart, Request, SetPart
from .suite import Suite
from .track import Dataset, HasSetMetrics, IsMade, PreloadsMore, SeesAlike, Track, Trains, get_track

_FLAGS = ("blind", "zero_shot", "self_ensemble", "tiled", "oracle")
_COLUMNS = (
    *("track", "method", "dataset", "regime", "seed", "protocol", "item"),
    *("input_sha256", "output_sha256", "seconds", "note", "outcome", "key"),
)
"""What a metric cannot be called: the other columns of rows and frames."""


T = TypeVar("T")
Shown = Literal["item", "id"]


class PlannedCell(TypedDict):
    """A cell before it is run. `after` names cells that must be ok first; an `alone` cell has the machine to itself.

    `shown` is what the method sees beyond its input, and is absent where that is nothing: see `shown_to`. `trained`
    maps each recipe of the method to the key of the cell that trains it, and is absent where there is none.
    """

    key: str
    kind: Kind
    track: str
    words: dict[str, str]
    method: MethodPart
    dataset: DatasetPart
    regime: NamedPart
    protocol: NamedPart
    metrics: dict[str, MetricPart]
    sets: NotRequired[dict[str, SetPart]]
    seed: int
    suite: dict[str, str]
    inputs: Inputs
    request: Request
    after: list[str]
    alone: bool
    shown: NotRequired[Shown]
    trained: NotRequired[dict[str, str]]


@dataclass(frozen=True)
class Seen:
    """What the part of a cell that names its dataset needs of an item; `sketch` is None where its track has none."""

    line: str
    group: str
    sketch: Any


def look_at(item: Any, track: Track) -> Seen:
    """See an item. Raises `UsageError` for one that the track does not take."""
    line = track.identify(item)
    return Seen(line, getattr(item, "group", "") or "", track.sketch(item) if isinstance(track, SeesAlike) else None)


def chosen_ids(bound: Bound, dataset: Dataset, limit: int | None, track: Track) -> Sequence[str]:
    """The ids of the items chosen, in order. Raises `UsageError` where there is none, or one stands for several."""
    total = len(dataset.ids)
    n = total if limit is None else min(limit, total)
    if n == 0:
        raise UsageError(f"dataset {bound.display} has no {track.words.items}")
    if len(set(dataset.ids)) != total:
        raise UsageError(f"dataset {bound.display} gives the same id to several {track.words.items}")
    return dataset.ids[:n]


def dataset_part(bound: Bound, limit: int | None, track: Track) -> DatasetPart:
    """What is stored of a dataset, with the fingerprint of the items chosen. Reads each once. Raises `UsageError`."""
    dataset = open_dataset(bound)
    ids, seen, mistakes = chosen_ids(bound, dataset, limit, track), [], []
    for index in range(len(ids)):
        try:
            seen.append(look_at(dataset.load(index), track))
        except UsageError as error:
            mistakes.append(str(error))
    refuse_all(mistakes, len(ids), track.words.items)
    return part_of_items(bound, ids, seen, len(dataset.ids), track)


def part_of_items(bound: Bound, ids: Sequence[str], seen: Sequence[Seen], total: int, track: Track) -> DatasetPart:
    """What is stored of a dataset of `total` items, of which those named by `ids` were chosen and seen."""
    groups: dict[str, list[str]] = {}
    for name, one in zip(ids, seen, strict=True):
        if one.group:
            groups.setdefault(one.group, []).append(name)
    fingerprint = combined(one.line for one in seen)
    made: dict[str, Any] = {**part(bound), "fingerprint": fingerprint, "items": len(ids), "total": total}
    if groups:
        made["groups"] = groups
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
        made |= {"same": [[ids[i] for i in places] for places in same]} if same else {}
        made |= {"overlaps": pairs} if pairs else {}
    return cast(DatasetPart, made)


def _training_set(bound: Bound, track: Track) -> tuple[DatasetPart, dict[str, str]]:
    """What is stored of a training set, and its ids by their truths; items that are made are not read, others once."""
    assert isinstance(track, Trains)
    dataset = open_dataset(bound)
    lines, truths = [], {}
    for index, item_id in enumerate(dataset.ids):
        if isinstance(dataset, IsMade):
            line, truth = f"{item_id!r} {dataset.made(index)}", dataset.made(index)
        else:
            item = dataset.load(index)
            line, truth = track.identify(item), track.truth_sha256(item)
        lines.append(line)
        truths[truth] = item_id
    made: dict[str, Any] = {
        **part(bound), "fingerprint": combined(lines), "items": len(lines), "total": len(lines),
    }  # fmt: skip
    return cast(DatasetPart, made), truths


def _tested_truths(bound: Bound, limit: int | None, track: Trains) -> list[tuple[str, str]]:
    """The truth and the id of each item that is tested."""
    dataset = open_dataset(bound)
    chosen = list(enumerate(dataset.ids))[:limit]
    if isinstance(dataset, IsMade):
        return [(dataset.made(index), item_id) for index, item_id in chosen]
    return [(track.truth_sha256(dataset.load(index)), item_id) for index, item_id in chosen]


def part(bound: Bound) -> NamedPart:
    """Name, canonical and display form, versions."""
    return {
        "name": bound.entry.name,
        "spec": bound.canonical,
        "display": bound.display,
        "versions": bound.versions,
    }


def metric_part(bound: Bound) -> MetricPart:
    """What is stored of a metric. Raises `UsageError` where it cannot be used."""
    meta = bound.entry.meta
    own = {name: meta[name] for name in ("higher", "unit", "decimals", "order", "gate")}
    described = meta["describe"](bound) if meta["describe"] is not None else {}
    return cast(MetricPart, {"version": bound.entry.version, **own, **described})


def method_part(bound: Bound) -> MethodPart:
    """What is stored of a method: its flags, and the source files that it is made of."""
    sources = method_sources(bound)
    made: dict[str, Any] = {
        **part(bound),
        "flags": method_flags(bound),
        "cite": bound.entry.meta.get("cite", ""),
        "sources": sources,
        "source_sha256": combined(f"{k} {v}" for k, v in sources.items()),
    }
    return cast(MethodPart, made)


def method_flags(bound: Bound) -> dict[str, Any]:
    """The flags of a method: those of wrapped methods are inherited, role and family are its own."""
    own, *wrapped = _flags(bound)
    flags: dict[str, Any] = {name: any(f.get(name) for f in (own, *wrapped)) for name in _FLAGS}
    flags["trained_on"] = sorted({d for f in (own, *wrapped) for d in f.get("trained_on") or ()})
    flags["role"] = own.get("role", "")
    flags["family"] = own.get("family", "")
    return flags


def shown_to(meta: Mapping[str, Any]) -> Shown | None:
    """What a method sees of an item beyond its input: an oracle the item, a `named` one its id, all others nothing."""
    return "item" if meta["oracle"] else "id" if meta["named"] else None


def _flags(bound: Bound) -> list[dict[str, Any]]:
    """Flags of a method, then of each that it wraps: as registered, changed by what its `flags(**params)` says."""
    own, say = dict(bound.entry.meta), inspect.getattr_static(bound.entry.obj, "flags", None)
    if isinstance(say, staticmethod):
        own.update(say(**bound.kwargs))
    return [own, *(f for nested in (*bound.then, *bound.inner) for f in _flags(nested))]


def weights_part(bound: Bound) -> dict[str, str]:
    """Weight file → SHA-256 of a method and of those it wraps: its `weights`, and what `weight_files(**params)` says.

    Raises `UsageError` for one of `weights` that is not beside the method.
    """
    found: dict[str, str] = {}
    for nested in (*bound.then, *bound.inner):
        found.update(weights_part(nested))
    found.update(declared_files(bound.entry, bound.entry.meta.get("weights", ())))
    files = getattr(bound.entry.obj, "weight_files", None)
    return {**found, **files(**bound.kwargs)} if files is not None else found


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
        parts[metric.display] = cast(SetPart, blank)
    return keyed, parts


def completed(suite: Suite, track: Track) -> Suite:
    """The suite with what its track means where it says nothing. Raises `UsageError` for a rank_by not scored."""
    named = track.defaults
    metrics = suite.metrics or named.metrics
    suite = replace(suite, protocol=suite.protocol or named.protocol, metrics=metrics)
    single, whole = split_metrics(bind_all(metrics, "metric", track.name))
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


@dataclass(frozen=True)
class _Method:
    """A method of a plan: bound, as it is stored, and what its weights add to a key."""

    bound: Bound
    part: MethodPart
    weights: dict[str, str]

    @property
    def inputs(self) -> dict[str, Any]:
        # Weights are absent where there are none, so that adding them to one method changes no other key.
        return {
            **({"weights": self.weights} if self.weights else {}),
            "method": {"spec": self.part["spec"], "versions": self.part["versions"]},
            "sources": self.part["sources"],
        }


class Reading:
    """What was read of datasets for one plan, so that several plans read each once."""

    def __init__(self) -> None:
        self._read: dict[tuple[Any, ...], Any] = {}

    def dataset_part(self, bound: Bound, limit: int | None, track: Track) -> DatasetPart:
        """As `dataset_part`."""
        return self._once(("tested", track.name, bound.canonical, limit), lambda: dataset_part(bound, limit, track))

    def training_set(self, bound: Bound, track: Track) -> tuple[DatasetPart, dict[str, str]]:
        """As `_training_set`."""
        return self._once(("trained on", track.name, bound.canonical), lambda: _training_set(bound, track))

    def tested_truths(self, bound: Bound, limit: int | None, track: Trains) -> list[tuple[str, str]]:
        """As `_tested_truths`."""
        key = ("truths", cast(Track, track).name, bound.canonical, limit)
        return self._once(key, lambda: _tested_truths(bound, limit, track))

    def _once(self, key: tuple[Any, ...], read: Callable[[], T]) -> T:
        if key not in self._read:
            self._read[key] = read()
        return cast(T, self._read[key])


def plan_each(suites: Iterable[Suite]) -> list[list[PlannedCell] | UsageError]:
    """The cells of each suite, or why it cannot be planned; what several name is read once."""
    reading = Reading()
    found: list[list[PlannedCell] | UsageError] = []
    for suite in suites:
        try:
            found.append(plan(suite, reading))
        except UsageError as error:
            found.append(error)
    return found


def plan(suite: Suite, reading: Reading | None = None) -> list[PlannedCell]:
    """All cells of a suite, in a fixed order, each with its `key`, `inputs` and `request`. Raises `UsageError`."""
    reading = reading or Reading()
    plugins = list(dict.fromkeys(os.path.abspath(p) for p in suite.plugins))
    for file in plugins:
        load_plugin(file)
    track = get_track(suite.track)
    suite = replace(completed(suite, track), plugins=tuple(plugins))
    bound = [
        bind_all(getattr(suite, f"{kind}s"), kind, track.name) for kind in ("method", "dataset", "regime", "metric")
    ]
    to_train = any(True for method in bound[0] for _ in recipes_in(method))
    for kind, group in zip(("method", "dataset", "regime", "metric"), bound, strict=True):
        # A cost or a training needs no dataset: what asks for one alone names none.
        if not group and not (kind == "dataset" and (suite.cost.sizes or to_train)):
            raise UsageError(f"no {kind} given: name at least one")
    for method in bound[0]:
        refuse_unknown_needs(method, track)
    methods = [_Method(m, method_part(m), weights_part(m)) for m in bound[0]]
    _, datasets, regimes, metrics = bound
    trainings = _Trainings(suite, track, datasets, reading)
    others = [
        *_score_cells(suite, track, methods, datasets, regimes, metrics, trainings, reading),
        *_cost_cells(suite, track, methods, regimes, trainings),
    ]
    if not datasets:
        for planned, seed in itertools.product(methods, suite.seeds):
            trainings.of(planned, seed)
    return [*trainings.cells, *others]


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


def preload_for(cells: Sequence[PlannedCell]) -> list[str]:
    """Modules that these cells of one track need beyond what each of its cells does."""
    track = get_track(cells[0]["track"])
    if not isinstance(track, PreloadsMore):
        return []
    named = {("method", cell["method"]["display"]) for cell in cells}
    named |= {("metric", metric) for cell in cells for metric in (*cell["metrics"], *cell.get("sets", ()))}
    return list(track.preload_for(bind(spec, kind, track.name) for kind, spec in sorted(named)))


def _score_cells(
    suite: Suite,
    track: Track,
    methods: Sequence[_Method],
    datasets: Sequence[Bound],
    regimes: Sequence[Bound],
    metrics: Sequence[Bound],
    trainings: _Trainings,
    reading: Reading,
) -> Iterable[PlannedCell]:
    single, whole = split_metrics(metrics)
    protocol = bind(suite.protocol, "protocol", track.name)
    keyed_sets, sets = set_parts(whole, track)
    scores = {m.display: metric_part(m) for m in single}
    scoring: dict[str, Any] = {
        "protocol": {"spec": protocol.canonical, "versions": protocol.versions},
        "metrics": {m.canonical: _version(m, scores[m.display]) for m in single},
        # Absent where there are none, as weights are.
        **({"sets": keyed_sets} if keyed_sets else {}),
    }
    for dataset in datasets:
        chosen = reading.dataset_part(dataset, suite.limit, track)
        for regime in regimes:
            for seed in suite.seeds:
                for method in methods:
                    trained = trainings.of(method, seed)
                    inputs: dict[str, Any] = {
                        **method.inputs,
                        **_trained_inputs(trained),
                        "kind": "score",
                        "track": f"{track.name}@{track.version}",
                        "data": chosen["fingerprint"],
                        "regime": regime_inputs(regime),
                        **scoring,
                        "seed": seed,
                    }
                    cell = _cell("score", inputs, method, chosen, regime, scores, seed, suite, track, protocol)
                    yield {**_after(cell, trained), "sets": sets} if sets else _after(cell, trained)


def _cost_cells(
    suite: Suite, track: Track, methods: Sequence[_Method], regimes: Sequence[Bound], trainings: _Trainings
) -> Iterable[PlannedCell]:
    protocol = bind(suite.protocol, "protocol", track.name)
    usual = track.defaults.size
    for size in suite.cost.sizes:
        if len(size) != len(usual):
            example = "x".join(map(str, usual))
            raise UsageError(f"cost size {'x'.join(map(str, size))} is none of track {track.name}: such as {example}")
        for method in methods:
            regime = regime_for(method.bound, regimes, track)
            trained = trainings.of(method, suite.seeds[0])
            inputs: dict[str, Any] = {
                **method.inputs,
                **_trained_inputs(trained),
                "kind": "cost",
                "track": f"{track.name}@{track.version}",
                "regime": regime_inputs(regime),
                "size": list(size),
                "repeats": suite.cost.repeats,
                "device": suite.device,
                "threads": suite.limits.threads,
                "reference": REFERENCE,
            }
            seed = suite.seeds[0] if trained else 0
            yield _after(_cell("cost", inputs, method, _NO_DATASET, regime, {}, seed, suite, track, protocol), trained)


def _trained_inputs(trained: Mapping[str, str]) -> dict[str, Any]:
    """What the checkpoints of a method add to a key: the keys of the cells that train them."""
    return {"trained": sorted(trained.values())} if trained else {}


def _after(cell: PlannedCell, trained: dict[str, str]) -> PlannedCell:
    """The cell, to be run after those that train its method."""
    return {**cell, "after": sorted(trained.values()), "trained": trained} if trained else cell


class _Trainings:
    """The training cells of a suite, each planned once, in the order in which they are asked for.

    Raises `UsageError` where a track has no networks, or where a picture would be trained on that is tested.
    """

    def __init__(self, suite: Suite, track: Track, tests: Sequence[Bound], reading: Reading) -> None:
        self.cells: list[PlannedCell] = []
        self._suite, self._track, self._tests, self._reading = suite, track, tests, reading
        self._made: dict[tuple[str, int], PlannedCell] = {}
        self._data: dict[str, DatasetPart] = {}
        self._tested: list[tuple[Bound, list[tuple[str, str]]]] | None = None

    def of(self, method: _Method, cell_seed: int) -> dict[str, str]:
        """Recipe → key of the cell that trains it, for a cell of a seed."""
        found = {}
        for bound in recipes_in(method.bound):
            recipe = recipe_of(bound.kwargs)
            seed = seed_of(recipe, cell_seed)
            if (bound.canonical, seed) not in self._made:
                self._made[bound.canonical, seed] = self._cell(bound, seed)
                self.cells.append(self._made[bound.canonical, seed])
            found[recipe.text] = self._made[bound.canonical, seed]["key"]
        return found

    def _cell(self, bound: Bound, seed: int) -> PlannedCell:
        suite, track = self._suite, self._track
        if not isinstance(track, Trains):
            raise UsageError(f"track {track.name} trains no networks: leave {bound.display} out")
        recipe = recipe_of(bound.kwargs)
        data = self._data.get(recipe.data.canonical)
        if data is None:
            data, truths = self._reading.training_set(recipe.data, track)
            self._refuse_tested(recipe.data, truths, track)
            self._data[recipe.data.canonical] = data
        method = _Method(bound, method_part(bound), weights_part(bound))
        inputs: dict[str, Any] = {
            **method.inputs,
            "kind": "train",
            "track": f"{track.name}@{track.version}",
            "data": data["fingerprint"],
            "regime": regime_inputs(recipe.regime),
            "seed": seed,
            "training": TRAINING,
        }
        protocol = bind(track.defaults.protocol, "protocol", track.name)
        return _cell("train", inputs, method, data, recipe.regime, {}, seed, suite, track, protocol)

    def _refuse_tested(self, data: Bound, known: Mapping[str, str], track: Trains) -> None:
        """Raise `UsageError` for what is in the training set (`known`: id by truth) and in a set that is tested."""
        if self._tested is None:
            limit = self._suite.limit
            self._tested = [(test, self._reading.tested_truths(test, limit, track)) for test in self._tests]
        words = self._track.words
        for test, tested in self._tested:
            both = [(known[truth], item_id) for truth, item_id in tested if truth in known]
            if both:
                one, other = both[0]
                count = f"{len(both)} {words.items if len(both) > 1 else words.item}"
                raise UsageError(
                    f"{data.display} trains on {count} of {test.display}, which is tested: such as "
                    f"{one_line(one, 60)!r}, which is {one_line(other, 60)!r} there; train on other {words.items}"
                )


def regime_inputs(regime: Bound) -> dict[str, Any]:
    """What of a regime goes into a key. `sum` is raised when sums disclose otherwise, and no regime alone does."""
    return {"spec": regime.canonical, "versions": regime.versions, **({"sum": 2} if regime.then else {})}


def _version(metric: Bound, described: MetricPart) -> int | str:
    """What of a metric goes into a key: its version, and the package and weights that it is made with."""
    made_with = described.get("made_with")
    return f"{metric.entry.version}, {made_with}" if made_with else metric.entry.version


_NO_DATASET: DatasetPart = {"name": "", "spec": "", "display": "", "versions": {}, "fingerprint": "", "items": 0}


def _cell(
    kind: Kind,
    inputs: dict[str, Any],
    method: _Method,
    dataset: DatasetPart,
    regime: Bound,
    metrics: dict[str, MetricPart],
    seed: int,
    suite: Suite,
    track: Track,
    protocol: Bound,
) -> PlannedCell:
    request: Request = {
        "track": track.name,
        "methods": [method.part["display"]],
        "datasets": [dataset["display"]] if kind == "score" else [],
        "regimes": [regime.display],
        "protocol": suite.protocol,
        "metrics": list(suite.metrics),
        "seeds": [seed],
        "limit": suite.limit,
        "cost": {"size": inputs["size"], "repeats": suite.cost.repeats} if kind == "cost" else None,
        "rank_by": suite.rank_by,
        "suite": suite.suite,
        "plugins": list(suite.plugins),
        "cwd": os.getcwd(),
        "device": suite.device,
        "threads": suite.limits.threads,
        "keep": suite.keep,
        "folders": method_folders(method.bound),
    }
    shown = shown_to(method.bound.entry.meta)
    cell: PlannedCell = {
        "key": key_of(inputs),
        "kind": kind,
        "track": track.name,
        "words": dict(vars(track.words)),
        "method": method.part,
        "dataset": dataset,
        "regime": part(regime),
        "protocol": part(protocol),
        "metrics": metrics,
        "seed": seed,
        "suite": {"name": suite.suite, "rank_by": suite.rank_by},
        "inputs": cast(Inputs, inputs),
        "request": request,
        "after": [],
        "alone": kind == "cost",
    }
    if shown is not None:
        cell["shown"] = shown
    return cell


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
    always = track.pose(usual, track.probe(track.defaults.size), 0).info.disclosed()
    known = {"item", "sample", *always}.union(*(regimes.get(name).meta["discloses"] for name in regimes.names()))
    for need, names in needs.items():
        if not known & set(names):
            raise UsageError(
                f"method {method.display} needs {need!r}, which no regime discloses: {nearest(names[0], known)}"
            )


def _needs(bound: Bound) -> list[str]:
    """What a method needs; of a wrapper that needs nothing itself, what the method within it needs."""
    own = list(bound.entry.meta.get("needs", ()))
    return own or [name for nested in bound.inner for name in _needs(nested)]
