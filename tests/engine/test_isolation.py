"""What a method that means harm can reach: it looks for the clean picture, and tries to take others down with it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from bubblewrap import needs_bubblewrap
from conftest import DATA
from noisebench.components.keyed_noise import keyed_generator
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.engine.channel import answer, read_answer
from noisebench.imaging.sample import Sample
from noisebench.store.cells import keys
from noisebench.store.reading import read_records
from noisebench.store.upkeep import verify
from noisebench.testing import throwaway
from noisebench.text.errors import Invalid

CLEAN = np.random.default_rng(5).integers(0, 256, (2, 40, 64, 3), dtype=np.uint8)

SPY = '''
import ctypes, gc, json, os, re, sys
import numpy as np
import noisebench as nb

# What to look for, each byte inverted: so that what looks for it is not found.
SOUGHT = []
LOOKED_AT = 256 << 20


def in_memory_of(pid):
    """Whether memory of a process holds what is sought; None where it cannot be read."""
    try:
        maps, memory = open(f"/proc/{pid}/maps").readlines(), open(f"/proc/{pid}/mem", "rb", 0)
    except OSError:
        return None
    left, looked = LOOKED_AT, False
    for line in maps:
        low, high, rights, name = re.match(r"(\\w+)-(\\w+) (\\S+) \\S+ \\S+ \\S+ *(.*)", line).groups()
        size = int(high, 16) - int(low, 16)
        if not rights.startswith("rw") or name not in ("", "[heap]", "[stack]") or size > left:
            continue
        try:
            memory.seek(int(low, 16))
            data = np.frombuffer(memory.read(size), np.uint8)
        except OSError:
            continue
        left, looked = left - size, True
        if any(sought in (~data).tobytes() for sought in SOUGHT):
            return True
    return False if looked else None


def parent_of(pid):
    return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])


def others_of_the_run():
    """The process that all others of the run are forked from, and those."""
    if os.getppid() < 3:  # alone with the program that made the sandbox
        return []
    server, found = parent_of(os.getppid()), []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            line = [pid]
            while line[-1] not in (0, server):
                line.append(parent_of(line[-1]))
        except OSError:
            continue
        if line[-1] == server and pid != os.getpid():
            found.append(pid)
    return found


def readable(path):
    try:
        if path.endswith("/fd"):
            return any(os.readlink(f"{path}/{n}") for n in os.listdir(path))
        return bool(open(path, "rb").read(1))
    except OSError:
        return False


def traced(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, pid, 0, 0):
        return False
    os.waitpid(pid, 0)
    libc.ptrace(17, pid, 0, 0)
    return True


def on_the_stack():
    names, frame = [], sys._getframe(1)
    while frame is not None:
        names += [n for n, v in frame.f_locals.items() if type(v).__name__ in ("Sample", "PlannedCell") or n == "job"]
        frame = frame.f_back
    return names


def among_objects():
    found = []
    for one in gc.get_objects():
        if type(one).__name__ == "Sample" or (type(one) is dict and ("fingerprint" in one or "inputs" in one)):
            found.append(sorted(one) if type(one) is dict else type(one).__name__)
    return found


@nb.method("spy", layout="hwc", weights=("sought.json",))
def spy(noisy, info):
    SOUGHT[:] = [bytes.fromhex(text) for text in json.loads(open("sought.json").read())]
    others = others_of_the_run()
    np.log10 = lambda x: -9.0
    from noisebench.tracks.restore import scoring
    from noisebench.tracks.restore.metrics import psnr
    scoring.score_pair = psnr.psnr = lambda *a, **k: {"psnr": 99.0}
    report = {
        "own memory": in_memory_of(os.getpid()),
        "others": len(others),
        "memory of others": [pid for pid in others if in_memory_of(pid) is not None],
        "files of others": [f"{pid}/{n}" for pid in others for n in ("environ", "fd", "maps")
                            if readable(f"/proc/{pid}/{n}")],
        "traced": [pid for pid in others if traced(pid)],
        "stack": on_the_stack(),
        "objects": among_objects(),
        "descriptors": sorted(
            link.partition(":")[0] for n in os.listdir("/proc/self/fd") if int(n) > 2
            for link in [os.readlink(f"/proc/self/fd/{n}") if os.path.islink(f"/proc/self/fd/{n}") else "listing"]
        ),
        "info": sorted(info.disclosed()),
        "data": os.path.exists("pictures/0.png"), "store": os.path.exists("nb-store/cells"),
        "named sets": os.path.isdir(sets := os.environ["NOISEBENCH_DATA"]) and set(os.listdir(sets)) > {"weights"},
    }
    TOLD.append(json.dumps(report))
    open("report.json", "w").write(TOLD[0])
    return noisy

TOLD = []

@nb.method("telling_spy", layout="hwc", weights=("sought.json",))
def telling_spy(noisy, info):
    spy(noisy, info)
    raise RuntimeError(json.dumps({name: value for name, value in json.loads(TOLD[0]).items() if name != "objects"}))
'''


@pytest.fixture
def spied(tmp_path: Path) -> Path:
    """A folder with two clean pictures, and a method that looks for them."""
    (tmp_path / "pictures").mkdir()
    for number, picture in enumerate(CLEAN):
        cv2.imwrite(str(tmp_path / "pictures" / f"{number}.png"), picture[:, :, ::-1])
    forms = [part for one in CLEAN for row in (one[20, :16],) for part in (row, row / 255.0)]
    (tmp_path / "sought.json").write_text(json.dumps([bytes(255 - b for b in form.tobytes()).hex() for form in forms]))
    throwaway(tmp_path, "", spy=SPY)
    return tmp_path


ARGS = (
    "run", "--methods", "identity", "spy", "--datasets", 'folder(path="pictures")', "--regimes", "gaussian(sigma=25)",
    "--metrics", "psnr", "--plugin", "spy.py", "--jobs", "1",
)  # fmt: skip
UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
"""Runs a program without any capability, as an ordinary user has none: root's own memory is closed to it otherwise."""


@pytest.mark.parametrize("before", [(), UNPRIVILEGED], ids=["as who runs the tests", "without capabilities"])
def test_a_method_finds_the_clean_picture_nowhere_and_its_score_is_that_of_its_output(spied, before) -> None:
    if before and (shutil.which(before[0]) is None or os.geteuid() != 0):
        pytest.skip("needs setpriv, and root")
    subprocess.run(
        [*before, sys.executable, "-m", "noisebench", *ARGS], cwd=spied, check=True, capture_output=True,
        env={**os.environ, "NOISEBENCH_DATA": str(DATA)},
    )  # fmt: skip
    report = json.loads((spied / "report.json").read_text())
    assert report.pop("others") >= 3, "the method saw no process to look into"
    assert report == {
        "own memory": False, "memory of others": [], "files of others": [], "traced": [], "stack": [], "objects": [],
        "descriptors": ["listing", "socket"], "info": ["bit_depth", "shape", "sigma"], "data": True, "store": True,
        "named sets": DATA.is_dir(),
    }  # fmt: skip
    records = {r.cell.method.name: r for r in read_records(spied / "nb-store")}
    assert records["spy"].output_sha256 == records["identity"].output_sha256
    np.testing.assert_array_equal(records["spy"].scores["psnr"], records["identity"].scores["psnr"])


@needs_bubblewrap
def test_a_sandbox_hides_data_store_and_all_other_processes(cli, spied) -> None:
    cli(*ARGS[:2], "telling_spy", *ARGS[2:], "--sandbox", code=1)
    records = {r.cell.method.name: r for r in read_records(spied / "nb-store")}
    assert records["spy"].cell.outcome == "ok" and records["spy"].output_sha256 == records["identity"].output_sha256
    report = json.loads(records["telling_spy"].cell.traceback.rpartition("RuntimeError: ")[2])
    assert report["own memory"] is False and report["others"] == 0
    assert not report["data"] and not report["store"] and not report["named sets"]


def test_without_bubblewrap_a_sandbox_is_refused_in_one_line(cli, spied, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(spied))
    done = cli(*ARGS, "--sandbox", code=2)
    assert "install it (apt-get install bubblewrap)" in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (spied / "nb-store").exists()


def test_the_noise_cannot_be_drawn_again_from_what_a_method_is_told() -> None:
    sample = Sample("a", CLEAN[0])
    case = get_track("restore").pose(bind("gaussian(sigma=25)", "regime"), sample, 0)
    noise = case.given - CLEAN[0] / 255
    own = [case.info.rng, *(keyed_generator(value) for value in vars(case.info).values() if isinstance(value, bytes))]
    assert len(own) == 2
    for rng in own:
        assert abs(np.corrcoef(rng.standard_normal(noise.shape).ravel(), noise.ravel())[0, 1]) < 0.1


HARMFUL = """
import gc, os, signal, socket, struct, time
import noisebench as nb

def channel():
    return next(o for o in gc.get_objects() if isinstance(o, socket.socket) and o.fileno() >= 0)

@nb.method("kills_parent")
def kills_parent(noisy, info):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1)
    return noisy

@nb.method("closes")
def closes(noisy, info):
    os.closerange(3, 1000)
    time.sleep(60)

@nb.method("leaves_a_fork")
def leaves_a_fork(noisy, info):
    if os.fork():
        os._exit(7)
    os.setsid()
    time.sleep(60)

@nb.method("talks_nonsense")
def talks_nonsense(noisy, info):
    channel().sendall(b"no answer at all" * 99)
    time.sleep(60)

@nb.method("sends_a_pickle")
def sends_a_pickle(noisy, info):
    import pickle
    class Harm:
        def __reduce__(self):
            return os.system, ("touch harmed",)
    body = pickle.dumps(Harm())
    channel().sendall(struct.pack("<IQ", 1, len(body)) + body)
    time.sleep(60)

@nb.method("claims_much")
def claims_much(noisy, info):
    channel().sendall(struct.pack("<IQQ", 2, 1 << 61, 1))
    time.sleep(60)

@nb.method("lets_nan_pass")
def lets_nan_pass(noisy, info):
    from noisebench.tracks.restore import restorer
    restorer.refuse_not_finite = lambda values: None
    return noisy * float("nan")

@nb.method("lets_a_shape_pass")
def lets_a_shape_pass(noisy, info):
    from noisebench.tracks.restore.restorer import Restorer
    Restorer.accept = lambda self, output, case: output.numpy()
    return noisy[0, :, :, 1:]
"""


@pytest.mark.parametrize("boxed", [False, pytest.param(True, marks=needs_bubblewrap)], ids=["plain", "sandbox"])
def test_a_method_that_means_harm_ends_its_own_cell_and_nothing_else(cli, tmp_path, boxed) -> None:
    killed = ("crashed", "not stored: the process that supervised it was killed")
    expected = {
        "identity": ("ok", ""),
        "kills_parent": ("ok", "") if boxed else killed,
        "closes": ("crashed", "closed the channel to its scorer before it had finished"),
        "leaves_a_fork": ("crashed", "exited with code 7 before it had finished"),
        "talks_nonsense": ("invalid", "its process sent an invalid answer"),
        "sends_a_pickle": ("invalid", "its process sent an invalid answer"),
        "claims_much": ("oom", "MemoryError"),
        "lets_nan_pass": ("invalid", "its process sent an invalid output: values that are not finite"),
        "lets_a_shape_pass": ("invalid", "its process sent an invalid output: shape (1, 24, 23)"),
    }
    throwaway(tmp_path, "", harmful=HARMFUL)
    more = ("--timeout", "200", "--sandbox") if boxed else ("--timeout", "50")  # a sandbox has its imports to do anew
    done = cli("run", "--methods", *expected, "--datasets", "gaussian_field(n=2, size=24)", "--regimes",
               "gaussian(sigma=25)", "--plugin", "harmful.py", "--metrics", "psnr", "--json", *more,
               code=1)  # fmt: skip
    told = {c["method"]: (c["outcome"], c["reason"]) for c in json.loads(done.stdout)["cells"]}
    assert {name: outcome for name, (outcome, _) in told.items()} == {n: o for n, (o, _) in expected.items()}
    for name, (_, reason) in expected.items():
        assert told[name][1].startswith(reason)
    assert not (tmp_path / "harmed").exists()
    assert len(keys(tmp_path / "nb-store")) == len(expected) - (not boxed)
    assert verify(tmp_path / "nb-store", lambda track: get_track(track).outputs) == []


SIDE_BY_SIDE = """
import os, sys, time
from dataclasses import dataclass
import numpy as np
import noisebench as nb

RUNS = os.getsid(0) != os.getsid(os.getppid())  # not where it is planned

def mark(name):
    open(name, "w").close()

def wait_for(name):
    for _ in range(2000):
        if os.path.exists(name):
            return
        time.sleep(0.01)
    raise TimeoutError(name)

class Pictures:
    ids = ["zero", "one", "two"]  # which are presented in this order
    def load(self, index):
        if RUNS:
            mark(f"read {index}")
            if index == 2 and os.path.exists("third is damaged"):
                raise OSError("cannot be read")
        return nb.Sample(self.ids[index], np.full((8, 8), 10 + index, np.uint8))

@nb.dataset("three")
def three():
    return Pictures()

@nb.method("waits", layout="hwc")
def waits(noisy, info):
    index = round(255 * float(noisy[0, 0, 0])) - 10
    mark(f"called {index}")
    if index < 2:
        wait_for(f"read {index + 1}")
    return noisy

@nb.metric("patient")
def patient(pair):
    index = round(255 * float(pair.y.mean())) - 10
    if index < 1:
        wait_for(f"called {index + 1}")
    return 1.0
"""


@pytest.fixture
def side_by_side(tmp_path: Path) -> Path:
    """A method that waits until the next item is read, and a metric that waits until the next item is restored."""
    throwaway(tmp_path, "", side=SIDE_BY_SIDE)
    return tmp_path


WAITING = ("run", "--methods", "waits", "--datasets", "three", "--regimes", "none", "--metrics", "patient",
           "--protocol", "float", "--plugin", "side.py", "--timeout", "60")  # fmt: skip


def test_items_are_read_and_scored_while_the_method_works_on_another(cli, side_by_side) -> None:
    cli(*WAITING)
    (record,) = read_records(side_by_side / "nb-store")
    assert record.scores["patient"].tolist() == [1, 1, 1]


def test_an_item_that_cannot_be_read_costs_none_of_those_before_it(cli, side_by_side) -> None:
    (side_by_side / "third is damaged").touch()
    cli(*WAITING, code=1)
    (record,) = read_records(side_by_side / "nb-store")
    assert record.items == ["zero", "one"]
    assert (record.cell.outcome, record.cell.reason) == (
        "failed",
        "OSError: cannot be read (side.py, line 25) (picture 'two')",
    )


@pytest.mark.parametrize(
    "value",
    [
        None, True, 10**40, 0.1, float("inf"), "a\ud800", np.float64(0.1), np.int8(-3), (1, [2.5, ("x",)], {"a": ()}),
        np.zeros((0, 3), "<f4"), np.arange(6, dtype=">i2").reshape(2, 3).T, np.array(1 + 2j),
    ],
    ids=repr,
)  # fmt: skip
def test_a_plain_value_crosses_as_it_is(value: Any) -> None:
    found = crossed(value)
    assert type(found) is type(value) and repr(found) == repr(value)
    if isinstance(value, np.ndarray):
        assert found.dtype == value.dtype and found.tobytes() == value.tobytes()


@pytest.mark.parametrize("value", [object(), {1: 2}, np.array([None]), {3}, [b"bytes"]], ids=lambda v: type(v).__name__)
def test_what_is_not_plain_is_refused_by_its_type(value: Any) -> None:
    refused = type(value[0] if isinstance(value, list) else value).__name__
    with pytest.raises(Invalid, match=f"arrays, numbers, text, .* dicts: a {refused} "):
        crossed(value)


def crossed(value: Any) -> Any:
    near, far = socket.socketpair()
    with near, far:
        answer(near, value)
        return read_answer(far)
