"""ACE on a plain scikit-learn model: the best AUC among models that miss at most 5 % of the malignant cases.

python examples/ace_sklearn.py
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from ray import tune
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from search.ace import AceScheduler, ConstrainedTrainable, no_feasible_message


class Classifier(ConstrainedTrainable):
    def prepare(self) -> None:  # once a process
        x, y = load_breast_cancer(return_X_y=True)
        parts = train_test_split(StandardScaler().fit_transform(x), y == 0, random_state=0, stratify=y)
        self.x, self.x_val, self.y, self.y_val = parts

    def build(self, config: dict[str, Any]) -> None:  # once a trial
        weight, numbers = {True: config["weight"]}, {"alpha": config["alpha"], "eta0": config["eta0"]}
        self.model = SGDClassifier(
            loss="log_loss", learning_rate="constant", random_state=0, class_weight=weight, **numbers
        )

    def train_one_iteration(self) -> None:
        self.model.partial_fit(self.x, self.y, classes=[False, True])

    def objective(self) -> float:
        return float(roc_auc_score(self.y_val, self.model.decision_function(self.x_val)))

    def constraint(self) -> float:  # the share of malignant cases that are missed
        return float(np.mean(~self.model.predict(self.x_val)[self.y_val]))

    def write_model(self, folder: Path) -> None:
        (folder / "model.pkl").write_bytes(pickle.dumps(self.model))

    def read_model(self, folder: Path) -> None:
        self.model = pickle.loads((folder / "model.pkl").read_bytes())


if __name__ == "__main__":
    ace = AceScheduler("auc", "max", constraints={"missed": 0.05}, max_iterations=10)
    tune.Tuner(
        ace.trainable(Classifier),
        param_space={
            "alpha": tune.loguniform(1e-5, 0.1),
            "eta0": tune.loguniform(1e-4, 0.1),
            "weight": tune.uniform(1.0, 10.0),  # of a malignant case
        },
        tune_config=tune.TuneConfig(scheduler=ace, num_samples=12, reuse_actors=True),
        run_config=tune.RunConfig(verbose=0, callbacks=[ace.callback()]),
    ).fit()
    best = ace.state.best
    print(
        no_feasible_message(ace.state)
        or f"AUC {ace.options.objective(best.loss):.4f}, missed {best.g[0]:.3f}"
    )
