"""Batches in which what is said of a picture has, to the last bit, nothing of the others.

Bits depend on the shape of a batch: it is fixed by what the pictures are, never by how many there are, and a batch that
is not full is filled. In batches of one shape each picture has the same bits at any place and beside any others, where
the network does not mix them; `same_in_company` tries whether that is so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...track.info import Info

TOGETHER = 16
"""Pictures that go together, at most."""
_NUMBERS = 1 << 20


def batch_size(numbers: int) -> int:
    """How many pictures go together of each of which so many numbers are held."""
    return max(1, min(TOGETHER, _NUMBERS // max(1, numbers)))


def disclosed(info: Info) -> str:
    """What is told of a picture: those of which the same is told may go together."""
    return repr(sorted(info.disclosed().items()))


def same_in_company(answer: Callable[[Any, Info], Any], like: Any, size: int, info: Info) -> bool:
    """Whether an answer (B, …) for a batch of `size` pictures has the same bits for each wherever it stands.

    Tried on made pictures of the shape of `like` (1, C, H, W), never on items: what is found must not depend on which
    there are. What draws from its info is given other draws each time. What fails on a batch is False.
    """
    import torch

    generator = torch.Generator().manual_seed(0)

    def drawn(count: int) -> Any:
        return torch.rand((count, *like.shape[1:]), generator=generator).to(like)

    one, answers = drawn(1), []
    try:
        for number, place in enumerate((0, size // 2, size - 1)):
            batch = torch.cat([drawn(place), one, drawn(size - 1 - place)])
            answers.append(answer(batch, info.stream(number))[place])
    except Exception:  # of the method: it says what is wrong where it is called on one picture
        return False
    return all(torch.equal(answers[0], other) for other in answers[1:])
