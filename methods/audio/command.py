from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import noisebench as nb
import numpy as np
from noisebench.datasets.audio._files import SUFFIXES
from noisebench.methods.audio._sound_file import read_restored, write_wav
from noisebench.methods.restore._exchange import hand_over, output_of_program
from noisebench.methods.restore.command import Command, fill, run, sweep, words_of, workplace

NAME = "clip.wav"


@nb.method("command", track="audio")
class SoundCommand:
    """A program: `argv`, split into words as a shell would but run without one, in the working directory.

    `{input}` and `{output}` are two folders. The first holds one clip, `clip.wav`: one channel (N,), full scale ±1, at
    the rate of the clip, 32-bit floats, or 16 `bits`, clipped and rounded. The program writes the restored one under
    the same name into the second, of the same rate and length, as a WAV of any depth. `{input_file}` and
    `{output_file}` are the files themselves. What is disclosed is in the JSON file `{info}`: `rate` (Hz), `sigma` (RMS
    of the noise, full scale 1), `snr` (dB) and the like; `{sigma}` can be named, and `{seed}`, a number that depends
    on the input alone. A brace is written twice.

    Files that `argv` names are part of the key of a cell, a Python script with what it imports from its own folder;
    other files and folders that the result depends on are listed in `files`.

    A program that ends with exit code 77 skips: the last line on its standard error is the reason.
    """

    external = True

    def __init__(self, *, argv: str, bits: Literal[16, 32] = 32, files: tuple[str, ...] = ()) -> None:
        self.words, self.bits = words_of(argv), bits
        sweep()  # not in a setup: clips of a class that has one go to the device

    @staticmethod
    def weight_files(argv: str, bits: int, files: tuple[str, ...]) -> dict[str, str]:
        """File → SHA-256 of what the program is made of, as far as it is named. Raises `UsageError`."""
        return Command.weight_files(argv, "wav", bits, files)

    def enhance(self, wave: Any, info: Any) -> Any:
        """(N,) → the same. Raises `Skip`, `ProgramFailed`, or `Invalid` for what the program leaves or does not."""
        with workplace() as folder:
            places = {
                "input": folder / "in",
                "output": folder / "out",
                "input_file": folder / "in" / NAME,
                "output_file": folder / "out" / NAME,
                "info": folder / "info.json",
            }
            values = {**hand_over(info, folder), **places}
            words = [fill(word, values) for word in self.words]
            write_wav(places["input_file"], wave, info.rate, self.bits)
            run(words)
            return collect(folder / "out", len(wave), info.rate)


def collect(folder: Path, length: int, rate: int) -> Any:
    """The clip that the program left, float32 (N,).

    Raises `Invalid` for none, for two, for no sound, and for another rate or length.
    """
    file = output_of_program(folder, NAME, SUFFIXES, "sound file")
    try:
        wave = read_restored(file, f"the program's {file.name}", length, rate)
    except nb.UsageError as error:
        why = str(error).replace(str(file), file.name)
        raise nb.Invalid(f"the program's output is no clip: {why}") from None
    return wave.astype(np.float32)
