// The page as a whole: controls, sections, failures, keys.

const HELP = [
  ["/", "filter the methods"], ["Esc", "in the filter: all methods again; at a method: to the board; elsewhere: close"], ["j  k", "next, previous regime"],
  ["m", "next metric"], ["t", "dark or light"], ["c  l  d", "copy the board as Markdown, as LaTeX; download it as CSV"],
  ["o  u", "only the ticked methods, or all; no ticks"], ["v", "look at the outputs"], ["?", "this help"],
  ["← →", "in the list of sections and among the buttons of the board: next, previous"],
];
const VIEWER_HELP = [
  ["← →", "move the wipe (Shift: faster)"], ["↑ ↓", "previous, next item"], ["[  ]", "other method right (B)"],
  ["{  }", "other method left (A)"], ["x", "swap left and right"], ["s", "wipe or side by side"], ["b  B", "blink: one in place of the other; by itself"], ["e", "error map"],
  [",  .", "scale of the error map"], ["+  −  0", "zoom in, out, fit"], ["w a z d", "pan"], ["g", "pixel grid, from 8 × on"],
];

function options(values, chosen) {
  return values.map(([value, text]) => h("option", { value, selected: value === chosen }, text));
}

function control(title, key, values, chosen, act) {
  return h("label", {}, title, h("select", { "data-k": key, onchange: (e) => act(e.target.value) }, options(values, chosen)));
}

/** Change the board; what belongs to the old one is let go. */
function toBoard(index) {
  if (index >= 0 && index < data.boards.length) go({ board: index, method: "", a: "", b: "" }, true);
}

function drawControls(board, column) {
  const datasets = [...new Set(data.boards.map((b) => b.d))];
  const own = data.boards.map((b, i) => [b, i]).filter(([b]) => b.d === board.d);
  const twice = (b) => own.filter(([o]) => o.r === b.r).length > 1;
  const toDataset = (d) => {
    const same = data.boards.findIndex((b) => b.d === d && b.r === board.r);
    toBoard(same >= 0 ? same : data.boards.findIndex((b) => b.d === d));
  };
  const filter = h("input", { type: "search", "data-k": "filter", placeholder: "name, parameter or flag", spellcheck: "false",
    oninput: (e) => go({ q: e.target.value, method: "" }) });
  filter.value = state.q;
  return [
    control("Dataset", "dataset", datasets.map((d) => [d, d]), board.d, toDataset),
    control("Regime", "regime", own.map(([b, i]) => [String(i), twice(b) ? `${b.r} · ${b.p}, ${b.s}` : b.r]), String(state.board), (i) => toBoard(Number(i))),
    control("Metric", "metric", board.columns.map(([label]) => [label, label]), board.columns[column]?.[0], (m) => go({ m })),
    h("label", {}, "Filter", filter),
  ];
}

/** A head of a table; the last ones may be numbers of methods: then their names stand there, whole in a title. */
function tableHead(t, text, k) {
  if (!text) return h("td", {});
  const { label } = data.methods[t.methods?.[k - t.head.length + t.methods.length]] || {};
  const name = label && (text.startsWith("vs ") ? "vs " : "") + short(label, 24);
  return h("th", { scope: "col", class: t.numeric[k] ? "n" : null, title: label && `${text}: ${label}` }, headText(name || text));
}

function table(t, label) {
  // A name that an author gave is no long text: it has no bracket, and is read first.
  const kind = (text, k) => (t.numeric[k] ? "n" : text.length > 40 && (k > 0 || text.includes("(")) ? "long" : "t");
  // A matrix has no word in its corner; its rows are named by their first cell.
  const corner = t.head[0] === "";
  const chosen = chosenParts(current().board);
  const shown = t.rows.map((row, i) => [row, i]).filter(([, i]) => !t.of[i] || hasParts(data.methods.find((m) => m.label === t.of[i]), chosen));
  return scrollBox(label, h("table", {},
    h("thead", {}, h("tr", {}, t.head.map((text, k) => tableHead(t, text, k)))),
    h("tbody", {}, shown.map(([row, i]) => h("tr", { class: t.strong.includes(i) ? "best" : null },
      row.map((text, k) => (corner && !k ? h("th", { scope: "row" }, text) : h("td", { class: kind(text, k) }, text))))))));
}

/** The sections as [id, name, one line, buttons, contents]; those without contents are left out. */
function sections(board, column) {
  const act = (text, run) => h("button", { "data-k": "a" + text, onclick: run }, text);
  const pick = (label, name, values) => h("select", { "aria-label": label, "data-k": "p" + name, onchange: (e) => go({ [name]: e.target.value }) }, options(values, state[name]));
  const here = (place) => place === state.board || place === null;
  const recipes = data.extra.filter((e) => e.recipes && e.board === state.board);
  const trainings = data.extra.filter((e) => e.recipes && e.board === null);
  const own = data.extra.filter((e) => !e.recipes && e.board === state.board);
  const general = data.extra.filter((e) => !e.recipes && e.board === null);
  const extras = (list) => list.map((e) => [h("h3", {}, e.title), e.note && h("p", { class: "soft" }, e.note), table(e, e.title)]);
  const drawn = (plots) => plots.length > 0 && h("div", { class: "figures" }, plots.map(([text, source]) => h("figure", {},
    h("img", { alt: text, src: "data:image/svg+xml;base64," + source }), h("figcaption", {}, text))));
  const plots = (of) => drawn(data.plots.filter((p) => p[2] === of && !p[3]));
  const curves = data.plots.filter((p) => p[3] && here(p[2]));
  const lost = data.failures;
  const hasCost = board && board.cost && board.columns.length;
  const found = [];
  if (board) {
    const acts = () => [columnsButton(board, column), comparisonButtons(), act("Copy as Markdown", () => copyBoard("markdown")),
      act("Copy as LaTeX", () => copyBoard("latex")), act("Download CSV", downloadCsv)].flat().filter(Boolean);
    const tools = board.columns.length && h("div", { class: "acts", role: "toolbar", "aria-label": "Board" }, roving("acts", acts()));
    const parts = partChoosers(board);
    const ofRecipes = ["recipes", "Recipes", "", [parts], () => [extras(recipes), drawn(curves)]];
    const leads = recipes.length > 0 && leadsWithRecipes(board);
    if (leads) found.push(ofRecipes);
    found.push(["board", "Board", board.facts, [tools, referenceChooser(board, column)], () => drawBoard(board, column)]);
    if (!leads && (recipes.length || curves.length)) found.push(ofRecipes);
    if (trainings.length) found.push(["trainings", "Trainings", "", [], () => extras(trainings)]);
    if (hasCost) found.push(["pareto", "Quality and cost", "", [pick("Cost", "x", COST.map(([key, title]) => [key, title]))], () => drawPareto(board, column)]);
    if (familyOf(board)) found.push(["curves", `Quality against ${wordsOf(board).level}`, "", [pick("Show", "curve", [["gap", "difference to the best"], ["mean", "mean"]])], () => drawCurves(board, column)]);
    if (board.previews.length && board.columns.length) found.push(["look", capital(wordsOf(board).items), previewLine(board), [itemChooser(board), act("Open the viewer", () => view(board, keptItem(board).item, firstRow(board, column)))], () => drawStrip(board, column)]);
    else if (data.again) found.push(["look", capital(wordsOf(board).items), "", [], () => h("p", { class: "soft" }, data.again)]);
    if (board.columns.length && board.m.length) found.push(["items", `By ${wordsOf(board).item}`, "", [], () => drawItems(board, column, false)]);
    if (own.length || plots(state.board).length) found.push(["more", "Behind the order", "", [], () => [plots(state.board), extras(own)]]);
  }
  if (general.length || plots(null).length) found.push(["all", "Across boards", "", [], () => [plots(null), extras(general)]]);
  if (lost.length) found.push(["failures", "Failures and skips", `${lost.length} cells take part in no mean`, [], () => drawFailures(lost)]);
  if (data.cost.rows.length) found.push(["cost", "Cost", "", [], () => [table(data.cost, "Table of costs"), h("ul", { class: "notes" }, data.cost.notes.map((text) => h("li", {}, text)))]]);
  found.push(["about", "About", "", [], () => drawAbout(board)]);
  return found;
}

/** How many of the items are shown, where some are not, and why. */
function previewLine(board) {
  const [shown, all] = [board.previews.length, data.items[board.items].length];
  return [shown < all && `${shown} of ${all} ${wordsOf(board).items}`, data.previewNote].filter(Boolean).join("; ");
}

/** The best method of the board that has a preview of the chosen item. */
function firstRow(board, column) {
  const kept = keptItem(board);
  const row = ordered(board, column).find((r) => kept.outputs[r.i] !== undefined && !r.method.reference);
  return row ? row.i : Number(Object.keys(kept.outputs)[0]);
}

function drawFailures(lost) {
  return scrollBox("Table of failures and skips", h("table", {},
    h("thead", {}, h("tr", {}, ["outcome", "method", "where", data.words.items, "reason"].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, lost.map((f) => h("tr", {}, h("td", {}, h("span", { class: f.outcome === "skipped" ? "chip" : "chip warn" }, f.outcome)),
      h("td", { class: "name" }, h("button", { class: "link", onclick: () => openMethod(f.label) }, breakable(f.label))), h("td", {}, f.where, f.seed === null ? "" : `, seed ${f.seed}`), h("td", {}, f.items),
      h("td", { class: "long" }, f.trace ? h("details", {}, h("summary", {}, f.reason || f.last_line), h("pre", {}, f.trace)) : f.reason || f.last_line))))));
}

function drawAbout(board) {
  return [
    h("p", { class: "soft" }, data.how),
    board && h("dl", {}, h("dt", {}, "versions"), h("dd", {}, board.versions),
      board.hashes.map(([name, sha]) => [h("dt", {}, name), h("dd", {}, h("code", {}, sha))]),
      board.signatures.map((text) => [h("dt", {}, "signature"), h("dd", {}, h("code", {}, text))])),
    h("p", { class: "soft" }, data.beside ? "Everything here is in this file and in leaderboard_pictures beside it: it fetches nothing else." : "Everything here is in this file: it fetches nothing.",
      !data.alone && " Tables for papers and every number: leaderboard.tex, .csv, .md and summary.json beside it."),
  ];
}

// ----------------------------------------------------------------------------------------------- dialogs

const dialogs = {};

function dialog(name, title, contents, shut) {
  const box = (dialogs[name] ??= document.body.appendChild(h("dialog", { oncancel: (e) => (e.preventDefault(), dialogs[name].shut()),
    onclose: () => !dialogs[name].open && dialogs[name].shut() })));
  box.shut = shut || (() => box.close());
  box.setAttribute("aria-label", title);
  box.replaceChildren(h("button", { class: "shut", "aria-label": "Close", onclick: () => box.shut() }, "✕"), ...contents.flat(2).filter(Boolean));
  if (!box.open) box.showModal();
}

function drawHelp() {
  const keys = (list) => h("dl", {}, list.map(([key, text]) => [h("dt", {}, key.split(/\s+/).map((k) => [h("kbd", {}, k), " "])), h("dd", {}, text)]));
  dialog("help", "Keys", [h("h2", {}, "Keys"), keys(HELP), h("h3", {}, "In the viewer"), keys(VIEWER_HELP),
    h("p", { class: "soft" }, "Tab reaches every control and every mark of the plots; Enter opens. The address keeps what you see: copy it to share it.")]);
}

// ------------------------------------------------------------------------------------------------- theme

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  try {
    if (theme) localStorage.setItem("noisebench-theme", theme);
    else document.documentElement.dataset.theme = localStorage.getItem("noisebench-theme") || "";
  } catch { /* a page from a file may have no storage: the choice then lasts until it is closed */ }
  if (!["dark", "light"].includes(document.documentElement.dataset.theme)) delete document.documentElement.dataset.theme;
}

function otherTheme() {
  const dark = (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  setTheme(dark ? "light" : "dark");
}

// ------------------------------------------------------------------------------------------------- page

const places = {};

function render() {
  const { board, column } = current();
  const focus = document.activeElement?.dataset?.k;
  const at = document.activeElement?.selectionStart;
  if (board) places.controls.replaceChildren(...drawControls(board, column));
  const method = methodAsked(board);
  document.title = method ? `${method.label} · ${data.title}` : data.title;
  const list = method ? methodSections(method, board, column) : sections(board, column);
  places.links.replaceChildren(...roving("sections", list.map(([id, name]) => h("button", { "data-k": "j" + id, onclick: () => jump(id) }, name))));
  const scrollAgain = keepScrolls();
  const made = list.map(([id, name, line, acts]) => h("section", { id, tabindex: "-1", "aria-labelledby": id + "-h" },
    h("div", { class: "head" }, h("h2", { id: id + "-h", tabindex: id === "method" ? "-1" : null }, name), id === "board" && h("span", { class: "printed" }, inView(board)), h("span", { class: "soft" }, line), h("div", { class: "acts" }, acts)), h("div", { class: "body" })));
  const charts = made.filter((s) => ["pareto", "curves"].includes(s.id));
  const others = made.filter((s) => !charts.includes(s));
  const behind = others.findIndex((s) => s.id === "board") + 1;
  others.splice(behind || 1, 0, h("div", { class: charts.length > 1 ? "two" : "" }, charts));
  places.main.replaceChildren(...others);
  list.forEach(([, , , , draw], i) => made[i].querySelector(".body").append(...[draw()].flat(3).filter(Boolean)));
  scrollAgain();
  tip("");
  if (document.readyState !== "loading") drawViewer(board, column);
  if (focus && !document.querySelector("dialog[open]")) {
    const again = document.querySelector(`[data-k="${CSS.escape(focus)}"]`);
    again?.focus({ preventScroll: true });
    if (focus === "filter") again.setSelectionRange(at, at);
  }
}

/** What the controls say of the board, for paper, where they are not. */
function inView(board) {
  return `${board.d} · ${board.r}${state.q ? `, of the methods those with “${state.q}”` : ""}`;
}

/** Bring a section into view, and the keyboard with it. */
function jump(id) {
  const section = document.getElementById(id);
  section.focus({ preventScroll: true });
  section.scrollIntoView();
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.tagName === "INPUT" && event.target.type !== "checkbox") {
    if (event.key === "Escape" && event.target.dataset.k === "filter") leaveFilter();
    return;
  }
  const { board, column } = current();
  const looks = board && board.previews.length && board.columns.length;
  const cycle = board ? board.columns[(column + 1) % board.columns.length]?.[0] : "";
  const keys = {
    "/": () => document.querySelector('[data-k="filter"]')?.focus(), j: () => toBoard(state.board + 1), k: () => toBoard(state.board - 1),
    m: () => cycle && go({ m: cycle }), t: otherTheme, d: () => board?.columns.length && downloadCsv(),
    o: toggleTicked, u: clearTicks, Escape: () => state.method && closeMethod(), c: () => board?.columns.length && copyBoard("markdown"), l: () => board?.columns.length && copyBoard("latex"),
    v: () => looks && view(board, keptItem(board).item, firstRow(board, column)), "?": drawHelp,
  };
  if (!keys[event.key] || event.target.tagName === "SELECT") return;
  event.preventDefault();
  keys[event.key]();
}

function start() {
  setTheme("");
  const wrap = (kind, ...children) => h("div", { class: `wrap ${kind}` }, children);
  places.controls = h("div", { class: "wrap controls", role: "search", "aria-label": "What is in view" });
  places.links = wrap("links");
  places.main = h("main", { class: "wrap" });
  const bar = h("div", { class: "bar" }, places.controls, h("nav", { "aria-label": "Sections" }, places.links));
  document.body.append(skipLink(),
    h("header", {}, wrap("top", h("div", { class: "title" }, h("h1", {}, data.title), data.origin && h("p", { class: "soft" }, data.origin)),
      h("button", { title: "dark or light", "aria-keyshortcuts": "t", onclick: otherTheme }, "Theme"),
      h("button", { title: "what each key does", "aria-keyshortcuts": "?", onclick: drawHelp }, "Keys"))),
    bar, places.main, h("div", { id: "tip", role: "tooltip" }), h("div", { id: "toast", role: "status" }));
  measureBar(bar);
  addEventListener("hashchange", () => (readAddress(), render()));
  addEventListener("popstate", () => (readAddress(), render()));
  addEventListener("keydown", key);
  let wide = innerWidth;
  addEventListener("resize", () => innerWidth !== wide && ((wide = innerWidth), render()));
  if (data.boards.some((b) => b.previews.length)) addEventListener("DOMContentLoaded", render);
  readAddress();
  render();
}

start();
