"""The stages of dvc.yaml: each module parses its arguments, loads, calls and saves."""

import importlib
import os
import sys
from collections.abc import Sequence

from cnnreport.errors import CnnReportError

# TensorFlow's notices at start-up would drown what a stage has to say; set before it is imported.
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}

AFTER_A_STOP = (
    "`dvc repro` runs it again; `git restore .` and `dvc checkout` bring back what was there before"
)

STAGES = ("check", "prepare", "train", "evaluate", "plot", "report")


def run(argv: Sequence[str]) -> int:
    """Run the stage named first; return 0, 2 for an error of the user's or 130 for Ctrl-C."""
    if not argv or argv[0] not in STAGES:
        print(f"wanted a stage ({', '.join(STAGES)}), came {list(argv[:1])}", file=sys.stderr)
        return 2
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    stage = importlib.import_module(f"cnnreport.stages.{argv[0]}")
    try:
        stage.main(argv[1:])
    except CnnReportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"stopped in the stage {argv[0]}: {AFTER_A_STOP}", file=sys.stderr)
        return 130
    return 0
