"""The stages of dvc.yaml: each module parses its arguments, loads, calls and saves."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from cnnreport.errors import NO_ROOM, CnnReportError

AGAIN = "`dvc repro` runs it again"
GOES_ON = "`dvc repro`, or the same `dvc exp run`, goes on after the last finished epoch"
BACK = "docs/how-to/when-something-fails.md says how to go back to the last commit"

STAGES = tuple(
    sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")
)
"""The modules beside this one. Not typed in: every training depends on this file."""


def run(argv: Sequence[str]) -> int:
    """Run the stage named first; return 0, 2 for an error of the user's or 130 for Ctrl-C."""
    if not argv or argv[0] not in STAGES:
        print(f"wanted a stage ({', '.join(STAGES)}), came {list(argv[:1])}", file=sys.stderr)
        return 2
    on = GOES_ON if argv[0] == "train" else AGAIN
    try:
        importlib.import_module(f"cnnreport.stages.{argv[0]}").main(argv[1:])
    except CnnReportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"stopped in the stage {argv[0]}: {on}; {BACK}", file=sys.stderr)
        return 130
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"error: {argv[0]}: {error.strerror}{where}; free some space: {on}", file=sys.stderr)
        return 2
    return 0
