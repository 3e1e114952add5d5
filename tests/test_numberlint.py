"""The number lint: what is reported, what is not, on which line; and our own pages are clean."""

import re
import subprocess
import sys
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import pytest

from cnnreport.errors import InputError
from cnnreport.inserts import closing, opening
from cnnreport.numberlint import (
    CONSTANTS,
    Constant,
    Constants,
    ConstantsFile,
    Sources,
    lint,
    lint_project,
    load_constants,
    load_texts,
    unsourced,
)
from cnnreport.prose import CITATION, EXPRESSION, prose

ROOT = Path(__file__).parents[1]
TEMPLATE = "report/templates/page.md.j2"
PAGE = "docs/how-to/page.md"
NONE = Constants()
X = "\u00d7"
"""The sign of multiplication, which prints like the letter x."""


def constants(*texts: str, where: str = TEMPLATE, names: tuple[str, ...] = ()) -> Constants:
    entries = [Constant(text=text, why="a test", where=where, source="x") for text in texts]
    return Constants(ConstantsFile(names=list(names), constants=entries))


def found(text: str, declared: Constants = NONE, path: str = TEMPLATE) -> list[tuple[int, str]]:
    """Line and numeral of the findings in one page."""
    findings = lint({path: text}, declared)
    assert all(finding.path == path for finding in findings), findings
    return [(finding.line, finding.message.split("'")[1]) for finding in findings]


@pytest.mark.parametrize(
    ("text", "numerals"),
    [
        ("ResNet-50 reaches 98.7 % on CIFAR-10.", ["98.7"]),
        ("It has 60 million weights.", ["60"]),
        ("It takes 5h, 12x as long, 400MB and 3.5-times as much.", ["5", "12", "400", "3.5"]),
        ("1,797 images", ["1,797"]),
        ("a rate of 1e-4 or 0.0001", ["1e-4", "0.0001"]),
        ("½ of them", ["½"]),
        ("the 2nd place", ["2"]),
        ("± 0.9 points", ["0.9"]),
        ("2048 units and 2000 images", ["2048", "2000"]),  # these years count things
        ("in 2012 %", ["2012"]),
        ("2,012 and 2012.5 and 20120", ["2,012", "2012.5", "20120"]),
        ("ResNet-50 %", ["50"]),  # a unit makes it a measured number
        (f"98.7 {X} 2.5", ["98.7", "2.5"]),
        (f"3 {X} faster", ["3"]),
        ("accuracy-98.7", ["98.7"]),
        ("a\n98. Then", ["98"]),  # no list item: nothing leads up to it
        ("# 98.7 % are reached", ["98.7"]),
        ("| LeNet | 0.9 |", ["0.9"]),
        ("[98 images](page.md)", ["98"]),
        ("![an accuracy of 97](a.svg)", ["97"]),
        ('!!! note "It takes 9 hours"', ["9"]),
        ("{{ name }} has 7 layers", ["7"]),
        ("{{ 0.987 | percent }}", ["0.987"]),  # typed by hand all the same
        ('{{ "98" }}', ["98"]),
        ('{% call details("97 of 98 images") %}', ["97", "98"]),
        ('{{ "about 5 h" if study else "" }}', ["5"]),
        ("{{ a }} = 12", ["12"]),
        ("{% set best = 91.3 %}{{ best }} %", ["91.3"]),
        ("{% set best = 91 %}{{ best }} %", ["91"]),
        ("{% set best = 91 -%}\n{{- best }} points", ["91"]),
        ("{% set best = 0.913 %}{{ best | percent }}", ["0.913"]),
        ("{% set best = 0.9 %}{% set better = best + 0.013 %}{{ better }}", ["0.9", "0.013"]),
        ("{% set best = 0.913 %}{{ best * 100 }} %", ["0.913", "100"]),
        ("{% set best = percent(0.913) %}{{ best }}", ["0.913"]),
        ("{% set best = {'LeNet': 91.3} %}{{ best.LeNet }} {{ best['LeNet'] }}", ["91.3", "91.3"]),
        ("{% set own = namespace(best=91.3) %}{{ own.best }}", ["91.3"]),
        ("{% set weights = 23324884 %}{{ weights | thousands }}", ["23324884"]),
        ("{% for name, best in [('LeNet', 91.3)] %}{{ best }}{% endfor %}", ["91.3"]),
        ("{% with best = 91.3 %}{{ best }}{% endwith %}", ["91.3"]),
        ("{{ percent(0.913) }}", ["0.913"]),
        ("{{ percent(value=0.913) }}", ["0.913"]),
        ("{{ points(-0.9, 1) }}", ["0.9", "1"]),
        ("{{ row('LeNet', 91.3) }}", ["91.3"]),
        ("{% call row(cell, 91.3) %}{% endcall %}", ["91.3"]),
        ("{{ cell.accuracy if cell else 0.913 }}", ["0.913"]),
        ("{{ cell.name ~ 0.913 | percent }}", ["0.913"]),
        ("{{ cell.accuracy | default(0.913) | percent }}", ["0.913"]),
        ("`91.3 %` and `LeNet: 91.3 % (5 s)`", ["91.3", "91.3", "5"]),
        ("`91.3` %, ``0.9 points``", ["91.3", "0.9"]),
        ("1990 of 2000", ["1990", "2000"]),
        ("1990 of the 2000 and 1,990 out of 2000", ["1990", "2000", "1,990", "2000"]),
        ("nine out of 2000, more than 2000, 1990/2000", ["2000", "2000", "1990", "2000"]),
        ("2000 test images, 2012 runs, 2000 ± 50", ["2000", "2012", "2000", "50"]),
        ("12 May runs, 3 May, May 12", ["12", "3", "12"]),
        ("12 May 2000 images", ["12", "2000"]),
        ("&#57;&#49; %, &#x39;&#x31;&period;3, &frac12;", ["91", "91.3", "½"]),
        ('{{ "&#57;&#49; %" }}', ["91"]),
        (f"60 million{CITATION} and &#xe001;", ["60"]),  # no page can write our marks
        ("chapter 4, then 98 images", ["98"]),
        ("{% if one %}once{% else %}98 times{% endif %}", ["98"]),
    ],
)
def test_a_typed_number_is_found(text: str, numerals: list[str]) -> None:
    assert [numeral for _, numeral in found(text)] == numerals


@pytest.mark.parametrize(
    "text",
    [
        "LeNet-5, VGG-16, ResNet-50's, CIFAR-100, SHA-256, Conv2D, float32, F1, cifar10, k3s",
        "python3.11 and v1.2.3",
        "In 2012, by 2015, the study of 2020, the 1990s, 2012-2015, 2012\u20132015, (Smith 2019)",
        "On 2026-11-22, 22 November 2026, November 22, 2026, 2 to 3 May 2026",
        "From 28 April to 3 May 2026, in May 2026, 2\u20133 May 2026",
        "The study of 2020, three of the 5 \u00d7 5 filters, 3 \u00d7 3 of 5 \u00d7 5",
        "{% set side = 32 %}{{ side }} pixels, {{ side // 2 ** 5 }} and {{ 2 * (side - 1) }}",
        "{% for blocks, width in [(3, 64)] %}{{ blocks }} blocks of {{ width }}{% endfor %}",
        "{% for day in range(1, 32) %}{{ day }}{% endfor %}",
        "{% set best = 0 %}{{ best }} or {{ cell.accuracy if cell else 0 }}",
        "{% set count = namespace(total=64) %}{{ count.total }}",
        "{{ cell.accuracy | decimal(3) }}, {{ cells[3].accuracy }}, {{ 98 / images ** 0.5 }}",
        "{{ 'few' if cell.accuracy < 0.913 else 'many' }}",
        "{{ cell.best }}{% set best = 91.3 %}",
        "`sleep 5 s -v`, `rate=5 s`, `{% set a = 91 %}`, `5 % 3`, `conv2 s`, `91.3`",
        f"A 5 {X} 5 filter, 224 {X} 224 pixels, 28 {X} 28 {X} 6 values, 1x1 convolutions, 28x28x6",
        f"{{{{ side }}}} {X} 3, {{{{ a }}}} {X} {{{{ b }}}}",
        "1 + ({{ side }} - {{ window }}) / 2 = {{ out }}",
        "[Chapter 2](2-project.md), chapters 4 and 5, section 3.1, Table 7, page 12",
        "(Smith 2019, section 2)",
        "1. first\n2. second\n   1. inner\n   2. inner\n3. third\n",
        "1) first\n2) second",
        "# 1 Title\n## 4.1 Research\n",
        "`epochs 98` and ``a ` 98`` and `a\nb 98`",
        "```\n98\n```\n",
        "  ~~~ text\n  98\n  ~~~\n",
        "~~~\n98 without an end",
        "<a id='x 98'></a> <img width=98>",
        "<!-- 98\n 97 -->",
        "[text](98.md 'x') [text](a_(98).md) [text][ref]\n\n[ref]: 98.md",
        "https://example.org/98/97.6 and <https://example.org/98>",
        "Title { #part-98 .class }",
        "&#215; &nbsp;",
        "[^12]",
        "{{ study.cells[12] | percent(1) }} {% set side = 32 %} {# 98 #} {{ link('4-cnn.md') }}",
        "{{ cell.epochs | plural('epoch', words=true) if cell else 0 }}",
        "---\ntitle: 98\n---\ntext",
    ],
)
def test_names_dates_sizes_and_code_are_no_measured_numbers(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "numerals"),
    [
        ("It has 60 million ({{ cite('a') }}).", []),
        ("It has 60\nmillion weights,\nas said in {{ cite('a') }}.", []),
        ("Theirs has 60 ({{ cite('a') }}), ours 50.", ["50"]),
        ("It has 60. Others agree ({{ cite('a') }}).", ["60"]),
        ("It has 60\n\n({{ cite('a') }})", ["60"]),
        ("- It has 60\n- and more ({{ cite('a') }})", ["60"]),
        ("| 60 | {{ cite('a') }} |", ["60"]),
        ("## With 60\nSee {{ cite('a') }}", ["60"]),
        ("It has 60 ({{ link('a') }}).", ["60"]),
        ("It has 60 (e.g. {{ cite('a') }}, {{ cite('b') }}).", []),
    ],
)
def test_a_citation_covers_what_stands_before_it_in_its_sentence(
    text: str, numerals: list[str]
) -> None:
    assert [numeral for _, numeral in found(text)] == numerals


def test_the_line_is_that_of_the_template() -> None:
    text = (
        "{#\n comment\n#}\n"
        "{% set sides = [\n  1,\n  2,\n] -%}\n"
        "\n\n{%- for side in sides -%}\n"
        "  Text {{ side\n  | percent }} and `code\n 9`\n"
        "{%- endfor %}\n"
        "{% raw %}\n{{ x }}\n{% endraw %}\n"
        "```\n98\n```\n"
        "Its accuracy is\n97.3 %, or {{ side }}\nor 96.\n"
    )
    lines = text.splitlines()
    assert found(text) == [
        (lines.index("97.3 %, or {{ side }}") + 1, "97.3"),
        (lines.index("or 96.") + 1, "96"),
    ]


def test_a_finding_is_one_line_that_says_what_to_do() -> None:
    text = "# Title\n\nOne sentence. The accuracy of {{ name }}\nis 98.7 % on the test images."
    (finding,) = lint({TEMPLATE: text}, NONE)
    assert str(finding) == (
        f"{TEMPLATE}:4: '98.7' in \"The accuracy of {{{{…}}}} is 98.7 % on the test images.\"; "
        f"take it from the results, cite its source behind it, or declare it in {CONSTANTS}"
    )


@pytest.mark.parametrize(
    ("declared", "numerals"),
    [
        ("60 million weights", ["61"]),
        ("60", ["61"]),
        ("has 60 million", ["61"]),
        ("61", ["60"]),
    ],
)
def test_a_declared_text_may_stand_where_it_was_declared(
    declared: str, numerals: list[str]
) -> None:
    text = "AlexNet has 60\n   million weights, or 61."
    assert [numeral for _, numeral in found(text, constants(declared))] == numerals


@pytest.mark.parametrize("text", ["160 million", "60.5 million", "1.60 million", "1,60 million"])
def test_a_declared_number_does_not_cover_a_longer_one(text: str) -> None:
    first, stale = lint({TEMPLATE: text}, constants("60"))
    assert first.message.startswith(f"'{text.removesuffix(' million')}' in ")
    assert stale.path == CONSTANTS


def test_a_declared_number_does_not_cover_a_percentage() -> None:
    assert len(lint({TEMPLATE: "weighted by 30 %"}, constants("weighted by 30"))) == 2


def test_a_declaration_holds_for_its_own_page() -> None:
    findings = lint({TEMPLATE: "60 weights", PAGE: "60 weights"}, constants("60 weights"))
    assert [finding.path for finding in findings] == [PAGE]


def test_numbers_may_follow_a_declared_name() -> None:
    declared = constants(names=("Python",))
    assert found("Python 3.11 to 3.13, Python 3, and Python 98 %", declared) == [(1, "98")]
    assert [numeral for _, numeral in found("Python 3.11")] == ["3.11"]


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (constants("61 weights"), "'61 weights' no longer stands in report/templates/page.md.j2"),
        (constants("60 weights", where=PAGE), f"{PAGE} is no page that is read"),
        (constants(names=("Python",)), "no page has 'Python' with a number behind it"),
    ],
)
def test_a_declaration_that_covers_nothing_is_reported(declared: Constants, message: str) -> None:
    findings = [
        finding
        for finding in lint({TEMPLATE: "Python has 60 weights"}, declared)
        if finding.path == CONSTANTS
    ]
    assert len(findings) == 1
    assert message in findings[0].message


def source(text: str, name: str) -> Constants:
    entry = Constant(text=text, why="a test", where=TEMPLATE, source=name)
    return Constants(ConstantsFile(constants=[entry]))


KNOWN = Sources(frozenset({"smith2019"}), {"src/net.py": "Dense(1_000), rate=1e-4, block4c, 0.5"})


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("60", "definition", None),
        ("60", "smith2019", None),
        ("1,000 units at a rate of 0.0001", "src/net.py", None),
        ("60", "smith2018", "did you mean 'smith2019'?"),
        ("60", "src/other.py", "came 'src/other.py'"),
        ("1,000 or 60", "src/net.py", "src/net.py does not hold 60; correct"),
        ("4 blocks", "src/net.py", "does not hold 4"),  # a name holds no number
        ("60", "results/digits/lenet/metrics.json", "which no page repeats by hand"),
        ("60", "docs/benchmarks/throughput.md", "which no page repeats by hand"),
    ],
)
def test_a_source_has_to_exist_and_to_hold_the_number(
    text: str, name: str, message: str | None
) -> None:
    messages = [finding.message for finding in unsourced(source(text, name), KNOWN)]
    assert len(messages) == (message is not None)
    assert all((message or "") in text for text in messages)


DATED = (
    "# Decisions\n\nAll 3.\n\n## 2026-11-22 · Speed\n\n1.18 times.\n\n## Since then\n\n1.5 times.\n"
)


def test_a_dated_section_is_a_record_of_its_day() -> None:
    assert found(DATED, path=PAGE) == [(3, "3"), (11, "1.5")]


def test_a_template_has_no_dated_sections() -> None:
    assert found(DATED) == [(3, "3"), (7, "1.18"), (11, "1.5")]


def test_jinja_is_no_language_of_hand_written_pages() -> None:
    assert found("{{ 98 }}", path=PAGE) == [(1, "98")]


def test_a_template_that_jinja_cannot_read_is_one_line() -> None:
    with pytest.raises(InputError, match=rf"^{re.escape(TEMPLATE)}:2: "):
        lint({TEMPLATE: "a\n{{ ' }}"}, NONE)


OURS = load_texts(ROOT)
DECLARED = load_constants(ROOT / CONSTANTS)


def test_our_own_pages_are_clean() -> None:
    findings, pages = lint_project(ROOT)
    assert not findings, "\n".join(map(str, findings))
    assert pages == len(OURS)


def test_what_is_read() -> None:
    assert {"README.md", "docs/decisions.md", "docs/how-to/declare-a-constant.md"} <= OURS.keys()
    assert "report/templates/networks/lenet/history.md.j2" in OURS
    assert not {"docs/index.md", "docs/benchmarks/throughput.md"} & OURS.keys()


def covered(text: str, pattern: str) -> set[int]:
    """Offsets within the matches of a pattern, ends included."""
    return {
        offset
        for match in re.finditer(pattern, text, re.DOTALL | re.MULTILINE)
        for offset in range(match.start(), match.end() + 1)
    }


def prose_line_ends(text: str) -> list[int]:
    """Offsets of the ends of lines with words that are no code, comment, tag or part of Jinja."""
    within = covered(
        text, r"\A---\n.*?^---|\{%.*?%\}|\{#.*?#\}|\{\{.*?\}\}|^```.*?^```|`[^`]*`|<[^>]*>"
    )
    ends = [match.start() for match in re.finditer(r"$", text, re.MULTILINE)]
    starts = [text.rfind("\n", 0, end) + 1 for end in ends]
    return [
        end
        for start, end in zip(starts, ends, strict=True)
        if end not in within and re.search(r"[a-z]{3}", text[start:end])
    ]


PROSE_LINES = [
    (path, end)
    for path, text in OURS.items()
    if path.endswith(".j2")
    for end in prose_line_ends(text)
]


NUMBERS = ("98.7 %", "12,345", "0.987", "3.5 h")


def typed_in(path: str, end: int, words: str) -> list[tuple[int, str]]:
    """Findings in a page of ours when words are typed in at an offset."""
    text = OURS[path]
    findings = lint({path: text[:end] + words + text[end:]}, DECLARED)
    return [
        (finding.line, finding.message.split("'")[1])
        for finding in findings
        if finding.path == path
    ]


@pytest.mark.parametrize("path", sorted({path for path, _ in PROSE_LINES}))
def test_a_sentence_typed_behind_any_line_of_our_templates_is_found(path: str) -> None:
    for (_, end), number in product([at for at in PROSE_LINES if at[0] == path], NUMBERS):
        line = OURS[path].count("\n", 0, end) + 1
        found = typed_in(path, end, f". It is {number}. So")
        assert (line, number.split(maxsplit=1)[0]) in found


@pytest.mark.parametrize(
    "path", sorted({path for path, _ in PROSE_LINES if "cite(" not in OURS[path]})
)
def test_a_number_typed_behind_any_line_of_a_template_without_citations_is_found(path: str) -> None:
    for (_, end), number in product([at for at in PROSE_LINES if at[0] == path], NUMBERS):
        line = OURS[path].count("\n", 0, end) + 1
        assert (line, number.split(maxsplit=1)[0]) in typed_in(path, end, f" {number}")


@pytest.mark.parametrize("path", sorted(OURS))
def test_prose_keeps_the_lines(path: str) -> None:
    kept, lines = prose(path, OURS[path]).splitlines(), OURS[path].splitlines()
    marks = re.compile(rf"[{EXPRESSION}{CITATION}]")
    for number, line in enumerate(kept):
        for word in re.findall(r"\w{4,}", marks.sub(" ", line)):
            assert word in lines[number], f"{path}:{number + 1}: {line!r}"


def project(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in {
        "report/templates/page.md.j2": "Text.\n",
        "report/bibliography.bib": (ROOT / "report/bibliography.bib").read_text(encoding="utf-8"),
        CONSTANTS: "constants: []\n",
        **files,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def cnnreport_lint(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from cnnreport.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "lint", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "", "COLUMNS": "100"},
    )


def test_the_command_counts_what_it_read(tmp_path: Path) -> None:
    done = cnnreport_lint("--root", str(project(tmp_path, {})))
    assert (done.returncode, done.stdout) == (0, "1 pages read, no findings\n"), done.stderr


def test_figures_that_a_program_writes_into_a_page_are_not_typed(tmp_path: Path) -> None:
    text = f"{opening('readme')}\n| 58.4 % |\n{closing('readme')}\nIt takes 5 h.\n"
    found, _ = lint_project(project(tmp_path, {"README.md": text}))
    assert [str(each).split(";")[0] for each in found] == ["README.md:4: '5' in \"It takes 5 h.\""]


def test_findings_are_a_line_each_and_status_2(tmp_path: Path) -> None:
    declared = (
        "constants:\n  - text: 7 layers\n    why: w\n    where: README.md\n    source: nobody\n"
    )
    files = {"README.md": "Text.\n\nIt takes 5 h.\n", CONSTANTS: declared}
    done = cnnreport_lint("--root", str(project(tmp_path, files)))
    assert done.returncode == 2
    typed, stale, unknown, summary = done.stdout.splitlines()
    assert typed.startswith("README.md:3: '5' in \"It takes 5 h.\"; ")
    assert f"{CONSTANTS}:2: constants.0: '7 layers' no longer stands in README.md" in stale
    assert f"{CONSTANTS}:5: constants.0.source: wanted" in unknown
    assert summary == "2 pages read, 3 findings"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({CONSTANTS: "constants:\n  - text: 7\n"}, r"constants\.yaml:2: constants\.0\.text"),
        (
            {CONSTANTS: "constants:\n  - {text: a, why: b, where: c, source: d}\n"},
            r"constants\.yaml:2: constants\.0\.text: wanted text with a numeral in it, came 'a'",
        ),
        ({CONSTANTS: "constant: []\n"}, r"constants\.yaml:1: .*did you mean 'constants'\?"),
        ({"report/templates/page.md.j2": "{{ ' }}"}, r"^report/templates/page\.md\.j2:1: "),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        lint_project(project(tmp_path, files))
    assert "\n" not in str(caught.value)


def test_a_folder_without_templates_is_not_clean(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found no template"):
        lint_project(tmp_path)
    done = cnnreport_lint("--root", str(tmp_path))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_help_has_an_example() -> None:
    assert "Example: cnnreport lint" in cnnreport_lint("--help").stdout
