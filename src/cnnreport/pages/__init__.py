"""Render the pages of the report: Markdown from studies, people's words and templates."""

from cnnreport.pages.beside import title_of
from cnnreport.pages.links import docstring_text
from cnnreport.pages.places import FIGURES, NAVIGATION, STUDIES, STUDY_FIGURES, figures_folder
from cnnreport.pages.rendering import render_navigation, render_pages, repeat_command
from cnnreport.pages.saving import generated_files, replace_pages, save_pages
from cnnreport.pages.sources import (
    FigureText,
    Sources,
    Written,
    hand_written_pages,
    load_figures,
    load_sources,
    load_written,
    titles_of,
)
from cnnreport.pages.templating import fenced, make_environment

__all__ = [
    "FIGURES",
    "NAVIGATION",
    "STUDIES",
    "STUDY_FIGURES",
    "FigureText",
    "Sources",
    "Written",
    "docstring_text",
    "fenced",
    "figures_folder",
    "generated_files",
    "hand_written_pages",
    "load_figures",
    "load_sources",
    "load_written",
    "make_environment",
    "render_navigation",
    "render_pages",
    "repeat_command",
    "replace_pages",
    "save_pages",
    "title_of",
    "titles_of",
]
