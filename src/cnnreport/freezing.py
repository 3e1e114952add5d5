"""Freeze a study: keep its parameters, lock, results and seals for good, with digests of all.

Layout of a frozen study, below report/studies/NAME/:

=============== ===================================================================================
file            holds
=============== ===================================================================================
manifest.json   `Manifest`: name, title, day, commit, and the SHA-256 of every other file
params.yaml     the parameters, as they stood
dvc.lock        what DVC recorded of each stage
results/        the files of `cnnreport.records`; predictions compressed, without what follows from
                them (confusion/, classes.csv)
code/           the files of src/cnnreport/models/ that built the networks
pictures.json   what is said of the pictures of its images; only of a study that has them
pictures.dvc    the file by which DVC keeps these pictures, in ../../study-pictures/NAME
=============== ===================================================================================

Images of others are not for git, which ignores the pictures. They lie outside of what the stages of
the pipeline depend on: a copy without them is as good for `dvc repro` as one with them.
"""

import gzip
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from cnnreport import git
from cnnreport.errors import InputError, ResultsError
from cnnreport.params import Params, load_params
from cnnreport.picture_texts import FOLDER as PICTURES
from cnnreport.picture_texts import INDEX, load_pictures
from cnnreport.records import load_json, save_text, to_json
from cnnreport.seals import checkout, edits, sha256
from cnnreport.study import (
    PACKED,
    RESULTS,
    Manifest,
    Study,
    later_files,
    load_study,
    md5_of,
    study_files,
)

MANIFEST, PARAMS, LOCK = "manifest.json", "params.yaml", "dvc.lock"
CODE, MODELS, DOCS = "code", "src/cnnreport/models/", "docs"
TRACKED = f"{PICTURES}.dvc"
"""The file by which DVC knows the pictures of a frozen study."""

KEPT_PICTURES = "study-pictures"
"""The folder beside that of the studies with a folder of pictures for each."""

RESERVED = ("live",)
"""What a comparison calls the study that is not frozen."""

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def pictures_of(folder: Path) -> Path:
    """Return where the pictures of the frozen study in a folder are, if they are at hand."""
    return folder.parent.with_name(KEPT_PICTURES) / folder.name


def freeze(
    root: Path, studies: Path, name: str, title: str, verify: Callable[[], None] = lambda: None
) -> Path:
    """Keep the live study of the checkout `root` as ``studies/name`` and return that folder.

    It appears whole or not at all. `verify` raises an error if the study does not hold.

    Raises:
        InputError: the name is taken or no name.
        ResultsError: the study is not complete, or one of its runs is not sealed.

    """
    target = studies / name
    _check_name(target, name)
    params = load_params(root / PARAMS)
    study = load_study(params, root / RESULTS)
    _check_seals(study)
    if not (root / LOCK).is_file():
        raise ResultsError(f"{root / LOCK}: is missing; run `dvc repro` first")
    verify()
    building = studies / f".{name}.tmp"
    shutil.rmtree(building, ignore_errors=True)
    try:
        _copy(root, building, params)
        _keep_code(root, building, study)
        _keep_pictures(root / DOCS, building, pictures_of(target))
        save_text(building / MANIFEST, to_json(_manifest(root, building, name, title)))
        building.rename(target)
    except FileNotFoundError as error:
        raise ResultsError(f"{error.filename}: is missing; run `dvc repro` first") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target


def _check_name(target: Path, name: str) -> None:
    if not NAME.fullmatch(name) or name in RESERVED:
        raise InputError(
            "wanted a name of small letters, digits and hyphens "
            f"(but not {', '.join(RESERVED)}), came '{name}'"
        )
    if target.exists():
        raise InputError(
            f"{target}: is there already, and a frozen study is not written over; take another "
            "name, or remove it with git first"
        )


def _check_seals(study: Study) -> None:
    for cell in study.cells.values():
        for run in cell.runs:
            what = f"{cell.dataset}/{cell.model}/s{run.seed}"
            if not run.training.seals:
                raise ResultsError(f"{what}: is unsealed; train it again with `dvc repro`")
            if changes := edits(run.training):
                raise ResultsError(
                    f"{what}: was edited while it ran ({changes[0]}); train it again with "
                    f"`dvc repro -f -s train@{cell.model}-{cell.dataset}-{run.seed}`"
                )
            if code := [name for name in run.training.seals[0].changed if name.startswith("src/")]:
                raise ResultsError(
                    f"{what}: was trained by code that no commit holds ({code[0]}); commit it and "
                    "train again, so that the run can be made again"
                )


def _copy(root: Path, folder: Path, params: Params) -> None:
    files = [*study_files(params), *later_files(params, root / RESULTS)]
    for name in (PARAMS, LOCK, *(f"{RESULTS}/{name}" for name in files)):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if "/predictions/" in name:
            _compress(root / name, target.with_name(target.name + PACKED))
        else:
            shutil.copyfile(root / name, target)


def _keep_code(root: Path, folder: Path, study: Study) -> None:
    """Keep the files that built the networks, as they were when the trainings started."""
    wanted = {
        (name, digest, seal.commit)
        for cell in study.cells.values()
        for run in cell.runs
        for seal in run.training.seals
        for name, digest in seal.start.code.items()
        if name.startswith(MODELS)
    }
    for name, digest, commit in sorted(wanted):
        text = _source(root, name, digest, commit)
        if text is None:
            raise ResultsError(f"{name}: is no longer as it was when the networks were trained")
        target = folder / CODE / name.removeprefix(MODELS)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(text)


def _keep_pictures(docs: Path, folder: Path, pictures: Path) -> None:
    """Keep the pictures of a study that has some: their texts for git, themselves for DVC."""
    known = load_pictures(docs / INDEX)
    if not known:
        return
    shutil.copyfile(docs / INDEX, folder / INDEX)
    tracked = pictures.with_name(f"{pictures.name}.dvc")
    try:
        shutil.rmtree(pictures, ignore_errors=True)
        pictures.mkdir(parents=True)
        for name in sorted({name for each in known.values() for name in (each.file, each.dark)}):
            shutil.copyfile(docs / PICTURES / name, pictures / name)
        # Before DVC looks: it would ask git whether the folder is ignored, and write a line here
        # for each study. The file also keeps the folder, which DVC wants to be there in a clone.
        save_text(pictures.with_name(".gitignore"), "/*/\n")
        done = subprocess.run(  # noqa: S603 - fixed arguments
            [sys.executable, "-m", "dvc", "add", "--quiet", pictures.name],
            cwd=pictures.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not tracked.is_file():
            reason = (done.stderr.strip().splitlines() or ["it wrote no file"])[-1]
            raise ResultsError(f"nothing was frozen: `dvc add` failed for the pictures ({reason})")
        # With the study, whose manifest protects it.
        where = f"wdir: ../../{pictures.parent.name}\n"
        save_text(folder / TRACKED, tracked.read_text(encoding="utf-8") + where)
    except (OSError, ResultsError):
        shutil.rmtree(pictures, ignore_errors=True)
        raise
    finally:
        tracked.unlink(missing_ok=True)


def _source(root: Path, name: str, digest: str, commit: str) -> bytes | None:
    """Return a file with a digest, as it stands or as its commit has it; None if neither has it."""
    here = root / name
    committed = git.output(root, "show", f"{commit}:{name}")
    for text in (here.read_bytes() if here.is_file() else None, committed):
        if text is not None and md5_of(text) == digest:
            return text
    return None


def _compress(source: Path, target: Path) -> None:
    """Compress a file; the time is left out, so that the same file gives the same bytes here."""
    target.write_bytes(gzip.compress(source.read_bytes(), mtime=0))


def _manifest(root: Path, folder: Path, name: str, title: str) -> Manifest:
    pictures = folder / PICTURES
    found = (path for path in folder.rglob("*") if path.is_file())
    files = sorted(path for path in found if pictures not in path.parents)
    return Manifest(
        name=name,
        title=title or name,
        frozen=date.today().isoformat(),
        commit=checkout(root)[0],
        files={path.relative_to(folder).as_posix(): sha256(path) for path in files},
    )


def code_of(folder: Path) -> dict[str, str]:
    """Return the code that built the networks of a frozen study, by file name."""
    return {path.name: path.read_text(encoding="utf-8") for path in (folder / CODE).glob("*.py")}


def frozen_names(studies: Path) -> list[str]:
    """Return the names of all frozen studies, in order."""
    return sorted(path.parent.name for path in studies.glob(f"*/{MANIFEST}"))


def demand_study(name: str, known: Sequence[str]) -> None:
    """Refuse a name that no study has.

    Raises:
        InputError: lists the names that are known.

    """
    if name not in known:
        listed = ", ".join(known) or "none; `cnnreport freeze NAME` keeps the live one"
        raise InputError(f"no study '{name}'; known: {listed}")


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest of a frozen study.

    Raises:
        ResultsError: it is missing or has another form.

    """
    return load_json(folder / MANIFEST, Manifest)


def load_frozen(folder: Path) -> Study:
    """Read a frozen study.

    Raises:
        ResultsError: a file is missing or malformed.
        ParamsError: its parameters cannot be read.

    """
    study = load_study(load_params(folder / PARAMS), folder / RESULTS, load_manifest(folder))
    return replace(study, pictures=load_pictures(folder / INDEX))
