// The page that compares two networks: two lists to choose from; the tables then show these two alone.
// The choice stands in the address (?a=lenet&b=vgg16), so a link leads to the same two.
"use strict";

(() => {
  const page = document.querySelector(".compare");
  if (!page) return;

  // A network goes by the name of its page, which headers and cells link to.
  const keyOf = (element) => {
    const link = element.querySelector('a[href*="networks/"]');
    const found = link && new URL(link.href).pathname.match(/networks\/([^/]+?)(?:\/|\.html)?$/);
    return found ? decodeURIComponent(found[1]) : null;
  };

  const bodyRows = (table) => [...table.tBodies[0].rows];
  const tablesIn = (name) => [...page.querySelectorAll(`.compare-${name} table`)];
  const networks = tablesIn("networks");
  const pairs = tablesIn("pairs");
  const classes = tablesIn("classes");
  const titles = new Map();
  for (const header of networks[0].tHead.rows[0].cells) {
    if (keyOf(header)) titles.set(keyOf(header), header.textContent.trim());
  }

  // Rows move when a table is sorted, so what each one is about is kept with it.
  const pairOf = new Map();
  for (const table of pairs) {
    for (const row of bodyRows(table)) pairOf.set(row, [keyOf(row.cells[0]), keyOf(row.cells[1])]);
  }

  const isChosen = (pair, chosen) => chosen.length === 0 || pair.every((key) => chosen.includes(key));

  const showColumns = (table, isShown) => {
    for (const row of table.rows) {
      [...row.cells].forEach((cell, place) => (cell.hidden = place > 0 && !isShown(place)));
    }
  };

  const show = (chosen) => {
    for (const table of networks) {
      const keys = [...table.tHead.rows[0].cells].map(keyOf);
      showColumns(table, (place) => chosen.length === 0 || chosen.includes(keys[place]));
    }
    pairs.forEach((table, number) => {
      const all = [...pairOf].filter(([row]) => table.contains(row));
      for (const [row, pair] of all) row.hidden = !isChosen(pair, chosen);
      // The columns of the differences stand in the order of the pairs.
      if (classes[number]) {
        showColumns(classes[number], (place) => isChosen(all[place - 1][1], chosen));
      }
    });
  };

  const select = (label, name) => {
    const field = document.createElement("label");
    const list = document.createElement("select");
    field.append(`${label} `, list);
    list.name = name;
    list.append(new Option("all networks", ""));
    for (const [key, title] of titles) list.append(new Option(title, key));
    return [field, list];
  };

  const form = document.createElement("form");
  const [one, first] = select("Compare", "a");
  const [other, second] = select("with", "b");
  const status = document.createElement("span");
  form.className = "compare-form";
  status.setAttribute("role", "status");
  form.append(one, other, status);

  // Two different networks, or none: all are shown until both lists name one.
  const chosenNow = () => {
    const chosen = [first.value, second.value];
    return chosen.every(Boolean) && chosen[0] !== chosen[1] ? chosen : [];
  };

  const message = (chosen) => {
    if (chosen.length) return "The tables show these two alone.";
    if (first.value && first.value === second.value) return "Choose another network beside it.";
    return "The tables show all networks.";
  };

  const update = () => {
    const chosen = chosenNow();
    show(chosen);
    status.textContent = message(chosen);
  };

  const address = () => {
    const url = new URL(location.href);
    for (const list of [first, second]) {
      if (list.value) url.searchParams.set(list.name, list.value);
      else url.searchParams.delete(list.name);
    }
    return url;
  };

  const restore = () => {
    const asked = new URLSearchParams(location.search);
    for (const list of [first, second]) {
      const key = asked.get(list.name);
      list.value = titles.has(key) ? key : "";
    }
    update();
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => {
    history.replaceState(history.state, "", address());
    update();
  });
  window.addEventListener("popstate", restore);
  page.prepend(form);
  restore();
})();
