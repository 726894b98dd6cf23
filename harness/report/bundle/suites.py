"""From stored cells back to suites: the YAML that plans exactly these cells again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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


class _Cost(NamedTuple):
    """A method, the regime and (None: nothing of it is trained) the seed that its cost was measured under, the size."""

    method: str
    regime: str
    seed: int | None
    size: Size


def suites_of(records: Results) -> list[RemadeSuite]:
    """Suites that plan all cells that `records` hold: first those of scores, then those of costs.

    A suite of costs has one regime and one seed. Costs of methods without a score are left out: no suite file has costs
    alone.
    """
    scores: dict[RemadeSuite, dict[Place, set[str]]] = defaultdict(lambda: defaultdict(set))
    costs: dict[tuple[Any, ...], set[_Cost]] = defaultdict(set)
    for record in records:
        cell = record.cell
        method, regime = cell.method.display, cell.regime.display
        if cell.kind == "score":
            scores[_setting(record)][cell.dataset.display, regime, cell.seed].add(method)
        elif cell.kind == "cost" and (size := tuple(cost_size(cell))):
            seed = cell.seed if (cell.inputs or {}).get("trained") else None
            costs[_cost_setting(cell)].add(_Cost(method, regime, seed, size))
    scored = [suite for setting in sorted(scores, key=repr) for suite in _factors(setting, scores[setting])]
    return [*scored, *(suite for key in sorted(costs, key=repr) for suite in _cost_suites(scored, key, costs[key]))]


def _setting(record: Record) -> RemadeSuite:
    cell = record.cell
    request, inputs = cell.request or Request(), cell.inputs
    suite = dict(cell.suite)
    return RemadeSuite(
        str(suite.get("name") or "remade"),
        cell.track,
        str(suite.get("rank_by") or ""),
        cell.protocol.display,
        tuple(request.metrics or (*cell.metrics, *cell.sets)),
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


def _cost_suites(scored: Sequence[RemadeSuite], key: tuple[Any, ...], costs: set[_Cost]) -> list[RemadeSuite]:
    """Suites with these costs, each with as few scores as it must have: of one dataset of a suite that scores them."""
    track, name, repeats, device, threads = key
    hosts = [suite for suite in scored if suite.track == track]
    first = min((cost.seed for cost in costs if cost.seed is not None), default=0)
    measured: dict[tuple[RemadeSuite, str, int], set[tuple[str, Size]]] = defaultdict(set)
    for cost in costs:
        seed = first if cost.seed is None else cost.seed  # methods that are not trained go with the first seed
        fitting = [host for host in hosts if cost.method in host.methods]
        if fitting:
            host = max(fitting, key=lambda host: (cost.regime in host.regimes, seed in host.seeds, len(host.methods)))
            regime = cost.regime if cost.regime in host.regimes else host.regimes[0]
            seed = seed if seed in host.seeds else host.seeds[0]
            measured[host, regime, seed].add((cost.method, cost.size))
    return [
        replace(
            host, suite=name or host.suite, device=device, threads=threads, datasets=host.datasets[:1],
            methods=tuple(sorted(methods, key=by_number)), regimes=(regime,), seeds=(seed,),
            sizes=tuple(sorted(sizes)), repeats=repeats,
        )
        for host, regime, seed in sorted(measured, key=lambda key: (hosts.index(key[0]), by_number(key[1]), key[2]))
        for methods, sizes in sorted(_products(measured[host, regime, seed]), key=lambda product: product[1])
    ]  # fmt: skip


def names_of(records: Results) -> dict[Part, str]:
    """The names that a board shows."""
    names: dict[Part, str] = {}
    for record in sorted(records, key=lambda r: r.cell.key):
        parts = {"method": record.cell.method.display, "dataset": record.cell.dataset.display}
        for kind, name in record.names.items():
            names.setdefault((record.cell.track, kind, parts[kind]), name)
    return names


def yaml_text(suite: RemadeSuite, names: Mapping[Part, str]) -> str:
    """The suite file. Texts are written as JSON writes them, which YAML reads."""

    def named(kind: str, specs: Iterable[str]) -> str:
        texts = [(names.get((suite.track, kind, spec)), _quoted(spec)) for spec in specs]
        return "[" + ", ".join(f"{{name: {_quoted(n)}, spec: {text}}}" if n else text for n, text in texts) + "]"

    def listed(values: Iterable[Any]) -> str:
        return "[" + ", ".join(_quoted(v) for v in values) + "]"

    lines = [
        "# Plans again the cells that this was made from; time and memory limits are no part of a cell.",
        f"suite: {_quoted(suite.suite)}",
        *([f"plugins: {listed(f'../{PLUGINS}/{place}' for place in suite.plugins)}"] if suite.plugins else []),
        f"track: {_quoted(suite.track)}",
        f"methods: {named('method', suite.methods)}",
        f"datasets: {named('dataset', suite.datasets)}",
        f"regimes: {listed(suite.regimes)}",
        f"protocol: {_quoted(suite.protocol)}",
        f"metrics: {listed(suite.metrics)}",
        f"seeds: {listed(suite.seeds)}",
        *([f"rank_by: {_quoted(suite.rank_by)}"] if suite.rank_by else []),
        f"device: {_quoted(suite.device)}",
        f"limits: {{threads: {suite.threads}}}",
    ]
    if suite.limit is not None:
        lines.append(f"limit: {suite.limit}")
    if suite.sizes:
        sizes = ", ".join("x".join(map(str, size)) for size in suite.sizes)
        lines.append(f"cost: {{sizes: [{sizes}], repeats: {suite.repeats}}}")
    return "\n".join([*lines, ""])


def _quoted(value: Any) -> str:
    return spelled(json.dumps(value, ensure_ascii=False)) if isinstance(value, str) else str(value)
