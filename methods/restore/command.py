from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import signal
import string
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import noisebench as nb
from noisebench.methods.restore._exchange import collect, hand_over, write

PLACES = ("input", "output", "input_file", "output_file", "info", "seed")
DISCLOSED = (
    "sigma", "sigma255", "peak", "looks", "speckle", "p", "scale", "quality", "bit_depth", "iso", "ratio",
    "boundary", "mask", "kernel",
)  # fmt: skip
"""Placeholders for what a regime discloses; `mask` and `kernel` are the path of a `.npy` file."""


SKIPPED = 77
"""The exit code by which a program says that a picture is not for it, as test programs of Automake and Meson do."""
_PREFIX = "noisebench-command-"


class ProgramFailed(RuntimeError):
    """The program ended with an error; the end of what it wrote to standard error is in the message."""


@nb.method("command", layout="hwc")
class Command:
    """A program: `argv`, split into words as a shell would but run without one, in the working directory.

    `{input}` and `{output}` are two folders. The first holds one picture, `picture.npy`: float32 (H, W, C),
    nominally [0, 1]; the program writes the restored one under the same name into the second. With format=png
    it is `picture.png` of 8 or 16 `bits`, clipped and rounded; the output may be of another kind or depth.
    `{input_file}` and `{output_file}` are the files themselves. What the regime discloses is in the JSON file
    `{info}`, and can be named: `{sigma}` (of [0, 1]), `{sigma255}`, `{peak}`, `{looks}`, `{scale}`, `{quality}`,
    `{mask}` and `{kernel}` (paths of `.npy` files); `{seed}` is a number that depends on the input alone. A brace
    is written twice.

    Files that `argv` names are part of the key of a cell, a Python script with what it imports from its own
    folder; other files and folders that the result depends on are listed in `files`.

    A program that ends with exit code 77 skips: the last line on its standard error is the reason.
    """

    external = True

    def __init__(
        self,
        *,
        argv: str,
        format: Literal["npy", "png"] = "npy",
        bits: Literal[8, 16] = 8,
        files: tuple[str, ...] = (),
    ) -> None:
        self.words = words_of(argv)
        self.name = f"picture.{format}"
        self.bits = bits

    @staticmethod
    def weight_files(argv: str, format: str, bits: int, files: tuple[str, ...]) -> dict[str, str]:
        """File → SHA-256 of what the program is made of, as far as it is named. Raises `UsageError`."""
        words = words_of(argv)
        return {**dict(_named_in(words)), **dict(_listed(files))}

    def setup(self, device: Any) -> None:
        """Take away what killed runs left behind."""
        sweep()

    def restore(self, noisy: Any, info: Any) -> Any:
        """Runs the program. Raises `Skip`, `ProgramFailed`, or `Invalid` for what it leaves or does not."""
        if self.name.endswith("png") and noisy.shape[2] not in (1, 3):
            raise nb.Skip(f"a PNG holds 1 or 3 channels, not {noisy.shape[2]}: use format=npy")
        with workplace() as folder:
            values = hand_over(info, folder)
            places = {
                "input": folder / "in",
                "output": folder / "out",
                "input_file": folder / "in" / self.name,
                "output_file": folder / "out" / self.name,
                "info": folder / "info.json",
            }
            command = [fill(word, {**values, **places}) for word in self.words]
            write(folder / "in" / self.name, noisy, self.bits)
            run(command)
            return collect(folder / "out", self.name)


@contextmanager
def workplace() -> Iterator[Path]:
    """A temporary folder with `in` and `out`, locked while it is in use."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as place:
        lock = os.open(place, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name in ("in", "out"):
                (Path(place) / name).mkdir()
            yield Path(place)
        finally:
            os.close(lock)


def sweep() -> None:
    """Remove the folders of processes that were killed (a time-out leaves no chance to): those without a lock."""
    for place in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            # One that was made just now may not be locked yet.
            if time.time() - place.stat().st_mtime < 60:
                continue
            lock = os.open(place, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(place, ignore_errors=True)
            finally:
                os.close(lock)


def words_of(argv: str) -> list[str]:
    """The words of a command line. Raises `UsageError` where it cannot be run."""
    try:
        words = shlex.split(argv)
    except ValueError as error:
        raise nb.UsageError(f"command: {argv!r} cannot be split into words ({error}): check its quotes") from None
    if not words:
        raise nb.UsageError("command: argv is empty: write the program and its arguments")
    named = {name for word in words for name in _placeholders(word)}
    for name in sorted(named - {*PLACES, *DISCLOSED}):
        raise nb.UsageError(
            f"command: unknown placeholder {{{name}}}: known are {', '.join((*PLACES, *DISCLOSED))}; "
            "the file {info} has all that is disclosed; write a brace twice"
        )
    for role in ("input", "output"):
        if not named & {role, f"{role}_file"}:
            raise nb.UsageError(f"command: argv lacks {{{role}}}: write it where the program takes its {role} folder")
    if _placeholders(words[0]):
        raise nb.UsageError(f"command: the program cannot be a placeholder, {words[0]!r}")
    if shutil.which(words[0]) is None:
        problem = "is not executable" if Path(words[0]).is_file() else "is not there, nor on the PATH"
        raise nb.UsageError(f"command: program {words[0]!r} {problem} (looked from {str(Path.cwd())!r})")
    return words


def _placeholders(word: str) -> list[str]:
    try:
        parts = list(string.Formatter().parse(word))
    except ValueError as error:
        raise nb.UsageError(f"command: {word!r}: {str(error).lower()}: write a brace twice where it is meant") from None
    for _, name, form, conversion in parts:
        if name is not None and (form or conversion or not name):
            raise nb.UsageError(f"command: {word!r}: a placeholder is a name alone, such as {{input}}")
    return [name for _, name, _, _ in parts if name is not None]


def fill(word: str, values: Mapping[str, Any]) -> str:
    """A word with its placeholders filled in. Raises `Skip` for what the regime does not disclose."""
    for name in _placeholders(word):
        if name not in values:
            raise nb.Skip(f"needs {name.replace('255', '')}, which the regime does not disclose")
    return word.format_map(values)


def run(command: list[str]) -> None:
    """Run to the end. Raises `Skip` for exit code 77, else `ProgramFailed`. What it prints goes to standard error."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, stderr=subprocess.PIPE) as program:
        assert program.stderr is not None  # it is a pipe
        tail = bytearray()
        # A process that the program leaves behind may hold the pipe open for ever: only the program is waited for.
        reader = threading.Thread(target=_keep_tail, args=(os.dup(program.stderr.fileno()), tail), daemon=True)
        reader.start()
        try:
            code = program.wait()
        except BaseException:
            program.kill()
            raise
        reader.join(0.5)
    if code == SKIPPED:
        message = bytes(tail).decode("utf-8", "replace").strip().rpartition("\n")[2].strip()
        raise nb.Skip(message or f"the program skips it (exit code {SKIPPED}), without a word on standard error")
    if code:
        cause = f"exit code {code}" if code > 0 else f"killed by {_signal(-code)}"
        last = " ".join(bytes(tail).decode("utf-8", "replace").split())
        if not last:
            raise ProgramFailed(f"{cause}, without a word on standard error")
        raise ProgramFailed(f"{cause}: {last if len(last) <= 300 else '…' + last[-299:]}")


def _signal(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


def _keep_tail(pipe: int, tail: bytearray) -> None:
    with open(pipe, "rb", buffering=0) as file:
        while data := file.read(65536):
            tail += data
            del tail[:-4000]


def _named_in(words: list[str]) -> Iterator[tuple[str, str]]:
    """Files that words name (`run.py`, `--weights=net.pth`), and what Python scripts import beside them."""
    for word in words:
        for text in dict.fromkeys((word, word.partition("=")[2])):
            if not text or not Path(text).is_file():
                continue
            yield text, _sha256(Path(text))
            if text.endswith(".py"):
                file = Path(text).resolve()
                for label, digest in nb.module_sources(file, file.stem).items():
                    below = label.partition("/")[2]
                    if below != file.name:
                        yield (Path(text).parent / below).as_posix(), digest


def _listed(files: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for text in files:
        path = Path(text)
        if path.is_dir():
            inside = sorted(f for f in path.rglob("*") if f.is_file())
            if not inside:
                raise nb.UsageError(f"command: folder {text!r} of files= is empty")
            yield from ((f.as_posix(), _sha256(f)) for f in inside)
        elif path.is_file():
            yield text, _sha256(path)
        else:
            raise nb.UsageError(f"command: {text!r} of files= does not exist (looked from {str(Path.cwd())!r})")


def _sha256(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise nb.UsageError(f"command: {str(path)!r} cannot be read: {error.strerror}") from None
