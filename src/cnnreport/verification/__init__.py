"""Verify a report: make every number, digest and page again and say how well it held.

Nothing that was trained is needed, so a fresh clone can do it. `verify_study` looks at one study's
results; `verify` at the pages as well, of all studies.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cnnreport.errors import CnnReportError, ResultsError
from cnnreport.freezing import PARAMS, demand_study, load_frozen
from cnnreport.objects import LOCK_FILE
from cnnreport.params import load_params
from cnnreport.study import RESULTS, Study, load_study
from cnnreport.verification.cache import cache_findings, cache_folder, remembering
from cnnreport.verification.commits import commit_findings, repository
from cnnreport.verification.figures import figure_findings
from cnnreport.verification.findings import Finding, Level, as_json, lines, sum_up, worst, wrong
from cnnreport.verification.frozen import frozen_folders, manifest_finding
from cnnreport.verification.locks import Lock, load_lock, lock_findings
from cnnreport.verification.numbers import number_findings
from cnnreport.verification.pages import Site, load_site, page_findings, readme_finding
from cnnreport.verification.seals import seal_findings
from cnnreport.verification.subject import FROZEN, LIVE, Subject
from cnnreport.verification.weights import weight_findings

__all__ = ["Finding", "Level", "as_json", "demand", "lines", "verify", "verify_study", "worst"]


Loaded = Study | CnnReportError
"""A study, or why it cannot be read."""


def verify(
    root: Path,
    names: Sequence[str] = (),
    *,
    cache: bool = False,
    weights: int = 0,
    figures: bool = False,
) -> list[Finding]:
    """Verify studies of the checkout `root`: results, seals, lock and pages.

    Args:
        root: the top of the project.
        names: frozen studies by name, a dot for the live one; all of them if empty.
        cache: whether to hash the objects in DVC's cache as well.
        weights: how many test images of each run to predict again, where its weights are there.
        figures: whether to draw the figures again as well.

    Raises:
        InputError: there is no study of a name.

    """
    known = [LIVE, *frozen_folders(root)]
    for name in names:
        demand_study(name, known)
    studies = {name: _study(root, name) for name in known}
    locks = {name: _lock(root, name) for name in known}
    folder, hashed = (cache_folder(root) if cache else None), remembering()
    site = _site(root, studies)
    found: list[Finding] = []
    for name in dict.fromkeys(names or known):
        study, lock = studies[name], locks[name]
        found += _results(root, name, study, lock)
        if isinstance(study, CnnReportError):
            continue
        subject = Subject(study, _folder(root, name))
        found += _shown(site, locks[LIVE], subject, redraw=figures)
        if folder and not isinstance(lock, CnnReportError):
            found += cache_findings(subject, lock, folder, hashed)
        if weights:
            found += weight_findings(subject, root, weights)
    return found


def verify_study(root: Path, name: str = LIVE) -> list[Finding]:
    """Verify the results of one study: its numbers, seals and lock, and its manifest if frozen."""
    return list(_results(root, name, _study(root, name), _lock(root, name)))


def demand(root: Path) -> None:
    """Raise an error if anything in the results of the live study does not hold.

    Raises:
        ResultsError: names the first thing that is wrong.

    """
    bad = [each for each in verify_study(root) if each.level.status and not _of_pages(each)]
    if bad:
        raise ResultsError(f"{bad[0].group}: {bad[0].detail}; `cnnreport verify .` shows all of it")


def _of_pages(finding: Finding) -> bool:
    """Say whether a finding is about a stage that draws or writes, which results do not need."""
    return finding.group in {f"{LOCK_FILE} {stage}" for stage in ("plot", "plot_studies", "report")}


def _study(root: Path, name: str) -> Loaded:
    try:
        if name != LIVE:
            return load_frozen(root / FROZEN / name)
        return load_study(load_params(root / PARAMS), root / RESULTS)
    except CnnReportError as error:
        return error


def _lock(root: Path, name: str) -> Lock | CnnReportError:
    try:
        return load_lock(_folder(root, name) / LOCK_FILE)
    except CnnReportError as error:
        return error


def _folder(root: Path, name: str) -> Path:
    return root if name == LIVE else root / FROZEN / name


def _results(
    root: Path, name: str, study: Loaded, lock: Lock | CnnReportError
) -> Iterator[Finding]:
    if name != LIVE:
        yield (manifest := manifest_finding(root, name))
        if isinstance(study, CnnReportError) and manifest.level is Level.WRONG:
            return
    if isinstance(study, CnnReportError):
        yield _unreadable(name, "results", study)
        return
    subject = Subject(study, _folder(root, name))
    yield from number_findings(subject)
    yield from seal_findings(subject)
    yield from commit_findings(subject, repository(root))
    if isinstance(lock, CnnReportError):
        yield _unreadable(name, LOCK_FILE, lock)
    else:
        yield from lock_findings(subject, lock)


def _site(root: Path, studies: Mapping[str, Loaded]) -> Site | CnnReportError:
    readable = {name: each for name, each in studies.items() if isinstance(each, Study)}
    try:
        return load_site(root, readable)
    except CnnReportError as error:
        return error


def _shown(
    site: Site | CnnReportError, lock: Lock | CnnReportError, subject: Subject, *, redraw: bool
) -> Iterator[Finding]:
    """Yield what came of the pages and figures of a study, which stages of the live lock made."""
    if isinstance(site, CnnReportError):
        yield _unreadable(subject.name, "pages", site)
        return
    known = {} if isinstance(lock, CnnReportError) else lock
    yield from page_findings(site, subject, known)
    if not subject.frozen:
        yield readme_finding(site)
    yield from figure_findings(site, subject, known, redraw=redraw)


def _unreadable(name: str, group: str, error: CnnReportError) -> Finding:
    return sum_up(name, group, [wrong(str(error))])
