"""The bundle for Codabench: what its server demands of one, and its scoring program run as a worker runs it.

The rules are those of the unpacker, the models and the worker of Codabench in March 2026 (commit c7dbc756), in our
words.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from noisebench.cli import main
from noisebench.submissions.challenges.codabench import column_key
from noisebench.submissions.challenges.files import Challenge, SealedTruth

PLAIN = ("--datasets", "gaussian_field(n=3, size=24)", "--regimes", "gaussian(sigma=25)")
TWO_BOARDS = (
    "--datasets", "gaussian_field(n=2, size=24)",
    "--regimes", "gaussian(sigma=25)", "downsample(scale=2, kernel=bicubic) + gaussian(sigma=5)",
    "--metrics", "psnr", "si_psnr", "error_band(low=0.25, high=0.5)",
)  # fmt: skip
TWO_SETS = ("--datasets", "gaussian_field(n=2, size=24)", "discs(n=2, size=24)", "--regimes", "gaussian(sigma=25)")


def bundled(folder: Path, *suite: str) -> Path:
    """A challenge in a folder, and its bundle as a server unpacks it."""
    words = ["--challenge", str(folder / "night"), "--truth", str(folder / "night-truth.zip")]
    assert main(["challenge", "make", *suite, "--to", str(folder / "night")]) == 0
    to = folder / "bundle.zip"
    assert main(["challenge", "export", *words, "--codabench", str(to), "--image", "me/noisebench:0.2"]) == 0
    with zipfile.ZipFile(to) as archive:
        archive.extractall(folder / "bundle")
    return folder / "bundle"


def competition_of(bundle: Path) -> dict[str, Any]:
    competition: dict[str, Any] = yaml.safe_load((bundle / "competition.yaml").read_text())
    return competition


@pytest.fixture(params=[PLAIN, TWO_BOARDS, TWO_SETS], ids=["plain", "two boards", "two sets"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return bundled(tmp_path, *request.param)


def test_the_unpacker_finds_each_part_of_the_bundle(bundle: Path) -> None:
    competition = competition_of(bundle)
    assert str(competition["version"]) == "2", "else the unpacker of older bundles is taken"
    assert 0 < len(competition["title"]) <= 256 and 0 < len(competition["docker_image"]) <= 128
    texts = [competition["terms"], *(page["file"] for page in competition["pages"])]
    assert all((bundle / name).read_text().strip() for name in texts), "an empty page is refused"
    assert all(page["title"] for page in competition["pages"])
    logo = cv2.imread(str(bundle / competition["image"]), cv2.IMREAD_UNCHANGED)
    assert logo is not None and Path(competition["image"]).suffix in (".png", ".jpg", ".jpeg", ".gif")


def test_tasks_and_phases_fit_together(bundle: Path) -> None:
    competition = competition_of(bundle)
    tasks = {task["index"]: task for task in competition["tasks"]}
    assert len(tasks) == len(competition["tasks"]) and all(0 < len(task["name"]) <= 256 for task in tasks.values())
    for task in tasks.values():
        assert {"scoring_program", "reference_data"} <= set(task)
        assert not {"key", "input_data", "ingestion_program"} & set(task), "results are sent in, and nothing is run"
        for name in (task["scoring_program"], task["reference_data"]):
            assert (bundle / name).is_dir() and any((bundle / name).iterdir())
    phases = sorted(competition["phases"], key=lambda phase: phase["index"])
    assert phases and all(0 < len(phase["name"]) <= 256 for phase in phases)
    assert all(phase["tasks"] and set(phase["tasks"]) <= set(tasks) for phase in phases)
    assert not phases[0].get("auto_migrate_to_this_phase"), "nothing is before the first phase"
    # A date that YAML knows loses its hour on the server, and one without zone is UTC there.
    start = datetime.fromisoformat(phases[0]["start"]).replace(tzinfo=UTC)
    assert isinstance(phases[0]["start"], str) and start <= datetime.now(UTC)
    assert "end" not in phases[-1], "the last phase is open"
    assert (bundle / phases[-1]["public_data"] / "challenge.json").is_file()
    assert not [path for path in (bundle / phases[-1]["public_data"]).rglob("*") if "truth" in path.name]


def test_a_leaderboard_has_columns_of_short_and_different_keys(bundle: Path) -> None:
    (leaderboard,) = competition_of(bundle)["leaderboards"]
    assert 0 < len(leaderboard["title"]) <= 64 and 0 < len(leaderboard["key"]) <= 36
    assert leaderboard["submission_rule"] in (
        "Add", "Add_And_Delete", "Add_And_Delete_Multiple", "Force_Last", "Force_Latest_Multiple", "Force_Best",
    )  # fmt: skip
    columns = leaderboard["columns"]
    for name in ("index", "key", "title"):
        assert len({column[name] for column in columns}) == len(columns) > 0
    assert columns[0]["index"] == 0, "the column that ranks is the first, unless primary_index says another"
    for column in columns:
        assert 0 < len(column["title"]) <= 36 and re.fullmatch(r"[A-Za-z0-9_]{1,36}", column["key"])
        assert column["sorting"] in ("asc", "desc") and isinstance(column["precision"], int)
        assert "computation" not in column
    overview = (bundle / "overview.md").read_text()
    assert all(f"`{column['key']}`" in overview for column in columns), "a reader learns what a short title means"


def test_a_worker_finds_a_command_that_names_its_own_folders(bundle: Path) -> None:
    program = bundle / competition_of(bundle)["tasks"][0]["scoring_program"]
    command = shlex.split(yaml.safe_load((program / "metadata.yaml").read_text())["command"])
    assert command[0] == "python3", "the worker takes no shell"
    assert (program / Path(command[1]).relative_to("/app/program")).is_file()
    assert command[2:] == ["/app/input/", "/app/output/"]


def test_keys_of_columns_differ_as_metrics_do() -> None:
    metrics = ["psnr", "pyiqa(name='a-b')", "pyiqa(name='a_b')", "f" * 60, "f" * 61, "psnr(border=4)"]
    keys = [column_key(board, metric) for board in (1, 11) for metric in metrics]
    assert keys[0] == "psnr_1" and len(set(keys)) == len(keys) and max(map(len, keys)) <= 36


@pytest.mark.parametrize("image", ["", " ", "me/noisebench 0.2", "n" * 129])
def test_an_image_that_no_server_keeps_is_refused(image: str, tmp_path: Path, capsys: Any) -> None:
    bundled(tmp_path, *PLAIN)
    words = ["--challenge", str(tmp_path / "night"), "--truth", str(tmp_path / "night-truth.zip")]
    to = tmp_path / "other.zip"
    assert main(["challenge", "export", *words, "--codabench", str(to), "--image", image]) == 2
    assert "--image" in capsys.readouterr().err and not to.exists()


# --------------------------------------------------------------------------------------------- a worker


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def submission(folder: Path, *, perfect: bool = False) -> Path:
    """A packed submission to the challenge there: flat pictures, or the truth."""
    challenge = Challenge(folder / "night")
    sealed = SealedTruth(folder / "night-truth.zip", challenge)
    (folder / "mine").mkdir()
    for name, item in challenge.items.items():
        flat = np.full(item.wanted, np.load(folder / "night" / item.input).mean())
        output = sealed.arrays(name)["clean"].reshape(item.wanted) if perfect else flat
        np.save(folder / "mine" / f"{name}.npy", output.astype(np.float32))
    to = folder / "mine.zip"
    words = ["--challenge", str(folder / "night"), "--to", str(to)]
    assert main(["challenge", "pack", str(folder / "mine"), *words]) == 0
    return to


def scored(bundle: Path, sent: Path, app: Path) -> subprocess.CompletedProcess[str]:
    """Lay out under `app` what a worker mounts as /app, and run the command of the scoring program in its folder.

    A submission without a command of its own is copied into the output of the first step, where the worker adds a file
    `metadata`; that output is the input of the second.
    """
    task = competition_of(bundle)["tasks"][0]
    app.mkdir()
    (bundle / task["scoring_program"]).rename(app / "program")
    (app / "input").mkdir()
    (bundle / task["reference_data"]).rename(app / "input" / "ref")
    with zipfile.ZipFile(sent) as archive:
        assert not {"metadata", "metadata.yaml"} & set(archive.namelist()), "a worker would look there for a command"
        archive.extractall(app / "input" / "res")
    (app / "input" / "res" / "metadata").write_text("elapsedTime: null\nexitCode: null\n")
    (app / "output").mkdir()
    command = shlex.split(yaml.safe_load((app / "program" / "metadata.yaml").read_text())["command"])
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    there = [word.replace("/app/", f"{app}/") for word in command[1:]]
    return subprocess.run(
        [sys.executable, *there], cwd=app / "program", env={**os.environ, "PATH": path}, capture_output=True, text=True
    )


@pytest.mark.parametrize("suite", [PLAIN, TWO_BOARDS], ids=["plain", "two boards"])
def test_the_scoring_program_gives_a_number_for_each_column(suite: tuple[str, ...], tmp_path: Path) -> None:
    bundle = bundled(tmp_path, *suite)
    (leaderboard,) = competition_of(bundle)["leaderboards"]
    before = sorted(path.name for path in bundle.rglob("*") if path.parent.name == "reference_data")
    done = scored(bundle, submission(tmp_path), tmp_path / "app")
    assert done.returncode == 0, done.stdout + done.stderr
    scores = json.loads((tmp_path / "app" / "output" / "scores.json").read_text())
    assert set(scores) == {column["key"] for column in leaderboard["columns"]}
    assert all(isinstance(value, float) and abs(value) < 1e10 for value in scores.values())
    assert 5 < scores["psnr_1"] < 40
    assert not (tmp_path / "app" / "output" / "metadata").exists(), "the worker writes one, and minds another"
    assert sorted(path.name for path in (tmp_path / "app" / "input" / "ref").iterdir()) == before


def test_a_score_that_no_leaderboard_holds_is_left_out_and_said(tmp_path: Path) -> None:
    bundle = bundled(tmp_path, *PLAIN)
    done = scored(bundle, submission(tmp_path, perfect=True), tmp_path / "app")
    assert done.returncode == 0, done.stdout + done.stderr
    scores = json.loads((tmp_path / "app" / "output" / "scores.json").read_text())
    assert "psnr_1" not in scores and scores["ssim_1"] == pytest.approx(1)
    assert "psnr_1" in done.stdout and "inf" in done.stdout


def test_a_bad_submission_fails_with_its_reasons_and_without_scores(tmp_path: Path) -> None:
    bundle, sent = bundled(tmp_path, *PLAIN), submission(tmp_path)
    with zipfile.ZipFile(sent) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["outputs/item-0002.npy"] = npy(np.zeros((3, 3, 1), np.float32))
    with zipfile.ZipFile(sent, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    done = scored(bundle, sent, tmp_path / "app")
    assert done.returncode != 0 and "item-0002.npy" in done.stderr and "metadata" not in done.stderr
    assert not (tmp_path / "app" / "output" / "scores.json").exists()
