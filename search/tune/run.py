"""A whole tuning: trials under ACE, the best feasible checkpoint promoted and measured on real images once.

Source: [D] chapter 4.
Differs from the source: what the trials train is this project's inspector network.

Everything that trials measured lies in `tuning/measured.jsonl`, as it came; a run that was killed goes on
with the same command. The promoted network has learnt from the training part alone: the validation part chose
it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inspector import __version__
from inspector.console import Console
from inspector.errors import TrainingError
from inspector.output_file import write_file
from search.ace.outcome import Found, TuningOutcome
from search.ace.searchers import make_searcher
from search.ace.tuning import run_tuning
from search.autodd.data import RunData, open_run_data
from search.autodd.evaluation_stage import gallery, run_evaluation
from search.autodd.result import Chosen, result_of
from search.begun_with import refuse_another
from search.events import EventLog
from search.nets.detector import Detector, build_detector
from search.recipe import Recipe
from search.run_folder import RunFolder, load_network
from search.training.checkpoint import save_checkpoint
from search.training.device import make_fabric, resolve
from search.tune.candidates import Candidates
from search.tune.experiment import METRIC, policy_of, tuning_folder
from search.tune.found import check_sizes, found_network, settings_of, specs_of
from search.tune.gauge import Gauge
from search.tune.material import make_material
from search.tune.progress import shown
from search.tune.recipe import TuneRecipe
from search.tune.report import write_tune_report
from search.tune.space import first_config, ray_space, trial_recipe
from search.tune.trainable import TuneTrial, threads_of_a_slot

WITHOUT_END_S = 30 * 24 * 3600.0  # where trials alone are the budget


def run_tune(
    recipe: Recipe, run: Path, *, console: Console, ray_address: str | None = None
) -> dict[str, Any]:
    """Bring a tuning to its end, from the beginning or from where it was killed; returns its result.

    Raises:
        InspectorError: bad data or recipe, a run that is not finished, another process in the folder.
        TrainingError: every trial crashed, the budget was too short, or nothing met the constraints; what was
            measured is kept, and the report tells it.
    """
    folder = RunFolder(run)
    with folder.claimed(recipe):
        finished = folder.finished_result(
            console, lambda: _report(run, open_run_data(recipe), load_network(run))
        )
        if finished is not None:
            return finished
        with EventLog(folder.events) as log:
            return _Tuning(recipe, folder, log, console, ray_address).run()


def _report(run: Path, data: RunData, net: Detector) -> None:
    write_tune_report(run, gallery=gallery(net, data.dataset, size_hw=data.size_hw))


@dataclass
class _Tuning:
    recipe: Recipe
    folder: RunFolder
    log: EventLog
    console: Console
    ray_address: str | None

    def run(self) -> dict[str, Any]:
        settings = settings_of(self.recipe)
        chosen = found_network(self.recipe, settings)
        check_sizes(self.recipe, settings, specs_of(chosen.spec, settings))
        self._tell_other_code()
        data = open_run_data(self.recipe)
        self._refuse_another("data", {"fingerprint": data.dataset.fingerprint()}, "the photos have")
        self._refuse_another("network", chosen.spec.as_dict(), "the network that is tuned has")
        outcome = self._tune(settings, chosen)
        best = outcome.best_feasible
        self.console.say(outcome.sentence())
        if best is None:
            raise TrainingError(f"{outcome.sentence()}. What was measured is in {self.folder.report}")
        return self._finish(settings, chosen, data, outcome, best)

    def _tune(self, settings: TuneRecipe, chosen: Chosen) -> TuningOutcome:
        policy, where = policy_of(settings), tuning_folder(self.folder.path)
        searcher = make_searcher(
            settings.searcher,
            ray_space(settings.space),
            metric=METRIC,
            mode="max",
            constraints=policy.options.constraints,
            seed=self.recipe.seed,
            initial=first_config(self.recipe, settings.space),
        )
        self.log.write("stage", stage="tuning", state="started")
        try:
            with shown(self.console, where.log, settings, policy.options):
                outcome = run_tuning(
                    TuneTrial,
                    policy,
                    searcher,
                    budget_s=settings.seconds or WITHOUT_END_S,
                    folder=where.path,
                    slots=settings.slots,
                    max_trials=settings.trials,
                    resources=self._resources(settings.slots),
                    ray_address=self.ray_address,
                    checkpoint_every=1,
                    data={
                        "recipe": self.recipe,
                        "spec": chosen.spec,
                        "threads": threads_of_a_slot(settings.slots),
                        "candidates": str(self._candidates.folder),
                    },
                )
            self.log.write("stage", stage="tuning", state="finished")
        finally:
            if where.log.exists():
                write_tune_report(self.folder.path)
        return outcome

    def _finish(
        self, settings: TuneRecipe, chosen: Chosen, data: RunData, outcome: TuningOutcome, best: Found
    ) -> dict[str, Any]:
        config = dict(outcome.config_of(best.trial))
        spec = replace(chosen.spec, width=int(config.get("width", chosen.spec.width)))
        net = build_detector(spec)
        net.load_state_dict(self._candidates.load(best.trial, best.iteration))
        save_checkpoint(self.folder.weights, {"net": net.state_dict()})
        seconds = {"tuning": outcome.seconds}
        by_kind = self._failures_by_kind(settings, data, net)
        if not data.dataset.test:
            self.console.warn("the data has no test images: the network is not measured on real defects")
        metrics = run_evaluation(net, data, log=self.log, console=self.console, seconds=seconds)
        tuned = trial_recipe(self.recipe, settings, config)
        result = {
            **result_of(tuned, replace(chosen, spec=spec), data, metrics=metrics, seconds=seconds),
            "searched": False,
            "tune": {
                "trial": best.trial,
                "iteration": best.iteration,
                "config": config,
                "objective": best.objective,
                "constraints": dict(best.g),
                "thresholds": settings.constraints.thresholds(),
                "failures_by_kind": by_kind,
                "num_trials": len(outcome.trials),
                "num_failed": outcome.num_failed,
                "num_evaluations": outcome.num_evaluations,
            },
        }
        write_file(self.folder.result, json.dumps(result, indent=1, allow_nan=False).encode())
        _report(self.folder.path, data, net)
        self._candidates.clear()
        return result

    def _failures_by_kind(
        self, settings: TuneRecipe, data: RunData, net: Detector
    ) -> dict[str, float | None] | None:
        if settings.constraints.robustness is None:
            return None
        device = make_fabric(self.recipe.compute).device
        gauge = Gauge(self.recipe, settings, make_material(self.recipe, settings, data), device)
        net = net.to(device).eval()
        thresholds = gauge.thresholds(net)
        found = gauge.failures(net, thresholds) if thresholds else None
        return found.by_kind() if found else None

    def _refuse_another(self, kind: str, fields: dict[str, Any], what: str) -> None:
        """Trials on other photos or of another network cannot be compared with those already measured."""
        refuse_another(self.log, self.folder.events, kind, fields, what=what, old="the old state")

    def _tell_other_code(self) -> None:
        begun = [event["version"] for event in EventLog.read(self.folder.events) if event["kind"] == "code"]
        if not begun:
            self.log.write("code", version=__version__)
        elif begun[0] != __version__:
            self.console.warn(
                f"the tuning was begun with version {begun[0]} and goes on with {__version__}: a trial whose "
                "checkpoint cannot be read counts as crashed; what it measured is kept"
            )

    def _resources(self, slots: int) -> dict[str, float]:
        accelerator, _ = resolve(self.recipe.compute)
        return {"cpu": 1.0, "gpu": 1.0 / slots} if accelerator == "cuda" else {"cpu": 1.0}

    @property
    def _candidates(self) -> Candidates:
        return Candidates(tuning_folder(self.folder.path.resolve()).path / "feasible")
