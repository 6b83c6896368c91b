"""Reads the credit data and prepares it as Fairlearn does, in 70 % for training and 30 % for validation.

Source: [D] Sec. 4.3.2; the preparation is that of Fairlearn's credit example (shared/data/README.md).
Differs from the source: the noise and the split come from one fixed seed, so that every policy, searcher and
seed of an experiment meets the same data.

Unprepared, the constraint is vacuous. So the sex leaves the features, and the credit limit becomes noise that
tells the target of women alone: a model that follows it errs less on women than on men.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from inspector.errors import DatasetError
from search.streams import Purpose, stream

FILE_NAME = "uci_credit/UCI_Credit_Card.csv"
TARGET, SEX, LIMIT = "target", "SEX", "LIMIT_BAL"
FEMALE = 2  # the value of SEX for which the prepared limit tells the target
CATEGORICAL = ("EDUCATION", "MARRIAGE", "PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
NUMERICAL = (
    LIMIT, "AGE",
    "BILL_AMT1", "BILL_AMT2", "BILL_AMT3", "BILL_AMT4", "BILL_AMT5", "BILL_AMT6",
    "PAY_AMT1", "PAY_AMT2", "PAY_AMT3", "PAY_AMT4", "PAY_AMT5", "PAY_AMT6",
)  # fmt: skip
VALIDATION_SHARE = 0.3
LIMIT_NOISE = 0.5
MIN_ROWS = 100


@dataclass(frozen=True)
class Part:
    """Clients: features (N, 22) float64, target (N,) 0 or 1, sex (N,) 1 or 2."""

    features: np.ndarray
    target: np.ndarray
    sex: np.ndarray


@dataclass(frozen=True)
class CreditData:
    """The two parts, and which of the 22 features are categories, by column."""

    train: Part
    validation: Part
    categorical: tuple[int, ...]

    @property
    def decision_threshold(self) -> float:
        """Scores from here on are decided 1: the share of defaults in the training part."""
        return float(self.train.target.mean())


def read_credit(data: Path | None, *, seed: int = 0) -> CreditData:
    """Read, prepare and split the file below the folder of real data.

    Raises:
        DatasetError: no folder is given, the file is missing or unreadable, or lacks a column.
    """
    if data is None:
        raise DatasetError(
            "no folder of real data: give one with --data, or name it in INSPECTOR_DATA; "
            f"it has to hold {FILE_NAME}"
        )
    path = data / FILE_NAME
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {path}: {error}; it is the UCI credit card file") from error
    return prepare_credit(table, seed=seed)


def prepare_credit(table: pd.DataFrame, *, seed: int = 0) -> CreditData:
    """Prepare and split a table with the columns of the UCI credit card file.

    Raises:
        DatasetError: a column is missing, or the target or the sex has other than two values.
    """
    _check(table)
    rng = stream(Purpose.CREDIT, seed=seed, number=0)
    target = table[TARGET].to_numpy(np.int64)
    sex = table[SEX].to_numpy(np.int64)
    columns = {name: pd.Categorical(table[name]).codes.astype(np.float64) for name in CATEGORICAL}
    columns |= {name: table[name].to_numpy(np.float64) for name in NUMERICAL}
    noise = rng.normal(0.0, LIMIT_NOISE, len(table))
    columns[LIMIT] = np.where(sex == FEMALE, target + noise, noise)
    features = np.column_stack(list(columns.values()))
    in_validation = _stratified(target, rng)
    return CreditData(
        train=Part(features[~in_validation], target[~in_validation], sex[~in_validation]),
        validation=Part(features[in_validation], target[in_validation], sex[in_validation]),
        categorical=tuple(range(len(CATEGORICAL))),
    )


def _check(table: pd.DataFrame) -> None:
    missing = [name for name in (TARGET, SEX, *CATEGORICAL, *NUMERICAL) if name not in table.columns]
    if missing:
        raise DatasetError(f"the credit table has no column {missing[0]}; it is not the UCI credit card file")
    if len(table) < MIN_ROWS:
        raise DatasetError(f"the credit table has {len(table)} rows; at least {MIN_ROWS} are needed")
    for name, allowed in ((TARGET, {0, 1}), (SEX, {1, FEMALE})):
        found = set(table[name].unique().tolist())
        if found != allowed:
            raise DatasetError(f"column {name} holds {sorted(found)}, not the values {sorted(allowed)}")


def _stratified(target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mark 30 % of the clients of each class for validation, (N,) bool."""
    chosen = np.zeros(len(target), bool)
    for value in (0, 1):
        rows = np.flatnonzero(target == value)
        chosen[rng.permutation(rows)[: round(VALIDATION_SHARE * len(rows))]] = True
    return chosen
