"""People and entries of internship.yaml as plain data, and the wordings shared with the site."""

from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from cnnreport import formats
from cnnreport.errors import InputError
from cnnreport.internship import PRESENT, Internship, Month, Week
from cnnreport.pdf.tree import Node

SIGNS = {PRESENT: "P", "absent": "A", "free": "\N{MIDDLE DOT}", "outside": "\N{EN DASH}"}
"""How the attendance sheet marks a day; a day that the month lacks has no sign."""


def front_matter(internship: Internship) -> Node:
    """Return what cover, letters and forms are filled with; dates are written out."""
    return {
        "example": internship.example,
        "institution": internship.institution,
        "degree": internship.degree,
        "course": internship.course,
        "student": internship.student.name,
        "roll_number": internship.student.roll_number,
        "submitted_to": internship.submitted_to,
        "organisation": internship.organisation,
        "department": internship.department,
        "supervisor": internship.supervisor.name,
        "supervisor_title": internship.supervisor.title,
        "place": internship.place,
        "start": _date(internship.start),
        "end": _date(internship.end),
        "diary": [_week(week, internship) for week in internship.diary],
        "feedback": internship.feedback.model_dump(),
        "attendance": [_month(month, internship) for month in internship.attendance],
    }


def _week(week: Week, internship: Internship) -> Node:
    return {
        "week": week.week,
        "start": _date(week.start),
        "end": _date(week.end),
        "department": week.department,
        "supervisor": week.supervisor or internship.supervisor.name,
        "points": week.points,
    }


def _month(month: Month, internship: Internship) -> Node:
    filled_in = month.present is not None
    return {
        "month": f"{month.first:%B %Y}",
        "marks": [SIGNS.get(mark, "") if filled_in else "" for mark in internship.marks(month)],
        "present": str(len(month.present)) if month.present is not None else "",
    }


def _date(day: date) -> str:
    return formats.date(day)


def render_letter(templates: Path, name: str, internship: Internship) -> str:
    """Return a wording of `report/templates/front/` as Markdown, people's words escaped.

    Raises:
        InputError: the template is missing or wrong; the line names it.

    """
    template = f"front/_{name}.md.j2"
    environment = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - the wording is Markdown; people's words go through `md`
    )
    environment.filters.update({"md": formats.md, "date": formats.date})
    try:
        return environment.get_template(template).render(internship=internship)
    except TemplateError as error:
        raise InputError(f"{templates / template}: {' '.join(str(error).split())}") from error
