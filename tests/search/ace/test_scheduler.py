"""AceScheduler alone on Ray: what it stops, what trials evaluate, and input that is wrong."""

import logging
import math
import subprocess
import sys

import pytest

from search.ace.options import AceError
from tests.search.ace.curve import curve_trainable
from tests.search.ace.expected import plain, walk

# Ray's own: it closes sockets and files when it is collected, and reads pandas' old option.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
]

T = 8
CURVES = [
    {"objective": [0.50, 0.60, 0.70, 0.75], "constraint": [0.40, 0.30, 0.20]},
    {"objective": [0.55, 0.65, 0.80], "constraint": [0.50]},
    {"objective": [0.20, 0.30], "constraint": [0.10]},
    {"objective": [0.58, 0.61, 0.72, 0.78], "constraint": [0.35, None, 0.22]},
    {"objective": [0.10, 0.15], "constraint": [0.10]},
    {"objective": [0.59, None, 0.90], "constraint": [0.60, 0.60, 0.24]},
    {"objective": [0.57, 0.66, 0.77], "constraint": [0.90], "crash_at": 4},
    {"objective": [0.60, 0.67, 0.79], "constraint": [0.45, 0.28, 0.25]},
    {"objective": [0.05], "constraint": [0.10]},
    {"objective": [0.61, 0.68, 0.81], "constraint": [0.95]},
]


def run(ray, folder, ace, space, *, trainable=None, num_samples=1, slots=1, resources=None, **tuned):
    """Fit and return the results."""
    from ray import tune

    given = ace.trainable(curve_trainable()) if trainable is None else trainable
    if resources:
        given = tune.with_resources(given, resources)
    return tune.Tuner(
        given,
        param_space=space,
        tune_config=tune.TuneConfig(
            scheduler=ace, num_samples=num_samples, reuse_actors=True, max_concurrent_trials=slots, **tuned
        ),
        run_config=tune.RunConfig(storage_path=folder, verbose=0, callbacks=[ace.callback()]),
    ).fit()


def test_a_tuning_is_algorithm_3(ray_session, tune_folder):
    """One trial at a time: each record, each stop and the best are those of a plain walk over the curves.

    With an objective and a constraint that are no numbers, and a trial that crashes: the others go on.
    """
    from ray import tune

    from search.ace import AceScheduler

    ace = AceScheduler("score", "max", constraints={"g": 0.25}, max_iterations=T, interval="one")
    results = run(ray_session, tune_folder, ace, {"curve": tune.grid_search(CURVES)})
    expected, trials = walk(CURVES, ace.options)
    found = [ace.state.course(trial) for trial in ace.state.trials()]
    assert [plain(records) for records in found] == [plain(records) for records in trials]
    order = ace.state.trials()
    assert {order.index(trial): v.why for trial, v in ace.state.stops.items()} == {
        int(trial): v.why for trial, v in expected.stops.items()
    }
    assert len(expected.stops) >= 3
    assert ace.state.best is not None
    assert expected.best is not None
    assert ace.state.best.loss == expected.best.loss == -0.79
    assert "this trial crashes on purpose" in str(results.errors[0])
    assert results.num_errors == 1
    last = {r.metrics["trial_id"]: r.metrics for r in results}
    assert {trial for trial in last if last[trial]["ace/stopped"]} == set(ace.state.stops)
    processes = {r.metrics["pid"] for r in results}
    assert len(processes) <= 2  # reused; the crash cost one


def test_the_best_checkpoint_is_judged_at_the_end(ray_session, tune_folder, caplog):
    """beta = T: the objective peaks at 3, where the constraint differs from that of the end."""
    from ray import tune

    from search.ace import AceScheduler, read_books

    curves = [
        {"objective": [0.1, 0.2, 0.9, 0.3], "constraint": [1.0, 1.0, 0.4, 0.1]},
        {"objective": [0.1, 0.2, 0.3, 0.4], "constraint": [0.1, 0.1, 0.1, 0.5], "total": 5},
    ]
    ace = AceScheduler("score", "max", constraints={"g": 0.25}, max_iterations=4, interval="last")
    with caplog.at_level(logging.WARNING, "search.ace"):
        results = run(ray_session, tune_folder, ace, {"curve": tune.grid_search(curves)})
    final = [r.metrics for r in results]
    assert [(m["ace/candidate_iter"], m["ace/candidate"], m["ace/g/g"]) for m in final] == [
        (3, 0.9, 0.4),
        (5, 0.4, 0.5),
    ]
    assert [(m["ace/iteration"], m["score"]) for m in final] == [(4, 0.3), (5, 0.4)]
    assert [list(r.metrics_dataframe["ace/evaluated"]).count(True) for r in results] == [1, 1]
    assert "no trial met g <= 0.25. The closest was trial" in caplog.text
    assert "at iteration 4: g = 0.4, score = 0.9" in caplog.text
    assert list(read_books(results.experiment_path).records()) == list(ace.state.records())


def test_one_probe_finds_the_cost_ratio(ray_session, tune_folder):
    """A dear constraint: the first report evaluates it once, all others wait for the end of their trial."""
    from search.ace import AceScheduler

    curve = {"objective": [0.1, 0.2, 0.3], "constraint": [0.1], "constraint_s": 0.03, "pause_s": 0.001}
    ace = AceScheduler("score", "max", constraints={"g": 0.25}, max_iterations=4)
    results = run(ray_session, tune_folder, ace, curve, num_samples=4, slots=2, metric="score", mode="max")
    evaluated = [
        (record.trial_id, record.iteration) for record in ace.state.records() if record.g is not None
    ]
    early = [item for item in evaluated if item[1] < 4]
    assert len(early) == 1
    assert early[0][1] == 1
    assert len(evaluated) == 5
    assert {r.metrics["ace/beta"] for r in results} == {4}
    assert all(r.metrics["ace/r"] > 2 for r in results)


def test_a_trainable_that_knows_nothing_of_ace(ray_session, tune_folder):
    """A function that reports the constraint under its own name, at some iterations."""
    from ray import tune

    from search.ace import AceScheduler

    def train(config):
        for t in range(1, 4):
            report = {"score": config["x"] * t}
            if t == 3:
                report["g"] = 0.1 * config["x"]
            tune.report(report)

    ace = AceScheduler("score", "max", constraints={"g": 0.25})
    run(ray_session, tune_folder, ace, {"x": tune.grid_search([2, 3])}, trainable=train)
    assert [plain(ace.state.course(trial)) for trial in ace.state.trials()] == [
        [(1, -2.0, "None"), (2, -4.0, "None"), (3, -6.0, "(0.2,)")],
        [(1, -3.0, "None"), (2, -6.0, "None"), (3, -9.0, "(0.30000000000000004,)")],
    ]


def test_a_trainable_that_never_reports_the_metric(ray_session, tune_folder):
    from ray import tune

    from search.ace import AceScheduler

    def train(config):
        tune.report({"loss": 1.0})

    ace = AceScheduler("score", "max", constraints={"g": 0.25})
    with pytest.raises(Exception, match=r"did not include the specified metric.*`score` that `AceScheduler`"):
        run(ray_session, tune_folder, ace, {}, trainable=train)


def test_metric_and_mode_of_tune_config_must_agree():
    from search.ace import AceScheduler

    ace = AceScheduler("score", "max", constraints={})
    assert ace.set_search_properties(None, None)
    assert ace.set_search_properties("score", "max")
    with pytest.raises(
        AceError, match="TuneConfig says metric='loss', mode='max', AceScheduler says 'score'"
    ):
        ace.set_search_properties("loss", None)


def test_a_scheduler_of_options_is_that_scheduler():
    from search.ace import AceScheduler

    ace = AceScheduler("score", "max", constraints={"g": 0.25}, truncation=0.5, stopping="hard")
    same = AceScheduler.of(ace.options)
    assert (same.options, same.metric) == (ace.options, "score")
    assert same.debug_string() == "ACE: 0 reports, 0 trials stopped, best feasible none"


def test_ace_needs_nothing_else_of_this_project():
    code = (
        "import sys\nfrom search.ace import AceScheduler, AceStateCallback, ConstrainedTrainable\n"
        "own = {m for m in sys.modules if m.split('.')[0] in ('inspector', 'search', 'export', 'edge_app')}\n"
        "print(sorted(m for m in own if not m.startswith('search.ace')), 'torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "['inspector', 'inspector.errors', 'search'] False\n"


def test_a_board_gives_the_probe_away_once_and_takes_it_back(ray_session):
    from search.ace.board import BoardLink, start_board
    from search.ace.state import Standing

    board = start_board("an experiment", Standing(0.5, 2.0))
    link, other = BoardLink("an experiment"), BoardLink("another experiment")
    assert link.read() == Standing(0.5, 2.0)
    assert other.read() == Standing()
    assert [link.claim_probe(trial) for trial in "aab"] == [True, True, False]
    ray_session.get(board.release_probe.remote("b"))
    assert not link.claim_probe("b")
    ray_session.get(board.release_probe.remote("a"))
    assert link.claim_probe("b")


def test_a_trial_goes_on_without_its_board(ray_session):
    from search.ace.board import BoardLink, start_board
    from search.ace.state import Standing

    board = start_board("a lost experiment", Standing(0.5, 2.0))
    link = BoardLink("a lost experiment")
    ray_session.kill(board)
    assert link.read().best_feasible_loss == math.inf
    assert not link.claim_probe("a")
