"""Pictures kept to be looked at: what lies in the store, that it is checked, and that nothing is left lying."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import noisebench as nb
import numpy as np
import pytest
from noisebench.components.tracks import get_track
from noisebench.imaging.sample import Sample
from noisebench.store.cells import cell_dir, keys, read_record
from noisebench.store.previews import VIEW, picture_file, read_views, wrong_views
from noisebench.store.upkeep import gc
from noisebench.store.upkeep import verify as verify_store
from noisebench.tracks.restore.crops import leave_view, most_detail
from warm_python import warm_folder

ARGS = ("--datasets", "folder(path='in')", "--regimes", "gaussian(sigma={15,50})", "--jobs", "1", "--keep")


def files_of(track):
    return get_track(track).outputs


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods on two colour pictures at two levels, everything kept."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "in").mkdir()
    rng = np.random.default_rng(3)
    for name in ("a", "b"):
        nb.write_picture(folder / "in" / f"{name}.png", rng.integers(0, 256, (20, 24, 3), dtype=np.uint8))
    command = [str(warm_folder() / "noisebench"), "run", "--methods", "identity", "gaussian_filter", *ARGS, "all"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=240)
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "nb-store"


def cells(store: Path) -> list[str]:
    return [key for key in keys(store) if read_record(store, key).scores]


def shown(file: Path) -> np.ndarray:
    return cv2.imread(str(file), cv2.IMREAD_COLOR)[:, :, ::-1]


def eight_bits(picture: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def test_each_kept_item_has_its_clean_noisy_and_restored_picture(store, tmp_path):
    for key in cells(store):
        record = read_record(store, key)
        views = read_views(cell_dir(store, key) / "outputs")
        assert [view.item for view, _ in views] == record.items
        for view, file in views:
            clean = nb.read_picture(tmp_path / "in" / f"{view.item}.png")
            noisy, _ = nb.degrade(record.cell.regime.display, clean)
            assert (shown(picture_file(store, view.clean)) == clean).all()
            assert (shown(picture_file(store, view.noisy)) == eight_bits(noisy)).all()
            assert (shown(file) == eight_bits(np.load(file.with_suffix(".npy")))).all()
            assert (view.size, view.place) == ((20, 24), (0, 0, 20, 24))


def test_clean_and_noisy_pictures_are_stored_once_for_all_methods(store):
    assert len(cells(store)) == 4
    # Two clean ones, and two at each level.
    assert len(list((store / "pictures").rglob("*.png"))) == 2 + 2 * 2


def test_nothing_is_kept_where_nothing_is_asked_for(cli, tmp_path):
    (tmp_path / "in").mkdir()
    nb.write_picture(tmp_path / "in" / "a.png", np.zeros((16, 16), np.uint8))
    cli("run", "--methods", "identity", *ARGS, "none")
    assert not (tmp_path / "nb-store" / "pictures").exists()
    assert list((tmp_path / "nb-store").rglob("outputs")) == []


@pytest.mark.parametrize("fault", ["gone", "other", "torn", "note", "restored"])
def test_verify_finds_a_picture_that_is_gone_or_another(store, fault):
    assert verify_store(store, files_of) == []
    outputs = cell_dir(store, cells(store)[0]) / "outputs"
    (view, file), _ = read_views(outputs)
    clean, noisy = picture_file(store, view.clean), picture_file(store, view.noisy)
    if fault == "gone":
        noisy.unlink()
    elif fault == "other":
        shutil.copy(clean, noisy)
    elif fault == "torn":
        noisy.write_bytes(noisy.read_bytes()[:40])
    elif fault == "note":
        file.with_suffix(".json").write_text(json.dumps({"item": "a", "clean": "../../../etc/passwd"}))
    else:
        file.write_bytes(b"")
    problems = verify_store(store, files_of)
    file_of = {"note": "00000.json", "restored": "00000.png"}.get(fault, "noisy picture of a")
    assert any(file_of in line and "damaged" in line for line in problems)
    assert all(line.startswith("cell ") for line in problems)


def test_a_shared_picture_that_is_damaged_is_written_again_by_the_next_that_shows_it(tmp_path):
    (tmp_path / "outputs").mkdir()
    clean, noisy = np.full((8, 8), 0.25), np.full((8, 8, 1), 0.5)
    for _ in range(2):
        leave_view(tmp_path, tmp_path / "outputs", 0, Sample("a", clean), noisy, noisy)
        assert list(wrong_views(tmp_path, tmp_path / "outputs")) == []
        for file in tmp_path.glob("pictures/*/*.png"):
            file.write_bytes(file.read_bytes()[:40])


def previews(page: Path, regime: str) -> list[dict]:
    """What the page of a report holds to be looked at on the board of a regime."""
    data = json.loads(page.read_text().partition('id="data">')[2].partition("</script>")[0])
    (board,) = [board for board in data["boards"] if board["r"] == regime]
    return board["previews"]


def test_a_report_is_made_of_the_pictures_that_are_left(store, cli, tmp_path):
    key = cells(store)[0]
    regime, name = (getattr(read_record(store, key).cell, part).display for part in ("regime", "method"))
    outputs = cell_dir(store, key) / "outputs"
    (view, file), _ = read_views(outputs)
    cli("report", "nb-store", "--to", "board")
    whole, other = previews(tmp_path / "board" / "leaderboard.html", regime)
    assert whole["item"] == view.item and whole["given"] is not None and len(whole["outputs"]) == 2
    picture_file(store, view.noisy).unlink()
    file.write_bytes(b"")
    cli("report", "nb-store", "--to", "board")
    left, same = previews(tmp_path / "board" / "leaderboard.html", regime)
    assert left["given"] is None and same.keys() == other.keys() and len(same["outputs"]) == 2
    rows = [line for line in (tmp_path / "board" / "leaderboard.csv").read_text().splitlines() if f",{regime}," in line]
    gone = next(i for i, line in enumerate(rows) if f",{name}," in line)
    assert list(left["outputs"]) == [str(1 - gone)]


def test_gc_removes_pictures_that_no_cell_shows(store):
    assert gc(store) == []
    dropped = next(k for k in cells(store) if "50" in read_record(store, k).cell.regime.display)
    shutil.rmtree(cell_dir(store, dropped))
    assert gc(store) == []  # the other method at this level shows the same pictures
    for key in cells(store):
        if "50" in read_record(store, key).cell.regime.display:
            shutil.rmtree(cell_dir(store, key))
    assert len([line for line in gc(store) if "that no cell shows" in line]) == 2
    assert verify_store(store, files_of) == [] and len(list((store / "pictures").rglob("*.png"))) == 4


def test_gc_keeps_the_pictures_of_an_unfinished_cell(store):
    key = cells(store)[0]
    (view, _), _ = read_views(cell_dir(store, key) / "outputs")
    partial = store / "partial" / ("f" * 64) / "outputs"
    partial.parent.mkdir(parents=True)
    shutil.copytree(cell_dir(store, key) / "outputs", partial)
    for each in cells(store):
        shutil.rmtree(cell_dir(store, each))
    gc(store)
    assert picture_file(store, view.noisy).is_file() and picture_file(store, view.clean).is_file()


def test_of_a_large_picture_the_part_with_most_detail_is_kept():
    clean = np.zeros((700, 1100, 1))
    clean[100:500, 600:900] = np.random.default_rng(0).random((400, 300, 1))
    top, left, height, width = most_detail(clean, VIEW)
    assert (height, width) == (VIEW, VIEW)
    inside = clean[top : top + height, left : left + width]
    assert (inside > 0).mean() == pytest.approx((clean > 0).sum() / VIEW**2, rel=1e-9)
    assert most_detail(np.zeros((30, 20, 3)), 96) == (0, 0, 30, 20)
