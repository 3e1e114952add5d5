"""Render the pages of the report: Markdown from studies, people's words and templates."""

from cnnreport.pages.beside import title_of
from cnnreport.pages.places import FIGURES, NAVIGATION, STUDIES, STUDY_FIGURES, figures_folder
from cnnreport.pages.rendering import render_navigation, render_pages
from cnnreport.pages.saving import generated_files, replace_pages, save_pages
from cnnreport.pages.sources import (
    FigureText,
    Sources,
    Written,
    load_figures,
    load_sources,
    load_written,
    titles_of,
)

__all__ = [
    "FIGURES",
    "NAVIGATION",
    "STUDIES",
    "STUDY_FIGURES",
    "FigureText",
    "Sources",
    "Written",
    "figures_folder",
    "generated_files",
    "load_figures",
    "load_sources",
    "load_written",
    "render_navigation",
    "render_pages",
    "replace_pages",
    "save_pages",
    "title_of",
    "titles_of",
]
