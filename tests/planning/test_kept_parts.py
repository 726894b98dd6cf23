"""Datasets that a plan knows from the last one: by path, inode, size and times of their files, and never wrongly."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from conftest import DATA
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.planning import kept_parts
from noisebench.planning.dataset_part import dataset_part
from noisebench.planning.kept_parts import KeptParts, forget_parts, keep_parts
from noisebench.store.cell import DatasetPart

TRACK = get_track("restore")
SPEC = "folder(path='pictures', group='^.')"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store, and pictures beside it that count as old."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kept_parts, "_SETTLED", -(10**18))
    Path("pictures").mkdir()
    for number in range(3):
        nb.write_picture(f"pictures/p{number}.png", picture(number))
    Path("store").mkdir()
    return tmp_path / "store"


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (64, 64), dtype=np.uint8)


def planned(store: Path, spec: str = SPEC, limit: int | None = None) -> tuple[DatasetPart, bool]:
    """The part of a dataset, and whether it was read; what is new is kept."""
    kept = KeptParts(store)
    part = kept.part(bind(spec, "dataset", "restore"), limit, TRACK)
    keep_parts(store, kept.new)
    return part, bool(kept.new)


def test_an_unchanged_folder_is_read_once_and_planned_alike(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, read = planned(store)
    assert read and first == dataset_part(bind(SPEC, "dataset", "restore"), None, TRACK)

    def refuse(*_: Any) -> None:
        raise AssertionError("was read again")

    monkeypatch.setattr(nb, "read_picture", refuse)
    assert planned(store) == (first, False)


@pytest.mark.parametrize("kind", ["content", "same times", "new file", "gone", "replaced", "link"])
def test_a_change_is_seen(kind: str, store: Path) -> None:
    first, _ = planned(store)
    file = Path("pictures/p1.png")
    before = file.stat()
    if kind == "new file":
        nb.write_picture("pictures/p9.png", picture(9))
    elif kind == "gone":
        file.unlink()
    elif kind == "link":
        nb.write_picture("other.png", picture(9))
        file.unlink()
        file.symlink_to("../other.png")
    else:
        nb.write_picture("new.png", picture(9))
        if kind == "replaced":
            os.replace("new.png", file)
        else:
            file.write_bytes(Path("new.png").read_bytes())
    if kind == "same times":
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    part, read = planned(store)
    assert read and part.fingerprint != first.fingerprint


def test_another_question_has_its_own_answer(store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    planned(store)
    assert planned(store, limit=2) == (dataset_part(bind(SPEC, "dataset", "restore"), 2, TRACK), True)
    assert planned(store, "folder(path='pictures')")[1]
    (tmp_path / "elsewhere" / "pictures").mkdir(parents=True)
    nb.write_picture(tmp_path / "elsewhere" / "pictures" / "p0.png", picture(7))
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert planned(store)[0].items == 1


def test_pairs_and_named_sets_are_known_and_made_items_are_not(store: Path) -> None:
    assert planned(store, "pairs(clean='pictures', noisy='pictures')")[1]
    assert not planned(store, "pairs(clean='pictures', noisy='pictures')")[1]
    assert planned(store, "photos")[1] and not planned(store, "photos")[1]
    assert not planned(store, "gaussian_field(n=2, size=32)")[1]
    assert len([*(store / "digests").iterdir()]) == 2


def test_what_changed_just_now_is_not_kept(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_parts, "_SETTLED", 10**18)
    assert not planned(store)[1] and not (store / "digests").exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"seen": {}, "part": {}}', '{"seen": 3, "part": null}'])
def test_a_damaged_note_is_no_note(text: str, store: Path) -> None:
    first, _ = planned(store)
    (note,) = (store / "digests").iterdir()
    note.write_text(text)
    assert planned(store) == (first, True)


def test_a_wrong_note_is_found_out_by_the_cell_and_forgotten(
    store: Path, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOISEBENCH_DATA", str(DATA))
    words = ["--methods", "identity", "--datasets", SPEC, "--store", "nb"]
    cli("run", *words, "--regimes", "none")
    forget_parts(store.parent / "nb")
    kept = KeptParts(store.parent / "nb")
    kept.part(bind(SPEC, "dataset", "restore"), None, TRACK)
    ((name, text),) = kept.new.items()
    note = json.loads(text)
    note["part"]["fingerprint"] = "0" * 64
    keep_parts(store.parent / "nb", {name: json.dumps(note)})
    done = cli("run", *words, "--regimes", "gaussian(sigma=25)", code=1)
    assert "changed while the run" in done.stderr + done.stdout
    assert not [*(store.parent / "nb" / "digests").glob("dataset-*")]
    cli("run", *words, "--regimes", "gaussian(sigma=25)", "--retry", "always")
