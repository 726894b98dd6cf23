"""The track `graph`: regimes, metrics, datasets and methods against values worked out by hand or by another way."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path

import networkx as nx
import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.planning.cells import shown_to
from noisebench.track.calling import call_on, reveal
from noisebench.tracks.graph import (
    LinearDag,
    covariance,
    is_acyclic,
    level_of,
    measured_dag,
    residual_variances,
    score_of,
    topological_order,
    weighted_dag,
)
from noisebench.tracks.graph.edges import class_of, descendants, wrong_effects
from noisebench.tracks.graph.mechanisms import nonlinear_dag
from numpy.testing import assert_allclose

TRACK = get_track("graph")
CHAIN = np.array([[0, 1.5, 0], [0, 0, -1.0], [0, 0, 0]])
COLLIDER = np.array([[0, 0, 1.0], [0, 0, 1.0], [0, 0, 0]])

GOLDEN = {
    "equal(sigma=1)": "aebab4838b82907f",
    "hetero(low=1, high=9)": "c03c7c2e541a8cbf",
    "laplace(sigma=1)": "517ca8ab5fee1e64",
    "gumbel(sigma=1)": "6daf0a48502c8149",
    "equal(sigma=1) + outliers(share=0.1, scale=5)": "4fee64cd209bc650",
    "equal(sigma=1) + standardised": "9783ebc5223c27bb",
    "equal(sigma=1) + bootstrap": "e2e6c8097fda57d3",
}
"""The first letters of the hash of what each regime makes. One that changes voids what was stored: raise `version`."""


def posed(item: LinearDag, regime: str = "equal(sigma=1)", seed: int = 0, draw: int = 0):
    return TRACK.pose(bind(regime, "regime", "graph"), item, seed, draw)


def learn(method: str, item: LinearDag, regime: str = "equal(sigma=1)") -> np.ndarray:
    runner = TRACK.open(bind(method, "method", "graph"))
    return call_on(runner, reveal(posed(item, regime), item, shown_to(runner.meta)), "cpu")[0]


def scores(weights: np.ndarray, item: LinearDag, *metrics: str, regime: str = "equal(sigma=1)", protocol="as_given"):
    case = posed(item, regime)
    output = TRACK.open(bind("empty", "method", "graph")).accept(weights, case)
    measures = [bind(m, "metric", "graph") for m in metrics]
    return list(TRACK.score(output, item, case, bind(protocol, "protocol", "graph"), measures).values())


def graphs(size: int) -> list[np.ndarray]:
    """Every acyclic graph of so many variables."""
    pairs = list(itertools.combinations(range(size), 2))
    found = []
    for ways in itertools.product((0, 1, 2), repeat=len(pairs)):
        edges = np.zeros((size, size), dtype=bool)
        for (i, j), way in zip(pairs, ways, strict=True):
            edges[i, j], edges[j, i] = way == 1, way == 2
        if nx.is_directed_acyclic_graph(nx.DiGraph(edges)):
            found.append(edges)
    return found


def random_dag(rng: np.random.Generator, size: int, share: float) -> np.ndarray:
    order = rng.permutation(size)
    return np.triu(rng.random((size, size)) < share, 1)[np.ix_(order, order)]


# ---- graphs


def test_an_order_has_causes_first_and_a_cycle_has_none():
    rng = np.random.default_rng(0)
    for _ in range(50):
        edges = rng.random((6, 6)) < 0.2
        np.fill_diagonal(edges, False)
        order = topological_order(edges)
        assert (order is not None) == is_acyclic(edges) == nx.is_directed_acyclic_graph(nx.DiGraph(edges))
        if order is not None:
            assert not np.tril(edges[np.ix_(order, order)]).any()


def test_descendants_are_those_of_networkx():
    edges = random_dag(np.random.default_rng(1), 12, 0.2)
    for i, reached in enumerate(descendants(edges)):
        assert set(np.flatnonzero(reached)) == nx.descendants(nx.DiGraph(edges), i) | {i}


def test_the_class_of_a_graph_is_what_its_equivalent_graphs_agree_on():
    """Two graphs are equivalent where joined pairs and unshielded colliders are the same (Verma & Pearl 1990)."""

    def signature(edges):
        joined = edges | edges.T
        colliders = frozenset(
            (i, j, k)
            for k in range(len(edges))
            for i, j in itertools.combinations(np.flatnonzero(edges[:, k]), 2)
            if not joined[i, j]
        )
        return joined.tobytes(), colliders

    for size, count in ((3, 25), (4, 543)):
        classes: dict = {}
        every = graphs(size)
        assert len(every) == count
        for edges in every:
            classes.setdefault(signature(edges), []).append(edges)
        for members in classes.values():
            union = np.any(members, axis=0)
            for edges in members:
                assert np.array_equal(class_of(edges), union)


def test_the_class_of_larger_graphs_too():
    rng = np.random.default_rng(2)
    for _ in range(20):
        edges = random_dag(rng, 9, 0.35)
        found = class_of(edges)
        assert np.array_equal(found | found.T, edges | edges.T)
        # An edge that has no direction can be turned: some covered edge is turned in a graph of the same class.
        for i, j in np.argwhere(edges):
            if np.array_equal(edges[:, i], edges[:, j] & (np.arange(9) != i)):
                turned = edges.copy()
                turned[i, j], turned[j, i] = False, True
                assert np.array_equal(class_of(turned), found) and found[i, j] and found[j, i]


def wrong_effects_by_paths(truth: np.ndarray, found: np.ndarray) -> int:
    """The definition, path by path: Peters & Bühlmann 2015 with the criterion of Shpitser et al. 2010."""
    graph, both = nx.DiGraph(truth), nx.Graph(truth | truth.T)
    wrong = 0
    for i, j in itertools.permutations(range(len(truth)), 2):
        given = set(np.flatnonzero(found[:, i]).tolist())
        if j in given:
            wrong += nx.has_path(graph, i, j)
            continue
        bad = False
        for path in nx.all_simple_paths(both, i, j):
            steps = list(itertools.pairwise(path))
            if all(truth[a, b] for a, b in steps):
                for k in path[1:]:
                    bad |= bool(given & (nx.descendants(graph, k) | {k}))
                continue
            blocked = False
            for a, k, b in zip(path, path[1:], path[2:], strict=False):
                if truth[a, k] and truth[b, k]:
                    blocked |= not given & (nx.descendants(graph, k) | {k})
                else:
                    blocked |= k in given
            bad |= not blocked
        wrong += bad
    return wrong


def test_wrong_effects_are_those_counted_path_by_path():
    every = graphs(3)
    for truth, found in itertools.product(every, every):
        assert wrong_effects(truth, found) == wrong_effects_by_paths(truth, found)
    rng = np.random.default_rng(3)
    for _ in range(150):
        truth, found = random_dag(rng, 6, rng.uniform(0.1, 0.7)), random_dag(rng, 6, rng.uniform(0.1, 0.7))
        assert wrong_effects(truth, found) == wrong_effects_by_paths(truth, found)


def test_no_effect_is_wrong_where_the_true_graph_is_part_of_the_found_one():
    rng = np.random.default_rng(4)
    truth = random_dag(rng, 7, 0.3)
    order = topological_order(truth)
    full = np.zeros_like(truth)
    for place, cause in enumerate(order):
        full[cause, order[place + 1 :]] = True
    assert wrong_effects(truth, full) == wrong_effects(truth, truth) == 0
    assert wrong_effects(full, truth) > 0


# ---- metrics


def test_edges_are_counted_by_hand():
    item = weighted_dag("chain", CHAIN, 50)
    turned = CHAIN.copy()
    turned[1, 2], turned[2, 1], turned[0, 2] = 0, -1.0, 0.4
    metrics = ("shd", "tpr", "fdr", "edges", "sid")
    # One edge is right, one turned, one too many.
    assert scores(turned, item, *metrics) == [2, 1 / 2, pytest.approx(2 / 3), 3, wrong_effects(CHAIN != 0, turned != 0)]
    assert scores(CHAIN, item, *metrics) == [0, 1, 0, 2, 0]
    assert scores(0 * CHAIN, item, *metrics) == [2, 0, 0, 0, 3]
    assert scores(turned, item, "shd", "edges", protocol="pruned(below=0.5)") == [1, 2]


def test_an_edge_without_direction_is_half_known():
    item = weighted_dag("chain", CHAIN, 50)
    both = CHAIN + CHAIN.T
    shd, of_class, tpr, fdr, edges, sid = scores(both, item, "shd", "shd_cpdag", "tpr", "fdr", "edges", "sid")
    # Any graph of a chain's class has both edges, and no independence tells their direction.
    assert (shd, of_class, tpr, fdr, edges) == (2, 0, 0, 1, 2)
    assert np.isnan(sid)
    assert scores(CHAIN.T, item, "shd", "shd_cpdag") == [2, 0]
    assert scores(COLLIDER, weighted_dag("c", COLLIDER, 50), "shd", "shd_cpdag") == [0, 0]
    assert scores(COLLIDER + COLLIDER.T, weighted_dag("c", COLLIDER, 50), "shd_cpdag") == [2]


def test_a_cycle_has_no_class():
    item = weighted_dag("chain", CHAIN, 50)
    ring = np.array([[0, 1.0, 0], [0, 0, 1], [1, 0, 0]])
    (found,) = scores(ring, item, "shd_cpdag")
    assert np.isnan(found) and "cycle" in found.reason
    assert scores(ring, item, "shd", "fdr") == [1, pytest.approx(1 / 3)]


def test_weights_and_levels_are_compared_with_the_true_ones():
    item = weighted_dag("chain", CHAIN, 200_000)
    assert scores(CHAIN, item, "weight_error", "noise_error") == [0, pytest.approx(0, abs=0.01)]
    assert scores(0.5 * CHAIN, item, "weight_error") == [0.5]
    case = posed(item)
    given = TRACK.open(bind("empty", "method", "graph")).accept((CHAIN, np.array([1.0, 1.0, 1.3])), case)
    (found,) = TRACK.score(
        given, item, case, bind("as_given", "protocol", "graph"), [bind("noise_error", "metric", "graph")]
    ).values()
    assert found == pytest.approx(0.3 / np.sqrt(3))
    (none,) = scores(CHAIN, item, "noise_error", regime="equal(sigma=1e-300)")
    assert np.isnan(none) and "have no relative error" in none.reason


def test_varsortability_by_hand():
    item = weighted_dag("chain", CHAIN, 200_000)
    # Variances 1, 1 + 1.5² and 1 + 3.25 grow along all three ways; with the noise of the second taken down, along one.
    assert scores(0 * CHAIN, item, "varsortability") == [1]
    fork = weighted_dag("fork", np.array([[0, 0.5, 2.0], [0, 0, 0], [0, 0, 0]]), 100)
    assert scores(0 * CHAIN, fork, "varsortability") == [1]
    assert scores(0 * CHAIN, fork, "varsortability", regime="equal(sigma=1) + standardised") == [0.5]
    table = measured_dag("m", np.array([[1.0, 4.0, 2.0], [3.0, 3.0, 9.0], [9.0, 5.0, 1.0]]), fork.weights)
    assert scores(0 * CHAIN, table, "varsortability", regime="none") == [0.5]


def test_what_is_not_known_of_measured_samples_has_no_score():
    item = measured_dag("m", np.random.default_rng(0).normal(size=(20, 3)), CHAIN != 0)
    metrics = ("shd", "weight_error", "noise_error", "edges")
    shd, weight, noise, edges = scores(CHAIN, item, *metrics, regime="none")
    assert (shd, edges) == (0, 2) and "not known" in weight.reason and "not known" in noise.reason
    alone = weighted_dag("empty", 0 * CHAIN, 20)
    assert all("no edge" in v.reason for v in scores(CHAIN, alone, "tpr", "weight_error", "varsortability"))


@pytest.mark.parametrize("mechanism", ["mlp", "gp"])
def test_a_nonlinear_variable_is_a_function_of_its_causes_and_its_noise(mechanism):
    item = nonlinear_dag("chain", CHAIN, 20_000, mechanism)
    case = posed(item)
    noise = posed(weighted_dag("chain", CHAIN, 20_000)).truth
    assert case.truth.weights is None and np.array_equal(case.truth.levels, noise.levels)
    x = case.given
    for cause, effect in ((0, 1), (1, 2)):
        groups = np.array_split(np.argsort(x[:, cause]), 200)
        # Among samples whose cause is nearly the same nothing but the noise is left; a line leaves more.
        within = np.mean([x[rows, effect].var() for rows in groups])
        line = np.polyfit(x[:, cause], x[:, effect], 1)
        assert within == pytest.approx(1, abs=0.1)
        assert (x[:, effect] - np.polyval(line, x[:, cause])).var() > 1.02 * within
    again = posed(nonlinear_dag("chain", CHAIN, 20_000, mechanism)).given
    other = posed(nonlinear_dag("chain", 2 * CHAIN, 20_000, mechanism)).given
    assert np.array_equal(x, again) and not np.array_equal(x, other)


def test_nonlinear_graphs_have_the_edges_of_linear_ones_and_unknown_weights():
    for of, hubs in (("erdos_renyi(n=2)", "false"), ("scale_free(n=2)", "true")):
        linear, item = (
            nb.open_dataset(bind(spec, "dataset", "graph")).load(1)
            for spec in (of, f"nonlinear(n=2, hubs={hubs}, mechanism=gp)")
        )
        assert np.array_equal(item.weights != 0, linear.weights != 0)
        shd, unknown, known = scores(item.weights, item, "shd", "weight_error", "noise_error")
        assert shd == 0 and "not known" in unknown.reason and np.isfinite(known)
        assert np.array_equal(learn("oracle", item)[:-1] != 0, item.weights != 0)


def test_a_concomitant_score_grows_with_the_unit_and_least_squares_with_its_square():
    item = nb.open_dataset(bind("erdos_renyi(n=1)", "dataset", "graph")).load(0)
    for by in (0.1, 7.0):
        names = [f"scaling(score={kind}, by={by})" for kind in ("ev", "nv", "ls")]
        assert_allclose(scores(item.weights, item, *names), [by, by, by**2], rtol=1e-12)


# ---- scores


def test_scores_are_their_definitions_and_levels_their_minima():
    from scipy.optimize import minimize

    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4))
    w = np.triu(rng.normal(size=(4, 4)), 1)
    left = (x - x.mean(0)) @ (np.eye(4) - w)
    variances = residual_variances(w, covariance(x))
    assert_allclose(variances, (left**2).mean(0))
    assert score_of("ls", variances, level_of("ls", variances)) == pytest.approx((left**2).sum() / 120)

    def ev(s):
        return (left**2).sum() / (2 * 60 * s[0]) + 4 * s[0] / 2

    def nv(s):
        return ((left / np.sqrt(s)) ** 2).sum() / 120 + s.sum() / 2

    for kind, whole, count in (("ev", ev, 1), ("nv", nv, 4)):
        levels = level_of(kind, variances)
        best = minimize(whole, np.ones(count), bounds=[(1e-3, None)] * count, tol=1e-14)
        assert_allclose(levels[:count], best.x, rtol=1e-4)
        assert score_of(kind, variances, levels) == pytest.approx(best.fun, rel=1e-8)
        assert score_of(kind, variances, levels) == pytest.approx(levels.sum())


# ---- regimes


def test_samples_follow_from_their_noise():
    item = nb.open_dataset(bind("scale_free(n=1, d=12, samples=30)", "dataset", "graph")).load(0)
    from noisebench.tracks.graph.sampling import propagated

    noise = np.random.default_rng(6).normal(size=(30, 12))
    assert_allclose(propagated(noise, item.weights), noise @ np.linalg.inv(np.eye(12) - item.weights))


@pytest.mark.parametrize(
    ("regime", "skewness", "kurtosis"),
    [("equal(sigma=2)", 0, 3), ("laplace(sigma=2)", 0, 6), ("gumbel(sigma=2)", 1.1396, 5.4)],
)
def test_noise_has_the_moments_of_its_law(regime: str, skewness: float, kurtosis: float):
    item = weighted_dag("free", np.zeros((4, 4)), 200_000)
    case = posed(item, regime)
    scaled = case.given / 2
    moments = [(scaled**k).mean() for k in (1, 2, 3, 4)]
    assert_allclose(moments, [0, 1, skewness, kurtosis], atol=0.15)
    assert_allclose(case.truth.levels, 2)


def test_each_variable_has_its_own_level():
    item = weighted_dag("free", np.zeros((40, 40)), 20_000)
    case = posed(item, "hetero(low=0.5, high=10)")
    variances = case.truth.levels**2
    assert 0.5 <= variances.min() < 2 and 8 < variances.max() <= 10
    assert_allclose(case.given.var(axis=0), variances, rtol=0.06)
    with pytest.raises(nb.UsageError, match="low=3 is above high=1"):
        posed(item, "hetero(low=3, high=1)")


def test_outliers_are_a_share_and_stronger():
    item = weighted_dag("free", np.zeros((2, 2)), 300_000)
    calm, hit = (
        posed(item, "equal(sigma=1)+outliers(share=0, scale=10)"),
        "equal(sigma=1)+outliers(share=0.1, scale=10)",
    )
    assert_allclose(calm.given.std(), 1, atol=0.01)
    case = posed(item, hit)
    assert_allclose((np.abs(case.given) > 4).mean(), 0.1 * 0.689, atol=0.002)
    assert_allclose(case.truth.levels, np.sqrt(0.9 + 0.1 * 100))
    assert_allclose(case.given.std(axis=0), case.truth.levels, rtol=0.02)
    with pytest.raises(nb.UsageError, match="put one before it"):
        posed(item, "outliers(share=0.1, scale=10)")


def test_two_noises_add_up():
    case = posed(weighted_dag("free", np.zeros((2, 2)), 100_000), "equal(sigma=3) + laplace(sigma=4)")
    assert_allclose(case.truth.levels, 5)
    assert_allclose(case.given.std(axis=0), 5, rtol=0.02)


def test_standardised_samples_have_their_truth_in_the_new_unit():
    item = weighted_dag("chain", CHAIN, 100_000)
    case = posed(item, "hetero(low=1, high=4) + standardised")
    assert_allclose(case.given.mean(axis=0), 0, atol=1e-12)
    assert_allclose(case.given.std(axis=0), 1)
    left = case.given - case.given @ case.truth.weights
    assert_allclose(left.std(axis=0), case.truth.levels, rtol=0.02)
    assert_allclose(np.corrcoef(left, rowvar=False), np.eye(3), atol=0.02)


def test_a_bootstrap_draws_rows():
    item = measured_dag("m", np.arange(60.0).reshape(20, 3) ** 2, CHAIN != 0)
    one, other = posed(item, "bootstrap").given, posed(item, "bootstrap", seed=1).given
    assert one.shape == (20, 3) and not np.array_equal(one, other)
    assert {row.tobytes() for row in one} < {row.tobytes() for row in item.values}


def test_noise_is_keyed_by_graph_regime_seed_and_draw():
    item = weighted_dag("chain", CHAIN, 40)
    cases = [posed(item, seed=seed, draw=draw) for seed, draw in itertools.product((0, 1), (0, 1))]
    cases += [posed(item, "equal(sigma=2)"), posed(weighted_dag("other", CHAIN * 2, 40))]
    assert len({case.input_sha256 for case in cases}) == 6
    assert posed(item).input_sha256 == posed(weighted_dag("renamed", CHAIN, 40)).input_sha256


@pytest.mark.parametrize("regime", GOLDEN)
def test_a_regime_draws_the_same_on_every_machine(regime: str):
    assert posed(weighted_dag("chain", CHAIN, 40), regime).input_sha256.startswith(GOLDEN[regime])


def test_what_does_not_fit_together_is_said():
    made, measured = weighted_dag("chain", CHAIN, 40), measured_dag("m", np.eye(3), CHAIN != 0)
    with pytest.raises(nb.Skip, match=r"give a regime .*equal\(sigma="):
        posed(made, "none")
    with pytest.raises(nb.Skip, match="were measured.*: give none, .*bootstrap"):
        posed(measured, "equal(sigma=1)")
    with pytest.raises(nb.UsageError, match="write noise first"):
        posed(made, "standardised + equal(sigma=1)")
    with pytest.raises(ValueError, match="of 'noise' or of 'samples'"):
        TRACK.declare("regime", {"of": "weights"})


def test_the_truth_is_not_sent_to_the_process_of_a_method():
    case = posed(weighted_dag("chain", CHAIN, 40), "hetero(low=1, high=9)")
    sent = pickle.loads(pickle.dumps(case))
    assert np.array_equal(sent.given, case.given) and sent.wanted == (4, 3)
    assert not hasattr(sent, "truth") and "levels" not in repr(sent.info)
    assert CHAIN.tobytes() not in pickle.dumps(case) and case.truth.levels.tobytes() not in pickle.dumps(case)
    with pytest.raises(TypeError, match="stays with the scorer"):
        TRACK.score(np.zeros((4, 3)), None, sent, bind("as_given", "protocol", "graph"), [])


# ---- outputs


@pytest.mark.parametrize(
    ("output", "what"),
    [
        (np.zeros((2, 3)), r"weights of shape \(2, 3\)"),
        (np.full((3, 3), np.nan), r"not finite \(NaN\)"),
        (np.zeros((3, 3), dtype=complex), "an array of numbers"),
        (np.eye(3), "variable 0 to itself"),
        ([[0.0] * 3] * 3, "returned list"),
        ((np.zeros((3, 3)), np.zeros(2)), "noise levels of shape"),
        ((np.zeros((3, 3)), -np.ones(3)), "below 0"),
    ],
)
def test_an_output_that_is_no_graph_is_refused(output, what):
    with pytest.raises(nb.Invalid, match=what):
        TRACK.open(bind("empty", "method", "graph")).accept(output, posed(weighted_dag("chain", CHAIN, 9)))


def test_booleans_are_edges():
    made = TRACK.open(bind("empty", "method", "graph")).accept(CHAIN != 0, posed(weighted_dag("chain", CHAIN, 9)))
    assert made.dtype == np.float64 and np.array_equal(made[:3], CHAIN != 0)


@pytest.mark.parametrize(
    ("weights", "what"),
    [
        (np.zeros((2, 3)), "a graph is"),
        (CHAIN + CHAIN.T, "form a cycle"),
        (np.full((2, 2), np.nan), "not finite"),
        (np.zeros((1, 1)), "2 or more"),
    ],
)
def test_what_is_no_graph_is_no_item(weights, what):
    with pytest.raises(ValueError, match=what):
        weighted_dag("x", weights, 10)


def test_measured_samples_that_do_not_fit_are_no_item():
    for values, what in ((np.zeros((5, 2)), r"samples \(N, 3\)"), (np.full((5, 3), np.inf), "not finite"),
                         (np.arange(5.0)[:, None] * [1, 0, 1], "variable 1 has one value")):  # fmt: skip
        with pytest.raises(ValueError, match=what):
            measured_dag("m", values, CHAIN != 0)


# ---- datasets


def test_random_graphs_are_what_they_say_and_keyed():
    for spec, edges in (
        ("erdos_renyi(n=3, d=20, edges=4, low=1, high=3)", 80),
        ("scale_free(n=3, d=20, low=1, high=3)", 36),
    ):
        items = [nb.open_dataset(bind(spec, "dataset", "graph")).load(i) for i in range(3)]
        assert len({item.id for item in items}) == 3 and not np.array_equal(items[0].weights, items[1].weights)
        again = nb.open_dataset(bind(spec, "dataset", "graph")).load(2)
        assert np.array_equal(items[2].weights, again.weights)
        for item in items:
            size = np.abs(item.weights[item.weights != 0])
            assert (len(size), item.count) == (edges, 1000) and size.min() >= 1 and size.max() <= 3
            assert 0.2 < (item.weights[item.weights != 0] > 0).mean() < 0.8
    # Few variables are effects of many in a scale-free graph, and each new one has two effects.
    heavy = nb.open_dataset(bind("scale_free(n=1, d=200)", "dataset", "graph")).load(0).weights != 0
    plain = nb.open_dataset(bind("erdos_renyi(n=1, d=200)", "dataset", "graph")).load(0).weights != 0
    assert heavy.sum(axis=0).max() > 2 * plain.sum(axis=0).max() and set(heavy.sum(axis=1)) == {0, 2}
    assert 0.4 < np.triu(plain).sum() / plain.sum() < 0.6, "the order of the variables tells nothing"


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ("erdos_renyi(d=4, edges=2)", "edges=2 .*d=4 .* 6 pairs: give"),
        ("erdos_renyi(low=3, high=2)", "low=3 is above high=2: give"),
        ("scale_free(d=2, edges=2)", "d=2 is not above edges=2: give"),
        ("table(path=nowhere)", r"no \.csv file"),
    ],
)
def test_datasets_that_cannot_be_are_refused(spec, what):
    with pytest.raises(nb.UsageError, match=what):
        nb.open_dataset(bind(spec, "dataset", "graph"))


def test_a_table_of_the_user(tmp_path: Path):
    rows = np.random.default_rng(0).normal(size=(12, 3))
    np.savetxt(tmp_path / "mine.csv", rows, delimiter=",", header="a,b,c", comments="")
    np.savetxt(tmp_path / "mine.graph.csv", CHAIN, delimiter=",")
    data = nb.open_dataset(bind(f"table(path='{tmp_path}')", "dataset", "graph"))
    item = data.load(0)
    assert list(data.ids) == [item.id] == ["mine"] and item.count == 12
    assert_allclose(item.values, rows)
    assert np.array_equal(item.weights, CHAIN != 0)
    (tmp_path / "mine.graph.csv").write_text("0,1,0\n0,0,1\n1,0,0\n")
    with pytest.raises(nb.UsageError, match=r"mine\.csv: .*cycle"):
        data.load(0)
    (tmp_path / "mine.graph.csv").unlink()
    with pytest.raises(nb.UsageError, match=r"put mine\.graph\.csv beside it"):
        data.load(0)
    (tmp_path / "mine.csv").write_text("1,2\n3,x\n")
    (tmp_path / "mine.graph.csv").write_text("0,1\n0,0\n")
    with pytest.raises(nb.UsageError, match="cannot be read"):
        data.load(0)


def test_a_table_is_found_however_its_ending_is_written(tmp_path: Path):
    for name, graph in (("a.csv", "a.graph.csv"), ("b.CSV", "b.graph.CSV")):
        np.savetxt(tmp_path / name, np.arange(12.0).reshape(4, 3), delimiter=",")
        np.savetxt(tmp_path / graph, CHAIN, delimiter=",")
    data = nb.open_dataset(bind(f"table(path='{tmp_path}')", "dataset", "graph"))
    assert [data.load(index).id for index in range(len(data.ids))] == ["a", "b"]


@pytest.mark.data
def test_sachs_is_the_published_one(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    if not (data_dir / "sachs").is_dir():
        pytest.skip(f"no sachs at {data_dir}")
    monkeypatch.setenv("NOISEBENCH_DATA", str(data_dir))
    for spec, edges in (("sachs", 20), ("sachs(graph=bnlearn17, log=False)", 17)):
        item = nb.open_dataset(bind(spec, "dataset", "graph")).load(0)
        assert item.values.shape == (853, 11) and item.weights.sum() == edges
    assert scores(item.weights, item, "shd", regime="standardised") == [0]


def test_sachs_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NOISEBENCH_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    data = nb.open_dataset(bind("sachs", "dataset", "graph"))
    with pytest.raises(nb.UsageError, match=r"sachs is not at .*sachs\.npz"):
        data.load(0)
    (tmp_path / "sachs").mkdir()
    np.savez(tmp_path / "sachs" / "sachs.npz", x=np.ones((853, 11)), adj_consensus20=np.zeros((11, 11)))
    with pytest.raises(nb.UsageError, match=r"sachs\.npz .*published .*: get it again"):
        data.load(0)


# ---- methods


def small(count: int = 2000) -> LinearDag:
    weights = np.zeros((5, 5))
    weights[3, 1], weights[3, 0], weights[1, 4], weights[0, 4], weights[4, 2] = 1.2, -0.9, 0.8, 1.4, -1.1
    return weighted_dag("small", weights, count)


FAST = "rate=0.001, warm=4000, last=8000"


@pytest.mark.parametrize("method", ["oracle", "sortnregress", "notears", f"dagma_ls({FAST})", f"colide({FAST})",
                                    f"colide(variance=nv, {FAST})", "golem(steps=6000)",
                                    "golem(variance=nv, steps=4000)"])  # fmt: skip
def test_a_small_graph_is_found_again(method: str):
    output = learn(method, small())
    assert scores(output[:-1], small(), "shd") == [0]
    assert np.abs(output[:-1] - small().weights).max() < 0.25
    assert_allclose(output[-1], 1, atol=0.15)


def test_skewed_noise_tells_the_order_without_the_variances():
    output = learn("direct_lingam", small(), "gumbel(sigma=1) + standardised")
    assert scores(output[:-1], small(), "shd", regime="gumbel(sigma=1) + standardised") == [0]
    assert scores(learn("sortnregress", small(), "gumbel(sigma=1) + standardised")[:-1], small(), "shd") != [0]


def test_sanity_rows():
    item = small()
    assert not learn("empty", item)[:-1].any()
    joined = learn("correlation_threshold(least=0.5)", item)[:-1]
    expected = np.corrcoef(posed(item).given, rowvar=False)
    assert_allclose(joined, np.where((np.abs(expected) > 0.5) & ~np.eye(5, dtype=bool), expected, 0), atol=1e-12)
    assert np.array_equal(learn("oracle", item, "equal(sigma=1) + standardised")[:-1] != 0, item.weights != 0)


def test_sorting_by_what_others_explain_does_not_hang_on_the_unit():
    x = posed(small()).given
    item = measured_dag("m", x, small().weights)
    other = measured_dag("m", x * [1, 100, 0.01, 5, 0.3], small().weights)
    by_r2 = [learn("sortnregress(by=r2)", each, "none")[:-1] != 0 for each in (item, other)]
    by_variance = [learn("sortnregress", each, "none")[:-1] != 0 for each in (item, other)]
    assert np.array_equal(*by_r2) and not np.array_equal(*by_variance)


def path_by_definition(x: np.ndarray, kind: str, steps: int, rate: float) -> tuple[np.ndarray, float]:
    """The stages written out plainly, without checks: weights, and the least entry of an inverse."""
    c = np.cov(x, rowvar=False, bias=True)
    d, w = len(c), np.zeros_like(c)
    s = {"ev": np.sqrt(np.diag(c)).min(), "nv": np.sqrt(np.diag(c)), "ls": 1.0}[kind]
    least = np.inf
    for stage, rho in enumerate((1.0, 0.9, 0.8, 0.7)):
        mu, m, v = 10.0**-stage, 0.0, 0.0
        for t in range(1, steps + 1):
            inverse = np.linalg.inv(rho * np.eye(d) - w * w)
            least = min(least, inverse.min())
            score = -c @ (np.eye(d) - w) @ np.diag(np.ones(d) / s) + 0.05 * np.sign(w)
            g = mu * score + 2 * w * inverse.T
            m, v = 0.99 * m + 0.01 * g, 0.999 * v + 0.001 * g**2
            w = w - rate * (m / (1 - 0.99**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
            left = np.diag((np.eye(d) - w).T @ c @ (np.eye(d) - w))
            s = {"ev": np.sqrt(left.mean()), "nv": np.sqrt(left), "ls": 1.0}[kind]
    return w, least


@pytest.mark.parametrize("kind", ["ev", "nv", "ls"])
def test_a_path_is_its_definition(kind: str):
    from noisebench.methods.graph._path import PathSchedule, follow_path

    x = posed(small(300)).given
    found, levels = follow_path(x, kind, PathSchedule(0.05, 0.001, 800, 800), lambda done, of: None)
    plain, least = path_by_definition(x, kind, 800, 0.001)
    assert least > -1e-6, "no step has to be taken back"
    assert_allclose(found, plain, atol=1e-9)
    assert_allclose(levels, level_of(kind, residual_variances(plain, covariance(x))), rtol=1e-8)


def test_steps_that_leave_the_domain_are_taken_back():
    from noisebench.methods.graph._path import PathSchedule, follow_path

    item = nb.open_dataset(bind("erdos_renyi(n=1, d=8, edges=3)", "dataset", "graph")).load(0)
    x = posed(item).given
    assert path_by_definition(x, "ev", 40, 0.2)[1] < -1e-6, "without steps back they leave it"
    found, levels = follow_path(x, "ev", PathSchedule(0.05, 0.2, 1500, 1500), lambda done, of: None)
    # Within the widest barrier of a stage that was begun again.
    assert (
        np.isfinite(found).all() and (levels > 0).all() and np.linalg.inv(1.5 * np.eye(8) - found * found).min() > -1e-6
    )


def test_a_stage_that_begins_outside_of_its_domain_is_none():
    from noisebench.methods.graph._path import _stage

    cov, ring = np.eye(2), np.array([[0, 1.2], [1.2, 0]])
    for barrier, inside in ((1.0, False), (1.5, True)):
        end = _stage(ring, np.ones(2), cov, "ev", 0.05, 1.0, barrier, 0.001, 10, lambda t: None)
        assert (end is not None) == inside


def test_one_level_for_all_and_a_level_for_each():
    item = small()
    one, each = (
        learn(f"colide(variance={kind}, {FAST})", item, "hetero(low=0.5, high=10)")[-1] for kind in ("ev", "nv")
    )
    true = posed(item, "hetero(low=0.5, high=10)").truth.levels
    assert np.ptp(one) == 0 and one[0] == pytest.approx(np.sqrt((true**2).mean()), rel=0.1)
    assert_allclose(each, true, rtol=0.1)


def test_weights_are_pruned_to_a_graph():
    from noisebench.methods.graph._pruned import pruned

    near = np.array([[0, 2.0, 0.1], [0.5, 0, 1.0], [0.7, 0, 0]])
    assert pruned(near, 0.3).tolist() == [[0, 2, 0], [0, 0, 1], [0, 0, 0]]
    assert pruned(near, 0.6).tolist() == [[0, 2, 0], [0, 0, 1], [0, 0, 0]]
    assert not pruned(near, 2).any()


def test_variables_that_are_constant_or_the_same_are_no_crash():
    x = posed(small(60)).given
    same = measured_dag("same", np.column_stack([x, x[:, 0]]), np.zeros((6, 6)))
    for method in ("sortnregress", "sortnregress(by=r2)", "direct_lingam", "colide(warm=200, last=200)", "notears",
                   "colide(variance=nv, warm=200, last=200)", "golem(steps=200)", "correlation_threshold"):  # fmt: skip
        assert np.isfinite(learn(method, same, "none")).all(), method
    constant = x.copy()
    constant[:, 1] = 3.0
    for method in ("colide", "dagma_ls", "golem"):
        with pytest.raises(nb.Skip, match="variable 1 has one value alone"):
            bind(method, "method", "graph").entry.obj(constant, posed(small()).info)


def test_marks_of_causal_learn_are_read():
    from noisebench.methods.graph._causal_learn import edges_of

    marks = np.zeros((4, 4))
    marks[1, 0], marks[0, 1] = 1, -1  # 0 → 1
    marks[1, 2] = marks[2, 1] = -1  # 1 — 2
    marks[2, 3] = marks[3, 2] = 1  # 2 ↔ 3
    assert np.argwhere(edges_of(marks)).tolist() == [[0, 1], [1, 2], [2, 1], [2, 3], [3, 2]]


def test_pc_and_ges_find_the_class_of_a_graph():
    pytest.importorskip("causallearn", reason="needs causal-learn: pip install 'noisebench[graph]'")
    for method in ("pc", "ges"):
        assert scores(learn(method, small(5000))[:-1], small(5000), "shd_cpdag") == [0]


def test_without_causal_learn_pc_and_ges_are_skipped(monkeypatch: pytest.MonkeyPatch):
    import sys

    monkeypatch.setitem(sys.modules, "causallearn.search.ConstraintBased.PC", None)
    monkeypatch.setitem(sys.modules, "causallearn.search.ScoreBased.GES", None)
    for method in ("pc", "ges"):
        with pytest.raises(nb.Skip, match=r"pip install .noisebench\[graph\]."):
            learn(method, small(50))


# ---- what a reader sees


def test_pictures_show_what_is_right_wrong_and_missing():
    from noisebench.tracks.graph.drawing import AGAINST, MISSED, PAGE, _squares

    item = weighted_dag("chain", CHAIN, 9)
    turned = CHAIN.copy()
    turned[1, 2], turned[2, 1] = 0, -1.0
    squares = _squares(turned, CHAIN != 0)
    assert tuple(squares[1, 2]) == MISSED and tuple(squares[0, 2]) == PAGE and tuple(squares[2, 0]) == AGAINST
    blue, orange = squares[0, 1], squares[2, 1]
    assert blue[2] > blue[0] and orange[0] > orange[2]
    parts = TRACK.outputs.panel(item, posed(item), np.vstack([turned, np.ones(3)]))
    assert set(parts) == {"truth", "graph"} and all(png.startswith(b"\x89PNG") for png in parts.values())


def test_a_report_shows_the_true_graph_beside_those_found(cli, tmp_path: Path):
    what = ("--methods", "empty", "oracle", "--datasets", "erdos_renyi(n=2, d=5, edges=1, samples=50)")
    cli("run", "--track", "graph", *what, "--regimes", "equal(sigma=1)", "--store", "s", "--keep", "sample")
    cli("report", "s", "--to", "board")
    (drawing,) = (tmp_path / "board" / "plots").glob("drawing-01*.png")
    assert drawing.stat().st_size > 5000
    board = (tmp_path / "board" / "leaderboard.md").read_text()
    assert "shd" in board and "psnr" not in board and "picture" not in board.lower()
