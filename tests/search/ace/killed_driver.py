"""A driver that a test kills: `killed_driver ADDRESS FOLDER`; it prints how many reports its books hold."""

import sys
from typing import Any

import ray
from ray import tune

import tests.search.ace.local_ray  # noqa: F401  (sets Ray's environment before Ray is imported)
from search.ace import AceScheduler
from tests.search.ace.curve import curve_trainable
from tests.search.ace.resumed import CURVES, NAME, scheduler


class Counter(tune.Callback):
    """Tells the test how far the books are."""

    def __init__(self, ace: AceScheduler) -> None:
        self.ace = ace

    def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: Any, **info: Any) -> None:
        print(len(self.ace.state), flush=True)


def main() -> None:
    address, folder = sys.argv[1:]
    ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    ace = scheduler()
    tune.Tuner(
        ace.trainable(curve_trainable()),
        param_space={"curve": tune.grid_search(CURVES)},
        tune_config=tune.TuneConfig(scheduler=ace, reuse_actors=True, max_concurrent_trials=1),
        run_config=tune.RunConfig(
            name=NAME,
            storage_path=folder,
            verbose=0,
            callbacks=[ace.callback(), Counter(ace)],
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=3),
        ),
    ).fit()


if __name__ == "__main__":
    main()
