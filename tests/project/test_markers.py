"""Markers of tests: set by what a test uses and how long it takes; a test without one starts no process."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest
from checkout import ROOT
from markers import DESCRIPTIONS, SLOW, without_case
from noisebench.training.trainer import Trainer
from slow_tests import slow_tests


def answer() -> str:
    return subprocess.run(["echo", "yes"], capture_output=True, text=True, check=True).stdout


class Asked:
    def __init__(self) -> None:
        self.answer = answer()


def own_markers(request: pytest.FixtureRequest) -> set[str]:
    return {name for name in DESCRIPTIONS if request.node.get_closest_marker(name)}


def test_what_starts_a_process_by_what_it_calls_is_marked(request: pytest.FixtureRequest) -> None:
    assert Asked().answer == "yes\n"
    assert own_markers(request) == {"subprocess"}


@pytest.mark.parametrize("ask", [answer])
def test_what_is_given_a_function_that_starts_one_is_marked(request: pytest.FixtureRequest, ask: Any) -> None:
    assert ask() == "yes\n" and own_markers(request) == {"subprocess"}


def test_what_calls_a_command_is_marked(request: pytest.FixtureRequest, cli: Any) -> None:
    assert "cli" in own_markers(request) and cli("--version").stdout


def test_what_trains_is_marked(request: pytest.FixtureRequest) -> None:
    assert Trainer.__name__ == "Trainer" and own_markers(request) == {"training"}


def test_what_does_none_of_this_has_no_marker_and_may_start_no_process(request: pytest.FixtureRequest) -> None:
    spawn = vars(os)["posix_spawn"]
    with pytest.raises(pytest.fail.Exception, match=r"os\.posix_spawn.*@pytest\.mark\.subprocess"):
        spawn("/bin/true", ["true"], {})
    assert own_markers(request) == set()


def test_each_slow_test_exists() -> None:
    for name in SLOW:
        file, _, function = name.partition("::")
        assert f"def {function.split('::')[-1]}(" in (ROOT / file).read_text(encoding="utf-8"), name


def test_what_is_listed_as_slow_is_marked(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        assert (item.get_closest_marker("slow") is not None) == (without_case(item.nodeid) in SLOW), item.nodeid


def test_slow_is_what_took_longer_than_the_limit_in_one_case() -> None:
    printed = """\
= slowest durations =
1.52s call     tests/a/test_b.py::test_c[1 s-x]
0.30s setup    tests/a/test_b.py::test_d
0.20s call     tests/a/test_b.py::test_e
0.01s call     tests/a/test_b.py::test_c[2]

(7 durations < 0.005s hidden.)
"""
    assert slow_tests(printed) == ["tests/a/test_b.py::test_c", "tests/a/test_b.py::test_d"]
