"""Files into a folder: the one place where a report, a comparison, a study or a bundle is written."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ..errors import UsageError, one_line

Content = bytes | Path | Callable[[], Iterable[str]]
"""What a file holds; where it is copied from; or what makes its text part by part, when it is written."""


def write_files(
    files: Mapping[str, Content], to: Path, *, replaces: Sequence[str] = (), clears: str = ""
) -> list[Path]:
    """Write files into `to`, which is made; the files written.

    Plots of an earlier time in its `plots/` whose name starts with one of `replaces` are removed first, and what the
    pattern `clears` finds in `to`, with the folder that it leaves empty.
    Raises `UsageError` where `to` cannot be written.
    """
    written = []
    try:
        for start in replaces:
            for old in (to / "plots").rglob(f"{start}*"):
                if old.suffix in (".png", ".svg", ".pdf"):
                    old.unlink()
        for old in sorted(to.glob(clears)) if clears else ():
            old.unlink()
            if not any(old.parent.iterdir()):
                old.parent.rmdir()
        for name, content in files.items():
            path = to / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                shutil.copyfile(content, path)
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                with path.open("wb") as file:
                    file.writelines(map(text_bytes, content()))
            written.append(path)
    except OSError as error:
        raise UsageError(f"cannot write to {one_line(to)}: {error.strerror}; choose another folder with --to") from None
    return written


def taken(text: io.StringIO) -> str:
    """What was written into `text`, which is empty then: of a file that is made part by part."""
    made = text.getvalue()
    text.seek(0)
    text.truncate()
    return made


def text_bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate, which UTF-8 lacks, becomes a question mark."""
    return text.encode("utf-8", "replace")
