"""Who asks: a name and a role."""

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """What somebody may do; a higher one may do everything that a lower one may.

    VIEWER looks. OPERATOR also inspects, triggers cameras and decides. ADMIN also changes models, cameras,
    thresholds and settings, and reads the audit log.
    """

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def label(self) -> str:
        """The role's name as people write it."""
        return self.name.lower()


@dataclass(frozen=True)
class Principal:
    """Somebody who proved who they are, or `local`: anybody on this machine, when only it can connect."""

    name: str
    role: Role


LOCAL = Principal("local", Role.ADMIN)
