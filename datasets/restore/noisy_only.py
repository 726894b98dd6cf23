from __future__ import annotations

from collections.abc import Sequence

import noisebench as nb


class NoisyOnly:
    """Another dataset's noisy pictures, each of which stands for its truth too.

    With `single` its pictures are the noisy ones where it has no others.
    """

    def __init__(self, of: nb.Dataset, single: bool) -> None:
        self._of, self._single = of, single
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> nb.Sample:
        """Picture `index`. Raises `UsageError` where the other set has no noisy one, or one of another size."""
        sample = self._of.load(index)
        noisy = sample.clean if sample.noisy is None and self._single else sample.noisy
        if noisy is None:
            raise nb.UsageError(
                f"dataset noisy_only: {sample.id!r} has no noisy picture: give pairs, or noisy(of=…, regime=…), "
                "or folder(path=…) of noisy pictures"
            )
        if noisy.shape[:2] != sample.clean.shape[:2]:
            raise nb.UsageError(
                f"dataset noisy_only: the noisy picture of {sample.id!r} has another size than its truth"
            )
        return nb.Sample(sample.id, noisy, noisy, group=sample.group)


@nb.dataset("noisy_only", licence="that of the other set", truthless=True)
def noisy_only(*, of: nb.DatasetSpec) -> NoisyOnly:
    """The noisy pictures of another set, without their truth: for a training on the very pictures that are restored.

    of: a set with noisy pictures of its own, such as `polyu`, `pairs` or `noisy`, or a `folder` of noisy pictures. A
    training that is told no truth may see what is tested, with `regime=real`, as self-supervised methods are published;
    with a set that has truths it is refused. Validation and scores are against the noisy picture, so they choose and
    rank nothing: give rates that were chosen elsewhere.
    """
    return NoisyOnly(nb.open_dataset(of), bool(of.entry.meta.get("own_files")))
