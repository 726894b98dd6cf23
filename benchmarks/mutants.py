"""Breaks the code on purpose, one small change at a time, and lists the changes that no test noticed.

Run by `make mutants`. The changes are those of cosmic-ray; they are made in a copy under build/mutants, never here.
Each room has its own quick tests; every track is one, with its datasets and methods. A run takes a sample of a room's
places, the same one for the same key; `--all` takes every change at every place. Exits 0 where all were noticed, 1
where some were not, 2 where the tests fail unbroken.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "mutants"
COPY = BUILD / "copy"


@dataclass(frozen=True)
class Room:
    """Files that are changed, and what is passed to pytest to test them."""

    files: tuple[str, ...]
    tests: tuple[str, ...]
    without: str = "$^"  # operators that say nothing here, as of `/` between paths


QUICK = ("-m", "not (cli or browser or subprocess or training or data)")
GOLDEN = "tests/tracks/test_golden_inputs.py::test_inputs_have_their_golden_hashes"


def room_of_track(track: str) -> Room:
    """A track with its datasets and methods, and the quick tests of the folders that are named after it."""
    files = (f"harness/tracks/{track}/**/*.py", f"datasets/{track}/*.py", f"methods/{track}/*.py")
    folders = [f"tests/{part}/{track}" for part in ("tracks", "datasets", "methods")]
    return Room(files, (*(folder for folder in folders if (ROOT / folder).is_dir()), GOLDEN, *QUICK))


ROOMS = {
    "statistics": Room(("harness/statistics/*.py",), ("tests/boards/test_board.py", "tests/boards/test_ordering.py")),
    "regimes": Room(
        ("harness/tracks/restore/regimes/*.py",),
        (
            "tests/tracks/restore/regimes/test_regimes.py",
            "tests/tracks/restore/test_draws.py",
            "tests/tracks/restore/test_disclosure.py",
            "tests/tracks/restore/test_super_resolution.py",
            "-k",
            "not process_order",
        ),
    ),
    "scoring": Room(
        ("harness/tracks/restore/scoring.py",),
        (
            "tests/tracks/restore/metrics/test_diagnostics.py",
            "tests/tracks/restore/metrics/test_scoring.py",
            "tests/tracks/restore/metrics/test_sets.py::test_features_by_name_have_their_dimension_and_do_not_depend_on_company",
            "tests/tracks/restore/metrics/test_sets.py::test_sets_of_unequal_number_are_refused",
            "tests/tracks/restore/metrics/test_sets.py::test_patches_are_counted_and_a_picture_that_is_too_small_says_so",
            "tests/tracks/restore/metrics/test_sets.py::test_a_pair_of_pictures_has_no_set_metric",
            "-k",
            "not torchmetrics and not scikit_image",
        ),
    ),
    "metrics": Room(
        ("harness/tracks/restore/metrics/*.py",),
        (
            "tests/tracks/restore/metrics/test_vision.py",
            "tests/tracks/restore/metrics/test_perceptual.py",
            "tests/tracks/restore/metrics/test_no_reference.py",
            "tests/tracks/restore/metrics/test_diagnostics.py",
            "tests/tracks/restore/metrics/test_iqa.py",
            "tests/tracks/restore/metrics/test_torchmetrics.py",
            "tests/tracks/restore/metrics/test_scoring.py",
            "-k",
            "not run and not torch_path and not scikit_image",
        ),
    ),
    "store": Room(
        ("harness/store/*.py",),
        ("tests/store/test_store.py", "tests/store/test_exports.py", "tests/store/test_outputs.py"),
        "BinaryOperator_Div",
    ),
    "recipes": Room(("methods/recipes/**/*.py",), ("tests/methods/recipes", *QUICK)),
    **{folder.name: room_of_track(folder.name) for folder in sorted((ROOT / "tests/tracks").glob("[a-z]*/"))},
}

# Changes that change nothing a caller can see: file, line before, line after, and why.
_REGIMES, _STORE = "harness/tracks/restore/regimes", "harness/store"
_SPREAD = "chi2 = n * n * float(((means - (m + 1) / 2) ** 2).sum()) * (m - 1) / spread if spread > 0 else 0.0"
_PAIRED = "harness/statistics/paired_tests.py"
_ENDS = "ends = round(TAIL * (resamples + 1)) - 1, resamples - round(TAIL * (resamples + 1))"
_BOUND = "bound = np.sort(largest)[resamples - round(ALPHA / CAUTION * (resamples + 1))]"
_SCORING = "harness/tracks/restore/scoring.py"
_PAIRS = "for x, y in zip(*pairs, strict=True):"
_TAKER = "taker, parts = collector(chosen, Path(folder), len(pairs[0]), rules)"
_DEVICE = 'return hasattr(picture, "detach") and picture.device.type != "cpu"'
_METRICS = "harness/tracks/restore/metrics"
_ODD = "if height % 2 or width % 2:"
_READING = "table = pq.ParquetFile(pa.BufferReader(rows)).read(use_threads=False)"
_POOL = "with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:"
_KEPT = "if file.tell() != kept:"
_SETTLES = "if signature is not None and signature[2] >= LARGE and time.time_ns() - signature[4] > _SETTLED:"
_REMOVING = (
    ("cells.py", "shutil.rmtree(old, ignore_errors=True)"),
    ("cells.py", "shutil.rmtree(stage, ignore_errors=True)"),
    ("upkeep.py", "picture.unlink(missing_ok=True)"),
    ("upkeep.py", "lock.unlink(missing_ok=True)"),
)
EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        f"{_REGIMES}/dncnn_matlab.py",
        "pairs = -(-missing * 14 // 11) + 64  # 4/π pairs a value, and some to spare",
        "pairs = -(-missing * 15 // 11) + 64  # 4/π pairs a value, and some to spare",
    ): "drawn in larger portions, the values are the same",
    (f"{_STORE}/cells.py", _READING, _READING.replace("False", "True")): "the same table, read otherwise",
    (f"{_STORE}/cells.py", _POOL, _POOL.replace("4", " 5")): "more threads, the same records",
    (f"{_STORE}/cells.py", _POOL, _POOL.replace("4", " 3")): "fewer threads, the same records",
    (f"{_STORE}/cells.py", _POOL, _POOL.replace("or 1", "or 0")): "a machine has a processor",
    (f"{_STORE}/cells.py", _POOL, _POOL.replace("or 1", "or 2")): "a machine has a processor",
    (f"{_STORE}/cells.py", _POOL, _POOL.replace("or 1", "and 1")): "fewer threads, the same records",
    (
        f"{_STORE}/outputs.py",
        "except (OSError, UsageError, KeyError, AttributeError):",
        "except (CosmicRayTestingException, UsageError, KeyError, AttributeError):",
    ): "there is no OSError unless another run removes the folder at that moment",
    (f"{_STORE}/cells.py", _KEPT, _KEPT.replace("!=", ">")): "what is valid is no longer than the file",
    (f"{_STORE}/file_changes.py", _SETTLES, _SETTLES.replace("> _", ">= _")): "a nanosecond",
    (f"{_STORE}/file_changes.py", "_SETTLED = 2_000_000_000", "_SETTLED = 1999999999"): "a nanosecond",
    (f"{_STORE}/file_changes.py", "_SETTLED = 2_000_000_000", "_SETTLED = 2000000001"): "a nanosecond",
    (f"{_STORE}/key_changes.py", 'if before == "absent":', 'if before is "absent":'): "the text is this file's own",
    (f"{_STORE}/key_changes.py", 'if now == "absent":', 'if now is "absent":'): "the text is this file's own",
    (
        f"{_STORE}/record.py",
        "class Inputs(TypedDict, total=False):",
        "class Inputs(TypedDict, total=True):",
    ): "only the type checker reads it",
    (_PAIRED, _ENDS, _ENDS[:-5] + "* 1))"): "rounded, the same place of 1 999 and of 499",
    (_PAIRED, _BOUND, _BOUND.replace("+ 1", "* 1")): "rounded, the same place of 1 999 and of 499",
    (_PAIRED, "UNBOUNDED = 1e6", "UNBOUNDED = 999999.0"): "any bound will do that lies far above the tails of noise",
    (_PAIRED, "UNBOUNDED = 1e6", "UNBOUNDED = 1000001.0"): "any bound will do that lies far above the tails of noise",
    ("harness/statistics/friedman.py", _SPREAD, _SPREAD.replace(">", "!=")): "a sum of squares is not negative",
    (f"{_METRICS}/ms_ssim.py", _ODD, _ODD.replace("height %", "height **")): "even sides are padded by nothing",
    (f"{_METRICS}/vif.py", "turned = gain < 0", "turned = gain <= 0"): "a gain of 0 is one of 0 either way",
    (_SCORING, _PAIRS, _PAIRS.replace("True", "False")): "the lengths are equal",
    (_SCORING, _TAKER, _TAKER.replace("0", " 1")): "the lengths are equal",
    (_SCORING, _DEVICE, _DEVICE.replace("!=", ">")): "the names of all other devices come after",
    **{
        (f"{_STORE}/{file}", line, line.replace("=True", "=False")): "it is there unless a run removes it just now"
        for file, line in _REMOVING
    },
}

ARITHMETIC = {"Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"}


@dataclass(frozen=True)
class Mutant:
    file: str
    line: int
    before: str
    after: str
    text: str


def order(*parts: object) -> bytes:
    """A place in a random order that depends on the parts alone."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).digest()


def family(operator: str) -> str:
    """`+` to `-` and `+` to `*` are one family: of a sample, one of them is enough."""
    return re.sub(r"^(core/Replace\w+?Operator)_.*", r"\1", operator)


def sensible(operator: str) -> bool:
    """Whether it may run: `a + b` to `a << b` is a TypeError of floats, which any test notices."""
    found = re.match(r"core/ReplaceBinaryOperator_(\w+)_(\w+)", operator)
    return found is None or (found[1] in ARITHMETIC) == (found[2] in ARITHMETIC)


def essence(text: str) -> str:
    """The code without its annotations: nothing that runs reads those of functions and variables."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def mutants(file: str, key: str, everything: bool, without: str) -> Iterator[tuple[bytes, str, int, str]]:
    """Rank, operator and occurrence of the changes of a file: one a place and family, or all."""
    tree = get_ast((COPY / file).read_text())
    chosen: dict[object, tuple[bytes, str, int, str]] = {}
    for name in operator_names():
        kind = get_operator(name)
        if kind.arguments() or name.endswith("/NoOp") or not sensible(name) or re.search(without, name):
            continue
        operator, occurrence = kind(), 0
        for node in ast_nodes(tree):
            for place in operator.mutation_positions(node):
                found = (order(key, file, place, name, occurrence), name, occurrence, file)
                group = (name, occurrence) if everything else (family(name), place)
                chosen[group] = min(found, chosen.get(group, found))
                occurrence += 1
    yield from chosen.values()


def made(file: str, operator: str, occurrence: int) -> Mutant | None:
    """The changed file; None where the change is none, or is no Python."""
    text = (COPY / file).read_text()
    try:
        changed = mutate_code(text, get_operator(operator)(), occurrence)
    except AttributeError:  # cosmic-ray cannot replace the dotted name in `except (OSError, cv2.error)`
        return None
    if changed is None:
        return None
    try:
        if essence(changed) == essence(text):
            return None
    except SyntaxError:
        return None
    old, new = text.splitlines(), changed.splitlines()
    line = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)) - 1)
    after = new[line].strip() if len(old) == len(new) else "(removed)"
    return Mutant(file, line + 1, old[line].strip(), after, changed)


def sample(room: Room, size: int | None, key: str) -> list[Mutant]:
    """The changes to try, in an order that the key gives; all of them where no size is given."""
    files = sorted({str(p.relative_to(COPY)) for pattern in room.files for p in COPY.glob(pattern)})
    found: dict[str, Mutant] = {}
    for _, operator, occurrence, file in sorted(m for f in files for m in mutants(f, key, size is None, room.without)):
        if size is not None and len(found) >= size:
            break
        if mutant := made(file, operator, occurrence):
            found.setdefault(file + essence(mutant.text), mutant)
    return list(found.values())


def copy() -> None:
    """The files that git knows or would add, and its folders as the one package they are installed as."""
    shutil.rmtree(BUILD, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)
    package = BUILD / "path" / "noisebench"
    package.mkdir(parents=True)
    for part in (*(COPY / "harness").iterdir(), COPY / "datasets", COPY / "methods" / "recipes"):
        (package / part.name).symlink_to(part)
    (package / "methods").mkdir()
    for part in (COPY / "methods").iterdir():
        if part.name != "recipes":
            (package / "methods" / part.name).symlink_to(part)


def passes(room: Room, limit: float) -> tuple[bool, str]:
    """Whether the tests of a room pass in the copy within a limit in seconds, and what they printed."""
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0"]
    # No bytecode: a change that keeps a file's size and second would be overlooked.
    settings = {"PYTHONPATH": str(BUILD / "path"), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(
        [*command, *room.tests], cwd=COPY, env={**os.environ, **settings}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    try:
        said, _ = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        return False, f"more than {limit:.0f} s"
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return child.returncode == 0, said


def survivors(name: str, size: int | None, key: str, until: float) -> list[Mutant] | None:
    """The changes of a room that its tests let pass; None where the tests fail without one."""
    room = ROOMS[name]
    began = time.monotonic()
    fine, said = passes(room, 600)
    took = time.monotonic() - began
    if not fine:
        print(f"{name}: the tests fail as things are\n{said[-3000:]}")
        return None
    chosen = sample(room, size, key)
    print(f"{name}: {len(chosen)} changes, tests take {took:.0f} s", flush=True)
    left: list[Mutant] = []
    same = tried = 0
    for mutant in chosen:
        if time.monotonic() > until:
            break
        tried += 1
        file = COPY / mutant.file
        text = file.read_text()
        try:
            file.write_text(mutant.text)
            lives, _ = passes(room, 3 * took + 10)
        finally:
            file.write_text(text)
        if lives and (mutant.file, mutant.before, mutant.after) in EQUIVALENT:
            same += 1
        elif lives:
            left.append(mutant)
            print(shown(mutant), flush=True)
    killed = tried - len(left) - same
    print(
        f"{name}: {tried} of {len(chosen)} tried, {killed} noticed, {same} change nothing, {len(left)} not noticed",
        flush=True,
    )
    return left


def shown(mutant: Mutant) -> str:
    return f"  {mutant.file}:{mutant.line}\n    - {mutant.before}\n    + {mutant.after}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", metavar="room", help=f"of {', '.join(ROOMS)}; default: all")
    parser.add_argument("--sample", type=int, default=25, metavar="N", help="places a room (default: %(default)s)")
    parser.add_argument("--all", action="store_true", help="every change at every place: hours")
    parser.add_argument("--key", default="0", help="another key, another sample (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no change after so many minutes")
    given = parser.parse_args()
    if unknown := set(given.rooms) - set(ROOMS):
        parser.error(f"no room {', '.join(sorted(unknown))}: there are {', '.join(ROOMS)}")
    until = time.monotonic() + 60 * given.minutes
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    copy()
    found = {
        name: survivors(name, None if given.all else given.sample, given.key, until) for name in given.rooms or ROOMS
    }
    left = [mutant for room in found.values() for mutant in room or ()]
    print(f"\n{len(left)} changes that no test noticed" + (":" if left else ""))
    for mutant in left:
        print(shown(mutant))
    return 2 if None in found.values() else 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
