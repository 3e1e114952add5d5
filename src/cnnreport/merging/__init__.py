"""Merge two branches of a study: dvc.lock stage by stage, the lists of params.yaml entry by entry.

git calls this as a merge driver, which `set_up` installs in a clone and .gitattributes names. What
`dvc repro` writes anyway needs no merging: there git keeps what stands, and DVC runs it again.
"""

from cnnreport.merging.drivers import merge_lock, merge_params, set_up
from cnnreport.merging.lists import aligned, merge_list
from cnnreport.merging.locks import Merged, merge_stages, read_stages
from cnnreport.merging.taking import take_training

__all__ = [
    "Merged",
    "aligned",
    "merge_list",
    "merge_lock",
    "merge_params",
    "merge_stages",
    "read_stages",
    "set_up",
    "take_training",
]
