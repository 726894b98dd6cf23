"""The comparisons that a statement is made of: each is of the sign of a difference, and all or one must hold."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .expression import SPREAD, Values, evaluate

_GREATER, _STRICT = (ast.Gt, ast.GtE), (ast.Gt, ast.Lt)


@dataclass(frozen=True)
class Inequality:
    """`lhs` is greater than `rhs`, or less; it may also be equal where this is not `strict`."""

    lhs: ast.expr
    rhs: ast.expr
    greater: bool
    strict: bool
    leaves = 1

    @property
    def text(self) -> str:
        """The difference as an expression."""
        if isinstance(self.rhs, ast.Constant) and self.rhs.value == 0:
            return ast.unparse(self.lhs)
        return ast.unparse(ast.BinOp(self.lhs, ast.Sub(), self.rhs))

    @property
    def names(self) -> set[str]:
        """The names of cells, and of functions, in it."""
        sides = (self.lhs, self.rhs)
        return {node.id for side in sides for node in ast.walk(side) if isinstance(node, ast.Name)}

    def difference(self, values: Values, each: Sequence[Values] = ()) -> float:
        """`lhs` minus `rhs`; NaN where that cannot be computed. `each` are the values of each seed, for a spread."""
        try:
            return float(evaluate(self.lhs, values, each)) - float(evaluate(self.rhs, values, each))
        except (ArithmeticError, TypeError, ValueError):
            return math.nan

    def differences(self, values: Sequence[Values]) -> list[float]:
        """The difference on each seed; of a spread, which has no value on one, the pseudo-values of the jackknife.

        Those of a mean are its values on each seed (Tukey, 1958).
        """
        if SPREAD not in self.names:
            return [self.difference(of) for of in values]
        count = len(values)
        whole = self._of_means(values)
        without = [self._of_means([*values[:place], *values[place + 1 :]]) for place in range(count)]
        return [count * whole - (count - 1) * one for one in without]

    def _of_means(self, values: Sequence[Values]) -> float:
        means = {name: sum(of[name] for of in values) / len(values) for name in values[0]}
        return self.difference(means, values)

    def holds(self, difference: float) -> bool:
        """Whether a difference has the sign that is claimed; one that is not known has none."""
        towards = difference if self.greater else -difference
        return towards > 0 or (towards == 0 and not self.strict)


@dataclass(frozen=True)
class CompoundStatement:
    """Statements that all must hold, or one of which. `exclusive`: only one of them can be on the edge of holding."""

    every: bool
    parts: tuple[Statement, ...]
    exclusive: bool = False

    @property
    def leaves(self) -> int:
        """How many of them can go wrong by chance."""
        return (max if self.exclusive else sum)(part.leaves for part in self.parts)


Statement = Inequality | CompoundStatement


def leaves_of(statement: Statement) -> Iterator[Inequality]:
    """The comparisons that a statement is made of."""
    if isinstance(statement, Inequality):
        yield statement
    else:
        for part in statement.parts:
            yield from leaves_of(part)


def statement_of(tree: ast.expr) -> Statement:
    """The comparisons of a parsed expression; `max`, `min` and `abs` of a whole side are several."""
    if isinstance(tree, ast.BoolOp):
        return CompoundStatement(isinstance(tree.op, ast.And), tuple(map(statement_of, tree.values)))
    assert isinstance(tree, ast.Compare)
    sides = (tree.left, *tree.comparators)
    links = [_link(lhs, op, rhs) for lhs, op, rhs in zip(sides[:-1], tree.ops, sides[1:], strict=True)]
    return links[0] if len(links) == 1 else CompoundStatement(True, tuple(links))


def _link(lhs: ast.expr, op: ast.cmpop, rhs: ast.expr) -> Statement:
    if isinstance(op, ast.Eq):
        either = (_split(Inequality(lhs, rhs, greater, strict=False)) for greater in (True, False))
        return CompoundStatement(True, tuple(either), exclusive=True)
    return _split(Inequality(lhs, rhs, isinstance(op, _GREATER), isinstance(op, _STRICT)))


def _split(one: Inequality) -> Statement:
    """A comparison with the larger of some is one with each: the larger of two has a larger mean than either."""
    for side, claimed_greater in (("lhs", one.greater), ("rhs", not one.greater)):
        call = getattr(one, side)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("max", "min", "abs"):
            absolute = call.func.id == "abs"
            among = [*call.args, ast.UnaryOp(ast.USub(), call.args[0])] if absolute else call.args
            of_each = (replace(one, lhs=part) if side == "lhs" else replace(one, rhs=part) for part in among)
            return CompoundStatement(
                claimed_greater == (call.func.id == "min"), tuple(map(_split, of_each)), exclusive=absolute
            )
    return one
