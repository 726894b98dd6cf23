// The board: its columns as values, rows in the order asked for, rank ranges and intervals as small bars, copies for papers.

const MOST_NOTE = 400;
const COST = [["p50", "p50 ms", digits], ["rel", "× ref", digits], ["mem", "peak MiB", mebibytes], ["par", "params", count]];

/** Everything the board shows of a row, as numbers and as text. */
function rowsOf(board, column) {
  const scores = board.scores[column];
  const differences = differencesOf(board, column);
  const reference = referenceOf(board, column);
  return board.m.map((m, i) => {
    const [gap, from, to] = differences(i);
    return {
      i,
      method: data.methods[m],
      flags: board.flags[i].map((f) => data.flags[f]),
      mean: finite(scores.mean[i]),
      low: scores.low[i], high: scores.high[i],
      gap, from, to, reference: i === reference,
      why: scores.why[i],
      below: board.below.includes(i) && column === board.rank,
      cost: board.cost ? board.cost[i] : null,
    };
  });
}

function ordered(board, column) {
  const rows = shownRows(rowsOf(board, column));
  const [, , higher] = board.columns[column];
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = rows.filter((row) => {
    const text = [row.method.label, row.method.spec, ...row.flags, row.method.sanity ? "sanity" : ""].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const place = (a, b) => compare(a.mean, b.mean, higher ? -1 : 1) || a.i - b.i;
  const unranked = (a, b) => (a.why ? 1 : 0) - (b.why ? 1 : 0);
  const byPlace = (a, b) => unranked(a, b) || place(a, b);
  const key = state.sort.replace(/^-/, "");
  const sign = state.sort.startsWith("-") ? -1 : 1;
  if (key === "rank") return found.sort((a, b) => unranked(a, b) || sign * place(a, b));
  if (key === "method") return found.sort((a, b) => sign * a.method.label.localeCompare(b.method.label, "en"));
  const value = boardColumns(board, column).find((c) => c.key === key)?.value;
  return value ? found.sort((a, b) => compare(value(a), value(b), sign) || byPlace(a, b)) : found.sort(byPlace);
}

/** Numbers in order; what is no number comes last either way. */
function compare(a, b, sign) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return a === b ? 0 : a < b ? -sign : sign;
}

const rankText = (row) => (row.low === null ? "–" : row.low === row.high ? String(row.low) : `${row.low}–${row.high}`);

/** The mean, and how many items it leaves out because the method is exact on them. */
function meanText(scores, i, notation) {
  const mean = finite(scores.mean[i]);
  return number(mean, notation) + (scores.identical[i] && Number.isFinite(mean) ? ` (${scores.identical[i]} identical)` : "");
}

function gapText(row, notation, best = "best") {
  if (Number.isNaN(row.gap)) return "–";
  if (Number.isNaN(row.from)) return row.gap === 0 ? (row.reference ? "reference" : best) : number(row.gap, notation);
  return `${number(row.gap, notation)} [${endsText(row.from, row.to, notation).join(", ")}]`;
}

/** Both ends of an interval; one that leaves 0 out has the digit that shows it. */
function endsText(low, high, notation) {
  const nearest = Math.min(Math.abs(low), Math.abs(high));
  const hidden = !scientific(notation) && low * high > 0 && nearest <= 0.5 * 10 ** -notation;
  const places = hidden ? -Math.floor(Math.log10(nearest)) : notation;
  return [low, high].map((value) => number(value, hidden && Math.abs(value) === nearest ? places : notation));
}

/**
 * The columns of the board, in their order:
 * key    its name in the address; a column of no `title` has no box to hide it
 * title  what stands in the header and in copies
 * kind   classes of its cells; "n" sets numbers at the right
 * better whether the better end is the high one: the first press of the header shows it
 * value  of a row, the number to sort by; without it the column does not sort
 * text   of a row, as it is read and copied
 * cell   of a row, elements to draw where that is more than the text
 */
function boardColumns(board, column) {
  const [label, , higher, notation] = board.columns[column];
  const all = rowsOf(board, column);
  const most = Math.max(1, ...all.map((row) => row.high ?? 1));
  const room = gapRoom(all);
  const dash = (value, own) => number(value, own).replace("n/d", "–");
  const columns = [
    { key: "rank", title: "rank", kind: "rank", better: false, value: (row) => row.low ?? NaN, text: rankText,
      cell: (row) => [h("span", { class: "text" }, rankText(row)), rankBar(row, most)] },
    { key: "method", title: "method", kind: "name stuck", better: false, value: (row) => row.i, text: (row) => row.method.label,
      cell: (row) => methodCell(row, board) },
  ];
  const order = [column, ...board.columns.keys()].filter((c, i, list) => list.indexOf(c) === i);
  for (const c of order) {
    const [name, unit, up, own, goal = up ? "↑" : "↓"] = board.columns[c];
    columns.push({ key: "=" + name, title: `${name}${unit ? ` (${unit})` : ""}${goal && ` ${goal}`}`, kind: c === column ? "n main" : "n other",
      better: up, value: (row) => finite(board.scores[c].mean[row.i]), text: (row) => meanText(board.scores[c], row.i, own) });
  }
  if (all.some((row) => !Number.isNaN(row.gap))) {
    const middle = referenceOf(board, column) !== null;
    const text = (row) => gapText(row, notation, bestWord(board, column));
    columns.push({ key: "gap", title: differenceTitle(board, column), kind: "gap", better: higher, value: (row) => row.gap,
      text, cell: (row) => h("span", { class: "pair" }, gapBar(row, room, higher, middle), h("span", { class: "text" }, text(row))) });
  }
  if (column === board.rank && board.tail.some((v) => v !== null)) {
    columns.push({ key: "tail", title: `worst 5 % ${label}`, kind: "n other", better: higher, value: (row) => finite(board.tail[row.i]),
      text: (row) => dash(board.tail[row.i], notation) });
  }
  if (board.optimum) {
    columns.push({ key: "optimum", title: board.optimum.title, kind: "n other", better: false, value: (row) => finite(board.optimum.by[row.i]),
      text: (row) => dash(board.optimum.by[row.i], board.optimum.notation) });
  }
  COST.forEach(([key, title, show], place) => board.cost && columns.push({ key, title, kind: "n cost", better: false,
    value: (row) => (row.cost ? finite(row.cost[place]) : NaN), text: (row) => (row.cost ? show(row.cost[place]) : "–") }));
  return columns;
}

/** A label with what stands in its brackets set apart. */
function labelParts(label) {
  const at = label.indexOf("(");
  return at < 1 ? breakable(label) : [label.slice(0, at), h("wbr"), h("span", { class: "args" }, breakable(label.slice(at)))];
}

function methodCell(row, board) {
  return h("div", { class: "ticked" }, tickBox(row), h("div", {},
    h("button", { class: "link", "data-k": "m" + row.i, onclick: () => openMethod(row.method.label) }, labelParts(row.method.label)),
    row.flags.map((flag) => h("span", { class: flag === "contaminated" ? "chip warn" : "chip" }, flag)),
    row.method.sanity && h("span", { class: "chip" }, "sanity"),
    row.below && h("span", { class: "chip warn" }, `below ${board.baseline}`),
    row.why && h("span", { class: "chip" }, row.why.startsWith("oracle") ? "not ranked" : row.why)));
}

function rankBar(row, most) {
  const width = 72;
  const step = width / most;
  const bar = row.low !== null && svg("rect", { class: row.method.sanity ? "fill ref" : "fill", x: (row.low - 1) * step, y: 4,
    width: Math.max(2, (row.high - row.low + 1) * step - (most > 30 ? 0 : 1)), height: 6, rx: 1.5 });
  return svg("svg", { width, height: 14, viewBox: `0 0 ${width} 14`, "aria-hidden": "true" },
    svg("rect", { class: "track", x: 0, y: 6, width, height: 2 }), bar);
}

/** The range of the interval bars: wide enough for most rows; a far one is cut, with a mark at the edge. */
function gapRoom(rows) {
  const ends = rows.flatMap((row) => [row.from, row.to, row.gap]).filter(Number.isFinite).map(Math.abs).sort((a, b) => a - b);
  return ends.length ? Math.max(ends[Math.floor(0.8 * (ends.length - 1))] * 1.15, 1e-9) : 1;
}

/** A bar from the best, at the better end, or from a reference in the middle. */
function gapBar(row, room, higher, middle) {
  const width = 120;
  const zero = middle ? width / 2 : higher ? width - 8 : 8;
  const at = (value) => Math.min(width - 2, Math.max(2, zero + (value / room) * (middle ? width / 2 - 8 : width - 16)));
  const kind = row.method.sanity ? " ref" : "";
  const far = Math.abs(row.gap) > room;
  const parts = [svg("line", { class: "zero", x1: zero, x2: zero, y1: 0, y2: 14 })];
  if (Number.isFinite(row.from)) parts.push(svg("line", { class: "whisker" + kind, x1: at(row.from), x2: at(row.to), y1: 7, y2: 7 }));
  if (far) parts.push(svg("path", { class: "dot" + kind, d: row.gap < 0 ? "M7 2 1 7 7 12z" : `M${width - 7} 2 ${width - 1} 7 ${width - 7} 12z` }));
  else if (Number.isFinite(row.gap)) parts.push(svg("circle", { class: "dot" + kind, cx: at(row.gap), cy: 7, r: 3 }));
  return svg("svg", { width, height: 14, viewBox: `0 0 ${width} 14`, "aria-hidden": "true" }, parts);
}

// ------------------------------------------------------------------------------------------------- table

const sortedBy = () => state.sort.replace(/^-/, "");
const reverse = () => go({ sort: state.sort.startsWith("-") ? sortedBy() : "-" + state.sort });
/** The order that shows the better end of a column. */
const firstOrder = ({ key, better }) => (better ? "-" + key : key);

function headerCell(c) {
  const { key, title, kind, value } = c;
  if (!value) return h("th", { scope: "col", class: kind }, headText(title));
  const on = sortedBy() === key;
  const down = state.sort.startsWith("-");
  const act = () => (on ? reverse() : go({ sort: firstOrder(c) }));
  return h("th", { scope: "col", class: kind, "data-title": title, "aria-sort": on ? (down ? "descending" : "ascending") : null },
    h("button", { "data-k": "s" + key, onclick: act }, headText(title)));
}

/** Where the board is cards, which have no header: the same orders. */
function orderControl(columns) {
  const choices = columns.filter(({ value }) => value);
  return h("div", { class: "sortby" },
    h("label", {}, "Sort by", h("select", { "data-k": "sortby", onchange: (e) => go({ sort: firstOrder(choices.find((c) => c.key === e.target.value)) }) },
      choices.map(({ key, title }) => h("option", { value: key, selected: key === sortedBy() }, title)))),
    h("button", { "data-k": "sortdown", "aria-pressed": String(state.sort.startsWith("-")), onclick: reverse }, "Descending"));
}

/** What is to follow each number so that the points of a column stand below each other: spaces as wide as what lacks. */
function pads(texts) {
  const fractions = texts.map((text) => /^[−<]?\d+(?:\.(\d+))?$/.exec(text)).map((found) => found && (found[1] || ""));
  const most = Math.max(0, ...fractions.map((digitsAfter) => digitsAfter?.length || 0));
  return fractions.map((own) => (own === null ? null : (own === "" && most ? "\u2008" : "") + "\u2007".repeat(most - own.length)));
}

/** A cell has the title of its column with it, for cards; a header has it for paper. */
function bodyCell({ key, title, kind, text, cell }, row, pad) {
  return h("td", { class: kind, role: key === "method" ? "rowheader" : null, "data-title": title, "data-pad": pad || null }, cell ? cell(row) : text(row));
}

function drawBoard(board, column) {
  if (!board.m.length || !board.columns.length) return [h("p", {}, "No method has a result here.")];
  const rows = ordered(board, column);
  const all = boardColumns(board, column);
  const columns = all.filter(isShown);
  const scores = board.scores[column];
  const gap = (row) => Math.abs(finite(scores.gap[row.i]) || 0);
  // A row with a wide range below one that is worse than the best does not lead.
  const beaten = Math.min(...rowsOf(board, column).filter((row) => row.low > 1).map(gap));
  const fill = columns.map(({ kind, text }) => (/\bcost\b/.test(kind) ? pads(rows.map(text)) : []));
  const body = rows.map((row, i) => h("tr", { class: row.low === 1 && gap(row) < beaten && beaten < Infinity ? "best" : null }, columns.map((c, k) => bodyCell(c, row, fill[k][i]))));
  return [
    scores.undecided ? h("p", { class: "undecided" }, scores.undecided) : null,
    ...comparisonNotes(board, column),
    columnBoxes(all),
    orderControl(all),
    scrollBox("Table of the board", h("table", { class: "board", "aria-label": `${board.d} · ${board.r}` },
      h("thead", {}, h("tr", {}, columns.map(headerCell))), h("tbody", {}, body))),
    rows.length ? null : h("p", { class: "soft" }, state.q ? "No method matches the filter." : "No ticked method is on this board."),
    h("ul", { class: "notes" },
      board.warnings.map((text) => h("li", { class: "warn" }, "Warning: " + text)),
      (column === board.rank ? board.remarks : scores.remarks).map((text) => h("li", {}, folded(text))),
      column === board.rank ? null : Object.entries(scores.note).map(([i, text]) => h("li", {}, `${nameOf(board, i)}: ${text}`)),
      board.legend.map((text) => h("li", {}, text)),
      board.signatures.length ? h("li", {}, "signature, to print beside these scores: ", h("code", {}, board.signatures[column] || board.signatures[0])) : null),
  ];
}

/** A note of many lines opens when it is asked for. */
const folded = (text) => (text.length > MOST_NOTE ? h("details", {}, h("summary", {}, text.slice(0, 80).replace(/\s\S*$/, " …")), text) : text);

// ---------------------------------------------------------------------------------------------- copies

const TEX = { "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", $: "\\$", "&": "\\&", "#": "\\#", _: "\\_", "%": "\\%",
  "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}",
  '"': "\\textquotedbl{}", "'": "\\textquotesingle{}", "`": "\\textasciigrave{}", "·": "\\textperiodcentered{}", "×": "$\\times$",
  "−": "$-$", "–": "--", "…": "\\dots{}", "Δ": "$\\Delta$", "↑": "$\\uparrow$", "↓": "$\\downarrow$",
  "χ": "$\\chi$", "²": "$^2$", "τ": "$\\tau$", "≤": "$\\leq$", "≥": "$\\geq$", "→": "$\\to$", "∝": "$\\propto$", "µ": "\\textmu{}", "\ufffd": "?" };
const tex = (text) => Array.from(text, (c) => TEX[c] || (c < "\u0180" ? c : `[U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`)).join("");
const markdown = (text) => text.replace(/[\\`|*[\]~#]/g, "\\$&").replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")
  .replace(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, "\\_");

/** Columns of one width, as the report pads them; numbers at the right. */
function pipeTable(title, right, cells) {
  const length = (text) => Array.from(text).length;
  const widths = title.map((text, k) => Math.max(length(text) + 2, ...cells.map((texts) => length(texts[k]))));
  const pad = (text, k) => (right[k] ? " ".repeat(widths[k] - length(text)) + text : text + " ".repeat(widths[k] - length(text)));
  const line = (texts) => "| " + texts.map(pad).join(" | ") + " |";
  const rule = widths.map((width, k) => (right[k] ? "-".repeat(width + 1) + ":" : ":" + "-".repeat(width + 1)));
  return [line(title), "|" + rule.join("|") + "|", ...cells.map(line)].join("\n") + "\n";
}

/** The board as it stands: its order, its filter, its metric, its columns. */
function copyText(kind) {
  const { board, column } = current();
  const rows = ordered(board, column);
  const columns = boardColumns(board, column).filter(isShown);
  const flags = (row) => [...row.flags, ...(row.method.sanity ? ["sanity"] : [])].join(", ");
  const title = [...columns.map((c) => c.title), "flags"];
  const cells = rows.map((row) => [...columns.map(({ text }) => text(row)), flags(row)]);
  const right = [...columns.map((c) => /\bn\b/.test(c.kind) || c.key === "rank" || c.key === "gap"), false];
  if (kind === "markdown") {
    return pipeTable(title.map(markdown), right, cells.map((texts) => texts.map(markdown)));
  }
  const line = (texts) => texts.map(tex).join(" & ") + " \\\\";
  return ["% needs booktabs and textcomp, T1 fonts", "\\begin{table}", "\\centering",
    `\\caption{${tex(`${board.d} · ${board.r}: ${board.facts}`)}.}`, `\\begin{tabular}{${right.map((r) => (r ? "r" : "l")).join("")}}`, "\\toprule",
    line(title), "\\midrule", ...cells.map(line), "\\bottomrule", "\\end{tabular}", "\\end{table}"].join("\n") + "\n";
}

async function copyBoard(kind) {
  const text = copyText(kind);
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = h("textarea", { "aria-hidden": "true" });
    box.value = text;
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
  toast(`Copied as ${kind === "latex" ? "LaTeX" : "Markdown"}: ${text.split("\n").length - 1} lines`);
}
