"""Python that has imported what noisebench imports: commands of tests are forked from it, which saves seconds each.

`warm_folder` starts it, once for all workers of pytest, and gives a folder with programs `python`, `noisebench` and
`pytest` that do what those of the environment do. A command has its own process, arguments, environment, folder and
files; only modules of other packages, and those of noisebench that register nothing, are there already.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import functools
import gc
import marshal
import os
import re
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from pathlib import Path
from typing import Any, NoReturn

MODULES = (
    "numpy", "scipy.ndimage", "scipy.stats", "scipy.optimize", "cv2", "torch", "torch._dynamo", "pandas",
    "pyarrow.parquet", "pydantic.type_adapter", "yaml", "tabulate", "rich.progress", "matplotlib.figure",
    "matplotlib.backends.backend_agg", "skimage.metrics", "sklearn.linear_model", "sklearn.datasets",
    "torch.nn.functional", "pywt", "noisebench.boards.build", "noisebench.claims.effects", "noisebench.cli",
    "noisebench.engine.environment", "noisebench.engine.examination_process", "noisebench.engine.fork_server",
    "noisebench.engine.run", "noisebench.gate.check", "noisebench.report.terminal", "noisebench.report.write",
    "noisebench.track.default_track",
)  # fmt: skip
MOST_FILES = 12
SHARED = "NOISEBENCH_WARM_FOLDER"
"""The variable by which workers of pytest are told the folder of the process that started them."""
CLIENT = """#!{python} -SE
import _signal, _socket, marshal, os, sys  # not `signal` and `socket`, which take longer to import than all the rest
words = {first!r} + sys.argv[1:]
if not words or words[0].startswith("-") and words[0] not in ("-P", "-m", "-c"):
    os.execv({python!r}, [{python!r}, *words])
files = [number for number in range({most}) if os.path.exists(f"/proc/self/fd/{{number}}")]
line = _socket.socket(_socket.AF_UNIX)
line.connect({place!r})
asked = marshal.dumps((words, os.getcwd(), dict(os.environ), files))
passed = b"".join(number.to_bytes(4, sys.byteorder) for number in files)
line.sendmsg([len(asked).to_bytes(8, "little")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, passed)])
for number in (_signal.SIGINT, _signal.SIGTERM):
    _signal.signal(number, lambda number, frame: line.sendall(bytes([number])))
line.sendall(asked)
data = b""
while len(data) < 4:
    got = line.recv(4 - len(data))
    if not got:
        os._exit(255)
    data += got
code = int.from_bytes(data, "little", signed=True)
if code < 0:
    _signal.signal(-code, _signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""


@functools.cache
def warm_folder() -> Path:
    """The folder of programs that are forked from a warm process, which ends with the one that started it."""
    if SHARED in os.environ:
        return Path(os.environ[SHARED])
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / "line"))
    listening.listen(64)
    for name, first in (("python", []), ("noisebench", ["-m", "noisebench"]), ("pytest", ["-m", "pytest"])):
        text = CLIENT.format(python=sys.executable, place=str(folder / "line"), first=first, most=MOST_FILES)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    served = subprocess.Popen(
        [sys.executable, __file__, str(listening.fileno()), str(folder / "python")],
        pass_fds=[listening.fileno()], stdin=subprocess.PIPE,
        env={**os.environ, "JE_ARROW_MALLOC_CONF": "background_thread:false"},  # no thread, since it forks
    )  # fmt: skip
    listening.close()
    atexit.register(served.kill)
    return folder


class _WarmSys:
    """The module `sys`, whose `executable` is the warm Python."""

    @property
    def executable(self) -> str:
        return str(warm_folder() / "python")

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


def start_engine_warm() -> None:
    """Have what the engine and the doctor start from this process forked from the warm one, as it is of commands."""
    from noisebench.cli import doctor
    from noisebench.engine import planning_process, pool

    doctor.sys = planning_process.sys = pool.sys = _WarmSys()  # type: ignore[attr-defined]


def serve(listening: socket.socket, program: str) -> None:
    """Fork what each connection asks for, pass it signals and send its exit code, until the tests have ended."""
    if 0 in select.select([0, listening], [], [])[0]:  # nothing is imported for tests that ask for nothing
        return
    for name in MODULES:
        __import__(name)
    sys.modules["noisebench.cli"].parser()  # imports each verb
    sys.modules["pydantic"].TypeAdapter(int)  # imports more, and looks for plug-ins of pydantic
    sys.modules["noisebench.store.harness_hash"].harness_sha256()  # reads each file, and again only what has changed
    atexit.unregister(sys.modules["torch._dynamo.utils"].dump_compile_times)
    for one in weakref.finalize._registry:  # type: ignore[attr-defined]
        one.atexit = False  # torch takes its libraries apart, which copies 30 MB at the end of each command
    gc.collect()
    gc.freeze()  # a collection copies what it looks at
    join_pages()
    running: dict[socket.socket, int] = {}
    lines: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([0, listening, *lines, *running], [], [])
        if 0 in ready:
            for child in running.values():
                os.kill(child, signal.SIGKILL)
            return
        for ended in lines.keys() & ready:
            line = lines.pop(ended)
            os.close(ended)
            code = os.waitstatus_to_exitcode(os.waitpid(running.pop(line), 0)[1])
            with contextlib.suppress(OSError):  # its client has been killed
                line.sendall(code.to_bytes(4, "little", signed=True))
            line.close()
        for line in running.keys() & ready:
            number = line.recv(1)
            os.kill(running[line], number[0] if number else signal.SIGKILL)
        if listening in ready:
            line, _ = listening.accept()
            running[line] = child = start(line, program)
            lines[os.pidfd_open(child)] = line


def join_pages() -> None:
    """Join memory to pages of 2 MiB, where the kernel can: a fork then takes 13 ms in place of 33."""
    size, collapse = 2 << 20, 25
    for line in Path("/proc/self/maps").read_text().splitlines():
        if found := re.match(r"(\w+)-(\w+) rw.. 0+ \S+ 0 *(?:\[heap\])?$", line):
            first, end = (int(place, 16) for place in found.groups())
            for place in range(-(-first // size) * size, end - size + 1, size):
                ctypes.CDLL(None).madvise(ctypes.c_void_p(place), ctypes.c_size_t(size), collapse)


def start(line: socket.socket, program: str) -> int:
    """Start the command that a connection asks for in a fork; its process id."""
    size, files, _, _ = socket.recv_fds(line, 8, MOST_FILES)
    asked = b""
    while len(asked) < int.from_bytes(size, "little"):
        asked += line.recv(int.from_bytes(size, "little") - len(asked))
    child = os.fork()
    if child == 0:
        do(*marshal.loads(asked), files, program)
    for file in files:
        os.close(file)
    return child


def do(
    words: list[str], folder: str, env: dict[str, str], numbers: list[int], files: list[int], program: str
) -> NoReturn:
    """What `python WORDS` does, in this process, where the files have these numbers."""
    os.setsid()
    high = [fcntl.fcntl(file, fcntl.F_DUPFD, 64) for file in files]
    os.closerange(3, 64)
    for number, file in zip(numbers, high, strict=True):
        os.dup2(file, number)
        os.close(file)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.executable = program
    code = 0
    here = [os.getcwd()]
    if words[0] == "-P":
        words, here = words[1:], []
    try:
        if words[0] == "-m":
            sys.argv, sys.path[:1] = words[1:], here
            sys.modules.pop(words[1], None)
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        elif words[0] == "-c":
            sys.argv, sys.path[0] = ["-c", *words[2:]], ""
            exec(words[1], {"__name__": "__main__"})
        else:
            sys.argv, sys.path[0] = words, str(Path(words[0]).resolve().parent)
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
