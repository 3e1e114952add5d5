"""The stages of dvc.yaml: each module parses its arguments, loads, calls and saves."""

import importlib
import os
import sys
from collections.abc import Sequence

from cnnreport.errors import CnnReportError

# TensorFlow's notices at start-up would drown what a stage has to say; set before it is imported.
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}

STAGES = ("check", "prepare", "train", "evaluate", "plot", "report")


def run(argv: Sequence[str]) -> int:
    """Run the stage named first and return an exit status; 2 stands for an error of the user's."""
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
    return 0
