"""The sandbox of plug-ins: what is planned and trained in it is the same, what would run outside of it is refused."""

from __future__ import annotations

import json
import os
import socket
import time
import types
from pathlib import Path

import pytest
from board_records import cost_record
from bubblewrap import needs_bubblewrap
from messages import missing_from
from noisebench.cli import main
from noisebench.components.entry import Entry
from noisebench.components.registry import Bound
from noisebench.cost import measure
from noisebench.engine import control_groups, processes, sandboxed_plugins
from noisebench.engine.sandbox import Confinement, command, confinement
from noisebench.planning.cells import method_flags
from noisebench.spec.parsing import parse
from noisebench.store import harness_hash
from noisebench.store.reading import read_cells, read_records
from noisebench.store.upkeep import made_by_another
from noisebench.testing import throwaway
from noisebench.text.errors import UsageError

OWN = """
from typing import Annotated
from annotated_types import Ge
import noisebench as nb
from beside import half

@nb.method("mine", layout="hwc", family="own", weights=("table.txt",))
def mine(noisy, info, *, strength: Annotated[float, Ge(0)] = 1, of: nb.MethodSpec = "identity"):
    return noisy * half * 2 * strength

@nb.method("wraps", layout="hwc")
class Wraps:
    def __init__(self, *, of: nb.MethodSpec = "mine(strength=1)"):
        self.of = of

    @staticmethod
    def flags(**params):
        return {"blind": True}

    def restore(self, noisy, info):
        return noisy

@nb.metric("flattering")
def flattering(pair):
    return 99.0

@nb.arch("one_layer")
def one_layer(given, wanted, *, width: int = 3):
    from torch import nn
    return nn.Conv2d(given[0], wanted[0], width, padding=width // 2)
"""
NET = """
import noisebench as nb
import torch

@nb.method("net", track="classify")
class Net:
    def setup(self, device):
        weight = torch.randn(10, 64, generator=torch.Generator().manual_seed(0))
        self.layer = torch.nn.Linear(64, 10)
        self.layer.weight.data.copy_(weight)
        self.layer.bias.data.zero_()

    def classify(self, noisy, info):
        assert info.label is None and info.sample is None
        assert len(noisy) == 16 or not noisy.requires_grad, "an attack is of sixteen pictures at once"
        return self.layer(noisy.flatten(1))
"""
RUN = ("--datasets", "gaussian_field(n=2, size=24)", "--regimes", "gaussian(sigma=25)")
PLUGGED = (*RUN, "--plugin", "own.py")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    throwaway(tmp_path, "", own=OWN, beside="half = 0.5")
    (tmp_path / "table.txt").write_text("1")
    return tmp_path


@needs_bubblewrap
def test_a_plan_in_a_sandbox_is_the_plan_without_one(cli, own) -> None:
    recipe = "data=gaussian_field(n=4, size=32), steps=2, checks=1, batch=2, validation=1, crop=16"
    methods = ("mine", "mine(strength=2)", "wraps", "wraps(of=gaussian_filter)",
               f"trained(arch=one_layer(width=5), {recipe})")  # fmt: skip
    plain, boxed = (
        json.loads(cli("run", "--methods", *methods, *PLUGGED, "--dry-run", "--json", *more).stdout)["cells"]
        for more in ((), ("--sandbox",))
    )
    assert [cell["key"] for cell in boxed] == [cell["key"] for cell in plain] and len(plain) == len(methods) + 1
    cli("run", "--methods", "mine", methods[-1], *PLUGGED, "--sandbox", "--metrics", "psnr")
    cells, _ = read_cells(own / "nb-store")
    assert [cell.outcome for cell in cells] == ["ok"] * 3


@needs_bubblewrap
def test_attacked_pictures_and_scores_are_those_without_a_sandbox(cli, tmp_path) -> None:
    throwaway(tmp_path, "", net=NET)
    words = ("run", "--track", "classify", "--datasets", "digits(n=20)", "--regimes", "adversarial(eps=0.05, steps=3)",
             "--methods", "net", "--plugin", "net.py", "--metrics", "nll", "--store")  # fmt: skip
    found = []
    for name, more in (("plain", ()), ("boxed", ("--sandbox",))):
        cli(*words, name, *more)
        (record,) = read_records(tmp_path / name)
        found.append((record.cell.key, record.input_sha256, record.output_sha256, record.scores["nll"].tolist()))
    assert found[0] == found[1] and len(found[0][3]) == 20


@needs_bubblewrap
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--methods", "identity", "--metrics", "flattering"),
            "metric 'flattering' comes from a plug-in, whose code may see no clean item with --sandbox: leave "
            "--sandbox out, or take a metric of noisebench",
        ),
        (("--methods", "mine(strength=-1)"), "method 'mine': strength must be a number from 0, not -1"),
    ],
    ids=["metric", "parameter"],
)
def test_what_would_score_itself_or_is_wrong_is_refused_in_a_line(cli, own, words, said) -> None:
    done = cli("run", *words, *PLUGGED, "--sandbox", code=2)
    assert done.stderr.splitlines()[-1] == f"noisebench run: {said}"


@pytest.mark.parametrize("kind", ["dataset", "regime", "metric", "protocol"])
def test_nothing_that_sees_clean_items_is_bound_in_a_sandbox(kind: str) -> None:
    line, far = socket.socketpair()
    with line, far, pytest.raises(UsageError) as caught:
        inside = sandboxed_plugins._Inside("flattering", types.ModuleType("own"), line, {"marks": ()})
        vars(inside.module)["__file__"] = "own.py"
        inside.bound_elsewhere(parse("flattering"), kind, "restore")
    assert not missing_from(str(caught.value), f"{kind} 'flattering'", "--sandbox", f"take a {kind} of noisebench")


def test_without_a_sandbox_a_plug_in_scores_its_own_method(cli, own) -> None:
    cli("run", "--methods", "mine", "--metrics", "flattering", *PLUGGED)
    (record,) = read_records(own / "nb-store")
    assert record.scores["flattering"].tolist() == [99.0, 99.0]


@needs_bubblewrap
def test_a_plug_in_that_ends_the_process_is_a_line(cli, own) -> None:
    (own / "beside.py").write_text("import os; os._exit(3)")
    done = cli("run", "--methods", "mine", *PLUGGED, "--sandbox", code=2)
    assert not missing_from(done.stderr, "own.py ends the process", "imported", "sandbox")


def test_beside_a_plug_in_there_is_its_folder_where_nothing_hidden_lies_in_it(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for place in ("apart", "shared/store"):
        (tmp_path / place).mkdir(parents=True)
    for place in ("apart", "shared"):
        for name in ("own.py", "beside.py", "weights.npz"):
            (tmp_path / place / name).touch()
    given = Confinement(hidden=[str(tmp_path / "shared" / "store")], memory=2**30)

    def shown(*files: str, named: tuple[str, ...] = ()) -> set[str]:
        words = command(given, [str(tmp_path / file) for file in files], [str(tmp_path / one) for one in named], [])
        bound = {words[i + 2] for i, word in enumerate(words) if word.startswith("--ro-bind")}
        return {os.path.relpath(place, tmp_path) for place in bound if place.startswith(str(tmp_path))}

    assert shown("apart/own.py") == {"apart", "apart/own.py"}
    assert shown("shared/own.py") == {"shared/own.py", "shared/beside.py"}
    assert shown(named=("apart/weights.npz", "shared/store/x")) == {"apart/weights.npz"}


def test_without_a_limit_cells_share_four_fifths_of_the_memory(tmp_path) -> None:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    one, three = (confinement([], tmp_path, None, jobs) for jobs in (1, 3))
    assert (one.memory, three.memory) == (int(0.8 * machine), int(0.8 * machine) // 3)
    assert confinement([], tmp_path, 2**30, 3).memory == 2**30 and one.processes == 512


def test_a_file_of_the_working_directory_hides_no_library(cli, tmp_path) -> None:
    (tmp_path / "dis.py").write_text("raise SystemExit('not this one')")
    cli("run", "--methods", "identity", *RUN, "--metrics", "psnr")


def test_each_cell_says_which_harness_made_it_and_verify_names_those_of_another(cli, tmp_path, monkeypatch) -> None:
    cli("run", "--methods", "identity", *RUN, "--metrics", "psnr")
    (cell,), _ = read_cells(tmp_path / "nb-store")
    assert cell.harness == harness_hash.harness_sha256()
    assert cli("store", "verify", "nb-store").stdout == "1 cell, 0 problems\n"
    monkeypatch.setattr("noisebench.store.upkeep.harness_sha256", lambda: "0" * 64)
    assert made_by_another(tmp_path / "nb-store") == [f"cell {cell.key[:12]}: made by harness {cell.harness[:12]}"]
    said = cli("store", "verify", "nb-store").stdout
    assert "1 cell of another harness" in said and said.endswith("1 cell, 0 problems\n")


@pytest.mark.parametrize("taken_back", [False, True], ids=["edited", "and_taken_back"])
def test_a_run_says_that_the_harness_was_edited_meanwhile(tmp_path, monkeypatch, capsys, taken_back) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "part.py").write_text("1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(harness_hash, "_files", lambda: harness_hash._below("copy", "", False))
    before = harness_hash.harness_sha256()
    (tmp_path / "edits.py").write_text(
        "import noisebench as nb\n"
        '@nb.method("edits")\n'
        "def edits(noisy, info):\n"
        f"    for text in {['2', '1'] if taken_back else ['2']}:\n"
        f"        open({str(tmp_path / 'copy' / 'part.py')!r}, 'w').write(text)\n"
        "    return noisy\n"
    )
    shared = (*RUN, "--metrics", "psnr", "--plugin", "edits.py")
    assert main(["run", "--methods", "identity", *shared]) == 0
    assert "of noisebench changed" not in capsys.readouterr().err
    assert main(["run", "--methods", "edits", *shared]) == 0
    told = capsys.readouterr().err
    assert not missing_from(told, "1 file of noisebench", "changed during this run (part.py)", before[:12])
    assert {cell.harness for cell in read_cells(tmp_path / "nb-store")[0]} == {before}
    assert len(made_by_another(tmp_path / "nb-store")) == (0 if taken_back else 2)


def test_the_hash_of_the_harness_sees_every_file(tmp_path) -> None:
    def hashed() -> str:
        return harness_hash.hash_of(tuple(sorted(harness_hash._below(str(tmp_path), "", False))))

    for name in ("a.py", "data/b.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    hashes = [hashed()]
    for name in ("a.py", "data/b.yaml"):
        stat = os.stat(tmp_path / name)
        (tmp_path / name).write_text("2")
        os.utime(tmp_path / name, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # as one would who hides an edit
        hashes.append(hashed())
    assert len(set(hashes)) == 3


def test_a_coarse_clock_gives_no_relative_latency(monkeypatch) -> None:
    cost = cost_record().cell.cost
    assert cost is not None
    monkeypatch.setattr(measure, "clock_step", lambda: 0.004)
    found = measure.compared(cost)
    assert found.latency_rel is found.latency_cpu_ms is None
    assert not missing_from(found.reasons["latency_rel"], "processor time", "steps of 4 ms", "too coarse")
    monkeypatch.setattr(measure, "clock_step", lambda: 1e-6)
    assert measure.compared(cost).latency_rel is not None


def test_processor_time_and_memory_of_another_process_are_seen() -> None:
    child = os.fork()
    if child == 0:
        held = bytearray(b"x" * (100 << 20))
        while held:
            pass
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end and (
            processes.used_bytes([child], 0) <= 100 << 20 or processes.processor_seconds([child]) <= 0.01
        ):
            time.sleep(0.05)
        assert processes.processor_seconds([child]) > 0.01
        assert processes.used_bytes([child], 0) > 100 << 20
        assert processes.peak_bytes([child]) > 100 << 20
    finally:
        processes.kill_child(child)


def test_a_control_group_has_the_limits_and_goes_when_its_processes_have_ended(tmp_path, monkeypatch) -> None:
    """With stand-ins for the kernel's files: a group that can be written needs root and cgroup v2."""
    monkeypatch.setattr(control_groups, "_places", lambda: [tmp_path / "without", tmp_path])
    assert control_groups.new_group("one", 2**30, 512) is None
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids\n")
    group = control_groups.new_group("one", 2**30, 512)
    assert group == tmp_path / "one"
    control_groups.join(group)
    found = {file.name: file.read_text() for file in group.iterdir()}
    assert found == {"memory.max": "1073741824", "pids.max": "4096", "cgroup.procs": str(os.getpid())}
    assert not control_groups.out_of_memory(group)
    (group / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert control_groups.out_of_memory(group)
    for file in group.iterdir():
        file.unlink()
    control_groups.remove_group(group)
    assert not group.exists()


@pytest.mark.parametrize("own", ["/user.slice/session-1.scope", "/"])
def test_a_control_group_lies_beside_that_of_the_run_or_in_it(tmp_path, monkeypatch, own) -> None:
    told = tmp_path / "cgroup"
    told.write_text(f"4:memory:/other\n0::{own}\n")
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    monkeypatch.setattr(control_groups, "_CURRENT_GROUP", told)
    places = [tmp_path / "user.slice", tmp_path / "user.slice" / "session-1.scope"] if own != "/" else [tmp_path]
    assert list(control_groups._places()) == places


def test_a_method_cannot_say_that_it_is_no_oracle() -> None:
    class SeesAll:
        @staticmethod
        def flags(**params: object) -> dict[str, bool]:
            return {"oracle": False}

    bound = Bound(Entry("sees_all", SeesAll, meta={"oracle": True}), {}, "sees_all", "sees_all")
    assert method_flags(bound)["oracle"] is True
