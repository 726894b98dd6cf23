"""Named sets of pictures: a manifest says which pixels they are; the files lie where the user has them.

A manifest is a CSV file with the columns id, role (`clean` or `noisy`), file, width, height, channels, sha256
(of the decoded pixels, so that a lossless re-encoding still verifies) and address (for download, or empty). A ninth
column, group, may say of a clean picture which scene, patient or video it is of.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy.typing as npt

from ..data.folders import list_files, pair_folders, path_of, stem_of
from ..data.roots import data_roots
from ..text.errors import UsageError, one_line
from ..text.short_text import short
from .pictures import PICTURE_SUFFIXES, read_picture
from .pixels import as_hwc, pixel_sha256
from .sample import Sample

COLUMNS = ("id", "role", "file", "width", "height", "channels", "sha256", "address")


@dataclass(frozen=True)
class Picture:
    """A row of a manifest. `file` is relative to the folder of the set and never leaves it."""

    id: str
    role: str
    file: str
    width: int
    height: int
    channels: int
    sha256: str
    address: str
    group: str = ""


def read_manifest(path: Path) -> tuple[Picture, ...]:
    """The rows of a manifest file. Raises `UsageError` naming file and line where one is not valid."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) not in (COLUMNS, (*COLUMNS, "group")):
                raise UsageError(
                    f"manifest {one_line(path)}: its columns must be {', '.join(COLUMNS)}, and group or no more"
                )
            rows = [_picture(row, f"manifest {one_line(path)}, line {reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"manifest {one_line(path)} cannot be read: {one_line(error)}") from None
    for kind, names in (
        ("picture", [(r.id, r.role) for r in rows]),
        ("file", [r.file for r in rows]),
    ):
        if len(set(names)) != len(names):
            raise UsageError(f"manifest {one_line(path)} lists a {kind} twice")
    if not any(r.role == "clean" for r in rows):
        raise UsageError(f"manifest {one_line(path)} lists no clean picture")
    return tuple(rows)


def _picture(row: dict[str, Any], where: str) -> Picture:
    try:
        picture = Picture(
            row["id"], row["role"], row["file"],
            int(row["width"]), int(row["height"]), int(row["channels"]),
            row["sha256"], row["address"], row.get("group") or "",
        )  # fmt: skip
    except (TypeError, ValueError):
        raise UsageError(f"{where}: width, height and channels are whole numbers") from None
    parts = PurePosixPath(picture.file).parts
    if not parts or picture.file.startswith("/") or ".." in parts or "\\" in picture.file or ":" in parts[0]:
        raise UsageError(f"{where}: file {one_line(picture.file)!r} must be a relative path inside the set")
    if picture.role not in ("clean", "noisy") or not picture.id:
        raise UsageError(f"{where}: role must be clean or noisy, and id not empty")
    if len(picture.sha256) != 64 or set(picture.sha256) - set("0123456789abcdef"):
        raise UsageError(f"{where}: sha256 must be 64 hexadecimal digits")
    return picture


def pictures_of(folder: str, noisy: str | None = None) -> tuple[Path, list[Picture]]:
    """The folder that files are relative to, and the rows of a manifest of the pictures below `folder`.

    With `noisy`, a folder of noisy pictures of the same names, that is the folder which holds both. Reads every
    picture. Raises `UsageError` for what cannot be read, paired or named in a manifest.
    """
    if noisy is None:
        root = Path(folder).expanduser().absolute()
        files = list_files(root, PICTURE_SUFFIXES, "**/*")
        times = Counter(map(stem_of, files))
        # A name keeps its ending only where two would be the same without.
        named = [(name if times[stem_of(name)] > 1 else stem_of(name), "clean", file) for name, file in files.items()]
    else:
        ours, theirs = (Path(os.path.abspath(Path(side).expanduser())) for side in (folder, noisy))
        if ours == theirs:
            raise UsageError(f"{one_line(folder)} cannot be both clean and noisy: give two folders")
        root = Path(os.path.commonpath([ours, theirs]))
        pairs = pair_folders(ours, theirs, PICTURE_SUFFIXES, "**/*")
        named = [
            (name, role, file) for name, *both in pairs for role, file in zip(("clean", "noisy"), both, strict=True)
        ]
    return root, [_described(name, role, file, root) for name, role, file in named]


def _described(name: str, role: str, file: Path, root: Path) -> Picture:
    pixels = as_hwc(read_picture(file))
    height, width, channels = pixels.shape
    relative = file.relative_to(root).as_posix()
    if not relative.isprintable():
        raise UsageError(f"picture {one_line(file)!r} has a name that a manifest cannot hold: rename it")
    row = {
        "id": name, "role": role, "file": relative, "width": width, "height": height, "channels": channels,
        "sha256": pixel_sha256(pixels), "address": "",
    }  # fmt: skip
    return _picture(row, f"picture {one_line(file)!r}")


def manifest_text(pictures: Iterable[Picture]) -> str:
    """A manifest, as `read_manifest` reads it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(asdict(picture) for picture in pictures)
    return text.getvalue()


class ManifestSet:
    """A dataset whose pictures are pinned by a manifest, read one at a time and checked as they are read.

    `folder` is the set's folder in a data root; `fixed` overrules it with a place of its own (for a set
    that comes in a package). `homepage` goes into advice.

        >>> picture = np.arange(64, dtype=np.uint8).reshape(8, 8)
        >>> nb.write_picture("a.png", picture)
        >>> columns = "id,role,file,width,height,channels,sha256,address"
        >>> _ = Path("set.csv").write_text(f"{columns}{chr(10)}a,clean,a.png,8,8,1,{nb.pixel_sha256(picture)},")
        >>> pinned = nb.ManifestSet("tiny", "set.csv", folder="tiny", fixed=".")
        >>> pinned.ids, pinned.load(0).clean.shape, pinned.verify()
        (['a'], (8, 8), [])
        >>> nb.write_picture("a.png", picture + np.uint8(1))
        >>> len(pinned.verify())
        1
    """

    reads_files_alone = True
    """Its items are what is in its files, so that a plan may know them by these: see planning/kept_parts.py."""

    def __init__(
        self,
        name: str,
        manifest: str | Path,
        *,
        folder: str,
        homepage: str = "",
        fixed: str | Path | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self.homepage = homepage
        self.pictures = read_manifest(path_of(manifest, "a manifest"))
        self._fixed = Path(fixed) if fixed is not None else None
        self._clean = [p for p in self.pictures if p.role == "clean"]
        self._noisy = {p.id: p for p in self.pictures if p.role == "noisy"}
        self.ids: Sequence[str] = [p.id for p in self._clean]
        """Names of the pictures, in the order of the manifest."""
        self.sha256: Sequence[str] = [p.sha256 for p in self._clean]
        """Pixel SHA-256 of each clean picture, known without reading it."""

    def __repr__(self) -> str:
        return f"ManifestSet({short(self.name)}, {len(self.ids)} pictures)"

    @property
    def fetchable(self) -> bool:
        """Whether every picture has a download address."""
        return all(p.address for p in self.pictures)

    def candidates(self) -> list[Path]:
        """The folders where the set may lie, in order."""
        return [self._fixed] if self._fixed is not None else [root / self.folder for root in data_roots()]

    def where(self) -> Path | None:
        """The first folder that holds all files, else the first that holds any, else None. Reads nothing."""
        partial = None
        for place in self.candidates():
            present = [(place / p.file).is_file() for p in self.pictures]
            if all(present):
                return place
            if any(present) and partial is None:
                partial = place
        return partial

    @cached_property
    def root(self) -> Path:
        """The folder that the pictures are read from. Raises `UsageError` where the set is not there."""
        place = self.where()
        if place is None:
            folders = " and ".join(one_line(p, 150) for p in self.candidates())
            raise UsageError(f"dataset {self.name} is not in {folders}: {self._remedy()}")
        return place

    def _remedy(self) -> str:
        if self._fixed is not None:
            return "install noisebench again"
        if self.fetchable:
            return f"run 'noisebench data fetch {self.name}' or give --data DIR"
        source = f" (from {self.homepage})" if self.homepage else ""
        return f"it has no public download address, so put it there yourself{source}"

    def check(self, place: Path, picture: Picture) -> npt.NDArray[Any]:
        """Read a picture below `place`. Raises `UsageError` where its pixels are not the manifest's."""
        file = place / picture.file
        if not file.is_file():
            raise UsageError(f"dataset {self.name} lacks {one_line(file, 200)!r}: {self._remedy()}")
        pixels = read_picture(file)
        mismatch = self.mismatch(picture, pixels)
        if mismatch:
            raise UsageError(
                f"dataset {self.name}: {one_line(file, 200)!r} {mismatch}: remove it, then {self._remedy()}"
            )
        return pixels

    @staticmethod
    def mismatch(picture: Picture, pixels: npt.NDArray[Any]) -> str:
        """How `pixels` differ from the manifest; empty where they do not."""
        size = (*pixels.shape[:2], pixels.shape[2] if pixels.ndim == 3 else 1)
        if size != (picture.height, picture.width, picture.channels):
            due = f"{picture.width}x{picture.height}x{picture.channels}"
            return f"is {size[1]}x{size[0]}x{size[2]} where the manifest has {due}"
        return "" if pixel_sha256(pixels) == picture.sha256 else "has other pixels than the manifest (SHA-256)"

    def verify(self) -> list[str]:
        """Every problem as one line; empty where all pictures are there and match. Reads all of them."""
        problems = []
        try:
            place = self.root
        except UsageError as error:
            return [str(error)]
        for picture in self.pictures:
            try:
                self.check(place, picture)
            except UsageError as error:
                problems.append(str(error))
        return problems

    def load(self, index: int) -> Sample:
        """Picture `index`. Raises `UsageError` where it is missing, unreadable or not the manifest's."""
        clean = self._clean[index]
        noisy = self._noisy.get(clean.id)
        return Sample(
            clean.id,
            self.check(self.root, clean),
            None if noisy is None else self.check(self.root, noisy),
            group=clean.group,
        )
