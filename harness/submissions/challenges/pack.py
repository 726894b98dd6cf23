"""Pack a participant's outputs into a submission, after all that a judge would refuse was named."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...data.disk import noticing_full_disk, refuse_in_store
from ...text.errors import UsageError, closest, one_line
from ...text.wording import counted
from .files import SCHEMA, SUBMISSION, Challenge, ReadsAnswers, Submission, array_bytes, text_of
from .submission import output_file, why_unfit

_Answers = dict[str, tuple[str, Callable[[], Any]]]
"""By item: what an output is called in messages, and how it is read."""


@dataclass(frozen=True)
class PackedSubmission:
    """What was packed: how many outputs, in how many bytes."""

    outputs: int
    bytes: int


class Misfits(UsageError):
    """Files that are no submission: `problems` has a line for each."""

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        super().__init__(f"{where}: {counted(len(problems), 'file')} to mend: nothing was packed")
        self.problems = problems


def pack_submission(results: Path, challenge: Challenge, to: Path, method: str) -> PackedSubmission:
    """Write a zip of the outputs in a folder, which are named as the items, or in a file of all of them.

    Raises `Misfits` where a file is missing, extra, misnamed, or of a wrong size or type, and `UsageError`.
    """
    if to.suffix != ".zip" or not to.parent.is_dir() or to.is_dir():
        raise UsageError(f"--to {one_line(to)}: name a file that ends in .zip, in a folder that is there")
    refuse_in_store(to)
    if results.is_file() and isinstance(challenge.track, ReadsAnswers):
        answers, problems = _in_table(results, challenge)
    elif results.is_dir():
        answers, problems = _in_folder(results, challenge)
    else:
        raise UsageError(f"{one_line(results)} is no folder: name the one with your outputs")
    fd, name = tempfile.mkstemp(dir=to.parent, prefix=".tmp-")
    try:
        with noticing_full_disk(to), os.fdopen(fd, "wb") as opened:
            with zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as archive:
                note = Submission(noisebench_submission=SCHEMA, challenge=challenge.sha256, method=method)
                _add(archive, SUBMISSION, text_of(note))
                for item, (where, read) in answers.items():
                    output, why = _output(read, item, challenge)
                    if why:
                        problems.append(f"{where} {why}")
                    elif not problems:
                        _add(archive, output_file(item), array_bytes(output))
            if problems:
                raise Misfits(one_line(results), problems)
        os.chmod(name, 0o644)
        os.replace(name, to)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    return PackedSubmission(len(answers), to.stat().st_size)


def _in_table(results: Path, challenge: Challenge) -> tuple[_Answers, list[str]]:
    """The outputs of a file that has all of them, and what is wrong with the names of items in it."""
    manifest = challenge.manifest
    given = challenge.track.read_answers(results, manifest.classes, [one.entry.name for one in challenge.metrics])
    problems = [f"{name} is missing" for name in challenge.items if name not in given]
    for name, outputs in given.items():
        if name not in challenge.items:
            problems.append(f"{one_line(name, 80)} is extra: no item has that name")
        elif len(outputs) > 1:
            problems.append(f"{name} is there {len(outputs)} times")
    answers = {name: given[name][0] for name in challenge.items if name in given}
    return {name: (name, partial(_as_is, output)) for name, output in answers.items()}, problems


def _as_is(output: Any) -> Any:
    return output


def _in_folder(results: Path, challenge: Challenge) -> tuple[_Answers, list[str]]:
    """The file of each item, and what is wrong with the names."""
    files, problems = _paired(results, challenge)
    items, read = challenge.items, challenge.track.read_output_file
    return {
        name: (file.name, partial(read, file, items[name].wanted, items[name].info)) for name, file in files.items()
    }, problems


def _paired(results: Path, challenge: Challenge) -> tuple[dict[str, Path], list[str]]:
    """The file of each item, and what is wrong with the names."""
    by_stem: dict[str, list[Path]] = {}
    for file in sorted(results.iterdir()):
        by_stem.setdefault(file.stem, []).append(file)
    missing = [name for name in challenge.items if name not in by_stem]
    problems = []
    for stem, files in by_stem.items():
        if stem in challenge.items:
            if len(files) > 1:
                problems.append(f"{one_line(files[1].name, 80)} is extra: {files[0].name} is of the same item")
        elif near := closest(stem, missing):
            missing.remove(near)
            problems.append(f"{one_line(files[0].name, 80)} is misnamed: {near}{files[0].suffix} is due")
        else:
            problems += [f"{one_line(file.name, 80)} is extra: no item has that name" for file in files]
    problems = [*(f"{name} is missing" for name in missing), *problems]
    return {name: by_stem[name][0] for name in challenge.items if name in by_stem}, problems


def _output(read: Callable[[], Any], item: str, challenge: Challenge) -> tuple[Any, str]:
    """The output that is read, and why it is none."""
    try:
        output = read()
    except (UsageError, OSError) as error:
        return None, f"is of a wrong type, or damaged ({one_line(error, 160)})"
    why = why_unfit(output, challenge.items[item], challenge)
    return output, why.replace("has shape", "is of a wrong size: shape")


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name)  # of 1980: equal contents give equal bytes
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, data)
