"""`--help` and the documents agree with the parser: every verb, every option, every command line that is shown."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from noisebench import __version__
from noisebench.cli import VERBS, main, parser

PAGES = sorted(
    p
    for pattern in ("README.md", "CONTRIBUTING.md", "reports/README.md", "docs/*.md", "docs/examples/**/*.md")
    for p in ROOT.glob(pattern)
)
WORKFLOWS = sorted(p for p in ROOT.glob("docs/examples/**/*.y*ml"))
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
END = {"|", "||", "&&", ";", ">", ">>", "2>&1", "&"}


def parsers(
    top: argparse.ArgumentParser, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    yield words, top
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from parsers(inner, (*words, name))


def options_of(one: argparse.ArgumentParser) -> set[str]:
    return {option for action in one._actions for option in action.option_strings if option.startswith("--")}


BY_VERB: dict[str, set[str]] = {}
for words, one in parsers(parser()):
    for verb in words[:1]:
        BY_VERB.setdefault(verb, set()).update(options_of(one))


def documented() -> dict[str, set[str]]:
    """Option → the verbs that the table of options of the reference names beside it."""
    table = REFERENCE.partition("### Options\n")[2].partition("\n### ")[0]
    found: dict[str, set[str]] = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[0].startswith("`"):
            verbs = set(VERBS) if cells[1] == "all" else set(re.findall(r"`([\w-]+)`", cells[1]))
            for option in re.findall(r"`(--[\w-]+)", cells[0]):
                found.setdefault(option, set()).update(verbs)
    return found


def commands(text: str) -> Iterator[list[str]]:
    """The words of each `noisebench …` in the lines of a shell."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.findall(r"\$\((noisebench [^)]*)\)", line) or [line]:
            lexer = shlex.shlex(part, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            try:
                words = list(lexer)
            except ValueError:
                continue
            while words:
                end = next((i for i, word in enumerate(words) if word in END), len(words))
                if words[0] == "noisebench":
                    yield words[1:end]
                words = words[end + 1 :]


def blocks(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```(?:sh|bash)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


def parsed(words: list[str]) -> bool:
    """Whether the real parser takes a command line."""
    try:
        parser().parse_args(words)
    except SystemExit as stop:
        return stop.code == 0
    return True


# --------------------------------------------------------------------------------------------- the reference


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_in_the_reference(verb: str) -> None:
    commands_table = REFERENCE.partition("## Commands\n")[2].partition("\n### ")[0]
    assert re.search(rf"^\| `noisebench {verb}\b", commands_table, re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_a_verb_is_in_the_reference_and_no_other(verb: str) -> None:
    told = {option for option, verbs in documented().items() if verb in verbs}
    assert told == BY_VERB[verb]


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0 and capsys.readouterr().out == f"noisebench {__version__}\n"
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "`--version` | `noisebench`" in REFERENCE


# --------------------------------------------------------------------------------------------------- --help


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_examples_and_they_parse(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args([verb, "--help"])
    text = re.sub(r"\\\n\s*", "", capsys.readouterr().out.partition("examples:\n")[2])
    # A remark stands behind an example, apart by three blanks.
    lines = [re.split(r"\s{3,}", line.strip())[0] for line in text.splitlines() if "noisebench" in line]
    shown = [words for line in lines for words in commands(line)]
    assert verb in {words[0] for words in shown}
    assert [words for words in shown if not parsed(words)] == []


def test_the_help_of_all_has_examples_that_parse(capsys: pytest.CaptureFixture[str]) -> None:
    text = parser().format_help().partition("examples:\n")[2]
    shown = [w for line in text.splitlines() for w in commands(re.split(r"\s{3,}", line.strip())[0])]
    assert len(shown) >= 4 and [words for words in shown if not parsed(words)] == []


@pytest.mark.parametrize("width", [80, 100, 120])
def test_help_fits_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = [line for _, one in parsers(parser()) for line in one.format_help().splitlines()]
    assert len(shown) > 500 and [line for line in shown if len(line) > width] == []


def test_every_option_and_argument_says_what_it_is() -> None:
    bare = [
        (*words, action.dest)
        for words, one in parsers(parser())
        for action in one._actions
        if not action.help and not action.choices and action.dest != "help"
    ]
    assert bare == []


# ---------------------------------------------------------------------------------------------- the documents


@pytest.mark.parametrize("page", [*PAGES, *WORKFLOWS], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_command_lines_of_a_page_parse(page: Path) -> None:
    text = blocks(page) if page.suffix == ".md" else page.read_text(encoding="utf-8").replace("run: ", "")
    assert [words for words in commands(text) if not parsed(words)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_named_in_a_sentence_have_verbs_and_options_that_there_are(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    wrong = []
    for command in re.findall(r"`noisebench ([a-z][^`]*)`", text):
        verb, *rest = re.split(r"[\s|\\]+", command)
        options = {word.partition("=")[0].strip("[]") for word in rest if word.lstrip("[").startswith("--")}
        if verb not in VERBS or not options <= BY_VERB[verb]:
            wrong.append(command)
    assert wrong == []


def test_the_search_for_command_lines_finds_them_and_their_mistakes() -> None:
    text = "noisebench run \\\n  demo --jobs 2  # all\nmake && noisebench list methods | head\npip install noisebench\n"
    text += 'eval "$(noisebench completion bash)"\n'
    found = list(commands(text))
    assert found == [["run", "demo", "--jobs", "2"], ["list", "methods"], ["completion", "bash"]]
    assert all(map(parsed, found)) and not parsed(["run", "--jbos", "2"]) and not parsed(["lst"])
    assert sum(len(list(commands(blocks(page)))) for page in PAGES) > 50
