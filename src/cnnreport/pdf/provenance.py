"""Where the results of the report come from, as the back of the PDF's cover says it."""

from pathlib import Path

from cnnreport import formats
from cnnreport.params import Params, load_params
from cnnreport.records import TrainingRecord, load_json

COMMIT_LENGTH = 12
"""Characters of a commit that are shown."""


def provenance(root: Path, site_url: str) -> list[tuple[str, str]]:
    """Return what the study is and which commits its trainings ran at, as names and values."""
    params = load_params(root / "params.yaml")
    runs = _runs(params, root / "results")
    commits = sorted({run.seals[-1].commit for run in runs if run.seals and run.seals[-1].commit})
    changed = any(seal.changed for run in runs for seal in run.seals)
    days = sorted({run.started[:10] for run in runs})
    rows = [
        ("Image sets", ", ".join(params.datasets)),
        ("Networks", ", ".join(params.models)),
        ("Profile, recipe", f"{params.profile}, {params.recipe}"),
        ("Epochs", str(params.epochs or "see the hyper-parameters of each network")),
        ("Seeds", ", ".join(str(seed) for seed in params.seeds)),
        ("Trained", _days(days)),
        ("Code", _commits(commits, changed=changed)),
        ("Evidence", _evidence(site_url)),
    ]
    return [(name, value) for name, value in rows if value]


def _runs(params: Params, results: Path) -> list[TrainingRecord]:
    """Return the records of the trainings whose results are here."""
    files = (
        results / dataset / model / "training" / f"s{seed}.json"
        for dataset in params.datasets
        for model in params.models
        for seed in params.seeds
    )
    return [load_json(file, TrainingRecord) for file in files if file.is_file()]


def _days(days: list[str]) -> str:
    if len(days) < 2:
        return "".join(map(formats.date, days))
    return f"{formats.date(days[0])} to {formats.date(days[-1])}"


def _commits(commits: list[str], *, changed: bool) -> str:
    if not commits:
        return ""
    noun = "commit" if len(commits) == 1 else "commits"
    short = formats.listing([commit[:COMMIT_LENGTH] for commit in commits])
    return f"{noun} {short}{', with changes that were not committed' if changed else ''}"


def _evidence(site_url: str) -> str:
    where = f"{site_url}/report/passports/ says" if site_url else "the site of this report says"
    return f"{where} of each number from which file and run it comes"
