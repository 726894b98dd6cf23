from __future__ import annotations

import noisebench as nb


@nb.method("tuned", track="text")
class TunedLanguageModel(nb.TunedMethod):
    """The variant of a trained method whose training has the best validation score.

    vary: the path of a parameter of `method`, such as `optimizer.lr`, `batch` or `parts.nm.until`: of components within
    it by dots, of several by their names. over: its values; those that are specs with parameters of their own go in
    quotes. Two parameters are crossed by one `tuned` in another.

    Each variant is a training of its own, at the seed of the cell. Of equal scores the earlier counts, outer values
    first; one that diverged loses. The board says what each scored, and where the best is at an edge of what was tried.
    """
