// What is compared with what: the methods that are ticked, and the one that Δ is the difference to.

// ------------------------------------------------------------------------------------------------ ticks

/** The address has the names of ticked methods, a line each: a name has no line break. */
const tickedNames = () => state.ticks.split("\n").filter(Boolean);
const comparesTicked = () => Boolean(state.only && state.ticks);

/** The rows that are shown: those of the chosen parts, and of these all, until the ticked ones alone are asked for. */
function shownRows(rows) {
  const chosen = chosenParts(current().board);
  const names = new Set(tickedNames());
  return rows.filter((row) => hasParts(row.method, chosen) && (!comparesTicked() || names.has(row.method.label)));
}

function tick(label, on) {
  const names = tickedNames().filter((name) => name !== label);
  if (on) names.push(label);
  go({ ticks: names.join("\n"), only: names.length ? state.only : "" });
}

function tickBox(row) {
  const { label } = row.method;
  return h("input", { type: "checkbox", class: "tick", "data-k": "t" + row.i, "aria-label": `Tick ${label}`, checked: tickedNames().includes(label),
    onchange: (e) => tick(label, e.target.checked) });
}

function clearTicks() {
  go({ ticks: "", only: "" });
  // The button that was pressed is gone.
  if (document.activeElement === document.body) document.querySelector(".tick")?.focus();
}

const toggleTicked = () => (state.ticks ? go({ only: state.only ? "" : "1" }, true) : toast("Tick methods on the board first"));

// ------------------------------------------------------------------------------------------------ parts of recipes

/** The parts that some recipes of a board share and others do not, as [part, values]; of those that go together the first. */
function partsOf(board) {
  const recipes = board ? board.m.map((m) => data.methods[m].parts).filter(Boolean) : [];
  const found = new Map();
  for (const part of new Set(recipes.flatMap(Object.keys))) {
    const values = [...new Set(recipes.map((own) => own[part]))];
    const groups = recipes.map((own) => values.indexOf(own[part])).join();
    if (values.length > 1 && values.length < recipes.length && !found.has(groups)) found.set(groups, [part, values]);
  }
  return [...found.values()];
}

/** The chosen parts as [part, value]; the address has a line each, and what the board does not know is left out. */
function chosenParts(board) {
  const lines = state.parts ? state.parts.split("\n") : [];
  return lines.length ? partsOf(board).flatMap(([part, values]) => values.filter((value) => lines.includes(`${part}=${value}`)).map((value) => [part, value])) : [];
}

/** Whether a method has the chosen parts; what is no recipe stays beside those that have. */
const hasParts = (method, chosen) => !method?.parts || chosen.every(([part, value]) => method.parts[part] === value);

function choosePart(board, part, value) {
  const chosen = chosenParts(board).filter(([name]) => name !== part);
  if (value) chosen.push([part, value]);
  go({ parts: chosen.map((pair) => pair.join("=")).join("\n") });
}

function partChoosers(board) {
  const chosen = new Map(chosenParts(board));
  return partsOf(board).map(([part, values]) => h("label", {}, `${part} `,
    h("select", { "data-k": "part" + part, onchange: (e) => choosePart(board, part, e.target.value) },
      options([["", "all"], ...values.map((value) => [value, short(value, 40)])], chosen.get(part) ?? ""))));
}

/** Whether most methods of a board are recipes, references left out: then their table is what one came for. */
function leadsWithRecipes(board) {
  const own = board.m.map((m) => data.methods[m]).filter((method) => !method.reference);
  return 2 * own.filter((method) => method.parts).length >= own.length;
}

/** What is done with the ticked rows. */
function comparisonButtons() {
  const count = tickedNames().length;
  return [
    count > 0 && h("button", { "data-k": "only", "aria-pressed": comparesTicked() ? "true" : "false", "aria-keyshortcuts": "o", onclick: toggleTicked }, `Only the ticked (${count})`),
    count > 0 && h("button", { "data-k": "untick", "aria-keyshortcuts": "u", onclick: clearTicks }, "Clear ticks"),
  ];
}

function referenceChooser(board, column) {
  const found = references(board, column);
  const chosen = referenceOf(board, column);
  return found.length > 1 && h("label", {}, "Δ to ", h("select", { "data-k": "ref", onchange: (e) => go({ ref: e.target.value }) },
    h("option", { value: "", selected: chosen === null }, "the best"),
    found.map((i) => h("option", { value: nameOf(board, i), selected: i === chosen }, nameOf(board, i)))));
}

/** What the reader must know of a board that shows a part of its rows, or another reference. */
function comparisonNotes(board, column) {
  const notes = [];
  const chosen = chosenParts(board);
  if (chosen.length) {
    notes.push(h("p", { class: "only" }, `Of the recipes those with ${chosen.map((pair) => pair.join(" ")).join(" and ")} are shown. Ranks, differences and intervals are those of the whole board. `,
      h("button", { "data-k": "allparts", onclick: () => go({ parts: "" }) }, "Show all recipes")));
  }
  if (comparesTicked()) {
    const names = new Set(tickedNames());
    const here = board.m.filter((m) => names.has(data.methods[m].label)).length;
    notes.push(h("p", { class: "only" }, `${here} of ${board.m.length} methods are shown: those that are ticked. Ranks, differences and intervals are those of the whole board. `,
      h("button", { onclick: clearTicks }, "Show all")));
  }
  if (state.ref && referenceOf(board, column) === null) {
    notes.push(h("p", { class: "only" }, `Differences to ${state.ref} are not known here: Δ is to the best. `, h("button", { onclick: () => go({ ref: "" }) }, "Clear")));
  }
  return notes;
}

// -------------------------------------------------------------------------------------------- reference

/** Rows that Δ can be the difference to, best first: those that are tested pairwise. */
const references = (board, column) => board.scores[column]?.pairs?.of || [];

/** The row that Δ is the difference to; null for the best. */
const referenceOf = (board, column) => (state.ref ? references(board, column).find((i) => nameOf(board, i) === state.ref) ?? null : null);

const unpackedPairs = new Map();

function pairNumbers(pairs) {
  if (!unpackedPairs.has(pairs)) unpackedPairs.set(pairs, new DataView(Uint8Array.from(atob(pairs.by), (c) => c.charCodeAt(0)).buffer));
  return unpackedPairs.get(pairs);
}

/** Of each row of a board the difference to the reference and the ends of its interval, as Python has them. */
function differencesOf(board, column) {
  const scores = board.scores[column];
  const reference = referenceOf(board, column);
  if (reference === null) return (i) => [finite(scores.gap[i]), finite(scores.from[i]), finite(scores.to[i])];
  const { of } = scores.pairs;
  const numbers = pairNumbers(scores.pairs);
  const from = of.indexOf(reference);
  return (i) => {
    const row = of.indexOf(i);
    if (row < 0) return [NaN, NaN, NaN];
    if (row === from) return [0, NaN, NaN];
    const [later, earlier] = row > from ? [row, from] : [from, row];
    const place = 12 * ((later * (later - 1)) / 2 + earlier);
    const found = [0, 4, 8].map((k) => Number(numbers.getFloat32(place + k, true).toPrecision(7)));
    return row > from ? found : [-found[0], -found[2], -found[1]];
  };
}

/** What the first method is called: nothing is best where no two are told apart. */
const bestWord = (board, column) => (board.scores[column].undecided ? "first" : "best");

const differenceTitle = (board, column) => {
  const reference = referenceOf(board, column);
  return `Δ ${board.columns[column][0]} to ${reference === null ? bestWord(board, column) : short(nameOf(board, reference), 28)} [95 %]`;
};
