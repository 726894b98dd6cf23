"""The error of one part of a stream, and its plot."""

from __future__ import annotations

from typing import Any

import numpy as np
from noisebench import NotDefined
from noisebench.tracks.adapt.metrics.stream_error import stream_error


def log_p(*said: int) -> Any:
    return np.log(np.eye(3)[list(said)] * 0.9 + 0.03)


def test_each_part_has_its_own_error() -> None:
    labels = np.array([0, 1, 2, 0, 1, 2])
    said = log_p(0, 1, 0, 1, 1, 2)
    assert [stream_error(said, labels, None, part=part, of=3) for part in (1, 2, 3)] == [0, 1, 0]
    assert stream_error(said, labels, None, part=1, of=1) == 1 / 3


def test_unknown_classes_count_nowhere_and_there_is_no_fourth_of_three_parts() -> None:
    labels = np.array([-1, 1, -1, -1])
    assert stream_error(log_p(0, 0, 0, 0), labels, None, part=1, of=2) == 1
    assert isinstance(stream_error(log_p(0, 0, 0, 0), labels, None, part=2, of=2), NotDefined)
    assert isinstance(stream_error(log_p(0, 0, 0, 0), labels, None, part=4, of=3), NotDefined)


def test_a_report_draws_the_error_over_the_stream(cli: Any, tmp_path: Any) -> None:
    cli(
        "run", "--track", "adapt", "--methods", "source(method=uniform)", "--regimes", "none",
        "--datasets", "stream(of=digits(n=60), batch=20)", "--metrics", "stream_error(part={1,2,3}, of=3)", "accuracy",
    )  # fmt: skip
    cli("report", "nb-store", "--to", "board")
    (drawn,) = (tmp_path / "board" / "plots").glob("drawing-01-stream-*.png")
    assert drawn.stat().st_size > 1000
