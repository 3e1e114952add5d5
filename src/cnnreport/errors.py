"""The errors a user can cause; each carries one line that says what to do.

A command prints the line and exits with status 2 (see ``cnnreport.stages.run``); a traceback
therefore always means a bug in this package, never bad input.
"""

import errno

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What `OSError.errno` is on a full disk; a quota and the largest size of a file count too."""


class CnnReportError(Exception):
    """Base of every error that is shown to the user as a single line."""


class ParamsError(CnnReportError, ValueError):
    """``params.yaml`` holds something that the study cannot be run with."""


class InputError(CnnReportError, ValueError):
    """What a person gave is wrong: a file that they edit, a template, an argument, an address."""


class DatasetError(CnnReportError, RuntimeError):
    """An image set cannot be found, fetched or read."""


class ModelError(CnnReportError, ValueError):
    """A network cannot be built for the requested input."""


class TrainingError(CnnReportError, RuntimeError):
    """A training ended without a usable network."""


class ResultsError(CnnReportError, RuntimeError):
    """A results file is missing or does not have the expected form."""
