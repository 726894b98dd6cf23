"""Inputs of every made dataset and of every regime have the committed hashes, on this processor and on a plain one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import golden_inputs
import pytest
from golden_inputs import DATASETS, FROM_FILES, LEARNED, NOT_POSED, REGIMES, hashes, others
from noisebench.components.registry import bind, registry
from noisebench.components.tracks import get_track
from plain_cpu import plain_cpu

ADD = "add it to {table} of tests/support/golden_inputs.py and run `python tests/support/golden_inputs.py`"


def test_inputs_have_their_golden_hashes() -> None:
    assert others(dict(hashes())) == []


def test_inputs_have_the_same_hashes_on_a_plain_processor() -> None:
    done = subprocess.run(
        [sys.executable, golden_inputs.__file__, "--print"],
        env=plain_cpu(),
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert others(json.loads(done.stdout)) == []


@pytest.mark.parametrize("track", DATASETS)
def test_every_dataset_has_a_hash_or_is_read_or_learned(track: str) -> None:
    made = {bind(spec, "dataset", track).entry.name for spec in DATASETS[track]}
    apart = FROM_FILES.get(track, set()) | LEARNED.get(track, set())
    assert not made & apart
    missing, gone = {*built_in("dataset", track)} - made - apart, (made | apart) - {*built_in("dataset", track)}
    assert not missing, f"datasets of {track} without a golden hash: {sorted(missing)}: {ADD.format(table='DATASETS')}"
    assert not gone, f"golden_inputs.py has datasets of {track} that are not there: {sorted(gone)}"


@pytest.mark.parametrize("track", REGIMES)
def test_every_regime_has_a_hash(track: str) -> None:
    regimes = {part.entry.name for spec in REGIMES[track][1] for part in bind(spec, "regime", track).parts}
    has, due = regimes | NOT_POSED.get(track, set()), {*built_in("regime", track)}
    assert has >= due, f"regimes of {track} without a golden hash: {sorted(due - has)}: {ADD.format(table='REGIMES')}"
    assert has <= due, f"golden_inputs.py has regimes of {track} that are not there: {sorted(has - due)}"


def built_in(kind: str, track: str) -> Iterator[str]:
    """Names of components of this package: tests register others."""
    known = registry(kind, track)
    return (name for name in known.names() if known.get(name).obj.__module__.startswith("noisebench."))


def test_every_track_has_hashes() -> None:
    own = {name for name in registry("track", "").names() if type(get_track(name)).__module__.startswith("noisebench.")}
    assert own == {*DATASETS} == {*REGIMES}, f"{ADD.format(table='DATASETS and REGIMES')} for the new track"
