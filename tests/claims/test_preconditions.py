"""What headline claims ask of their setting first."""

from __future__ import annotations

from noisebench.claims.effects import Effect, all_claims


def test_each_headline_effect_says_what_must_hold_first() -> None:
    headlines = [one for one in all_claims() if isinstance(one, Effect) and one.role == "headline"]
    assert [one.name for one in headlines if one.kind == "effect" and not one.precondition] == []
