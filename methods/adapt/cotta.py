from __future__ import annotations

import copy
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.methods.adapt._adapting import Labelled, Rate, normalised_by_batch, refuse_other_channels
from torch import nn

Share = Annotated[float, Ge(0), Le(1)]


@nb.method(
    "cotta",
    track="adapt",
    shows_source=True,
    cite="Q. Wang et al., Continual test-time domain adaptation, CVPR 2022",
)
class CoTTA:
    """CoTTA: the whole network learns from a teacher that is its own running mean, and is partly put back each time.

    method: of the track `classify`, whose network has batch norm; it uses the statistics of each batch. What is said is
    what the teacher says; where the classifier before was surer of no class than `sure` in the mean over a batch, it is
    the mean over `views`: shifts by up to an eighth of the side, mirrored by turns, with noise of 0.5 % of the range.
    One step of Adam brings the network to the teacher's probabilities. The teacher keeps the share `kept` of itself,
    and each weight is put back to where it began with the chance `restored`. Values are the authors' for CIFAR-10; they
    change colours too.
    """

    def __init__(
        self,
        *,
        method: Labelled,
        lr: Rate = 0.001,
        kept: Share = 0.999,
        restored: Share = 0.01,
        sure: Share = 0.92,
        views: Annotated[int, Ge(1), Le(256)] = 32,
    ) -> None:
        self.inner = nb.Classifier(method)
        self.lr, self.kept, self.restored, self.sure, self.views = lr, kept, restored, sure, views

    def setup(self, device: Any) -> None:
        """Set up the classifier. Raises `Skip` where its weights are missing, `UsageError` without batch norm."""
        self.inner.setup(device)
        self.source = normalised_by_batch(self.inner, "cotta")

    def begin(self, info: Any) -> None:
        """Forget what was learned."""
        self.net, self.teacher = copy.deepcopy(self.source).requires_grad_(True), copy.deepcopy(self.source)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=self.lr)
        self.draws = torch.Generator().manual_seed(int(info.rng.integers(2**31)))

    def classify(self, pictures: Any, info: Any) -> Any:
        """(B, C, H, W) → logits and those of the source, (B, 2 K). Raises `Skip` for other channels."""
        refuse_other_channels(self.inner, pictures)
        with torch.no_grad():
            before = self.source(pictures)
            answer = self.teacher(pictures)
            if float(before.softmax(dim=1).amax(dim=1).mean()) < self.sure:
                answer = torch.stack([self.teacher(self._view(pictures)) for _ in range(self.views)]).mean(dim=0)
        with torch.enable_grad():
            learned = self.net(pictures).log_softmax(dim=1)
            self.optimizer.zero_grad()
            (-(answer.softmax(dim=1) * learned).sum(dim=1).mean()).backward()
            self.optimizer.step()
        self._follow()
        return torch.cat([answer, before], dim=1)

    def _view(self, pictures: torch.Tensor) -> torch.Tensor:
        """The pictures (B, C, H, W) shifted, their edges repeated, perhaps mirrored, and with a little noise."""
        far = max(1, min(pictures.shape[2:]) // 8)
        down, right = (int(one) for one in torch.randint(0, 2 * far + 1, (2,), generator=self.draws))
        height, width = pictures.shape[2:]
        padded = nn.functional.pad(pictures, (far, far, far, far), mode="replicate")
        view = padded[:, :, down : down + height, right : right + width]
        if int(torch.randint(0, 2, (1,), generator=self.draws)):
            view = view.flip(3)
        return view + 0.005 * torch.randn(view.shape, generator=self.draws).to(view)

    @torch.no_grad()
    def _follow(self) -> None:
        """The teacher moves towards the network, of which some weights are put back."""
        each = zip(self.net.parameters(), self.teacher.parameters(), self.source.parameters(), strict=True)
        for learned, taught, first in each:
            taught.mul_(self.kept).add_(learned, alpha=1 - self.kept)
            back = torch.rand(first.shape, generator=self.draws).to(first.device) < self.restored
            learned.copy_(torch.where(back, first, learned))
