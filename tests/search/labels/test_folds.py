"""Parts into folds."""

from __future__ import annotations

from collections import Counter

import numpy as np

from search.labels.folds import assign_folds


def test_a_part_is_in_one_fold_and_classes_are_spread() -> None:
    labels = ["a"] * 20 + ["b"] * 10
    groups = [f"a{i // 2}" for i in range(20)] + [f"b{i}" for i in range(10)]
    folds = assign_folds(labels, groups, num_folds=5, seed=3)
    assert all(len({folds[j] for j in range(30) if groups[j] == group}) == 1 for group in groups)
    assert Counter(zip(labels, folds.tolist(), strict=True)) == {
        **{("a", fold): 4 for fold in range(5)},
        **{("b", fold): 2 for fold in range(5)},
    }


def test_folds_depend_on_the_seed_and_not_on_the_order() -> None:
    labels, groups = ["a", "b"] * 20, [f"g{i}" for i in range(40)]
    folds = assign_folds(labels, groups, num_folds=4, seed=0)
    again = assign_folds(labels[::-1], groups[::-1], num_folds=4, seed=0)
    assert np.array_equal(folds, again[::-1])
    assert not np.array_equal(folds, assign_folds(labels, groups, num_folds=4, seed=1))
