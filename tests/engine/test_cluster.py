"""Cells on a cluster are those of one machine, whatever goes while they run: workers, the scheduler, the client."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import ROOT
from diary import Diary
from messages import missing_from
from noisebench import __version__
from noisebench.cli import main
from noisebench.engine import cluster as clusters
from noisebench.engine import cluster_start
from noisebench.engine.cluster import Seat, place_for
from noisebench.engine.cluster_start import Where, read_cluster
from noisebench.engine.cluster_worker import slots_of, why_refused
from noisebench.engine.forecast import expected_efficiency
from noisebench.engine.run import RunOptions, Summary, needs_run, run
from noisebench.store.cells import keys, open_store, read_record
from noisebench.store.harness_hash import harness_sha256
from noisebench.store.index import genuine_cells
from noisebench.suite.suite import Limits, Suite
from noisebench.text.errors import UsageError
from stored_cells import job_of, made, planned_cell_of, put
from warm_python import warm_folder

distributed = pytest.importorskip("distributed", reason="needs noisebench[cluster]")

PLUGIN = """
import os
import time
from pathlib import Path
import noisebench as nb

CALLS = Path(__file__).parent / "calls"


@nb.method("slow", layout="hwc")
def slow(noisy, info, *, s: float = 0.4, n: int = 0):
    with open(CALLS, "a") as file:
        file.write(f"{os.getpid()} {os.environ.get('WORKER_PID', 0)}\\n")
    time.sleep(s)
    return noisy


@nb.method("raises", layout="hwc")
def raises(noisy, info):
    raise ValueError("no")


@nb.method("leaves", layout="hwc")
def leaves(noisy, info):
    os._exit(3)
"""


def warm_engine() -> str:
    """What a worker of Dask runs first: its engine is forked from the warm Python, and methods are told the worker."""
    python = str(warm_folder() / "python")
    return f"import os, sys\nsys.executable = {python!r}\nos.environ['WORKER_PID'] = str(os.getpid())\n"


class Notes(Diary):
    """What a progress display is told, with the notes."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def workers() -> Iterator[Any]:
    """Two workers with a thread each, and a client that looks on."""
    import logging

    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
            memory_limit=0,
            preload=[warm_engine()],
        ) as local,
        distributed.Client(local, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def address(workers: Any) -> str:
    """The address of their scheduler, when both are there."""
    workers.wait_for_workers(2, timeout=30)
    return str(workers.scheduler.address)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with the plug-in."""
    (tmp_path / "cluster_plugin.py").write_text(PLUGIN)
    return tmp_path


def suite_of(here: Path, *methods: str, n: int = 2, **more: Any) -> Suite:
    return Suite(
        methods=methods, datasets=(f"piecewise(n={n}, size=8)",), regimes=("gaussian(sigma=25)",),
        plugins=(str(here / "cluster_plugin.py"),), **more,
    )  # fmt: skip


def calls(here: Path) -> list[int]:
    """The process of each call of `slow`."""
    return [method for method, _ in calls_of_workers(here)]


def calls_of_workers(here: Path) -> list[tuple[int, int]]:
    """The process of each call of `slow`, and that of the worker of Dask."""
    lines = (here / "calls").read_text().splitlines() if (here / "calls").exists() else []
    return [(int(method), int(worker)) for method, worker in map(str.split, lines)]


def when(due: Callable[[], object], act: Callable[[], object]) -> threading.Thread:
    """Have something done beside the run as soon as it is due."""

    def wait() -> None:
        end = time.monotonic() + 60
        while not due() and time.monotonic() < end:
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def first_worker(here: Path) -> psutil.Process:
    """The process of Dask's worker that called `slow` first."""
    return psutil.Process(calls_of_workers(here)[0][1])


def outcomes(summary: Summary) -> list[str]:
    return [summary.outcome[cell.key] for cell in summary.cells]


@pytest.fixture
def stranger(address: str, tmp_path: Path) -> Iterator[None]:
    """A third worker, of another noisebench."""
    copy = tmp_path / "elsewhere" / "noisebench"
    shutil.copytree(ROOT / "harness", copy)
    init = copy / "__init__.py"
    init.write_text(init.read_text().replace('__version__ = "', '__version__ = "9.'))
    words = ["-m", "distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1", "--name", "other"]
    env = {**os.environ, "PYTHONPATH": str(copy.parent)}
    worker = subprocess.Popen([sys.executable, *words], env=env, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        assert worker.stderr is not None and any("Registered to" in line for line in worker.stderr)
        yield
    finally:
        worker.kill()
        worker.wait()


# ------------------------------------------------------------------------------------------------------- a run


@pytest.mark.usefixtures("stranger")
def test_cells_are_those_of_one_machine_and_another_noisebench_gets_none(address: str, here: Path) -> None:
    suite = suite_of(here, "identity", "gaussian_filter", "raises", "leaves")
    local = run(suite, here / "a", RunOptions(jobs=2), Notes())
    there = run(suite, here / "b", RunOptions(cluster=address), notes := Notes())
    assert outcomes(there) == outcomes(local) == ["ok", "ok", "failed", "crashed"]
    assert keys(here / "a") == keys(here / "b") and len(there.done) == 4
    for key in keys(here / "a"):
        one, other = read_record(here / "a", key), read_record(here / "b", key)
        assert repr(one.scores) == repr(other.scores) and list(one.output_sha256) == list(other.output_sha256)
        assert one.cell.environment == other.cell.environment and one.cell.reason == other.cell.reason
    # Clocks that differ by a day either way make nothing be done again.
    for ahead, key in zip((86_400, -86_400) * 2, keys(here / "b"), strict=True):
        for file in (here / "b" / "cells" / key[:2] / key).iterdir():
            os.utime(file, (time.time() + ahead, time.time() + ahead))
    held = genuine_cells(here / "b", keys(here / "b"))
    assert not [cell for cell in there.cells if needs_run(here / "b", cell, held.get(cell.key), "never")]
    (note,) = notes.notes
    assert note.startswith("worker other (tcp://") and "is refused: it has another noisebench (9." in note
    assert not [name for name in os.listdir(here / "b" / "locks") if name.startswith("noisebench-")]


# ------------------------------------------------------------------------------------------------------ faults


def test_a_cell_whose_worker_is_killed_goes_on_elsewhere_from_its_next_item(
    workers: Any, address: str, here: Path
) -> None:
    kill = when(lambda: len(calls(here)) == 3, lambda: first_worker(here).kill())
    summary = run(suite_of(here, "slow", n=5), here / "s", RunOptions(cluster=address), notes := Notes())
    kill.join()
    assert outcomes(summary) == ["ok"]
    by = calls(here)
    assert 5 <= len(by) <= 6 and len(set(by)) == 2  # what was under way is done again, and no other item
    assert [note for note in notes.notes if note.startswith("worker ") and "goes on elsewhere" in note]


def test_a_worker_that_hangs_is_named_and_what_it_has_stored_counts(
    workers: Any, address: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "_MARGIN", 0.5)
    stopped: list[psutil.Process] = []

    def stop() -> None:
        stopped.append(first_worker(here))
        stopped[0].suspend()

    suite = suite_of(here, "slow", n=3, limits=Limits(timeout=6))
    hang = when(lambda: calls(here), stop)
    try:
        summary = run(suite, here / "s", RunOptions(cluster=address), notes := Notes())
    finally:
        hang.join()
        stopped[0].kill()
    assert outcomes(summary) == ["ok"] and len(calls(here)) == 3 and not summary.done
    assert [note for note in notes.notes if not missing_from(note, "worker ", "not answered for 6 s", "no more cells")]


def test_a_worker_that_hangs_before_it_begins_a_cell_is_named_later(here: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(clusters, "_LOOK", 0.0)
    monkeypatch.setattr(clusters.Cluster, "_workers", lambda _: {"tcp://b:1"})
    cells = clusters.Cluster(Where("tcp", "tcp://x:1"), suite_of(here), here / "s", None, (), None, print)
    job = job_of(planned_cell_of("k"))
    place = cells._seats["tcp://b:1"] = clusters.Seat("tcp://b:1", "b", "b", "b", 1, {1: (False, None)})
    task = cells._tasks[1] = clusters._Task(job, "1-3", tries=3, seat=place, given=time.monotonic() - 300)
    assert list(cells._look()) == []
    task.given -= 66
    assert [event["event"] for event in cells._look()] == ["broken", "gone"] and not cells._seats


def test_a_cell_that_was_stored_before_its_third_worker_went_is_no_crash(here: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(clusters, "_LOOK", 0.0)
    monkeypatch.setattr(clusters.Cluster, "_workers", lambda _: set())
    store, stored = open_store(here / "s"), made("nlm")
    cells = clusters.Cluster(Where("tcp", "tcp://x:1"), suite_of(here), here / "s", None, (), None, print)
    for before in (False, True):
        place = cells._seats["tcp://b:1"] = clusters.Seat("tcp://b:1", "b", "b", "b", 1, {1: (False, None)})
        job = job_of(planned_cell_of(stored.cell.key), store=str(store))
        cells._tasks[1] = clusters._Task(job, "1-3", tries=3, seat=place, given=time.monotonic())
        ended, gone = cells._look()
        assert gone["event"] == "gone"
        assert (ended["event"], ended.get("outcome"), ended.get("stored")) == (
            ("end", "ok", True) if before else ("broken", None, None)
        )
        put(store, stored)


def test_a_cell_that_a_machine_has_still_which_hangs_ends_by_its_name(here: Path) -> None:
    cells = clusters.Cluster(Where("tcp", "tcp://x:1"), suite_of(here), here / "s", None, (), None, print)
    task = clusters._Task(job_of(planned_cell_of("k")), "1-2", seat=seat("b"))
    assert cells._ending(1, task, {"event": "busy"}) == {"event": "busy", "id": 1}
    cells._stuck["k"] = "worker a (tcp://a:1)"
    ended = cells._ending(1, task, {"event": "busy"})
    assert ended["event"] == "broken" and ended["message"].startswith("worker a (tcp://a:1) hangs")


def test_a_client_that_is_killed_leaves_its_cell_and_the_next_one_waits_for_it(
    workers: Any, address: str, here: Path
) -> None:
    words = ["--datasets", "piecewise(n=6, size=8)", "--regimes", "gaussian(sigma=25)", "--plugin", "cluster_plugin.py"]
    killed = subprocess.Popen(
        [warm_folder() / "noisebench", "run", "--methods", "slow", *words, "--cluster", address, "--store", "s"],
        cwd=here, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    when(lambda: len(calls(here)) == 2, killed.kill).join()
    killed.wait()
    assert not keys(here / "s")
    summary = run(suite_of(here, "slow", n=6), here / "s", RunOptions(cluster=address), Notes())
    assert outcomes(summary) == ["ok"] and len(calls(here)) == 6 and len(set(calls(here))) == 1
    assert not summary.done


def test_a_scheduler_that_goes_is_one_line_and_what_is_done_is_stored(here: Path) -> None:
    code = (
        f"{warm_engine()}import distributed, sys, time\n"
        "if __name__ == '__main__':\n"
        "    c = distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False,\n"
        "                                 protocol='tcp://', dashboard_address=':0')\n"
        "    print(c.scheduler_address, flush=True)\n"
        "    time.sleep(100)\n"
    )
    (here / "other.py").write_text(code)
    other = subprocess.Popen([sys.executable, here / "other.py"], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    there = other.stdout.readline().strip()
    suite = suite_of(here, "identity", "slow", n=4)
    gone = when(lambda: len(calls(here)) == 2, other.kill)
    with pytest.raises(UsageError, match=r"^cluster tcp://\S+: the scheduler .* answers: .* same command .* stored"):
        run(suite, here / "s", RunOptions(cluster=there), Notes())
    gone.join()
    other.wait()
    (key,) = keys(here / "s")
    assert read_record(here / "s", key).cell.method.name == "identity"
    (left,) = (here / "s" / "partial").iterdir()  # where the next run goes on
    assert len((left / "rows.jsonl").read_text().splitlines()) >= 1


# ------------------------------------------------------------------------------------------- a batch system

SBATCH = """#!/bin/bash
cp "$1" job-$$.sh
setsid bash job-$$.sh > job.log 2>&1 < /dev/null &
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/bash
sleep 0.3
echo "$1" >> cancelled
kill -TERM -- -"$1"
(sleep 2; kill -KILL -- -"$1") > /dev/null 2>&1 &
"""


def put_slurm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two programs of Slurm that are called, on the path: a job is a process, its number that of its group."""
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (folder / "bin").mkdir(exist_ok=True)
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    "cluster, signals",
    [
        ("local(workers=1)", [signal.SIGINT]),
        ("slurm(workers=1, cores=1, processes=1, memory='1GB', interface=lo, nanny=False)", [signal.SIGINT]),
        ("slurm(workers=1, cores=1, processes=1, memory='1GB', interface=lo, nanny=False)", [signal.SIGTERM] * 3),
    ],
    ids=["local", "slurm", "slurm, in haste"],
)
def test_ctrl_c_ends_cells_and_workers(
    here: Path, cluster: str, signals: list[signal.Signals], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_slurm(here, monkeypatch)
    words = ["--datasets", "piecewise(n=40, size=8)", "--regimes", "none", "--plugin", "cluster_plugin.py"]
    running = subprocess.Popen(
        [sys.executable, "-m", "noisebench", "run", "--methods", "slow", *words, "--cluster",
         cluster, "--store", "s"],
        cwd=here, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    left: list[psutil.Process] = []

    def stop() -> None:
        left.extend(psutil.Process(running.pid).children(recursive=True))
        for sent in signals:
            os.killpg(running.pid, sent)
            time.sleep(0.02)

    when(lambda: calls(here), stop).join()
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said.splitlines()[-1].startswith("stopped: ") and "Traceback" not in said
    assert "same command" in said.splitlines()[-1]
    _, alive = psutil.wait_procs(left, timeout=10)
    assert not alive
    if cluster.startswith("local"):
        assert len(left) > 4
    else:
        (job,) = (here / "cancelled").read_text().split()
        with pytest.raises(ProcessLookupError):
            for _ in range(100):
                os.killpg(int(job), 0)
                time.sleep(0.1)


@pytest.mark.subprocess  # sbatch
def test_workers_are_jobs_of_slurm_and_are_cancelled(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_slurm(here, monkeypatch)
    monkeypatch.chdir(here)
    where = read_cluster('slurm(workers=1, cores=1, processes=1, memory="1GB", queue=short, interface=lo, nanny=False)')
    client, started = cluster_start.connected(where, 1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    client.wait_for_workers(1, timeout=60)
    client.close()
    started.close()
    (job,) = here.glob("job-*.sh")
    assert "#SBATCH -p short" in job.read_text() and (here / "cancelled").read_text().strip().isdigit()
    (here / "bin" / "sbatch").write_text("#!/bin/bash\necho 'no partition short' >&2\nexit 1\n")
    with pytest.raises(UsageError, match=r"^--cluster slurm .* started: no partition short$"):
        cluster_start.connected(where, 1)


def test_jobs_that_end_before_they_are_workers_are_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_slurm(here, monkeypatch)
    monkeypatch.chdir(here)
    for name, says in (("sbatch", "echo Submitted batch job 7"), ("squeue", "echo 8"), ("scancel", "true")):
        (here / "bin" / name).write_text(f"#!/bin/bash\n{says}\n")
        (here / "bin" / name).chmod(0o755)
    monkeypatch.setattr(clusters, "_AGAIN", 0.5)
    spec = "slurm(workers=1, cores=1, processes=1, memory='1GB', interface=lo)"
    with pytest.raises(UsageError, match="^cluster slurm: its jobs ended .* log_directory=… or in this one"):
        run(suite_of(here, "identity"), here / "s", RunOptions(cluster=spec), Notes())
    (here / "bin" / "squeue").write_text("#!/bin/bash\necho 7\n")
    where = read_cluster(spec)
    client, started = cluster_start.connected(where, 1)
    assert cluster_start.has_jobs(where, started)
    client.close()
    started.close()


# ------------------------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be local"),
        ("host:8786", "must be local"),
        ("tcp://host", "must be local"),
        ("kube(workers=2)", "must be local"),
        ("local", "say how many workers"),
        ("local(workers=0)", "say how many workers"),
        ("local(workers=True)", "say how many workers"),
        ("local(workers=2, memory=3)", "local has no memory"),
        ("pbs(workers=2)", "there is no qsub here"),
    ],
)
def test_what_is_no_cluster_is_refused_in_one_line(text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match=said) as error:
        read_cluster(text)
    assert "\n" not in str(error.value)


def test_a_cluster_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_cluster("tcp://10.0.0.1:8786") == Where("tcp", "tcp://10.0.0.1:8786")
    assert read_cluster("local(workers=3)") == Where("local", workers=3)
    monkeypatch.setattr(cluster_start.shutil, "which", str)
    asked = read_cluster("pbs(workers=2, queue=gpu, job_extra_directives=('-l ngpus=1',))")
    assert asked.arguments == (("queue", "gpu"), ("job_extra_directives", ["-l ngpus=1"])) and asked.workers == 2
    monkeypatch.setattr(cluster_start, "is_installed", lambda name: False)
    with pytest.raises(UsageError, match=r"pip install .noisebench\[cluster\]."):
        read_cluster("local(workers=3)")


def test_no_scheduler_and_no_workers_are_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (clusters, cluster_start):
        monkeypatch.setattr(module, "REACHED", 0.5)
    suite = suite_of(here, "identity")
    with pytest.raises(UsageError, match=r"^cluster tcp://127\.0\.0\.1:1 cannot be reached .*: start it by"):
        cluster_start.connected(Where("tcp", "tcp://127.0.0.1:1"), 1)
    assert not logging.getLogger("distributed.client").isEnabledFor(logging.ERROR), "a traceback of Dask's own"
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty:
        where = Where("tcp", empty.scheduler_address)
        cells = clusters.Cluster(where, suite, open_store(here / "s"), None, (), None, print)
        try:
            with pytest.raises(UsageError, match=r"^cluster tcp://\S+ has no workers: start some by `dask worker`$"):
                cells.preload(())
        finally:
            cells.close()


def test_a_cluster_that_cannot_be_reached_leaves_no_store(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_start, "REACHED", 0.5)
    with pytest.raises(UsageError, match=r"cannot be reached"):
        run(suite_of(here, "identity"), here / "s", RunOptions(cluster="tcp://127.0.0.1:1"), Notes())
    assert not (here / "s").exists()


def test_a_dry_run_counts_its_cells_though_no_scheduler_answers(here: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(cluster_start, "REACHED", 0.5)
    asked = ["run", "--methods", "identity", "--datasets", "gaussian_field(n=1, size=16)", "--regimes", "none"]
    dry = [*asked, "--store", str(here / "s"), "--dry-run", "--cluster", "tcp://127.0.0.1:1"]
    assert main(dry) == 2
    counts, unreached = capsys.readouterr().err.splitlines()
    assert counts == "1 to run, 0 stored"
    assert unreached.startswith("noisebench run: cluster tcp://127.0.0.1:1 cannot be reached")
    assert main([*dry, "--json"]) == 2
    out, err = capsys.readouterr()
    assert [cell["state"] for cell in json.loads(out)["cells"]] == ["run"] and err.startswith(unreached[:60])
    assert main([*asked, "--store", str(here / "s")]) == 0
    capsys.readouterr()
    assert main(dry) == 0, "a run that has nothing to do asks no scheduler either"
    assert capsys.readouterr().err == "0 to run, 1 stored\n"


def test_a_worker_says_why_it_must_not_take_part(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s")
    (store / "token").write_text("run-1")
    hello: Any = {
        "run": "run-1", "version": __version__, "sources": harness_sha256(), "store": str(store), "token": "token",
        "folder": str(tmp_path), "environment": {}, "track": "restore", "threads": 1, "memory": None, "preload": [],
        "devices": ["cpu"], "sandbox": False,
    }  # fmt: skip
    assert why_refused(hello) == ""
    changes = {
        "has another noisebench": {"sources": "0" * 64},
        "another noisebench (": {"version": "9.0"},
        "does not see the store": {"token": "another"},
        "does not see the store ": {"run": "run-2"},
        "has no folder": {"folder": str(tmp_path / "none")},
    }
    for said, change in changes.items():
        assert said in why_refused({**hello, **change})


# ------------------------------------------------------------------------------------------ which worker has what


def seat(name: str, host: str = "", slots: int = 2, **cells: bool | str) -> Seat:
    """A worker with cells: True for one that is alone, a device for one that has it."""
    held = {n: (v is True, v if isinstance(v, str) else None) for n, v in enumerate(cells.values())}
    return Seat(name, name, host or name, host or name, slots, held)


def chosen(seats: list[Seat], alone: bool = False, near: tuple[str, ...] = (), devices: tuple[str, ...] = ()) -> Any:
    place = place_for(seats, alone, near, devices)
    return None if place is None else (place[0].name, place[1])


def test_a_cell_goes_where_least_is_done_or_where_its_checkpoint_is() -> None:
    busy, idle, full = seat("a", a=False), seat("b"), seat("c", slots=1, a=False)
    assert chosen([busy, idle, full]) == ("b", None)
    assert chosen([busy, idle, full], near=("a",)) == ("a", None)
    assert chosen([busy, idle, full], near=("c",)) == ("b", None)
    assert chosen([full]) is chosen([]) is None


def test_a_cell_that_is_to_be_alone_has_its_host_to_itself() -> None:
    one, other = seat("a1", "a", a=False), seat("a2", "a")
    assert chosen([one, other], alone=True) is None
    assert chosen([one, other, seat("b1", "b")], alone=True) == ("b1", None)
    alone, beside = seat("a1", "a", a=True), seat("a2", "a")
    assert chosen([alone, beside]) is None and chosen([alone, beside, seat("b")]) == ("b", None)


def test_workers_of_one_host_share_its_devices() -> None:
    devices = ("cuda:0", "cuda:1")
    one, other = seat("a1", "a", a="cuda:0"), seat("a2", "a")
    assert chosen([one, other], devices=devices) == ("a2", "cuda:1")
    assert chosen([one, seat("a2", "a", a="cuda:1")], devices=devices) is None
    assert chosen([one, seat("a2", "a", a="cuda:1"), seat("b")], devices=devices) == ("b", "cuda:0")


def test_slots_are_by_cores_and_by_memory() -> None:
    assert slots_of(8, None, 2, None) == 4 and slots_of(1, None, 4, None) == 1
    assert slots_of(8, 32, 1, 8) == 4 and slots_of(8, 4, 1, 8) == 1 and slots_of(2, 0, 1, 8) == 2


def test_the_efficiency_that_is_expected_is_that_of_the_longest_first() -> None:
    cells = [planned_cell_of(str(n), name, track="t") for n, name in enumerate(["long", *["short"] * 3, "new"])]
    rates = {"score t long": 4.0, "score t short": 1.0}
    assert expected_efficiency(cells[:4], rates, 2) == pytest.approx(7 / 8)
    assert expected_efficiency(cells, rates, 1) == 1.0
    assert expected_efficiency(cells, rates, 3) == pytest.approx((7 + 1.75) / (3 * 4))
    assert expected_efficiency(cells, {}, 2) is None
