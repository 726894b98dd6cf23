from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.datasets.classify._arrays import labelled_arrays

_TOGETHER = 256


@nb.method("retrieval", track="classify")
class Retrieval:
    """Retrieval: the class of the pictures of a gallery whose embeddings are nearest.

    method: a trained classifier that embeds, such as `trained(arch=embedding(of=small_cnn), objective=contrastive)`.
    gallery: labelled pictures. The picture is the anchor, and the logit of a class minus its distance to the nearest
    picture of that class: so `accuracy` is recall at 1.
    """

    def __init__(self, *, method: nb.MethodSpec, gallery: nb.DatasetSpec) -> None:
        self.inner, self.gallery = nb.Classifier(method), gallery

    @staticmethod
    def flags(*, gallery: nb.Bound, **others: Any) -> dict[str, Any]:
        """It has seen its gallery."""
        return {"trained_on": (gallery.display,)}

    def setup(self, device: Any) -> None:
        """Set up the network and embed the gallery. Raises `Skip` where weights are missing, or nothing embeds."""
        import torch

        self.inner.setup(device)
        net: Any = getattr(self.inner.instance, "net", None)
        if not hasattr(net, "embedded"):
            raise nb.Skip(f"{self.inner.bound.display} embeds nothing: train it with arch=embedding(of=small_cnn)")
        self.net = net
        arrays = labelled_arrays(self.gallery)
        self.shape = arrays.pictures.shape[1:]
        self.labels = torch.from_numpy(arrays.labels).to(device)
        with torch.no_grad():
            parts = torch.split(torch.from_numpy(arrays.pictures), _TOGETHER)
            self.known = torch.cat([self.net.embedded(part.to(device)) for part in parts])

    def classify(self, picture: Any, info: Any) -> Any:
        """(1, C, H, W) → logits (K,); a class that the gallery does not show is hardly possible."""
        import torch

        if tuple(picture.shape[1:]) != self.shape:
            raise nb.Skip(f"the gallery has pictures {self.shape}, not {tuple(picture.shape[1:])}")
        with torch.no_grad():
            away = self.net.distances(self.net.embedded(picture), self.known)[0]
        nearest = torch.full((info.classes,), float(away.max()) + 50.0, device=away.device)
        return -nearest.scatter_reduce(0, self.labels, away, "amin")
