"""The filter of finished records: known density ratios, exact trees, saving, and Ctrl-C."""

import numpy as np
import pytest
import torch

from shd.synthesizers import critics
from shd.synthesizers._training import under
from shd.synthesizers.critics import CAP, Filter, NetworkCritic, TreeCritic
from shd.synthesizers.tabular_game import OneHot

CRITICS = {
    "network": lambda sizes: (NetworkCritic(OneHot(sizes), width=16), 3000),
    "trees": lambda sizes: (TreeCritic(sizes), 100),
}


def bits(rng: np.random.Generator, n: int, columns: int) -> np.ndarray:
    return rng.integers(0, 2, (n, columns))


@pytest.mark.parametrize("name", CRITICS)
def test_a_critic_knows_how_much_more_often_a_real_record_comes(name):
    """In the real table the two columns always agree; the generator draws them independently."""
    real = np.repeat([[0, 0], [1, 1]], 500, axis=0)
    critic, steps = CRITICS[name]([2, 2])
    ratio = np.exp(
        critic.fit(real, bits(np.random.default_rng(0), 2000, 2), steps).log_ratio(np.array([[0, 0], [0, 1]]))
    )
    assert ratio[0] == pytest.approx(2, rel=0.2)  # twice as often as generated
    assert ratio[1] < 0.2


def test_trees_find_what_no_pair_shows():
    """Each pair of columns is independent; only all three together give a record away."""
    rng = np.random.default_rng(0)
    real, fake = bits(rng, 2000, 3), bits(rng, 2000, 3)
    real[:, 2] = real[:, 0] ^ real[:, 1]
    ratio = np.exp(TreeCritic([2, 2, 2]).fit(real, fake, 100).log_ratio(np.array([[0, 1, 1], [0, 1, 0]])))
    assert ratio[0] == pytest.approx(2, rel=0.2)
    assert ratio[1] < 0.1


def test_trees_tell_equal_tables_apart_by_little():
    rng = np.random.default_rng(0)
    critic = TreeCritic([2, 2, 2]).fit(bits(rng, 5000, 3), bits(rng, 5000, 3), 100)
    assert np.abs(critic.log_ratio(bits(rng, 100, 3))).max() < 0.25


def test_a_tree_is_eight_questions_and_an_answer():
    """Two trees by hand: code 270 of column 1 sets the lowest bit of the first, code 1 of column 0 the highest."""
    critic = TreeCritic([2, 300])
    critic.bits = np.zeros((302, 2), dtype=np.uint8)
    critic.bits[2 + 270, 0], critic.bits[1, 0] = 1, 128
    critic.answer = np.stack([np.arange(256), np.full(256, 1000)]).astype(np.float32)
    codes = np.array([[0, 269], [0, 270], [1, 14], [1, 270]])
    assert critic.log_ratio(codes).tolist() == [1000, 1001, 1128, 1129]


def test_what_trees_learned_is_what_they_say():
    """The score kept while learning equals the one taken from the finished tables."""
    rng = np.random.default_rng(0)
    real, fake = rng.integers(0, 5, (300, 3)), rng.integers(0, 5, (300, 3)) ** 2 % 5
    critic = TreeCritic([5, 5, 5]).fit(real, fake, 5)
    by_hand = [
        sum(critic.answer[t][sum(int(critic.bits[5 * j + c, t]) for j, c in enumerate(row))] for t in range(5))
        for row in real[:20]
    ]
    assert critic.log_ratio(real[:20]) == pytest.approx(by_hand, abs=1e-5)


def test_trees_ask_about_numbers_in_order():
    """Real records have high codes; the ratio of a code that never came follows its neighbours."""
    rng = np.random.default_rng(0)
    real, fake = rng.integers(20, 40, (2000, 1)), rng.integers(0, 40, (2000, 1))
    real, fake = real[real[:, 0] != 30], fake[fake[:, 0] != 30]
    ratio = np.exp(TreeCritic([40]).fit(real, fake, 50).log_ratio(np.array([[30], [5]])))
    assert ratio[0] > 1.2
    assert ratio[1] < 0.5


@pytest.mark.parametrize("name", CRITICS)
def test_the_same_seed_gives_the_same_critic_and_saving_keeps_it(name):
    rng = np.random.default_rng(0)
    real, fake, some = bits(rng, 400, 3), bits(rng, 400, 3), bits(rng, 50, 3)
    (first, _), (second, _), (loaded, _) = (CRITICS[name]([2, 2, 2]) for _ in range(3))
    ratio = first.fit(real, fake, 20).log_ratio(some)
    assert (second.fit(real, fake, 20).log_ratio(some) == ratio).all()
    assert (loaded.set_tensors(first.to_tensors()).log_ratio(some) == ratio).all()


def independent(rng: np.random.Generator):
    """A generator that keeps the condition, column 0, and draws column 1 without a look at it."""
    return lambda asked, _: np.column_stack([asked[:, 0], rng.integers(0, 2, len(asked))])


def learned(trees: int = 100) -> tuple[Filter, np.random.Generator]:
    rng = np.random.default_rng(0)
    draw, real = independent(rng), np.repeat([[0, 0], [1, 1]], 4000, axis=0)
    sieve = Filter([2, 2], width=16)
    sieve.learn(real, lambda n: sieve.sample(bits(rng, n, 1), draw, rng), steps=300, trees=trees, seed=0)
    return sieve, rng


def test_what_breaks_a_rule_is_sent_back():
    sieve, rng = learned()
    assert [critic.name for critic in sieve.critics] == ["network", "trees"]
    asked = bits(rng, 1000, 1)
    kept = sieve.sample(asked, independent(rng), rng)
    assert (kept[:, 0] == asked[:, 0]).all()  # a row is drawn again under its own condition
    assert (kept[:, 0] == kept[:, 1]).mean() > 0.98  # half of the draws


def test_a_filter_is_saved_whole():
    sieve, rng = learned()
    again = Filter([2, 2], width=16)
    again.set_tensors(under("filter.", {f"filter.{k}": v for k, v in sieve.to_tensors().items()}))
    some = bits(rng, 50, 2)
    assert (again.ratio(some) == sieve.rounded().ratio(some)).all()  # in half precision
    assert again.ratio(some) == pytest.approx(sieve.ratio(some), rel=1e-2)


def test_each_critic_judges_what_the_one_before_let_through():
    """The network's word counts as far as the cap reaches; what the trees say comes on top."""
    first, second = CRITICS["network"]([2])[0], CRITICS["network"]([2])[0]
    first.log_ratio = lambda codes: np.array([9.0, -1.0], dtype=np.float32)
    second.log_ratio = lambda codes: np.array([0.5, 0.25], dtype=np.float32)
    sieve = Filter([2], width=4)
    sieve.critics = [first, second]
    assert sieve.ratio(np.zeros((2, 1))) == pytest.approx([CAP * np.exp(0.5), np.exp(-0.75)])


def test_without_critics_records_come_as_drawn():
    sample = Filter([2, 2], width=4).sample(
        np.array([[1], [0]]), lambda asked, _: np.add(asked, [0, 1]), np.random.default_rng(0)
    )
    assert sample.tolist() == [[1, 2], [0, 1]]


def test_parts_are_drawn_side_by_side_and_come_in_order(monkeypatch):
    """Each part has a random generator of its own: the rows do not depend on the number of cores."""
    monkeypatch.setattr(critics, "_ROWS_AT_ONCE", 10)
    asked = np.arange(45)[:, None]

    def draw(asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.column_stack([asked, rng.integers(0, 1000, len(asked))])

    first, second = (Filter([45, 1000], width=4).sample(asked, draw, np.random.default_rng(0)) for _ in range(2))
    assert (first[:, 0] == asked[:, 0]).all()
    assert (first == second).all()
    assert len(np.unique(first[:, 1])) > 35  # the parts do not repeat each other


def test_it_gives_up_after_some_rounds():
    sieve = Filter([2], width=4)
    sieve.critics = [CRITICS["network"]([2])[0]]
    sieve.ratio = lambda codes: np.zeros(len(codes))
    kept = sieve.sample(np.array([[1], [0]]), lambda asked, _: asked, np.random.default_rng(0))
    assert kept.tolist() == [[1], [0]]


def test_small_tables_take_fewer_trees():
    rng = np.random.default_rng(0)
    sieve = Filter([2, 2], width=4)
    sieve.learn(bits(rng, 120, 2), lambda n: bits(rng, n, 2), steps=0, trees=100, seed=0)
    assert len(sieve.critics[0].answer) == 2


def test_ctrl_c_keeps_the_critics_that_are_ready(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(critics.TreeCritic, "fit", interrupted)
    sieve, _ = learned()
    assert [critic.name for critic in sieve.critics] == ["network"]
    assert "1 of 2" in capsys.readouterr().err


def test_answers_are_kept_in_half_precision():
    sieve, _ = learned(trees=3)
    tensors = sieve.to_tensors()
    assert tensors["trees.answer"].dtype == torch.float16 and tensors["trees.bits"].dtype == torch.uint8
    assert tensors["trees.answer"].shape == (3, 256)
