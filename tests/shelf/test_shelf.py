# test_shelf.py
import pytest

import mongoglot


@pytest.mark.parametrize("url", ["shelf:", "shelf-ranges:"])
def test_recorded_answers(url, assert_recorded):
    with mongoglot.connect(url) as store:
        assert assert_recorded(store) > 2700


@pytest.mark.parametrize("url", ["shelf:", "shelf-ranges:"])
def test_random_questions(url, assert_agreement):
    with mongoglot.connect(url) as store, mongoglot.connect("memory:") as reference:
        for seed in range(3):
            assert_agreement(store[f"c{seed}"], reference[f"c{seed}"], seed=seed)
