"""From stored cells back to suites: the YAML that plans exactly these cells again."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..store.record import Cell, Record

Place = tuple[str, str, int]


@dataclass(frozen=True)
class Recipe:
    """A suite as its file says it. `sizes` are cost sizes (H, W)."""

    suite: str
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
    sizes: tuple[tuple[int, int], ...] = ()
    repeats: int = 10


def recipes(records: Sequence[Record], *, ride: bool = True) -> list[Recipe]:
    """As few suites as plan all cells that `records` hold: first those of scores, then those of costs.

    With `ride`, costs ride on a suite of scores where one has just their methods, its regimes ordered so that each
    cost is most likely planned under its own; without, they have suites of their own, of one regime each.
    """
    scores: dict[Recipe, dict[Place, set[str]]] = defaultdict(lambda: defaultdict(set))
    costs: dict[tuple[Any, ...], dict[str, str]] = defaultdict(dict)
    for record in records:
        cell = record.cell
        if cell["kind"] == "score":
            place = (cell["dataset"]["display"], cell["regime"]["display"], cell["seed"])
            scores[_setting(cell)][place].add(cell["method"]["display"])
        else:
            inputs = cell.get("inputs") or {}
            size = tuple(inputs.get("size") or (cell["cost"] or {"size": ()})["size"][:2])
            costs[_cost_setting(cell)].setdefault(cell["method"]["display"], cell["regime"]["display"])
            costs[_cost_setting(cell)][f"size {size!r}"] = json.dumps(size)
    made: list[Recipe] = []
    for setting in sorted(scores, key=repr):
        made += _factors(setting, scores[setting])
    for key in sorted(costs, key=repr):
        found = costs[key]
        sizes = tuple(sorted(tuple(json.loads(v)) for k, v in found.items() if k.startswith("size ")))
        regimes = {m: r for m, r in found.items() if not m.startswith("size ")}
        made = _with_costs(made, key, regimes, sizes, ride)
    return made


def _setting(cell: Cell) -> Recipe:
    request, inputs = cell.get("request") or {}, cell.get("inputs") or {}
    suite = dict(cell["suite"])
    return Recipe(
        str(suite.get("name") or suite.get("suite") or "remade"),
        str(suite.get("rank_by") or "psnr"),
        cell["protocol"]["display"],
        tuple(request.get("metrics") or cell["metrics"]),
        request.get("limit") if request else cell["dataset"]["pictures"],
        str(request.get("device") or inputs.get("device") or "cpu"),
        int(request.get("threads") or inputs.get("threads") or 1),
        tuple(request.get("plugins") or ()),
    )


def _cost_setting(cell: Cell) -> tuple[Any, ...]:
    inputs = cell.get("inputs") or {}
    return (
        str(dict(cell["suite"]).get("name", "")), int(inputs.get("repeats") or 10),
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
            for regime in sorted({regime for regime, _ in pairs}):
                by_seeds[frozenset(seed for r, seed in pairs if r == regime)].append(regime)
            for seeds in sorted(by_seeds, key=sorted):
                made.append(
                    replace(
                        setting,
                        methods=tuple(sorted(chosen)),
                        datasets=tuple(sorted(by_rest[pairs])),
                        regimes=tuple(by_seeds[seeds]),
                        seeds=tuple(sorted(seeds)),
                    )
                )
    return made


def _with_costs(
    made: list[Recipe], key: tuple[Any, ...], regimes: dict[str, str], sizes: tuple[tuple[int, int], ...], ride: bool
) -> list[Recipe]:
    name, repeats, device, threads = key
    count = Counter(regimes.values())
    for i, one in enumerate(made if ride else ()):
        free = not one.sizes and (one.device, one.threads) == (device, threads)
        if free and set(one.methods) == set(regimes) and set(count) <= set(one.regimes):
            # The first regime that tells a method what it needs is the one its cost was measured under: what
            # serves most methods comes first.
            order = sorted(one.regimes, key=lambda r: (-count[r], r))
            return [*made[:i], replace(one, regimes=tuple(order), sizes=sizes, repeats=repeats), *made[i + 1 :]]
    for regime in sorted(count):
        methods = tuple(sorted(m for m, r in regimes.items() if r == regime))
        host = next((r for r in made if regime in r.regimes and set(methods) <= set(r.methods)), None)
        host = host or next((r for r in made if set(methods) <= set(r.methods)), None)
        if host is None:
            continue
        made = [
            *made,
            replace(
                host, suite=name or host.suite, device=device, threads=threads, methods=methods,
                datasets=host.datasets[:1], regimes=(regime,) if regime in host.regimes else host.regimes[:1],
                seeds=host.seeds[:1], sizes=sizes, repeats=repeats,
            ),
        ]  # fmt: skip
    return made


def yaml_text(recipe: Recipe) -> str:
    """The suite file. Texts are written as JSON writes them, which YAML reads."""

    def listed(values: Iterable[Any]) -> str:
        return "[" + ", ".join(_quoted(v) for v in values) + "]"

    lines = [
        "# Plans again the cells that this was made from; time and memory limits are no part of a cell.",
        f"suite: {_quoted(recipe.suite)}",
        f"methods: {listed(recipe.methods)}",
        f"datasets: {listed(recipe.datasets)}",
        f"regimes: {listed(recipe.regimes)}",
        f"protocol: {_quoted(recipe.protocol)}",
        f"metrics: {listed(recipe.metrics)}",
        f"seeds: {listed(recipe.seeds)}",
        f"rank_by: {_quoted(recipe.rank_by)}",
        f"device: {_quoted(recipe.device)}",
        f"limits: {{threads: {recipe.threads}}}",
    ]
    if recipe.limit is not None:
        lines.append(f"limit: {recipe.limit}")
    if recipe.sizes:
        sizes = ", ".join(f"{h}x{w}" for h, w in recipe.sizes)
        lines.append(f"cost: {{sizes: [{sizes}], repeats: {recipe.repeats}}}")
    return "\n".join([*lines, ""])


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
