"""Rows of boards as runs of MLflow and of Weights & Biases, whose packages are stood in for."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from board_records import cost_record, record
from noisebench.boards.build import boards
from noisebench.cli import main
from noisebench.report.experiment_trackers import tracked_runs
from noisebench.store.export import write_export
from noisebench.store.results import Results


@pytest.fixture
def results() -> Results:
    scores = {"nlm": {"psnr": [30.0, 32.0]}, "median": {"psnr": [float("inf"), 20.0]}}
    return Results.of([*(record(name, of) for name, of in scores.items()), cost_record("nlm", p50=7.0)])


@pytest.fixture
def export(results: Results, tmp_path: Path) -> str:
    write_export(tmp_path / "r.json", results)
    return str(tmp_path / "r.json")


class Logged(SimpleNamespace):
    """A run that is a context and keeps what it is given."""

    def __enter__(self) -> Logged:
        return self

    def __exit__(self, *_: object) -> None: ...


def test_a_run_has_scores_costs_and_what_says_how_they_were_made(results: Results) -> None:
    by_method = {run.parameters["method"]: run for run in tracked_runs(boards(results))}
    nlm, median = by_method["nlm"], by_method["median"]
    assert nlm.metrics["psnr"] == 32.0, "of the picture that no method has exact"
    assert nlm.metrics["cost/latency"] == 7.0 and {"rank_low", "rank_high"} <= nlm.metrics.keys()
    assert nlm.parameters["regime"] == "gaussian(sigma=25.0)" and nlm.parameters["seeds"] == "0"
    assert nlm.tags["noisebench.signature.psnr"].startswith("psnr|uint8@1|")
    assert median.metrics["psnr"] == 20.0
    assert "cost/latency" not in median.metrics


def test_mlflow_is_given_a_run_a_row(export: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Any]] = []
    mlflow: Any = ModuleType("mlflow")
    mlflow.__spec__ = SimpleNamespace()
    mlflow.exceptions = SimpleNamespace(MlflowException=OSError)
    for name in ("set_tracking_uri", "set_experiment", "log_params", "log_metrics", "set_tags"):
        setattr(mlflow, name, lambda given, name=name: calls.append((name, given)))
    mlflow.start_run = lambda run_name: calls.append(("start_run", run_name)) or Logged()
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    assert main(["export", export, "--to", "mlflow:http://127.0.0.1:5000"]) == 0
    assert calls[:2] == [("set_tracking_uri", "http://127.0.0.1:5000"), ("set_experiment", "noisebench")]
    assert [name for name, _ in calls].count("start_run") == 2
    assert [given.get("cost/latency") for name, given in calls if name == "log_metrics"] == [7.0, None]

    def refuse(_: object) -> None:
        raise OSError("no server\nthere")

    mlflow.set_experiment = refuse
    assert main(["export", export, "--to", "mlflow:http://127.0.0.1:5000"]) == 2


def test_wandb_is_given_a_run_a_row(export: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Logged] = []
    wandb: Any = ModuleType("wandb")
    wandb.__spec__ = SimpleNamespace()
    wandb.errors = SimpleNamespace(CommError=OSError, UsageError=ValueError)
    wandb.init = lambda **given: runs.append(Logged(summary={}, **given)) or runs[-1]
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    assert main(["export", export, "--to", "wandb:denoising"]) == 0
    assert len(runs) == 2 and {run.project for run in runs} == {"denoising"}
    assert {run.config["method"]: "psnr" in run.summary for run in runs}["nlm"]


@pytest.mark.parametrize(("given", "says"), [
    (["--to", "mlflow:"], "address"), (["--to", "wandb:p", "--compact"], "--compact"),
    (["--to", "mlflow:http://127.0.0.1:5000"], "pip install mlflow"),
])  # fmt: skip
def test_what_a_tracker_cannot_be_given_is_refused_in_a_line(
    given: list[str], says: str, export: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("noisebench.text.extras.find_spec", lambda _: None)
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    assert main(["export", export, *given]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
