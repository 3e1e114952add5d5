// What Material leaves out: its search is a dialog without a name for readers who cannot see it.
"use strict";

document.querySelector('.md-search[role="dialog"]')?.setAttribute("aria-label", "Search");

// On a phone figures are scrolled (extra.css): a keyboard has to get into those without a link, too.
const phone = matchMedia("(max-width: 44.9375em)");
const figures = document.querySelectorAll(".md-typeset figure:not(:has(a, button))");
function reach() {
  for (const figure of figures) {
    if (phone.matches) figure.tabIndex = 0;
    else figure.removeAttribute("tabindex");
  }
}
phone.addEventListener("change", reach);
reach();
