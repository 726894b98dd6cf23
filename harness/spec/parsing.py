"""The `name(key=value, …)` grammar: parse, sweep, and print. Nothing is ever evaluated as code."""

from __future__ import annotations

import ast
import itertools
import keyword
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Union

from ..text.errors import UsageError, one_line

Value = Union[None, bool, int, float, str, tuple[Any, ...], "Spec"]

_LITERALS = (bool, int, float, str, type(None))
_MAX_LENGTH = 10_000
_MOST_SPECS = 1_000_000


@dataclass(frozen=True)
class Spec:
    """A name with named arguments; `then` holds the further parts of a sum `a + b`.

    For example:

        >>> spec = nb.Spec("gaussian", (("sigma", 25), ("clip", True)))
        >>> str(spec)
        'gaussian(sigma=25, clip=True)'
        >>> nb.bind(spec, "regime") == nb.bind("gaussian(clip=True, sigma=25)", "regime")
        True
    """

    name: str
    args: tuple[tuple[str, Value], ...] = ()
    then: tuple[Spec, ...] = ()

    def __str__(self) -> str:
        inner = ", ".join(f"{key}={show(value)}" for key, value in self.args)
        head = f"{self.name}({inner})" if self.args else self.name
        return " + ".join([head, *map(str, self.then)])

    def __repr__(self) -> str:
        return f"Spec({self})"


def show(value: Value, *, full: bool = False) -> str:
    """A value as the grammar reads it back. Floats that are whole print as `25`, or `25.0` where `full`."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, float):
        return repr(value) if full or not value.is_integer() or abs(value) >= 1e15 else str(int(value))
    if isinstance(value, str):
        bare = re.fullmatch(r"[A-Za-z_]\w*", value, re.ASCII) and not keyword.iskeyword(value)
        return value if bare else repr(value)
    if isinstance(value, tuple):
        return "(" + ", ".join(show(v, full=full) for v in value) + ("," if len(value) == 1 else "") + ")"
    return str(value)


def parse(text: str) -> Spec:
    """One spec without sweeps. Raises `UsageError`."""
    specs = expand(text)
    if len(specs) != 1:
        raise UsageError(f"{one_line(text)!r} is a sweep of {len(specs)} specs where one is needed")
    return specs[0]


def expand(text: str) -> list[Spec]:
    """All specs that `text` stands for: `{…}` sweeps a value, several sweeps cross. Raises `UsageError`."""
    if not isinstance(text, str):
        raise UsageError(f"a spec is text such as 'gaussian(sigma=25)', not {type(text).__name__}")
    return list(_expanded(text))


def count(text: str) -> int:
    """How many specs `text` stands for, none of which is made. Raises `UsageError`."""
    return _parsed(text)[1]


@lru_cache(maxsize=1024)
def _expanded(text: str) -> tuple[Spec, ...]:
    tree, specs = _parsed(text)
    if specs > _MOST_SPECS:
        raise _refuse(text, f"a sweep of {specs:,} specs is above the limit of {_MOST_SPECS:,}: sweep fewer values")
    try:
        return tuple(_specs(tree, text))
    except RecursionError:
        raise _too_deep(text) from None


def _parsed(text: str) -> tuple[ast.expr, int]:
    """The syntax tree of a text, and how many specs it stands for. Raises `UsageError`."""
    if len(text) > _MAX_LENGTH:
        raise UsageError(f"a spec of {len(text)} characters is too long: at most {_MAX_LENGTH}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _refuse(text, _advice(text, error.msg if isinstance(error, SyntaxError) else "")) from None
    try:
        return tree, _count(tree)
    except RecursionError:
        raise _too_deep(text) from None


def _too_deep(text: str) -> UsageError:
    return UsageError(f"spec {one_line(text, 80)!r} is nested too deeply")


def _count(node: ast.expr) -> int:
    """How many specs or values a part of a spec stands for; 1 for what is none."""
    if isinstance(node, ast.Set):
        return sum(map(_count, node.elts))
    if isinstance(node, ast.Tuple | ast.List):
        return math.prod(map(_count, node.elts))
    if isinstance(node, ast.BinOp):
        return _count(node.left) * _count(node.right)
    if isinstance(node, ast.Call):
        return math.prod(_count(keyword.value) for keyword in node.keywords)
    return _count(node.operand) if isinstance(node, ast.UnaryOp) else 1


_BARE_PATH = re.compile(r"(\w+)\s*=\s*([^\s\"'(){},]*[/\\][^\s\"'(){},]*)")


def _advice(text: str, syntax_message: str = "") -> str:
    """The remedy for a text that is no spec, by Python's message where it cannot be parsed."""
    if path := _BARE_PATH.search(text):
        return f"put the text in quotes: {path[1]}={path[2]!r}"
    if unclosed := re.search(r"^'(.)' was never closed|opening parenthesis '(.)'", syntax_message):
        return f"{_CLOSING[unclosed[1] or unclosed[2]]} is missing"
    if "unmatched" in syntax_message:
        return "it has a closing bracket too many"
    if "unterminated string" in syntax_message:
        return "a quote is not closed"
    if empty := re.search(r"(\w+)\s*=\s*[,)}]", text):
        return f"{empty[1]} has no value: write {empty[1]}=…"
    return "write name(key=value, …), with text in quotes"


_CLOSING = {"(": "')'", "[": "']'", "{": "'}'"}


def _refuse(text: str, why: str) -> UsageError:
    return UsageError(f"spec {one_line(text)!r}: {why}")


def _specs(node: ast.expr, text: str) -> Iterator[Spec]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        for first, second in itertools.product(_specs(node.left, text), _specs(node.right, text)):
            yield replace(first, then=(*first.then, replace(second, then=()), *second.then))
    elif isinstance(node, ast.Name):
        yield Spec(node.id)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.args:
            raise _refuse(text, f"arguments of {node.func.id} need names: {node.func.id}(key=value)")
        names = [k.arg for k in node.keywords]
        if None in names:
            raise _refuse(text, "'**' has no meaning in a spec")
        choices = [list(_values(k.value, text)) for k in node.keywords]
        for values in itertools.product(*choices):
            yield Spec(node.func.id, tuple(zip([str(n) for n in names], values, strict=True)))
    else:
        raise _refuse(text, _advice(text))


def _values(node: ast.expr, text: str) -> Iterator[Value]:
    if isinstance(node, ast.Set):
        for element in node.elts:
            yield from _values(element, text)
    elif isinstance(node, ast.Constant) and isinstance(node.value, _LITERALS):
        yield node.value
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        for value in _values(node.operand, text):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _refuse(text, "'-' stands before numbers only")
            yield -value
    elif isinstance(node, ast.Tuple | ast.List):
        yield from itertools.product(*[list(_values(element, text)) for element in node.elts])
    elif isinstance(node, ast.Name | ast.Call | ast.BinOp):
        yield from _specs(node, text)
    else:
        raise _refuse(text, "a value is a number, a quoted text, True, False, None, a tuple or a spec")
