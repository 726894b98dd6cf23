"""A denoiser before a classifier, the one of a track and the other of another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.planning.plan import plan
from noisebench.store.cells import keys, read_cell
from noisebench.suite.suite import Suite

DENOISER = "trained(arch=dncnn(depth=2, width=2), data=dead_leaves(n=20, size=16), crop=8, batch=2, steps=2, checks=1, validation=2)"  # noqa: E501
CLASSIFIER = "trained(arch=mlp, steps=4, checks=1)"
NOISE = "gaussian(sigma=50)"


def trainings(track: str, method: str, dataset: str) -> dict[str, str]:
    """Track → key of what is trained for a method."""
    cells = plan(Suite(track=track, methods=(method,), datasets=(dataset,), regimes=(NOISE,)))
    return {cell.track: cell.key for cell in cells if cell.kind == "train"}


def test_the_same_picture_has_the_same_noise_in_both_tracks() -> None:
    labelled = nb.open_dataset(nb.bind("digits(n=3)", "dataset", "classify"))
    pictures = nb.open_dataset(nb.bind("unlabelled(of=digits(n=3))", "dataset"))
    assert pictures.ids == labelled.ids
    for index in range(3):
        posed = nb.get_track("classify").pose(nb.bind(NOISE, "regime"), labelled.load(index), 1)
        clean = pictures.load(index).clean
        assert np.array_equal(posed.given[:, :, 0], nb.degrade(NOISE, clean, 1)[0])


def test_what_is_restored_perfectly_is_classified_as_the_clean_picture() -> None:
    """`identity` on pictures without noise, and whatever comes behind the classifier is what that says of them."""
    for clip in ("true", "false"):
        first = f"denoise_first(denoiser=identity, classifier=uniform, clip={clip})"
        assert nb.evaluate(first, "digits(n=20)", track="classify").nll == pytest.approx(np.log(10))


def test_the_denoiser_is_told_the_noise_and_the_classifier_is_not(tmp_path: Path, cli: Any) -> None:
    (tmp_path / "told.py").write_text(
        "import noisebench as nb, numpy as np\n"
        "@nb.method('halved', layout='hwc')\n"
        "def halved(noisy, info):\n    assert info.sigma and info.shape == noisy.shape[:2]\n    return noisy * 0 + 2\n"
        "@nb.method('looks', track='classify', layout='hwc')\n"
        "def looks(picture, info):\n    assert info.sigma is None and (picture == 1).all()\n"
        "    return np.zeros(info.classes, np.float32)\n"
    )
    done = cli(
        "run", "--track", "classify", "--plugin", tmp_path / "told.py", "--datasets", "digits(n=4)", "--regimes", NOISE,
        "--methods", "denoise_first(denoiser=halved, classifier=looks)",
    )  # fmt: skip
    assert "1 cell: 1 ok" in done.stdout


def test_both_are_trained_once_each_as_its_own_track_trains_it(tmp_path: Path, cli: Any) -> None:
    both = f"denoise_first(denoiser={DENOISER}, classifier={CLASSIFIER})"
    planned = trainings("classify", both, "digits(n=4)")
    assert planned == {
        **trainings("restore", DENOISER, "unlabelled(of=digits(n=4))"),
        **trainings("classify", CLASSIFIER, "digits(n=4)"),
    }
    run = ("run", "--track", "classify", "--datasets", "digits(n=4)", "--regimes", NOISE, "--store", "s")
    assert "3 cells: 3 ok" in cli(*run, "--methods", both).stdout
    assert {read_cell(tmp_path / "s", key).key for key in keys(tmp_path / "s")} >= set(planned.values())
    # A denoiser that was trained for a classifier is there for a board of denoisers.
    again = cli(
        "run", "--methods", DENOISER, "--datasets", "unlabelled(of=digits(n=4))", "--regimes", NOISE, "--store", "s"
    )
    assert "2 cells: 2 ok (1 run now)" in again.stdout
    assert "denoise_first" in cli("report", "s", "--to", "b", "--json").stdout


def test_a_denoiser_is_not_trained_on_what_a_classifier_is_tested_on() -> None:
    seen = DENOISER.replace("dead_leaves(n=20, size=16)", "unlabelled(of=digits(n=40))")
    with pytest.raises(nb.UsageError, match="trains on 4 pictures of digits"):
        trainings("classify", f"denoise_first(denoiser={seen}, classifier=uniform)", "digits(n=4)")


def test_a_claim_trains_the_denoiser_before_the_classifier_is_used(tmp_path: Path, cli: Any) -> None:
    (tmp_path / "own.yaml").write_text(
        "paper: none\nurl: https://example.org\nkind: effect\ntrack: classify\nclaims:\n"
        "  - name: it_is_run\n    where: here\n    says: Both tracks are run.\n    cells:\n"
        f"      both: {{method: 'denoise_first(denoiser={DENOISER}, classifier=uniform)', "
        f"dataset: 'digits(n=4)', regime: '{NOISE}', metric: nll}}\n"
        "    holds: abs(both - log(10)) <= 1e-6\n    seeds: [0]\n"
    )
    assert "1 claim: 1 reproduced" in cli("reproduce", "--claims", "own.yaml").stdout
