"""Say of every registered component whether two commits make the same bytes of it: run one small probe of each at both.

A side is a commit, or a folder with a checkout. Each side's package is laid out by its own setup.py, each probe runs in
a process of its own (same_bytes_probe.py), and what comes out is hashed. same_bytes.yaml says what is run of which
component. Results of a commit are kept: it is computed once, and a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import io
import itertools
import json
import os
import queue
import string
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
PROBE = HERE / "same_bytes_probe.py"
NAMED_KINDS = {"track": "tracks", "method": "methods", "dataset": "datasets", "regime": "regimes",
               "protocol": "protocols", "metric": "metrics"}  # fmt: skip
RECIPE_KINDS = {"arch": "archs", "objective": "objectives", "loss": "losses", "optimizer": "optimizers",
                "schedule": "schedules", "part": "parts", "sampler": "samplers", "stop": "stops"}  # fmt: skip
KINDS = NAMED_KINDS | RECIPE_KINDS
PACKAGES = ("numpy", "scipy", "torch", "scikit-learn", "scikit-image", "opencv-python-headless")
VERSION = 2
"""Of same_bytes_probe.py: raised where it hashes otherwise, for results that are kept are of one version."""
COLUMNS = ("kind", "track", "name", "probe", "verdict", "reason", "old", "new")
PACKAGE_FOLDERS = """import json, runpy, setuptools
setuptools.setup = lambda **given: print(json.dumps(given["package_dir"]))
runpy.run_path("setup.py")"""
EXAMPLE = """example:
  nice python benchmarks/same_bytes.py d4a2575a HEAD --to build/same_bytes.csv
  python benchmarks/same_bytes.py d4a2575a . --kind regime --track restore     a commit and this checkout as it stands
  python benchmarks/same_bytes.py d4a2575a                                     fill the cache of one commit"""

Component = tuple[str, str, str]
"""Kind, track (empty for what recipes are made of) and name."""


@dataclass
class Side:
    """A commit, or a folder as it stands: its package, and the results that are known of it."""

    name: str
    layout: Path
    scratch: Path
    file: Path | None = None
    results: dict[str, dict[str, Any]] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        one_thread = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        return {**os.environ, **one_thread, "PYTHONPATH": str(self.layout), "PYTHONHASHSEED": "0",
                "XDG_CACHE_HOME": str(self.scratch / f"cache{threading.get_ident()}")}  # fmt: skip

    def keep(self, key: str, result: dict[str, Any]) -> None:
        self.results[key] = result
        if self.file is not None:
            with self.file.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, **result}) + "\n")


def git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", str(HERE.parent), *words], check=True, capture_output=True).stdout


def open_side(name: str, cache: Path, scratch: Path) -> Side:
    """The package of a commit or folder, laid out below `scratch`; a commit's results are read from the cache."""
    scratch.mkdir()
    if Path(name).is_dir():
        return Side(name, lay_out(Path(name).resolve(), scratch / "layout"), scratch)
    sha = git("rev-parse", "--verify", f"{name}^{{commit}}").decode().strip()
    tree = scratch / "tree"
    with tarfile.open(
        fileobj=io.BytesIO(git("archive", sha, ".", ":(exclude)reports", ":(exclude)results/*.json*"))
    ) as tar:
        tar.extractall(tree, filter="data")
    file = cache / f"{sha[:12]}-{conditions()[:12]}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    known = {one.pop("key"): one for one in kept if "reason" not in one}  # what failed is tried again
    return Side(sha[:12], lay_out(tree, scratch / "layout"), scratch, file, known)


def conditions() -> str:
    """A hash of what bytes depend on beside the commit: how they are probed, the processor, the packages."""
    cpu = Path("/proc/cpuinfo")
    model = [line for line in cpu.read_text().splitlines() if line.startswith("model name")][:1] if cpu.exists() else []
    found = [str(VERSION), sys.version, *model, *(f"{name} {version(name)}" for name in PACKAGES)]
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def lay_out(tree: Path, layout: Path) -> Path:
    """Link a checkout's folders below `layout` as the one package that its setup.py makes of them."""
    done = subprocess.run([sys.executable, "-c", PACKAGE_FOLDERS], cwd=tree, check=True, capture_output=True, text=True)
    folders: dict[str, str] = json.loads(done.stdout)
    for package, folder in sorted(folders.items(), key=lambda one: one[0].count(".")):
        place = layout.joinpath(*package.split("."))
        if package == "noisebench":
            place.mkdir(parents=True)
            for child in (tree / folder).iterdir():
                (place / child.name).symlink_to(child)
        elif not place.exists():
            place.symlink_to(tree / folder)
    return layout


def components(side: Side, kinds: Sequence[str]) -> list[Component]:
    """What is registered at a side of some kinds, as `noisebench list` says."""
    found: list[Component] = []
    for kind in kinds:
        key = f"list {KINDS[kind]}"
        if key not in side.results:
            words = [sys.executable, "-P", "-m", "noisebench", "list", KINDS[kind], "--json"]
            done = subprocess.run(words, env=side.environment(), cwd=side.scratch, check=True, stdout=subprocess.PIPE)
            side.keep(key, {"listed": [(one.get("track", ""), one["name"]) for one in json.loads(done.stdout)]})
        found += [(kind, track, name) for track, name in side.results[key]["listed"]]
    return found


class Probes:
    """The probe of each component: the usual one, with what same_bytes.yaml says of it."""

    def __init__(self, file: Path) -> None:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
        self.own, self.usual, self.words = said["probes"], said["usual"], dict(said["words"])
        for track, usual in self.usual.items():
            if "training" in usual:
                recipe = usual["training"]["recipe"]
                rest = ", ".join(f"{name}={value}" for name, value in recipe.items() if name != "arch")
                self.words |= {f"recipe_{track}": rest, f"trained_{track}": f"trained(arch={recipe['arch']}, {rest})"}

    def of(self, component: Component) -> dict[str, Any]:
        """The probe of a component, or `skip` with the reason why it has none."""
        kind, track, name = component
        own = self.own.get(KINDS[kind], {})
        said = own.get(f"{track}.{name}", own.get(name, {}))
        said = {"spec": said} if isinstance(said, str) else dict(said)
        spec, track = said.pop("spec", name), said.pop("track", track) or "restore"
        if "skip" in said:
            return {"kind": kind, "skip": said["skip"]}
        usual = {key: value for key, value in self.usual[track].items() if key != "training"}
        if kind in RECIPE_KINDS:
            parameter = {"part": "parts", "loss": "objective"}.get(kind, kind)
            chosen = f"supervised(loss={spec})" if kind == "loss" else spec
            training = self.usual[track]["training"]
            said = {**training, **said, "recipe": {**training["recipe"], parameter: chosen, **said.get("recipe", {})}}
            recipe = said.pop("recipe")
            made = f"{said.pop('by', 'trained')}({', '.join(f'{key}={value}' for key, value in recipe.items())})"
            usual["method"] = said.pop("within", "$this").replace("$this", made)
        elif kind != "track":
            usual["metrics" if kind == "metric" else kind] = [spec] if kind == "metric" else spec
        probe = {"kind": kind, "track": track, "spec": spec, "cell": {**usual, **said}}
        return self._spelt_out(probe)  # type: ignore[no-any-return]

    def _spelt_out(self, value: Any) -> Any:
        """The same with every `$word` replaced by what it stands for."""
        if isinstance(value, Mapping):
            return {key: self._spelt_out(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._spelt_out(one) for one in value]
        while isinstance(value, str) and "$" in value:
            value = string.Template(value).substitute(self.words)
        return value


def run_probes(side: Side, probes: Sequence[dict[str, Any]], processes: int, seconds: float) -> None:
    """Run what is not known yet of a side; each result is kept when it is there."""
    due: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
    todo = {json.dumps(probe, sort_keys=True): probe for probe in probes if "skip" not in probe}
    todo = {key: probe for key, probe in todo.items() if key not in side.results}
    for one in todo.items():
        due.put(one)
    lock, start = threading.Lock(), time.monotonic()

    def taken() -> tuple[str, dict[str, Any]] | None:
        with lock:
            return None if due.empty() else due.get()

    def work(number: int) -> None:
        log = side.scratch / f"worker{number}.log"
        words = [sys.executable, "-P", str(PROBE)]
        with log.open("w") as errors, subprocess.Popen(
            words, env=side.environment(), cwd=side.scratch, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=errors,
        ) as worker:  # fmt: skip
            assert worker.stdin is not None and worker.stdout is not None
            while (one := taken()) is not None:
                key, probe = one
                with contextlib.suppress(BrokenPipeError):
                    print(json.dumps({"probe": probe, "seconds": seconds}), file=worker.stdin, flush=True)
                line = worker.stdout.readline()
                if not line:
                    raise RuntimeError(f"{side.name}: the worker ended: {log.read_text()[-2000:]}")
                with lock:
                    side.keep(key, json.loads(line))
                    what = side.results[key].get("reason", f"{side.results[key]['seconds']:.1f} s")
                    print(f"{side.name}: {len(todo) - due.qsize()}/{len(todo)} {time.monotonic() - start:.0f} s  "
                          f"{probe['kind']} {probe['spec'][:60]}: {what[:160]}", file=sys.stderr)  # fmt: skip
            worker.stdin.close()

    with ThreadPoolExecutor(processes) as pool:
        for ended in [pool.submit(work, number) for number in range(min(processes, len(todo)))]:
            ended.result()


def judged(
    component: Component, probe: Mapping[str, Any], sides: Sequence[Side], listed: Sequence[Sequence[Component]]
) -> list[str]:
    """The row of a component: equal, differs, or not probed with the reason; of one side alone, probed or not."""
    spec = probe["cell"]["method"] if probe["kind"] in RECIPE_KINDS and "cell" in probe else probe.get("spec", "")
    row = [*component, spec]
    at = [component in one for one in listed]
    if not all(at):
        return [*row, "differs" if at[0] else "not probed", f"only at {sides[at.index(True)].name}", "", ""]
    if "skip" in probe:
        return [*row, "not probed", probe["skip"], "", ""]
    found = [side.results[json.dumps(probe, sort_keys=True)] for side in sides]
    hashes = [one.get("hashes", {}) for one in found]
    short = [hashlib.sha256(json.dumps(one, sort_keys=True).encode()).hexdigest()[:12] if one else "" for one in hashes]
    short += [""] * (2 - len(sides))
    if not any(hashes):
        return [*row, "not probed", found[-1]["reason"], *short]
    if not all(hashes):
        place = hashes.index({})
        return [*row, "differs", f"fails at {sides[place].name}: {found[place]['reason']}", *short]
    if len(sides) == 1:
        return [*row, "probed", "", *short]
    labels = sorted({label for one in hashes for label in one})
    unequal = [label for label in labels if hashes[0].get(label) != hashes[1].get(label)]
    return [*row, "differs" if unequal else "equal", ", ".join(unequal), *short]


def main(words: Sequence[str] | None = None) -> int:
    """Compare two sides; 1 where something differs."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("sides", nargs="+", metavar="OLD NEW", help="commits, or folders; OLD alone fills its cache")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this kind (repeatable)")
    parser.add_argument("--track", action="append", help="only of this track (repeatable)")
    parser.add_argument("--name", action="append", help="only components of this name (repeatable)")
    parser.add_argument(
        "--to", type=Path, default=Path("build/same_bytes.csv"), help="the table (default: %(default)s)"
    )
    parser.add_argument("--cache", type=Path, default=HERE.parent / "build/same_bytes", help="results of commits")
    parser.add_argument("--processes", type=int, choices=(1, 2), default=1, help="workers (default: 1)")
    parser.add_argument("--seconds", type=float, default=120, help="time limit of one probe (default: %(default)g)")
    args = parser.parse_args(words)
    if len(args.sides) > 2:
        parser.error("two sides at most")
    probes = Probes(HERE / "same_bytes.yaml")
    with tempfile.TemporaryDirectory(prefix="same_bytes") as folder:
        sides = [open_side(name, args.cache, Path(folder) / str(n)) for n, name in enumerate(args.sides)]
        listed = [components(side, args.kind or list(KINDS)) for side in sides]
        asked = [one for one in dict.fromkeys(itertools.chain(*listed)) if wanted(one, args)]
        of = {one: probes.of(one) for one in asked}
        for side, known in zip(sides, listed, strict=True):
            run_probes(side, [of[one] for one in asked if one in known], args.processes, args.seconds)
        rows = [judged(one, of[one], sides, listed) for one in asked]
    args.to.parent.mkdir(parents=True, exist_ok=True)
    with args.to.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    for row in rows:
        if row[4] == "differs":
            print(f"differs: {' '.join(row[:3])}: {row[5]}")
    count = Counter(row[4] for row in rows)
    print(", ".join(f"{count[name]} {name}" for name in ("equal", "differs", "probed", "not probed") if count[name]))
    return 1 if count["differs"] else 0


def wanted(component: Component, args: argparse.Namespace) -> bool:
    chosen = (args.kind, args.track, args.name)
    return all(not names or own in names for own, names in zip(component, chosen, strict=True))


if __name__ == "__main__":
    sys.exit(main())
