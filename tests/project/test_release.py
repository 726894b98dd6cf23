"""What a release promises: public names stay, fragments become a page that is read in two minutes."""

import argparse
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import noisebench as nb
from noisebench.cli import parser
from noisebench.text.deprecation import DeprecatedOption

ROOT = Path(__file__).parents[2]
LAST_RELEASE = ROOT / "tests" / "golden" / "public_names.txt"
MARK = " (deprecated)"
TYPES = {"added", "changed", "deprecated", "removed", "fixed"}


def public_interface() -> list[str]:
    """What noisebench offers, one a line, with a mark behind what is deprecated.

    `NAME` and `NAME(PARAMETER)` of `import noisebench`, `noisebench VERB` and `noisebench VERB --OPTION`.
    """
    names = [name for name in sorted(nb.__all__) if not name.startswith("_")]
    verbs = {"noisebench": parser(), **verbs_of(parser())}
    return [
        *(line for name in names for line in of_name(name)),
        *(line for v in verbs for line in of_verb(v, verbs[v])),
    ]


def of_name(name: str) -> list[str]:
    """The lines of a name: itself, and its parameters where it is called."""
    value = getattr(nb, name)
    try:
        parameters = inspect.signature(value).parameters.values() if callable(value) else ()
    except ValueError:  # of built-in classes
        parameters = ()
    old = getattr(value, "__deprecated_parameters__", ())
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name[0] != "_"]
    return [
        name + MARK * hasattr(value, "__deprecated__"),
        *(f"{name}({one})" for one in sorted(named)),
        *(f"{name}({one}){MARK}" for one in old),
    ]


def verbs_of(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parser of each verb, and of the verbs of a verb."""
    found = {}
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                found |= {verb.prog: verb, **verbs_of(verb)}
    return found


def of_verb(name: str, verb: argparse.ArgumentParser) -> list[str]:
    """The lines of a verb: itself, and its options."""
    options = {o: MARK * isinstance(a, DeprecatedOption) for o, a in verb._option_string_actions.items()}
    return [name, *(f"{name} {option}{options[option]}" for option in sorted(options.keys() - {"-h", "--help"}))]


def test_all_that_the_last_release_offers_is_there_or_was_deprecated() -> None:
    last = LAST_RELEASE.read_text().splitlines()
    assert len(last) > 400
    now = {line.removesuffix(MARK) for line in public_interface()}
    assert [line for line in last if not line.endswith(MARK) and line not in now] == []


def test_what_was_removed_is_named_in_a_fragment_or_in_the_changelog() -> None:
    now = {line.removesuffix(MARK) for line in public_interface()}
    fragments = "".join(path.read_text() for path in (ROOT / "changes").glob("*.removed.md"))
    pages = fragments + (ROOT / "CHANGELOG.md").read_text()
    for line in LAST_RELEASE.read_text().splitlines():
        if (name := line.removesuffix(MARK)) not in now:
            assert f"`{name}`" in pages, name


def test_names_parameters_verbs_and_options_are_listed() -> None:
    assert {"psnr", "evaluate(seed)", "noisebench run", "noisebench run --store"} <= set(public_interface())


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    cited = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    released = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert cited and released and nb.__version__ == version == cited[1] == released[1]


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
    LAST_RELEASE.write_text("\n".join(public_interface()) + "\n")
