"""A track made of a text, in a file of the user's: nothing of the harness knows it, and everything works with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import noisebench as nb
import pytest
from messages import missing_from
from noisebench.store.export import read_export
from noisebench.store.reading import read_records
from noisebench.testing import throwaway
from warm_python import warm_folder

TRACK = '''
"""Track `scales`: weighings of an object in, its weight out."""
import hashlib
import time
from dataclasses import dataclass

import noisebench as nb


@dataclass(frozen=True)
class Object:
    id: str
    weight: float
    weighings: int


class Weights:
    suffix = ".txt"

    def digest(self, output):
        return hashlib.sha256(repr(output).encode()).hexdigest()

    def save(self, output, file):
        file.write_text(repr(output))

    def load(self, file, wanted=None):
        return float(file.read_text())

    def preview(self, store, folder, index, item, case, output):
        pass

    def panel(self, item, case, output):
        return None


class Weigher:
    def __init__(self, bound):
        self.bound, self.meta, self.instance = bound, bound.entry.meta, None

    def setup(self, device="cpu"):
        pass

    def expect(self, ids, chosen):
        return []

    def check(self, info):
        pass

    def prepare(self, given):
        return list(given)

    def call(self, prepared, info):
        return self.bound.entry.obj(prepared, info, **self.bound.kwargs)

    def accept(self, output, case):
        if not isinstance(output, float):
            raise nb.Invalid(f"returned {type(output).__name__} where a weight was due")
        return output

    def untouched(self, prepared, given):
        return prepared == list(given)


class Scales:
    """Items are objects on scales, a regime is the scales, a method tells the weight."""

    name, version = "scales", 3
    words = nb.Words("object", "objects", "single weighing", "weight told", "true weight", "error of the scales")
    defaults = nb.Defaults("grams", ("miss",), "miss", "objects", "shaky(error=1.0)", (10,))
    preload = ()
    outputs = Weights()

    def declare(self, kind, declared):
        return nb.checked_declarations(kind, declared, {"method": {"patient": False}})

    def identify(self, item):
        return f"{item.id} {item.weight} {item.weighings}"

    def pose(self, regime, item, seed, draw=0):
        key = hashlib.sha256(f"{regime.canonical}|{seed}|{item.weight}|{draw}".encode()).digest()
        rng = nb.keyed_generator(key)
        given = tuple(regime.entry.obj(item.weight, rng, **regime.kwargs) for _ in range(item.weighings))
        return nb.Case(given, nb.Info({}, key), hashlib.sha256(repr(given).encode()).hexdigest())

    def open(self, method):
        return Weigher(method)

    def score(self, output, item, case, protocol, metrics):
        told, true = protocol.entry.obj(output), protocol.entry.obj(item.weight)
        return {m.display: m.entry.obj(told, true, **m.kwargs) for m in metrics}

    def probe(self, size):
        return Object("cost", 5.0, size[0])


nb.add_track(Scales())


class Objects:
    def __init__(self, n):
        self.ids = [f"object_{i:02d}" for i in range(n)]

    def load(self, index):
        return Object(self.ids[index], 1.0 + index, 9)


@nb.dataset("objects", track="scales", licence="mine")
def objects(*, n: int = 8):
    """Objects of 1, 2, … grams."""
    return Objects(n)


@nb.regime("shaky", track="scales")
def shaky(weight, rng, *, error: float = 1.0):
    """Gaussian error of the scales, in grams."""
    return weight + error * float(rng.standard_normal())


@nb.protocol("grams", track="scales")
def grams(weight):
    """In grams."""
    return weight


@nb.metric("miss", track="scales", higher=False, unit="g", decimals=3, order=0, gate={"max_drop": 0.01})
def miss(told, true):
    """By how much a weight is off, in grams."""
    return abs(told - true)


@nb.method("gaussian", track="scales", role="baseline", blind=True)
def gaussian(weighings, info):
    """The first weighing. The name is also that of a regime of another track."""
    return weighings[0]


@nb.method("mean", track="scales", patient=True)
def mean(weighings, info, *, wait: float = 0.0):
    """The mean of all weighings."""
    time.sleep(wait)
    return sum(weighings) / len(weighings) * GAIN


@nb.method("wrong", track="scales")
def wrong(weighings, info):
    """No weight at all."""
    return "heavy"


GAIN = 1.0
'''
SUITE = """
track: scales
methods: [gaussian, mean]
datasets: ["objects(n=12)"]
regimes: ["shaky(error={1,2})"]
seeds: [0, 1]
keep: all
cost: {sizes: ["9"], repeats: 2}
"""
CLAIMS = """
paper: "Anybody, The arithmetic mean, 1805"
url: https://example.org
kind: effect
track: scales
claims:
  - name: nine_weighings_are_better_than_one
    where: "everywhere"
    says: "The mean of nine weighings is off by less than half of one weighing."
    cells:
      one: {method: gaussian, dataset: "objects(n=40)", regime: shaky, metric: miss}
      nine: {method: mean, dataset: "objects(n=40)", regime: shaky, metric: miss}
    holds: "nine <= 0.6 * one"
    seeds: [0, 1, 2]
"""


@pytest.fixture
def track(tmp_path: Path) -> Path:
    """A folder with the suite and the plug-in."""
    throwaway(tmp_path, SUITE, scales=TRACK)
    return tmp_path


PLUGIN = ("--plugin", "scales.py")


def test_run_resume_report_compare_check_and_why(cli, track: Path) -> None:
    run = json.loads(cli("run", "suite.yaml", *PLUGIN, "--json").stdout)
    assert [c["outcome"] for c in run["cells"]] == ["ok"] * 10 and run["ok"]
    again = json.loads(cli("run", "suite.yaml", *PLUGIN, "--json").stdout)
    assert {c["state"] for c in again["cells"]} == {"stored"}
    assert cli("store", "verify", "nb-store").stdout == "10 cells, 0 problems\n"

    # The report is made without the plug-in: what it needs stands in the cells.
    cli("report", "nb-store", "--to", "board")
    board = (track / "board" / "leaderboard.md").read_text()
    assert "miss (g) ↓" in board and "12 objects" in board and "dB" not in board and "picture" not in board.lower()
    assert "functions" not in board and "noisy" not in board
    summary = json.loads((track / "board" / "summary.json").read_text())
    best, worst = summary["boards"][0]["rows"]
    assert (best["method"], worst["method"], worst["role"]) == ("mean", "gaussian", "baseline")
    assert all("scales/miss" in text for b in summary["boards"] for text in b["signatures"].values())
    assert "objects" in (track / "board" / "leaderboard.html").read_text()

    cli("export", "nb-store", "--to", "before.json")
    assert "no regression" in cli("check", "before.json", "nb-store").stdout
    (track / "scales.py").write_text(TRACK.replace("GAIN = 1.0", "GAIN = 1.1"))
    assert not missing_from(cli("why", "nb-store", "mean").stdout, "source file scales/scales.py ", "method changed")
    cli("run", "suite.yaml", *PLUGIN, "--store", "after", "--methods", "mean", "gaussian")
    said = cli("check", "before.json", "after", code=1).stdout
    assert "REGRESSION  mean · objects(n=12) · shaky" in said and "more than 0.01 (default)" in said
    said = cli("compare", "nb-store", "--method", "gaussian", "mean").stdout
    assert said.startswith("A: gaussian\nB: mean\n") and "miss" in said


def test_a_kill_loses_nothing(track: Path, cli) -> None:
    command = [warm_folder() / "noisebench", "run", *PLUGIN, "--track", "scales", "--methods", "mean(wait=0.15)",
               "--datasets", "objects(n=12)", "--regimes", "shaky", "--json"]  # fmt: skip
    running = subprocess.Popen(command, cwd=track, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)  # fmt: skip
    rows = track / "nb-store" / "partial"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and sum(f.read_text().count("\n") for f in rows.glob("*/rows.jsonl")) < 3:
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    time.sleep(0.5)
    (file,) = rows.glob("*/rows.jsonl")
    before = [json.loads(line) for line in file.read_text().splitlines()]
    assert 3 <= len(before) < 12
    done = cli(*command[1:])
    assert json.loads(done.stdout)["cells"][0]["outcome"] == "ok"
    (record,) = read_records(track / "nb-store")
    assert len(record.items) == 12
    assert [float(record.seconds[row["index"]]) for row in before] == [row["seconds"] for row in before]


def test_a_failure_is_a_result_and_mistakes_are_named(cli, track: Path) -> None:
    place = ("--track", "scales", "--datasets", "objects", "--regimes", "shaky")
    cli("run", *PLUGIN, *place, "--methods", "wrong", "mean", code=1)
    cells = [record.cell for record in read_records(track / "nb-store")]
    outcomes = {cell.method.name: (cell.outcome, cell.reason) for cell in cells}
    outcome, reason = outcomes["wrong"]
    assert (outcome, outcomes["mean"][0]) == ("invalid", "ok")
    assert not missing_from(reason, "returned str", "a weight", "(object 'object_03')")
    for args, words in (
        (("--track", "scale"), "unknown track 'scale': did you mean 'scales'?"),
        (("--track", "scales", "--methods", "nlm"), "unknown method 'nlm'"),
        (("--track", "scales", "--regimes", "gaussian(sigma=25)"), "unknown regime 'gaussian'"),
        (("--track", "scales", "--metrics", "psnr"), "unknown metric 'psnr'"),
    ):
        usual = ("--methods", "mean", "--datasets", "objects", "--regimes", "shaky")
        done = cli("run", *PLUGIN, *usual, *args, "--store", "s", code=2)
        assert words in done.stderr and done.stderr.count("\n") == 1 and not (track / "s").exists()
    assert "mean: all fine" in cli("doctor", "mean", "--track", "scales", *PLUGIN).stdout


def test_claims(cli, track: Path) -> None:
    (track / "mine.yaml").write_text(CLAIMS)
    done = cli("reproduce", "--claims", "mine.yaml", *PLUGIN, "--store", "c", "--json")
    (row,) = json.loads(done.stdout)["claims"]
    assert (row["verdict"], len(row["values"])) == ("reproduced", 3)
    judged = json.loads(cli("reproduce", "--claims", "mine.yaml", *PLUGIN, "--from", "c", "--json").stdout)["claims"]
    assert [r["verdict"] for r in judged] == ["reproduced"]


def test_list_and_evaluate(cli, track: Path) -> None:
    listed = json.loads(cli("list", "methods", "--track", "scales", *PLUGIN, "--json").stdout)
    assert [(m["name"], m["track"]) for m in listed] == [
        ("gaussian", "scales"),
        ("mean", "scales"),
        ("wrong", "scales"),
    ]
    assert "scales" in cli("list", "tracks", *PLUGIN).stdout
    code = (
        "import noisebench as nb; from noisebench.components.plugins import load_plugin; load_plugin('scales.py')\n"
        "print(nb.evaluate('mean', track='scales').miss < nb.evaluate('gaussian', track='scales').miss)"
    )
    done = subprocess.run([str(warm_folder() / "python"), "-c", code], cwd=track, capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


def test_the_pytest_plugin_knows_the_track(track: Path) -> None:
    (track / "conftest.py").write_text(
        "from noisebench.components.plugins import load_plugin\nload_plugin('scales.py')\n"
    )
    (track / "test_it.py").write_text(
        "import pytest\n\n@pytest.mark.noisebench('objects', 'shaky', track='scales')\n"
        "def test_mean(noisebench):\n    assert noisebench.check('mean').miss < 1\n"
    )
    outer = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    call = [str(warm_folder() / "pytest"), "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    for more, words in ((["--noisebench-update"], "1 passed"), ([], "1 passed")):
        done = subprocess.run([*call, *more], cwd=track, capture_output=True, text=True, env=outer)
        assert words in done.stdout, done.stdout + done.stderr
    (baseline,) = (track / "noisebench-baseline").rglob("*.json")
    assert [one.cell.track for one in read_export(baseline)] == ["scales"]


def test_what_is_not_of_a_track_is_refused_where_it_is_registered() -> None:
    with pytest.raises(nb.UsageError, match="a method declares no 'layuot': did you mean 'layout'"):
        nb.method("mine", layuot="hwc")
    with pytest.raises(nb.UsageError, match="unknown track 'functoins': did you mean 'functions'"):
        nb.method("mine", track="functoins")


def test_what_a_track_lacks_is_named_where_it_is_added() -> None:
    class Half:
        name, version, words = "half", 1, nb.Words()

    with pytest.raises(nb.UsageError, match="^track half lacks defaults, .*declare, .*pose, "):
        nb.add_track(Half())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("identify", "track scales: `identify` returned NoneType: return one line of text"),
        ("pose", "track scales: `pose` returned NoneType: return nb.Case(given, info, …)"),
    ],
)
def test_a_track_that_returns_nothing_is_named(cli, track: Path, name: str, said: str) -> None:
    file = track / "scales.py"
    file.write_text(file.read_text() + f"\n\nScales.{name} = lambda *given: None\n")
    place = ("--track", "scales", "--datasets", "objects(n=1)", "--regimes", "shaky")
    done = cli("run", *PLUGIN, *place, "--methods", "mean", code=None)
    assert said in done.stderr and "AttributeError" not in done.stderr
