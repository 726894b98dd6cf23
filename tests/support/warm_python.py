"""Python that has imported what noisebench imports: commands of tests are forked from it, which saves seconds each.

`warm_folder` starts it, once a process of tests, and gives a folder with programs `python`, `noisebench` and `pytest`
that do what those of the environment do. A command has its own process, arguments, environment, folder and files; only
modules of other packages, and those of noisebench that register nothing, are there already.
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

MODULES = (
    "numpy", "scipy.ndimage", "scipy.stats", "scipy.optimize", "cv2", "torch", "torch._dynamo", "pandas",
    "pyarrow.parquet", "pydantic.type_adapter", "yaml", "tabulate", "rich.progress", "matplotlib.figure",
    "matplotlib.backends.backend_agg", "skimage.metrics", "sklearn.linear_model", "sklearn.datasets",
    "torch.nn.functional", "pywt", "noisebench.cli", "noisebench.engine.fork_server", "noisebench.engine.run",
)  # fmt: skip
MOST_FILES = 12
CLIENT = """#!{python} -SE
import json, os, signal, socket, sys
words = {first!r} + sys.argv[1:]
if not words or words[0].startswith("-") and words[0] not in ("-P", "-m", "-c"):
    os.execv({python!r}, [{python!r}, *words])
files = [number for number in range({most}) if os.path.exists(f"/proc/self/fd/{{number}}")]
line = socket.socket(socket.AF_UNIX)
line.connect({place!r})
asked = {{"words": words, "cwd": os.getcwd(), "env": dict(os.environ), "files": files}}
asked = json.dumps(asked).encode()
socket.send_fds(line, [len(asked).to_bytes(8, "little")], files)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: line.sendall(bytes([number])))
line.sendall(asked)
data = b""
while len(data) < 4:
    got = line.recv(4 - len(data))
    if not got:
        os._exit(255)
    data += got
code = int.from_bytes(data, "little", signed=True)
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""


@functools.cache
def warm_folder() -> Path:
    """The folder of programs that are forked from a warm process, which ends with this one."""
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
    """Have what the engine starts from this process forked from the warm one, as it is of commands."""
    from noisebench.engine import planning_process, pool

    planning_process.sys = pool.sys = _WarmSys()  # type: ignore[attr-defined]


def serve(listening: socket.socket, program: str) -> None:
    """Fork what each connection asks for, until the process of the tests has ended."""
    for name in MODULES:
        __import__(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([0, listening], [], [])
        if 0 in ready:
            return
        line, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            watch(line, program)
        line.close()


def watch(line: socket.socket, program: str) -> NoReturn:
    """Start a command in a fork of its own, pass it signals, and send its exit code; it ends with its client."""
    size, files, _, _ = socket.recv_fds(line, 8, MOST_FILES)
    text = b""
    while len(text) < int.from_bytes(size, "little"):
        text += line.recv(int.from_bytes(size, "little") - len(text))
    child = os.fork()
    if child == 0:
        line.close()
        do(json.loads(text), files, program)
    for file in {*files, 0, 1, 2}:
        os.close(file)
    ended = os.pidfd_open(child)
    while True:
        ready, _, _ = select.select([line, ended], [], [])
        if ended in ready:
            line.sendall(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]).to_bytes(4, "little", signed=True))
            os._exit(0)
        told = line.recv(1)
        os.kill(child, told[0] if told else signal.SIGKILL)
        if not told:
            os._exit(0)


def do(asked: dict, files: list[int], program: str) -> NoReturn:
    """What `python WORDS` does, in this process."""
    os.setsid()
    high = [fcntl.fcntl(file, fcntl.F_DUPFD, 64) for file in files]
    os.closerange(3, 64)
    for number, file in zip(asked["files"], high, strict=True):
        os.dup2(file, number)
        os.close(file)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.executable = program
    words, code = asked["words"], 0
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
