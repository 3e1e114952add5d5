// What Material leaves out: its search is a dialog without a name for readers who cannot see it.
"use strict";

document.querySelector('.md-search[role="dialog"]')?.setAttribute("aria-label", "Search");
