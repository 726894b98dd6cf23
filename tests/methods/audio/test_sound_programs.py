"""Programs that read and write WAV as methods: what they get, what is taken from them, what is said of failures."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from bubblewrap import needs_bubblewrap
from noisebench.components.registry import bind
from noisebench.cost.measure import measure
from noisebench.store.reading import read_records
from noisebench.track.posed_case import Case
from noisebench.tracks.audio import Enhancer
from noisebench.tracks.audio.track import TRACK

pytestmark = [pytest.mark.subprocess, pytest.mark.usefixtures("here")]  # of the programs

SHARED = """
import json, os, sys, time
from pathlib import Path
import numpy as np
import soundfile
"""
COPY = "command(argv='cp {input_file} {output_file}')"
RATE = 8_000
WAVE = (0.3 * np.random.default_rng(0).standard_normal(101)).astype(np.float32)
DATA = ("--track", "audio", "--datasets", "voices(n=1, seconds=0.1, rate=8000)", "--regimes", "white(snr=5)")


def program(body: str, arguments: str = "{input_file} {output_file}", options: str = "") -> str:
    """The spec of a Python program; `src` and `out` are its first two arguments as paths, `x` and `rate` its input."""
    head = f"{SHARED}\nsrc, out = map(Path, sys.argv[1:3])\nx, rate = soundfile.read(src, dtype='float32')"
    Path("run.py").write_text(f"{head}\n{body}\n", encoding="utf-8")
    return f"command(argv={f'{sys.executable} run.py {arguments}'!r}{options})"


def restored(spec: str, wave: Any = WAVE, rate: int = RATE, **told: Any) -> Any:
    """What a method makes of a clip that a regime tells `told` of."""
    case = Case(wave, nb.Info({"rate": rate, **told}, b"key"), "", wave.shape)
    enhancer = Enhancer(bind(spec, "method", "audio"))
    return enhancer.accept(enhancer.call(enhancer.prepare(wave), case.info), case)


@pytest.mark.parametrize(("rate", "length"), [(8_000, 101), (44_100, 2), (1_000, 1), (192_000, 5_000)])
def test_a_clip_of_any_rate_and_length_passes_unchanged_beyond_full_scale_too(rate: int, length: int) -> None:
    wave = 3 * np.resize(WAVE, length)
    output = restored(COPY, wave, rate)
    assert output.dtype == np.float32
    assert np.array_equal(output, wave)


def test_sixteen_bits_are_clipped_and_rounded() -> None:
    wave = np.array([-2, -1, -0.5, 0, 0.4 / 32768, 0.6 / 32768, 0.5, 1, 2], np.float32)
    whole = restored(COPY.replace("')", "', bits=16)"), wave) * 32768
    assert whole.tolist() == [-32768, -32768, -16384, 0, 0, 1, 16384, 32767, 32767]
    spec = program("assert soundfile.info(src).subtype == 'PCM_16'; soundfile.write(out, x, rate)", options=", bits=16")
    assert np.abs(restored(spec) - WAVE).max() <= 0.5 / 32768


@pytest.mark.parametrize(("subtype", "step"), [("PCM_16", 2**-15), ("PCM_24", 2**-23), ("FLOAT", 0), ("DOUBLE", 0)])
def test_an_output_may_have_any_depth(subtype: str, step: float) -> None:
    output = restored(program(f"soundfile.write(out, x, rate, subtype={subtype!r})"))
    assert np.abs(output - WAVE).max() <= step + 1e-7


def test_what_is_disclosed_is_in_a_file() -> None:
    body = "told = json.loads(Path(sys.argv[3]).read_text()); soundfile.write(out, x, rate)\n"
    body += "Path('told.json').write_text(json.dumps([told, sys.argv[4], rate]))"
    spec = program(body, "{input_file} {output_file} {info} {sigma}")
    restored(spec, sigma=0.25, snr=5.0, knobs=np.array([0.5, -0.5]), source=3)
    told, sigma, rate = json.loads(Path("told.json").read_text())
    assert (sigma, rate) == ("0.25", RATE)
    assert told.pop("seed") >= 0
    assert told == {"rate": RATE, "sigma": 0.25, "snr": 5.0, "knobs": "knobs.npy", "source": 3}


def test_what_a_regime_does_not_disclose_skips_and_what_is_no_placeholder_is_refused() -> None:
    with pytest.raises(nb.Skip, match="needs sigma"):
        restored("command(argv='cp {input_file} {output_file} {sigma}')")
    with pytest.raises(nb.UsageError, match=r"\{snr\}.*\{info\}"):
        restored("command(argv='cp {input_file} {output_file} {snr}')", snr=5.0)


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        ("sys.exit('cannot do it')", "ProgramFailed", "exit code 1: cannot do it"),
        ("sys.exit(7)", "ProgramFailed", "exit code 7"),
        ("print('too short', file=sys.stderr); sys.exit(77)", "Skip", "^too short$"),
        ("os.abort()", "ProgramFailed", "SIGABRT"),
        ("pass", "Invalid", "clip.wav is not in its output folder: no sound file"),
        ("soundfile.write(out.with_name('other.wav'), x, rate)", "Invalid", "only other.wav"),
        ("soundfile.write(out, x, rate); soundfile.write(out.with_name('b.wav'), x, rate)", "Invalid", "2 sound files"),
        ("soundfile.write(out, x[:-3], rate)", "Invalid", "clip.wav has 98 samples, where 101 are due: cut or pad"),
        ("soundfile.write(out, x, 2 * rate)", "Invalid", "clip.wav has 16,000 .*where 8,000 are due: resample"),
        ("soundfile.write(out, x * np.nan, rate, subtype='FLOAT')", "NotFinite", "NaN"),
        ("out.write_bytes(b'')", "Invalid", "clip.wav cannot be read as sound"),
        ("out.write_bytes(b'RIFF no sound at all')", "Invalid", "clip.wav cannot be read as sound"),
    ],
)
def test_a_failure_is_named(body: str, kind: str, says: str) -> None:
    spec = program(body)
    with pytest.raises(Exception, match=says) as caught:
        restored(spec)
    assert type(caught.value).__name__ == kind
    assert len(str(caught.value)) < 400
    assert str(Path("tmp").resolve()) not in str(caught.value)
    assert list(Path("tmp").iterdir()) == []


def test_a_program_joins_a_board_and_its_file_is_in_the_key(cli: Any, here: Path) -> None:
    spec = program("soundfile.write(out, 0.5 * x, rate)")
    cli("run", *DATA, "--methods", "identity", spec, "--metrics", "si_sdr", "snr")
    records = {record.cell.method.name: record for record in read_records(here / "nb-store")}
    assert {record.cell.outcome for record in records.values()} == {"ok"}
    assert set(records["command"].cell.inputs["weights"]) == {sys.executable, "run.py"}
    assert records["command"].scores["si_sdr"] == pytest.approx(records["identity"].scores["si_sdr"], abs=0.01)
    assert records["command"].scores["snr"] != pytest.approx(records["identity"].scores["snr"], abs=0.01)


def test_a_time_out_ends_the_program(cli: Any, here: Path) -> None:
    spec = program("Path('child').write_text(str(os.getpid())); time.sleep(500)")
    cli("run", *DATA, "--methods", spec, "--timeout", "8", code=1)
    (record,) = read_records(here / "nb-store")
    assert record.cell.outcome == "timeout"
    with pytest.raises(ProcessLookupError):
        os.kill(int(Path("child").read_text()), 0)


@needs_bubblewrap
def test_in_a_sandbox_a_program_sees_itself_and_no_other_file(cli: Any, here: Path) -> None:
    (here / "secret.wav").touch()
    (here / "peek.sh").write_text('test "$(ls)" = peek.sh || { ls >&2; exit 1; }; cp "$1" "$2"')
    spec = "command(argv='sh peek.sh {input_file} {output_file}')"
    cli("run", *DATA, "--methods", spec, "--sandbox")
    (record,) = read_records(here / "nb-store")
    assert (record.cell.outcome, record.cell.reason) == ("ok", "")


def test_a_program_works_on_no_device_and_its_memory_is_not_ours() -> None:
    bound = bind(COPY, "method", "audio")
    assert not Enhancer(bound).can_use_device()
    cost = measure(TRACK, bound, bind("none", "regime", "audio"), (400,), repeats=2, device="cpu", threads=1)
    assert cost.peak_memory_bytes is None and "another program" in cost.reasons["peak_memory_bytes"]


def test_the_doctor_tries_a_program(cli: Any) -> None:
    assert "all fine" in cli("doctor", COPY, "--track", "audio").stdout
