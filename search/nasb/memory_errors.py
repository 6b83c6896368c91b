"""Memory that is used up, whose errors have many classes and texts, as one clear error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from inspector.errors import TrainingError


@contextmanager
def memory_errors_named(what: str) -> Iterator[None]:
    """Raise TrainingError where `what` needs more memory than the device or the machine has.

    Raises:
        TrainingError: it does.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _named(what, error) from error
    except RuntimeError as error:
        if "not enough memory" not in str(error):  # what torch says where a CPU's is used up
            raise
        raise _named(what, error) from error


def _named(what: str, error: BaseException) -> TrainingError:
    first_line = str(error).partition("\n")[0]
    return TrainingError(
        f"{what} needs more memory than there is ({first_line}); free some and run the same command again, "
        "which goes on from the last checkpoint, or begin another run with a smaller batch"
    )
