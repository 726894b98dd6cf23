"""The Python that commands of tests are forked from does what the one of the environment does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from warm_python import warm_folder

SAYS = """
import os, sys
print(__name__, sys.argv[1:], os.getcwd(), sys.path[0], os.environ["SAID"], sys.stdin.read())
sys.stderr.write("also")
sys.exit({code})
"""


@pytest.mark.parametrize("how", ["file", "text", "module"])
def test_a_command_has_its_own_words_folder_input_and_exit_code(how: str, tmp_path: Path) -> None:
    (tmp_path / "says.py").write_text(SAYS.format(code=5))
    words = {"file": ["says.py"], "text": ["-c", SAYS.format(code=5)], "module": ["-m", "says"]}[how]
    done = [
        subprocess.run(
            [program, *words, "a", "b c"], cwd=tmp_path, input="in", capture_output=True, text=True,
            env={**os.environ, "SAID": "x"},
        )
        for program in (str(warm_folder() / "python"), sys.executable)
    ]  # fmt: skip
    assert done[0].returncode == done[1].returncode == 5
    assert (done[0].stdout, done[0].stderr) == (done[1].stdout, done[1].stderr)


@pytest.mark.parametrize("text", ["raise ValueError('no')", "import sys; sys.exit('no')", "import sys; sys.exit()"])
def test_what_ends_a_command_ends_it_alike(text: str) -> None:
    warm, cold = (
        subprocess.run([program, "-c", text], capture_output=True, text=True)
        for program in (str(warm_folder() / "python"), sys.executable)
    )
    assert warm.returncode == cold.returncode
    assert warm.stderr.splitlines()[-1:] == cold.stderr.splitlines()[-1:]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, -signal.SIGTERM)])
def test_signals_reach_the_command(number: int, code: int, tmp_path: Path) -> None:
    text = "import time; open('up', 'w').close(); time.sleep(60)"
    running = subprocess.Popen([warm_folder() / "python", "-c", text], cwd=tmp_path, stderr=subprocess.DEVNULL)
    while not (tmp_path / "up").exists():
        time.sleep(0.02)
    running.send_signal(number)
    assert running.wait(20) == code


def test_files_beyond_the_first_three_are_those_of_the_caller(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{warm_folder() / 'python'} -c 'import os; os.write(8, b\"eight\")' 8> eight"], cwd=tmp_path
    )
    assert done.returncode == 0 and (tmp_path / "eight").read_text() == "eight"
