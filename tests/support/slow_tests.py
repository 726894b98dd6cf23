"""Write tests/slow_tests.txt from what `pytest --durations 0` printed: `make slow-tests` calls it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from markers import SECONDS, TESTS, without_case

_LINE = re.compile(r"(?P<seconds>[\d.]+)s (?:call|setup|teardown) +(?P<test>\S.*)")


def slow_tests(printed: str) -> list[str]:
    """Tests of which a case took longer than SECONDS, sorted."""
    lines = (match for line in printed.splitlines() if (match := _LINE.fullmatch(line)))
    return sorted({without_case(line["test"]) for line in lines if float(line["seconds"]) > SECONDS})


if __name__ == "__main__":
    tests = slow_tests(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if not tests:
        sys.exit(f"{sys.argv[1]} names no duration: give what `pytest --durations 0` printed")
    Path(TESTS, "slow_tests.txt").write_text("".join(f"{test}\n" for test in tests), encoding="utf-8")
