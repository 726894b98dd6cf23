from __future__ import annotations

import copy
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Le
from noisebench.methods.restore._sampling import refuse_others


@nb.method(
    "generator_projection",
    cite="Synthetic generation and latent projection denoising of rim lesions in multiple sclerosis, arXiv 2505.23353, "
    "2025; T. Karras et al., Analyzing and improving the image quality of StyleGAN, CVPR 2020",
)
class GeneratorProjection:
    """Projection into the range of a trained generator: the latent is searched for whose picture is nearest.

    method: `trained(arch=generator, objective=adversarial, parts=(discriminator, ema), …)`, or one `tuned`; its set is
    never that of the test. The latent is searched from the mean one by `steps` of Adam, whose rate rises to `lr` and
    falls again; normal noise moves it, `jitter` of its deviation at first, and none after three quarters of the steps.
    prior: weight of the latents' own law against the squared error: at 1 the most probable one is searched, as for
    white noise of a strength that is not known, and at 0 the nearest, which takes noise for structure. A larger picture
    is projected in squares, half of which they share with the next, and averaged; a smaller one is skipped. Grey and
    coloured pictures are taken as `trained` takes them. Nothing is read from `info` but draws.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        steps: Annotated[int, Ge(1), Le(1_000_000)] = 300,
        lr: Annotated[float, Gt(0), Le(10)] = 0.1,
        jitter: Annotated[float, Ge(0), Le(10)] = 0.05,
        prior: Annotated[float, Ge(0), Le(1e6)] = 1.0,
    ) -> None:
        refuse_others("generator_projection", "generator", method)
        self.inner = nb.Restorer(method)
        self.steps, self.lr, self.jitter, self.prior = steps, lr, jitter, prior

    @staticmethod
    def flags(*, method: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is trained, for a network of another kind."""
        refuse_others("generator_projection", "generator", method)
        return {}

    def setup(self, device: Any) -> None:
        """Load the weights that the training gave. Raises `Skip` where there are none."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same."""
        from noisebench.recipes.archs.generator import Search, generator_in

        generator, search = generator_in(self.inner.instance.net), Search(self.steps, self.lr, self.jitter, self.prior)
        # The method within, its network used in this way: which channels go where is its affair.
        taken = copy.copy(self.inner.instance)
        taken.use(
            lambda pictures: generator.restored(pictures, search, info.generator, info.each), self.inner.instance.given
        )
        return taken.restore(noisy, info)
