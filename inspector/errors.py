"""Every error that a user can meet, under one base.

A message says what was wrong, the value, the limit and what to do. `exit_status` is what the command line
returns: 1 for a job that failed, 2 for input or usage that has to change first.
"""


class InspectorError(Exception):
    """Base of all errors that end in one clear sentence and no traceback."""

    exit_status = 1


class InputError(InspectorError):
    """Something the user gave has to change before the job can run."""

    exit_status = 2


class DatasetError(InputError):
    """A folder of images is not usable: empty, too small, or its masks do not fit."""


class ImageError(InputError):
    """A file or upload is not a readable image within the limits."""


class RecipeError(InputError):
    """A recipe has an unknown key or a value out of range."""


class BundleError(InputError):
    """A bundle is missing something, was changed, or is of another schema."""


class RunError(InputError):
    """A run folder is not usable: another recipe, unfinished, or damaged."""


class StorageError(InputError):
    """A file could not be written: no space, no permission."""


class SearchSpaceError(InputError):
    """Nothing in the search space meets the hard limits."""


class OperatorError(InspectorError):
    """A network uses an operator that the target device cannot run."""


class BudgetError(InspectorError):
    """A network is over a hard limit."""


class ParityError(InspectorError):
    """The exported network gives other answers than the trained one."""


class RuntimeUnavailableError(InspectorError):
    """No runtime that can execute a bundle is installed."""


class TrainingError(InspectorError):
    """Training cannot go on, for example because the loss is not a number."""
