"""The command `cnnreport`: what is not a verb of DVC or MkDocs."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cnnreport.errors import CnnReportError
from cnnreport.params import BASE_DATASETS, load_params

app = typer.Typer(
    help="Check, fetch and look up what a comparison report is made of.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ParamsFile = Annotated[Path, typer.Option(help="The parameters to read.")]


def main() -> None:
    """Run the command; an error of the user's is one line and exit status 2."""
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
    from cnnreport.models import NETWORKS, build_network  # noqa: PLC0415 - loads TensorFlow
    from cnnreport.models.inspection import describe  # noqa: PLC0415

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
