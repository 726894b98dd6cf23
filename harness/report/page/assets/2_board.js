// The board: rows in the order asked for, rank ranges and intervals as small bars, copies for papers.

const COST = [["p50", "p50 ms", digits], ["rel", "× ref", digits], ["mem", "peak MiB", mebibytes], ["par", "params", count]];

/** Everything the board shows of a row, as numbers and as text. */
function rowsOf(board, column) {
  const scores = board.scores[column];
  return board.m.map((m, i) => ({
    i,
    method: data.methods[m],
    flags: board.flags[i].map((f) => data.flags[f]),
    mean: finite(scores.mean[i]),
    low: scores.low[i], high: scores.high[i],
    gap: finite(scores.gap[i]), from: finite(scores.from[i]), to: finite(scores.to[i]),
    why: scores.why[i],
    below: board.below.includes(i) && column === board.rank,
    cost: board.cost ? board.cost[i] : null,
  }));
}

function ordered(board, column) {
  const rows = rowsOf(board, column);
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
  const value = sortValue(board, key);
  return value ? found.sort((a, b) => compare(value(a), value(b), sign) || byPlace(a, b)) : found.sort(byPlace);
}

function sortValue(board, key) {
  const place = COST.findIndex(([name]) => name === key);
  if (place >= 0) return (row) => (row.cost ? finite(row.cost[place]) : NaN);
  if (key === "gap") return (row) => row.gap;
  if (key === "optimum" && board.optimum) return (row) => finite(board.optimum.by[row.i]);
  if (key === "tail") return (row) => finite(board.tail[row.i]);
  const column = board.columns.findIndex(([label]) => "=" + label === key);
  return column < 0 ? null : (row) => finite(board.scores[column].mean[row.i]);
}

/** Numbers in order; what is no number comes last either way. */
function compare(a, b, sign) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return a === b ? 0 : a < b ? -sign : sign;
}

const rankText = (row) => (row.low === null ? "–" : row.low === row.high ? String(row.low) : `${row.low}–${row.high}`);

/** The mean, and how many items it leaves out because the method is exact on them. */
function meanText(scores, i, places) {
  const mean = finite(scores.mean[i]);
  return number(mean, places) + (scores.identical[i] && Number.isFinite(mean) ? ` (${scores.identical[i]} identical)` : "");
}

function gapText(row, decimals, best = "best") {
  if (Number.isNaN(row.gap)) return "–";
  if (Number.isNaN(row.from)) return row.gap === 0 ? best : number(row.gap, decimals);
  return `${number(row.gap, decimals)} [${number(row.from, decimals)}, ${number(row.to, decimals)}]`;
}

/** The columns of the board as [key, title, class, text of a row, element of a row]. */
function boardColumns(board, column, rows) {
  const [label, , higher, decimals] = board.columns[column];
  const arrow = (up) => (up ? "↑" : "↓");
  const most = Math.max(1, ...rows.map((row) => row.high ?? 1));
  const room = gapRoom(rows);
  const columns = [
    ["rank", "rank", "rank", rankText, (row) => [h("span", { class: "text" }, rankText(row)), rankBar(row, most)]],
    ["method", "method", "name", (row) => row.method.label, (row) => methodCell(row, wordsOf(board))],
  ];
  const order = [column, ...board.columns.keys()].filter((c, i, all) => all.indexOf(c) === i);
  for (const c of order) {
    const [name, unit, up, places] = board.columns[c];
    const title = `${name}${unit ? ` (${unit})` : ""} ${arrow(up)}`;
    columns.push(["=" + name, title, c === column ? "n main" : "n other wide", (row) => meanText(board.scores[c], row.i, places)]);
  }
  if (rows.some((row) => !Number.isNaN(row.gap))) {
    const best = board.scores[column].undecided ? "first" : "best";
    const text = (row) => gapText(row, decimals, best);
    columns.push(["gap", `Δ ${label} to ${best} [95 %]`, "gap", text, (row) => [gapBar(row, room, higher), h("span", { class: "text" }, text(row))]]);
  }
  if (column === board.rank && board.tail.some((v) => v !== null)) columns.push(["tail", `worst 5 % ${label}`, "n other wide", (row) => number(board.tail[row.i], decimals).replace("n/d", "–")]);
  if (board.optimum) columns.push(["optimum", board.optimum.title, "n other wide", (row) => number(board.optimum.by[row.i], board.optimum.decimals).replace("n/d", "–")]);
  if (board.cost) {
    COST.forEach(([key, title, show], place) => columns.push([key, title, "n cost wide", (row) => (row.cost ? show(row.cost[place]) : "–")]));
  }
  return columns;
}

function methodCell(row, words) {
  const open = () => go({ card: row.method.label }, true);
  return [
    h("button", { class: "link", "data-k": "m" + row.i, onclick: open }, breakable(row.method.label)),
    ...row.flags.map((flag) => h("span", { class: flag === "contaminated" ? "chip warn" : "chip" }, flag)),
    row.method.sanity && h("span", { class: "chip" }, "sanity"),
    row.below && h("span", { class: "chip warn" }, `below ${words.given}`),
    row.why && h("span", { class: "chip" }, row.why.startsWith("oracle") ? "not ranked" : row.why),
  ];
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

function gapBar(row, room, higher) {
  const width = 120;
  const zero = higher ? width - 8 : 8;
  const at = (value) => Math.min(width - 2, Math.max(2, zero + (value / room) * (width - 16)));
  const kind = row.method.sanity ? " ref" : "";
  const far = Math.abs(row.gap) > room;
  const parts = [svg("line", { class: "zero", x1: zero, x2: zero, y1: 0, y2: 14 })];
  if (Number.isFinite(row.from)) parts.push(svg("line", { class: "whisker" + kind, x1: at(row.from), x2: at(row.to), y1: 7, y2: 7 }));
  if (far) parts.push(svg("path", { class: "dot" + kind, d: higher ? "M7 2 1 7 7 12z" : `M${width - 7} 2 ${width - 1} 7 ${width - 7} 12z` }));
  else if (Number.isFinite(row.gap)) parts.push(svg("circle", { class: "dot" + kind, cx: at(row.gap), cy: 7, r: 3 }));
  return svg("svg", { width, height: 14, viewBox: `0 0 ${width} 14`, "aria-hidden": "true" }, parts);
}

function sortable(key, title, kind, higher) {
  const on = state.sort.replace(/^-/, "") === key;
  const down = state.sort.startsWith("-");
  const { columns, rank } = data.boards[state.board];
  const label = columns.find(([name]) => "=" + name === key);
  // The first press shows the better end of a metric, and of what is told in its unit.
  const up = label ? label[2] : key === "gap" ? higher : key === "tail" && columns[rank]?.[2];
  const first = up ? "-" + key : key;
  const act = () => go({ sort: on ? (down ? key : "-" + key) : first });
  return h("th", { scope: "col", class: kind, "aria-sort": on ? (down ? "descending" : "ascending") : null },
    h("button", { "data-k": "s" + key, onclick: act }, title));
}

function drawBoard(board, column) {
  if (!board.m.length || !board.columns.length) return [h("p", {}, "No method has a result here.")];
  const rows = ordered(board, column);
  const columns = boardColumns(board, column, rowsOf(board, column));
  const scores = board.scores[column];
  const apart = scores.low.some((low) => low > 1);
  const body = rows.map((row) => h("tr", { class: apart && row.low === 1 ? "best" : null },
    columns.map(([, , kind, text, element]) => h("td", { class: kind }, element ? element(row) : text(row)))));
  return [
    scores.undecided ? h("p", { class: "undecided" }, scores.undecided) : null,
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Board" },
      h("table", { class: "board", "aria-label": `${board.d} · ${board.r}` },
        h("thead", {}, h("tr", {}, columns.map(([key, title, kind]) => sortable(key, title, kind, board.columns[column][2])))),
        h("tbody", {}, body))),
    rows.length ? null : h("p", { class: "soft" }, "No method matches the filter."),
    h("ul", { class: "notes" },
      board.warnings.map((text) => h("li", { class: "warn" }, "Warning: " + text)),
      (column === board.rank ? board.remarks : scores.remarks).map((text) => h("li", {}, text)),
      column === board.rank ? null : Object.entries(scores.note).map(([i, text]) => h("li", {}, `${nameOf(board, i)}: ${text}`)),
      board.signatures.length ? h("li", {}, h("code", {}, board.signatures[column] || board.signatures[0])) : null),
  ];
}

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

/** The board as it stands: its order, its filter, its metric. */
function copyText(kind) {
  const { board, column } = current();
  const rows = ordered(board, column);
  const columns = boardColumns(board, column, rows);
  const flags = (row) => [...row.flags, ...(row.method.sanity ? ["sanity"] : [])].join(", ");
  const title = [...columns.map(([, name]) => name), "flags"];
  const cells = rows.map((row) => [...columns.map(([, , , text]) => text(row)), flags(row)]);
  const right = [...columns.map(([key, , kind]) => /\bn\b/.test(kind) || key === "rank" || key === "gap"), false];
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
