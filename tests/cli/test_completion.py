"""Completion as a person meets it: a bash that has evaluated what `noisebench completion bash` prints."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT
from noisebench.cli import VERBS
from shell import shell

ASK = r"""
eval "$(noisebench completion bash)"
ask() {
  COMP_LINE="$1"; COMP_POINT=${#1}; COMP_TYPE=9; COMP_WORDS=($1)
  [[ "$1" == *" " ]] && COMP_WORDS+=("")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
  local function=$(complete -p noisebench | grep -oP -- '-F \K\S+')
  "$function" noisebench "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" || true
  echo "${COMPREPLY[*]}"
}
"""


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Line as typed → what bash offers for its last word."""
    folder = tmp_path_factory.mktemp("shell")
    (folder / "mine.yaml").touch()
    (folder / "mine.txt").touch()
    typed = [
        "noisebench ", "noisebench re", "noisebench run --me", "noisebench run --methods gaussian_f",
        "noisebench run --methods identity nl", "noisebench run --regimes salt_p", "noisebench run --datasets phot",
        "noisebench run --metrics psnr_hv", "noisebench run --protocol ",
        "noisebench run --track functions --methods poly",
        "noisebench run --track fun", "noisebench run dem", "noisebench run mi", "noisebench list regimes poisson_g",
        "noisebench list suites awg", "noisebench data fetch set1", "noisebench doctor bilat", "noisebench data v",
        "noisebench reproduce dncnn_s25_set", "noisebench compare mine.t", "noisebench store v",
    ]  # fmt: skip
    asked = "".join(f"ask {json.dumps(line)}\n" for line in typed)
    done = shell(ASK + asked, folder)
    assert done.returncode == 0, done.stderr
    return dict(zip(typed, (line.split() for line in done.stdout.split("\n")), strict=False))


def test_every_verb_is_offered(offered: dict[str, list[str]]) -> None:
    assert set(VERBS) <= set(offered["noisebench "])
    assert offered["noisebench re"] == ["report", "reproduce"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("noisebench run --me", ["--methods", "--metrics", "--memory"]),
        ("noisebench run --methods gaussian_f", ["gaussian_filter"]),
        ("noisebench run --methods identity nl", ["nlm"]),
        ("noisebench run --regimes salt_p", ["salt_pepper"]),
        ("noisebench run --datasets phot", ["photos", "photos24"]),
        ("noisebench run --metrics psnr_hv", ["psnr_hvs"]),
        ("noisebench run --protocol ", ["float", "gray8", "range", "raw", "uint8", "window", "y8"]),
        ("noisebench run --track functions --methods poly", ["polynomial"]),
        ("noisebench run --track fun", ["functions"]),
        ("noisebench run dem", [file.stem for file in (ROOT / "harness" / "suites").glob("dem*.yaml")]),
        ("noisebench run mi", ["mine.yaml", "misinformed"]),
        ("noisebench list regimes poisson_g", ["poisson_gaussian"]),
        ("noisebench list suites awg", ["awgn"]),
        ("noisebench data fetch set1", ["set12", "set14"]),
        ("noisebench data v", ["verify"]),
        ("noisebench doctor bilat", ["bilateral"]),
        ("noisebench reproduce dncnn_s25_set", ["dncnn_s25_set12"]),
        ("noisebench compare mine.t", ["mine.txt"]),
        ("noisebench store v", ["verify"]),
    ],
)
def test_bash_offers_what_fits(offered: dict[str, list[str]], line: str, words: list[str]) -> None:
    assert sorted(offered[line]) == sorted(words)


def test_asking_for_names_imports_nothing_heavy(tmp_path: Path) -> None:
    ask = 'exec 8>names; _ARGCOMPLETE=1 COMP_LINE="$1" COMP_POINT=${#1} '
    line = "noisebench run --methods nl"
    script = f"set -- '{line}'; {ask} python -X importtime -c 'from noisebench.cli import entry; entry()' 2> imports"
    assert shell(script, tmp_path).returncode == 0
    assert (tmp_path / "names").read_text().split() == ["nlm"]
    imported = {line.rpartition("|")[2].strip() for line in (tmp_path / "imports").read_text().splitlines()}
    assert "argcomplete" in imported and not imported & {"torch", "numpy", "pandas", "matplotlib", "pydantic"}


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_the_other_shells_take_what_is_printed_for_them(cli, tmp_path: Path, name: str) -> None:
    code = json.loads(cli("completion", name, "--json").stdout)
    assert code["shell"] == name and "noisebench" in code["code"] and "_ARGCOMPLETE" in code["code"]
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    (tmp_path / "code").write_text(code["code"])
    assert subprocess.run([name, "-n", "code"], cwd=tmp_path, check=False).returncode == 0


def test_an_unknown_shell_is_a_mistake(cli) -> None:
    assert "invalid choice: 'tcsh'" in cli("completion", "tcsh", code=2).stderr
