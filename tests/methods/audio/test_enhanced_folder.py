"""Restored clips of somebody else as a method: paired by name, what is missing is listed, nothing is guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import soundfile
from noisebench.store.reading import read_records

RATE = 8_000
WAVES = dict(zip("abc", 0.1 * np.random.default_rng(0).standard_normal((3, 1_000)), strict=True))
HALF_STEP = 0.5 / 2**15


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with three clean clips, and an empty folder `out`."""
    monkeypatch.chdir(tmp_path)
    for name, wave in WAVES.items():
        put(f"clean/{name}.wav", wave, subtype="DOUBLE")
    Path("out").mkdir()
    return tmp_path


def put(name: str, wave: Any, rate: int = RATE, **form: Any) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(name, wave, rate, **form)


def errors(pattern: str = "*", limit: int | None = None, more: str = "") -> list[float]:
    """The mean absolute error of each clip."""
    clean = f"folder(path='clean', pattern={pattern!r}{more})"
    told = nb.evaluate("folder(path='out')", clean, "none", limit=limit, metrics=("mae",), track="audio")
    return [row["mae"] for row in told.rows]


def test_clips_of_any_depth_and_form_are_paired_by_name() -> None:
    put("out/c.flac", WAVES["c"])
    put("out/b.wav", WAVES["b"], subtype="FLOAT")
    put("out/a.WAV", np.stack([WAVES["a"], 0 * WAVES["a"]], axis=1), subtype="PCM_16")
    a, b, c = errors()
    assert b < 1e-7
    assert 1e-7 < a < HALF_STEP * 2 and 1e-7 < c < HALF_STEP * 2


def test_a_clip_has_no_mean_as_those_of_datasets() -> None:
    for name, wave in WAVES.items():
        put(f"out/{name}.wav", wave + 0.2, subtype="FLOAT")
    assert max(errors()) < 1e-6


def test_scores_are_those_of_score(cli: Any, here: Path) -> None:
    for name, wave in WAVES.items():
        put(f"out/{name}.wav", 0.9 * wave + 0.1, subtype="FLOAT")
    scored = json.loads(cli("score", "out", "clean", "--track", "audio", "--metrics", "mae", "--json").stdout)
    assert errors() == pytest.approx([row["scores"]["mae"] for row in scored["rows"]], rel=1e-6)


def test_all_that_is_missing_is_listed_before_anything_is_scored() -> None:
    put("out/b.wav", WAVES["b"])
    put("out/x.wav", WAVES["b"])
    with pytest.raises(nb.UsageError, match=r"no clip named 'a', 'c' in 'out': 2 of 3 missing.*'b.wav', 'x.wav'"):
        errors()


def test_what_the_limit_leaves_out_may_be_missing() -> None:
    put("out/a.wav", WAVES["a"], subtype="FLOAT")
    assert errors(limit=1) == pytest.approx([0], abs=1e-7)


def test_a_name_that_is_there_twice_is_an_error_where_it_is_needed() -> None:
    for name in ("a.wav", "b.wav", "c.wav", "c.flac"):
        put(f"out/{name}", WAVES["a"])
    with pytest.raises(nb.UsageError, match="two clips named 'c' in 'out', 'c.flac', 'c.wav': keep one"):
        errors()


def test_subfolders_of_the_dataset_are_subfolders_of_the_results() -> None:
    for folder, name in (("one", "a"), ("two", "b")):
        for place in ("clean", "out"):
            put(f"{place}/{folder}/p.wav", WAVES[name], subtype="FLOAT")
    assert errors("*/*") == pytest.approx([0, 0], abs=1e-7)


@pytest.mark.parametrize(
    ("wave", "rate", "more", "says"),
    [
        (WAVES["a"][:-1], RATE, "", "999 samples, where 1,000 are due: cut or pad it"),
        (WAVES["a"], 16_000, "", "16,000 samples a second, where 8,000 are due: resample it"),
        (WAVES["a"], RATE, ", rate=4000", "8,000 samples a second, where 4,000 are due"),
    ],
)
def test_a_clip_of_another_length_or_rate_is_invalid_and_named(wave: Any, rate: int, more: str, says: str) -> None:
    put("out/a.wav", wave, rate)
    with pytest.raises(nb.Invalid, match=rf"a\.wav' has {says}"):
        errors(limit=1, more=more)


def test_a_damaged_clip_is_named() -> None:
    Path("out/a.wav").write_bytes(b"RIFF")
    with pytest.raises(nb.UsageError, match=r"a\.wav .* sound"):
        errors(limit=1)


def test_clips_that_the_dataset_does_not_have_are_noted(cli: Any, here: Path) -> None:
    for name in ("a", "b", "c", "other", "z"):
        put(f"out/{name}.wav", WAVES["a"])
    words = ("--methods", "folder(path='out')", "--datasets", "folder(path='clean')", "--regimes", "none")
    cli("run", "--track", "audio", *words)
    (record,) = read_records(here / "nb-store")
    assert record.cell.outcome == "ok"
    (note,) = record.cell.notes
    assert note.startswith("clips in 'out' ") and note.endswith(": 'other.wav', 'z.wav'")


@pytest.mark.parametrize(("path", "says"), [("gone", "is not a folder"), ("empty", "has no file that matches")])
def test_a_folder_that_is_none_is_said_before_anything_runs(cli: Any, here: Path, path: str, says: str) -> None:
    (here / "empty").mkdir()
    words = ("--methods", f"folder(path={path!r})", "--datasets", "folder(path='clean')", "--regimes", "none")
    done = cli("run", "--track", "audio", *words, code=2)
    assert says in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (here / "nb-store").exists()


def test_there_is_nothing_to_time_and_nothing_to_try(cli: Any) -> None:
    put("out/a.wav", WAVES["a"])
    assert "nothing to try" in cli("doctor", "folder(path='out')", "--track", "audio").stdout
