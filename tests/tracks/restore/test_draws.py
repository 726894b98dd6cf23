"""Error split over noise draws: what a linear filter has by theory, what numpy finds, and an exact sum."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.datasets import open_dataset
from noisebench.components.registry import bind
from noisebench.store.cells import cell_dir
from noisebench.store.reading import read_records
from noisebench.suite.study import Axis, read_study
from noisebench.suite.suite import named_suites
from noisebench.testing import throwaway
from noisebench.text.errors import UsageError
from noisebench.tracks.restore.draws import splits
from warm_python import warm_folder

DATASET, REGIME, K, GAIN, LIFT = "gaussian_field(n=2, size=48)", "gaussian(sigma=25)", 4, 0.5, 0.02
HALVED = f"""
import noisebench as nb

@nb.method("halved", blind=True)
def halved(noisy, info):
    return {GAIN} * noisy + {LIFT}
"""
SUITE = f"""
suite: d
methods: [halved, identity]
datasets: ["{DATASET}"]
regimes: [{REGIME}]
protocol: raw
metrics: [psnr, mse]
seeds: [0, 1, 2, 3]
keep: all
study: [{{x: draws}}]
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store and a study of a linear filter."""
    import subprocess

    folder = tmp_path_factory.mktemp("draws")
    throwaway(folder, SUITE, halved=HALVED)
    argv = [str(warm_folder() / "noisebench"), "study", "suite.yaml", "--plugin", "halved.py"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    (folder / "said").write_text(done.stdout)
    return folder


def test_the_parts_are_those_of_a_linear_filter(study: Path) -> None:
    made, missing = splits(study / "nb-store", read_records(study / "nb-store"))
    assert missing == [] and [s.method for s in made] == ["halved", "identity"]
    dataset = open_dataset(bind(DATASET, "dataset"))
    for split, gain, lift in zip(made, (GAIN, 1.0), (LIFT, 0.0), strict=True):
        assert split.draws == K and split.items == tuple(dataset.ids)
        np.testing.assert_allclose(split.bias + split.variance, split.mse, rtol=1e-14)
        for i in range(2):
            clean = dataset.load(i).clean
            found = [gain * nb.degrade(REGIME, clean, seed=k)[0].astype(float).ravel() + lift for k in range(K)]
            variance = 255**2 * float(np.var(found, axis=0, ddof=1).mean())
            error = 255**2 * float(np.mean((np.array(found) - clean.astype(float).ravel()) ** 2))
            assert split.variance[i] == pytest.approx(variance, rel=1e-6)
            assert split.mse[i] == pytest.approx(error, rel=1e-6)
            # By theory: gain² σ², and the mean of ((gain − 1) x + lift)²; within 5 standard errors of the sample.
            n = clean.size
            assert split.variance[i] == pytest.approx(gain**2 * 625, rel=5 * np.sqrt(2 / n / (K - 1)))
            bias = 255**2 * float(np.mean(((gain - 1) * clean.astype(float) + lift) ** 2))
            cross = 2 * np.sqrt(bias * gain**2 * 625 / n / K) + gain**2 * 625 * np.sqrt(2 / n) / K
            assert split.bias[i] == pytest.approx(bias, abs=5 * cross)


def test_it_is_in_the_report_of_the_study_by_method_and_by_picture(study: Path) -> None:
    assert f"## Error over {K} noise draws: {DATASET} · {REGIME}, raw" in (study / "said").read_text()
    rows = list(csv.DictReader((study / "study" / "draws.csv").open()))
    assert [(r["method"], r["draws"]) for r in rows] == [("halved", "4")] * 2 + [("identity", "4")] * 2
    for row in rows:
        total = float(row["bias_squared_255"]) + float(row["variance_255"])
        assert total == pytest.approx(float(row["mse_255"]), rel=1e-7)
    document = json.loads((study / "study" / "study.json").read_text())
    assert document["charts"] == [] and document["draws"]["not_split"] == []
    assert r"\label{tab:noisebench-draws-1}" in (study / "study" / "study.tex").read_text()


def test_what_cannot_be_split_says_why(study: Path) -> None:
    store = study / "nb-store"
    records = read_records(store)
    identity = [r for r in records if r.cell.method.name == "identity"]
    assert splits(store, identity[:1])[1] == [f"identity, {DATASET} · {REGIME}, raw: one seed only"]
    same = splits(store, [identity[0], identity[0]])[1]
    assert same[0].endswith(" with the seed")
    for record in identity[1:]:
        record.scores.pop("mse")
    assert "no mse" in splits(store, identity)[1][0]
    folder = cell_dir(store, records[0].cell.key) / "outputs"
    file, away = folder / "00001.npy", folder / "away"
    file.rename(away)
    try:
        with pytest.raises(UsageError, match=r"outputs/00001.npy is missing: run it again with --retry always"):
            splits(store, read_records(store))
    finally:
        away.rename(file)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("seeds: [0, 1, 2, 3]", "x draws needs several seeds: add seeds"),
        ("keep: all", "x draws needs the outputs: add keep: all"),
        ("metrics: [psnr, mse]", "x draws needs the metric mse: add it to metrics"),
    ],
)
def test_a_study_that_could_not_split_is_refused_before_it_runs(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_study(throwaway(tmp_path, SUITE.replace(line, "")))


def test_the_builtin_study_splits() -> None:
    suite, axes = read_study(named_suites()["draws"])
    assert axes == (Axis("draws"),) and suite.keep == "all" and len(suite.seeds) == 8
