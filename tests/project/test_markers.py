"""Markers of slow tests: set by what a test uses, and a test that has none starts no process."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest
from markers import DESCRIPTIONS
from noisebench.training.trainer import Trainer


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
