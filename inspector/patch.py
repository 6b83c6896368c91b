"""The labels patch: what somebody proposes to change in a set of images, and what a person decided about it.

JSON lines. The first one names the data that the patch was made for by its fingerprint; every other line is
one proposal. A patch never changes data itself: it is applied to a copy.

Source: design.md, section 4 ("Labels patch").
"""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Dict, Iterable, Iterator, Optional, Tuple, Type, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator

from inspector.errors import InputError
from inspector.manifest import Record
from inspector.output_file import write_file

PATCH_VERSION = 1
OPEN, ACCEPTED, REJECTED, OTHER = DECISIONS = ("open", "accepted", "rejected", "other")
WHEN_PATTERN = r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)?$"

RecordT = TypeVar("RecordT", bound=Record)


class PatchError(InputError):
    """A labels patch is damaged, was made for other data, or does not have the proposal that is asked for."""


class PatchHeader(Record):
    """The first line. `fingerprint`: see `fingerprint_of`. `made_by`: who proposes, for people.

    data: where the data lay when the patch was made, a hint for who applies it on the same machine; a patch
    without one is written without the key, as before there was one.
    """

    patch_version: int = Field(default=PATCH_VERSION, ge=1)
    fingerprint: str = Field(pattern=r"^[0-9a-f]{64}$")
    made_by: str = ""
    created: str = Field(default="", pattern=WHEN_PATTERN)
    data: str = ""


class Proposal(Record):
    """One image whose label may be wrong.

    file: its path inside the data, with `/`.  given, proposed: labels.  score: how sure that is, 0..1.
    margin: by how much it beats the given label.  kind: what is wrong, for example `label`, `contaminated`,
    `mask`, `duplicate`, `operator`.  other: the label that a person chose instead, with the decision `other`.
    when: UTC.
    """

    id: str = Field(min_length=1, max_length=200)
    file: str = Field(min_length=1, max_length=1000)
    given: str
    proposed: str
    score: Optional[float] = None
    margin: Optional[float] = None
    kind: str = Field(min_length=1)
    decision: str = Field(default=OPEN, pattern="^(" + "|".join(DECISIONS) + ")$")
    other: str = ""
    by: str = ""
    when: str = Field(default="", pattern=WHEN_PATTERN)

    @field_validator("file")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts or "\\" in value or "\0" in value:
            raise ValueError(f"{value!r} must be a path inside the data, with / and without ..")
        return value

    @model_validator(mode="after")
    def _other_has_a_label(self) -> "Proposal":
        if (self.decision == OTHER) != bool(self.other):
            raise ValueError(f"the decision is {self.decision} and the other label {self.other!r}: one each")
        return self

    @property
    def label(self) -> str:
        """The label that holds after the decision."""
        return {ACCEPTED: self.proposed, OTHER: self.other}.get(self.decision, self.given)


@dataclass(frozen=True)
class Patch:
    """A header and its proposals; every id is there once."""

    header: PatchHeader
    proposals: Tuple[Proposal, ...]

    def decided(self, proposal_id: str, decision: str, *, by: str, when: str, other: str = "") -> "Patch":
        """Return the patch with one decision changed.

        Args:
            when: UTC, `2026-11-24T08:00:00Z`.
            other: The label to give with the decision `other`.

        Raises:
            PatchError: there is no such proposal, or the decision is not valid.
        """
        number = {proposal.id: index for index, proposal in enumerate(self.proposals)}.get(proposal_id)
        if number is None:
            raise PatchError(
                f"the patch has no proposal {proposal_id!r}; it has {len(self.proposals)} others"
            )
        change = {"decision": decision, "by": by, "when": when, "other": other}
        new = _validated(
            Proposal, {**self.proposals[number].model_dump(), **change}, where=f"proposal {proposal_id}"
        )
        return replace(self, proposals=(*self.proposals[:number], new, *self.proposals[number + 1 :]))

    def check_made_for(self, fingerprint: str) -> None:
        """Raise PatchError unless the patch was made for the data with this fingerprint."""
        if self.header.fingerprint != fingerprint:
            raise PatchError(
                f"this patch was made for other data: its fingerprint is {self.header.fingerprint[:12]}..., "
                f"that of the data is {fingerprint[:12]}...; make the patch again for this data"
            )

    def lines(self) -> Iterator[str]:
        """Yield the file line by line, each with its line end."""
        header = self.header.model_dump(mode="json", exclude=None if self.header.data else {"data"})
        for record in (header, *(proposal.model_dump(mode="json") for proposal in self.proposals)):
            yield json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"


def fingerprint_of(files: Iterable[Tuple[str, bytes]]) -> str:
    """Return the SHA-256, in hex, over name, size and content of files, in whatever order they come.

    The same as `inspector.dataset.Dataset.fingerprint` gives for a folder with these files.
    """
    lines = [
        (name, f"{name}\0{len(content)}\0{hashlib.sha256(content).hexdigest()}\n") for name, content in files
    ]
    return hashlib.sha256("".join(line for _, line in sorted(lines)).encode()).hexdigest()


def read_patch(path: Path) -> Patch:
    """Read a patch.

    Raises:
        PatchError: it cannot be read, or a line is not valid; the sentence has the line's number.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PatchError(f"cannot read the patch {path}: {error.strerror or error}") from error
    return parse_patch(data, where=str(path))


def parse_patch(data: bytes, *, where: str) -> Patch:
    """Read a patch from the bytes of the file `where`; errors as `read_patch`."""
    # Not splitlines(): a label may hold a line separator of Unicode.
    lines = data.split(b"\n")
    if lines and not lines[-1].strip():
        del lines[-1]
    if not lines:
        raise PatchError(f"{where} is empty, but a patch begins with the fingerprint of its data")
    header = _parsed(PatchHeader, lines[0], where=f"{where}, line 1")
    if header.patch_version > PATCH_VERSION:
        raise PatchError(
            f"{where}, line 1: the patch has version {header.patch_version}, this program reads up to "
            f"{PATCH_VERSION}; update visual-inspector"
        )
    seen: Dict[str, int] = {}
    proposals = []
    for number, line in enumerate(lines[1:], start=2):
        proposal = _parsed(Proposal, line, where=f"{where}, line {number}")
        if proposal.id in seen:
            raise PatchError(
                f"{where}, line {number}: the id {proposal.id!r} was on line {seen[proposal.id]} already"
            )
        seen[proposal.id] = number
        proposals.append(proposal)
    return Patch(header, tuple(proposals))


def write_patch(path: Path, patch: Patch) -> Path:
    """Write a patch whole or not at all, and return `path`. StorageError where that fails."""
    return write_file(path, "".join(patch.lines()).encode("utf-8"))


def update_decision(
    path: Path, proposal_id: str, decision: str, *, by: str, when: str, other: str = ""
) -> Patch:
    """Change one decision in the file `path` and return the patch; see `Patch.decided` and `read_patch`."""
    patch = read_patch(path).decided(proposal_id, decision, by=by, when=when, other=other)
    write_patch(path, patch)
    return patch


def _parsed(record: Type[RecordT], line: bytes, *, where: str) -> RecordT:
    try:
        raw = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise PatchError(f"{where}: this is not JSON ({error}); one JSON object a line is needed") from error
    return _validated(record, raw, where=where)


def _validated(record: Type[RecordT], raw: object, *, where: str) -> RecordT:
    try:
        return record.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise PatchError(f"{where}: {field + ': ' if field else ''}{first['msg']}") from error
