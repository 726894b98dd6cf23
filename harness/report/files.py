"""Files into a folder: the one place where a report, a comparison, a study or a bundle is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import UsageError, one_line


def write_files(files: Mapping[str, bytes], to: Path, *, replaces: Sequence[str] = ()) -> list[Path]:
    """Write files into `to`, which is made; the files written.

    Plots of an earlier time in its `plots/` whose name starts with one of `replaces` are removed first.
    Raises `UsageError` where `to` cannot be written.
    """
    written = []
    try:
        for start in replaces:
            for old in (to / "plots").rglob(f"{start}*"):
                if old.suffix in (".png", ".svg", ".pdf"):
                    old.unlink()
        for name, content in files.items():
            path = to / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            written.append(path)
    except OSError as error:
        raise UsageError(f"cannot write to {one_line(to)}: {error.strerror}; choose another folder with --to") from None
    return written


def text_bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate, which UTF-8 lacks, becomes a question mark."""
    return text.encode("utf-8", "replace")
