"""The sound files of a folder."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Annotated

import noisebench as nb
from noisebench.datasets.audio._files import SUFFIXES, Level, Rate, SoundFiles


@nb.dataset("folder", track="audio", licence="the user's own")
def folder(
    *,
    path: str,
    pattern: str = "*",
    rate: Rate | None = None,
    level: Level | None = None,
    group: str | None = None,
    speech: Annotated[bool, nb.Later()] = True,
) -> SoundFiles:
    """WAV, FLAC, OGG and AIFF files of a folder, the first channel each; pattern="**/*" takes subfolders too.

    rate: all are brought to it by a filter; none: each keeps its own. level: the RMS of each, dB of full scale; none:
    as recorded. Means are removed. group: a regular expression that finds in each name the speaker or recording that it
    is of, such as "^[^_]+"; clips of one group count as one. speech=false: metrics of speech, such
    as ESTOI, have no column.
    """
    files = nb.list_files(path, SUFFIXES, pattern)
    stems = {name: name.removesuffix(Path(name).suffix) for name in files}
    times = Counter(stems.values())
    # A name keeps its ending only where two would be the same without.
    named = {name if times[stem] > 1 else stem: files[name] for name, stem in stems.items()}
    try:
        matches = {name: re.search(group, name) for name in named} if group is not None else {}
    except re.error as error:
        raise nb.UsageError(f"folder: group={group!r} is no regular expression ({error})") from None
    unmatched = [name for name, match in matches.items() if match is None]
    if unmatched:
        raise nb.UsageError(f"folder: group={group!r} finds nothing in {nb.one_line(unmatched[0])!r}")
    return SoundFiles(named, level, rate, {name: match.group() for name, match in matches.items() if match})
