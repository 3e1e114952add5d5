import re
from pathlib import Path

import pytest
from pybtex.richtext import Text

from cnnreport.bands import load_plausibility
from cnnreport.bibliography import _plain, load_bibliography, parse_bibliography
from cnnreport.errors import InputError

REPORT = Path(__file__).parent.parent / "report"

FIELDS = "title = {T}, journal = {J}, year = {2000}"
PAPER = "@article{a2000, author = {Doe, Jo Ann and Roe, Jean-Luc}, %s}" % FIELDS  # noqa: UP031


def one(text: str):
    (entry,) = parse_bibliography(text).entries
    return entry


def cited() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in REPORT.glob("templates/**/*.j2"))
    keys = {key for text in texts for key in re.findall(r"""cite\(["']([^"']*)["']\)""", text)}
    bands = load_plausibility(REPORT / "plausibility.yaml")
    parts = [*bands.bands, bands.first_batch, *bands.test_labels, *bands.limits]
    return keys | {source for part in parts for source in part.sources}


def test_every_entry_is_cited_and_every_citation_has_an_entry():
    keys = [entry.key for entry in load_bibliography(REPORT / "bibliography.bib").entries]
    assert sorted(keys) == sorted(cited())


def test_no_work_stands_there_twice():
    entries = load_bibliography(REPORT / "bibliography.bib").entries
    titles = [(entry.authors, entry.title) for entry in entries]
    links = [entry.link for entry in entries if entry.link]
    assert len(set(titles)) == len(titles)
    assert len(set(links)) == len(links)


def test_what_needs_no_latex_is_read_as_latex_reads_it():
    source = (REPORT / "bibliography.bib").read_text(encoding="utf-8")
    fields = re.findall(r"=\s*[{\"](.*?)[}\"],?\n", source)
    texts = [*fields, "pp. 3--5", "a-b: (c), d/e; 1998", "Erd\\H{o}s", "no~break", "it's ``so''"]
    assert len(texts) > 100
    for text in texts:
        assert _plain(text) == " ".join(str(Text.from_latex(text)).split()), text


def test_labels_of_the_report_are_unique_and_in_order():
    labels = [
        entry.label.casefold() for entry in load_bibliography(REPORT / "bibliography.bib").entries
    ]
    assert len(set(labels)) == len(labels)
    assert labels == sorted(labels)


def test_cite_links_to_the_anchor():
    bibliography = load_bibliography(REPORT / "bibliography.bib")
    link = bibliography.cite("lecun1998", "../appendix/bibliography.md")
    assert link == "[LeCun et al., 1998](../appendix/bibliography.md#lecun1998)"
    assert bibliography.cite("samuel1959") == "[Samuel, 1959](#samuel1959)"


def test_an_unknown_key_names_close_ones():
    bibliography = load_bibliography(REPORT / "bibliography.bib")
    with pytest.raises(InputError, match=r"bibliography\.bib: cite\('lecun1989'\).*lecun1998"):
        bibliography.cite("lecun1989")


def test_an_entry_is_plain_text():
    entry = one(
        "@inproceedings{x1, author = {van der Berg, J{\\'e}r{\\^o}me}, title = {{CIFAR} \\& more}"
        ", booktitle = {Talks}, volume = {2}, pages = {1--9}, year = {1999}, doi = {10.1/a(b)c}}"
    )
    assert (entry.label, entry.authors) == ("van der Berg, 1999", "J. van der Berg")
    assert entry.title == "CIFAR & more"
    assert entry.venue == "Talks, volume 2, pages 1\u20139"
    assert entry.link == "https://doi.org/10.1/a%28b%29c"


@pytest.mark.parametrize(
    ("author", "label", "authors"),
    [
        ("Doe, Jo", "Doe, 2000", "J. Doe"),
        ("Doe, Jo Ann and Roe, Jean-Luc", "Doe and Roe, 2000", "J. A. Doe and J.-L. Roe"),
        ("A, B and C, D and E, F", "A et al., 2000", "B. A, D. C and F. E"),
        ("{The Group}", "The Group, 2000", "The Group"),
    ],
)
def test_authors(author: str, label: str, authors: str):
    entry = one(
        f"@misc{{k, author = {{{author}}}, publisher = {{P}}, title = {{T}}, year = {{2000}}}}"
    )
    assert (entry.label, entry.authors) == (label, authors)


def test_works_that_would_be_cited_alike_get_letters():
    bibliography = parse_bibliography(PAPER + PAPER.replace("a2000", "b2000"))
    assert [entry.label for entry in bibliography.entries] == [
        "Doe and Roe, 2000a",
        "Doe and Roe, 2000b",
    ]


def test_markup_in_a_label_is_escaped():
    bibliography = parse_bibliography(PAPER.replace("Doe, Jo Ann", "{<b>](x)}"))
    assert bibliography.cite("a2000") == r"[&lt;b&gt;\](x) and Roe, 2000](#a2000)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "b.bib: wanted BibTeX entries"),
        ("just words", "b.bib: wanted BibTeX entries"),
        ("@book{a,\n title = {x}\n year = 1}", "b.bib:3: not valid BibTeX ('}' expected)"),
        ("@book{a,\n title = {x},", "b.bib:2: not valid BibTeX (premature end of file)"),
        ("@book{a,\n month = soon}", "b.bib:2: not valid BibTeX (undefined string"),
        (PAPER + PAPER, "b.bib: not valid BibTeX (repeated bibliography entry: a2000)"),
        (PAPER.replace("a2000", "A 1"), "b.bib:1: not valid BibTeX"),
        (PAPER.replace("a2000", "LeCun"), "b.bib: entry 'LeCun': wanted a key of small letters"),
        (PAPER.replace("author", "editor"), "b.bib: entry 'a2000': lacks an author"),
        (PAPER.replace("title = {T},", ""), "b.bib: entry 'a2000': lacks a title"),
        (PAPER.replace(", year = {2000}", ""), "b.bib: entry 'a2000': lacks a year"),
        (PAPER.replace("journal", "note"), "b.bib: entry 'a2000': lacks a journal"),
        (
            PAPER.replace("year", "url = {javascript:alert(1)}, year"),
            "b.bib: entry 'a2000': wanted an",
        ),
        (PAPER.replace("{T}", '"}"'), "b.bib"),
        (PAPER.replace("Doe, Jo Ann", "a, b, c, d"), "b.bib: not valid BibTeX (Too many commas"),
    ],
)
def test_a_broken_file_is_one_line(text: str, message: str):
    with pytest.raises(InputError) as caught:
        parse_bibliography(text, "b.bib")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        load_bibliography(tmp_path / "b.bib")
    (tmp_path / "b.bib").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        load_bibliography(tmp_path / "b.bib")
