"""Messages are asserted by what they must contain (file, value, remedy): no test pins a sentence.

A pin is a text of five words in a row in an `assert`, or in the `match` of a `raises` or `warns`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from conftest import ROOT

TESTS = ROOT / "tests"
WORDS_IN_A_ROW = re.compile(r"\b[A-Za-z]+(?:[ ,]+[A-Za-z]+){4}\b")


def texts_of(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of each string in some code."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.lineno, inner.value


def pins_of(source: str) -> list[int]:
    """Lines of the sentences that a test file pins."""
    pinned: set[tuple[int, str]] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            pinned |= set(texts_of(node.test))
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("raises", "warns")
        ):
            pinned |= {text for word in node.keywords if word.arg == "match" for text in texts_of(word.value)}
    return sorted(line for line, text in pinned if WORDS_IN_A_ROW.search(text))


def test_no_test_pins_a_sentence() -> None:
    files = sorted(TESTS.rglob("test_*.py"))
    pins = [f"{file.relative_to(ROOT)}:{line}" for file in files for line in pins_of(file.read_text(encoding="utf-8"))]
    assert files and not pins, "assert file, value and remedy instead of a sentence:\n" + "\n".join(pins)


def test_a_pin_is_five_words_in_a_row() -> None:
    source = (
        "def test_it(done):\n"
        "    assert 's.yaml:4: width must be a number' in done.stderr\n"
        "    assert 's.yaml:4:' in done.stderr and 'number' in done.stderr\n"
        "    with pytest.raises(ValueError, match='^a: give two or more values$'): ...\n"
        "    with pytest.raises(ValueError, match='^a: .* two or more'): ...\n"
    )
    assert pins_of(source) == [2, 4]
