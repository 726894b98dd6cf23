"""Pictures of the user: a folder, or two folders of clean and noisy pictures paired by name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import noisebench as nb


class Folder:
    """Pictures below `root`, in the order of their names; with `partners`, each with its noisy version."""

    def __init__(self, files: Sequence[Path], ids: Sequence[str], partners: Sequence[Path] | None = None) -> None:
        self.ids = ids
        self._files = files
        self._partners = partners

    def load(self, index: int) -> nb.Sample:
        """Picture `index`. Raises `UsageError` naming what cannot be read or does not fit its partner."""
        clean = nb.read_picture(self._files[index])
        if self._partners is None:
            return nb.Sample(self.ids[index], clean)
        noisy = nb.read_picture(self._partners[index])
        if clean.shape != noisy.shape:
            raise nb.UsageError(
                f"{_name(self._files[index])} has shape {clean.shape} but {_name(self._partners[index])} has "
                f"{noisy.shape}: a pair must have one size and the same channels"
            )
        return nb.Sample(self.ids[index], clean, noisy)


@nb.dataset("folder", licence="the user's own")
def folder(*, path: str, pattern: str = "*.png") -> Folder:
    """The pictures of a folder; pattern="**/*.png" takes subfolders too."""
    root, names = _listed(path, pattern)
    return Folder([root / n for n in names], _ids(names))


@nb.dataset("pairs", licence="the user's own")
def pairs(*, clean: str, noisy: str, pattern: str = "*") -> Folder:
    """Clean and noisy pictures of one name (without its ending) in two folders; for the regime `real`."""
    sides = []
    for role, path in (("clean", clean), ("noisy", noisy)):
        root, names = _listed(path, pattern)
        by_stem: dict[str, str] = {}
        for name in names:
            stem = _stem(name)
            if stem in by_stem:
                raise nb.UsageError(
                    f"pairs: {role}={_name(path)} has two files of one name, {_name(by_stem[stem])} and "
                    f"{_name(name)}: keep one, or narrow pattern="
                )
            by_stem[stem] = name
        sides.append((root, by_stem))
    (clean_root, cleans), (noisy_root, noisies) = sides
    alone = [
        f"only in {role}: {_listing(sorted(only))}"
        for role, only in (("clean", set(cleans) - set(noisies)), ("noisy", set(noisies) - set(cleans)))
        if only
    ]
    if alone:
        raise nb.UsageError(f"pairs: pictures without a partner of the same name, {'; '.join(alone)}")
    stems = sorted(cleans)
    return Folder(
        [clean_root / cleans[s] for s in stems],
        [_text(s) for s in stems],
        [noisy_root / noisies[s] for s in stems],
    )


def _listed(path: str, pattern: str) -> tuple[Path, list[str]]:
    """The folder, and the sorted relative names of its pictures that match."""
    root = Path(path).expanduser()
    try:
        if not root.is_dir():
            what = "is not a folder" if root.exists() else "does not exist"
            raise nb.UsageError(f"folder {_name(path)} {what} (looked in {_name(Path.cwd())}): check the path")
        if os.path.isabs(pattern) or ".." in Path(pattern).parts:
            raise nb.UsageError(f"pattern {_name(pattern)} leads out of the folder: give a relative one without '..'")
        matched = [f for f in root.glob(pattern) if f.is_file()]
    except (ValueError, NotImplementedError) as error:
        raise nb.UsageError(f"folder {_name(path)}, pattern {_name(pattern)}: {_name(error)}") from None
    except OSError as error:
        raise nb.UsageError(f"folder {_name(path)} cannot be read: {error.strerror}") from None
    names = sorted(f.relative_to(root).as_posix() for f in matched if f.suffix.lower() in nb.PICTURE_SUFFIXES)
    if not names:
        others = sorted({f.suffix for f in root.iterdir() if f.suffix.lower() in nb.PICTURE_SUFFIXES})
        hint = f"it holds {', '.join(_name('*' + o) for o in others)}" if others else "it holds no picture"
        raise nb.UsageError(f"folder {_name(path)} has no picture that matches {_name(pattern)}: {hint}; set pattern=")
    return root, names


def _ids(names: Sequence[str]) -> list[str]:
    """Names without their ending, except where two would then be the same."""
    stems = [_stem(n) for n in names]
    times = Counter(stems)
    return [_text(n if times[s] > 1 else s) for n, s in zip(names, stems, strict=True)]


def _stem(name: str) -> str:
    return name[: -len(Path(name).suffix)] if Path(name).suffix else name


def _text(name: str) -> str:
    """A file name that is not valid UTF-8 still has to go into JSON."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _name(what: object) -> str:
    flat = " ".join(_text(str(what)).split())
    flat = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in flat)
    return repr(flat if len(flat) <= 120 else flat[:119] + "…")


def _listing(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(_name(n) for n in names[:8]) + more
