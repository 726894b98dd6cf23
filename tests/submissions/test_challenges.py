"""A challenge from end to end, and what its organiser refuses: nothing of a submission is unpickled or run."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.boards.build import boards
from noisebench.cli import main
from noisebench.store.reading import read_records
from noisebench.submissions.challenges.files import Challenge, SealedTruth
from noisebench.submissions.challenges.make import make_challenge
from noisebench.suite.suite import Suite

DATA = "gaussian_field(n=6, size=24)"
Files = dict[str, bytes]


@dataclass(frozen=True)
class Made:
    """A challenge, its truth, and the outputs of two methods."""

    folder: Path
    truth: Path
    results: Mapping[str, Path]

    @property
    def items(self) -> list[str]:
        return list(json.loads((self.folder / "challenge.json").read_text())["items"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("challenge")
    suite = Suite(datasets=(DATA,), regimes=("gaussian(sigma=25)",))
    make_challenge(suite, "night", folder / "night", folder / "truth.zip", seed=7)
    results = {name: folder / name for name in ("identity", "half")}
    for of_method in results.values():
        of_method.mkdir()
    for file in (folder / "night" / "inputs").iterdir():
        noisy = np.load(file)
        np.save(results["identity"] / file.name, noisy)
        mean = (noisy + noisy.mean()) / 2
        nb.write_picture(results["half"] / f"{file.stem}.png", np.rint(np.clip(mean, 0, 1) * 255).astype(np.uint8))
    return Made(folder / "night", folder / "truth.zip", results)


def packed(made: Made, to: Path, name: str = "half") -> Path:
    assert main(["challenge", "pack", str(made.results[name]), "--challenge", str(made.folder), "--to", str(to)]) == 0
    return to


def files_of(file: Path) -> Files:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(to: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(to, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data, compress_type=zipfile.ZIP_DEFLATED)
    return to


def npy(array: np.ndarray, **more: bool) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **more)
    return buffer.getvalue()


def judged(made: Made, capsys: pytest.CaptureFixture[str], *files: Path, to: Path) -> tuple[int, str]:
    capsys.readouterr()
    words = ["--challenge", str(made.folder), "--truth", str(made.truth), "--to", str(to)]
    code = main(["challenge", "judge", *map(str, files), *words])
    told = capsys.readouterr()
    return code, told.out + told.err


def test_participants_get_inputs_and_nothing_that_tells_the_truth(made: Made) -> None:
    manifest = (made.folder / "challenge.json").read_text()
    assert "gaussian_field" not in manifest and '"seed"' not in manifest
    assert sorted(file.name for file in made.folder.iterdir()) == ["challenge.json", "inputs"]
    item = json.loads(manifest)["items"]["item-0001"]
    assert item["wanted"] == [24, 24, 1] and item["info"]["sigma"] == pytest.approx(25 / 255)
    assert (made.truth.stat().st_mode & 0o077) == 0
    challenge = Challenge(made.folder)
    sealed = SealedTruth(made.truth, challenge)
    assert sealed.truth.seed == 7 and set(sealed.arrays("item-0001")) == {"clean"}


def test_items_are_shuffled_and_the_seed_is_new_each_time(tmp_path: Path) -> None:
    suite = Suite(datasets=(DATA,), regimes=("none",))
    first = []
    for name in ("a", "b"):
        make_challenge(suite, name, tmp_path / name, tmp_path / f"{name}.zip")
        challenge = Challenge(tmp_path / name)
        sealed = SealedTruth(tmp_path / f"{name}.zip", challenge)
        first.append((sealed.truth.seed, tuple(sealed.truth.cells[0].items)))
    assert first[0][0] != first[1][0]
    assert first[0][1] != first[1][1] or first[0][1] != tuple(sorted(first[0][1]))


def test_scores_are_those_of_a_run_and_ranks_are_paired(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    submissions = [packed(made, tmp_path / f"{name}.zip", name) for name in made.results]
    code, said = judged(made, capsys, *submissions, to=tmp_path / "judged")
    assert code == 0 and "2 of 2 submissions scored" in said
    (board,) = boards(read_records(tmp_path / "judged"))
    assert [row.label for row in board.rows] == ["half", "identity"]
    assert board.rows[0].apart == {"identity"} and board.dataset == "night" and board.seeds == (0,)
    ours = nb.evaluate("identity", DATA, "gaussian(sigma=25)", seed=7)
    assert board.rows[1].scores["psnr"].mean == pytest.approx(ours.psnr, abs=1e-12)
    # One more, later, and the same one again: they stand on the same board.
    code, _ = judged(made, capsys, submissions[0], to=tmp_path / "judged")
    assert code == 0 and len(read_records(tmp_path / "judged")) == 2


def test_an_unpacked_submission_is_judged_alike(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = packed(made, tmp_path / "half.zip")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path / "res")
    for place in (file, tmp_path / "res"):
        assert judged(made, capsys, place, to=tmp_path / "judged")[0] == 0
    assert len(read_records(tmp_path / "judged")) == 1


def spoiled(made: Made, folder: Path) -> Path:
    """Outputs in which nearly everything is wrong."""
    shutil.copytree(made.results["identity"], folder)
    (folder / "item-0001.npy").unlink()
    (folder / "item-0002.npy").rename(folder / "itme-0002.npy")
    np.save(folder / "item-0003.npy", np.zeros((9, 24, 1), np.float32))
    (folder / "item-0004.npy").write_bytes(pickle.dumps("no array"))
    np.save(folder / "item-0005.npy", np.full((24, 24, 1), np.nan, np.float32))
    (folder / "notes.txt").write_text("mine")
    return folder


def test_a_participant_is_told_each_file_that_is_wrong(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = spoiled(made, tmp_path / "mine")
    before = sorted(tmp_path.rglob("*"))
    words = [str(folder), "--challenge", str(made.folder), "--to", str(tmp_path / "mine.zip")]
    assert main(["challenge", "pack", *words]) == 2
    told = capsys.readouterr().err
    for line in (
        "item-0001 is missing", "itme-0002.npy is misnamed: item-0002.npy is due",
        "item-0003.npy is of a wrong size: shape (9, 24, 1) where (24, 24, 1) was due",
        "item-0004.npy is of a wrong type, or damaged", "item-0005.npy is of a wrong type, or damaged",
        "notes.txt is extra: no item has that name",
    ):  # fmt: skip
        assert f"  {line}" in told, told
    assert told.splitlines()[-1].endswith("6 files to mend: nothing was packed")
    assert sorted(tmp_path.rglob("*")) == before


def changes() -> dict[str, tuple[Callable[[Files], Files], str]]:
    """Hostile or faulty submissions, and what is said of each."""
    first, note = "outputs/item-0001.npy", "submission.json"

    def with_file(name: str, data: bytes) -> Callable[[Files], Files]:
        return lambda files: {**files, name: data}

    def without(name: str) -> Callable[[Files], Files]:
        return lambda files: {n: data for n, data in files.items() if n != name}

    nan = np.full((24, 24, 1), np.nan, np.float32)
    return {
        "missing": (without(first), "outputs/item-0001.npy is missing"),
        "extra": (with_file("readme.md", b"x"), "readme.md is extra"),
        "misnamed": (
            lambda files: {n.replace("item-0001.npy", "item-1.npy"): data for n, data in files.items()},
            "outputs/item-1.npy is misnamed: outputs/item-0001.npy is due",
        ),
        "size": (with_file(first, npy(np.zeros((8, 8, 1), np.float32))), "shape (8, 8, 1) where (24, 24, 1) was due"),
        "type": (with_file(first, npy(np.zeros((24, 24, 1), np.int16))), "int16 where <f4 was due"),
        "nan": (with_file(first, npy(nan)), "values that are not finite"),
        "pickle": (
            with_file(first, npy(np.array([print], object), allow_pickle=True)),
            "outputs/item-0001.npy holds objects, which are never unpickled",
        ),
        "bomb": (with_file(first, bytes(50_000_000)), "it is a bomb"),
        "no array": (with_file(first, b"#!/bin/sh\n"), "is no array of numpy"),
        "path escape": (with_file("../../evil.npy", b"x"), "leads out of the submission"),
        "absolute": (with_file("/etc/passwd", b"x"), "leads out of the submission"),
        "no note": (without(note), "lacks submission.json"),
        "damaged note": (with_file(note, b'{"noisebench_submission": NaN}'), "submission.json is damaged"),
        "other challenge": (
            with_file(note, json.dumps({"noisebench_submission": 1, "challenge": "0" * 64, "method": "m"}).encode()),
            "is for another challenge",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("kind", changes())
def test_a_faulty_submission_is_refused_and_the_others_are_scored(
    kind: str, made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, due = changes()[kind]
    good = packed(made, tmp_path / "good.zip", "identity")
    bad = zipped(tmp_path / "bad.zip", change(files_of(packed(made, tmp_path / "half.zip"))))
    code, said = judged(made, capsys, good, bad, to=tmp_path / "judged")
    assert code == 1 and due in said and "1 of 2 submissions scored" in said, said
    assert {r.cell.method.display: r.cell.outcome for r in read_records(tmp_path / "judged")}["identity"] == "ok"
    assert not [name for name in ("evil.npy", "passwd") if list(tmp_path.parent.rglob(name))]


def test_links_and_doubles_are_refused(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = packed(made, tmp_path / "half.zip")
    link = zipfile.ZipInfo("outputs/link.npy")
    link.external_attr = 0o120777 << 16
    for kind, due in (("link", "a link"), ("double", "is there twice")):
        bad = shutil.copy(file, tmp_path / f"{kind}.zip")
        with zipfile.ZipFile(bad, "a") as archive, pytest.warns() if kind == "double" else pytest.MonkeyPatch.context():
            archive.writestr(link if kind == "link" else "submission.json", b"/etc/passwd")
        assert due in judged(made, capsys, Path(bad), to=tmp_path / "judged")[1]
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path / "res")
    (tmp_path / "res" / "outputs" / "item-0001.npy").unlink()
    (tmp_path / "res" / "outputs" / "item-0001.npy").symlink_to(made.truth)
    assert "is a link" in judged(made, capsys, tmp_path / "res", to=tmp_path / "judged")[1]


@pytest.mark.parametrize(
    ("words", "due"),
    [
        (["make", "--datasets", DATA, "--regimes", "none", "--to", "night"], "--to night is there already"),
        (["make", "--datasets", DATA, "--regimes", "none", "--to", "new", "--truth", "new/t.zip"], "is not there"),
        (["make", "--regimes", "none", "--to", "new"], "needs datasets and regimes"),
        (["make", "--datasets", DATA, "--regimes", "nine", "--to", "new"], "nine"),
        (["make", "suite.yaml", "--to", "new"], "one draw of each picture"),
        (["make", "--track", "graph", "--datasets", "x", "--regimes", "y", "--to", "new"], "has no challenges"),
        (["pack", "none", "--challenge", "night", "--to", "s.zip"], "none is no folder"),
        (["pack", "identity", "--challenge", "night", "--to", "s.tar"], "ends in .zip"),
        (["judge", "s.zip", "--challenge", "night", "--truth", "other.zip"], "cannot be read"),
        (["judge", "none.zip", "--challenge", "night", "--truth", "truth.zip", "--to", "new"], "cannot be read"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(
    words: list[str], due: str, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    shutil.copytree(made.folder.parent, tmp_path, dirs_exist_ok=True)
    (tmp_path / "suite.yaml").write_text(f'methods: [identity]\ndatasets: ["{DATA}"]\nregimes: [none]\nseeds: [0, 1]\n')
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["challenge", *words]) == 2
    told = capsys.readouterr()
    assert due in told.err and told.err.count("\n") == 1 and told.out == "", told.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_truth_of_another_challenge_is_refused(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = Suite(datasets=(DATA,), regimes=("none",))
    make_challenge(suite, "other", tmp_path / "other", tmp_path / "other.zip")
    file = packed(made, tmp_path / "half.zip")
    code, said = judged(Made(made.folder, tmp_path / "other.zip", {}), capsys, file, to=tmp_path / "judged")
    assert code == 2 and "truth of another challenge" in said and not (tmp_path / "judged").exists()
