"""What a release promises: public names stay, fragments become a page that is read in two minutes."""

import re
import subprocess
import sys
from pathlib import Path

import noisebench as nb

ROOT = Path(__file__).parents[2]
LAST_RELEASE = ROOT / "tests" / "golden" / "public_names.txt"
MARK = " (deprecated)"
TYPES = {"added", "changed", "deprecated", "removed", "fixed"}


def public_names() -> list[str]:
    """What `import noisebench` offers, a name a line, with a mark behind a deprecated one."""
    return [n + MARK * hasattr(getattr(nb, n), "__deprecated__") for n in sorted(nb.__all__) if not n.startswith("_")]


def test_every_public_name_of_the_last_release_is_there_or_was_deprecated() -> None:
    last = LAST_RELEASE.read_text().splitlines()
    assert len(last) > 50
    now = {name.removesuffix(MARK) for name in public_names()}
    assert [name for name in last if not name.endswith(MARK) and name not in now] == []


def test_fragments_are_short_and_of_a_known_type() -> None:
    fragments = [path for path in (ROOT / "changes").iterdir() if path.name != "README.md"]
    for path in fragments:
        assert (match := re.fullmatch(r"\+[a-z_]+\.([a-z]+)\.md", path.name)) and match[1] in TYPES, path.name
        assert len(path.read_text().split()) <= 40, path.name


def test_the_page_of_the_next_release_is_read_in_two_minutes() -> None:
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "9.9.9"]
    page = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "## 9.9.9" in page
    assert len(page.split()) <= 700


if __name__ == "__main__":
    LAST_RELEASE.write_text("\n".join(public_names()) + "\n")
