// Tables of pages: sort by a click or a key, and show that a wide one scrolls.
// Sorting uses the raw values of the JSON file that is linked below a table, fetched at the first sort;
// a table without one is sorted by its text.
"use strict";

(() => {
  const ORDERS = ["none", "ascending", "descending"];
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  // The link below a table, which may be wrapped for scrolling.
  const linkBelow = (table, kind) => {
    const outer = table.closest(".md-typeset__scrollwrap") || table;
    const line = outer.nextElementSibling;
    return line ? line.querySelector(`a.table-data[href$=".${kind}"]`) : null;
  };

  const titleOf = (table) => {
    const details = table.closest("details");
    if (details) return details.querySelector("summary").textContent.trim();
    let found = "Table";
    for (const heading of document.querySelectorAll(".md-content :is(h1, h2, h3, h4)")) {
      if (heading.compareDocumentPosition(table) & Node.DOCUMENT_POSITION_PRECEDING) break;
      found = heading.cloneNode(true);
      found.querySelectorAll(".headerlink").forEach((link) => link.remove());
      found = found.textContent.trim();
    }
    return found;
  };

  // The raw values by row and column: a number, or null where a cell holds words.
  const fetchValues = async (table, rows) => {
    const link = linkBelow(table, "json");
    if (!link) return null;
    try {
      const answer = await fetch(link.href);
      if (!answer.ok) return null;
      const data = await answer.json();
      if (data.rows.length !== rows) return null;
      return data.rows.map((row) =>
        row.map((cell) => (cell.values.length && !cell.words ? cell.values[0] : null)),
      );
    } catch (error) {
      return null; // opened from a folder, where nothing can be fetched
    }
  };

  const compare = (left, right) => {
    if (left.value !== null && right.value !== null) return left.value - right.value;
    if (left.value !== null || right.value !== null) return left.value === null ? 1 : -1;
    return collator.compare(left.text, right.text);
  };

  const isMissing = (cell) => cell.value === null && /^[–—-]?$/.test(cell.text);

  class Sorting {
    constructor(table, headers) {
      this.table = table;
      this.headers = headers;
      this.rows = [...table.tBodies[0].rows];
      this.values = undefined;
      this.status = document.createElement("span");
      this.status.className = "table-status";
      this.status.setAttribute("role", "status");
    }

    cell(index, column) {
      const known = this.values ? this.values[index][column] : null;
      return { value: known, text: this.rows[index].cells[column].textContent.trim() };
    }

    async turn(column) {
      const now = this.headers[column].getAttribute("aria-sort") || "none";
      const order = ORDERS[(ORDERS.indexOf(now) + 1) % ORDERS.length];
      if (this.values === undefined) this.values = await fetchValues(this.table, this.rows.length);
      this.show(this.sorted(column, order));
      this.headers.forEach((header, place) =>
        place === column && order !== "none"
          ? header.setAttribute("aria-sort", order)
          : header.removeAttribute("aria-sort"),
      );
      const name = this.headers[column].dataset.label;
      this.status.textContent =
        order === "none" ? "In the first order again." : `Sorted by ${name}, ${order}.`;
    }

    // Cells without a figure come last either way; equal ones keep their order.
    sorted(column, order) {
      const places = this.rows.map((_, index) => index);
      if (order === "none") return places;
      const sign = order === "ascending" ? 1 : -1;
      const cells = places.map((index) => this.cell(index, column));
      return places.sort(
        (one, other) =>
          isMissing(cells[one]) - isMissing(cells[other]) ||
          sign * compare(cells[one], cells[other]) ||
          one - other,
      );
    }

    show(places) {
      this.table.tBodies[0].append(...places.map((index) => this.rows[index]));
    }
  }

  // A header with a link in it keeps the link and gets a button of its own beside it.
  const addButton = (header, action) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "table-sort";
    header.dataset.label = header.textContent.trim();
    if (header.querySelector("a")) {
      button.classList.add("table-sort--beside");
      button.setAttribute("aria-label", `Sort by ${header.dataset.label}`);
      header.append(button);
    } else {
      button.append(...header.childNodes);
      header.append(button);
    }
    button.title = "Sort; once more for the other way, and again for the first order";
    button.addEventListener("click", action);
  };

  const isSortable = (table, headers) =>
    table.tBodies.length === 1 &&
    table.tBodies[0].rows.length > 1 &&
    headers.length > 0 &&
    headers.every((header) => header.textContent.trim()) &&
    headers[headers.length - 1].textContent.trim() !== "Value" &&
    !table.closest(".compare-networks") &&
    [...table.tBodies[0].rows].every((row) => row.cells.length === headers.length);

  const makeSortable = (table) => {
    const headers = table.tHead ? [...table.tHead.rows[0].cells] : [];
    if (!isSortable(table, headers)) return;
    const sorting = new Sorting(table, headers);
    headers.forEach((header, column) => addButton(header, () => sorting.turn(column)));
    const link = linkBelow(table, "json");
    if (link) link.parentElement.append(sorting.status);
    else (table.closest(".md-typeset__scrollwrap") || table).after(sorting.status);
  };

  const nameLinks = (table) => {
    const title = titleOf(table);
    for (const kind of ["csv", "json"]) {
      const link = linkBelow(table, kind);
      if (link) link.setAttribute("aria-label", `${kind.toUpperCase()} of the table: ${title}`);
    }
  };

  // The column that names a row: the first of words, since a rank says little while the rest scrolls.
  const stickFirst = (table) => {
    const row = table.tBodies[0] && table.tBodies[0].rows[0];
    if (!row) return;
    const place = [...row.cells].slice(0, 2).findIndex((cell) => cell.style.textAlign !== "right");
    if (place < 0) return;
    for (const each of table.rows) if (each.cells[place]) each.cells[place].classList.add("table-first");
  };

  const watchWidth = (table) => {
    const outer = table.closest(".md-typeset__scrollwrap");
    if (!outer) return;
    stickFirst(table);
    const update = () => {
      const wide = outer.scrollWidth > outer.clientWidth + 1;
      outer.classList.toggle("table-wide", wide);
      outer.classList.toggle("table-more-left", wide && outer.scrollLeft > 1);
      const right = outer.scrollLeft + outer.clientWidth < outer.scrollWidth - 1;
      outer.classList.toggle("table-more-right", wide && right);
      if (wide) {
        outer.tabIndex = 0;
        outer.setAttribute("role", "region");
        outer.setAttribute("aria-label", `${titleOf(table)}: a table that scrolls sideways`);
      } else {
        for (const name of ["tabindex", "role", "aria-label"]) outer.removeAttribute(name);
      }
    };
    outer.addEventListener("scroll", update, { passive: true });
    new ResizeObserver(update).observe(outer);
    new ResizeObserver(update).observe(table);
  };

  // Material wraps tables when the document is parsed; its listener is older, so it comes first.
  document.addEventListener("DOMContentLoaded", () => {
    for (const table of document.querySelectorAll(".md-typeset table:not([class])")) {
      makeSortable(table);
      nameLinks(table);
      watchWidth(table);
    }
  });
})();
