"""Render one template: the filters that it has, and errors as one line with its place."""

import ast
import functools
import json
import math
import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, TemplateError
from jinja2.exceptions import TemplateSyntaxError

from cnnreport import formats
from cnnreport.errors import InputError

TEMPLATES = "report/templates"
"""How errors name the templates' folder."""

FILTERS = {
    "md": formats.md,
    "percent": formats.percent,
    "points": formats.points,
    "thousands": formats.thousands,
    "macs": formats.macs,
    "seconds": formats.seconds,
    "date": formats.date,
    "plural": formats.plural,
    "listing": formats.listing,
    "in_words": formats.in_words,
    "decimal": formats.decimal,
    "ln": math.log,
    "shortest": formats.shortest,
}


def fenced(text: str, language: str) -> str:
    """Return a fenced block; the fence is longer than any run of backticks in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def docstring_text(code: str) -> str:
    """Return the docstring of a module as Markdown: paragraphs and lists, and no markup in them."""
    try:
        said = ast.get_docstring(ast.parse(code)) or ""
    except SyntaxError:
        return ""
    blocks = [block.strip() for block in re.split(r"\n\s*\n", said)]
    return "\n\n".join("\n".join(_block_lines(block)) for block in blocks if block)


def _block_lines(block: str) -> list[str]:
    """Return a paragraph as one line, or a list as a line for each of its items."""
    parts = re.split(r"^[-*] ", block, flags=re.MULTILINE)
    texts = [formats.md(" ".join(part.split())) for part in parts]
    if len(texts) == 1:
        return texts
    lead = [texts[0], ""] if texts[0] else []
    return [*lead, *(f"- {text}" for text in texts[1:])]


def indented_json(value: object) -> str:
    """Return plain data as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def make_environment(templates: Mapping[str, str]) -> Environment:
    """Return the Jinja environment; a name that is not defined is an error, never an empty text.

    The same templates give the same environment, so that all studies share the compiled ones.
    """
    return _environment(tuple(templates.items()))


@functools.lru_cache(maxsize=2)
def _environment(items: tuple[tuple[str, str], ...]) -> Environment:
    templates = dict(items)

    def load(name: str) -> tuple[str, str, None] | None:
        # The file name is what errors show.
        return (templates[name], f"{TEMPLATES}/{name}", None) if name in templates else None

    environment = Environment(
        loader=FunctionLoader(load),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the pages are Markdown; people's words go through `md`
    )
    environment.filters.update(FILTERS | {"fenced": fenced, "json": indented_json})
    return environment


def render_template(environment: Environment, template: str, context: Mapping[str, Any]) -> str:
    """Return what a template makes of the names that it is given.

    Raises:
        InputError: the template is wrong or asks for what is not there; one line with the template
            and the line in it.

    """
    try:
        return environment.get_template(template).render(context)
    except Exception as error:
        if isinstance(error, TemplateError | InputError) or _is_the_templates(error):
            raise InputError(f"{_where(error, template)}: {_reason(error)}") from error
        raise


def _is_the_templates(error: Exception) -> bool:
    """Say whether a template caused an error; one that our own code raised in depth is a bug."""
    filters = Path(formats.__file__)
    ours = filters.parent
    files = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    within = [file for file in files if ours in file.parents and file != filters]
    return within == [Path(__file__)]


def _where(error: Exception, template: str) -> str:
    """Return template and line of an error; Jinja names them in the traceback."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(TEMPLATES)
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else f"{TEMPLATES}/{template}"


def _reason(error: Exception) -> str:
    reason = " ".join(str(error).split())
    return (
        reason
        if isinstance(error, TemplateError | InputError)
        else f"{type(error).__name__}: {reason}"
    )


FENCE = re.compile(r"^(?P<fence>`{3,}).*?^(?P=fence)$", re.DOTALL | re.MULTILINE)
"""A block of code, whose text no rule for pages may change."""


def tidy(text: str) -> str:
    """Return a page without blanks at line ends and with one empty line at most between lines.

    Code in a fence keeps its empty lines.
    """
    text = "\n".join(line.rstrip() for line in text.splitlines())
    parts, end = [], 0
    for block in FENCE.finditer(text):
        parts += [_single_spaced(text[end : block.start()]), block.group()]
        end = block.end()
    return "".join([*parts, _single_spaced(text[end:])]).strip("\n") + "\n"


def _single_spaced(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text)
