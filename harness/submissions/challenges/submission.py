"""Read a submission to a challenge, a zip or a folder, as somebody else has made it: nothing of it is run."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...data.disk import read_regular
from ...text.errors import closest, one_line
from ..archive import Hostile, opened_zip, read_at_most, refuse_odd_files
from .files import SCHEMA, SUBMISSION, Challenge, ChallengeItem, Submission, array_of, check_name, document

_HEADER = 4096
"""Bytes that the header of a `.npy` may take."""
_LARGEST_NOTE = 1 << 16
_MOST_FILES = 100_000
_MOST_COMPARED = 1000
"""Names beyond so many are not compared with each other."""
_REMEDY = "`noisebench challenge pack RESULTS_DIR --challenge DIR --to FILE.zip` makes one"


def output_file(item: str) -> str:
    """The name of an output in a submission."""
    return f"outputs/{item}.npy"


class SubmittedFiles:
    """The files of a submission, read in memory by name, up to the size that each may have. Raises `Hostile`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._of_folder = path.is_dir()
        if self._of_folder:
            self.names = _names_below(path)
        else:
            with opened_zip(path, "submission", _REMEDY) as archive:
                if len(archive.infolist()) > _MOST_FILES:
                    raise Hostile(f"{one_line(path)} has more than {_MOST_FILES:,} files: it is no submission")
                names = refuse_odd_files(path, archive, _why_none)
                self.names = {name for name in names if not name.endswith("/")}

    def read(self, name: str, most: int) -> bytes:
        """A file. Raises `Hostile` for one that holds more than it may."""
        if self._of_folder:
            file = self.path / name
            if file.stat().st_size > most:
                raise Hostile(f"{one_line(self.path)}: {name} holds more than it may")
            return read_regular(file)
        with opened_zip(self.path, "submission", _REMEDY) as archive:
            return read_at_most(self.path, archive, name, most)


def _why_none(name: str) -> str:
    """Why a name is none of a submission: it leads elsewhere."""
    parts = name.removesuffix("/").split("/")
    odd = (
        name.startswith("/") or "\\" in name or ":" in name or "\0" in name or any(p in ("", ".", "..") for p in parts)
    )
    return "leads out of the submission: do not unpack it" if odd else ""


def _names_below(folder: Path) -> set[str]:
    """The files below a folder. Raises `Hostile` for links and other things that are no plain files."""
    names: set[str] = set()
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise Hostile(f"{one_line(folder)}: {one_line(name, 80)!r} is a link, or no plain file")
        names |= {Path(root, name).relative_to(folder).as_posix() for name in files}
        if len(names) > _MOST_FILES:
            raise Hostile(f"{one_line(folder)} has more than {_MOST_FILES:,} files: it is no submission")
    return names


def read_note(files: SubmittedFiles, challenge: Challenge) -> Submission:
    """`submission.json`. Raises `Hostile` where it is damaged, or is of another challenge."""
    where = one_line(files.path)
    if SUBMISSION not in files.names:
        raise Hostile(f"{where} lacks {SUBMISSION}: {_REMEDY}")
    note = document(files.read(SUBMISSION, _LARGEST_NOTE), Submission, "noisebench_submission",
                    f"{where}: {SUBMISSION}", Hostile)  # fmt: skip
    try:
        check_name(note.method)
    except ValueError as error:
        raise Hostile(f"{where}: {SUBMISSION}: method must be {error}") from None
    if note.challenge != challenge.sha256:
        raise Hostile(f"{where} is for another challenge than {one_line(challenge.folder)}: pack it again")
    if note.noisebench_submission != SCHEMA:
        raise Hostile(f"{where}: {SUBMISSION}: version {note.noisebench_submission} is none")
    return note


def checked_outputs(files: SubmittedFiles, challenge: Challenge) -> tuple[dict[str, Any], list[str], str]:
    """The outputs by item, what is wrong with the files, a line each, and the SHA-256 of all outputs.

    Missing, extra, misnamed, wrongly sized and wrongly typed files are named; where something is wrong there are none.
    """
    due = {output_file(name): item for name, item in challenge.items.items()}
    problems = name_problems(files.names - {SUBMISSION}, due)
    digest, outputs = sha256(), {}
    for name, item in due.items():
        if name not in files.names:
            continue
        try:
            array = array_of(files.read(name, most_bytes(item, challenge.manifest.dtype)), name)
            why = why_unfit(array, item, challenge)
        except Hostile as error:
            array, why = None, str(error).removeprefix(f"{one_line(files.path)}: ").removeprefix(f"{name} ")
        if why:
            problems.append(f"{name} {why}")
            continue
        item_name = Path(name).stem
        digest.update(f"{item_name} {challenge.track.outputs.digest(array)}\n".encode())
        outputs[item_name] = array
    return ({} if problems else outputs), problems, digest.hexdigest()


def most_bytes(item: ChallengeItem, dtype: str) -> int:
    """How many bytes the file of an output may have."""
    import numpy as np

    return math.prod(item.wanted) * max(np.dtype(dtype).itemsize, 8) + _HEADER


def why_unfit(array: Any, item: ChallengeItem, challenge: Challenge) -> str:
    """Why an array is no output of an item: type, size, values that are not finite."""
    try:
        challenge.track.outputs.check(array, tuple(item.wanted))
    except ValueError as error:
        return f"has {error}"
    return ""


def name_problems(names: Iterable[str], due: Mapping[str, Any]) -> list[str]:
    """A line for each file that is missing, misnamed (it is near to one that is missing) or extra."""
    given = set(names)
    missing = [name for name in due if name not in given]
    problems: list[str] = []
    for name in sorted(given - set(due)):
        near = closest(name, missing) if max(len(problems), len(missing)) <= _MOST_COMPARED else ""
        if near:
            missing.remove(near)
            problems.append(f"{one_line(name, 80)} is misnamed: {near} is due")
        else:
            problems.append(f"{one_line(name, 80)} is extra: no item has that name")
    return [*(f"{name} is missing" for name in missing), *problems]
