"""The examples in docstrings of public names; as a script it runs those with torch, or those without it."""

from __future__ import annotations

import ast
import doctest
import os
import sys
import time
from pathlib import Path

HARNESS = Path(__file__).parents[2] / "harness"


def public_docstrings() -> dict[str, str]:
    """The docstring of each public name, which for a constant stands below it."""
    docstrings: dict[str, str] = {}
    for line in ast.parse((HARNESS / "__init__.pyi").read_text(encoding="utf-8")).body:
        if isinstance(line, ast.ImportFrom) and line.module:
            place = HARNESS.joinpath(*line.module.split("."))
            file = place.with_suffix(".py") if place.with_suffix(".py").exists() else place / "__init__.py"
            of_module = _docstrings_of(ast.parse(file.read_text(encoding="utf-8")))
            docstrings |= {one.name: of_module.get(one.name, "") for one in line.names}
    return docstrings


def _docstrings_of(module: ast.Module) -> dict[str, str]:
    """The docstring of each function, class and constant of a module."""
    docstrings: dict[str, str] = {}
    for node, below in zip(module.body, [*module.body[1:], None], strict=True):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            docstrings[node.name] = ast.get_docstring(node) or ""
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            docstrings[node.targets[0].id] = str(below.value.value) if is_text else ""  # type: ignore[union-attr]
    return docstrings


def examples_of(docstring: str) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(docstring)


def needs_torch(docstring: str) -> bool:
    """Whether an example imports torch, or names a network that is trained, which does."""
    return any("import torch" in one.source or "trained" in one.source for one in examples_of(docstring))


def run_examples(torch: bool) -> int:
    """Run them in the working directory: the number of failures, and 1 where torch came without being named."""
    import noisebench as nb
    import numpy as np

    if torch:
        import torch as _torch  # noqa: F401 (before the clock)
    runner, seconds = doctest.DocTestRunner(), {}
    for name, docstring in public_docstrings().items():
        if needs_torch(docstring) == torch:
            test = doctest.DocTestParser().get_doctest(docstring, {"nb": nb, "np": np, "Path": Path}, name, name, 0)
            environment, began = dict(os.environ), time.perf_counter()
            runner.run(test)
            seconds[name] = time.perf_counter() - began
            os.environ.clear()
            os.environ.update(environment)
            if not torch and "torch" in sys.modules:
                print(f"{name}: its example imports torch without a word: write `import torch` into it")
                return 1
    for name, taken in sorted(seconds.items(), key=lambda one: -one[1]):
        print(f"{taken:.3f} s {name}")
    return runner.failures


if __name__ == "__main__":
    sys.exit(run_examples(torch=sys.argv[1:] == ["--torch"]))
