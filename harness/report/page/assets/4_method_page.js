// The page of one method: its card, all its boards, the items that it is worst on, what it failed at, its costs.

const MOST_WORST = 6;

const openMethod = (label) => {
  tip("");
  go({ method: label }, true);
  scrollTo(0, 0);
  document.querySelector("#method h2")?.focus();
};
const closeMethod = () => go({ method: "" }, true);

/** The method that is asked for: the one of the board in view where several have its name, or one that failed only. */
function methodAsked(board) {
  if (!state.method) return null;
  const own = data.methods.filter((m) => m.label === state.method);
  if (own.length) return own.find((m) => board?.m.includes(data.methods.indexOf(m))) || own[0];
  const lost = data.failures.find((f) => f.label === state.method);
  return lost ? { label: lost.label, spec: lost.spec, weights: {} } : null;
}

/** Its sections, as those of a board are. */
function methodSections(method, board, column) {
  const place = data.methods.indexOf(method);
  const label = board?.columns[column]?.[0];
  const lost = data.failures.filter((f) => f.spec === method.spec || f.label === method.label);
  const worst = worstItems(place, label);
  const one = wordsOf(board);
  const back = h("button", { "data-k": "back", "aria-keyshortcuts": "Escape", onclick: closeMethod }, "← To the board");
  const found = [["method", method.label, "", [back], () => drawMethod(method, place)]];
  if (place >= 0) found.push(["boards", "On all boards", "", [], () => drawBoardsOf(place, label)]);
  if (worst.length) found.push(["worst", `Worst ${one.items}`, `by ${label}, over all its boards, each ${one.item} once`, [], () => drawWorst(worst)]);
  if (lost.length) found.push(["failures", "Failures and skips", `${lost.length} cells take part in no mean`, [], () => drawFailures(lost)]);
  found.push(["cost", "Cost", "", [], () => drawCostOf(place)]);
  return found;
}

function drawMethod(method, place) {
  const flags = new Set(data.boards.flatMap((b) => (b.m.includes(place) ? b.flags[b.m.indexOf(place)].map((f) => data.flags[f]) : [])));
  const weights = Object.entries(method.weights);
  const line = (name, value) => value && [h("dt", {}, name), h("dd", {}, value)];
  return h("dl", { class: "card" }, line("spec", h("code", {}, method.spec)), line("versions", method.versions),
    line("flags", [...flags, ...(method.sanity ? ["sanity row"] : [])].join(", ") || "none"), line("variant of", method.family), line("trained on", method.trained),
    place >= 0 && line("cite", method.cite || "no citation is given"), line("source", method.source && h("code", {}, method.source)),
    weights.map(([file, sha]) => [h("dt", {}, `weights ${file}`), h("dd", {}, h("code", {}, sha))]));
}

/** Rank range and difference by the metric in view where a board has it, by that of its ranking elsewhere; all scores. */
function drawBoardsOf(place, label) {
  const own = data.boards.map((b, n) => [b, n, b.m.indexOf(place)]).filter(([b, , i]) => i >= 0 && b.columns.length);
  const titles = [...new Set(own.flatMap(([b]) => b.columns.map(([name]) => name)))];
  const ranked = (b) => Math.max(0, b.columns.some(([name]) => name === label) ? b.columns.findIndex(([name]) => name === label) : b.rank);
  const rows = own.map(([b, n, i]) => {
    const c = ranked(b);
    const scores = b.scores[c];
    const row = { low: scores.low[i], high: scores.high[i], gap: finite(scores.gap[i]), from: finite(scores.from[i]), to: finite(scores.to[i]) };
    const means = titles.map((title) => {
      const at = b.columns.findIndex(([name]) => name === title);
      return h("td", { class: "n" }, at < 0 ? "–" : meanText(b.scores[at], i, data.notations[title]));
    });
    const why = scores.why[i];
    return h("tr", {}, h("td", { class: "name" }, h("button", { class: "link", "data-k": "b" + n, onclick: () => go({ board: n, method: "" }, true) }, `${b.d} · ${b.r}`)),
      h("td", { class: "n" }, row.low === null ? "–" : `${rankText(row)} of ${scores.low.filter((low) => low !== null).length}`), means,
      h("td", { class: "n" }, why || `${gapText(row, data.notations[b.columns[c][0]])}${b.columns[c][0] === label ? "" : ` (${b.columns[c][0]})`}`));
  });
  return scrollBox("Table of scores on all boards", h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "board"), h("th", { scope: "col", class: "n" }, "rank"), titles.map((title) => h("th", { scope: "col", class: "n" }, headText(title))),
      h("th", { scope: "col", class: "n" }, `Δ ${label || ""} to best [95 %]`))), h("tbody", {}, rows)));
}

// ------------------------------------------------------------------------------------------------ worst

const worstKnown = new Map();

/** Lists of items as [title, entries]: of the worst scores and of the largest gaps to the best ranked method on them. */
function worstItems(place, label) {
  const name = `${place}:${label}`;
  if (!worstKnown.has(name)) worstKnown.set(name, findWorst(place, label));
  return worstKnown.get(name);
}

function findWorst(place, label) {
  const found = [];
  data.boards.forEach((b, n) => {
    const i = b.m.indexOf(place);
    const c = b.columns.findIndex(([name]) => name === label);
    if (i < 0 || c < 0) return;
    const higher = b.columns[c][2];
    const values = valuesOf(b, c);
    const items = data.items[b.items];
    const rivals = [...b.m.keys()].filter((k) => k !== i && !b.scores[c].why[k]);
    items.forEach((item, j) => {
      const score = values[i * items.length + j];
      if (Number.isNaN(score)) return;
      let best = null;
      for (const k of rivals) {
        const other = values[k * items.length + j];
        if (!Number.isNaN(other) && (best === null || (higher ? other > values[best * items.length + j] : other < values[best * items.length + j]))) best = k;
      }
      const gap = best === null ? NaN : (values[best * items.length + j] - score) * (higher ? 1 : -1);
      found.push({ board: n, column: c, row: i, item, score, gap, best, better: best === null ? NaN : values[best * items.length + j] });
    });
  });
  const higher = (one) => data.boards[one.board].columns[one.column][2];
  const first = (list) => {
    const met = new Set();
    return list.filter((one) => {
      const name = `${data.boards[one.board].d}\n${one.item}`;
      return !met.has(name) && met.add(name);
    }).slice(0, MOST_WORST);
  };
  const lowest = first([...found].sort((a, b) => (higher(a) ? a.score - b.score : b.score - a.score) || a.board - b.board));
  const furthest = first(found.filter((one) => one.gap > 0).sort((a, b) => b.gap - a.gap || a.board - b.board));
  return [["Worst score", lowest], ["Furthest behind the best on it", furthest]].filter(([, list]) => list.length);
}

function drawWorst(lists) {
  return lists.map(([title, list]) => [h("h3", {}, title), h("div", { class: "strip worst" }, list.map(worstTile))]);
}

/** Its picture, where the page has it, and what is known of it; pressed, the viewer shows it beside the best. */
function worstTile(one) {
  const board = data.boards[one.board];
  const [label, unit, , notation] = board.columns[one.column];
  const kept = board.previews.find((p) => p.item === one.item);
  const shown = kept && preview(kept.outputs[one.row]);
  const there = one.best !== null && kept?.outputs[one.best] !== undefined;
  const open = () => go({ board: one.board, item: one.item, a: there ? nameOf(board, one.best) : kept.given === null ? ":truth" : ":given", b: nameOf(board, one.row) }, true);
  const text = [h("b", {}, breakable(one.item)), h("i", {}, `${number(one.score, notation)} ${unit || label}`),
    one.gap > 0 && h("i", {}, `${number(one.gap, notation)}${unit && ` ${unit}`} behind ${nameOf(board, one.best)}`), h("i", {}, `${board.d} · ${board.r}`)];
  return shown ? h("button", { "data-k": `w${one.board}:${one.item}`, onclick: open }, thumbnail(kept, kept.outputs[one.row]), text)
    : h("div", {}, text);
}

// ------------------------------------------------------------------------------------------------- cost

function drawCostOf(place) {
  const costs = data.cost.rows.map((row, i) => [row, i]).filter(([, i]) => data.cost.of[i].includes(place));
  if (!costs.length) return h("p", { class: "soft" }, "No cost was measured.");
  return costs.map(([row, i]) => h("dl", {}, row.map((text, k) => k && text && text !== "–" ? [h("dt", {}, data.cost.head[k]), h("dd", {}, text)] : null),
    data.cost.why[i] && [h("dt", {}, "no value"), h("dd", {}, data.cost.why[i])]));
}
