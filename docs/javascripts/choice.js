/* The form of the page "Which network fits": it filters the table of every figure by a reader's limits and says why.
   What it knows comes from the attribute data-choice (names, units, what cannot be told apart; see
   cnnreport.choosing.writing.picker) and from the table: words from its cells, raw figures from its JSON file. The rules are
   those of cnnreport.choosing: a test holds the two against each other. Everything is written with textContent. */
"use strict";
(() => {
  const place = document.getElementById("choice");
  const table = document.querySelector("#choice-figures table");
  const source = [...document.querySelectorAll("#choice-figures a.table-data")].find((link) =>
    link.pathname.endsWith(".json"),
  );
  if (!place || !table || !source) return;

  const plan = JSON.parse(place.dataset.choice);
  const [accuracy, ...costs] = plan.criteria;
  const CERTAINTIES = [
    ["measured", "the figure as measured"],
    ["sure", "its whole interval"],
    ["possible", "any of its interval"],
  ];

  // Rows as they stand before anybody sorts them: that is the order of plan.rows and of the JSON file.
  const networks = [...table.tBodies[0].rows].map((row, index) => ({
    row,
    index,
    dataset: plan.rows[index].dataset,
    level: new Set(plan.rows[index].level),
    name: row.cells[1].textContent.trim(),
    text: (criterion) => row.cells[criterion.column].textContent.trim(),
    values: [],
  }));

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const listing = (words) =>
    words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}` : words.join("");
  const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
  const inWords = (label) => (/^[A-Z][a-z]/.test(label) ? label.charAt(0).toLowerCase() + label.slice(1) : label);

  /* The rules. */

  const inResults = (number, size) => (size < 1 ? number / Math.round(1 / size) : number * size);
  const fits = (criterion, value, limit) => (criterion.more ? value >= limit : value <= limit);
  const measured = (network, criterion) => network.values[criterion.column][0];
  const order = (network, criterion) => {
    const value = measured(network, criterion);
    if (value === undefined) return Infinity;
    return criterion.more ? -value : value;
  };
  const interval = (network) => network.values[accuracy.column].slice(-2);

  const decisive = (network, criterion, certainty) => {
    if (criterion !== accuracy || certainty === "measured") return measured(network, criterion);
    return interval(network)[certainty === "sure" ? 0 : 1];
  };

  const sureness = (network, limit) => {
    const [low, high] = interval(network);
    if (low >= limit) return "surely";
    if (measured(network, accuracy) >= limit) return "probably";
    return high >= limit ? "probably not" : "surely not";
  };

  const held = (network, limits, certainty) => ({
    network,
    misses: limits.filter(({ criterion, limit }) => {
      const value = decisive(network, criterion, certainty);
      return value === undefined || !fits(criterion, value, limit);
    }),
  });

  const times = (network, { criterion, limit }, certainty) => {
    const value = decisive(network, criterion, certainty);
    const smaller = Math.min(value, limit);
    return value === undefined || smaller <= 0 ? Infinity : Math.max(value, limit) / smaller;
  };

  const nearest = (candidates, certainty) => {
    const fewest = Math.min(...candidates.map((each) => each.misses.length));
    const widest = (each) => Math.max(...each.misses.map((miss) => times(each.network, miss, certainty)));
    const found = new Map();
    for (const each of candidates.filter((one) => one.misses.length === fewest)) {
      const kinds = each.misses.map((miss) => miss.criterion.key).join();
      if (!found.has(kinds) || widest(each) < widest(found.get(kinds))) found.set(kinds, each);
    }
    return [...found.values()];
  };

  const choose = (kept, by) => {
    const first = kept.reduce((best, each) => (order(each, accuracy) < order(best, accuracy) ? each : best));
    const level = kept.filter((each) => each === first || first.level.has(each.index));
    const before = (a, b) =>
      order(a, by) < order(b, by) || (order(a, by) === order(b, by) && order(a, accuracy) < order(b, accuracy));
    return { first, level, chosen: level.reduce((best, each) => (before(each, best) ? each : best)) };
  };

  const dominates = (other, network) =>
    other !== network &&
    (order(other, accuracy) <= order(network, accuracy) || network.level.has(other.index)) &&
    costs.every((cost) => order(other, cost) <= order(network, cost)) &&
    costs.some((cost) => order(other, cost) < order(network, cost));

  /* The form. */

  const field = (label, control, hint) => {
    const id = `choice-${control.name}`;
    control.id = id;
    control.setAttribute("aria-describedby", `${id}-hint`);
    return make(
      "div",
      { className: "choice-field" },
      make("label", { htmlFor: id, textContent: label }),
      control,
      make("small", { id: `${id}-hint`, textContent: hint }),
    );
  };
  const number = (name) =>
    make("input", { type: "number", name, min: "0", step: "any", inputMode: "decimal", autocomplete: "off" });
  const select = (name, options) =>
    make("select", { name }, ...options.map(([value, words]) => make("option", { value, textContent: words })));

  const form = make("form", { className: "choice-form", autocomplete: "off" });
  form.setAttribute("aria-label", "Limits that a network has to meet");
  const limitFields = plan.criteria.map((criterion) => [criterion, number(criterion.key)]);
  const dataset = select(
    "dataset",
    plan.datasets.map(({ name }) => [name, name]),
  );
  const images = number("images");
  const classes = number("classes");
  const certainty = select("certainty", CERTAINTIES);
  const by = select(
    "by",
    costs.map((cost) => [cost.key, cost.best]),
  );
  by.value = "train_seconds";
  const controls = [dataset, images, classes, ...limitFields.map(([, input]) => input), certainty, by];
  const defaults = new Map(controls.map((control) => [control, control.value]));
  const hints = new Map();

  const group = (legend, ...children) =>
    make("fieldset", {}, make("legend", { textContent: legend }), make("div", { className: "choice-grid" }, ...children));
  const grid = limitFields.map(([criterion, input]) => {
    const made = field(`${criterion.label}, ${criterion.bound}${criterion.unit && ` (${criterion.unit})`}`, input, "");
    hints.set(criterion, made.querySelector("small"));
    return made;
  });
  const accurate = field("What has to reach that accuracy", certainty, "an interval says how far chance may go");
  const imagesField = field("Your training images", images, "picks the image set that is closest");
  form.append(
    group(
      "What you have",
      imagesField,
      field("Your classes", classes, "counts as much as the images"),
      field("Image set of this study", dataset, ""),
    ),
    group("What a network may cost and has to reach", grid[0], accurate, ...grid.slice(1)),
    group(
      "If several are level in accuracy",
      field("Take the one with the", by, "level: the test images cannot tell them apart"),
    ),
    make("button", { type: "reset", className: "md-button", textContent: "Take all limits away" }),
  );
  const datasetHint = form.querySelector("#choice-dataset-hint");
  const result = make("p", { className: "choice-result" });
  result.setAttribute("role", "status");
  result.setAttribute("aria-live", "polite");
  const reasons = make("ul", { className: "choice-reasons" });

  /* What it says. */

  const withUnit = ({ criterion, text }) => `${text} ${criterion.unit}`.trim();
  const asked = (limit) => `${limit.criterion.bound} ${withUnit(limit)}`;
  const end = { sure: "the lower end of its interval, ", possible: "the upper end of its interval, " };
  // An interval stands in brackets behind the figure.
  const short = (network, criterion) => network.text(criterion).split(" (")[0];

  const whyOut = ({ network, misses }) =>
    misses
      .map((miss) => {
        const { criterion } = miss;
        const sure = criterion === accuracy ? `, ${sureness(network, miss.limit)} reached` : "";
        return `${inWords(criterion.label)} ${network.text(criterion)} (limit: ${asked(miss)}${sure})`;
      })
      .join("; ");

  const whyIn = (network, limits, kept) => {
    const met = limits.map((limit) => {
      const { criterion } = limit;
      const sure = criterion === accuracy ? `, ${sureness(network, limit.limit)} reached` : "";
      return `${inWords(criterion.label)} ${network.text(criterion)} (limit: ${asked(limit)}${sure})`;
    });
    const best = plan.criteria.filter((criterion) =>
      kept.every((each) => order(network, criterion) <= order(each, criterion) && order(network, criterion) < Infinity),
    );
    const rivals = kept.filter((each) => dominates(each, network)).map((each) => each.name);
    const all = costs.every((cost) => best.includes(cost));
    const words = (all ? best.filter((criterion) => criterion === accuracy) : best).map((criterion) => criterion.best);
    if (all) words.push("lowest cost of every kind");
    if (kept.length > 1 && words.length) met.push(`of those that remain it has the ${listing(words)}`);
    if (rivals.length) met.push(`cheaper and not known to be less accurate: ${listing(rivals)}`);
    return met.join("; ");
  };

  const taken = (kept, cost) => {
    const { first, level, chosen } = choose(kept, cost);
    if (kept.length === 1) return `Take ${chosen.name}: it alone remains.`;
    const own = chosen.text(accuracy);
    if (level.length === 1)
      return `Take ${chosen.name}: it is the most accurate of them, ${own}, and none of the others is level with it.`;
    const others = listing(level.filter((each) => each !== chosen).map((each) => each.name));
    const reason =
      chosen === first
        ? `it is the most accurate of them, ${own}`
        : `its accuracy, ${own}, cannot be told apart from that of ${first.name}, ${first.text(accuracy)}`;
    return `Take ${chosen.name}: ${reason}, and beside ${others} it has the ${cost.best} (${chosen.text(cost)}).`;
  };

  const relaxed = (candidates, mode) =>
    nearest(candidates, mode)
      .map(({ network, misses }) => {
        const wishes = misses.map((miss) => {
          const { criterion } = miss;
          const atEnd = criterion === accuracy ? end[mode] : undefined;
          const own = atEnd ? `${atEnd}${network.text(criterion)},` : short(network, criterion);
          return `${inWords(criterion.label)} ${criterion.bound} ${own} instead of ${withUnit(miss)}`;
        });
        return `${network.name} asks for ${listing(wishes)}`;
      })
      .join("; ");

  const far = (one, other) => Math.abs(Math.log(one / other));

  const closest = () => {
    const distance = (each) =>
      (Number(images.value) > 0 ? far(Number(images.value), each.images) : 0) +
      (Number(classes.value) > 0 ? far(Number(classes.value), each.classes) : 0);
    return plan.datasets.reduce((best, each) => (distance(each) < distance(best) ? each : best)).name;
  };

  const describeImageSet = () => {
    const known = plan.datasets.find(({ name }) => name === dataset.value);
    const plain = (count) => count.toLocaleString("en-US");
    const own = Number(images.value);
    datasetHint.textContent =
      `${plain(known.images)} training images, ${plain(known.classes)} classes` +
      (plan.datasets.length > 1 ? "" : "; the only one of this study") +
      (own > 0 && far(own, known.images) > Math.log(2) ? "; far from yours, so take its figures as a hint" : "");
    const rows = networks.filter((network) => network.dataset === dataset.value);
    for (const [criterion, hint] of hints) {
      const known = rows.filter((network) => order(network, criterion) < Infinity);
      const sorted = [...known].sort((a, b) => measured(a, criterion) - measured(b, criterion));
      hint.textContent = sorted.length ? `here ${short(sorted[0], criterion)} to ${short(sorted[sorted.length - 1], criterion)}` : "not measured";
    }
  };

  const limitsNow = () =>
    limitFields
      .filter(([, input]) => input.value !== "" && input.checkValidity())
      .map(([criterion, input]) => ({
        criterion,
        text: input.value,
        limit: inResults(Number(input.value), criterion.size),
      }));

  const remember = () => {
    const url = new URL(window.location.href);
    for (const control of controls) {
      if (control.value === defaults.get(control)) url.searchParams.delete(control.name);
      else url.searchParams.set(control.name, control.value);
    }
    window.history.replaceState(window.history.state, "", url);
  };

  const update = () => {
    for (const control of controls) control.toggleAttribute("aria-invalid", false);
    const wrong = [images, classes, ...limitFields.map(([, input]) => input)].filter((input) => !input.checkValidity());
    for (const input of wrong) input.setAttribute("aria-invalid", "true");
    describeImageSet();
    const here = networks.filter((network) => network.dataset === dataset.value);
    const limits = limitsNow();
    const mode = certainty.value;
    const candidates = here.map((network) => held(network, limits, mode));
    const kept = candidates.filter((each) => !each.misses.length).map((each) => each.network);
    const cost = costs.find(({ key }) => key === by.value);
    const touched = controls.some((control) => control.value !== defaults.get(control));

    const invalid = wrong.length
      ? `Left out, since a limit is a number from zero on: ${listing(wrong.map((input) => input.labels[0].textContent))}. `
      : "";
    result.textContent =
      invalid +
      (kept.length
        ? `${kept.length} of ${here.length} networks remain on ${dataset.value}: ${listing(kept.map((each) => each.name))}. ` +
          taken(kept, cost)
        : `No network remains on ${dataset.value}. Nearest: ${relaxed(candidates, mode)}.`);
    const chosen = kept.length ? choose(kept, cost).chosen : null;
    reasons.replaceChildren(
      ...candidates.map((each) => {
        const out = each.misses.length > 0;
        const why = out ? whyOut(each) : whyIn(each.network, limits, kept);
        const item = make(
          "li",
          { className: out ? "choice-out" : "choice-in" },
          make("strong", { textContent: each.network.name }),
          ` ${out ? "is excluded" : "remains"}${why ? `: ${why}` : ""}.`,
        );
        item.dataset.remains = String(!out);
        item.dataset.chosen = String(each.network === chosen);
        return item;
      }),
    );
    for (const { row, dataset: own } of networks) row.hidden = touched && own !== dataset.value;
    if (touched) for (const { network, misses } of candidates) network.row.hidden = misses.length > 0;
    remember();
  };

  const restore = () => {
    const known = new URLSearchParams(window.location.search);
    for (const control of controls) if (known.has(control.name)) control.value = known.get(control.name);
    // A select takes no value that it lacks: it then shows none.
    for (const control of controls) if (control.tagName === "SELECT" && !control.value) control.value = defaults.get(control);
  };

  const start = (data) => {
    networks.forEach((network) => {
      network.values = data.rows[network.index].map((cell) => cell.values);
    });
    restore();
    for (const input of [images, classes])
      input.addEventListener("input", () => {
        if (input.checkValidity()) dataset.value = closest();
      });
    dataset.addEventListener("input", () => {
      images.value = "";
      classes.value = "";
    });
    form.addEventListener("input", update);
    form.addEventListener("reset", () => window.setTimeout(() => {
      for (const [control, value] of defaults) control.value = value;
      update();
    }));
    form.addEventListener("submit", (event) => event.preventDefault());
    place.replaceChildren(form, result, reasons);
    update();
    if (window.location.search && window.location.hash === "#own-limits") place.scrollIntoView();
  };

  fetch(source.href)
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
    .then(start)
    .catch(() => {
      place.append(
        make("p", {
          textContent:
            "The form could not be made, since the data of the table cannot be read from here (a page opened " +
            "as a file has no way to it). The table itself is complete.",
        }),
      );
    });
})();
