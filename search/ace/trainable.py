"""The base class of a trial whose constraints ACE evaluates when they are worth it.

Source: [D] Algorithm 3, lines 1-16; facts/search_algorithms.md, section C, rules 2, 3, 6 and 7.
"""

import logging
import math
import pickle
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray import tune

from search.ace import record as keys
from search.ace.board import BoardLink
from search.ace.course import Course, Entry, Evaluation
from search.ace.options import AceError, AceOptions

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 1


class ConstrainedTrainable(tune.Trainable):
    """One trial. A subclass writes `build`, `train_one_iteration`, `objective` and `constraint`, and, to be
    resumable, `write_model` and `read_model`.

    Give it to the Tuner as `ace.trainable(MyModel)`. With `reuse_actors=True` one process serves many trials:
    `prepare` runs once a process, `build` once a trial.
    """

    ace: AceOptions
    _link: BoardLink
    _course: Course
    _kept: Any
    _said_nan: bool
    _untold: list[Entry]

    def prepare(self, **data: Any) -> None:
        """Load what all trials share. `data` is what `ace.trainable(MyModel, ...)` was given."""

    def build(self, config: dict[str, Any]) -> None:
        """Make a new, untrained model."""
        raise NotImplementedError

    def train_one_iteration(self) -> Mapping[str, Any] | None:
        """Train for one iteration; return anything else worth reporting."""
        raise NotImplementedError

    def objective(self) -> float:
        """Return the metric of the model as it is now."""
        raise NotImplementedError

    def constraint(self) -> float | Mapping[str, float]:
        """Return the constraint value of the model as it is now; by name where there are several."""
        raise NotImplementedError

    def total_iterations(self) -> int:
        """Return T of this trial; `max_iterations` of the options where a trial has none of its own."""
        return self.ace.max_iterations

    def write_model(self, folder: Path) -> None:
        """Write the model into an empty folder."""
        raise NotImplementedError

    def read_model(self, folder: Path) -> None:
        """Bring back what `write_model` wrote; `build` has run."""
        raise NotImplementedError

    def remember(self) -> Any:
        """Return what `recall` needs to bring this moment's model back; something that can be pickled.

        The files of `write_model`, in memory. Override it where that is dear: a boosted ensemble needs only
        its number of trees.
        """
        with tempfile.TemporaryDirectory() as name:
            self.write_model(Path(name))
            files = [path for path in Path(name).rglob("*") if path.is_file()]
            return {str(path.relative_to(name)): path.read_bytes() for path in files}

    def recall(self, remembered: Any) -> None:
        """Bring back the model of an earlier `remember`."""
        with tempfile.TemporaryDirectory() as name:
            for relative, data in remembered.items():
                path = Path(name) / relative
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            self.read_model(Path(name))

    def setup(self, config: dict[str, Any], ace: AceOptions | None = None, **data: Any) -> None:
        """Ray's hook; subclasses write `prepare` and `build`.

        Raises:
            AceError: the trainable was given to the Tuner bare.
        """
        if ace is None:
            raise AceError(
                f"{type(self).__name__} has no options of ACE; give the Tuner scheduler.trainable("
                f"{type(self).__name__}), not the class itself"
            )
        self.ace = ace
        self._link = BoardLink(self._trial_info.experiment_name if self._trial_info else None)
        self.prepare(**data)
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Ray's hook for a reused process."""
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Ray's hook: one iteration, its objective, and its constraint where that is due and worth it."""
        start_s = time.perf_counter()
        extra = self.train_one_iteration() or {}
        objective = float(self.objective())
        cost_s = time.perf_counter() - start_s
        if math.isnan(objective) and not self._said_nan:
            self._said_nan = True
            logger.warning("trial %s: %s is not a number; it ranks last", self.trial_id, self.ace.metric)
        self._course.advance(self.ace.loss(objective), cost_s)
        evaluation = self._evaluate_if_worth_it()
        fields = self._course.report(self.ace, evaluation)
        if self._course.should_keep(self.ace):
            self._kept = self.remember()
            self._course.keep()
        done = self._course.iteration >= self._course.total
        told, self._untold = self._untold, []
        return {
            **extra,
            **fields,
            self.ace.metric: objective,
            keys.PRIMARY_COST_S: cost_s,
            keys.STOPPED: "",
            **({keys.HISTORY: told} if told else {}),
            "done": done,
        }

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Ray's hook: the model, and this trial's books."""
        folder = Path(checkpoint_dir) / "model"
        folder.mkdir()
        self.write_model(folder)
        books = {"schema": SCHEMA_VERSION, "course": self._course.saved(), "kept": self._kept}
        (Path(checkpoint_dir) / "ace.pkl").write_bytes(pickle.dumps(books))

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Ray's hook.

        Raises:
            AceError: the checkpoint is of another version of the code.
        """
        books = pickle.loads((Path(checkpoint) / "ace.pkl").read_bytes())
        if books.get("schema") != SCHEMA_VERSION:
            raise AceError(
                f"the checkpoint of trial {self.trial_id} has schema {books.get('schema')}, this version "
                f"reads {SCHEMA_VERSION}; go on with the version that wrote it, or start a new experiment"
            )
        self._course = Course.loaded(books["course"])
        self._kept = books["kept"]
        self._untold = list(self._course.history)
        self.read_model(Path(checkpoint) / "model")

    def _begin(self, config: dict[str, Any]) -> None:
        self.build(config)
        total = self.total_iterations()
        if total < 1:
            raise AceError(
                f"total_iterations() of {type(self).__name__} returned {total}; it must be at least 1"
            )
        self._course = Course(total=total)
        self._kept = None
        self._said_nan = False
        self._untold = []

    def _evaluate_if_worth_it(self) -> Evaluation | None:
        course, options = self._course, self.ace
        if course.lacks_cost(options):
            course.learn(self._link.read())
        if not course.is_due(options):
            probes = course.lacks_cost(options) and math.isfinite(course.loss)
            return self._evaluate(kept=False) if probes and self._link.claim_probe(self.trial_id) else None
        if not course.is_wanted(options):  # f* only falls: what an old one rules out needs no new one
            return None
        if options.skip:
            course.learn(self._link.read())
        return self._evaluate(kept=course.uses_kept(options)) if course.is_wanted(options) else None

    def _evaluate(self, *, kept: bool) -> Evaluation:
        """Evaluate the constraints of the kept or the present checkpoint; the present one stays in place."""
        course = self._course
        present = self.remember() if kept else None
        if kept:
            self.recall(self._kept)
        start_s = time.perf_counter()
        g = self._constraint_values()
        cost_s = time.perf_counter() - start_s
        if kept:
            self.recall(present)
        iteration, loss = (
            (course.kept_iteration, course.kept_loss) if kept else (course.iteration, course.loss)
        )
        evaluation = Evaluation(iteration, loss, g, cost_s)
        course.enter(evaluation, self.ace)
        return evaluation

    def _constraint_values(self) -> tuple[float, ...]:
        names = [constraint.name for constraint in self.ace.constraints]
        values = self.constraint()
        if not isinstance(values, Mapping):
            values = {names[0]: values} if len(names) == 1 else {}
        missing = [name for name in names if name not in values]
        if missing:
            raise AceError(
                f"constraint() of {type(self).__name__} returned no value for {', '.join(missing)}; return a "
                f"mapping with {', '.join(names)}"
            )
        return tuple(float(values[name]) for name in names)
