"""Read `--cluster`, and connect to the scheduler that it names or start one."""

from __future__ import annotations

import logging
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import resource_tracker
from typing import Any, Literal, NamedTuple, cast

from ..spec.parsing import Spec, Value, parse
from ..text.errors import UsageError, one_line
from ..text.extras import install_line, is_installed

REACHED = 10.0
"""Seconds in which a scheduler must answer, and have a worker."""
_ANY_PORT = ":0"


class BatchSystem(NamedTuple):
    """A batch system: its class in dask-jobqueue, the program that submits, the command that shows a user his jobs, and
    the one that lists those that wait or run, a line each that begins with the number."""

    cluster: str
    submits: str
    tells: str
    lists: tuple[str, ...]


BATCH = {
    "slurm": BatchSystem("SLURMCluster", "sbatch", "squeue", ("squeue", "--noheader", "--format=%A")),
    "pbs": BatchSystem("PBSCluster", "qsub", "qstat -s", ("qselect",)),
}
_FORMS = "local(workers=N), tcp://HOST:PORT, slurm(workers=N, …) or pbs(workers=N, …)"


@dataclass(frozen=True)
class Where:
    """A scheduler that runs, or how many workers to start, and with which arguments."""

    kind: Literal["tcp", "local", "slurm", "pbs"]
    address: str = ""
    workers: int = 0
    arguments: tuple[tuple[str, Any], ...] = ()


def read_cluster(text: str) -> Where:
    """Parse `--cluster`. Raises `UsageError`, also where a package or program that it needs is missing."""
    if re.fullmatch(r"tcp://\S+:\d+", text):
        where = Where("tcp", address=text)
    else:
        try:
            spec = parse(text)
        except UsageError:
            raise UsageError(f"--cluster must be {_FORMS}, not {one_line(text)!r}") from None
        if spec.name not in ("local", *BATCH) or spec.then:
            raise UsageError(f"--cluster must be {_FORMS}, not {one_line(text)!r}")
        arguments = {name: _plain(value) for name, value in spec.args}
        workers = arguments.pop("workers", None)
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise UsageError(f"--cluster {spec.name}: say how many workers, such as {spec.name}(workers=4)")
        for name in ("cores", "processes"):
            if name in arguments and not (type(arguments[name]) is int and arguments[name] >= 1):
                given = one_line(arguments[name])
                raise UsageError(f"--cluster {spec.name}: {name} must be a whole number from 1, not {given}")
        if spec.name == "local" and arguments:
            raise UsageError(f"--cluster local has no {one_line(next(iter(arguments)))}: local(workers=N) is all")
        where = Where(cast(Any, spec.name), workers=workers, arguments=tuple(arguments.items()))
    packages = ("distributed", *(("dask_jobqueue",) if where.kind in BATCH else ()))
    if not all(map(is_installed, packages)):
        raise UsageError(f"--cluster needs Dask: {install_line(*packages)}")
    if where.kind in BATCH and shutil.which(program := BATCH[where.kind].submits) is None:
        raise UsageError(f"--cluster {where.kind}: there is no {program} here: run where jobs are submitted")
    return where


def _plain(value: Value) -> Any:
    """A value as dask-jobqueue takes it: a bare name is a text, a tuple a list."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Spec) else value


def connected(where: Where, threads: int) -> tuple[Any, Any]:
    """A client, and the cluster that was started for it (None for a scheduler that runs). Raises `UsageError`."""
    distributed = import_module("distributed")
    for name in ("distributed", "distributed.client", "tornado.application"):  # the second has a level of its own
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if where.kind == "tcp":
        try:
            return distributed.Client(where.address, timeout=REACHED, set_as_default=False), None
        except (OSError, TimeoutError, ValueError) as error:
            raise UsageError(
                f"cluster {where.address} cannot be reached ({one_line(error, 100)}): start it by `dask scheduler`, "
                "or mend the address"
            ) from None
    try:
        with _without_ctrl_c():
            started = _local(where, threads) if where.kind == "local" else _batch(where)
            return distributed.Client(started, timeout=REACHED, set_as_default=False), started
    except UsageError:
        raise
    except Exception as error:
        message = str(error).rpartition("stderr:\n")[2].strip()  # what the program that submits has said
        raise UsageError(f"--cluster {where.kind} cannot be started: {one_line(message or error)}") from None


def _local(where: Where, threads: int) -> Any:
    return import_module("distributed").LocalCluster(
        n_workers=where.workers, threads_per_worker=threads, processes=True, memory_limit=0,
        dashboard_address=_ANY_PORT, silence_logs=logging.CRITICAL,
    )  # fmt: skip


def _batch(where: Where) -> Any:
    """Submit jobs of a batch system. Raises what dask-jobqueue raises where one is refused."""
    before = signal.getsignal(signal.SIGINT)
    make = getattr(import_module("dask_jobqueue"), BATCH[where.kind].cluster)
    if signal.getsignal(signal.SIGINT) is not before:  # the import has Ctrl-C end the program in silence, with 0
        signal.signal(signal.SIGINT, before)
    cluster = make(scheduler_options={"dashboard_address": _ANY_PORT}, **dict(where.arguments))

    async def submitted() -> None:
        cluster.scale(n=where.workers)
        await cluster._correct_state()

    try:
        cluster.sync(submitted)
    except BaseException:
        with suppress(Exception):  # it counts on jobs that have begun
            cluster.close(timeout=5)
        raise
    return cluster


def has_jobs(where: Where, started: Any) -> bool:
    """Whether a submitted job waits or runs, as far as the batch system knows."""
    numbers = {str(job.job_id) for job in started.workers.values() if getattr(job, "job_id", None)}
    try:
        listed = subprocess.run(
            BATCH[where.kind].lists, capture_output=True, text=True, timeout=REACHED, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return True
    return not numbers or not numbers.isdisjoint(re.findall(r"^\s*(\d+)", listed, re.MULTILINE))


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Start threads and processes that a Ctrl-C in the terminal does not reach."""
    resource_tracker.ensure_running()  # started within, it would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore Ctrl-C and SIGTERM: for a short end that must not be cut off."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def slots_there(where: Where, threads: int) -> int | None:
    """How many cells a cluster runs at once; None where only jobs that have begun will tell.

    Raises `UsageError` where its scheduler cannot be reached.
    """
    if where.kind != "tcp":
        return where.workers if where.kind == "local" else None
    client, _ = connected(where, threads)
    with client:
        slots: int = sum(max(1, cores // threads) for cores in client.nthreads().values())
    return slots
