"use strict";

// What every page may have: cards on narrow screens, a pair of methods, commands, cells.

const NARROW = matchMedia("(max-width: 46rem)"); // where the style shows rows as cards

// Where a narrow screen shows rows as cards, they are still told as rows of a table.
function roles(table) {
  const tell = () => {
    if (!NARROW.matches || table.role) return;
    table.role = "table";
    table.tHead.role = table.tBodies[0].role = "rowgroup";
    for (const head of table.tHead.rows[0].cells) head.role = "columnheader";
    for (const row of table.rows) row.role = "row";
    for (const row of table.tBodies[0].rows)
      for (const cell of row.cells) cell.role = cell.tagName === "TH" ? "rowheader" : "cell";
  };
  NARROW.addEventListener("change", tell);
  tell();
}

function duels(form) {
  const { first, second } = form.elements;
  const sections = [...document.querySelectorAll("section.duel")];
  const unmatched = document.getElementById("unmatched");
  const quoted = (select) => select.selectedOptions[0]?.dataset.quoted ?? "";

  function show() {
    const [a, b] = decoded(location.hash.slice(1)).split(",");
    const found =
      document.getElementById(`${a},${b}`) ?? document.getElementById(`${b},${a}`);
    const section = a ? found : sections[0];
    const [left, right] = a ? [a, b] : (section?.id ?? ",").split(",");
    first.value = left;
    second.value = right;
    for (const each of sections) each.hidden = each !== section;
    unmatched.hidden = Boolean(section);
    if (!section) unmatched.replaceChildren(...apology());
  }

  function apology() {
    if (!first.value || !second.value) return ["No such method is on this board."];
    if (first.value === second.value) return ["These are one method; choose two."];
    const code = document.createElement("code");
    const names = `${quoted(first)} ${quoted(second)}`;
    code.textContent = `pixvox board ${form.dataset.results} --compare ${names}`;
    return ["This pair is not here. If the two share a task, this compares them: ", code];
  }

  form.addEventListener("change", () => {
    location.hash = `${first.value},${second.value}`;
  });
  window.addEventListener("hashchange", show);
  form.hidden = false;
  show();
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function copying(button) {
  const code = button.closest("p").querySelector("code");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
  });
}

// A link to a cell opens it.
function opening() {
  const cell = document.getElementById(decoded(location.hash.slice(1)));
  if (cell?.tagName !== "DETAILS") return;
  cell.open = true;
  cell.scrollIntoView();
}

// The skip link moves the focus and leaves the address, which holds the view, alone.
function skipping(link) {
  const main = document.getElementById("content");
  main.tabIndex = -1;
  link.addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
}

document.querySelectorAll(".skip").forEach(skipping);
document.querySelectorAll("table.cards").forEach(roles);
document.querySelectorAll("form#pair").forEach(duels);
document.querySelectorAll("button.copy").forEach(copying);
if (document.querySelector("details[id]")) {
  window.addEventListener("hashchange", opening);
  opening();
}
