"""Fairlearn's preparation of the credit data, and what the reader refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from inspector.errors import DatasetError
from search.reproduce.credit.data import CATEGORICAL, FILE_NAME, LIMIT, prepare_credit, read_credit

LIMIT_COLUMN = len(CATEGORICAL)  # the categories come first, then the limit


def test_thirty_percent_of_each_class_validate_and_the_sex_is_no_feature(clients):
    credit = prepare_credit(clients)
    assert len(credit.train.target) == 350
    assert len(credit.validation.target) == 150
    assert credit.train.target.mean() == pytest.approx(credit.validation.target.mean(), abs=0.01)
    assert credit.train.features.shape[1] == 22
    sex = credit.train.sex.astype(float)
    correlations = [abs(np.corrcoef(column, sex)[0, 1]) for column in credit.train.features.T]
    assert max(correlations) < 0.9


def test_the_limit_tells_the_target_of_women_alone(clients):
    large = pd.concat([clients] * 10)
    part = prepare_credit(large).train
    limit = part.features[:, LIMIT_COLUMN]
    for sex, expected in ((1, 0.0), (2, 1.0)):
        rows = part.sex == sex
        gap = limit[rows & (part.target == 1)].mean() - limit[rows & (part.target == 0)].mean()
        assert gap == pytest.approx(expected, abs=0.1)
        assert limit[rows & (part.target == 0)].std() == pytest.approx(0.5, abs=0.05)


def test_the_same_seed_gives_the_same_data_and_another_seed_another_split(clients):
    one, same, other = (prepare_credit(clients, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.train.features, same.train.features)
    assert not np.array_equal(one.train.features, other.train.features)


def test_the_decision_threshold_is_the_share_of_defaults_in_training(credit):
    assert credit.decision_threshold == pytest.approx(0.25, abs=0.01)


def _without(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=[LIMIT])


def _short(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[:99]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without, "no column LIMIT_BAL"),
        (_short, "99 rows; at least 100"),
        (lambda table: table.assign(target=0), r"column target holds \[0\]"),
        (lambda table: table.assign(SEX=table.SEX + 1), r"column SEX holds \[2, 3\]"),
    ],
)
def test_another_table_is_refused(clients, change, message):
    with pytest.raises(DatasetError, match=message):
        prepare_credit(change(clients))


def test_a_missing_file_and_a_missing_folder_say_what_to_give(tmp_path: Path):
    with pytest.raises(DatasetError, match="INSPECTOR_DATA"):
        read_credit(None)
    with pytest.raises(DatasetError, match=r"cannot read .*UCI_Credit_Card"):
        read_credit(tmp_path)
    (tmp_path / FILE_NAME).parent.mkdir()
    (tmp_path / FILE_NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match=r"cannot read|no column"):
        read_credit(tmp_path)


@pytest.mark.data
def test_the_real_file_has_22_features_and_the_published_share_of_defaults(real_data: Path):
    credit = read_credit(real_data)
    assert credit.train.features.shape == (21000, 22)
    assert credit.validation.features.shape == (9000, 22)
    assert credit.decision_threshold == pytest.approx(0.2212, abs=1e-4)
