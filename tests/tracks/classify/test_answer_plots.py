"""Reliability, confusions and ROC: what is drawn of the answers that a cell keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from noisebench.store.reading import read_records
from noisebench.tracks.classify.answer_plots import answers_of, confusion, reliability, roc, truths_of
from sklearn.metrics import confusion_matrix, roc_auc_score


def test_reliability_has_the_mean_confidence_and_the_share_of_right_answers_of_each_bin() -> None:
    mean, share = reliability(np.array([0.1, 0.15, 0.19, 0.95, 1.0]), np.array([True, False, True, True, True]))
    assert mean.tolist() == pytest.approx([0.1, 0.17, 0.975]) and share.tolist() == [1.0, 0.5, 1.0]


def test_the_area_under_the_curve_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    second = rng.random(200) < 0.3
    scores = np.round(rng.normal(second, 1.0), 1)
    alarms, found = roc(scores, second)
    assert (alarms[0], found[0], alarms[-1], found[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(found, alarms) == pytest.approx(roc_auc_score(second, scores), abs=1e-12)


@pytest.mark.parametrize(
    "dataset",
    [
        "digits(n=40)",
        "known_and_unknown(of=some_classes(of=digits(n=80), classes=(0,1,2,3,4)), "
        "unknown=some_classes(of=digits(n=80), classes=(8,9)))",
    ],
)
def test_a_report_draws_what_was_said(cli: Any, tmp_path: Any, dataset: str) -> None:
    (tmp_path / "bright.py").write_text(
        "import noisebench as nb\nimport numpy as np\n\n\n@nb.method('bright', track='classify', layout='hwc')\n"
        "def bright(picture, info):\n    return np.linspace(0, 30, info.classes, dtype=np.float32) * picture.mean()\n"
    )
    cli(
        "run", "--track", "classify", "--plugin", "bright.py", "--methods", "uniform", "bright", "svm",
        "--datasets", dataset, "--regimes", "none", "--keep", "sample",
    )  # fmt: skip
    cli("report", "nb-store", "--to", "board")
    kinds = {name.split("-")[2] for name in (f.name for f in (tmp_path / "board" / "plots").glob("answers-*.png"))}
    two = dataset.startswith("known")
    assert kinds >= {"reliability", "confusions", *(["roc"] if two else [])}
    assert two or "roc" not in kinds
    records = {record.cell.method.name: record for record in read_records(tmp_path / "nb-store")}
    assert records["bright"].mistakes


def test_truths_and_confusions_are_those_of_the_items(cli: Any, tmp_path: Any) -> None:
    import noisebench as nb
    from noisebench.boards.build import boards

    cli("run", "--track", "classify", "--methods", "uniform", "svm", "--datasets", "digits(n=60)", "--regimes",
        "gaussian(sigma=90)", "--keep", "sample")  # fmt: skip
    (board,) = boards(read_records(tmp_path / "nb-store"))
    data = nb.open_dataset(nb.bind("digits(n=60)", "dataset", "classify"))
    items = {item.id: item for item in map(data.load, range(60))}
    truths = truths_of(board)
    assert truths == {name: str(item.label) for name, item in items.items()}
    (svm,) = answers_of(board)
    assert svm.row.name == "svm" and 0 < svm.right.mean() < 1
    classes = [str(n) for n in range(10)]
    true = [truths[item] for item in board.items]
    answers = [svm.answers.get(n, truth) for n, truth in enumerate(true)]
    expected = confusion_matrix(true, answers, labels=classes, normalize="true")
    assert confusion(svm, true, classes) == pytest.approx(expected)
