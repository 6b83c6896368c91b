"""The base class of trials, driven by hand: no Ray cluster."""

import math
import pickle

import pytest

from search.ace.options import AceError, AceOptions, Constraint
from tests.search.ace.curve import curve_trainable

OPTIONS = AceOptions("score", "max", (Constraint("g", 0.25),), max_iterations=4, interval="last")
CURVE = {"objective": [0.1, 0.9, 0.3, 0.2], "constraint": [0.9, 0.2, 0.8, 0.7]}


def make(config, options=OPTIONS):
    """Return a trial as Ray makes it in a worker, without the worker."""
    kind = curve_trainable()
    trial = kind.__new__(kind)
    trial._trial_info = None
    trial.setup(config, ace=options)
    return trial


@pytest.fixture(autouse=True)
def _one_node(monkeypatch):
    """The curve reports its node, which only a cluster has."""
    monkeypatch.setattr(
        "ray.get_runtime_context", lambda: type("Node", (), {"get_node_id": lambda self: "here"})()
    )


def test_the_model_is_the_present_one_after_the_best_was_judged():
    trial = make(CURVE)
    reports = [trial.step() for _ in range(4)]
    assert [report["ace/evaluated"] for report in reports] == [False, False, False, True]
    assert [report["done"] for report in reports] == [False, False, False, True]
    assert (reports[3]["ace/candidate_iter"], reports[3]["ace/g/g"]) == (2, 0.2)
    assert (reports[3]["score"], reports[3]["ace/best_feasible"]) == (0.2, 0.9)
    assert trial.at == 4


def test_a_restored_trial_goes_on_as_if_undisturbed(tmp_path):
    """Iterations, the kept checkpoint and its records; the first report afterwards carries those."""
    plain = make(CURVE)
    expected = [plain.step() for _ in range(4)]
    first = make(CURVE)
    for _ in range(3):
        first.step()
    first.save_checkpoint(str(tmp_path))
    second = make(CURVE)
    second.load_checkpoint(str(tmp_path))
    report = second.step()
    history = report.pop("ace/history")
    assert [(entry[0], entry[1]) for entry in history] == [(1, -0.1), (2, -0.9), (3, -0.3)]
    timed = {"ace/c1_s", "ace/c2_s", "ace/r"}
    assert {k: v for k, v in report.items() if k not in timed} == {
        k: v for k, v in expected[3].items() if k not in timed
    }


def test_a_reused_process_starts_over():
    trial = make(CURVE)
    trial.step()
    assert trial.reset_config({**CURVE, "total": 2})
    assert [trial.step()["done"] for _ in range(2)] == [False, True]


def test_a_checkpoint_of_another_version_is_refused(tmp_path):
    trial = make(CURVE)
    trial.step()
    trial.save_checkpoint(str(tmp_path))
    books = pickle.loads((tmp_path / "ace.pkl").read_bytes())
    (tmp_path / "ace.pkl").write_bytes(pickle.dumps({**books, "schema": 7}))
    with pytest.raises(
        AceError, match="has schema 7, this version reads 1; go on with the version that wrote"
    ):
        make(CURVE).load_checkpoint(str(tmp_path))


def test_an_objective_that_is_not_a_number_is_told_once(caplog):
    trial = make({"objective": [None], "constraint": [0.1]})
    reports = [trial.step() for _ in range(4)]
    assert all(math.isnan(report["score"]) for report in reports)
    assert not any(report["ace/evaluated"] for report in reports)
    assert caplog.text.count("score is not a number; it ranks last") == 1


def test_one_number_for_two_constraints():
    two = AceOptions("score", "max", (Constraint("g", 0.25), Constraint("ms", 5.0)), interval="one")
    with pytest.raises(
        AceError, match=r"constraint\(\) of Curve returned no value for g, ms; return a mapping"
    ):
        make(CURVE, two).step()


def test_no_iterations():
    with pytest.raises(AceError, match=r"total_iterations\(\) of Curve returned 0; it must be at least 1"):
        make({**CURVE, "total": 0})


def test_the_bare_class_has_no_options():
    kind = curve_trainable()
    with pytest.raises(AceError, match=r"give the Tuner scheduler.trainable\(Curve\), not the class itself"):
        kind.__new__(kind).setup({})
