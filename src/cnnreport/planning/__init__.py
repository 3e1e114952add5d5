"""Say what a run would do, why and about how long it would take; nothing is run."""

from cnnreport.planning.plan import as_json, load_plan, rows, summary
from cnnreport.planning.work import train_images

__all__ = ["as_json", "load_plan", "rows", "summary", "train_images"]
