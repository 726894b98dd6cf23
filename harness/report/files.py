"""Files into a folder: the one place where a report, a comparison, a study or a bundle is written."""

from __future__ import annotations

import io
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from ..data.disk import refuse_store
from ..text.errors import UsageError, one_line
from .plots.drawing import ONE_COLUMN

Content = bytes | Path | Callable[[], Iterable[str]]
"""What a file holds; where it is copied from; or what makes its text part by part, when it is written."""


def write_files(
    files: Mapping[str, Content], to: Path, *, replaces: Sequence[str] = (), clears: Sequence[str] = ()
) -> list[Path]:
    """Write files into `to`, which is made; the files written. Each is there whole or not at all; a link is replaced.

    Plots of an earlier time in its `plots/` whose names match one of the expressions `replaces` are removed then, and
    what the patterns `clears` find in `to`, with the folders that they leave empty.
    Raises `UsageError` where `to` cannot be written, or lies within a store.
    """
    paths = {to / name: content for name, content in files.items()}
    try:
        for folder in dict.fromkeys((to, *(path.parent for path in paths))):
            refuse_store(folder)
        for path, content in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content)
        for old in _plots(to / "plots", replaces) - paths.keys():
            old.unlink()
        for old in {path for pattern in clears for path in to.glob(pattern)} - paths.keys():
            old.unlink()
            if not any(old.parent.iterdir()):
                old.parent.rmdir()
    except OSError as error:
        raise UsageError(f"cannot write to {one_line(to)}: {error.strerror}; choose another folder with --to") from None
    return list(paths)


def _plots(folder: Path, names: Sequence[str]) -> set[Path]:
    """The files of plots there, and of one column there, whose names without an ending match one of `names`.

    A plot is a PNG and an SVG at least: a picture alone is somebody else's.
    """
    pictures = [path for place in (folder, folder / ONE_COLUMN) for path in place.glob("*.png")]
    stems = [path.with_suffix("") for path in pictures if any(re.fullmatch(name, path.stem) for name in names)]
    plots = [[stem.with_suffix(kind) for kind in (".png", ".svg", ".pdf")] for stem in stems]
    return {path for plot in plots if plot[1].is_file() for path in plot if path.is_file()}


def _write(path: Path, content: Content) -> None:
    """Write part by part, and whole or not at all; a file that was there is replaced and its rights are kept.

    Nothing is flushed to the disk, as cells are: a report can be made again, and may have thousands of previews.
    """
    temporary = path.with_name(f".tmp-{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.writelines(_chunks(content))
        if path.is_file() and not path.is_symlink():
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _chunks(content: Content) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
    elif isinstance(content, Path):
        with content.open("rb") as file:
            yield from iter(partial(file.read, 2**20), b"")
    else:
        yield from map(text_bytes, content())


def taken(text: io.StringIO) -> str:
    """What was written into `text`, which is empty then: of a file that is made part by part."""
    content = text.getvalue()
    text.seek(0)
    text.truncate()
    return content


def text_bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate, which UTF-8 lacks, becomes a question mark."""
    return text.encode("utf-8", "replace")
