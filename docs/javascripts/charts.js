// Draws the interactive form of a figure when a reader asks for it. The page is whole without it:
// the static figure stays until the chart is there, and comes back at a click.
"use strict";

(() => {
  const LIBRARY = new URL("vega.js", document.currentScript.src).href;
  const EXPLORE = "Explore this figure";
  const BACK = "Back to the static figure";
  const FAILED = "The interactive chart cannot be loaded here. The figure above says the same.";
  const HELP = "Chart. Arrow keys go from mark to mark and tell its values.";
  const GAP = 10; // pixels between the pointer, the tooltip and the edge of the window
  const MARKS = ".role-mark.mark-symbol > path, .role-mark.mark-rect > path";

  // Shades from low to high; the low end is near the page's background in both schemes.
  const RAMPS = {
    light: ["#dce9f5", "#94c4df", "#3c8cc3", "#08428c", "#08245c"],
    dark: ["#2b3c55", "#2f6698", "#4a9fe3", "#a5d3f5", "#f2f9ff"],
  };

  const open = new Set();
  let library;

  /** Load Vega from this site, once; a failure may be tried again. */
  function loadLibrary() {
    library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = LIBRARY;
      script.onload = () => resolve(window.vegaEmbed);
      script.onerror = () => {
        library = undefined;
        script.remove();
        reject(new Error("no library"));
      };
      document.head.append(script);
    });
    return library;
  }

  async function loadSpec(url) {
    const response = await fetch(url);
    if (!response.ok) {
      throw new Error(`status ${response.status}`);
    }
    return response.json();
  }

  function element(name, className, text = "") {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  }

  const tip = element("table", "chart-tip");
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true"); // read out by `walk`
  document.body.append(tip);

  /** Show the values of a mark beside the pointer, within the window; none for no mark. */
  function tell(handler, event, item, values) {
    tip.hidden = !values;
    if (!values) {
      return;
    }
    const rows = Object.entries(values).map(([name, value]) => {
      const row = element("tr", "");
      row.append(element("th", "", name), element("td", "", String(value)));
      return row;
    });
    tip.replaceChildren(...rows);
    const [width, height] = [tip.offsetWidth, tip.offsetHeight];
    const right = Math.min(event.clientX + GAP, document.documentElement.clientWidth - width - GAP);
    const below = event.clientY + GAP;
    const above = event.clientY - GAP - height;
    tip.style.left = `${Math.max(GAP, right)}px`;
    tip.style.top = `${below + height < window.innerHeight ? below : Math.max(GAP, above)}px`;
  }

  /** Return Vega's configuration for the colours and letters that the page has now. */
  function theme(dark) {
    const style = getComputedStyle(document.body);
    const color = (name) => style.getPropertyValue(`--md-default-fg-color${name}`).trim();
    const [ink, muted, faint] = [color(""), color("--light"), color("--lightest")];
    const ramp = dark ? RAMPS.dark : RAMPS.light;
    const words = { labelColor: ink, titleColor: ink, labelFontSize: 11, titleFontSize: 11 };
    return {
      background: "transparent",
      font: style.fontFamily,
      view: { stroke: "transparent" },
      axis: {
        ...words,
        titleFontWeight: "normal",
        domainColor: muted,
        tickColor: muted,
        gridColor: faint,
      },
      legend: { ...words, titleFontWeight: "normal", symbolBaseStrokeColor: muted },
      title: { color: ink },
      rule: { color: muted },
      line: { color: muted },
      range: { heatmap: ramp, ramp },
    };
  }

  /** Return a copy of a chart with networks in their colours for the dark. */
  function darkened(spec, colors) {
    return JSON.parse(JSON.stringify(spec), (key, value) =>
      key === "range" && Array.isArray(value) ? value.map((part) => colors[part] ?? part) : value,
    );
  }

  /** Return a chart that starts from what the reader picked in its lists before. */
  function withPicks(spec, view) {
    const params = (spec.params ?? []).map((param) =>
      view && param.bind?.input ? { ...param, value: view.signal(param.name) } : param,
    );
    return { ...spec, params };
  }

  async function draw(chart) {
    const embed = await loadLibrary();
    chart.spec ??= await loadSpec(chart.url);
    const dark = document.body.getAttribute("data-md-color-scheme") === "slate";
    const colors = chart.spec.usermeta?.dark ?? {};
    const spec = withPicks(dark ? darkened(chart.spec, colors) : chart.spec, chart.drawn?.view);
    chart.drawn?.finalize();
    chart.drawn = await embed(chart.stage, spec, {
      mode: "vega-lite",
      renderer: "svg",
      actions: false,
      ast: true, // Vega's interpreter: no text is run as code.
      config: theme(dark),
      defaultStyle: false,
      tooltip: tell,
    });
    for (const svg of chart.stage.querySelectorAll("svg")) {
      svg.setAttribute("aria-hidden", "true");
    }
  }

  async function show(chart) {
    chart.note.textContent = "";
    chart.button.setAttribute("aria-busy", "true");
    chart.stage.hidden = false;
    try {
      await draw(chart);
      open.add(chart);
      chart.figure.classList.add("chart-open");
      chart.button.textContent = BACK;
    } catch {
      chart.stage.hidden = true;
      chart.note.textContent = FAILED;
    }
    chart.button.removeAttribute("aria-busy");
    chart.button.setAttribute("aria-expanded", String(open.has(chart)));
  }

  function hide(chart) {
    open.delete(chart);
    tip.hidden = true;
    chart.figure.classList.remove("chart-open");
    chart.stage.hidden = true;
    chart.note.textContent = chart.spoken.textContent = "";
    chart.button.textContent = EXPLORE;
    chart.button.setAttribute("aria-expanded", "false");
  }

  /** Move the tooltip to another mark and read it out, as if the pointer were there. */
  function walk(chart, event) {
    const marks = [...chart.stage.querySelectorAll(MARKS)];
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const last = marks.length - 1;
    const places = { Home: 0, End: last };
    const current = chart.place ?? (steps[event.key] > 0 ? -1 : last + 1);
    const next = places[event.key] ?? current + steps[event.key];
    // Arrow keys in a list of the chart's own are that list's.
    if (event.target !== chart.stage || Number.isNaN(next) || !marks.length) {
      return;
    }
    event.preventDefault();
    chart.place = Math.min(last, Math.max(0, next));
    const mark = marks[chart.place];
    mark.scrollIntoView({ block: "nearest" });
    const box = mark.getBoundingClientRect();
    const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true };
    for (const type of ["pointerover", "pointermove"]) {
      mark.dispatchEvent(new PointerEvent(type, at));
    }
    const words = [...tip.rows].map((row) => [...row.cells].map((cell) => cell.textContent).join(": "));
    chart.spoken.textContent = words.join(", ");
  }

  /** Put the button and the place of the chart where the page left room for them. */
  function prepare(place, number) {
    const figure = place.closest("figure");
    const image = figure?.querySelector("img");
    if (!image) {
      return;
    }
    const chart = {
      figure,
      url: new URL(`${place.dataset.chart}.chart.json`, image.src).href,
      button: element("button", "md-button chart__button", EXPLORE),
      stage: element("div", "chart__stage"),
      note: element("p", "chart__note"),
      spoken: element("p", "chart__spoken"),
    };
    chart.stage.id = `chart-${number}`;
    chart.stage.tabIndex = 0;
    chart.stage.hidden = true;
    chart.stage.setAttribute("role", "application");
    chart.stage.setAttribute("aria-label", `${image.alt} ${HELP}`);
    chart.note.setAttribute("role", "status");
    chart.spoken.setAttribute("role", "status");
    chart.button.type = "button";
    chart.button.setAttribute("aria-expanded", "false");
    chart.button.setAttribute("aria-controls", chart.stage.id);
    chart.button.addEventListener("click", () => (open.has(chart) ? hide(chart) : show(chart)));
    chart.stage.addEventListener("keydown", (event) => walk(chart, event));
    chart.stage.addEventListener("blur", () => (tip.hidden = true));
    place.append(chart.stage, chart.button, chart.note, chart.spoken);
  }

  document.querySelectorAll("[data-chart]").forEach(prepare);
  // A tooltip may hide what is below it.
  document.addEventListener("keydown", (event) => {
    tip.hidden ||= event.key === "Escape";
  });
  new MutationObserver(() => open.forEach((chart) => draw(chart).catch(() => hide(chart)))).observe(
    document.body,
    { attributeFilter: ["data-md-color-scheme"] },
  );
})();
