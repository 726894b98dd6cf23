"""What the code of a source file says: its syntax without texts for readers, refusals and the ranges of parameters."""

from __future__ import annotations

import ast
import builtins
import hashlib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import cast

_REFUSAL = "UsageError"
_SAYING = frozenset({
    _REFUSAL, "Skip", "Invalid", "NotDefined", "ValueError", "TypeError", "RuntimeError", "KeyError", "IndexError",
    "AttributeError", "OSError", "NotImplementedError", "AssertionError", "ImportError",
})  # fmt: skip
"""Exceptions whose arguments are a text for readers; those of others are kept."""
_RANGES = frozenset({"Ge", "Gt", "Le", "Lt", "Interval", "MultipleOf", "Len", "MinLen", "MaxLen", "AxisLabel"})
_PURE = frozenset({
    "len", "isinstance", "issubclass", "type", "any", "all", "min", "max", "abs", "sum", "sorted", "set", "tuple",
    "str", "int", "float", "bool", "round", "getattr", "hasattr", "map", "zip", "range", "repr", "callable", "fsum",
    "prod", "isfinite", "isnan", "log", "log2", "sqrt", "ceil", "floor", "get", "keys", "values", "items",
    "startswith", "endswith", "strip", "join", "bit_length", "diagonal", "intersection", "counted", "one_line",
    "nearest", "Path", "Wavelet",
})  # fmt: skip
"""What a refusal may call and still be without effect on what comes after it."""


@cache
def syntax_sha256(path: Path) -> str:
    """The hash of the code of a Python file: the same after an edit that can change no number of a run that ended well.

    Left out are comments, layout and docstrings, what an exception says, an `if` that only raises `UsageError`, a
    function that does no more and its calls, a check of parameters (`@nb.checked(…)`, and the private function that
    only it names), imports that only these use, the ranges in `Annotated[type, …]`, and the text of `cite=`. Of a file
    that is no Python it is the hash of its bytes.
    """
    data = path.read_bytes()
    if path.suffix != ".py":
        return hashlib.sha256(data).hexdigest()
    try:
        return hashlib.sha256(_text(_said(ast.parse(data))).encode()).hexdigest()
    except (SyntaxError, ValueError, RecursionError):
        return hashlib.sha256(data).hexdigest()


def _said(tree: ast.Module) -> ast.Module:
    before = _names(tree)
    bare = _Bare(tree)
    tree = bare.visit(tree)
    checks = bare.checks - _names(tree)
    tree.body = [one for one in tree.body if not (isinstance(one, ast.FunctionDef) and bare.is_refuser(one, checks))]
    return cast(ast.Module, _Imports(before - _names(tree)).visit(tree))


def _text(node: object) -> str:
    """A tree as text, the same from every version of Python: what is empty or of one version alone is left out."""
    if isinstance(node, list):
        return f"[{' '.join(map(_text, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []) and name != "kind")
    return f"{type(node).__name__}({' '.join(f'{name}={_text(value)}' for name, value in fields)})"


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _bound(tree: ast.AST) -> Iterable[str]:
    """Every name that something in a file is given, once for each time."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id


class _Bare(ast.NodeTransformer):
    """Without texts, refusals, calls of functions that only refuse, ranges and checks of parameters."""

    def __init__(self, tree: ast.Module) -> None:
        times = Counter(_bound(tree))
        aliases = [one for one in ast.walk(tree) if isinstance(one, ast.alias)]
        own = times[_REFUSAL] == sum(one.name == _REFUSAL and one.asname is None for one in aliases)
        self.refusal = _REFUSAL if own else ""
        self.once = {name for name, count in times.items() if count == 1 and not hasattr(builtins, name)}
        functions = [one for one in tree.body if isinstance(one, ast.FunctionDef)]
        self.refusing = {one.name for one in functions if one.name in self.once and self.only_refuses(one, set())}
        self.checks: set[str] = set()

    def is_refuser(self, function: ast.FunctionDef, checks: set[str]) -> bool:
        """Whether a function only refuses, or is private, named by checks alone and does no more than call such."""
        own = function.name in checks and function.name.startswith("_") and function.name in self.once
        return function.name in self.refusing or (own and self.only_refuses(function, self.once))

    def only_refuses(self, function: ast.FunctionDef, called: set[str]) -> bool:
        """Whether all that a function does is to refuse, itself or by what it calls; what is decorated does more."""
        body = function.body[1 if ast.get_docstring(function) else 0 :]
        defaults = [one for one in (*function.args.defaults, *function.args.kw_defaults) if one is not None]
        does = any(isinstance(one, ast.Raise | ast.Call) for one in ast.walk(function))
        plain = does and not function.decorator_list and all(map(_is_pure, defaults))
        return plain and all(self._may_refuse(one, called) for one in body)

    def _may_refuse(self, statement: ast.stmt, called: set[str]) -> bool:
        """Whether a statement refuses or goes on, and at most names things for it."""
        if isinstance(statement, ast.If):
            return self._refuses_if(statement)
        if isinstance(statement, ast.Try):
            others = statement.orelse or statement.finalbody
            caught = all(self._refuses(handler.body) for handler in statement.handlers)
            return not others and caught and all(self._may_refuse(one, called) for one in statement.body)
        return _calls(statement, called) or _only_names(statement) or isinstance(statement, ast.Import | ast.ImportFrom)

    def _refuses_if(self, node: ast.If) -> bool:
        return not node.orelse and _is_pure(node.test) and self._refuses(node.body)

    def _refuses(self, body: list[ast.stmt]) -> bool:
        """Whether statements end in a refusal, and before it no more than name things."""
        *before, last = body
        return isinstance(last, ast.Raise) and _raised(last) == self.refusal and all(map(_only_names, before))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._unchecked(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._unchecked(node)

    def _unchecked(self, node: ast.FunctionDef | ast.ClassDef) -> ast.AST:
        kept: list[ast.expr] = []
        for one in node.decorator_list:
            if isinstance(one, ast.Call) and self._is_check(one.func):
                self.checks |= _names(one)
            else:
                if isinstance(one, ast.Call):
                    one.keywords = [keyword for keyword in one.keywords if keyword.arg != "cite"]
                kept.append(one)
        node.decorator_list = kept
        return self.generic_visit(node)

    def _is_check(self, function: ast.expr) -> bool:
        """Whether it is `nb.checked`, or `checked` of an import; of a file's own making it is another."""
        if isinstance(function, ast.Attribute):
            return function.attr == "checked" and isinstance(function.value, ast.Name) and function.value.id == "nb"
        return isinstance(function, ast.Name) and function.id == "checked" and "checked" in self.once

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        silent = isinstance(node.value, ast.Constant) or _calls(node, self.refusing)
        return None if silent else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if self._refuses_if(node) else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if _raised(node) not in _SAYING:
            return self.generic_visit(node)
        return ast.Raise(exc=node.exc.func if isinstance(node.exc, ast.Call) else node.exc, cause=None)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "Annotated" and isinstance(node.slice, ast.Tuple):
            kind, *marks = node.slice.elts
            kept = [one for one in marks if not (isinstance(one, ast.Call) and _called(one.func) in _RANGES)]
            if not kept:
                return cast(ast.AST, self.visit(kind))
            node.slice.elts = [kind, *kept]
        return self.generic_visit(node)


class _Imports(ast.NodeTransformer):
    """Without what is imported under some names."""

    def __init__(self, dropped: set[str]) -> None:
        self.dropped = dropped

    def visit_Import(self, node: ast.Import) -> ast.AST | None:
        return self._kept(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        return self._kept(node)

    def _kept(self, node: ast.Import | ast.ImportFrom) -> ast.AST | None:
        node.names = [one for one in node.names if (one.asname or one.name).partition(".")[0] not in self.dropped]
        return node if node.names else None


def _calls(statement: ast.stmt, names: set[str]) -> bool:
    """Whether a statement calls a function of such a name, and does nothing else."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in names:
        return False
    return all(map(_is_pure, (*call.args, *(one.value for one in call.keywords))))


def _only_names(statement: ast.stmt) -> bool:
    """Whether a statement gives a value a name and does nothing else."""
    named = isinstance(statement, ast.Assign) and all(isinstance(one, ast.Name) for one in statement.targets)
    return named and _is_pure(cast(ast.Assign, statement).value)


def _is_pure(node: ast.AST) -> bool:
    """Whether looking at an expression has no effect, as far as the names of what it calls say."""
    inside = list(ast.walk(node))
    calls = (one.func for one in inside if isinstance(one, ast.Call))
    return all(_called(one) in _PURE for one in calls) and not any(
        isinstance(one, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom) for one in inside
    )


def _raised(statement: ast.Raise) -> str:
    """The name of what is raised, empty where an exception goes on."""
    kind = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
    return _called(kind) if kind is not None else ""


def _called(node: ast.expr) -> str:
    """The last part of a name such as `UsageError` or `nb.UsageError`, empty for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
