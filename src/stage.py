"""Run one stage of the pipeline from the checkout that this file stands in.

`python src/stage.py NAME …` puts this folder first on the import path, so a stage never runs the
code of another checkout that happens to be installed, as under `dvc exp run --temp`.
"""

import sys

from cnnreport.stages import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
