"""The figures of the frozen studies in README.md."""

from dataclasses import replace
from pathlib import Path

import pytest
from make_study import MODELS, make_study, normalised

from cnnreport.errors import InputError
from cnnreport.freezing import frozen_names, load_frozen
from cnnreport.inserts import closing, opening
from cnnreport.original import load_original
from cnnreport.readme import NAME, figures, update
from cnnreport.records import save_text
from cnnreport.statistics import tie_groups
from cnnreport.study import Manifest, Study
from cnnreport.tables.words import accuracy_alone

ROOT = Path(__file__).parent.parent
ORIGINAL = load_original(ROOT / "report/original_study.yaml")
EMPTY = f"# Mine\n\n{opening(NAME)}\n{closing(NAME)}\n\nMore.\n"


def kept(title: str = "A | kept study") -> Study:
    study = make_study(("cifar10", "cifar100-objects"), MODELS[:2], (0, 1), images_per_class=10)
    return replace(study, manifest=Manifest("kept", title, "2026-01-01", "c" * 40, {}))


def test_the_figures_of_this_project_are_up_to_date(tmp_path: Path) -> None:
    studies = ROOT / "report/studies"
    frozen = [load_frozen(studies / name) for name in frozen_names(studies)]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    save_text(tmp_path / "README.md", text)
    stale = update(tmp_path, figures(frozen, ORIGINAL))
    assert not stale, "run `cnnreport readme`"


def test_a_row_a_study_and_image_set_with_all_its_networks() -> None:
    study = kept()
    rows = [line for line in figures([study], ORIGINAL).splitlines() if "kept/index.md" in line]
    assert len(rows) == 2
    for dataset, row in zip(study.datasets, rows, strict=True):
        assert row.startswith(r"| [A \| kept study](docs/studies/kept/index.md) | Synthetic cifar")
        for ranked in tie_groups(study, dataset):
            assert f"{ranked.rank}. {ORIGINAL.titles[ranked.cell.model]} " in row
            assert accuracy_alone(ranked.cell) in row
    assert "±" in rows[0]


def test_a_study_whose_averages_have_not_settled_is_named() -> None:
    settled, other = normalised(kept("Settled"), 0.9), normalised(kept("Other"))
    text = figures([settled, other], ORIGINAL)
    titles = [other.datasets[name].title for name in other.datasets]
    assert f"In *Other* ({titles[0]}) and *Other* ({titles[1]}) networks were tested with" in text
    assert "reach over much of their training" not in figures([settled], ORIGINAL)


def test_only_the_part_between_the_comments_is_written(tmp_path: Path) -> None:
    save_text(tmp_path / "README.md", EMPTY)
    part = figures([kept()], ORIGINAL)
    assert update(tmp_path, part)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    before, after = EMPTY.split(f"\n{closing(NAME)}")
    assert text == f"{before}\n{part}{closing(NAME)}{after}"
    assert not update(tmp_path, part)
    assert update(tmp_path, figures([], ORIGINAL))
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == EMPTY


@pytest.mark.parametrize("text", [None, "# Mine\n"])
def test_a_page_without_a_place_for_them_is_one_line(tmp_path: Path, text: str | None) -> None:
    if text:
        save_text(tmp_path / "README.md", text)
    with pytest.raises(InputError, match="where the figures shall stand; put them in") as caught:
        update(tmp_path, "")
    assert "\n" not in str(caught.value)
