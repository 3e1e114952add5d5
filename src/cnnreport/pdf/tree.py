"""The HTML of a page → a tree of plain data, which the Typst files in report/pdf/ walk.

A word of the report is a string in the tree and a string to Typst, never markup: whatever is typed
in a name or a class cannot mean anything there.

A *block* and an *inline* are dicts with a `kind`; an inline may also be a plain string. The kinds
are those that `report/pdf/blocks.typ` knows.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from lxml import html
from lxml.html import HtmlElement

Node = dict[str, Any]
Inline = str | Node

PASSPORTS = "report/passports/"
"""Pages of the site that the PDF leaves out; links to them become plain numbers."""

DARK = "#gh-dark-mode-only"
"""How the site marks what its dark scheme shows in place of a light picture; paper is light."""

ON_SCREEN = frozenset(["screen-only", "table-data"])
"""Classes of what makes sense on the site alone: forms with their words, links below tables."""

_INLINE = frozenset(
    ("a", "abbr", "b", "br", "code", "del", "em", "i", "img", "ins", "kbd", "mark", "s", "small")
) | {"span", "strong", "sub", "sup", "u"}
_DROPPED = frozenset(
    ("button", "canvas", "dialog", "form", "input", "label", "nav", "noscript", "script", "select")
) | {"style", "svg", "template", "textarea"}
"""What only works in a browser; form controls and their labels, scripts and drawings of scripts."""

_PLAIN = {"strong": "strong", "b": "strong", "em": "emph", "i": "emph", "sub": "sub", "sup": "sup"}
_HEADING = re.compile(r"h([1-6])")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_FIRST_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)")
_EXTERNAL = ("http://", "https://", "mailto:")


def page_root(text: str) -> HtmlElement:
    """Parse the HTML of a page and leave out what only a browser shows."""
    root = html.fragment_fromstring(text, create_parent="div")
    for element in list(root.iter()):
        # A comment's tag is a function.
        if not isinstance(element.tag, str) or element.tag in _DROPPED or _unseen(element):
            element.drop_tree()
    return root


def label_of(page: str, anchor: str = "") -> str:
    """Return how Typst calls a place: a page by its path below docs/, or an anchor on it."""
    return f"{page}#{anchor}" if anchor else page


def labels_of(page: str, root: HtmlElement) -> Iterator[str]:
    """Yield the places of a page that links can lead to: itself, its headings and anchors."""
    yield label_of(page)
    for element in root.iter("h1", "h2", "h3", "h4", "h5", "h6", "a"):
        if element.get("id"):
            yield label_of(page, element.get("id"))


def plain_text(inlines: Iterable[Inline]) -> str:
    """Return inlines without what makes them bold, links or code."""
    return "".join(each if isinstance(each, str) else _text_of(each) for each in inlines)


def _text_of(node: Node) -> str:
    if node["kind"] == "code":
        return str(node["text"])
    return " " if node["kind"] == "break" else plain_text(node.get("body", []))


def unlinked(inlines: Iterable[Inline]) -> list[Inline]:
    """Return inlines without links: what is repeated on every page may hold none in PDF/UA."""
    plain: list[Inline] = []
    for each in inlines:
        if isinstance(each, str) or "body" not in each:
            plain.append(each)
        elif each["kind"] in ("link", "note"):
            plain += unlinked(each["body"]) if each["kind"] == "link" else []
        else:
            plain.append({**each, "body": unlinked(each["body"])})
    return _merged(plain)


def first_sentence(text: str) -> str:
    """Return the first sentence of a caption, for the lists of figures and tables."""
    return _FIRST_SENTENCE.split(text.strip(), maxsplit=1)[0]


@dataclass(frozen=True)
class Surroundings:
    """What a page's tree needs to know of the rest of the report.

    `page` is its path below docs/, `labels` are all places of the PDF, `image` finds the file of a
    picture by its path below docs/ and its alternative text.
    """

    page: str
    labels: frozenset[str]
    image: Callable[[str, HtmlElement], Node]
    notes: Mapping[str, HtmlElement] = field(default_factory=dict)

    def path_of(self, address: str) -> str:
        """Return the path below docs/ of a relative address on this page."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.page), unquote(address)))


def page_tree(root: HtmlElement, around: Surroundings) -> list[Node]:
    """Return the blocks of a page."""
    notes = {item.get("id"): item for item in root.iterfind('.//div[@class="footnote"]//li')}
    blocks = _Reader(replace(around, notes=notes)).flow(root)
    return [{"kind": "anchor", "label": label_of(around.page)}, *blocks]


class _Reader:
    """Turns the elements of one page into nodes."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.readers: Mapping[str, Callable[[HtmlElement], list[Node]]] = {
            "p": self._p,
            "ul": self._ul,
            "ol": self._ol,
            "pre": self._pre,
            "table": self._table,
            "figure": self._figure,
            "details": self._details,
            "blockquote": self._blockquote,
            "hr": self._hr,
            "div": self._div,
        }

    def flow(self, parent: HtmlElement) -> list[Node]:
        """Return what an element holds as blocks; loose text becomes paragraphs."""
        nodes: list[Node] = []
        loose: list[Inline] = [parent.text or ""]
        for child in parent:
            if child.tag in _INLINE:
                loose += self.inline(child)
            else:
                nodes += [*_paragraph(loose), *self.block(child)]
                loose = []
            loose.append(child.tail or "")
        return [*nodes, *_paragraph(loose)]

    def block(self, element: HtmlElement) -> list[Node]:
        """Return the blocks of a block element."""
        if _HEADING.fullmatch(element.tag):
            return [self._heading(element)]
        return self.readers.get(element.tag, self.flow)(element)

    def _heading(self, element: HtmlElement) -> Node:
        level = int(element.tag[1])
        label = label_of(self.around.page, element.get("id", ""))
        return {
            "kind": "heading",
            "level": level,
            "body": unlinked(self.inlines(element)),
            "label": label if element.get("id") else None,
        }

    def _p(self, element: HtmlElement) -> list[Node]:
        pictures = _pictures(element)
        if pictures and not _words(element):
            return self._pictured(pictures, [])
        return _paragraph(self.inlines(element))

    def _ul(self, element: HtmlElement) -> list[Node]:
        items = [self.flow(item) for item in element.iterchildren("li")]
        kind = "entries" if _is_bibliography(element) else "list"
        return [{"kind": kind, "items": items}]

    def _ol(self, element: HtmlElement) -> list[Node]:
        items = [self.flow(item) for item in element.iterchildren("li")]
        return [{"kind": "enum", "items": items, "start": int(element.get("start") or 1)}]

    def _pre(self, element: HtmlElement) -> list[Node]:
        code = element.find("code")
        names = (code.get("class") or "").split() if code is not None else []
        language = next((name[9:] for name in names if name.startswith("language-")), "text")
        text = element.text_content().rstrip("\n").expandtabs(4)
        return [{"kind": "pre", "text": text, "language": language}]

    def _table(self, element: HtmlElement) -> list[Node]:
        head = element.find("thead/tr")
        cells = [] if head is None else list(head.iterchildren("th", "td"))
        rows = [
            [self.inlines(cell) for cell in row.iterchildren("td", "th")]
            for row in element.iter("tr")
            if row is not head
        ]
        header = [unlinked(self.inlines(cell)) for cell in cells]
        columns = max((len(row) for row in [header, *rows]), default=0)
        if not columns:
            return []
        named = any(plain_text(cell).strip() for cell in header)
        return [
            {
                "kind": "table",
                "header": _padded(header, columns) if named else [],
                "rows": [_padded(row, columns) for row in rows],
                "align": (_alignments(cells) + ["left"] * columns)[:columns],
            }
        ]

    def _figure(self, element: HtmlElement) -> list[Node]:
        caption = element.find("figcaption")
        words: list[Inline] = []
        if caption is not None:
            for link in caption.iterfind(".//a"):
                if self._target(link.get("href", ""))[0] == "passport" and not _has_digit(link):
                    link.drop_tree()
            words = _trimmed(_joined_paragraphs(self.flow(caption)))
            caption.drop_tree()
        pictures = _pictures(element)
        if pictures and not _words(element):
            return self._pictured(pictures, words)
        return [*self.flow(element), *_paragraph(words)]

    def _pictured(self, pictures: Sequence[HtmlElement], caption: list[Inline]) -> list[Node]:
        """Return a figure; a formula on its own is set as one."""
        if len(pictures) == 1 and pictures[0].get("data-formula"):
            return [{"kind": "equation", "name": pictures[0].get("data-formula")}]
        words = caption or [pictures[0].get("alt", "").strip()]
        images = [self.image(picture) for picture in pictures]
        short = first_sentence(plain_text(words))
        return [{"kind": "figure", "images": images, "caption": words, "short": short}]

    def _details(self, element: HtmlElement) -> list[Node]:
        title = self._taken_out(element.find("summary"))
        return [{"kind": "details", "title": title, "body": self.flow(element)}]

    def _taken_out(self, title: HtmlElement | None) -> list[Inline]:
        """Return the words of a title and remove it, so that the body is what is left."""
        if title is None:
            return []
        words = self.inlines(title)
        title.drop_tree()
        return words

    def _blockquote(self, element: HtmlElement) -> list[Node]:
        return [{"kind": "quote", "body": self.flow(element)}]

    def _hr(self, _element: HtmlElement) -> list[Node]:
        return [{"kind": "rule"}]

    def _div(self, element: HtmlElement) -> list[Node]:
        names = (element.get("class") or "").split()
        if "footnote" in names:
            return []
        if "admonition" not in names:
            return self.flow(element)
        title = self._taken_out(element.find('p[@class="admonition-title"]'))
        return [{"kind": "admonition", "title": title, "body": self.flow(element)}]

    def inlines(self, parent: HtmlElement) -> list[Inline]:
        """Return what an element holds as inlines; a block within it starts on a new line."""
        nodes: list[Inline] = [parent.text or ""]
        for child in parent:
            if child.tag in _INLINE:
                nodes += self.inline(child)
            else:
                nodes += [{"kind": "break"}, *self.inlines(child)]
            nodes.append(child.tail or "")
        return _trimmed(nodes)

    def inline(self, element: HtmlElement) -> list[Inline]:
        """Return the inlines of an inline element."""
        tag = element.tag
        if tag == "br":
            return [{"kind": "break"}]
        if tag == "code":
            return [{"kind": "code", "text": _BLANKS.sub(" ", element.text_content())}]
        if tag == "img":
            return self._picture_in_line(element)
        if tag == "a":
            return self._link(element)
        if tag == "sup" and (note := self._note(element)):
            return [note]
        body = self._within(element)
        return [{"kind": _PLAIN[tag], "body": body}] if tag in _PLAIN and body else body

    def _picture_in_line(self, element: HtmlElement) -> list[Inline]:
        if _is_dark(element):
            return []
        if element.get("data-formula"):
            width = re.search(r"width: *([\d.]+)em", element.get("style") or "")
            ems = float(width[1]) if width else 1.0
            return [{"kind": "formula", "name": element.get("data-formula"), "ems": ems}]
        return [{"kind": "image", **self.image(element)}]

    def _within(self, element: HtmlElement) -> list[Inline]:
        """Return an element's inlines with the blanks at its ends."""
        nodes: list[Inline] = [element.text or ""]
        for child in element:
            nodes += [*self.inline(child), child.tail or ""]
        return _merged(nodes)

    def _link(self, element: HtmlElement) -> list[Inline]:
        body = self._within(element)
        anchor = element.get("id")
        before: list[Inline] = []
        if anchor:
            before = [{"kind": "anchor", "label": label_of(self.around.page, anchor)}]
        way, target = self._target(element.get("href", ""))
        if way in ("url", "to") and body:
            return [*before, {"kind": "link", way: target, "body": body}]
        return [*before, *body]

    def _target(self, address: str) -> tuple[str, str]:
        """Return where a link leads: `to` a label, to a `url`, to a `passport` or `nowhere`."""
        if address.startswith(_EXTERNAL):
            return "url", address
        path, _, anchor = address.partition("#")
        page = self.around.path_of(path) if path else self.around.page
        if page.startswith(PASSPORTS):
            return "passport", ""
        for label in (label_of(page, unquote(anchor)), label_of(page)):
            if label in self.around.labels:
                return "to", label
        return "nowhere", ""

    def _note(self, element: HtmlElement) -> Node | None:
        link = element.find('a[@class="footnote-ref"]')
        item = self.around.notes.get(link.get("href", "")[1:]) if link is not None else None
        if item is None:
            return None
        for back in item.iterfind('.//a[@class="footnote-backref"]'):
            back.drop_tree()
        return {"kind": "note", "body": _trimmed(_joined_paragraphs(self.flow(item)))}

    def image(self, element: HtmlElement) -> Node:
        path = self.around.path_of(element.get("src", "").partition("#")[0])
        return self.around.image(path, element)


def _unseen(element: HtmlElement) -> bool:
    names = element.get("class", "").split()
    return element.get("hidden") is not None or not ON_SCREEN.isdisjoint(names)


def _pictures(element: HtmlElement) -> list[HtmlElement]:
    return [image for image in element.iter("img") if not _is_dark(image)]


def _is_dark(image: HtmlElement) -> bool:
    return str(image.get("src", "")).endswith(DARK)


def _words(element: HtmlElement) -> str:
    return str(element.text_content()).strip()


def _has_digit(element: HtmlElement) -> bool:
    return any(character.isdigit() for character in element.text_content())


def _is_bibliography(element: HtmlElement) -> bool:
    """Say whether each item of a list starts with an anchor, as entries of the bibliography do."""
    firsts = [next(item.iterdescendants(), None) for item in element.iterchildren("li")]
    return bool(firsts) and all(
        first is not None and first.tag == "a" and first.get("id") for first in firsts
    )


def _alignments(cells: Iterable[HtmlElement]) -> list[str]:
    found = (re.search(r"text-align: *(\w+)", cell.get("style") or "") for cell in cells)
    return [match[1] if match else "left" for match in found]


def _padded(row: list[list[Inline]], columns: int) -> list[list[Inline]]:
    return row + [[] for _ in range(columns - len(row))]


def _joined_paragraphs(nodes: Iterable[Node]) -> list[Inline]:
    joined: list[Inline] = []
    for node in nodes:
        joined += [" ", *node.get("body", [])]
    return joined


def _paragraph(inlines: list[Inline]) -> list[Node]:
    """Return a paragraph of inlines, or none where there is nothing to read."""
    body = _trimmed(inlines)
    if not body:
        return []
    if all(not isinstance(each, str) and each["kind"] == "anchor" for each in body):
        return [each for each in body if not isinstance(each, str)]
    return [{"kind": "par", "body": body}]


def _merged(inlines: Iterable[Inline]) -> list[Inline]:
    """Return inlines with neighbouring strings joined and blanks as HTML means them."""
    merged: list[Inline] = []
    for each in inlines:
        if isinstance(each, str) and merged and isinstance(merged[-1], str):
            merged[-1] = _BLANKS.sub(" ", merged[-1] + each)
        elif not isinstance(each, str) or each:
            merged.append(_BLANKS.sub(" ", each) if isinstance(each, str) else each)
    return merged


def _trimmed(inlines: Iterable[Inline]) -> list[Inline]:
    """Return merged inlines without blanks and breaks at both ends."""
    merged = _merged(inlines)
    while merged and _is_blank(merged[-1]):
        merged.pop()
    while merged and _is_blank(merged[0]):
        merged.pop(0)
    if merged and isinstance(merged[0], str):
        merged[0] = merged[0].lstrip(" ")
    if merged and isinstance(merged[-1], str):
        merged[-1] = merged[-1].rstrip(" ")
    return merged


def _is_blank(each: Inline) -> bool:
    return each.strip(" ") == "" if isinstance(each, str) else each["kind"] == "break"
