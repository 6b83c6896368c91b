"""A credit table of 500 drawn clients, in the columns of the real one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from search.reproduce.credit.data import CATEGORICAL, NUMERICAL, SEX, TARGET, CreditData, prepare_credit


def draw_clients(num: int = 500, *, seed: int = 0) -> pd.DataFrame:
    """Clients whose target depends on their last payments and a little on their age."""
    rng = np.random.default_rng(seed)
    table = {name: rng.integers(-2, 4, num) for name in CATEGORICAL}
    table |= {name: rng.normal(0.0, 1000.0, num) for name in NUMERICAL}
    risk = 0.8 * table["PAY_0"] + 0.0005 * table["AGE"] + rng.normal(0.0, 1.0, num)
    table[TARGET] = (risk > np.quantile(risk, 0.75)).astype(np.int64)
    table[SEX] = rng.integers(1, 3, num)
    return pd.DataFrame(table)


@pytest.fixture(scope="session")
def clients() -> pd.DataFrame:
    return draw_clients()


@pytest.fixture(scope="session")
def credit(clients: pd.DataFrame) -> CreditData:
    return prepare_credit(clients)
