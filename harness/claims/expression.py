"""What must hold of named numbers: an expression that is read strictly, and never run as code."""

from __future__ import annotations

import ast
import math
import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..text.wording import counted

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.USub: operator.neg, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Eq: operator.eq,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs, "min": min, "max": max, "mean": lambda *values: statistics.fmean(values), "sqrt": math.sqrt,
    "log": math.log, "log10": math.log10,
}  # fmt: skip
_TAKES = {"abs": (1, 1), "min": (2, math.inf), "max": (2, math.inf), "sqrt": (1, 1), "log": (1, 2), "log10": (1, 1)}
"""The least and the most numbers that a function is of, where it is not of any number of them."""
SPREAD = "std"
"""The one function of all seeds: the standard deviation of an expression over them."""
_CALLED = (*_FUNCTIONS, SPREAD)
_ALLOWED = (
    ast.Compare, ast.BoolOp, ast.And, ast.Or, ast.BinOp, ast.UnaryOp, ast.Call, ast.Name, ast.Load, ast.Constant,
    *_OPERATORS,
)  # fmt: skip

Values = Mapping[str, float]


def parsed(text: str, names: Sequence[str] | Mapping[str, Any], spread: bool = False) -> ast.expr:
    """An expression of numbers, `names`, + - * / **, comparisons, and, or, and functions; else `ValueError`.

    Functions are abs, min, max, mean, sqrt, log and log10; where there is a `spread` over seeds, std too.
    """
    if len(text) > 500:
        raise ValueError("is longer than 500 characters")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{text!r} is not an expression") from None
    if not isinstance(tree, ast.Compare | ast.BoolOp):
        raise ValueError(f"{text!r} compares nothing")
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in names and id(node) not in called:
            raise ValueError(f"{node.id!r} is none of its cells")
        if isinstance(node, ast.Constant) and type(node.value) not in (int, float):
            raise ValueError(f"{node.value!r} is no number")
        if isinstance(node, ast.Call):
            if not (isinstance(node.func, ast.Name) and node.func.id in _CALLED and node.args and not node.keywords):
                raise ValueError(f"only {', '.join(_CALLED)} can be called, of numbers")
            if node.func.id == SPREAD and not (spread and len(node.args) == 1):
                raise ValueError(f"{SPREAD} is of one number, over several seeds: say `over: mean`")
            least, most = _TAKES.get(node.func.id, (1, math.inf))
            if not least <= len(node.args) <= most:
                raise ValueError(f"{node.func.id} is not of {counted(len(node.args), 'number')}")
        if not isinstance(node, _ALLOWED):
            raise ValueError(f"{type(node).__name__} has no place in it")
    if not any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(tree)):
        raise ValueError(f"{text!r} names none of its cells")
    return tree


def holds(text: str, values: Values, each: Sequence[Values] = ()) -> bool:
    """Whether the expression is true of `values`; one that cannot be computed does not hold.

    `each` are the values of each seed, where `values` are the means over them.
    """
    try:
        return bool(evaluate(parsed(text, values, bool(each)), values, each))
    except (ArithmeticError, TypeError, ValueError):
        return False


def evaluate(node: ast.expr, values: Values, each: Sequence[Values]) -> Any:
    """The value of a part of a parsed expression; `each` are those of each seed. Raises ArithmeticError, ValueError."""
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](evaluate(node.operand, values, each))
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](evaluate(node.left, values, each), evaluate(node.right, values, each))
    if isinstance(node, ast.BoolOp):
        every = all if isinstance(node.op, ast.And) else any
        return every([evaluate(part, values, each) for part in node.values])
    if isinstance(node, ast.Call):
        return _called(node, values, each)
    assert isinstance(node, ast.Compare)
    sides = [evaluate(side, values, each) for side in (node.left, *node.comparators)]
    return all(_compared(op, a, b) for op, a, b in zip(node.ops, sides[:-1], sides[1:], strict=True))


def _called(node: ast.Call, values: Values, each: Sequence[Values]) -> float:
    assert isinstance(node.func, ast.Name)
    if node.func.id == SPREAD:
        spread: list[float] = [evaluate(node.args[0], seed, ()) for seed in each]
        return statistics.stdev(spread) if all(map(math.isfinite, spread)) else math.nan
    given: list[float] = [evaluate(part, values, each) for part in node.args]
    # Python's min and max may pass over a NaN, and what is not known must stay so.
    return math.nan if any(map(math.isnan, given)) else _FUNCTIONS[node.func.id](*given)


def _compared(op: ast.cmpop, a: float, b: float) -> bool:
    """Two that were both never reached are not equal: nothing can be said of them."""
    return not (math.isinf(a) and a == b) and bool(_OPERATORS[type(op)](a, b))
