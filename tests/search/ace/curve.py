"""A trial that needs no model: its objective and constraint are given curves."""

import json
import math
import time
from pathlib import Path
from typing import Any


def curve_trainable() -> Any:
    """Return a ConstrainedTrainable, made in a function so that Ray sends its code along.

    config, or its entry `curve`: `objective` and `constraint`, lists by iteration (the last goes on; None
    is not a number); optional `crash_at`, `pause_s` an iteration, `constraint_s` an evaluation, `total`.
    """
    import ray

    from search.ace import ConstrainedTrainable

    class Curve(ConstrainedTrainable):
        def build(self, config: dict[str, Any]) -> None:
            self.spec, self.at = config.get("curve", config), 0

        def total_iterations(self) -> int:
            return int(self.spec.get("total", self.ace.max_iterations))

        def train_one_iteration(self) -> dict[str, str]:
            time.sleep(self.spec.get("pause_s", 0.0))
            self.at += 1
            if self.spec.get("crash_at") == self.at:
                raise RuntimeError("this trial crashes on purpose")
            return {"node": ray.get_runtime_context().get_node_id()}

        def objective(self) -> float:
            return self._value("objective")

        def constraint(self) -> float:
            time.sleep(self.spec.get("constraint_s", 0.0))
            return self._value("constraint")

        def _value(self, name: str) -> float:
            values = self.spec[name]
            value = values[min(self.at, len(values)) - 1]
            return math.nan if value is None else float(value)

        def write_model(self, folder: Path) -> None:
            (folder / "at.json").write_text(json.dumps(self.at))

        def read_model(self, folder: Path) -> None:
            self.at = json.loads((folder / "at.json").read_text())

    return Curve
