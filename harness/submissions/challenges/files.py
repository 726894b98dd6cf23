"""The files of a challenge: `challenge.json` and inputs for all, and the sealed truth for its organiser."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from ...components.registry import Bound, bind, bind_all
from ...components.tracks import get_track
from ...data.disk import read_regular
from ...store.cell import DatasetPart, Whole
from ...store.cell_json import checked, plain_values
from ...text.errors import UsageError, one_line
from ...text.json_values import parsed
from ...track.track_protocol import Track
from ..archive import Hostile, opened_zip, read_at_most, refuse_odd_files, why_no_array

SCHEMA = 1
MANIFEST, TRUTH = "challenge.json", "truth.json"
SUBMISSION = "submission.json"
LARGEST_TEXT = 64 << 20
"""Bytes of the largest JSON file that is read."""
_LARGEST_ARRAY = 4 << 30
_ITEM = re.compile(r"item-[0-9]{4,8}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,59}")
_SEALED = re.compile(r"items/item-[0-9]{4,8}/[a-z_]{1,20}\.npy")

T = TypeVar("T", bound=Struct)


@runtime_checkable
class SealsItems(Protocol):
    """A track whose items and outputs are arrays, so that a challenge can keep them.

    `answer_files` says how participants name their outputs, in Markdown.
    """

    answer_files: str

    def sealed_arrays(self, item: Any) -> Mapping[str, Any]:
        """The arrays of an item, truth included, by name."""

    def unsealed(self, name: str, arrays: Mapping[str, Any]) -> Any:
        """The item again, under another name."""

    def read_output_file(self, file: Path, wanted: Sequence[int], info: Mapping[str, Any]) -> Any:
        """An output as a participant has it in a file; `info` is what is told of the item. Raises `UsageError`."""


@runtime_checkable
class AnswersClasses(Protocol):
    """A track whose outputs are of classes, which participants must know by name, in their order."""

    def answer_classes(self, item: Any) -> Sequence[str]: ...


@runtime_checkable
class ReadsAnswers(Protocol):
    """A track whose outputs are small, so that all of them may stand in one file."""

    def read_answers(self, file: Path, classes: Sequence[str], metrics: Collection[str]) -> Mapping[str, Sequence[Any]]:
        """The outputs by item, one for each line of the file that names it. Raises `UsageError`."""


class ChallengeItem(Struct, frozen=True, kw_only=True):
    """An item as participants get it: input, with its SHA-256, what is known of it, and the output that is wanted."""

    input: str
    sha256: str
    shape: list[Whole]
    regime: str
    info: dict[str, Any]
    wanted: list[Whole]


class ChallengeManifest(Struct, frozen=True, kw_only=True):
    """`challenge.json`: all that a participant is told. Neither seed nor dataset nor names of items are in it.

    `classes` are those of outputs that are of classes, in their order.
    """

    noisebench_challenge: Whole
    name: str
    track: str
    protocol: str
    metrics: list[str]
    rank_by: str
    signatures: list[str]
    dtype: str
    items: dict[str, ChallengeItem]
    classes: list[str] = []


class SealedCell(Struct, frozen=True, kw_only=True):
    """One board of a challenge: its dataset under a name that tells nothing, its regime, and its items."""

    dataset: DatasetPart
    regime: str
    items: list[str]


class ChallengeTruth(Struct, frozen=True, kw_only=True):
    """`truth.json`: of which challenge (the SHA-256 of its manifest), the seed, and the hash of each input."""

    noisebench_truth: Whole
    challenge: str
    seed: Whole
    cells: list[SealedCell]
    input_sha256: dict[str, str]


class Submission(Struct, frozen=True, kw_only=True):
    """`submission.json`: of which challenge, and what the method is called."""

    noisebench_submission: Whole
    challenge: str
    method: str


class Challenge:
    """A challenge that was read: its manifest, the SHA-256 of that, and what it is scored by."""

    def __init__(self, folder: Path) -> None:
        file = folder / MANIFEST
        data = read_file(file, "challenge")
        self.folder, self.sha256 = folder, hashlib.sha256(data).hexdigest()
        self.manifest = document(data, ChallengeManifest, "noisebench_challenge", one_line(file), UsageError)
        if odd := [name for name in self.manifest.items if not _ITEM.fullmatch(name)]:
            raise UsageError(f"{one_line(file)}: {one_line(odd[0], 40)!r} is no name of an item: make it again")
        self.track = sealing_track(self.manifest.track)
        self.protocol = bind(self.manifest.protocol, "protocol", self.track.name)
        self.metrics: list[Bound] = bind_all(self.manifest.metrics, "metric", self.track.name)

    @property
    def items(self) -> Mapping[str, ChallengeItem]:
        """The items by name."""
        return self.manifest.items


def sealing_track(name: str) -> Any:
    """A track that can keep items for a challenge. Raises `UsageError`."""
    track: Track = get_track(name)
    if not isinstance(track, SealsItems):
        raise UsageError(f"track {track.name} has no challenges: its {track.words.items} cannot be kept as arrays")
    return track


def check_name(name: str) -> str:
    """A name of a challenge or method. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError("up to 60 letters, digits, spaces and . _ + -, the first a letter or digit")
    return name


def is_item(name: str) -> bool:
    """Whether a text is the name of an item."""
    return _ITEM.fullmatch(name) is not None


def read_file(file: Path, kind: str) -> bytes:
    """A small file. Raises `UsageError`."""
    try:
        data = read_regular(file)
    except OSError as error:
        raise UsageError(f"{kind} {one_line(file)} cannot be read ({error.strerror}): check the path") from None
    if len(data) > LARGEST_TEXT:
        raise UsageError(f"{one_line(file)} is larger than {LARGEST_TEXT >> 20} MiB: it is none")
    return data


def document(data: bytes, kind: type[T], mark: str, where: str, error: type[UsageError]) -> T:
    """A JSON file of a type. Raises `UsageError` for one of a newer noisebench, and `error` for a damaged one."""
    try:
        value = parsed(data)
        schema = value.get(mark) if isinstance(value, dict) else None
        if isinstance(schema, int) and schema > SCHEMA:
            raise UsageError(f"{where} was made by a newer noisebench: upgrade to read it")
        return checked(value, kind)
    except (ValueError, TypeError) as why:
        raise error(f"{where} is damaged ({one_line(why, 120)}): get it again") from None


def text_of(struct: Struct) -> bytes:
    """The JSON of a file."""
    return (json.dumps(plain_values(struct), indent=1, sort_keys=True) + "\n").encode()


def array_bytes(array: Any) -> bytes:
    """An array as `.npy`."""
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def array_of(data: bytes, where: str) -> Any:
    """The array of a `.npy`. Raises `Hostile`; nothing is unpickled."""
    import numpy as np

    if why := why_no_array(data):
        raise Hostile(f"{where} {why}")
    return np.load(io.BytesIO(data), allow_pickle=False)


class SealedTruth:
    """The truth of a challenge, as its organiser keeps it. Raises `UsageError` where it is of another challenge."""

    def __init__(self, path: Path, challenge: Challenge) -> None:
        self.path = path
        with self._opened() as archive:
            names = refuse_odd_files(path, archive, _why_none)
            if TRUTH not in names:
                raise Hostile(f"{one_line(path)} is no truth: it lacks {TRUTH}")
            data = read_at_most(path, archive, TRUTH, LARGEST_TEXT)
        self.truth = document(data, ChallengeTruth, "noisebench_truth", f"{one_line(path)}: {TRUTH}", Hostile)
        if self.truth.challenge != challenge.sha256:
            raise UsageError(
                f"{one_line(path)} is the truth of another challenge than {one_line(challenge.folder)}: "
                "`noisebench challenge make` writes both"
            )
        listed = [name for cell in self.truth.cells for name in cell.items]
        if sorted(listed) != sorted(challenge.items) or set(self.truth.input_sha256) != set(listed):
            raise Hostile(f"{one_line(path)} has other items than {one_line(challenge.folder)}: make both again")
        self._names = names

    def arrays(self, item: str) -> dict[str, Any]:
        """The arrays of an item, by name."""
        start = f"items/{item}/"
        with self._opened() as archive:
            return {
                name[len(start) : -4]: array_of(
                    read_at_most(self.path, archive, name, _LARGEST_ARRAY), f"{one_line(self.path)}: {name}"
                )
                for name in sorted(self._names)
                if name.startswith(start)
            }

    def _opened(self) -> Any:
        return opened_zip(self.path, "truth", "`noisebench challenge make` writes it")


def _why_none(name: str) -> str:
    return "" if name == TRUTH or _SEALED.fullmatch(name) else "is no file of a truth"


def plain_info(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is disclosed of an item: values that JSON has, and arrays. Raises `UsageError` for others."""
    import numpy as np

    plain: dict[str, Any] = {}
    arrays: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, np.ndarray) and value.ndim:
            arrays[name] = value
        elif isinstance(value, tuple | list):
            plain[name] = [float(v) if isinstance(v, float) else int(v) for v in value]
        elif isinstance(value, str | bool | int):
            plain[name] = value
        elif value is not None:
            plain[name] = float(value)
    return plain, arrays
