"use strict";

// The table of the board. The address holds the state of every view, so each one is a link and
// Back works. Nothing is computed here that Python has not computed: rows are only ordered, hidden
// and shown.

const SVG = "http://www.w3.org/2000/svg";
const COLLATOR = new Intl.Collator("en", { numeric: true });
const FILTERS = ["task", "protocol", "dims", "family", "budget", "state"];
const KINDS = ["reference", "stale"];
const DASH = "—";
const AT_ONCE = 50; // rows that are laid out together: more come when the last one is reached

function board(table) {
  const { keys, state, kind, panel, panels, scores } = JSON.parse(
    document.getElementById("data").textContent,
  );
  const form = document.getElementById("filters");
  const count = document.getElementById("count");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const told = { ...keys, state };
  const names = keys.method.map((name) => name.toLowerCase());
  const places = new Map(); // by metric and column: what numbers sort the rows
  const more = lastRow(heads.length);
  let order = [];
  let laid = 0;

  // Which of its panel's metrics each row shows; -1 where the panel lacks it.
  const chosen = (metric) =>
    panel.map((p) => (metric ? panels[p].findIndex(({ name }) => name === metric) : 0));

  function keysOf(column, metric) {
    if (!metric) return keys[column];
    const which = chosen(metric);
    const score = (row) => scores[row][which[row]];
    if (column === "score") return which.map((_, row) => score(row)?.[0] ?? null);
    if (column === "sd") return which.map((_, row) => score(row)?.[1] ?? null);
    if (column === "metric") return which.map((at, row) => panels[panel[row]][at]?.label ?? null);
    const speaks = !heads.find((head) => head.dataset.key === column).hasAttribute("data-ranking");
    return which.map((at, row) => (speaks || at === 0 ? keys[column][row] : null));
  }

  function placesOf(column, metric) {
    const name = `${metric} ${column}`;
    if (!places.has(name)) places.set(name, numbered(keysOf(column, metric)));
    return places.get(name);
  }

  function shownRows(wanted) {
    const search = (wanted.get("q") ?? "").toLowerCase();
    const filters = FILTERS.filter((name) => wanted.get(name));
    const hidden = KINDS.filter((name) => wanted.get(name) === "no");
    const which = chosen(wanted.get("metric"));
    return [...rows.keys()].filter(
      (row) =>
        which[row] >= 0 &&
        scores[row][which[row]] !== null &&
        names[row].includes(search) &&
        !hidden.includes(kind[row]) &&
        filters.every((name) => String(told[name][row]) === wanted.get(name)),
    );
  }

  function show() {
    const wanted = address();
    const metric = wanted.get("metric") ?? "";
    order = shownRows(wanted);
    const { column, down } = sorting(wanted.get("sort"), heads);
    if (column) {
      const place = placesOf(column, metric);
      order.sort((a, b) => compare(place[a], place[b], down) || a - b);
    }
    laid = 0;
    body.replaceChildren();
    lay(AT_ONCE);
    settle(wanted, column, down);
    const by = column ? `, by ${column}, ${down ? "descending" : "ascending"}` : "";
    count.value = `${order.length} of ${rows.length} rows${by}`;
  }

  // Lays out so many more rows, and below them how many are left.
  function lay(many) {
    const metric = address().get("metric") ?? "";
    const fragment = document.createDocumentFragment();
    for (const row of order.slice(laid, laid + many)) fragment.append(painted(row, metric));
    laid = Math.min(laid + many, order.length);
    if (laid < order.length || !order.length) fragment.append(more.row);
    else more.row.remove();
    more.tell(order.length - laid, order.length);
    body.append(fragment);
  }

  // Controls and heads say what the address says.
  function settle(wanted, column, down) {
    for (const head of heads) {
      const sorted = head.dataset.key === column;
      head.ariaSort = sorted ? (down ? "descending" : "ascending") : "none";
    }
    for (const control of form.elements) {
      if (KINDS.includes(control.name)) control.checked = wanted.get(control.name) !== "no";
      else if (control.name) control.value = wanted.get(control.name) ?? "";
    }
  }

  // A row that shows some metric; what only the ranking one can say gives way to a dash.
  function painted(number, metric) {
    const row = rows[number];
    const metrics = panels[panel[number]];
    const at = metric ? metrics.findIndex(({ name }) => name === metric) : 0;
    if ((row.shows ?? 0) === at) return row;
    row.first ??= [...row.cells].map((cell) => cell.innerHTML);
    row.first.forEach((inside, place) => (row.cells[place].innerHTML = inside));
    row.shows = at;
    if (at > 0) repaint(row, metrics[at], scores[number][at]);
    return row;
  }

  function repaint(row, { label, floor }, [mean, sd, interval, note, at]) {
    const cell = (name) => row.querySelector(`td.${name}`);
    cell("metric").textContent = label;
    cell("sd").textContent = sd === null ? DASH : sd.toFixed(3);
    cell("score").querySelector("b").textContent = mean.toFixed(3);
    const small = cell("score").querySelector("small");
    small.textContent = interval;
    small.removeAttribute("title");
    if (note) small.title = note;
    strip(cell("score").querySelector("svg"), at, floor);
    for (const head of heads.filter((head) => head.hasAttribute("data-ranking")))
      cell(head.dataset.key).textContent = DASH;
  }

  function sortBy(head) {
    const wanted = address();
    const name = head.dataset.key;
    const first = head.firstChild.dataset.first === "-1" ? `-${name}` : name;
    const second = first === name ? `-${name}` : name;
    const next = { [first]: second, [second]: "" }[wanted.get("sort")] ?? first;
    go(wanted, "sort", next, true);
  }

  function go(wanted, name, value, remember) {
    if (value) wanted.set(name, value);
    else wanted.delete(name);
    const next = `#${wanted}`;
    if (remember) history.pushState(null, "", next);
    else history.replaceState(null, "", next);
    show();
  }

  for (const head of heads) head.firstChild.addEventListener("click", () => sortBy(head));
  form.addEventListener("input", ({ target }) => {
    const unchecked = target.checked ? "" : "no";
    const value = KINDS.includes(target.name) ? unchecked : target.value;
    go(address(), target.name, value, target.name !== "q");
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    history.pushState(null, "", "#");
    show();
  });
  window.addEventListener("hashchange", show);
  window.addEventListener("beforeprint", () => lay(order.length));
  more.when(() => lay(AT_ONCE));
  form.hidden = false;
  if (NARROW.matches) form.querySelector("details").open = location.hash.length > 1;
  table.classList.add("live");
  show();
}

// Numbers as they are, texts by their place in the alphabet; null stays null.
function numbered(values) {
  if (!values.some((value) => typeof value === "string")) return values;
  const known = [...new Set(values)].filter((value) => value !== null).sort(COLLATOR.compare);
  const place = new Map(known.map((value, number) => [value, number]));
  return values.map((value) => place.get(value) ?? null);
}

// What is missing comes last in both directions.
function compare(a, b, down) {
  if (a === null || b === null) return (a === null) - (b === null);
  return down ? b - a : a - b;
}

function sorting(spelt, heads) {
  const down = (spelt ?? "").startsWith("-");
  const column = down ? spelt.slice(1) : spelt;
  const known = heads.some((head) => head.dataset.key === column);
  return { column: known ? column : null, down };
}

function address() {
  return new URLSearchParams(location.hash.slice(1));
}

// Below the rows: a button for more of them, which also comes about by scrolling.
function lastRow(columns) {
  const row = document.createElement("tr");
  const cell = row.insertCell();
  const button = document.createElement("button");
  button.type = "button";
  button.className = "more";
  cell.colSpan = columns;
  return {
    row,
    tell(left, all) {
      button.textContent = `${left} more rows`;
      cell.replaceChildren(all ? button : "No row fits these filters.");
    },
    when(act) {
      button.addEventListener("click", act);
      const seen = new IntersectionObserver((entries) => {
        if (!entries.at(-1).isIntersecting || !button.isConnected) return;
        act();
        seen.unobserve(button); // to be told again, should it still be in sight
        seen.observe(button);
      });
      seen.observe(button);
    },
  };
}

// A strip from places in percent, as Python draws it.
function strip(svg, [mean, low, high], [behind, left, right]) {
  const shapes = [];
  const at = (place) => `${place.toFixed(1)}%`;
  const middle = { y1: "50%", y2: "50%" };
  if (left !== null && right !== null)
    shapes.push(["rect", { class: "band", x: at(left), width: at(right - left), height: "100%" }]);
  if (behind !== null)
    shapes.push(["line", { class: "chance", x1: at(behind), x2: at(behind), y1: 0, y2: "100%" }]);
  if (low !== null && high !== null)
    shapes.push(["line", { class: "interval", x1: at(low), x2: at(high), ...middle }]);
  shapes.push(["circle", { cx: at(mean), cy: "50%", r: 4 }]);
  svg.replaceChildren(...shapes.map(([name, facts]) => shape(name, facts)));
}

function shape(name, facts) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(facts)) element.setAttribute(key, value);
  return element;
}

board(document.getElementById("board"));
