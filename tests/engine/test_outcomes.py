"""What is no result is no `ok`: outputs on another scale, cells without one score, devices that are not there."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
import torch
from messages import missing_from
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.cost.measure import measure
from noisebench.engine.environment import check_device
from noisebench.engine.messages import Job
from noisebench.engine.method_process import serve
from noisebench.engine.planning_process import answer_in, plan_in_child, reply
from noisebench.engine.worker import DONE, work
from noisebench.store.cells import partial_dir
from noisebench.store.reading import read_records
from noisebench.store.seals import files_seal
from noisebench.suite.suite import Suite
from noisebench.text.errors import UsageError

NET = """
import noisebench as nb

@nb.method("whole_numbers", layout="hwc")
def whole_numbers(noisy, info):
    return (noisy.clip(0, 1) * 255).astype("uint8")

@nb.method("on_255")
def on_255(noisy, info):
    return noisy * 255

@nb.method("diverges", layout="hwc")
def diverges(noisy, info):
    import numpy as np
    return noisy + np.where(np.indices(noisy.shape).sum(0) % 2, -1e4, 1e4)

@nb.method("half")
def half(noisy, info):
    return noisy.bfloat16()
"""
ONE = ("--datasets", "gaussian_field(n=1, size=32)", "--regimes", "gaussian(sigma=25)", "--store", "st")


def cells(store: Path) -> dict[str, dict]:
    return {r.cell.method.name: r.cell for r in read_records(store)}


# --- outputs on another scale ------------------------------------------------------------------------------


def test_an_output_of_whole_numbers_or_on_0_255_is_invalid_and_one_that_diverges_is_scored(cli, tmp_path) -> None:
    (tmp_path / "net.py").write_text(NET)
    methods = ("whole_numbers", "on_255", "diverges", "half")
    done = cli("run", "--methods", *methods, "--plugin", "net.py", *ONE, code=1)
    found = cells(tmp_path / "st")
    assert {name: cell.outcome for name, cell in found.items()} == {
        "whole_numbers": "invalid", "on_255": "invalid", "diverges": "ok", "half": "ok",
    }  # fmt: skip
    assert (
        found["whole_numbers"].reason == "returned dtype uint8: give float32 on [0, 1] (picture 'gaussian_field_000')"
    )
    assert found["on_255"].reason.endswith("as on 0–255: give float32 on [0, 1] (picture 'gaussian_field_000')")
    assert "invalid: on_255 · gaussian_field" in done.stdout


# --- cells without one score -------------------------------------------------------------------------------


def test_a_cell_in_which_no_score_has_a_value_is_undefined_says_why_and_fails_the_run(cli, tmp_path) -> None:
    run = ("run", "--methods", "identity", *ONE)
    done = cli(*run, "--protocol", "y8(border=500)", "--keep", "all", code=1)
    why = "no score has a value: psnr: the border of the protocol leaves no pixel; ssim: ssim needs at least 11×11"
    assert f"undefined: identity · gaussian_field(n=1, size=32) · gaussian(sigma=25) · seed 0: {why}" in done.stdout
    (record,) = read_records(tmp_path / "st")
    assert record.cell.outcome == "undefined" and record.cell.traceback == ""
    assert record.cell.reason.startswith(why) and np.isnan(record.scores["psnr"]).all()
    cli("report", "st", "--to", "board")
    assert f"| undefined |     1 of 1 | {why}" in (tmp_path / "board" / "leaderboard.md").read_text()
    again = cli(*run, "--protocol", "y8(border=4)", "--json")
    assert json.loads(again.stdout)["cells"][0]["state"] == "re-scored", "what it kept is still of use"
    cli("store", "verify", "st")


def test_one_score_with_a_value_is_enough_for_ok(cli, tmp_path) -> None:
    data = "gaussian_field(n=1, size=8)"
    done = cli("run", "--methods", "identity", "--datasets", data, "--regimes", "none", "--store", "st")
    assert "1 cell: 1 ok" in done.stdout
    (record,) = read_records(tmp_path / "st")
    assert np.isnan(record.scores["ssim"]).all() and not np.isnan(record.scores["psnr"]).any()


def test_a_regression_to_undefined_fails_the_gate(cli, tmp_path) -> None:
    cli("run", "--methods", "identity", *ONE, "--metrics", "ssim")
    (record,) = read_records(tmp_path / "st")
    folder = tmp_path / "st" / "cells" / record.cell.key[:2] / record.cell.key
    cell = json.loads((folder / "cell.json").read_text())
    cli("export", "st", "--to", "base.json")
    (folder / "cell.json").write_text(json.dumps({**cell, "outcome": "undefined", "reason": "no score has a value"}))
    sealed = {name: (folder / name).read_bytes() for name in ("cell.json", "scores.parquet")}
    (folder / "seal").write_bytes(files_seal(sealed))
    done = cli("check", "base.json", "st", code=1)
    assert not missing_from(done.stdout, "REGRESSION  identity", "newly undefined: ", "no score ")


# --- devices -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "says"),
    [
        ("tpu", "unknown device 'tpu': give cpu, cuda, cuda:1 or mps"),
        ("CUDA", "unknown device 'CUDA'"),
        ("cuda:99", "device cuda:99 is not there"),
        pytest.param("cuda", "torch .* finds no cuda.*give cpu", marks=pytest.mark.skipif(
            torch.cuda.is_available(), reason="there is one")),
    ],
)  # fmt: skip
def test_a_device_that_is_not_there_is_one_line_before_anything_runs(cli, tmp_path, device: str, says: str) -> None:
    with pytest.raises(nb.UsageError, match=says):
        check_device(device)
    with pytest.raises(nb.UsageError, match=says):
        nb.evaluate("identity", limit=1, device=device)
    if device in ("tpu", "cuda:99"):
        done = cli("run", "--methods", "identity", *ONE, "--device", device, code=2)
        assert done.stderr.startswith(f"noisebench run: {says}") and done.stderr.count("\n") == 1
        assert not (tmp_path / "st").exists()


class Leaf:
    def setup(self, device):
        self.told = device

    def restore(self, noisy, info):
        return noisy


def test_a_method_is_set_up_for_the_device_that_it_can_use() -> None:
    track = get_track("restore")
    nb.method("told_by_tensor")(type("ByTensor", (Leaf,), {}))
    nb.method("told_by_setup", layout="hwc")(type("BySetup", (Leaf,), {}))
    used = {}
    for spec in (
        "told_by_tensor", "told_by_setup", "nlm", "command(argv='cp {input_file} {output_file}')", "tiled(method=nlm)",
        "tiled(method=told_by_tensor)", "ensemble(method=tiled(method=told_by_setup))",
    ):  # fmt: skip
        runner = track.open(bind(spec, "method"))
        runner.setup("cuda")
        used[spec] = runner.device
    assert list(used.values()) == ["cuda", "cuda", "cpu", "cpu", "cpu", "cuda", "cuda"], used


def test_a_cost_is_that_of_the_device_that_was_used() -> None:
    track, regime = get_track("restore"), bind("gaussian(sigma=25)", "regime")
    cost = measure(track, bind("median", "method"), regime, (16, 16), repeats=1, device="cuda", threads=1)
    assert cost.device == "cpu" and cost.latency_rel is not None


def test_a_cell_is_stored_with_the_device_that_was_used(tmp_path) -> None:
    """Both processes of the cell are told `cuda`, as where there is one."""
    suite = Suite(methods=("median",), datasets=("gaussian_field(n=1, size=16)",), regimes=("none",))
    (cell,) = plan_in_child(suite)["cells"]
    job = Job(
        cell=cell, store=str(tmp_path), keep="none", device="cuda", threads=1, timeout=60.0, memory=None,
        environment={"threads": 1, "device": "cuda"}, redo=[], afresh=False, stamp=None, donor=None, sandbox=None,
        blocked="", harness="",
    )  # fmt: skip
    folder = partial_dir(tmp_path, cell.key)
    folder.mkdir(parents=True)
    channel, far = socket.socketpair()
    if os.fork() == 0:
        channel.close()
        serve(far)
    far.close()
    assert work(job, lambda event: None, channel) == DONE
    ending = json.loads((folder / "end.json").read_text())
    assert ending["environment"] == {"threads": 1, "device": "cpu"}


# --- datasets, regimes and errors of users' own -----------------------------------------------------------------


SETS = """
import noisebench as nb
import numpy as np

class Set:
    def __init__(self, ids, make):
        self.ids, self.make = ids, make
    def load(self, index):
        return self.make(index)

def sample(name):
    return nb.Sample(name, np.full((16, 16, 3), 0.5))

class Wordless(Exception):
    def __str__(self):
        return self.lost

def wordless(index):
    raise Wordless

MADE = {
    "set_raises": lambda: Set(["a", "b"], lambda index: sample("a") if index == 0 else 1 / 0),
    "set_wordless": lambda: Set(["a"], wordless),
    "set_gives_none": lambda: Set(["a"], lambda index: None),
    "set_is_none": lambda: None,
    "set_of_none": lambda: 1 / 0,
    "set_of_a_generator": lambda: Set((name for name in "ab"), sample),
    "set_of_numbers": lambda: Set([1, 2], sample),
    "set_of_others": lambda: Set(["a"], lambda index: sample("b")),
}
for name, make in MADE.items():
    nb.dataset(name)(make)
"""


@pytest.fixture(scope="module")
def wrong_sets(tmp_path_factory) -> str:
    """A plug-in with them: one file, for a name is registered once in a process."""
    file = tmp_path_factory.mktemp("sets") / "wrong_sets.py"
    file.write_text(SETS)
    return str(file)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("set_raises", "dataset set_raises, picture 'b': ZeroDivisionError: division by zero"),
        ("set_wordless", "dataset set_wordless, picture 'a': Wordless: its message cannot be shown (AttributeError)"),
        ("set_gives_none", "dataset set_gives_none, picture 'a': `load` returned NoneType: return the picture as nb.S"),
        ("set_is_none", "dataset set_is_none gives a NoneType: give `ids`, a list of texts, and `load(index)`"),
        ("set_of_none", "dataset set_of_none: ZeroDivisionError: division by zero"),
        ("set_of_a_generator", "dataset set_of_a_generator gives a Set whose `ids` is a generator: give"),
        ("set_of_numbers", "dataset set_of_numbers: the id 1 is no text but int: make it str(…)"),
        ("set_of_others", "dataset set_of_others, picture 'a': what `load` gives has the id 'b'"),
    ],
)
def test_a_dataset_that_is_wrong_is_one_line_that_names_it(wrong_sets: str, name: str, words: str) -> None:
    suite = Suite(methods=("identity",), datasets=(name,), regimes=("none",), plugins=(wrong_sets,))
    ours, theirs = os.pipe()
    reply({"verb": "plan", "suite": asdict(suite), "devices": []}, theirs)
    with os.fdopen(ours, "rb") as answers, pytest.raises(UsageError) as told:
        answer_in(answers.read(), 0)
    assert str(told.value).startswith(words)


ENDS = """
import os
import noisebench as nb

@nb.regime("ends_scoring")
def ends_scoring(clean, draw):
    os._exit(3)

class Wordless(Exception):
    def __str__(self):
        return self.lost

@nb.method("wordless")
def wordless(noisy, info):
    raise Wordless
"""


def test_how_scoring_ended_and_an_error_without_a_text_are_told(cli, tmp_path) -> None:
    (tmp_path / "ends.py").write_text(ENDS)
    asked = ("run", "--methods", "identity", "wordless", "--plugin", "ends.py", *ONE[:2], *ONE[4:], "--regimes")
    cli(*asked, "none", "ends_scoring", code=1)
    reasons = {(c.cell.method.name, c.cell.regime.name): c.cell.reason for c in read_records(tmp_path / "st")}
    assert reasons["identity", "ends_scoring"] == "scoring exited with code 3 before it had finished"
    assert reasons["wordless", "none"].startswith("Wordless: ")
    assert reasons["wordless", "none"].endswith("(AttributeError) (ends.py, line 15) (picture 'gaussian_field_000')")
