"""What the code of a source file says: its syntax without texts for readers, refusals and the ranges of parameters."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import cast

REFUSALS = frozenset({"UsageError", "ValueError", "TypeError"})


@cache
def syntax_sha256(path: Path) -> str:
    """The hash of the code of a Python file: the same after an edit that can change no number of a run that ended well.

    Left out are comments, layout and docstrings, what an exception says, an `if` that only refuses (raises one of
    `REFUSALS`), a function that does no more and its calls, a check of parameters (`@checked(…)`, and the private
    function that only it names), imports that only these use, the ranges in `Annotated[type, …]`, and the text of
    `cite=`. Of a file that is no Python it is the hash of its bytes.
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
    bare = _Bare({node.name for node in tree.body if isinstance(node, ast.FunctionDef) and _only_refuses(node)})
    tree = bare.visit(tree)
    unused = {name for name in bare.checks - _names(tree) if name.startswith("_")} | bare.refusing
    tree.body = [node for node in tree.body if not (isinstance(node, ast.FunctionDef) and node.name in unused)]
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


class _Bare(ast.NodeTransformer):
    """Without texts, refusals, calls of functions that only refuse, ranges and checks of parameters, which it notes."""

    def __init__(self, refusing: set[str]) -> None:
        self.refusing = refusing
        self.checks: set[str] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._unchecked(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._unchecked(node)

    def _unchecked(self, node: ast.FunctionDef | ast.ClassDef) -> ast.AST:
        is_check = [isinstance(one, ast.Call) and _called(one.func) == "checked" for one in node.decorator_list]
        for one, checks in zip(node.decorator_list, is_check, strict=True):
            self.checks |= _names(one) if checks else set()
        node.decorator_list = [one for one, checks in zip(node.decorator_list, is_check, strict=True) if not checks]
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        refuses = isinstance(node.value, ast.Call) and _called(node.value.func) in self.refusing
        return None if refuses or isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if not node.orelse and _refuses(node.body) else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return ast.Raise(exc=kind, cause=None)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if _called(node.value) == "Annotated" and isinstance(node.slice, ast.Tuple):
            return cast(ast.AST, self.visit(node.slice.elts[0]))
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.keywords = [keyword for keyword in node.keywords if keyword.arg != "cite"]
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
        kept = [a for a in node.names if (a.asname or a.name).partition(".")[0] not in self.dropped]
        node.names = kept
        return node if kept else None


def _only_refuses(function: ast.FunctionDef) -> bool:
    """Whether all that a function does is to refuse; one that is decorated is registered, or another."""
    refuses = any(isinstance(node, ast.Raise) for node in ast.walk(function))
    body = function.body[1 if ast.get_docstring(function) else 0 :]
    return refuses and not function.decorator_list and all(map(_may_refuse, body))


def _may_refuse(statement: ast.stmt) -> bool:
    """Whether a statement refuses or goes on, and at most names things for it."""
    if isinstance(statement, ast.If):
        return not statement.orelse and _refuses(statement.body)
    if isinstance(statement, ast.Try):
        others = statement.orelse or statement.finalbody
        caught = all(_refuses(handler.body) for handler in statement.handlers)
        return not others and caught and all(map(_may_refuse, statement.body))
    if isinstance(statement, ast.Assign):
        return all(isinstance(target, ast.Name) for target in statement.targets)
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _refuses(body: list[ast.stmt]) -> bool:
    """Whether statements end in a refusal, and before it no more than name things."""
    *before, last = body
    if not isinstance(last, ast.Raise) or last.exc is None or not all(isinstance(one, ast.Assign) for one in before):
        return False
    return _called(last.exc.func if isinstance(last.exc, ast.Call) else last.exc) in REFUSALS


def _called(node: ast.expr) -> str:
    """The last part of a name such as `UsageError` or `nb.UsageError`, empty for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
