"""Suite → cells and their keys. A key is the SHA-256 of everything that can change a cell's numbers."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from .errors import UsageError
from .fingerprint import combined, method_sources
from .regimes.degrade import pixel_sha256
from .registry import DATASETS, METHODS, METRICS, PROTOCOLS, REGIMES, Bound, bind, bind_all, load_plugin
from .scoring.protocol import metric_part
from .suite import Suite
from .tracks.restore import Sample, open_dataset

TRACK = "restore@1"
_FLAGS = ("blind", "zero_shot", "self_ensemble", "tiled", "oracle", "baseline", "trained_on")


def picture_line(sample: Sample) -> str:
    """What identifies one picture of a dataset: id, clean and noisy pixels, and what the optimum is told."""
    noisy = pixel_sha256(sample.noisy) if sample.noisy is not None else "-"
    meta = hashlib.sha256()
    for key in sorted(sample.meta):
        value = sample.meta[key]
        meta.update(key.encode())
        meta.update(np.ascontiguousarray(value).tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return f"{sample.id!r} {pixel_sha256(sample.clean)} {noisy} {meta.hexdigest() if sample.meta else '-'}"


def fingerprint(bound: Bound, limit: int | None) -> tuple[str, int]:
    """Fingerprint of the pictures chosen, in order, and how many they are. Reads each picture once."""
    dataset = open_dataset(bound)
    n = len(dataset.ids) if limit is None else min(limit, len(dataset.ids))
    if n == 0:
        raise UsageError(f"dataset {bound.display} has no pictures")
    if len(set(dataset.ids)) != len(dataset.ids):
        raise UsageError(f"dataset {bound.display} gives the same id to several pictures")
    return combined(picture_line(dataset.load(i)) for i in range(n)), n


def key_of(inputs: dict[str, Any]) -> str:
    """The content key of what went into a cell."""
    text = json.dumps(inputs, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def restoration_key(inputs: dict[str, Any]) -> str:
    """The key of what the restored pictures of a cell depend on: all but protocol and metrics."""
    return key_of({name: value for name, value in inputs.items() if name not in ("protocol", "metrics", "sets")})


def part(bound: Bound) -> dict[str, Any]:
    """Name, canonical and display form, versions: a `NamedPart`."""
    return {
        "name": bound.entry.name,
        "spec": bound.canonical,
        "display": bound.display,
        "versions": bound.versions,
    }


def method_part(bound: Bound) -> dict[str, Any]:
    """A `MethodPart`: flags of wrapped methods are inherited."""
    own, *wrapped = _flags(bound)
    flags: dict[str, Any] = {}
    for name in _FLAGS:
        values = [own.get(name), *(f.get(name) for f in wrapped)]
        if name == "trained_on":
            flags[name] = sorted({d for v in values for d in v or ()})
        else:
            flags[name] = bool(values[0]) if name == "baseline" else any(values)
    sources = method_sources(bound)
    return {
        **part(bound),
        "flags": flags,
        "cite": bound.entry.meta.get("cite", ""),
        "sources": sources,
        "source_sha256": combined(f"{k} {v}" for k, v in sources.items()),
    }


def _flags(bound: Bound) -> list[dict[str, Any]]:
    """Flags of a method, then of each that it wraps: as registered, changed by what its `flags(**params)` says."""
    own, say = dict(bound.entry.meta), inspect.getattr_static(bound.entry.obj, "flags", None)
    if isinstance(say, staticmethod):
        own.update(say(**bound.kwargs))
    return [own, *(f for nested in (*bound.then, *bound.inner) for f in _flags(nested))]


def weights_part(bound: Bound) -> dict[str, str]:
    """Weight file → SHA-256 of a method and of those it wraps: what their `weight_files(**params)` say."""
    found: dict[str, str] = {}
    for nested in (*bound.then, *bound.inner):
        found.update(weights_part(nested))
    files = getattr(bound.entry.obj, "weight_files", None)
    return {**found, **files(**bound.kwargs)} if files is not None else found


def plan(suite: Suite) -> list[dict[str, Any]]:
    """All cells of a suite, in a fixed order, each with its `key`, `inputs` and `request`. Raises `UsageError`."""
    plugins = [os.path.abspath(p) for p in suite.plugins]
    for file in plugins:
        load_plugin(file)
    methods = bind_all(suite.methods, METHODS)
    datasets = bind_all(suite.datasets, DATASETS)
    regimes = bind_all(suite.regimes, REGIMES)
    protocol = bind(suite.protocol, PROTOCOLS)
    asked = bind_all(suite.metrics, METRICS)
    _together(methods, datasets, regimes, asked)
    metrics = [m for m in asked if not m.entry.meta.get("set")]
    whole = [m for m in asked if m.entry.meta.get("set")]
    suite = replace(suite, rank_by=_rank_by(suite, metrics, whole))
    # Absent where there are none, as weights are: a cell without set metrics keeps its key.
    keyed_sets, sets = set_parts(whole)
    scores = {m.display: metric_part(m) for m in metrics}
    for name in scores:
        if name in ("item", "input_sha256", "output_sha256", "seconds", "note"):
            raise UsageError(f"a metric cannot be named {name!r}: it is a column of every row")
    if metrics and suite.rank_by not in scores:
        raise UsageError(f"rank_by {suite.rank_by!r} is not among the metrics {', '.join(scores)}")
    method_parts = [method_part(m) for m in methods]
    # Absent where there are none, so that adding weights to one method changes no other key.
    weights = [{"weights": w} if (w := weights_part(m)) else {} for m in methods]
    common = {
        "track": suite.track,
        "protocol": part(protocol),
        "suite": {"name": suite.suite, "rank_by": suite.rank_by},
    }
    cells: list[dict[str, Any]] = []
    for dataset in datasets:
        print_of_pictures, n = fingerprint(dataset, suite.limit)
        data = {**part(dataset), "fingerprint": print_of_pictures, "pictures": n}
        for regime in regimes:
            for seed in suite.seeds:
                for method, files in zip(method_parts, weights, strict=True):
                    inputs = {
                        **files,
                        "kind": "score",
                        "track": TRACK,
                        "method": {"spec": method["spec"], "versions": method["versions"]},
                        "sources": method["sources"],
                        "pictures": print_of_pictures,
                        "regime": {"spec": regime.canonical, "versions": regime.versions},
                        "protocol": {"spec": protocol.canonical, "versions": protocol.versions},
                        "metrics": {m.canonical: _version(m, scores[m.display]) for m in metrics},
                        **keyed_sets,
                        "seed": seed,
                    }
                    cells.append(
                        {
                            **_cell("score", inputs, method, data, part(regime), scores, seed, common, suite, plugins),
                            **sets,
                        }
                    )
    for size in suite.cost.sizes:
        for bound, method, files in zip(methods, method_parts, weights, strict=True):
            regime = _regime_for(bound, regimes)
            inputs = {
                **files,
                "kind": "cost",
                "track": TRACK,
                "method": {"spec": method["spec"], "versions": method["versions"]},
                "sources": method["sources"],
                "regime": {"spec": regime.canonical, "versions": regime.versions},
                "size": list(size),
                "repeats": suite.cost.repeats,
                "device": suite.device,
                "threads": suite.limits.threads,
            }
            cells.append(_cell("cost", inputs, method, _NO_DATASET, part(regime), {}, 0, common, suite, plugins))
    return cells


def set_parts(whole: list[Bound]) -> tuple[dict[str, Any], dict[str, Any]]:
    """`sets` of the key inputs and of the cell. Raises `UsageError` for a package, weights or a file not there."""
    if not whole:
        return {}, {}
    from .scoring.sets import plan_set

    made = [(m, *plan_set(m)) for m in whole]
    return {"sets": {m.canonical: i for m, i, _ in made}}, {"sets": {m.display: p for m, _, p in made}}


def _rank_by(suite: Suite, metrics: list[Bound], whole: list[Bound]) -> str:
    """The metric that boards rank by: of single pictures, none where only sets are scored. Raises `UsageError`."""
    shown = [m.display for m in metrics]
    if suite.rank_by in shown or not shown:
        return suite.rank_by if shown else ""
    if suite.rank_by == suite.metrics[0]:  # what `run --metrics` takes where nobody said
        return shown[0]
    if suite.rank_by in [m.display for m in whole]:
        raise UsageError(f"rank_by {suite.rank_by!r} is of the whole set: name a metric of each picture, such as psnr")
    return suite.rank_by


def _version(metric: Bound, described: dict[str, Any]) -> int | str:
    """What of a metric goes into a key: its version, and the package and weights that it is made with."""
    made_with = described.get("made_with")
    return f"{metric.entry.version}, {made_with}" if made_with else metric.entry.version


_NO_DATASET = {"name": "", "spec": "", "display": "", "versions": {}, "fingerprint": "", "pictures": 0}


def _cell(
    kind: str,
    inputs: dict[str, Any],
    method: dict[str, Any],
    dataset: dict[str, Any],
    regime: dict[str, Any],
    metrics: dict[str, Any],
    seed: int,
    common: dict[str, Any],
    suite: Suite,
    plugins: list[str],
) -> dict[str, Any]:
    request = {
        "methods": [method["display"]],
        "datasets": [dataset["display"]] if kind == "score" else [],
        "regimes": [regime["display"]],
        "protocol": suite.protocol,
        "metrics": list(suite.metrics),
        "seeds": [seed],
        "limit": suite.limit,
        "cost": None if kind == "score" else {"size": inputs["size"], "repeats": suite.cost.repeats},
        "rank_by": suite.rank_by,
        "suite": suite.suite,
        "plugins": plugins,
        "cwd": os.getcwd(),
        "device": suite.device,
        "threads": suite.limits.threads,
        "keep": suite.keep,
    }
    return {
        "key": key_of(inputs),
        "kind": kind,
        "method": method,
        "dataset": dataset,
        "regime": regime,
        "metrics": metrics,
        "seed": seed,
        **common,
        "inputs": inputs,
        "request": request,
    }


def _regime_for(method: Bound, regimes: Iterable[Bound]) -> Bound:
    """The first regime that discloses what the method needs and needs no noisy pictures; else gaussian(25)."""
    needs = [n.split("|") for n in _needs(method)]
    for regime in regimes:
        told = {n for p in regime.parts for n in p.entry.meta["discloses"]}
        if all(told & set(n) for n in needs) and all(p.entry.meta["source"] == "clean" for p in regime.parts):
            return regime
    return bind("gaussian(sigma=25)", REGIMES)


def _needs(bound: Bound) -> list[str]:
    """What a method needs; of a wrapper that needs nothing itself, what the method within it needs."""
    own = list(bound.entry.meta.get("needs", ()))
    return own or [name for nested in bound.inner for name in _needs(nested)]


def _together(*groups: list[Bound]) -> None:
    for group, name in zip(groups, ("method", "dataset", "regime", "metric"), strict=True):
        if not group:
            raise UsageError(f"no {name} given: name at least one")
