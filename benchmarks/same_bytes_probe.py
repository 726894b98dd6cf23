"""The half of `same_bytes.py` that runs inside one commit's package: it runs probes and hashes the bytes that come out.

It reads one probe a line (JSON) and writes one result a line. Each probe is forked off, so that none sees what another
left behind. It uses what `import noisebench` offers and the protocol of a track, for modules move between commits.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
import json
import os
import select
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import torch

RECIPE_KINDS = ("arch", "objective", "loss", "optimizer", "schedule", "part", "sampler", "stop")
ITEMS = 2
"""Items of a dataset that are hashed, and posed by a regime: the first ones, and the last."""


def add_bytes(digest: Any, value: Any, above: tuple[int, ...] = ()) -> None:
    """Feed a value to a hash: arrays by type, shape and bytes, objects by their fields; neither addresses nor paths."""
    if id(value) in above:
        return
    above = (*above, id(value))
    if isinstance(value, nb.Info):  # before what follows: it has every attribute
        value = value.disclosed()
    if hasattr(value, "detach"):
        digest.update(f"{value.dtype}{tuple(value.shape)}".encode())
        value = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
        digest.update(f"{value.dtype.str}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, float):
        digest.update(struct.pack("<d", value))
        add_bytes(digest, getattr(value, "reason", None), above)
    elif value is None or isinstance(value, bool | int | str | bytes | complex):
        digest.update(repr(value).encode() + b";")
    elif isinstance(value, Path):
        digest.update(value.name.encode())
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            add_bytes(digest, key, above)
            add_bytes(digest, value[key], above)
    elif isinstance(value, set | frozenset):
        add_bytes(digest, sorted(value, key=str), above)
    elif isinstance(value, Iterable):
        digest.update(b"[")
        for one in value:
            add_bytes(digest, one, above)
        digest.update(b"]")
    elif dataclasses.is_dataclass(value):
        add_bytes(digest, {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}, above)
    elif not callable(value):
        add_bytes(digest, {name: one for name, one in vars(value).items() if not name.startswith("_")}, above)


def sha256(*values: Any) -> str:
    digest = hashlib.sha256()
    for value in values:
        add_bytes(digest, value)
    return digest.hexdigest()


def some_items(dataset: Any) -> list[Any]:
    count = len(dataset.ids)
    return [dataset.load(place) for place in sorted({*range(min(ITEMS, count)), count - 1})]


def probe_dataset(spec: str, track: str) -> dict[str, str]:
    """The ids, some items, and which are kept apart from trainings."""
    dataset = nb.open_dataset(nb.bind(spec, "dataset", track))
    items = {f"item {place}": sha256(item) for place, item in enumerate(some_items(dataset))}
    return {"ids": sha256(list(dataset.ids)), "kept apart": sha256(getattr(dataset, "kept_apart", None)), **items}


def probe_regime(spec: str, track: str, cell: Mapping[str, Any]) -> dict[str, str]:
    """What it makes of some items, at two seeds and as a second draw."""
    regime = nb.bind(spec, "regime", track)
    dataset = nb.open_dataset(nb.bind(cell["dataset"], "dataset", track))
    found = {}
    for seed, draw in ((0, 0), (1, 0), (0, 1)):
        cases = [nb.get_track(track).pose(regime, item, seed, draw) for item in some_items(dataset)]
        found[f"seed {seed}, draw {draw}"] = sha256([(case.given, case.info, case.wanted) for case in cases])
    return found


def probe_cell(track: str, cell: Mapping[str, Any]) -> dict[str, str]:
    """What a method is given and gives, and how it is scored; set metrics; the weights of what was trained for it.

    Items count in the order of their hashes: methods are given them in another one by each version.
    """
    rows: list[dict[str, str]] = []
    scorer = nb.get_track(track)
    score = scorer.score

    def noting(output: Any, item: Any, case: Any, *rest: Any) -> Any:
        scores = score(output, item, case, *rest)
        values = {"item": item, "input": (case.given, case.info), "output": output, "scores": scores}
        rows.append({name: sha256(value) for name, value in values.items()})
        return scores

    object.__setattr__(scorer, "score", noting)
    result = nb.evaluate(**cell, track=track)
    if not rows:
        raise RuntimeError("no item was scored by the track: the probe sees nothing")
    sets = {name: (result.mean(name), result.interval(name)) for name in result.sets}
    rows.sort(key=lambda row: row["item"])
    return {name: sha256([row[name] for row in rows]) for name in rows[0]} | ({"sets": sha256(sets)} if sets else {})


def trained_weights(folder: Path) -> dict[str, str]:
    """The tensors of every checkpoint below a folder, with what their cards say of the training, seconds apart."""
    found = []
    for file in folder.rglob("*.safetensors"):
        content = file.read_bytes()
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        cards = [json.loads(text) for text in header.pop("__metadata__", {}).values()]
        told = [one["training"] for one in cards if "training" in one]
        curve = [[(p["step"], p["loss"], p["score"]) for p in one["curve"]] for one in told]
        told_of = [(one["steps"], one["score"], one.get("figures")) for one in told]
        tensors = {
            name: (one["dtype"], one["shape"], content[8 + length :][slice(*one["data_offsets"])])
            for name, one in header.items()
        }
        found.append((sha256(tensors), sha256(curve, told_of)))
    if not found:
        raise RuntimeError("no checkpoint was left by the training: the probe sees nothing")
    return {"weights": sha256(sorted(one for one, _ in found)), "training": sha256(sorted(one for _, one in found))}


def run_probe(probe: Mapping[str, Any]) -> dict[str, str]:
    """Labels of what came out, each with its hash."""
    kind, track, spec, cell = probe["kind"], probe["track"], probe["spec"], probe["cell"]
    if kind == "dataset":
        return probe_dataset(spec, track)
    if kind == "regime":
        return probe_regime(spec, track, cell)
    if kind == "track":
        known = nb.get_track(track)
        return {"probe": sha256(known.probe(known.defaults.size)), **probe_cell(track, cell)}
    if kind not in RECIPE_KINDS and not cell["method"].startswith(("trained(", "inpainter(")):
        return probe_cell(track, cell)
    with tempfile.TemporaryDirectory() as folder:  # else an earlier training would be taken by its key
        os.environ["XDG_CACHE_HOME"] = folder
        return {**probe_cell(track, cell), **trained_weights(Path(folder))}


def forked(probe: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """The result of a probe that runs in a process group of its own, which is ended when its time is over."""
    reading, writing = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setsid()
        try:
            answer: dict[str, Any] = {"hashes": run_probe(probe)}
        except BaseException as error:
            answer = {"reason": " ".join(f"{type(error).__name__}: {error}".split())}
        with os.fdopen(writing, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        ready, _, _ = select.select([pipe], [], [], seconds)
        text = pipe.read() if ready else ""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    end = "its process ended without a word" if ready else f"it took more than {seconds:g} s"
    answer = json.loads(text) if text else {"reason": end}
    return {**answer, "seconds": round(time.monotonic() - start, 2)}


def main() -> None:
    torch.set_num_threads(1)
    with contextlib.suppress(ImportError):  # what most probes need, imported once and not in each fork
        for name in ("pandas", "scipy.stats", "skimage.restoration", "sklearn.linear_model"):
            importlib.import_module(name)
    nb.evaluate("identity", "dead_leaves(n=1, size=32)")
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(forked(asked["probe"], asked["seconds"])), file=out, flush=True)


if __name__ == "__main__":
    main()
