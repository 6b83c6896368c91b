"""The names of policies and searchers: recipes and tables read them without starting Ray.

Source: [D] Sec. 4.3 (baselines and searchers), 4.3.4, 4.3.5.
Differs from the source: `tpe` is a searcher more.
"""

from __future__ import annotations

from typing import Literal, get_args

PolicyName = Literal[
    "no_stopping",
    "no_stopping_callback",
    "asha",
    "asha_callback",
    "ace",
    "ace_hard",
    "ace_noskip",
    "ace_beta_1",
    "ace_beta_T",
    "asha_stratum",
    "asha_stratum_not_fixed",
]
SearcherName = Literal["random", "tpe", "blend"]
POLICY_NAMES: tuple[PolicyName, ...] = get_args(PolicyName)
SEARCHER_NAMES: tuple[SearcherName, ...] = get_args(SearcherName)
