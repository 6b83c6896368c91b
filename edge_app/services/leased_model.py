"""One of the models that are loaded, for long work beside the inspection."""

from typing import ContextManager

import numpy as np

from edge_app.services.models import ModelHost
from edge_app.services.result import ModelVersion
from edge_app.services.serving import ModelCard, ServingModel
from inspector.errors import InputError


class LeasedModel:
    """The serving or the shadow model, leased anew for every photo: a swap need not wait for a replay.

    Raises:
        InputError: neither is the model `digest`.
    """

    def __init__(self, models: ModelHost, digest: str) -> None:
        self._models = models
        self._digest = digest
        with self._lease() as model:
            self.card: ModelCard = model.card
            self.version: ModelVersion = model.version

    def score(self, frame: np.ndarray) -> np.ndarray:
        """Score a frame; InputError where the model has been replaced meanwhile."""
        with self._lease() as model:
            return model.score(frame)

    def _lease(self) -> ContextManager[ServingModel]:
        status = self._models.status()
        shadow = self._models.shadow() if status.shadow == self._digest else None
        if shadow is not None:
            return shadow
        if status.serving == self._digest:
            return self._models.serving()
        self._models.find(self._digest)
        raise InputError(
            f"model {self._digest[:12]} is not loaded; let it look on first (PUT /api/v1/models/shadow), or "
            "use `inspector replay`"
        )
