"""The formulas: one source, each shown on its page, drawn in a moment, told in words."""

import re
import time
from pathlib import Path

import markdown
import pytest

from cnnreport.errors import InputError
from cnnreport.figures.dark import DARK, dark_of
from cnnreport.figures.formulas import draw_formulas
from cnnreport.figures.looks import INK
from cnnreport.formulas import DrawnFormula, Formula, drawn_text, load_drawn, load_formulas
from cnnreport.pages.templating import make_environment
from cnnreport.stages.plot import formula_files

REPORT = Path(__file__).parents[1] / "report"
FORMULAS = REPORT / "formulas.yaml"
TEMPLATES = REPORT / "templates"

PHONE = 22
"""What a page of 390 pixels holds of letters as wide as they are high."""


def formula(typst: str, name: str = "one") -> Formula:
    return Formula(name=name, typst=typst, alt="words", page="a.md.j2")


def test_every_formula_is_shown_by_its_page_and_no_other_is_asked_for() -> None:
    shown = {
        (path.relative_to(TEMPLATES).as_posix(), name)
        for path in TEMPLATES.rglob("*.j2")
        for name in re.findall(r'{{\s*formula\("([^"]+)"', path.read_text(encoding="utf-8"))
    }
    assert shown == {(each.page, each.name) for each in load_formulas(FORMULAS).values()}


def test_no_page_writes_a_formula_as_code() -> None:
    for path in TEMPLATES.rglob("*.j2"):
        assert "```text" not in path.read_text(encoding="utf-8"), path.name


def test_all_formulas_are_drawn_in_a_moment_and_fit_a_phone() -> None:
    formulas = load_formulas(FORMULAS)
    begun = time.process_time()
    drawn = draw_formulas(formulas)
    assert time.process_time() - begun < 1
    assert list(drawn) == list(formulas)
    for name, (svg, size) in drawn.items():
        assert svg.startswith("<svg"), name
        assert 0 < size.width < PHONE, name
        assert 0.5 < size.height < 8, name
        assert size.alt == formulas[name].alt


def test_a_formula_has_its_ink_turned_for_the_dark() -> None:
    files = formula_files(FORMULAS)
    assert files["formula-sigmoid-dark.svg"] == dark_of(files["formula-sigmoid.svg"])
    assert INK in files["formula-sigmoid.svg"]
    assert INK not in files["formula-sigmoid-dark.svg"]
    assert DARK[INK] in files["formula-sigmoid-dark.svg"]
    assert formula_files(FORMULAS) == files


def test_an_error_names_the_formula() -> None:
    good, bad = formula("x + y", "good"), formula("frac(", "bad")
    with pytest.raises(InputError, match="formula 'bad' is no Typst") as caught:
        draw_formulas({"good": good, "bad": bad})
    assert "\n" not in str(caught.value)
    assert draw_formulas({}) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("formulas: [{name: a, typst: 'x $ #read(\"/etc/passwd\") $', alt: b, page: c}]", "typst"),
        ("formulas: [{name: 'A b', typst: x, alt: b, page: c}]", "name"),
        ("formulas: [{name: a, typst: x, alt: '', page: c}]", "alt"),
        ("formulas: [{name: a, typst: x, page: c}]", "alt"),
        (
            "formulas: [&f {name: a, typst: x, alt: b, page: c}, *f]",
            "wanted each name once, came 'a' 2 times",
        ),
        ("formulas: {", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "formulas.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        load_formulas(path)
    assert "\n" not in str(caught.value)


def test_what_was_drawn_is_read_again(tmp_path: Path) -> None:
    drawn = {"a": DrawnFormula("words", 2.5, 1.25)}
    assert load_drawn(tmp_path) == {}
    (tmp_path / "formulas.json").write_text(drawn_text(drawn), encoding="utf-8")
    assert load_drawn(tmp_path) == drawn
    for wrong in ("[]", "{", '{"a": {"alt": "b"}}'):
        (tmp_path / "formulas.json").write_text(wrong, encoding="utf-8")
        with pytest.raises(InputError, match=r"formulas\.json"):
            load_drawn(tmp_path)


def rendered(source: str, alt: str) -> str:
    templates = {
        "_macros.md.j2": (TEMPLATES / "_macros.md.j2").read_text(encoding="utf-8"),
        "page": '{% from "_macros.md.j2" import formula with context %}\n' + source,
    }
    text = make_environment(templates).get_template("page")
    page = text.render(
        formula_text=lambda _: DrawnFormula(alt, 2.5, 1.0),
        formula_path=lambda name: f"../figures/formula-{name}.svg",
    )
    return markdown.markdown(page, extensions=["attr_list", "tables"])


@pytest.mark.parametrize(
    "alt", ["a | b", "<script>x</script>", "](x) *b* _c_ `d`", '"quoted" & {x}']
)
def test_the_page_shows_a_formula_once_for_each_scheme(alt: str) -> None:
    html = rendered('Text\n\n{{ formula("one") }}\n\nMore', alt)
    assert html.count("<img") == 2
    assert html.count('data-formula="one"') == 2
    assert 'src="../figures/formula-one.svg#gh-light-mode-only"' in html
    assert 'src="../figures/formula-one-dark.svg#gh-dark-mode-only"' in html
    assert '<p class="formula">' in html
    assert "<script" not in html
    assert "<em>" not in html
    assert "width: 2.5em" in html


def test_a_formula_in_a_line_leaves_the_line_whole() -> None:
    html = rendered(
        '| a | b |\n| --- | --- |\n| {{ formula("one", inline=true) }} | c |\n', "x | y"
    )
    assert html.count("<td>") == 2
    assert 'class="formula"' in html
    assert '<p class="formula">' not in html
