"""Whether the arms of an effect are set beside each other on equal terms, as far as their specs say it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Literal, get_args

from ..components.registry import Bound, bind
from ..planning.recipe import recipe_of, tuned_in
from ..planning.tuning_grid import grid_of
from ..text.errors import UsageError, one_line
from .figures import CellOf

Term = Literal["items", "training", "tuning", "read-out", "untuned rival", "inputs"]
"""What can be uneven; that of `inputs`, and of tuning by hand, no spec says."""
TERMS: tuple[Term, ...] = get_args(Term)


def uneven_terms(holds: ast.expr, cells: Mapping[str, CellOf]) -> dict[Term, str]:
    """The terms in which arms differ that an expression compares, each with what they have.

    Arms are on the two sides of a comparison by their signs, so that `a - b > c - d` sets a and d against b and c.
    Cells that are costs, or of a plug-in that is not loaded, are left out.
    """
    terms = {name: _terms_of(cell) for name, cell in cells.items()}
    uneven: dict[Term, str] = {}
    for comparison in [node for node in _operands(holds) if isinstance(node, ast.Compare)]:
        signs = [(name, sign) for name, sign in _signed(comparison, 1) if name in cells]
        for term in ("items", "training", "tuning", "read-out"):
            larger, smaller = (
                {terms[name][term]: name for name, of in signs if of == sign and term in terms[name]}
                for sign in (1, -1)
            )
            if larger and smaller and larger.keys() != smaller.keys():
                arms = {**larger, **smaller}
                uneven.setdefault(
                    term, ", ".join(f"{name} {one_line(has, 60) or 'none'}" for has, name in arms.items())
                )
        better, worse = (
            [name for name, sign in signs if "tuning" in terms[name] and _direction(cells[name]) * sign == way]
            for way in (1, -1)
        )
        untuned = [name for name in worse if terms[name]["tuning"] == "1"]
        if untuned and any(terms[name]["tuning"] != "1" for name in better):
            uneven.setdefault("untuned rival", ", ".join(dict.fromkeys(untuned)))
    if "untuned rival" in uneven:
        del uneven["tuning"]
    return uneven


def _operands(tree: ast.expr) -> Iterator[ast.expr]:
    if isinstance(tree, ast.BoolOp):
        for value in tree.values:
            yield from _operands(value)
    else:
        yield tree


def _signed(node: ast.expr, sign: int) -> Iterator[tuple[str, int]]:
    """Each name in an expression with 1 where it is to be large for that to be so, or -1."""
    if isinstance(node, ast.Name):
        yield node.id, sign
    elif isinstance(node, ast.UnaryOp):
        yield from _signed(node.operand, -sign)
    elif isinstance(node, ast.BinOp):
        yield from _signed(node.left, sign)
        yield from _signed(node.right, -sign if isinstance(node.op, ast.Sub | ast.Div) else sign)
    elif isinstance(node, ast.Call):
        for given in node.args:
            yield from _signed(given, sign)
    elif isinstance(node, ast.Compare):
        for lhs, op, rhs in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            upwards = sign if isinstance(op, ast.Gt | ast.GtE) else -sign
            yield from _signed(lhs, upwards)
            yield from _signed(rhs, -upwards)


def _direction(of: CellOf) -> int:
    """1 where more is better, -1 where less is, 0 where no metric says it."""
    if not of.metric:
        return 0
    return 1 if bind(of.metric, "metric", of.track).entry.meta["higher"] else -1


def _terms_of(of: CellOf) -> dict[Term, str]:
    """What a cell has: its items, and of a method that trains, how much it learned from, was tuned and is wrapped.

    Training is counted in values, steps x batch x pixels of a crop, of teachers and of what it starts from as well.
    """
    if of.cost:
        return {}
    terms: dict[Term, str] = {}
    try:
        method = bind(of.method, "method", of.track)
        if of.metric:
            regime, dataset = bind(of.regime, "regime", of.track), bind(of.dataset, "dataset", of.track)
            terms["items"] = " · ".join(filter(None, (dataset.canonical, regime.canonical, of.protocol)))
    except UsageError:
        return {}
    recipes = [recipe_of(bound.kwargs) for bound in {one.canonical: one for one in _trained_in(method)}.values()]
    if recipes:
        grids = [grid for one in tuned_in(method) if (grid := grid_of(one)) is not None]
        values = sum(one.steps * one.batch * max(one.crop, 1) ** 2 for one in recipes)
        terms["training"] = f"{float(f'{values:.3g}'):,.0f} values"
        terms["tuning"] = str(max((len(grid.variants) for grid in grids), default=1))
        terms["read-out"] = " of ".join(_around(method))
    return terms


def _trained_in(bound: Bound) -> Iterator[Bound]:
    """Each trained method in a bound component, those that its recipe names too; of a tuned one the first variant."""
    if getattr(bound.entry.obj, "trained", False):
        yield bound
    grid = grid_of(bound)
    for inner in (*bound.then, *(bound.inner if grid is None else (grid.variants[0][1],))):
        yield from _trained_in(inner)


def _around(method: Bound) -> Iterator[str]:
    """The names of the methods around what is trained, the outermost first."""
    if getattr(method.entry.obj, "trained", False):
        return
    if not getattr(method.entry.obj, "tuned", False):
        yield method.entry.name
    for inner in method.inner:
        if any(True for _ in _trained_in(inner)):
            yield from _around(inner)
