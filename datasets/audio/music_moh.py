"""Three pieces of music as telephones play them."""

from __future__ import annotations

import noisebench as nb
from noisebench.datasets.audio._files import Level, SoundFiles, find_files

_FILES = ("macroform-cold_day.flac", "manolo_camp-morning_coffee.flac", "reno_project-system.flac")


@nb.dataset(
    "music_moh",
    track="audio",
    licence="CC BY-SA 3.0",
    citation="Macroform, Cold Day; Manolo Camp, Morning Coffee; Reno Project, System (Asterisk music on hold)",
    homepage="https://www.asterisk.org",
)
def music_moh(*, level: Level | None = -26.0) -> SoundFiles:
    """Three excerpts of music, 8 kHz, 10 s each. level: the RMS, dB of full scale; none: as recorded.

    cold_day has long gaps that are near silence.

    Public: a method can know its items and their truths.
    """
    return SoundFiles(find_files("music_moh", _FILES), level)
