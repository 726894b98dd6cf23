"""The file of an entry: a zip whose manifest has the size and hash of each other file. Nothing of it is unpacked."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import Struct

from ..data.disk import open_regular, refuse_in_store
from ..store.cell import Whole
from ..store.cell_json import checked, plain_values
from ..store.export import export_in
from ..store.parquet_export import most_bytes
from ..store.results import Results
from ..store.seals import refuse_nan, why_each_edited
from ..text.errors import UsageError, one_line
from ..text.json_values import parsed
from .archive import Hostile, opened_zip, read_at_most, refuse_odd_files, why_no_array
from .signature import Signature, sign, why_not_signed

ENDING = ".nbz"
SCHEMA = 1
RESULTS = "results.json"
_MANIFEST, _SIGNATURE = "manifest.json", "signature.json"
_NAME = re.compile(r"results\.json|recipe/[a-z0-9_.-]{1,80}\.yaml|outputs/[0-9a-f]{64}/[0-9]{5}\.npy")
_HASH = re.compile(r"[0-9a-f]{64}")
_AT_ONCE = 1 << 20


class PackedFile(Struct, frozen=True, kw_only=True):
    """Size and SHA-256 of a file of an entry."""

    bytes: Whole
    sha256: str


class EntryManifest(Struct, frozen=True, kw_only=True):
    """`manifest.json`: what is signed. `packed_at` is when the entry was packed, UTC in ISO 8601."""

    noisebench_entry: Whole
    packed_at: str
    files: dict[str, PackedFile]


@dataclass(frozen=True)
class PackedEntry:
    """An entry that is as it was packed: its SHA-256, results, and who signed it (a public key in hex, or empty)."""

    path: Path
    sha256: str
    manifest: EntryManifest
    results: Results
    signer: str

    @property
    def method(self) -> str:
        """The method that all but its trainings are of."""
        return next(record.cell.method.display for record in self.results if record.cell.kind != "train")

    def outputs_of(self, key: str) -> list[int]:
        """The rows of a cell whose output is in the entry."""
        start = f"outputs/{key}/"
        return sorted(int(name[len(start) : -4]) for name in self.manifest.files if name.startswith(start))

    def output(self, key: str, index: int) -> bytes:
        """The `.npy` of a row's output, with as many bytes as its header says. Raises `Hostile`."""
        name = output_name(key, index)
        with _opened(self.path) as archive:
            data = archive.read(name)
        if hashlib.sha256(data).hexdigest() != self.manifest.files[name].sha256:
            raise Hostile(f"{one_line(self.path)}: {name} changed while it was read: verify a copy")
        if why := why_no_array(data):
            raise Hostile(f"{one_line(self.path)}: {name} {why}")
        return data


def output_name(key: str, index: int) -> str:
    """The name of an output in an entry."""
    return f"outputs/{key}/{index:05d}.npy"


# ------------------------------------------------------------------------------------------------ write


def write_entry(file: Path, packed_at: str, contents: Iterable[tuple[str, bytes]], key: Path | None) -> EntryManifest:
    """Write an entry, whole or not at all; signed where a file of a private key is given. Raises `UsageError`."""
    refuse_in_store(file)
    try:
        fd, name = tempfile.mkstemp(dir=file.parent, prefix=".tmp-")
    except OSError as error:
        raise UsageError(f"{one_line(file)} cannot be written ({error.strerror}): check the path") from None
    try:
        with os.fdopen(fd, "wb") as opened:
            manifest = _write(opened, packed_at, contents, key)
            opened.flush()
            os.fsync(opened.fileno())
        os.chmod(name, 0o644)
        os.replace(name, file)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    return manifest


def _write(opened: Any, packed_at: str, contents: Iterable[tuple[str, bytes]], key: Path | None) -> EntryManifest:
    files: dict[str, PackedFile] = {}
    with zipfile.ZipFile(opened, "w") as archive:
        for name, data in contents:
            files[name] = PackedFile(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
            _add(archive, name, data)
        manifest = EntryManifest(noisebench_entry=SCHEMA, packed_at=packed_at, files=files)
        text = json.dumps(plain_values(manifest), indent=1, sort_keys=True).encode()
        _add(archive, _MANIFEST, text)
        if key is not None:
            _add(archive, _SIGNATURE, json.dumps(plain_values(sign(text, key)), indent=1).encode())
    return manifest


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name)  # of 1980: equal contents give equal bytes
    info.compress_type = zipfile.ZIP_STORED if name.endswith(".npy") else zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, data)


# ------------------------------------------------------------------------------------------------- read


def read_entry(path: Path, signer: str = "") -> PackedEntry:
    """An entry that is as it was packed, and signed by `signer` (a public key in hex) where one is given.

    Raises `UsageError`, `Hostile` for what `pack` cannot have written. Files are read in memory, by the names that an
    entry has, and up to the sizes that such may have: nothing is unpacked, unpickled or run.
    """
    with _opened(path) as archive:
        _refuse_names(path, archive)
        text = _read(path, archive, _MANIFEST)
        manifest = _manifest(path, text)
        _refuse_others(path, archive, manifest)
        signed_by = _signer(path, archive, text)
        if signer and signed_by != signer:
            who = f"by {signed_by[:12]}…" if signed_by else "by nobody"
            raise Hostile(
                f"{one_line(path)} is signed {who}, not by {signer[:12]}…: ask its author for the entry again"
            )
        data = _read(path, archive, RESULTS)
    return PackedEntry(path, _sha256(path), manifest, _results(path, data, manifest), signed_by)


def _opened(path: Path) -> AbstractContextManager[zipfile.ZipFile]:
    """The zip of an entry. Raises `Hostile` where it is damaged."""
    return opened_zip(path, "entry", "`noisebench pack STORE --method M --to FILE.nbz` makes one")


def _refuse_names(path: Path, archive: zipfile.ZipFile) -> None:
    """Raise `Hostile` for a file that no entry has, such as one whose name leads elsewhere."""

    def why_none(name: str) -> str:
        known = name in (_MANIFEST, _SIGNATURE) or _NAME.fullmatch(name)
        return "" if known else "is no file of an entry: do not unpack it"

    names = refuse_odd_files(path, archive, why_none)
    for info in archive.infolist():
        if info.filename.endswith(".npy") and (info.compress_type or info.file_size != info.compress_size):
            where = f"{one_line(path)}: {one_line(info.filename, 80)!r}"
            raise Hostile(f"{where} is compressed, which outputs of an entry are not")
    if missing := {_MANIFEST, RESULTS} - names:
        raise Hostile(f"{one_line(path)} is no entry: it lacks {sorted(missing)[0]}")


def _manifest(path: Path, text: bytes) -> EntryManifest:
    try:
        document = parsed(text)
        schema = document.get("noisebench_entry") if isinstance(document, dict) else None
        if isinstance(schema, int) and schema > SCHEMA:
            raise UsageError(f"{one_line(path)} was packed by a newer noisebench: upgrade to read it")
        return checked(document, EntryManifest)
    except (ValueError, TypeError) as error:
        raise Hostile(f"{one_line(path)}: {_MANIFEST} is damaged ({one_line(error, 120)})") from None


def _refuse_others(path: Path, archive: zipfile.ZipFile, manifest: EntryManifest) -> None:
    """Raise `Hostile` where files are not those that the manifest names, by name, size and hash."""
    names = set(archive.namelist()) - {_MANIFEST, _SIGNATURE}
    if odd := sorted(names ^ set(manifest.files)):
        where = "not in the manifest" if odd[0] in names else "in the manifest alone"
        raise Hostile(f"{one_line(path)}: {one_line(odd[0], 120)} is {where}")
    for name in sorted(names):
        size, digest = _measure(path, archive, name)
        packed = manifest.files[name]
        if not _HASH.fullmatch(packed.sha256) or (size, digest) != (packed.bytes, packed.sha256):
            raise Hostile(f"{one_line(path)}: {name} is not what the manifest says: its hash is another")


def _measure(path: Path, archive: zipfile.ZipFile, name: str) -> tuple[int, str]:
    """Size and SHA-256 of a file. Raises `Hostile` for one that holds more than it may."""
    digest, size, most = hashlib.sha256(), 0, _largest_size(archive.getinfo(name))
    with archive.open(name) as file:
        while data := file.read(_AT_ONCE):
            size += len(data)
            if size > most:
                raise Hostile(f"{one_line(path)}: {name} holds more than {most:,} bytes: it is a bomb")
            digest.update(data)
    return size, digest.hexdigest()


def _largest_size(info: zipfile.ZipInfo) -> int:
    return info.compress_size if info.filename.endswith(".npy") else most_bytes(info.compress_size)


def _read(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    """A file that is not an output. Raises `Hostile` for one that holds more than it may."""
    return read_at_most(path, archive, name, _largest_size(archive.getinfo(name)))


def _signer(path: Path, archive: zipfile.ZipFile, manifest: bytes) -> str:
    """Who signed the manifest, empty for nobody. Raises `Hostile` for a signature of something else."""
    if _SIGNATURE not in archive.namelist():
        return ""
    try:
        signature = checked(parsed(_read(path, archive, _SIGNATURE)), Signature)
    except (ValueError, TypeError) as error:
        raise Hostile(f"{one_line(path)}: {_SIGNATURE} is damaged ({one_line(error, 120)})") from None
    if why := why_not_signed(manifest, signature):
        raise Hostile(f"{one_line(path)}: {why}")
    return signature.ed25519


def _results(path: Path, data: bytes, manifest: EntryManifest) -> Results:
    """The cells of an entry: sealed, of one method, with outputs that belong to them. Raises `UsageError`."""
    results = export_in(data, path / RESULTS)
    where = one_line(path)
    for record, why in zip(results, why_each_edited(results), strict=True):
        if why or not record.seal:
            raise Hostile(f"{where}: cell {one_line(record.cell.key[:12])} was {why or 'packed without a seal'}")
    refuse_nan(results, str(path))
    methods = {record.cell.method.display for record in results if record.cell.kind != "train"}
    if len(methods) != 1:
        raise Hostile(f"{where} holds cells of {len(methods)} methods: an entry is of one")
    rows = {record.cell.key: len(record.items) for record in results}
    for name in manifest.files:
        if name.startswith("outputs/"):
            _, key, file = name.split("/")
            if int(file[:5]) >= rows.get(key, 0):
                raise Hostile(f"{where}: {name} is an output of no row")
    return results


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while data := file.read(_AT_ONCE):
            digest.update(data)
    return digest.hexdigest()
