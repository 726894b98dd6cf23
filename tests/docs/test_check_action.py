"""The composite action: its steps run as a pipeline runs them, and the comment is what `check` wrote."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import yaml
from checkout import ROOT
from shell import shell

ACTION = ROOT / ".github" / "actions" / "check" / "action.yml"


def steps() -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"]}


def test_no_input_is_put_into_the_text_of_a_command() -> None:
    for step in steps().values():
        assert "${{" not in step["run"], "an input could hold a command: hand it over in the environment"
    named = set(re.findall(r"inputs\.(\w+)", ACTION.read_text()))
    assert named == set(yaml.safe_load(ACTION.read_text())["inputs"])


def test_it_measures_checks_and_comments(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(
        'methods: [identity]\ndatasets: ["gaussian_field(n=2, size=32)"]\nregimes: ["gaussian(sigma=25)"]\n'
    )
    (tmp_path / "bin").mkdir()
    gh = tmp_path / "bin" / "gh"
    gh.write_text('#!/bin/sh\necho "$@" > said.txt\n')
    gh.chmod(gh.stat().st_mode | stat.S_IEXEC)
    given = {"SUITE": "suite.yaml", "PLUGIN": "", "BASELINE": "baseline.json", "RULES": "", "NUMBER": "7"}
    done = shell(steps()["Measure"]["run"], tmp_path, **given)
    assert done.returncode == 0, done.stderr
    done = shell("noisebench check baseline.json nb-store --update", tmp_path)
    assert done.returncode == 0, done.stderr
    done = shell(steps()["Check"]["run"], tmp_path, **given)
    assert done.returncode == 0 and "no regression: 2 compared" in done.stdout, done.stdout + done.stderr
    assert (tmp_path / "check" / "check.md").read_text().startswith("# ✅ noisebench check")
    alone = (tmp_path / "check" / "check.md").read_text()
    done = shell(steps()["Trend"]["run"], tmp_path, **given, GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert done.returncode == 0 and "git says" in done.stderr, "a baseline without a history is no mistake"
    assert (tmp_path / "check" / "check.md").read_text() == alone
    me = "-c user.name=me -c user.email=me"
    for change in (f"git init -q && git add baseline.json && git {me} commit -qm First", steps()["Trend"]["run"]):
        done = shell(change, tmp_path, **given)
        assert done.returncode == 0, done.stderr
    assert "## Trend" in (tmp_path / "check" / "check.md").read_text().removeprefix(alone)
    done = shell(f'PATH="{gh.parent}:$PATH"\n' + steps()["Comment"]["run"], tmp_path, **given)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "said.txt").read_text().split()[:3] == ["pr", "comment", "7"]
    assert "check/check.md" in (tmp_path / "said.txt").read_text()
