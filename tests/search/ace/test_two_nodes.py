"""Two nodes on one machine: the driver and the board on the first, the trials on the second."""

import pytest

from tests.search.ace.curve import curve_trainable
from tests.search.ace.expected import plain, walk
from tests.search.ace.local_ray import second_node

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning")]  # Ray's own files and sockets


@pytest.mark.slow
def test_trials_on_another_node_read_the_board(ray_session, tune_folder):
    """The second trial skips what the first one's best feasible score rules out: it has read the board."""
    from ray import tune

    from search.ace import AceScheduler

    curves = [
        {"objective": [0.1, 0.5], "constraint": [0.1]},
        {"objective": [0.2, 0.4, 0.7], "constraint": [0.1]},
    ]
    ace = AceScheduler("score", "max", constraints={"g": 0.25}, max_iterations=4, interval="one")
    with second_node(ray_session, resources={"second": 1}):
        results = tune.Tuner(
            tune.with_resources(ace.trainable(curve_trainable()), {"cpu": 0, "second": 1}),
            param_space={"curve": tune.grid_search(curves)},
            tune_config=tune.TuneConfig(scheduler=ace, max_concurrent_trials=1, reuse_actors=True),
            run_config=tune.RunConfig(storage_path=tune_folder, verbose=0, callbacks=[ace.callback()]),
        ).fit()
    _, trials = walk(curves, ace.options)
    found = [plain(ace.state.course(trial)) for trial in ace.state.trials()]
    assert found == [plain(records) for records in trials]
    assert [row[2] for row in found[1]] == ["None", "None", "(0.1,)", "(0.1,)"]
    assert {r.metrics["node"] for r in results} != {ray_session.get_runtime_context().get_node_id()}
