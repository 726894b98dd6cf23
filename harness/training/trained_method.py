"""Methods whose network is trained by a recipe: a track adds the parameters and the call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ..planning.recipe import recipe_of

if TYPE_CHECKING:
    from ..components.registry import Bound


class TrainedMethod:
    """A method whose network is trained here: its class takes the choices of a `Recipe` as keyword parameters.

    For example:

        >>> method = nb.bind("trained(data=digits(split=train, n=300))", "method", "classify")
        >>> issubclass(method.entry.obj, nb.TrainedMethod)
        True
        >>> nb.TrainedMethod.flags(**method.kwargs)
        {'blind': True, 'trained_on': ('digits(n=300, split=train)',)}
    """

    trained: ClassVar[bool] = True

    def __init__(self, choices: Mapping[str, Any]) -> None:
        self.recipe = recipe_of(choices)
        self.net: Any = None
        self.given: tuple[int, ...] = ()

    @staticmethod
    def flags(*, data: Bound, regime: Bound, **_: Any) -> dict[str, Any]:
        """Trained on its data; blind, because nothing is disclosed to it.

        Data are named with their parameters: another split of one set is other data, and equal items are refused.
        """
        return {"blind": True, "trained_on": (data.display,)}

    def setup(self, device: str) -> None:
        """Load the trained weights and their shape of input. Raises `Skip` where there are none."""
        from .network import trained_network, trained_shapes

        self.use(trained_network(self.recipe, device), trained_shapes(self.recipe)[0])

    def use(self, net: Any, given: tuple[int, ...]) -> None:
        """Use this network for inputs of shape `given`; it may still be in training."""
        self.net, self.given = net, given
