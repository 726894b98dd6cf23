"""The workflow calls targets of the Makefile, on every Python that is allowed and for every extra."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import extras
import yaml
from checkout import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())
JOBS: list[dict[str, str]] = WORKFLOW["jobs"]["make"]["strategy"]["matrix"]["include"]
EXTRAS = set(PROJECT["optional-dependencies"]) - {"dev"}


def test_every_extra_has_a_command_and_a_job_of_its_own() -> None:
    assert {*extras.RUNS, *extras.PYTHON} == EXTRAS
    assert {job["target"].removeprefix("test-extra-") for job in JOBS if "extra" in job["target"]} == EXTRAS
    named = re.search(r"^EXTRAS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert named and set(named[1].split()) == EXTRAS


def test_every_job_is_a_target_of_the_makefile() -> None:
    targets = re.findall(r"^([\w%-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for job in JOBS:
        assert job["target"] in targets or ("test-extra-%" in targets and job["target"].startswith("test-extra-"))


def test_the_whole_suite_runs_from_the_oldest_python_on() -> None:
    pythons = [job["python"] for job in JOBS if job["target"] == "test-python"]
    assert ">=" + pythons[0] == PROJECT["requires-python"]
    assert pythons == ["3.11", "3.12", "3.13"]


def test_golden_hashes_run_at_the_lowest_and_the_newest_versions() -> None:
    lists = dict(re.findall(r"^(\w+) := ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert "tracks/test_golden_inputs" in lists["NUMERIC"].split() and "$(NUMERIC:%=%.py)" in lists["LOWEST"]
    assert "tracks/test_negative_zeros.py" in lists["LOWEST"].split()
    assert {"test-lowest", "test-python", "test-plain-cpu"} <= {job["target"] for job in JOBS}
