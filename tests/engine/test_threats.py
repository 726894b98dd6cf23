"""The table of docs/threat-model.md, a test a row and mode: what code that means harm reaches, plain and in a sandbox.

Where the table says `open`, the test shows that the attack works: it fails as soon as that is no longer true.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from bubblewrap import why_no_sandbox
from conftest import DATA, ROOT
from noisebench.store.cells import cell_dir
from noisebench.store.reading import read_records
from noisebench.store.record import Record
from noisebench.testing import throwaway
from warm_python import warm_folder

PICTURES = np.random.default_rng(5).integers(60, 200, (2, 24, 24), dtype=np.uint8)
WORKED = -1.0
"""What an attack returns in the place of the input where it could do what it tried."""

ATTACKS = '''
import glob, mmap, os, pathlib, re, shutil, socket, sys, time
import cv2
import numpy as np
import noisebench as nb

HERE = pathlib.Path(os.path.abspath("."))
PLACES = [HERE, pathlib.Path(__file__).parent, pathlib.Path("/tmp"), pathlib.Path("/dev/shm")]
PORT = {port}

for place in PLACES:  # at import, where a run is planned too
    try:
        shutil.copytree(HERE / "pictures", place / "stolen-{name}")
    except OSError:
        pass


def attack(name):
    """A method that returns what its attack found: the clean picture, or a mark that it worked."""
    def register(tried):
        @nb.method(name, layout="hwc")
        def method(noisy, info):
            try:
                found = tried(noisy)
            except OSError:
                found = None
            return noisy if found is None else np.full_like(noisy, {worked}) if found is True else found
        return tried
    return register


def clean(noisy, files):
    """The picture among files that the noisy one was made of."""
    pictures = [cv2.imread(str(file), 0) for file in files]
    fits = [p[..., None].astype(np.float32) / 255 for p in pictures if p is not None and p.shape == noisy.shape[:2]]
    return min(fits, key=lambda p: float(np.mean((p - noisy) ** 2)), default=None)


@attack("copies_at_import")
def _(noisy):
    return clean(noisy, [file for place in PLACES for file in place.glob("stolen-{name}/*.png")])

@attack("reads_the_dataset")
def _(noisy):
    return clean(noisy, (HERE / "pictures").glob("*.png"))

@attack("reads_another_store")
def _(noisy):
    return clean(noisy, (HERE / "other-store").rglob("*.png"))

@attack("reads_embedded_pictures")
def _(noisy):
    import noisebench.datasets
    return any(glob.glob(f"{{place}}/*/pictures/*") for place in noisebench.datasets.__path__) or None

@attack("reads_named_sets")
def _(noisy):
    return bool(set(os.listdir(os.environ["NOISEBENCH_DATA"])) - {{"weights"}}) or None

@attack("reads_home_and_passwords")
def _(noisy):
    return (HERE / "home" / "secret").exists() or "A_PASSWORD" in os.environ or None

@attack("opens_a_connection")
def _(noisy):
    socket.create_connection(("127.0.0.1", PORT), 1).close()
    return True

@attack("rewrites_its_rows")
def _(noisy):
    for _ in range(100 * (HERE / "nb-store").exists()):  # the row of the first picture is written meanwhile
        for file in HERE.glob("nb-store/partial/*/rows.jsonl"):
            file.write_text(re.sub('"psnr": [0-9]', '"psnr": 9', file.read_text()))  # 20.1 dB are 90.1 then
        time.sleep(0.005)

@attack("rewrites_a_rival")
def _(noisy):
    cells = [file for file in HERE.glob("nb-store/cells/*/*/cell.json") if '"identity"' in file.read_text()]
    return any(os.access(file, os.W_OK) for file in cells) or None

@attack("edits_the_harness")
def _(noisy):
    return any(os.access(file, os.W_OK) for file in (nb.__file__, sys.executable, np.__file__, __file__)) or None

@attack("takes_shared_memory")
def _(noisy):
    shared = mmap.mmap(-1, 400 << 20)
    for start in range(0, 400 << 20, 4096):
        shared[start] = 1
    time.sleep(0.5)
    return True

@attack("fills_dev_shm")
def _(noisy):
    with open("/dev/shm/filled-{name}", "wb") as file:
        for _ in range(400):
            file.write(bytes(1 << 20))
    time.sleep(0.5)
    os.unlink(file.name)
    return True

@attack("fills_a_memfd")
def _(noisy):
    file = os.memfd_create("filled")
    for _ in range(400):
        os.write(file, bytes(1 << 20))
    time.sleep(0.5)
    return True

@attack("is_root")
def _(noisy):
    import ctypes
    return os.getuid() == 0 or ctypes.CDLL(None).unshare(0x10000000) == 0 or None

@attack("starts_many_processes")
def _(noisy):
    closed = [(os.POSIX_SPAWN_CLOSE, number) for number in (1, 2)]  # a run would wait for their output
    if "started" not in globals():
        globals()["started"] = [
            os.posix_spawn("/bin/sleep", ["sleep", "60"], os.environ, file_actions=closed) for _ in range(600)
        ]
        time.sleep(0.5)
        for process in started:
            os.kill(process, 9)
    return True

@nb.method("names_the_pictures", layout="hwc")
def names_the_pictures(noisy, info, *, path: str = "pictures"):
    found = clean(noisy, (HERE / path).glob("*.png"))
    return noisy if found is None else found

@attack("caches_inputs")
def _(noisy):
    seen = [noisy]
    for place in PLACES:
        file = place / "cached-{name}.npy"
        try:
            seen += list(np.load(file)) if file.exists() else []
            np.save(file, np.stack(seen))
            break
        except OSError:
            pass
    near = [one for one in seen if one.shape == noisy.shape and np.corrcoef(one.ravel(), noisy.ravel())[0, 1] > 0.3]
    return np.mean(near, 0)

@nb.method("forges_its_cost", layout="hwc")
def forges_its_cost(noisy, info):
    import types
    from noisebench.cost import measure
    from noisebench.track import calling
    time.sleep(0.02)
    calling.time = types.SimpleNamespace(perf_counter=lambda: 1e9)
    measure.relative = lambda cost: 1e-6
    return noisy
'''

RIVAL = """
import noisebench as nb
import noisebench.methods.restore.gaussian_filter as rival

rival._blur = lambda picture, width: picture * 0  # what another method of the run is made of

@nb.method("patches_a_rival", layout="hwc")
def patches_a_rival(noisy, info):
    return noisy
"""


@dataclass
class Done:
    """What a mode did: the records of scores and costs by method, and the folder that it was done in."""

    folder: Path
    scores: dict[str, list[Record]]
    costs: dict[str, Record]

    def psnr(self, name: str) -> float:
        return float(self.scores[name][-1].scores["psnr"].mean())

    def seconds(self, name: str) -> list[float]:
        cell = cell_dir(self.folder / "nb-store", self.scores[name][-1].cell.key)
        return pq.read_table(cell / "scores.parquet")["seconds"].to_pylist()

    def outcome(self, name: str) -> str:
        return self.scores[name][-1].cell.outcome

    def unharmed(self, name: str) -> bool:
        """Whether a method did no better, and nothing else, than to return its input."""
        found, identity = self.scores[name][-1], self.scores["identity"][0]
        same = found.scores["psnr"].tolist() == identity.scores["psnr"].tolist()
        return found.cell.outcome == "ok" and same and found.output_sha256 == identity.output_sha256


ONE = (
    "copies_at_import", "reads_the_dataset", "reads_another_store", "reads_embedded_pictures", "reads_named_sets",
    "reads_home_and_passwords", "opens_a_connection", "rewrites_a_rival", "edits_the_harness",
    "takes_shared_memory", "fills_dev_shm", "fills_a_memfd", "is_root", "patches_a_rival", "gaussian_filter",
    'names_the_pictures(path="pictures")',
)  # fmt: skip
SUITE = """
methods: [caches_inputs, forges_its_cost]
datasets: ['folder(path="pictures")']
regimes: [gaussian(sigma=25)]
metrics: [psnr]
seeds: [0, 1]
plugins: [attacks.py]
cost: {sizes: [24x24], repeats: 3}
"""


def run(folder: Path, sandbox: bool) -> Done:
    listening = socket.create_server(("127.0.0.1", 0))
    for place in ("pictures", "other-store/outputs"):
        (folder / place).mkdir(parents=True)
        for number, picture in enumerate(PICTURES):
            cv2.imwrite(str(folder / place / f"{number}.png"), picture)
    (folder / "home").mkdir()
    (folder / "home" / "secret").touch()
    source = ATTACKS.format(port=listening.getsockname()[1], name=folder.name, worked=WORKED)
    throwaway(folder, SUITE, attacks=source, rival=RIVAL)
    env = {**os.environ, "NOISEBENCH_DATA": str(DATA), "A_PASSWORD": "x", "HOME": str(folder / "home")}
    shared = ("--datasets", 'folder(path="pictures")', "--regimes", "gaussian(sigma=25)", "--metrics", "psnr")
    one = ("--methods", "identity", *ONE, "--plugin", "attacks.py", "--plugin", "rival.py", "--memory", "0.3",
           "--jobs", "2")  # fmt: skip
    many = ("--methods", "starts_many_processes", "rewrites_its_rows", "--plugin", "attacks.py", "--jobs", "1", *shared)
    for words in ((*one, *shared), ("suite.yaml", "--jobs", "1"), many):
        words = (*words, *(("--sandbox",) if sandbox else ()))
        done = subprocess.run(
            [warm_folder() / "noisebench", "run", *words], cwd=folder, env=env, capture_output=True, text=True
        )
        assert done.returncode in (0, 1), done.stderr
    listening.close()
    found = Done(folder, {}, {})
    for record in sorted(read_records(folder / "nb-store"), key=lambda record: record.cell.seed):
        if record.cell.kind == "cost":
            found.costs[record.cell.method.name] = record
        else:
            found.scores.setdefault(record.cell.method.name, []).append(record)
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    folder = tmp_path_factory.mktemp("plain")
    yield run(folder, False)
    for place in ("/tmp", "/dev/shm"):
        shutil.rmtree(f"{place}/stolen-{folder.name}", ignore_errors=True)


@pytest.fixture(scope="module")
def boxed(tmp_path_factory: pytest.TempPathFactory) -> Done:
    if why := why_no_sandbox():
        pytest.skip(why)
    return run(tmp_path_factory.mktemp("boxed"), True)


FINDS = ("copies_at_import", "reads_the_dataset", "reads_another_store", "names_the_pictures")
REACHES = ("reads_embedded_pictures", "opens_a_connection", "reads_home_and_passwords", "rewrites_a_rival",
           "edits_the_harness")  # fmt: skip


@pytest.mark.parametrize("name", FINDS)
def test_plain_finds_the_clean_picture(plain: Done, name: str) -> None:
    assert plain.psnr(name) == float("inf")


@pytest.mark.parametrize("name", [*FINDS, *REACHES, "is_root", "rewrites_its_rows"])
def test_sandbox_stops(boxed: Done, name: str) -> None:
    assert boxed.unharmed(name)


@pytest.mark.parametrize("name", REACHES)
def test_plain_reaches(plain: Done, name: str) -> None:
    assert plain.psnr(name) < plain.psnr("identity") - 5


def test_plain_rewrites_its_rows(plain: Done) -> None:
    assert plain.psnr("rewrites_its_rows") > 50


@pytest.mark.subprocess
@pytest.mark.parametrize("mode", ["plain", "boxed"])
def test_reads_named_sets(request: pytest.FixtureRequest, mode: str) -> None:
    if not DATA.is_dir():
        pytest.skip("no test sets here")
    assert request.getfixturevalue(mode).unharmed("reads_named_sets") == (mode == "boxed")


def test_plain_caches_inputs_across_seeds_and_sandbox_stops_it(plain: Done, boxed: Done) -> None:
    first, second = (float(record.scores["psnr"].mean()) for record in plain.scores["caches_inputs"])
    assert second > first + 2
    first, second = (float(record.scores["psnr"].mean()) for record in boxed.scores["caches_inputs"])
    assert abs(second - first) < 1


def test_plain_patches_a_rival_and_sandbox_stops_it(plain: Done, boxed: Done) -> None:
    assert plain.psnr("gaussian_filter") == plain.psnr("identity")
    assert boxed.psnr("gaussian_filter") > boxed.psnr("identity") + 0.5


@pytest.mark.parametrize("name", ["takes_shared_memory", "fills_dev_shm", "fills_a_memfd"])
def test_sandbox_limits_memory(boxed: Done, name: str) -> None:
    assert boxed.outcome(name) == "oom" or boxed.unharmed(name)


def test_plain_limits_shared_memory_and_no_files_of_memory(plain: Done) -> None:
    names = ("takes_shared_memory", "fills_dev_shm", "fills_a_memfd")
    assert [plain.outcome(name) for name in names] == ["oom", "ok", "ok"]


def test_sandbox_limits_processes(plain: Done, boxed: Done) -> None:
    assert boxed.scores["starts_many_processes"][0].cell.reason == "had more than 512 processes at once"
    assert plain.outcome("starts_many_processes") == "ok"


def test_plain_forges_its_cost_and_sandbox_stops_it(plain: Done, boxed: Done) -> None:
    cost, outside = plain.costs["forges_its_cost"].cell.cost, boxed.costs["forges_its_cost"].cell.cost
    assert cost is not None and outside is not None and outside.latency_ms is not None
    assert cost.latency_rel == 1e-6
    assert outside.latency_rel != 1e-6 and outside.latency_ms["p50"] > 15
    assert sorted(outside.references_ms) == ["cache", "compute", "memory", "serial"]
    assert outside.params is outside.macs is None and "not believed" in outside.reasons["macs"]


def test_plain_forges_seconds_and_sandbox_stops_it(plain: Done, boxed: Done) -> None:
    assert min(plain.seconds("forges_its_cost")) == 0
    assert min(boxed.seconds("forges_its_cost")) > 0.015


@pytest.mark.skipif(os.getuid() != 0, reason="root does not run this")
def test_plain_is_root(plain: Done) -> None:
    assert plain.psnr("is_root") < plain.psnr("identity") - 5


def test_each_row_of_the_threat_model_is_a_test() -> None:
    rows = [line for line in (ROOT / "docs/threat-model.md").read_text().splitlines() if line.startswith("| ")][1:]
    named = [re.findall(r"`(\w+)`", row.split("|")[-2]) for row in rows]
    assert len(rows) > 20 and all(named)
    files = ("engine/test_engine.py", "engine/test_sandbox.py", "engine/test_isolation.py", "boards/test_copies.py",
             "planning/test_trained_on_what_is_tested.py")  # fmt: skip
    tests = "".join((ROOT / "tests" / name).read_text() for name in files)
    here = Path(__file__).read_text().partition("\nFINDS = ")[2]  # what asserts, behind what attacks
    missing = [name for names in named for name in names if f"def {name}(" not in tests and name not in here]
    assert missing == []


def test_the_container_is_run_with_what_its_column_names() -> None:
    page = (ROOT / "docs/threat-model.md").read_text()
    cells = [line.split("|")[4] for line in page.splitlines() if line.startswith("| ")][1:]
    options = {option for cell in cells for option in re.findall(r"`(--[^`]+)`", cell)}
    command = page.partition("podman run ")[2].partition("```")[0]
    assert options == {"--network none", "--read-only", "--memory", "--pids-limit"}
    assert [one for one in (*options, "--cap-drop all") if one not in command] == []
    assert "\nUSER 65534:65534\n" in (ROOT / "Containerfile").read_text()
