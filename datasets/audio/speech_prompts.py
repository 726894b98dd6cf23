"""Recorded telephone prompts in English and French, and six sentences of wide band."""

from __future__ import annotations

from typing import Literal

import noisebench as nb
from noisebench.datasets.audio._files import Count, Level, SoundFiles, Split, find_files

_FAMILIES = ("demo", "dictate", "agent")
"""Prompts of these families are tested on: those of one family repeat phrases."""
_EN = """agent-alreadyon agent-incorrect agent-user auth-incorrect basic-pbx-ivr-main conf-adminmenu-162
conf-adminmenu-18 conf-adminmenu-menu8 conf-adminmenu conf-usermenu-162 conf-usermenu confbridge-lock-extended
confbridge-mute-extended confbridge-pin-bad confbridge-pin demo-abouttotry demo-congrats demo-echotest
demo-enterkeywords demo-instruct demo-moreinfo demo-nogo demo-thanks dictate__both_help dictate__enter_filename
dictate__play_help dictate__record_help dir-instr dir-intro-fn dir-intro dir-usingkeypad followme__status
pbx-invalidpark priv-callee-options queue-periodic-announce queue-youarenext screen-callee-options ss-noservice
tt-allbusy unidentified-no-callback vm-forward vm-forwardoptions vm-instructions vm-intro vm-invalid-password
vm-mismatch vm-msginstruct vm-newuser vm-nobox vm-options vm-opts-full vm-opts vm-rec-busy vm-rec-temp vm-rec-unv
vm-record-prepend vm-review vm-saveoper vm-tempgreeting2 vm-tmpexists"""
_FR = """conf-adminmenu-162 conf-adminmenu-18 conf-adminmenu-menu8 conf-adminmenu confbridge-lock-extended
confbridge-mute-extended demo-abouttotry demo-congrats demo-echotest demo-instruct demo-nogo dir-intro-fn dir-intro
priv-callee-options screen-callee-options tt-allbusy vm-msginstruct vm-options vm-opts-full vm-opts"""
_ARCTIC = "aew_a0001 aew_a0002 aew_a0003 axb_a0004 axb_a0005 axb_a0006"


def _names(voice: str) -> list[tuple[str, bool]]:
    """File and whether it is tested on."""
    if voice == "arctic":
        return [(f"arctic_16k/cmu_arctic_us_{name}.flac", name.startswith("axb")) for name in _ARCTIC.split()]
    listed = (_EN if voice == "en" else _FR).split()
    return [(f"{voice}/{name}.flac", name.split("-")[0].split("__")[0] in _FAMILIES) for name in listed]


@nb.dataset(
    "speech_prompts",
    track="audio",
    speech=True,
    licence="CC BY-SA 3.0 (prompts); CMU ARCTIC (sentences)",
    citation="Asterisk core sounds 1.6.1, Digium and Sangoma; J. Kominek, A. Black, CMU ARCTIC, SSW5 2004",
    homepage="https://www.asterisk.org",
)
def speech_prompts(
    *,
    voice: Literal["en", "fr", "arctic"] = "en",
    split: Split = "test",
    n: Count | None = None,
    level: Level | None = -26.0,
) -> SoundFiles:
    """Studio recordings of one voice a language: 60 prompts in English, 20 in French, 8 kHz; 6 sentences at 16 kHz.

    voice: `en` and `fr` are two women, `arctic` two American speakers. split: of prompts, the families demo, dictate
    and agent are `test`, since those of one family repeat phrases; of sentences, those of speaker axb. n: the first so
    many. level: the RMS of each, dB of full scale; none: as recorded. Pauses are near digital silence.

    Public: a method can know its items and their truths.
    """
    files = [file for file, tested in _names(voice) if split == "all" or tested == (split == "test")]
    return SoundFiles(find_files("speech_prompts", files[:n]), level)
