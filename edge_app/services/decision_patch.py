"""What operators said of stored results, as a labels patch for the clean-up of a data set.

The photos are named `<result id>.<jpg|png|bmp>`; the patch's fingerprint is that of a folder that holds them.
"""

from datetime import datetime, timezone
from typing import Dict, Iterable, List, Optional, Protocol, Tuple

from edge_app.services.result import Outcome
from edge_app.store import StoredResult
from inspector.patch import ACCEPTED, OPEN, Patch, PatchHeader, Proposal, fingerprint_of

KIND = "operator"
GOOD, DEFECT, UNSURE, REVIEW = "good", "defect", "unsure", "review"
_GIVEN: Dict[Outcome, str] = {Outcome.PASS: GOOD, Outcome.FAIL: DEFECT, Outcome.REVIEW: REVIEW}
_SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/bmp": "bmp"}


class Photos(Protocol):
    """Where the photos are; `edge_app.store.Store` is one."""

    def photo(self, result_id: str) -> Optional[Tuple[bytes, str]]:
        """Return a photo's file and media type, or None when there is none."""


def decision_patch(results: Iterable[StoredResult], photos: Photos, *, created_ms: int) -> Patch:
    """Return the operators' last decisions on `results` as a patch.

    `given` is the inspector's word, `proposed` the operator's, already accepted; `unsure` stays open. Results
    that nobody decided, that have no verdict, or whose photo is gone are left out.
    """
    proposals: List[Proposal] = []

    def photo_files() -> Iterable[Tuple[str, bytes]]:
        for result in results:
            found = photos.photo(result.id) if _is_decided(result) else None
            if found is not None:
                name = f"{result.id}.{_SUFFIXES.get(found[1], 'jpg')}"
                proposals.append(_proposal(result, name))
                yield name, found[0]

    fingerprint = fingerprint_of(photo_files())
    header = PatchHeader(fingerprint=fingerprint, made_by="operators", created=_utc(created_ms))
    return Patch(header, tuple(proposals))


def _is_decided(result: StoredResult) -> bool:
    return result.decision is not None and result.outcome in _GIVEN


def _proposal(result: StoredResult, file: str) -> Proposal:
    said, score = result.decision, result.image_score
    assert said is not None
    return Proposal(
        id=result.id,
        file=file,
        given=_GIVEN[result.outcome],
        proposed=said.decision,
        score=score,
        margin=None if score is None else abs(score - result.thresholds.fail),
        kind=KIND,
        decision=OPEN if said.decision == UNSURE else ACCEPTED,
        by=said.by,
        when=_utc(said.when_ms),
    )


def _utc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
