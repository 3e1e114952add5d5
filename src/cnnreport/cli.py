"""The command `cnnreport`: what is not a verb of DVC or MkDocs."""

import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from cnnreport.errors import CnnReportError, InputError
from cnnreport.params import BASE_DATASETS, load_params

if TYPE_CHECKING:
    from cnnreport import tables

app = typer.Typer(
    help="Check, fetch and look up what a comparison report is made of.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

STUDIES = Path("report/studies")

ParamsFile = Annotated[Path, typer.Option(help="The parameters to read.")]


def main() -> None:
    """Run the command; an error of the user's is one line and exit status 2."""
    for stream in (sys.stdout, sys.stderr):  # a pipe on Windows has another encoding
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    try:
        app()
    except CnnReportError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


@app.command()
def check(
    params: ParamsFile = Path("params.yaml"),
    report: Annotated[Path, typer.Option(help="The folder that a person edits.")] = Path("report"),
) -> None:
    """Read every file that a person edits and name the first mistake in each.

    Example: cnnreport check
    """
    from cnnreport.checks import check_files  # noqa: PLC0415 - keep --help fast

    failed = False
    for path, mistake in check_files(params, report):
        failed |= mistake is not None
        if mistake:
            print(f"error: {mistake}", file=sys.stderr)
        else:
            print(f"{path}: good")
    if failed:
        raise typer.Exit(2)


@app.command()
def fetch(
    dataset: Annotated[str, typer.Argument(help="digits, cifar10, cifar100 or a subset's name.")],
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Find an image set as the pipeline would, downloading it if need be.

    Example: cnnreport fetch cifar10
    """
    from cnnreport.datasets import load_image_set  # noqa: PLC0415 - keep --help fast

    image_set = load_image_set(dataset, load_params(params))
    print(
        f"{image_set.title}: {len(image_set.train.labels)} training and "
        f"{len(image_set.test.labels)} test images of {len(image_set.class_names)} classes, "
        f"from {image_set.source}"
    )


@app.command()
def networks(
    classes: Annotated[int, typer.Option(help="How many classes to tell apart.")] = 10,
    side: Annotated[int, typer.Option(help="Height and width of an image in pixels.")] = 32,
) -> None:
    """List the networks with their parameters and multiply-accumulates an image.

    GoogLeNet is counted with its two auxiliary heads, which a report counts only where they vote.

    Example: cnnreport networks --classes 100
    """
    from cnnreport.machine import use  # noqa: PLC0415 - keep --help fast

    use(None, None)
    from cnnreport.models import build_network  # noqa: PLC0415 - loads TensorFlow
    from cnnreport.models.inspection import describe  # noqa: PLC0415
    from cnnreport.networks import NETWORKS  # noqa: PLC0415

    table = Table("network", "layers", "parameters", "trainable", "MACs")
    for name in NETWORKS:
        network = describe(build_network(name, (side, side, 3), classes))
        numbers = (network.parameters, network.trainable_parameters, network.macs)
        table.add_row(name, str(len(network.layers)), *(f"{number:,}" for number in numbers))
    Console().print(table)


@app.command()
def datasets(params: ParamsFile = Path("params.yaml")) -> None:
    """List the image sets that params.yaml may name.

    Example: cnnreport datasets
    """
    checked = load_params(params)
    for name in BASE_DATASETS:
        print(name)
    for name, subset in checked.subsets.items():
        print(f"{name}: {len(subset.classes)} classes of {subset.source}")
    for name, folder in checked.folders.items():
        print(f"{name}: {len(folder.classes)} classes, images in {folder.path}")


@app.command("new-study")
def new_study(  # noqa: PLR0913, PLR0917 - each is an option of the command
    folder: Annotated[Path, typer.Argument(help="A folder for each class, or train/ and test/.")],
    name: Annotated[str, typer.Option(help="Of the image set; else made of the folder's.")] = "",
    title: Annotated[str, typer.Option(help="How the report calls it; else the name.")] = "",
    size: Annotated[
        int, typer.Option(min=32, max=256, help="Height and width, in pixels, to train on.")
    ] = 32,
    fit: Annotated[
        Literal["crop", "pad", "stretch"], typer.Option(help="What to do with what is no square.")
    ] = "crop",
    test_fraction: Annotated[
        float, typer.Option(min=0.01, max=0.9, help="To test on, where there is no test/.")
    ] = 0.2,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Look through a folder of images and write the parameters of a study of it.

    Then `dvc repro` trains all networks on it and writes their report. Nothing is run here.

    Example: cnnreport new-study ../flowers --title "Flowers of our garden"
    """
    from cnnreport import new_study as study  # noqa: PLC0415 - keep --help fast

    chosen = study.name_for(folder, name, load_params(params))
    settings = {"size": size, "fit": fit, "test_fraction": test_fraction, "title": title or chosen}
    found = study.examine(folder, settings)
    written = study.write_study(params, chosen, folder, found, settings)
    print("\n".join(study.lines(found, written, chosen)))


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    dataset: Annotated[
        str, typer.Option(help="The image set that the networks learnt; else the study's first.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print data instead of a table.")] = False,
) -> None:
    """Say what each trained network sees on images, and how sure it is.

    Exit status 2 where an image cannot be read; the others are answered all the same.

    Example: cnnreport predict rose.jpg tulip.png
    """
    from cnnreport import answering  # noqa: PLC0415 - loads TensorFlow

    params = load_params(Path("params.yaml"))
    found, bad = answering.ask(Path(), params, dataset, images)
    if as_json:
        print(json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False))
    elif found:
        # A table for each image: beside the answers, a path would be cut off.
        for image, answers in groupby(found, key=lambda answer: answer.image):
            Console().print(f"\n{escape(image)}", soft_wrap=True)
            table = Table(*answering.HEADERS, box=SIMPLE)
            for row in answering.rows(list(answers)):
                table.add_row(*map(escape, row))
            Console().print(table)
        print(answering.note(found))
    for line in bad:
        print(f"error: {line}", file=sys.stderr)
    if bad:
        raise typer.Exit(2)


@app.command()
def repro(
    targets: Annotated[list[str] | None, typer.Argument(help="Stages to end with.")] = None,
    workers: Annotated[
        int | None,
        typer.Option("-j", "--jobs", min=1, help="Stages at a time; else as many as fit."),
    ] = None,
    ray: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", envvar="CNNREPORT_RAY", help="Train on this Ray cluster, as auto."
        ),
    ] = "",
    checkpoints: Annotated[
        str,
        typer.Option(
            metavar="URL",
            envvar="CNNREPORT_CHECKPOINTS",
            help="Keep states of trainings there too.",
        ),
    ] = "",
) -> None:
    """Do what `dvc repro` does, with several stages at a time.

    Example: cnnreport repro -j 4
    """
    from cnnreport.board import board  # noqa: PLC0415 - keep --help fast
    from cnnreport.repro import reproduce, told  # noqa: PLC0415 - loads DVC

    try:
        schedule = reproduce(
            targets or [], board(), workers=workers, ray=ray, checkpoints=checkpoints
        )
    except KeyboardInterrupt:
        print("stopped: `cnnreport repro` goes on after the last finished epochs", file=sys.stderr)
        raise typer.Exit(130) from None
    print(told(schedule))
    if not schedule.well:
        raise typer.Exit(1)


@app.command()
def plan(
    targets: Annotated[list[str] | None, typer.Argument(help="Stages to end with.")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("-S", "--set-param", metavar="NAME=VALUE", help="As for `dvc exp run`."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print data instead of a table.")] = False,
) -> None:
    """Say what a run would do, why and about how long it would take; nothing is run or changed.

    Example: cnnreport plan -S epochs=100
    """
    from cnnreport import planning  # noqa: PLC0415 - loads DVC

    found = planning.load_plan(changes or [], targets or [])
    if as_json:
        print(json.dumps(planning.as_json(found), indent=2, ensure_ascii=False))
        return
    if found.steps:
        table = Table(
            Column("stage", no_wrap=True),
            Column("why", overflow="fold"),
            "about how long",
            box=SIMPLE,
        )
        for row in planning.rows(found):
            table.add_row(*map(escape, row))
        Console().print(table)
    for line in (*found.notes, planning.summary(found)):
        print(line)


@app.command()
def lint(
    root: Annotated[Path, typer.Option(help="The project's folder.")] = Path(),
) -> None:
    """Find numbers that somebody typed into a page instead of taking them from the results.

    Exit status 2 where there are any, or where report/constants.yaml does not fit the pages.

    Example: cnnreport lint
    """
    from cnnreport.numberlint import lint_project  # noqa: PLC0415 - keep --help fast

    findings, pages = lint_project(root)
    for finding in findings:
        print(finding)
    print(f"{pages} pages read, {len(findings) or 'no'} finding{'s' * (len(findings) != 1)}")
    if findings:
        raise typer.Exit(2)


@app.command()
def pdf(
    paper: Annotated[
        Literal["a4", "us-letter"] | None, typer.Option(help="Else that of internship.yaml.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("report.pdf"),
    root: Annotated[Path, typer.Option(help="The project's folder.")] = Path(),
) -> None:
    """Set the report as a PDF from its written pages and report/internship.yaml.

    Example: cnnreport pdf --paper us-letter --out report-letter.pdf
    """
    from cnnreport.pdf import build_pdf  # noqa: PLC0415 - keep --help fast

    build_pdf(root, out, paper)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


@app.command()
def freeze(
    name: Annotated[str, typer.Argument(help="Small letters, digits and hyphens.")],
    title: Annotated[str, typer.Option(help="How the site calls it; else the name.")] = "",
    root: Annotated[Path, typer.Option(help="The checkout whose live study is kept.")] = Path(),
    studies: Annotated[
        Path | None, typer.Option(help="Where to keep it; else report/studies of the checkout.")
    ] = None,
) -> None:
    """Keep the live study for good, below report/studies, without its weights.

    Example: cnnreport freeze lenet-2026 --title "LeNet on CIFAR-10, three seeds"
    """
    from cnnreport import freezing, verification  # noqa: PLC0415 - keep --help fast

    folder = freezing.freeze(
        root, studies or root / STUDIES, name, title, lambda: verification.demand(root)
    )
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{folder}: {len(files)} files, {size:.1f} MB")
    print("`dvc repro` writes its pages, `cnnreport readme` its figures in README.md; commit all")


@app.command()
def compare(
    before: Annotated[
        str,
        typer.Argument(
            help="A frozen study, a branch, tag or commit, a checkout's folder, or `.`."
        ),
    ],
    after: Annotated[str, typer.Argument(help="The same; `.` is this checkout's own.")] = ".",
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, as for a pull request.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print data instead of tables.")] = False,
) -> None:
    """Say what differs between two studies, beyond noise or not, and what changed underneath.

    Numbers, ranks and claims are compared; exit status 0 whatever differs.

    Example: cnnreport compare main .
    """
    from cnnreport import differences, revisions, tables  # noqa: PLC0415 - loads statsmodels

    found = revisions.load_differences(before, after)
    if as_json:
        print(json.dumps(differences.as_json(found), indent=2, ensure_ascii=False))
    elif markdown:
        print(tables.comparison_markdown(found), end="")
    else:
        print(differences.summary(found))
        for part in tables.difference_parts(found, {}, str):
            print_part(part.title, part.table, part.lines)


def print_part(title: str, rows: "tables.Table", lines: Sequence[str]) -> None:
    """Print a table under its title, and lines below it."""
    sides: dict[str, Literal["left", "right"]] = {"l": "left", "r": "right"}
    columns = [
        Column(escape(header), justify=sides[side])
        for header, side in zip(rows.headers, rows.align, strict=True)
    ]
    table = Table(*columns, box=SIMPLE, padding=(0, 1, 0, 0), title=title, title_justify="left")
    for row in rows.rows:
        table.add_row(*map(escape, row))
    console = Console()
    console.print(table)
    for line in lines:
        console.print(line, markup=False, highlight=False)


@app.command()
def choose(  # noqa: PLR0913, PLR0917 - each is an option of the command
    dataset: Annotated[str, typer.Option(help="An image set of the study.")] = "",
    study: Annotated[str, typer.Option(help="A frozen study; else the live one.")] = "",
    accuracy: Annotated[str, typer.Option(help="At least, as 95%.")] = "",
    parameters: Annotated[str, typer.Option(help="At most, as 5M.")] = "",
    macs: Annotated[str, typer.Option(help="At most for one image, as 100M.")] = "",
    train_time: Annotated[str, typer.Option(help="At most, as 10min.")] = "",
    latency: Annotated[str, typer.Option(help="At most for one image, as 5ms.")] = "",
    images_a_second: Annotated[str, typer.Option(help="At least, in batches, as 500.")] = "",
    memory: Annotated[str, typer.Option(help="At most in training, as 2GiB.")] = "",
    images: Annotated[
        int | None, typer.Option(min=1, help="Your training images: takes the closest image set.")
    ] = None,
    classes: Annotated[int | None, typer.Option(min=1, help="Your classes, likewise.")] = None,
    sure: Annotated[
        bool, typer.Option("--sure", help="The whole interval has to reach the accuracy.")
    ] = False,
) -> None:
    """Say which networks remain within limits, what excludes the others, and whom to take.

    Exit status 0 whether or not a network remains.

    Example: cnnreport choose --accuracy 95% --parameters 5M
    """
    from cnnreport import choosing, freezing  # noqa: PLC0415 - loads statsmodels
    from cnnreport.original import load_original  # noqa: PLC0415
    from cnnreport.pages import titles_of  # noqa: PLC0415
    from cnnreport.study import load_study  # noqa: PLC0415

    if study:
        freezing.demand_study(study, freezing.frozen_names(STUDIES))
        found = freezing.load_frozen(STUDIES / study)
    else:
        found = load_study(load_params(Path("params.yaml")), Path("results"))
    given = {
        "accuracy": accuracy,
        "parameters": parameters,
        "macs": macs,
        "train_seconds": train_time,
        "latency_ms": latency,
        "images_a_second": images_a_second,
        "peak_memory_mib": memory,
    }
    limits = choosing.Limits(
        {key: choosing.amount(text, choosing.CRITERIA[key]) for key, text in given.items() if text},
        choosing.Certainty.SURE if sure else choosing.Certainty.MEASURED,
    )
    own = choosing.image_set(found, dataset, images, classes)
    names = titles_of(found, load_original(Path("report/original_study.yaml")))
    print(choosing.basis(found, own))
    for line in choosing.reasoning(found, own, limits, choosing.BY, names):
        print(line)


@app.command()
def verify(
    studies: Annotated[
        list[str] | None,
        typer.Argument(help="Frozen studies by name, `.` for the live one; all if none is named."),
    ] = None,
    cache: Annotated[bool, typer.Option("--cache", help="Hash DVC's local cache again.")] = False,
    weights: Annotated[
        int, typer.Option(min=0, metavar="N", help="Predict N test images of each run again.")
    ] = 0,
    figures: Annotated[bool, typer.Option("--figures", help="Draw all figures again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print data instead of a table.")] = False,
) -> None:
    """Make every number, digest and page of the report again and say how well each held.

    Exit status 0 where all is exact or within tolerance, 3 where something cannot be verified, 1
    where something is WRONG.

    Example: cnnreport verify . --cache --weights 100
    """
    from cnnreport import verification  # noqa: PLC0415 - loads statsmodels

    if not Path("params.yaml").is_file():
        raise InputError("no params.yaml here; run this in the top folder of a project")
    found = verification.verify(
        Path(), studies or [], cache=cache, weights=weights, figures=figures
    )
    if as_json:
        print(json.dumps(verification.as_json(found), indent=2, ensure_ascii=False))
    else:
        print("\n".join(verification.lines(found)))
    raise typer.Exit(verification.worst(found).status)


@app.command()
def readme(
    root: Annotated[Path, typer.Option(help="The project's folder.")] = Path(),
) -> None:
    """Write the figures of the frozen studies into README.md, between its two comments.

    Example: cnnreport readme
    """
    from cnnreport import readme as page  # noqa: PLC0415 - loads statsmodels
    from cnnreport.freezing import frozen_names, load_frozen  # noqa: PLC0415
    from cnnreport.original import load_original  # noqa: PLC0415

    studies = root / STUDIES
    frozen = [load_frozen(studies / name) for name in frozen_names(studies)]
    original = load_original(root / "report/original_study.yaml")
    changed = page.update(root, page.figures(frozen, original))
    print(f"{page.README}: {'written' if changed else 'up to date'}")


@app.command()
def storage(
    remote: Annotated[
        str, typer.Option(help="As `dvc remote list` calls it; else the default.")
    ] = "",
    heal: Annotated[
        bool, typer.Option("--heal", help="Replace bad and missing objects by good ones.")
    ] = False,
) -> None:
    """Read in full what dvc.lock needs, in DVC's local cache and a remote, and name what is bad.

    Exit status 0 where all is good or has been healed, 1 where something is not.

    Example: cnnreport storage --heal
    """
    from cnnreport import storage as stored  # noqa: PLC0415 - loads DVC

    found = stored.check(remote, heal=heal)
    print("\n".join(stored.lines(found, heal=heal)))
    raise typer.Exit(not found.good)


@app.command("merge-setup")
def merge_setup() -> None:
    """Teach git, in this clone, to merge dvc.lock, params.yaml and what `dvc repro` writes.

    Once for each clone; again where the Python environment has moved.

    Example: cnnreport merge-setup
    """
    from cnnreport import merging  # noqa: PLC0415 - keep --help fast

    print(f"{merging.set_up(Path())}: `git merge` now merges studies stage by stage")


@app.command("merge-lock", hidden=True)
def merge_lock(base: Path, ours: Path, theirs: Path, name: str) -> None:
    """Merge dvc.lock for git, which gives three files and the name; the result goes into OURS."""
    from cnnreport import merging  # noqa: PLC0415 - keep --help fast

    merged = merging.merge_lock(base, ours, theirs, name)
    if merged.again:
        which = ", ".join(merged.again)
        print(f"{name}: `dvc repro` is to run again what both changed: {which}", file=sys.stderr)
    for stage in merged.conflicts:
        print(
            f"{name}: {stage} was trained differently on both sides; ours is kept, and "
            f"`cnnreport take-training {stage} BRANCH` takes theirs",
            file=sys.stderr,
        )
    raise typer.Exit(1 if merged.conflicts else 0)


@app.command("merge-params", hidden=True)
def merge_params(base: Path, ours: Path, theirs: Path) -> None:
    """Merge params.yaml for git, which gives three files; the result goes into OURS."""
    from cnnreport import merging  # noqa: PLC0415 - keep --help fast

    raise typer.Exit(0 if merging.merge_params(base, ours, theirs) else 1)


@app.command("take-training")
def take_training(
    stage: Annotated[str, typer.Argument(help="As dvc.lock names it.")],
    revision: Annotated[str, typer.Argument(help="A branch, tag or commit that has it.")],
) -> None:
    """Take one training from another branch, as where a merge asks whose to keep.

    Example: cnnreport take-training train@lenet-digits-0 other
    """
    from cnnreport import merging  # noqa: PLC0415 - keep --help fast
    from cnnreport.objects import LOCK_FILE  # noqa: PLC0415

    files = merging.take_training(Path(), stage, revision)
    print("\n".join([*files, LOCK_FILE]))
    print("`dvc checkout` or `dvc pull` brings the weights; params.yaml has to ask for the same")
