"""From stored cells back to suites: the YAML that plans exactly these cells again."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ...store.cell import Cell, Request, known
from ...store.record import Record, cost_size, item_count
from ...store.results import Results
from ...text.json_values import spelled
from ...text.wording import by_number

Place = tuple[str, str, int]
Part = tuple[str, str, str]
"""Track, `method` or `dataset`, and the display form of one."""
Size = tuple[int, ...]
PLUGINS = "plugins"
"""The folder of plug-ins, beside that of the suites."""


@dataclass(frozen=True)
class RemadeSuite:
    """A suite as its file says it. `sizes` are cost sizes, such as (H, W), `plugins` their places in `plugins/`."""

    suite: str
    track: str
    rank_by: str
    protocol: str
    metrics: tuple[str, ...]
    limit: int | None
    device: str
    threads: int
    plugins: tuple[str, ...]
    methods: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    regimes: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    sizes: tuple[Size, ...] = ()
    repeats: int = 10


def recipes(records: Results, *, ride: bool = True) -> list[RemadeSuite]:
    """As few suites as plan all cells that `records` hold: first those of scores, then those of costs.

    With `ride`, costs ride on suites of scores of which all methods were measured at a size, their regimes ordered so
    that each cost is most likely planned under its own; the others have suites of their own, of one regime each. Costs
    of methods without a score are left out: no suite file has costs alone.
    """
    scores: dict[RemadeSuite, dict[Place, set[str]]] = defaultdict(lambda: defaultdict(set))
    costs: dict[tuple[Any, ...], set[_Cost]] = defaultdict(set)
    for record in records:
        cell = record.cell
        if cell.kind == "score":
            place = (cell.dataset.display, cell.regime.display, cell.seed)
            scores[_setting(record)][place].add(cell.method.display)
        elif cell.kind == "cost" and (size := tuple(cost_size(cell))):
            costs[_cost_setting(cell)].add((_measured(cell), size))
    suites: list[RemadeSuite] = []
    for setting in sorted(scores, key=repr):
        suites += _factors(setting, scores[setting])
    for key in sorted(costs, key=repr):
        suites = _with_costs(suites, key, costs[key], ride)
    return suites


class _Measured(NamedTuple):
    """A method, the regime and (None: nothing of it is trained) the seed that its cost was measured under."""

    method: str
    regime: str
    seed: int | None


_Cost = tuple[_Measured, Size]


def _setting(record: Record) -> RemadeSuite:
    cell = record.cell
    request, inputs = cell.request or Request(), cell.inputs
    suite = dict(cell.suite)
    return RemadeSuite(
        str(suite.get("name") or "remade"),
        cell.track,
        str(suite.get("rank_by") or ""),
        cell.protocol.display,
        tuple(request.metrics or cell.metrics),
        item_count(cell) if request == Request() else known(request.limit),
        str(request.device or inputs.get("device") or "cpu"),
        int(request.threads or inputs.get("threads") or 1),
        record.plugins.loaded if record.plugins else (),
    )


def _cost_setting(cell: Cell) -> tuple[Any, ...]:
    inputs = cell.inputs or {}
    return (
        cell.track, str(dict(cell.suite).get("name", "")), int(inputs.get("repeats") or 10),
        str(inputs.get("device") or "cpu"), int(inputs.get("threads") or 1),
    )  # fmt: skip


def _measured(cell: Cell) -> _Measured:
    trained = (cell.inputs or {}).get("trained")
    return _Measured(cell.method.display, cell.regime.display, cell.seed if trained else None)


def _factors(setting: RemadeSuite, places: dict[Place, set[str]]) -> list[RemadeSuite]:
    """Products methods × datasets × regimes × seeds that cover each cell once."""
    by_methods: dict[frozenset[str], set[Place]] = defaultdict(set)
    for place, methods in places.items():
        by_methods[frozenset(methods)].add(place)
    return [
        replace(
            setting,
            methods=tuple(sorted(methods, key=by_number)),
            datasets=tuple(sorted(datasets, key=by_number)),
            regimes=tuple(sorted(regimes, key=by_number)),
            seeds=tuple(sorted(seeds)),
        )
        for methods in sorted(by_methods, key=lambda m: (-len(m), sorted(m)))
        for datasets, regimes, seeds in sorted(_products(by_methods[methods]))
    ]


def _products(cells: Iterable[tuple[Any, ...]]) -> list[tuple[list[Any], ...]]:
    """Full products that cover each cell once: values of the first axis that have the same rest go together."""
    rests: dict[Any, set[tuple[Any, ...]]] = defaultdict(set)
    for first, *rest in cells:
        rests[first].add(tuple(rest))
    groups: dict[frozenset[tuple[Any, ...]], list[Any]] = defaultdict(list)
    for first in sorted(rests):
        groups[frozenset(rests[first])].append(first)
    return [
        (firsts, *others) for rest, firsts in groups.items() for others in ([()] if rest == {()} else _products(rest))
    ]


def _with_costs(
    suites: Sequence[RemadeSuite], key: tuple[Any, ...], costs: set[_Cost], ride: bool
) -> list[RemadeSuite]:
    """The suites, which plan these costs too, and no other."""
    found, left = list(suites), set(costs)
    own_first = sorted(enumerate(suites), key=lambda place: (place[1].suite != key[1], -len(place[1].methods)))
    for i, one in own_first if ride else ():
        host, planned = _ridden(one, key, costs)
        if planned & left:
            found[i] = host
            left -= planned
    parts: dict[tuple[str, int], set[_Cost]] = defaultdict(set)
    first = min((measured.seed for measured, _ in left if measured.seed is not None), default=0)
    for measured, size in left:  # methods that are not trained go with the first seed
        parts[measured.regime, first if measured.seed is None else measured.seed].add((measured, size))
    for place in sorted(parts, key=lambda place: (by_number(place[0]), place[1])):
        seeds = {one.seed for one, _ in parts[place] if one.seed is not None}
        for methods, sizes in sorted(_products((one.method, size) for one, size in parts[place]), key=lambda p: p[1]):
            found += _alone(suites, key, place[0], seeds, methods, sizes)
    return found


def _ridden(host: RemadeSuite, key: tuple[Any, ...], costs: Iterable[_Cost]) -> tuple[RemadeSuite, set[_Cost]]:
    """A suite of scores with the sizes at which all its methods were measured, and the costs that it plans so."""
    track, _, repeats, device, threads = key
    if host.sizes or (host.track, host.device, host.threads) != (track, device, threads):
        return host, set()
    fitting = [(one, size) for one, size in costs if one.method in host.methods and one.regime in host.regimes]
    for seed in host.seeds:
        at: dict[Size, list[_Measured]] = defaultdict(list)
        for one, size in fitting:
            if one.seed in (None, seed):
                at[size].append(one)
        sizes = [size for size in sorted(at) if {one.method for one in at[size]} == set(host.methods)]
        if not sizes:
            continue
        # The first regime that tells a method what it needs is the one its cost was measured under: what serves most
        # methods comes first. What is trained for a cost is trained with the first seed.
        count = Counter(one.regime for size in sizes for one in at[size])
        regimes = sorted(host.regimes, key=lambda r: (-count[r], by_number(r)))
        seeds = (seed, *(other for other in host.seeds if other != seed))
        planned = {
            (min((one for one in at[size] if one.method == method), key=lambda one: regimes.index(one.regime)), size)
            for size in sizes
            for method in host.methods
        }
        return replace(host, regimes=tuple(regimes), seeds=seeds, sizes=tuple(sizes), repeats=repeats), planned
    return host, set()


def _alone(
    hosts: Sequence[RemadeSuite],
    key: tuple[Any, ...],
    regime: str,
    seeds: Collection[int],
    methods: Iterable[str],
    sizes: Sequence[Size],
) -> list[RemadeSuite]:
    """Suites with these costs, of one regime and seed, each with as few scores of one of the hosts as it must have."""
    track, name, repeats, device, threads = key
    left = set(methods)
    made: list[RemadeSuite] = []
    while left:
        shared = [(left & set(one.methods), one) for one in hosts if one.track == track]
        chosen, host = max(
            ((own, one) for own, one in shared if own),
            key=lambda found: (regime in found[1].regimes, set(seeds) <= set(found[1].seeds), len(found[0])),
            default=(set[str](), None),
        )
        if host is None:
            break
        left -= chosen
        made.append(
            replace(
                host, suite=name or host.suite, device=device, threads=threads,
                methods=tuple(sorted(chosen, key=by_number)), datasets=host.datasets[:1],
                regimes=(regime,) if regime in host.regimes else host.regimes[:1],
                seeds=tuple(s for s in host.seeds if s in seeds) or host.seeds[:1],
                sizes=tuple(sorted(sizes)), repeats=repeats,
            )
        )  # fmt: skip
    return made


def names_of(records: Results) -> dict[Part, str]:
    """The names that a board shows."""
    found: dict[Part, str] = {}
    for record in sorted(records, key=lambda r: r.cell.key):
        parts = {"method": record.cell.method.display, "dataset": record.cell.dataset.display}
        for kind, name in record.names.items():
            found.setdefault((record.cell.track, kind, parts[kind]), name)
    return found


def yaml_text(recipe: RemadeSuite, names: Mapping[Part, str]) -> str:
    """The suite file. Texts are written as JSON writes them, which YAML reads."""

    def named(kind: str, specs: Iterable[str]) -> str:
        texts = [(names.get((recipe.track, kind, spec)), _quoted(spec)) for spec in specs]
        return "[" + ", ".join(f"{{name: {_quoted(n)}, spec: {text}}}" if n else text for n, text in texts) + "]"

    def listed(values: Iterable[Any]) -> str:
        return "[" + ", ".join(_quoted(v) for v in values) + "]"

    lines = [
        "# Plans again the cells that this was made from; time and memory limits are no part of a cell.",
        f"suite: {_quoted(recipe.suite)}",
        *([f"plugins: {listed(f'../{PLUGINS}/{place}' for place in recipe.plugins)}"] if recipe.plugins else []),
        f"track: {_quoted(recipe.track)}",
        f"methods: {named('method', recipe.methods)}",
        f"datasets: {named('dataset', recipe.datasets)}",
        f"regimes: {listed(recipe.regimes)}",
        f"protocol: {_quoted(recipe.protocol)}",
        f"metrics: {listed(recipe.metrics)}",
        f"seeds: {listed(recipe.seeds)}",
        *([f"rank_by: {_quoted(recipe.rank_by)}"] if recipe.rank_by else []),
        f"device: {_quoted(recipe.device)}",
        f"limits: {{threads: {recipe.threads}}}",
    ]
    if recipe.limit is not None:
        lines.append(f"limit: {recipe.limit}")
    if recipe.sizes:
        sizes = ", ".join("x".join(map(str, size)) for size in recipe.sizes)
        lines.append(f"cost: {{sizes: [{sizes}], repeats: {recipe.repeats}}}")
    return "\n".join([*lines, ""])


def _quoted(value: Any) -> str:
    return spelled(json.dumps(value, ensure_ascii=False)) if isinstance(value, str) else str(value)
