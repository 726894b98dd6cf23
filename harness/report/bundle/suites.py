"""From stored cells back to suites: the YAML that plans exactly these cells again."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...json_values import spelled
from ...store.record import Cell, Record, item_count
from ...wording import by_number

Place = tuple[str, str, int]
Part = tuple[str, str, str]
"""Track, `method` or `dataset`, and the display form of one."""
PLUGINS = "plugins"
"""The folder of plug-ins, beside that of the suites."""


@dataclass(frozen=True)
class Recipe:
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
    sizes: tuple[tuple[int, ...], ...] = ()
    repeats: int = 10


def recipes(records: Sequence[Record], *, ride: bool = True) -> list[Recipe]:
    """As few suites as plan all cells that `records` hold: first those of scores, then those of costs.

    With `ride`, costs ride on a suite of scores where one has just their methods, its regimes ordered so that each
    cost is most likely planned under its own; without, they have suites of their own, of one regime each.
    """
    scores: dict[Recipe, dict[Place, set[str]]] = defaultdict(lambda: defaultdict(set))
    costs: dict[tuple[Any, ...], _Costs] = defaultdict(_Costs)
    for record in records:
        cell = record.cell
        if cell["kind"] == "score":
            place = (cell["dataset"]["display"], cell["regime"]["display"], cell["seed"])
            scores[_setting(record)][place].add(cell["method"]["display"])
        elif cell["kind"] == "cost":
            inputs = cell.get("inputs") or {}
            own = costs[_cost_setting(cell)]
            own.sizes.add(tuple(inputs.get("size") or (cell["cost"] or {"size": ()})["size"]))
            own.regimes.setdefault(cell["method"]["display"], cell["regime"]["display"])
    suites: list[Recipe] = []
    for setting in sorted(scores, key=repr):
        suites += _factors(setting, scores[setting])
    for key in sorted(costs, key=repr):
        suites = _with_costs(suites, key, costs[key], ride)
    return suites


@dataclass
class _Costs:
    """Costs of one setting: the regime that each method was measured under, and the sizes."""

    regimes: dict[str, str] = field(default_factory=dict)
    sizes: set[tuple[int, ...]] = field(default_factory=set)


def _setting(record: Record) -> Recipe:
    cell = record.cell
    request, inputs = cell.get("request") or {}, cell.get("inputs") or {}
    suite = dict(cell["suite"])
    return Recipe(
        str(suite.get("name") or "remade"),
        cell["track"],
        str(suite.get("rank_by") or ""),
        cell["protocol"]["display"],
        tuple(request.get("metrics") or cell["metrics"]),
        request.get("limit") if request else item_count(cell),
        str(request.get("device") or inputs.get("device") or "cpu"),
        int(request.get("threads") or inputs.get("threads") or 1),
        record.plugins.loaded if record.plugins else (),
    )


def _cost_setting(cell: Cell) -> tuple[Any, ...]:
    inputs = cell.get("inputs") or {}
    return (
        cell["track"], str(dict(cell["suite"]).get("name", "")), int(inputs.get("repeats") or 10),
        str(inputs.get("device") or "cpu"), int(inputs.get("threads") or 1),
    )  # fmt: skip


def _factors(setting: Recipe, places: dict[Place, set[str]]) -> list[Recipe]:
    """Products methods × datasets × regimes × seeds that cover each cell once."""
    by_methods: dict[frozenset[str], dict[str, set[tuple[str, int]]]] = defaultdict(lambda: defaultdict(set))
    for (dataset, regime, seed), methods in places.items():
        by_methods[frozenset(methods)][dataset].add((regime, seed))
    made = []
    for chosen in sorted(by_methods, key=lambda m: (-len(m), sorted(m))):
        by_rest: dict[frozenset[tuple[str, int]], list[str]] = defaultdict(list)
        for dataset, rest in by_methods[chosen].items():
            by_rest[frozenset(rest)].append(dataset)
        for pairs in sorted(by_rest, key=sorted):
            by_seeds: dict[frozenset[int], list[str]] = defaultdict(list)
            for regime in sorted({regime for regime, _ in pairs}, key=by_number):
                by_seeds[frozenset(seed for r, seed in pairs if r == regime)].append(regime)
            for seeds in sorted(by_seeds, key=sorted):
                made.append(
                    replace(
                        setting,
                        methods=tuple(sorted(chosen, key=by_number)),
                        datasets=tuple(sorted(by_rest[pairs], key=by_number)),
                        regimes=tuple(by_seeds[seeds]),
                        seeds=tuple(sorted(seeds)),
                    )
                )
    return made


def _with_costs(suites: list[Recipe], key: tuple[Any, ...], costs: _Costs, ride: bool) -> list[Recipe]:
    track, name, repeats, device, threads = key
    regimes, sizes = costs.regimes, tuple(sorted(costs.sizes))
    count = Counter(regimes.values())
    for i, one in enumerate(suites if ride else ()):
        free = not one.sizes and (one.track, one.device, one.threads) == (track, device, threads)
        if free and set(one.methods) == set(regimes) and set(count) <= set(one.regimes):
            # The first regime that tells a method what it needs is the one its cost was measured under: what
            # serves most methods comes first.
            order = sorted(one.regimes, key=lambda r: (-count[r], by_number(r)))
            return [*suites[:i], replace(one, regimes=tuple(order), sizes=sizes, repeats=repeats), *suites[i + 1 :]]
    for regime in sorted(count, key=by_number):
        methods = tuple(sorted((m for m, r in regimes.items() if r == regime), key=by_number))
        hosts = [one for one in suites if one.track == track and set(methods) <= set(one.methods)]
        host = next((one for one in hosts if regime in one.regimes), hosts[0] if hosts else None)
        if host is None:
            continue
        suites = [
            *suites,
            replace(
                host, suite=name or host.suite, device=device, threads=threads, methods=methods,
                datasets=host.datasets[:1], regimes=(regime,) if regime in host.regimes else host.regimes[:1],
                seeds=host.seeds[:1], sizes=sizes, repeats=repeats,
            ),
        ]  # fmt: skip
    return suites


def names_of(records: Sequence[Record]) -> dict[Part, str]:
    """The names that a board shows."""
    found: dict[Part, str] = {}
    for record in sorted(records, key=lambda r: r.cell["key"]):
        parts = {"method": record.cell["method"]["display"], "dataset": record.cell["dataset"]["display"]}
        for kind, name in record.names.items():
            found.setdefault((record.cell["track"], kind, parts[kind]), name)
    return found


def yaml_text(recipe: Recipe, names: Mapping[Part, str]) -> str:
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
