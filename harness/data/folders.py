"""Folders of the user's files: list one, or pair two by their names without ending."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from ..text.errors import UsageError, one_line

_SHOWN = 8
_LOOKED_AT = 1000

Folder = str | os.PathLike[str]


def path_of(given: object, role: str) -> Path:
    """A path that a caller gives. Raises `UsageError` for anything else."""
    if not isinstance(given, str | os.PathLike):
        raise UsageError(f"{role} is a path, not {type(given).__name__}")
    if not os.fspath(given):
        raise UsageError(f"{role} has an empty name: give its path")
    return Path(given)


def list_files(folder: Folder, suffixes: Collection[str], pattern: str = "*") -> dict[str, Path]:
    """The files below `folder` that match `pattern` and end in one of `suffixes` (lower case): relative name → file.

    Sorted by name; `pattern="**/*"` takes subfolders too. Raises `UsageError` for no folder, a pattern that leads
    out of it, a name that is of no file, such as a link that leads nowhere, and where nothing matches.

        >>> for name in ("b.png", "a.png", "notes.txt"):
        ...     Path(name).touch()
        >>> list(nb.list_files(".", (".png",), "[ab].*"))
        ['a.png', 'b.png']
    """
    root, shown = path_of(folder, "a folder").expanduser(), one_line(folder)
    suffixes = (suffixes,) if isinstance(suffixes, str) else suffixes
    try:
        if not root.is_dir():
            why = "" if root.exists() else f": it does not exist (looked in {one_line(Path.cwd())})"
            raise UsageError(f"{shown} is not a folder{why}: check the path")
        if os.path.isabs(pattern) or ".." in Path(pattern).parts:
            raise UsageError(f"pattern {one_line(pattern)!r} leads out of the folder: give a relative one without '..'")
        named = [file for file in root.glob(pattern) if file.suffix.lower() in suffixes and not file.is_dir()]
        matched = [file for file in named if file.is_file()]
        siblings = root.iterdir() if not matched else ()
        others = {f"*{f.suffix}" for f in siblings if f.suffix.lower() in suffixes and f.is_file()}
    except (ValueError, NotImplementedError) as error:
        raise UsageError(f"folder {shown}, pattern {one_line(pattern)!r}: {one_line(error)}") from None
    except OSError as error:
        raise UsageError(f"folder {shown} cannot be read: {error.strerror}") from None
    if broken := sorted(file.relative_to(root).as_posix() for file in set(named).difference(matched)):
        raise UsageError(f"folder {shown} has broken links, or other than files: remove {_listing(broken)}")
    if not matched:
        content = f"it holds {_listing(sorted(others))}" if others else f"it holds none of {', '.join(suffixes)}"
        if not others and (below := _folder_below(root, suffixes)):
            content += f", but its folder {one_line(below)!r} does: name that one, or take pattern='**/*'"
        raise UsageError(f"folder {shown} has no file that matches {one_line(pattern)!r}: {content}")
    return dict(sorted((file.relative_to(root).as_posix(), file) for file in matched))


def _folder_below(root: Path, suffixes: Collection[str]) -> str:
    """The relative name of a folder in `root` that has such a file; empty where there is none."""
    try:
        entries = itertools.islice(root.glob("*/**/*"), _LOOKED_AT)
        folders = [file.parent for file in entries if file.suffix.lower() in suffixes and file.is_file()]
        return min(folder.relative_to(root).as_posix() for folder in folders) if folders else ""
    except OSError:
        return ""


def pair_folders(
    first: Folder, second: Folder, suffixes: Collection[str], pattern: str = "*", *, scaled: bool = False
) -> list[tuple[str, Path, Path]]:
    """Pair the files of two folders by their names without ending: (name, first file, second file).

    Sorted by name. With `scaled`, an `x2` or the like at the end of all names of the second folder is ignored, if no
    name of the first ends in it. Raises `UsageError` as `list_files` does, for two files
    of one name in a folder, and listing what has no partner.

        >>> for folder in ("clean", "noisy"):
        ...     Path(folder).mkdir()
        ...     Path(folder, "a.png").touch()
        >>> [name for name, clean, noisy in nb.pair_folders("clean", "noisy", (".png",))]
        ['a']
    """
    ours, theirs = (_by_stem(folder, list_files(folder, suffixes, pattern)) for folder in (first, second))
    if scaled:
        theirs = _without_scale(theirs, ours)
    unmatched = [
        f"{_listing(sorted(only))} only in {one_line(folder)}"
        for folder, only in ((first, ours.keys() - theirs.keys()), (second, theirs.keys() - ours.keys()))
        if only
    ]
    if unmatched:
        raise UsageError(f"unmatched files: {'; '.join(unmatched)}: give both folders the same names")
    return [(stem, ours[stem], theirs[stem]) for stem in sorted(ours)]


def stem_of(name: str) -> str:
    """A relative name without its ending."""
    return name.removesuffix(Path(name).suffix)


def _without_scale(small: dict[str, Path], large: Collection[str]) -> dict[str, Path]:
    ends = {re.search(r"(x\d+)?$", stem).group() for stem in small}  # type: ignore[union-attr]  # it always matches
    end = ends.pop()
    if ends or any(stem.endswith(end) for stem in large):
        return small
    return {stem.removesuffix(end): file for stem, file in small.items()}


def _by_stem(folder: Folder, files: dict[str, Path]) -> dict[str, Path]:
    names: dict[str, str] = {}
    for name in files:
        other = names.setdefault(stem_of(name), name)
        if other != name:
            twice = one_line(stem_of(name))
            raise UsageError(f"{one_line(folder)} has two files named {twice!r} ({_listing([other, name])}): keep one")
    return {stem: files[name] for stem, name in names.items()}


def _listing(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(repr(one_line(name, 120)) for name in names[:_SHOWN]) + more
