"""Reports as records, and options that cannot be."""

import math

import pytest

from search.ace.options import AceError, AceOptions, Constraint, constraints_of
from search.ace.record import read_history, read_record
from search.ace.stratum import Stratum

OPTIONS = AceOptions("auc", "max", (Constraint("eod", 0.25),))


def test_a_report_of_a_constrained_trainable():
    result = {
        "auc": 0.8,
        "ace/iteration": 7,
        "training_iteration": 2,  # restarted; ours goes on
        "ace/evaluated": True,
        "ace/candidate": 0.9,
        "ace/g/eod": 0.2,
        "ace/c1_s": 3.0,
    }
    record = read_record("a", result, OPTIONS)
    assert (record.iteration, record.loss, record.g, record.stratum) == (7, -0.9, (0.2,), Stratum.VALID)
    assert record.constraint_cost_s == 3.0


def test_a_carried_constraint_is_no_evaluation():
    result = {"auc": 0.8, "ace/iteration": 7, "ace/evaluated": False, "ace/g/eod": 0.2, "ace/c1_s": 3.0}
    record = read_record("a", result, OPTIONS)
    assert (record.loss, record.g, record.stratum) == (-0.8, None, Stratum.NO_CONSTRAINT)
    assert record.constraint_cost_s is None


@pytest.mark.parametrize(("extra", "g"), [({"eod": 0.3}, (0.3,)), ({}, None), ({"eod": None}, None)])
def test_a_report_of_a_trainable_that_knows_nothing_of_ace(extra, g):
    record = read_record("a", {"auc": 0.8, "training_iteration": 4, **extra}, OPTIONS)
    assert (record.iteration, record.loss, record.g) == (4, -0.8, g)


def test_values_that_are_not_numbers():
    result = {"auc": math.nan, "training_iteration": 1, "eod": math.nan}
    record = read_record("a", result, OPTIONS)
    assert (record.loss, record.stratum) == (math.inf, Stratum.INVALID)


def test_history():
    rows = [(1, -0.5, None, None), (2, -0.6, [0.2], 1.5)]
    records = read_history("a", {"ace/history": rows}, OPTIONS)
    assert [(record.iteration, record.loss, record.g) for record in records] == [
        (1, -0.5, None),
        (2, -0.6, (0.2,)),
    ]
    assert read_history("a", {}, OPTIONS) == []


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            {"loss": 0.1, "training_iteration": 1},
            r"trial a reported no 'auc'; report .*\(it reported: loss, training_iteration\)",
        ),
        ({"auc": "high", "training_iteration": 1}, "trial a reported auc = 'high'; it must be a number"),
        ({"auc": 0.5}, "neither 'ace/iteration' nor 'training_iteration'"),
    ],
)
def test_reports_that_cannot_be_read(result, message):
    with pytest.raises(AceError, match=message):
        read_record("a", result, OPTIONS)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mode": "up"}, "mode is 'up'; choose one of min, max"),
        ({"interval": "often"}, "interval is 'often'; choose one of adaptive, one, last, never"),
        ({"metric": ""}, "metric is empty"),
        ({"truncation": 25}, "truncation is 25; give a share between 0 and 1"),
        ({"max_iterations": 0}, "max_iterations is 0; a trial needs at least 1"),
        ({"reduction_factor": 1}, "reduction_factor is 1; rungs grow only from 2 on"),
        ({"constraints": (Constraint("g", 1), Constraint("g", 2))}, "constraint names are g, g; each may"),
    ],
)
def test_options_out_of_range(wrong, message):
    with pytest.raises(AceError, match=message):
        AceOptions(**{"metric": "auc", "mode": "max", **wrong})


@pytest.mark.parametrize(
    ("name", "threshold", "message"),
    [("", 1.0, "must not be empty"), ("a/b", 1.0, "'a/b' must not"), ("g", math.nan, "must be a finite")],
)
def test_constraints_that_cannot_be(name, threshold, message):
    with pytest.raises(ValueError, match=message):
        constraints_of({name: threshold})
