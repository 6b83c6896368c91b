"""What a trial is expected to cost, and how often to evaluate its constraint: numbers in, decision out.

Source: [D] Sec. 4.2.2 and 4.2.3, Eq. 4.1, 4.2, Theorem 2.
Differs from the source: Eq. 4.1 charges a trial that ends within its last interval for the whole interval,
so it overcounts where beta does not divide T; `exact_cost` truncates the last interval. The degenerate ends
of Theorem 2 (p = 0, p = 1, T = 1), where its threshold is 0/0 or infinite, are decided by their limits.

Symbols:  p stop probability   T iterations   beta interval   z evaluations, ceil(T/beta)
          C1 cost of one evaluation of the constraint   C2 cost of one iteration   r = C1/C2
"""

import math


def expected_cost(
    *, stop_probability: float, iterations: int, interval: float, cost_ratio: float, primary_cost: float = 1.0
) -> float:
    """Return E[C | beta] of Eq. 4.2, in the unit of `primary_cost` (C2).

    It is the cost where `interval` divides `iterations`, and its continuous extension elsewhere.
    """
    survivors = _survival(stop_probability, iterations / interval)
    return (
        primary_cost
        * (cost_ratio + interval)
        * _mean_evaluations(stop_probability, iterations / interval, survivors)
    )


def printed_cost(
    *, stop_probability: float, iterations: int, interval: int, cost_ratio: float, primary_cost: float = 1.0
) -> float:
    """Return E[C] of Eq. 4.1 as printed, term by term: the last interval is charged in full."""
    p, num = stop_probability, math.ceil(iterations / interval)
    reached = (1 - p) ** num * (cost_ratio * num + iterations)
    stopped = sum((1 - p) ** (k - 1) * p * (cost_ratio * k + k * interval) for k in range(1, num + 1))
    return primary_cost * (reached + stopped)


def exact_cost(
    *, stop_probability: float, iterations: int, interval: int, cost_ratio: float, primary_cost: float = 1.0
) -> float:
    """Return E[C] for any integer interval in 1..iterations: a last interval cut short costs its own length.

    The k-th interval is reached with probability (1-p)^(k-1) and then paid with one evaluation.
    """
    num = math.ceil(iterations / interval)
    survivors = _survival(stop_probability, num)
    full = (cost_ratio + interval) * _mean_evaluations(stop_probability, num, survivors)
    missing = num * interval - iterations
    return primary_cost * (full - missing * _survival(stop_probability, num - 1))


def interval_threshold(*, stop_probability: float, iterations: int) -> float:
    """Return the cost ratio below which evaluating at every iteration is cheapest (Theorem 2).

    (pT + q^T - 1) / (q - q^T) with q = 1 - p. Infinite for p = 1 or T = 1, 0 for p = 0.
    """
    p, T = stop_probability, iterations
    if p >= 1.0 or T <= 1:
        return math.inf
    if p <= 0.0:
        return 0.0
    log_q = math.log1p(-p)
    # expm1 keeps 1 - q^T exact where q^T is near 1.
    above = p * T + math.expm1(T * log_q)
    below = -(1 - p) * math.expm1((T - 1) * log_q)
    return above / below


def best_interval(*, stop_probability: float, iterations: int, cost_ratio: float) -> int:
    """Return beta*, 1 or `iterations`: how often to evaluate (Theorem 2); T where both cost the same."""
    threshold = interval_threshold(stop_probability=stop_probability, iterations=iterations)
    return 1 if cost_ratio < threshold else max(1, iterations)


def _survival(stop_probability: float, evaluations: float) -> float:
    """(1-p)^evaluations; 1 for no evaluations."""
    if stop_probability >= 1.0:
        return 1.0 if evaluations == 0 else 0.0
    return math.exp(evaluations * math.log1p(-stop_probability))


def _mean_evaluations(stop_probability: float, evaluations: float, survivors: float) -> float:
    """(1 - (1-p)^z) / p, whose limit for p = 0 is z."""
    return evaluations if stop_probability <= 0.0 else (1.0 - survivors) / stop_probability
