"""Tables of the test images that all networks get wrong, or one of them alone."""

from cnnreport.evidence import cite, derive
from cnnreport.formats import md, percent, thousands
from cnnreport.misses import (
    GALLERY,
    Answer,
    chance_of_all,
    count_of_one,
    missed_by_all,
    share_of_all,
)
from cnnreport.study import Study
from cnnreport.tables.markdown import Table
from cnnreport.tables.words import Names


def missed_images(study: Study, dataset: str, names: Names) -> Table:
    """Return the images that all networks miss with each one's answer and how sure it is of it.

    They are numbered as in the picture; where the seeds differ, each answer is named, the usual one
    first. Images from somebody's folder are named by their files.
    """
    models = study.params.models
    folder = study.folders.get(dataset)
    rows = [
        [
            str(number),
            md(folder.test_files[miss.image]) if folder else str(miss.image),
            md(miss.actual),
            *(_answer(miss.answers[model]) for model in models),
        ]
        for number, miss in enumerate(missed_by_all(study, dataset)[:GALLERY], start=1)
    ]
    headers = ["No.", "Test image", "Class", *(names[model] for model in models)]
    return Table(headers, rows, "r" + ("l" if folder else "r") + "l" + "l" * len(models))


def _answer(answer: Answer) -> str:
    classes = " or ".join(md(name) for name in answer.classes)
    return f"{classes}, {percent(answer.confidence, 0)}"


def missed_alone(study: Study, dataset: str, names: Names) -> Table:
    """Return how many images each network alone misses."""
    rows = [
        [names[cell.model], thousands(count_of_one(study, cell))]
        for cell in study.cells_of(dataset)
    ]
    return Table(["Network", "Images that it alone misses"], rows, "lr")


def missed_finding(study: Study, dataset: str) -> str:
    """Say how many images all networks miss, and how many it would be by chance."""
    count, share = share_of_all(study, dataset)
    images = study.datasets[dataset].test_images
    part = f"{thousands(count)} of {thousands(images)} test images ({percent(share)})"
    if len(study.params.models) == 1:
        return f"The network misses {part}."
    chance = chance_of_all(study, dataset)
    expected = derive(chance * images, "product of the shares, times the test images", chance)
    few = cite(expected, "fewer than one") if expected < 1 else f"about {thousands(expected)}"
    return (
        f"All networks miss {part}. Were their errors independent of each other, {few} would be: "
        "the product of the shares that each one misses, times the images."
    )
