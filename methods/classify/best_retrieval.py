from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from noisebench.datasets.classify._arrays import labelled_arrays

_TOGETHER = 256


@nb.method("best_retrieval", track="classify", cite="T. Yuan et al., Signal-to-noise ratio: a robust distance metric "
           "for deep metric learning, CVPR 2019")  # fmt: skip
class BestRetrieval:
    """Retrieval by the one of several embeddings that retrieves pictures of held-out classes best.

    methods: trained classifiers that embed, such as `trained(arch=embedding(of=small_cnn), objective=contrastive)`, of
    which margins or rates differ. Each picture of `held_out`, of classes that none was trained on, is looked up among
    the others: the method with the highest recall at 1 is used, of equal ones the first. Then as `retrieval`, from the
    pictures of `gallery` but the one that is asked about: so a test may be its own gallery.
    """

    def __init__(
        self,
        *,
        methods: Annotated[Any, nb.Nested("method", many=True)],
        held_out: nb.DatasetSpec,
        gallery: nb.DatasetSpec,
    ) -> None:
        self.inner = [nb.Classifier(one) for one in methods]
        self.held_out, self.gallery = held_out, gallery

    @staticmethod
    def flags(*, held_out: nb.Bound, gallery: nb.Bound, **others: Any) -> dict[str, Any]:
        """It was chosen by one set, and has seen the other."""
        return {"trained_on": (held_out.display, gallery.display)}

    def setup(self, device: Any) -> None:
        """Choose the network and embed the gallery. Raises `Skip` where weights are missing, or nothing embeds."""
        import torch

        chosen_by, gallery = labelled_arrays(self.held_out), labelled_arrays(self.gallery)
        recalls = []
        for one in self.inner:
            one.setup(device)
            net = _network(one)
            pictures, labels = (
                torch.from_numpy(chosen_by.pictures).to(device),
                torch.from_numpy(chosen_by.labels).to(device),
            )
            recalls.append(recall_at_1(net, embedded(net, pictures), labels))
        self.net = _network(self.inner[recalls.index(max(recalls))])
        self.labels = torch.from_numpy(gallery.labels).to(device)
        self.pictures = torch.from_numpy(gallery.pictures).to(device)
        self.known = embedded(self.net, self.pictures)

    def classify(self, picture: Any, info: Any) -> Any:
        """(1, C, H, W) → logits (K,); a class that the gallery does not show is hardly possible."""
        import torch

        if picture.shape[1:] != self.pictures.shape[1:]:
            raise nb.Skip(f"the gallery has pictures {self.pictures.shape[1:]}, not {picture.shape[1:]}")
        others = ~(self.pictures == picture).flatten(1).all(dim=1)
        with torch.no_grad():
            away = self.net.distances(self.net.embedded(picture), self.known)[0]
        nearest = torch.full((info.classes,), float(away.max()) + 50.0, device=away.device)
        return -nearest.scatter_reduce(0, self.labels[others], away[others], "amin")


def _network(inner: nb.Classifier) -> Any:
    net: Any = getattr(inner.instance, "net", None)
    if not hasattr(net, "embedded"):
        raise nb.Skip(f"{inner.bound.display} embeds nothing: train it with arch=embedding(of=small_cnn)")
    return net


def embedded(net: Any, pictures: Any) -> Any:
    """Embeddings (N, D) of pictures (N, C, H, W)."""
    import torch

    with torch.no_grad():
        return torch.cat([net.embedded(part) for part in torch.split(pictures, _TOGETHER)])


def recall_at_1(net: Any, embeddings: Any, labels: Any) -> float:
    """The share of embeddings (N, D), each an anchor, whose nearest other one has their label (N,)."""
    away = net.distances(embeddings, embeddings).fill_diagonal_(float("inf"))
    return float((labels[away.argmin(dim=1)] == labels).double().mean())
