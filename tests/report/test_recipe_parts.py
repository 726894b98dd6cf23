"""The parts in which recipes differ, by which a page filters them."""

from __future__ import annotations

from noisebench.report.recipe_parts import ABSENT, recipe_parts


def test_recipes_differ_in_components_by_name_and_in_their_parameters() -> None:
    found = recipe_parts(
        {
            "plain": "trained(batch=4, optimizer=sgd(lr=0.1), steps=100)",
            "fast": "trained(batch=16, optimizer=adam(lr=0.1), steps=100)",
        }
    )
    assert found == {
        "plain": {"batch size": "4", "optimizer": "sgd"},
        "fast": {"batch size": "16", "optimizer": "adam"},
    }


def test_a_parameter_of_one_component_is_absent_elsewhere() -> None:
    found = recipe_parts({"a": "trained(objective=supervised(loss=l2))", "b": "trained(objective=noise2void)"})
    assert [own["loss of the objective"] for own in found.values()] == ["l2", ABSENT]


def test_what_is_tuned_differs_in_what_is_trained() -> None:
    found = recipe_parts(
        {"tuned": "tuned(method=trained(optimizer=sgd), over=(1, 2))", "not": "trained(optimizer=adam)"}
    )
    assert found == {"tuned": {"optimizer": "sgd"}, "not": {"optimizer": "adam"}}


def test_of_a_list_of_parts_each_is_there_or_absent() -> None:
    found = recipe_parts(
        {
            "none": "trained(parts=())",
            "ema": "trained(parts=(ema(decay=0.9),))",
            "slow": "trained(parts=(ema(decay=0.99), standardise))",
        }
    )
    by_part = {label: [own["part ema"], own["part standardise"], len(own)] for label, own in found.items()}
    assert by_part == {"none": [ABSENT, ABSENT, 3], "ema": ["ema", ABSENT, 3], "slow": ["ema", "standardise", 3]}
    decays = [own[next(part for part in own if part.startswith("decay"))] for own in found.values()]
    assert decays == [ABSENT, "0.9", "0.99"]


def test_methods_of_two_names_and_what_is_no_spec() -> None:
    found = recipe_parts({"a": "trained(steps=1)", "b": "learned(steps=1)", "c": "no spec at all ("})
    assert found == {"a": {"method": "trained"}, "b": {"method": "learned"}, "c": {}}
