"""Put the whole report together as one tree of plain data: what `report/pdf/report.typ` sets."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lxml.html import HtmlElement
from markdown import Markdown
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cnnreport.errors import InputError
from cnnreport.formulas import load_formulas
from cnnreport.internship import Internship, Paper, load_internship
from cnnreport.pdf import fitting
from cnnreport.pdf.outline import Chapter, read_chapters
from cnnreport.pdf.people import front_matter, render_letter
from cnnreport.pdf.provenance import provenance
from cnnreport.pdf.tree import (
    Inline,
    Node,
    Surroundings,
    labels_of,
    page_root,
    page_tree,
    plain_text,
)

COVER = "report/front/cover.md"
BIBLIOGRAPHY = "report/appendix/bibliography.md"
NATIVE = (
    COVER,
    "report/front/certificate.md",
    "report/front/recommendation.md",
    "report/front/acknowledgement.md",
    "report/contents.md",
    "report/appendix/diary.md",
    "report/appendix/feedback.md",
    "report/appendix/attendance.md",
)
"""Pages of the site whose place in the PDF is set from internship.yaml, not from the page."""

LETTERS = ("certificate", "recommendation", "acknowledgement")
NEW_PAGE = "report/networks/"
"""The folder of pages that begin on a new page of the PDF although they are sections."""

LONG_LEAD = 100
"""Characters; what stands before a table is no caption beyond them."""

WITHIN = " \N{EN DASH} "
"""Between the headings that make up a caption."""

LONG_CODE = 12
"""Lines; the same code is printed again up to them, and referred to beyond."""

MOST_PICTURES, PICTURE_GAP = 4, 6.0
"""Pictures of one figure side by side, and points between two."""

PIXEL = 0.75
"""Points of a pixel of a picture that says nothing else."""

HEADER = 4096
"""Bytes at the start of a picture that tell its size."""

_VIEW_BOX = re.compile(r"""<svg\b[^>]*\bviewBox=["']\s*\S+\s+\S+\s+([\d.]+)\s+([\d.]+)\s*["']""")

_NUMBERED = re.compile(r"(?i)\b(?:chapter|section) [\d.]+$")
"""Words of a link that tell the place themselves."""

HIGHEST, HIGHEST_UPRIGHT = 0.45, 0.85
"""Shares of the page's height that a figure may take; one that is higher than wide needs more."""


def load_document(root: Path, paper: Paper | None = None) -> Node:
    """Read the written pages of a project, its people and its parameters as one tree.

    `paper` replaces that of internship.yaml.

    Raises:
        InputError: a page, nav.yml, mkdocs.yml, internship.yaml or a template is missing or wrong.

    """
    internship = load_internship(root / "report/internship.yaml")
    paper = paper or internship.paper
    site = load_site(root / "mkdocs.yml")
    chapters = read_chapters(root / "docs/nav.yml")
    sources = [path for chapter in chapters for path, _ in chapter.pages]
    pages = {path: _html(site, root, path) for path in [COVER, *sources, BIBLIOGRAPHY]}
    labels = [label for path, page in pages.items() for label in labels_of(path, page)]
    image = partial(find_image, root, fitting.page_of(paper))
    around = partial(Surroundings, labels=frozenset([*labels, *NATIVE]), image=image)
    trees = {path: page_tree(page, around(path)) for path, page in pages.items()}
    titles = {path: label for path, tree in trees.items() if (label := _title_label(tree))}
    arranger = _Arranger(fitting.page_of(paper), titles)
    letters = {name: _letter(site, root, name, internship) for name in LETTERS}
    return {
        "paper": paper,
        "margin": fitting.MARGIN_MM,
        "title": _title(trees[COVER]),
        "front": front_matter(internship),
        "statement": _inlines(_letter(site, root, "statement", internship)),
        "placeholders": _inlines(_letter(site, root, "placeholders", internship))
        if internship.example
        else [],
        "letters": letters,
        "provenance": provenance(root, site.url),
        "formulas": {
            name: {"typst": formula.typst, "alt": formula.alt}
            for name, formula in load_formulas(root / "report/formulas.yaml").items()
        },
        "chapters": [
            {"number": chapter.number, "blocks": arranger.chapter(chapter, trees)}
            for chapter in chapters
        ],
        "bibliography": arranger.appendix(trees[BIBLIOGRAPHY]),
    }


@dataclass(frozen=True)
class Site:
    """What mkdocs.yml says that the PDF needs: its address and how Markdown is read."""

    url: str
    markdown: Markdown


def load_site(config: Path) -> Site:
    """Read mkdocs.yml; the extensions are those of the site, code blocks are kept as plain text.

    Raises:
        InputError: the file cannot be read or names an extension that is not there.

    """
    try:
        settings = YAML(typ="safe").load(config.read_text(encoding="utf-8"))
        listed = settings.get("markdown_extensions") or []
        pairs = [each if isinstance(each, dict) else {each: {}} for each in listed]
        options = {name: value or {} for pair in pairs for name, value in pair.items()}
        options["toc"] = {"permalink": False}
        if "pymdownx.highlight" in options:
            options["pymdownx.highlight"] = {"use_pygments": False}
        markdown = Markdown(extensions=list(options), extension_configs=options)
        return Site(str(settings.get("site_url") or "").rstrip("/"), markdown)
    except OSError as error:
        raise InputError(f"{config}: cannot be read ({error.strerror})") from error
    except (YAMLError, AttributeError, ImportError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{config}: wanted settings of MkDocs ({reason})") from error


def _html(site: Site, root: Path, path: str) -> HtmlElement:
    file = root / "docs" / path
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: cannot be read; run `dvc repro report` first") from error
    return page_root(_converted(site, text))


def _converted(site: Site, text: str) -> str:
    return site.markdown.reset().convert(text)


def _letter(site: Site, root: Path, name: str, internship: Internship) -> list[Node]:
    """Return the paragraphs of a wording that the site and the PDF share."""
    text = render_letter(root / "report/templates", name, internship)
    around = Surroundings("", frozenset(), lambda path, _: {"missing": path})
    return page_tree(page_root(_converted(site, text)), around)[1:]


def _inlines(blocks: Sequence[Node]) -> list[Inline]:
    return [each for block in blocks for each in block.get("body", [])]


def _title(cover: Sequence[Node]) -> str:
    return next(plain_text(node["body"]) for node in cover if node["kind"] == "heading")


def _title_label(tree: Sequence[Node]) -> str | None:
    return next((node["label"] for node in tree if node["kind"] == "heading"), None)


def find_image(root: Path, page: fitting.Page, path: str, element: HtmlElement) -> Node:
    """Return a picture's file, size in points and alternative text, or why it is not there."""
    file = root / "docs" / path
    alt = element.get("alt", "").strip() or Path(path).stem
    size = _size(file)
    if size is None:
        return {
            "missing": f"The picture {Path(path).name} is not here; `dvc pull` brings it, or "
            "`dvc repro` makes it.",
            "alt": alt,
        }
    width, height = size
    if asked := re.fullmatch(r"(\d+)(?:px)?", element.get("width") or ""):
        width, height = int(asked[1]) * PIXEL, int(asked[1]) * PIXEL * height / width
    share = HIGHEST_UPRIGHT if height > width else HIGHEST
    scale = min(1.0, page.width / width, share * page.turned_width / height)
    return {
        "file": f"/docs/{path}",
        "alt": alt,
        "width": round(width * scale, 2),
        "pixelated": file.suffix == ".png",
    }


def _size(file: Path) -> tuple[float, float] | None:
    """Return width and height of an SVG or PNG in points, None where it cannot be read."""
    try:
        with file.open("rb") as opened:
            start = opened.read(HEADER)
    except OSError:
        return None
    if file.suffix == ".png":
        width, height = (int.from_bytes(start[at : at + 4], "big") * PIXEL for at in (16, 20))
    else:
        box = _VIEW_BOX.search(start.decode("utf-8", errors="replace"))
        width, height = map(float, box.groups()) if box else (0.0, 0.0)
    return (width, height) if width > 0 and height > 0 else None


@dataclass
class _Arranger:
    """Gives tables captions and sizes, code sizes and headings their levels, page by page.

    What the site shows on several pages is printed once; later places refer to it. `titles` are the
    labels of the pages' headings by the pages' own labels.
    """

    page: fitting.Page
    titles: Mapping[str, str] = field(default_factory=dict)
    captions: Counter[str] = field(default_factory=Counter)
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    headings: list[tuple[int, str]] = field(default_factory=list)
    notices: set[str] = field(default_factory=set)
    shift: int = 0
    chapter_title: str = ""

    def chapter(self, chapter: Chapter, trees: Mapping[str, Sequence[Node]]) -> list[Node]:
        """Return the blocks of a chapter, its heading first."""
        self.chapter_title, self.notices = chapter.title, set()
        label = f"chapter {chapter.number}"
        heading = {"kind": "heading", "level": 1, "body": [chapter.title], "label": label}
        blocks = [heading] if chapter.title else []
        for path, self.shift in chapter.pages:
            if path.startswith(NEW_PAGE):
                blocks.append({"kind": "new-page"})
            self.headings = []
            blocks += _floated(self.blocks(trees[path]))
        return blocks

    def appendix(self, tree: Sequence[Node]) -> list[Node]:
        """Return the blocks of a page at the end; its heading has no number."""
        self.shift, self.chapter_title, self.headings = 0, "", []
        return [
            {**node, "unnumbered": True} if node["kind"] == "heading" else node
            for node in self.blocks(tree)
        ]

    def blocks(self, nodes: Sequence[Node], lead: str = "") -> list[Node]:
        """Return nodes as they are set; `lead` is what stands before a table, if anything."""
        arranged: list[Node] = []
        for node in nodes:
            made = list(self.block(node, lead))
            lead = _lead(node)
            if made and made[0]["kind"] == "again" and arranged and arranged[-1]["kind"] == "again":
                labels = [*arranged[-1]["labels"], *made[0]["labels"]]
                arranged[-1] = {"kind": "again", "labels": labels}
            else:
                arranged += made
        return arranged

    def block(self, node: Node, lead: str) -> Iterator[Node]:
        """Yield what a node becomes."""
        kind = node["kind"]
        if kind == "heading":
            yield self.heading(node)
        elif kind == "table":
            yield self.once(node, repr((node["header"], node["rows"])), lead)
        elif kind == "figure":
            yield self.once(node, repr(node["images"]), lead)
        elif kind == "pre":
            yield from self.code(node)
        elif kind == "details":
            yield from self.details(node)
        elif kind == "admonition":
            yield from self.admonition(node)
        elif kind in ("list", "enum", "entries"):
            yield {**node, "items": [self.blocks(item) for item in node["items"]]}
        elif kind == "quote":
            yield {**node, "body": self.blocks(node["body"])}
        elif kind == "par":
            yield _softened({**node, "body": self.placed(node["body"])})
        else:
            yield _softened(node)

    def placed(self, inlines: Sequence[Inline]) -> list[Inline]:
        """Return inlines whose links into other parts tell the place, which paper cannot open."""
        placed: list[Inline] = []
        for each in inlines:
            if isinstance(each, str) or "body" not in each or each["kind"] == "note":
                placed.append(each)
            elif each["kind"] == "link":
                to, words = each.get("to", ""), plain_text(each["body"])
                tells = not to or to.startswith(BIBLIOGRAPHY) or _NUMBERED.search(words)
                placed.append(each if tells else {**each, "place": self.titles.get(to, to)})
            else:
                placed.append({**each, "body": self.placed(each["body"])})
        return placed

    def heading(self, node: Node) -> Node:
        """Return a heading at its level; no level is left out on the way down."""
        body = list(node["body"])
        prefix = f"{self.chapter_title}: "
        if body and isinstance(body[0], str) and self.chapter_title and body[0].startswith(prefix):
            rest = body[0].removeprefix(prefix)
            body[0] = rest[:1].upper() + rest[1:]
        above = self.headings[-1][0] if self.headings else self.shift
        level = min(node["level"] + self.shift, above + 1)
        self.headings = [each for each in self.headings if each[0] < level]
        self.headings.append((level, plain_text(body)))
        return {**node, "body": body, "level": level}

    def once(self, node: Node, key: str, lead: str) -> Node:
        """Return a figure or table with a label, or where the same one was printed before."""
        if key in self.printed:
            return {"kind": "again", "labels": [self.printed[key]]}
        label = self.printed[key] = f"{node['kind']} {len(self.printed)}"
        made = self.table(node, lead) if node["kind"] == "table" else self.figure(node)
        return {**made, "label": label}

    def figure(self, node: Node) -> Node:
        """Return a figure whose pictures have room side by side."""
        columns = min(len(node["images"]), MOST_PICTURES)
        room = (self.page.width - (columns - 1) * PICTURE_GAP) / columns
        images = [
            {**each, "width": min(each["width"], room)} if "width" in each else each
            for each in node["images"]
        ]
        return {**node, "images": images, "columns": columns, "gap": PICTURE_GAP}

    def table(self, node: Node, lead: str) -> Node:
        """Return a table with its caption and its fit."""
        header, rows = node["header"], node["rows"]
        header, *rows = _cells([header, *rows])
        texts = [[_room(cell) for cell in row] for row in ([header] if header else []) + rows]
        fit = fitting.fit_table(texts, self.page)
        caption = self.caption(lead, texts[0][0])
        return {
            **node,
            "header": header,
            "rows": rows,
            "caption": caption,
            "size": fit.size,
            "columns": fit.columns,
            "turned": fit.turned,
        }

    def caption(self, lead: str, first: str) -> str:
        """Return a table's caption from the headings above it; `first` is its first cell."""
        titles = [title for _, title in self.headings]
        *above, name = [*titles, lead] if lead else titles or [first]
        if first.startswith(f"{name} "):
            name = first  # "Cost of a training" in the section "Cost" says more than "Cost".
        caption = f"{WITHIN.join(above)}: {name}" if above else name
        if self.captions[caption]:
            caption = f"{caption} ({first or self.captions[caption] + 1})"
        self.captions[caption] += 1
        return caption

    def code(self, node: Node) -> Iterator[Node]:
        """Yield a block of code, or where the same was printed before."""
        text = node["text"]
        if text in self.codes:
            label, where = self.codes[text]
            link = {"kind": "link", "to": label, "body": [where], "place": label}
            yield {"kind": "par", "body": ["The same text as in ", link, "."]}
            return
        label = f"code {len(self.codes)}"
        if text.count("\n") >= LONG_CODE:
            self.codes[text] = (label, WITHIN.join(title for _, title in self.headings))
            yield {"kind": "anchor", "label": label}
        yield {**node, "size": fitting.fit_code(text, self.page)}

    def details(self, node: Node) -> Iterator[Node]:
        """Yield what the site shows on a click, below its summary; a lone table takes that over."""
        summary = plain_text(node["title"])
        if len(node["body"]) == 1 and node["body"][0]["kind"] == "table":
            yield from self.block(node["body"][0], summary)
            return
        yield {"kind": "run-in", "body": node["title"]}
        yield from self.blocks(node["body"])

    def admonition(self, node: Node) -> Iterator[Node]:
        """Yield a box, once a chapter."""
        key = repr(node)
        if key not in self.notices:
            self.notices.add(key)
            yield {**node, "body": self.blocks(node["body"])}


def _floated(blocks: Sequence[Node]) -> list[Node]:
    """Let figures between paragraphs move to where the page has room; text fills their place."""
    text = ("par", "list", "equation")
    floated = [dict(block) for block in blocks]
    for before, block, after in zip(floated, floated[1:], floated[2:], strict=False):
        if block["kind"] == "figure" and before["kind"] in text and after["kind"] in text:
            block["floats"] = True
    return floated


def _lead(node: Node) -> str:
    """Return what a paragraph that ends in a colon says of the table after it."""
    text = plain_text(node["body"]) if node["kind"] == "par" else ""
    last = re.split(r"(?<=[.!?]) ", text.removesuffix(":"))[-1]
    return last if text.endswith(":") and len(last) <= LONG_LEAD else ""


def _cells(rows: Sequence[Sequence[list[Inline]]]) -> list[list[list[Inline]]]:
    """Return cells whose long words may be broken and whose lone formulas are set large."""
    softened = [[[_softened_inline(each) for each in cell] for cell in row] for row in rows]
    for cell in (cell for row in softened for cell in row if len(cell) == 1):
        if not isinstance(cell[0], str) and cell[0]["kind"] == "formula":
            cell[0] = {**cell[0], "kind": "display"}
    return softened


def _room(cell: Sequence[Inline]) -> str:
    """Return a text as wide as a cell; a formula and a picture take that of so many digits."""
    return "".join(
        "0" * math.ceil(_ems(each) / fitting.text_width("0")) if _ems(each) else plain_text([each])
        for each in cell
    )


def _ems(each: Inline) -> float:
    if isinstance(each, str):
        return 0.0
    return float(each.get("ems", 0)) or each.get("width", 0) / fitting.UPRIGHT_SIZES[-1]


def _softened(node: Node) -> Node:
    """Return a paragraph whose long pieces of code may be broken."""
    return {**node, "body": [_soft_code(each) for each in node["body"]]} if "body" in node else node


def _soft_code(each: Inline) -> Inline:
    is_code = not isinstance(each, str) and each["kind"] == "code"
    return _softened_inline(each) if is_code else each


def _softened_inline(each: Inline) -> Inline:
    if isinstance(each, str):
        return fitting.softened(each)
    softened: dict[str, Any] = dict(each)
    if "text" in each:
        softened["text"] = fitting.softened(each["text"])
    if "body" in each:
        softened["body"] = [_softened_inline(inner) for inner in each["body"]]
    return softened
