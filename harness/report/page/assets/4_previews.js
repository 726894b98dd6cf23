// Scores of each item, its previews, and the viewer: wipe, side by side, zoom with pixel grid, error map.

const MOST_COLUMNS = 12;
const MOST_ITEMS = 200;

let addresses = null;

/** The address of a preview. They come last in the file: until it is read in full there is none. */
function preview(number) {
  if (document.readyState === "loading") return null;
  addresses ??= JSON.parse(document.getElementById("previews").textContent);
  return addresses[number] ?? null;
}

function drawItems(board, column, whole) {
  const [label, unit, higher, notation] = board.columns[column];
  const { item: one, items: all } = wordsOf(board);
  const items = data.items[board.items];
  const values = valuesOf(board, column);
  const found = ordered(board, column);
  const rows = found.slice(0, MOST_COLUMNS);
  const kept = new Map(board.previews.map((p) => [p.item, p]));
  const body = items.slice(0, whole ? items.length : MOST_ITEMS).map((item, j) => {
    const scores = rows.map((row) => values[row.i * items.length + j]);
    const ranked = scores.filter((v, k) => !rows[k].why && !Number.isNaN(v));
    const top = ranked.length > 1 ? (higher ? Math.max(...ranked) : Math.min(...ranked)) : null;
    const cells = rows.map((row, k) => {
      const text = number(scores[k], notation);
      const shown = kept.get(item)?.outputs[row.i] !== undefined;
      const open = () => view(board, item, row.i);
      return h("td", { class: scores[k] === top && !rows[k].why ? "n top1" : "n" },
        shown ? h("button", { title: "look at it", onclick: open }, text) : text);
    });
    return h("tr", {}, h("th", { scope: "row", class: "stuck" }, item), cells);
  });
  const more = items.length > MOST_ITEMS && !whole;
  return [
    scrollBox(`Scores by ${one}`,
      h("table", { class: "items" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "stuck" }, headText(`${one}: ${label}${unit ? ` (${unit})` : ""}`)),
          rows.map((row) => h("th", { scope: "col", class: "n", title: row.method.label }, headText(short(row.method.label, 22)))))),
        h("tbody", {}, body))),
    more && h("p", {}, h("button", { onclick: (e) => e.target.closest(".body").replaceChildren(...drawItems(board, column, true).filter(Boolean)) },
      `Show all ${items.length} ${all}`)),
    found.length > MOST_COLUMNS && h("p", { class: "soft" }, `The first ${MOST_COLUMNS} rows of the board, as it is sorted and filtered.`),
  ];
}

/** A square of a picture; what is much wider than tall, such as a spectrogram, whole. */
function thumbnail(kept, number) {
  return h("img", { src: preview(number), alt: "", loading: "lazy", ...(kept.w > 1.5 * kept.h ? { class: "wide", width: kept.w, height: kept.h } : {}) });
}

/** Axes over what the viewer shows, which pixels have no need of; `from` is where its side of the stage begins. */
function drawAxes() {}

/** The place of a pixel as the viewer says it. */
function placeText(kept, [x, y]) {
  return `(${x}, ${y})`;
}

/** Players of what the viewer shows: only a page that has sounds has them. */
function drawPlayers() {
  return null;
}

function stopPlayers() {}

/** Thumbnails of one item: its truth, what was given, and each method in the order of the board. */
function drawStrip(board, column) {
  const chosen = keptItem(board);
  const rows = ordered(board, column).filter((row) => chosen.outputs[row.i] !== undefined);
  const j = data.items[board.items].indexOf(chosen.item);
  const values = valuesOf(board, column);
  const [, unit, , notation] = board.columns[column];
  const words = wordsOf(board);
  const score = (i) => (j < 0 ? "" : `${number(values[i * data.items[board.items].length + j], notation)} ${unit}`);
  const tile = (number, name, text, who) => preview(number) && h("button", { onclick: () => view(board, chosen.item, who), title: "look at it" },
    thumbnail(chosen, number), h("b", {}, breakable(name)), h("i", {}, text));
  return [
    h("div", { class: "strip" }, tile(chosen.truth, words.truth, "", "truth"), tile(chosen.given, words.given, "", "given"),
      rows.slice(0, 24).map((row) => tile(chosen.outputs[row.i], row.method.label, score(row.i), row.i))),
    board.previews.length > 1 && h("p", { class: "soft" }, `${chosen.item}: methods are ${chosen.tells} × as far apart as they usually are.`),
  ];
}

function itemChooser(board) {
  if (board.previews.length < 2) return null;
  const names = board.previews.map((p) => p.item);
  return h("select", { "aria-label": capital(wordsOf(board).item), "data-k": "strip-item", onchange: (e) => go({ item: e.target.value }) },
    names.map((name) => h("option", { value: name, selected: name === keptItem(board).item }, name)));
}

// ---------------------------------------------------------------------------------------------- viewer

const viewer = { dialog: null, images: {}, grid: true, scale: 1, top: 32, drag: null, pixel: null, timer: null };
const wiping = () => !["side", "blink"].includes(state.mode);

/** Open the viewer on an item: `who` (a row, "truth" or "given") on the right, the given input or the truth left. */
function view(board, item, who) {
  const b = typeof who === "number" ? nameOf(board, who) : who;
  const kept = board.previews.find((p) => p.item === item);
  const a = kept.given !== null && who !== "given" ? "given" : "truth";
  go({ item, a: ":" + a, b: typeof who === "number" ? b : ":" + b }, true);
}

const TITLES = { Wipe: () => "one over the other", Side: () => "side by side", Blink: () => "one in place of the other, in turn",
  Auto: () => (lessMotion() ? "off: your system asks for less motion" : "blink by itself, 1.5 times a second"), Error: (words) => `distance to the ${words.truth}` };
const viewing = () => Boolean(state.b);

/** What can be shown of an item as [key in the address, name, number of the preview, row]. */
function sides(board, kept) {
  const rows = ordered({ ...board }, current().column).map((row) => row.i);
  const others = comparesTicked() ? [] : board.m.keys();
  const all = [...rows, ...others].filter((i, n, list) => list.indexOf(i) === n && kept.outputs[i] !== undefined);
  const words = wordsOf(board);
  return [[":truth", words.truth, kept.truth, null], [":given", words.given, kept.given, null],
    ...all.map((i) => [nameOf(board, i), nameOf(board, i), kept.outputs[i], i])].filter(([, , number]) => number !== null);
}

/** The item that is asked for, or the one that tells methods apart most. */
function keptItem(board) {
  return board.previews.find((p) => p.item === state.item) || board.previews.reduce((a, b) => (b.tells > a.tells ? b : a));
}

// The state says whether the viewer is open: closing changes the state at once, and drawing closes the dialog.
const closeViewer = () => go({ a: "", b: "" });

function drawViewer(board, column) {
  if (!viewing() || !board || !board.previews.length || !board.columns.length) {
    stopBlinking();
    stopPlayers();
    if (viewer.dialog?.open) viewer.dialog.close();
    return;
  }
  if (state.mode !== "blink") stopBlinking();
  const kept = keptItem(board);
  const list = sides(board, kept);
  const side = (key, other) => list.find(([k]) => k === key) || list[other] || list[0];
  const a = side(state.a, 1);
  const b = side(state.b, 2);
  const choose = (name, label, chosen) => h("label", {}, label, h("select", { "data-k": "v" + name, onchange: (e) => go({ [name]: e.target.value }) },
    list.map(([key, text]) => h("option", { value: key, selected: key === chosen[0] }, text))));
  const toggle = (text, on, key, act, off) => h("button", { disabled: off, title: TITLES[text](wordsOf(board)), "aria-pressed": on ? "true" : "false", "aria-keyshortcuts": key, "data-k": "v" + text, onclick: act }, text);
  const tools = h("div", { class: "tools" },
    h("label", {}, capital(wordsOf(board).item), h("select", { "data-k": "vitem", onchange: (e) => go({ item: e.target.value, zoom: "", at: "" }) },
      board.previews.map((p) => h("option", { value: p.item, selected: p === kept }, p.item)))),
    choose("a", "Left (A)", a), choose("b", "Right (B)", b),
    h("div", { class: "acts" },
      toggle("Wipe", wiping(), "s", () => go({ mode: "wipe" })), toggle("Side", state.mode === "side", "s", () => go({ mode: "side" })),
      toggle("Blink", state.mode === "blink", "b", blink), toggle("Auto", Boolean(viewer.timer), "Shift+B", blinkByItself, lessMotion()),
      toggle("Error", state.error === "1", "e", () => go({ error: state.error ? "" : "1" })),
      h("button", { "aria-label": "Zoom out", "data-k": "v-", onclick: () => zoomBy(1 / 2) }, "−"), h("button", { "aria-label": "Zoom in", "data-k": "v+", onclick: () => zoomBy(2) }, "+"),
      h("button", { "aria-keyshortcuts": "0", "data-k": "v0", onclick: () => go({ zoom: "", at: "" }) }, "Fit"),
      h("button", { "aria-label": "Close", "data-k": "vclose", onclick: closeViewer }, "✕")));
  const canvas = viewer.canvas ??= stage();
  const status = h("div", { class: "status" });
  Object.assign(viewer, { board, column, kept, list, a, b, status, w: kept.w, h: kept.h });
  if (!viewer.dialog) {
    viewer.dialog = h("dialog", { class: "viewer", "aria-label": "Viewer", onkeydown: viewerKey, oncancel: (e) => (e.preventDefault(), closeViewer()),
      onclose: () => viewing() && !viewer.dialog.open && closeViewer() });
    document.body.append(viewer.dialog);
    new ResizeObserver(paint).observe(canvas);
  }
  const inside = viewer.dialog.contains(document.activeElement) && document.activeElement.dataset.k;
  viewer.dialog.replaceChildren(tools, canvas, h("div", {}, drawPlayers(kept, a, b), status), (viewer.said ??= h("div", { class: "unseen", role: "status" })));
  if (!viewer.dialog.open) viewer.dialog.showModal();
  (inside && inside !== "stage" ? tools.querySelector(`[data-k="${CSS.escape(inside)}"]`) || canvas : canvas).focus();
  for (const number of [kept.truth, a[2], b[2]]) load(number);
  paint();
}

// ------------------------------------------------------------------------------------------------ blink

/** A and B in turn each third of a second: 1.5 times a second, half of what may be too fast for some. */
const BLINK_MS = 1000 / 3;
const lessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Show one picture in the place of the other; once more to change them. */
function blink() {
  stopBlinking();
  const on = state.mode === "blink";
  go({ mode: "blink", flip: on && !state.flip ? "1" : "" });
  const [, name] = state.flip ? viewer.b : viewer.a;
  viewer.said.textContent = `${state.flip ? "B" : "A"}: ${name}`;
}

function blinkByItself() {
  if (viewer.timer || lessMotion()) stopBlinking();
  else {
    viewer.timer = setInterval(() => {
      if (lessMotion()) stopBlinking();
      state.flip = state.flip ? "" : "1";
      paint();
    }, BLINK_MS);
  }
  go(viewer.timer ? { mode: "blink" } : {});
}

function stopBlinking() {
  clearInterval(viewer.timer);
  viewer.timer = null;
}

/** Decode a preview once; the viewer is painted again when it is there. */
function load(number) {
  if (number === null || viewer.images[number]) return;
  const image = new Image();
  const entry = (viewer.images[number] = { image, pixels: null, ready: false, lost: false });
  image.onload = () => {
    const canvas = h("canvas", { width: image.naturalWidth, height: image.naturalHeight });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    try {
      entry.pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    } catch { /* a file beside a page from the disk may be seen, not read: it has no values and no error map */ }
    entry.ready = true;
    paint();
  };
  image.onerror = () => ((entry.lost = true), paint());
  image.src = preview(number);
}

const RAMP = [[0, 0, 4], [59, 15, 112], [140, 41, 129], [222, 73, 104], [254, 159, 109], [252, 253, 191]];

/** |preview − truth|, mean over channels, as colours on a scale of 0 … `viewer.top` of 255. */
function errorMap(number) {
  const entry = viewer.images[number];
  const truth = viewer.images[viewer.kept.truth];
  if (!entry?.pixels || !truth?.pixels || entry.pixels.data.length !== truth.pixels.data.length) return null;
  const name = viewer.kept.truth + ":" + viewer.top;
  if (entry.errorName === name) return entry.error;
  const { width, height, data: mine } = entry.pixels;
  const out = new ImageData(width, height);
  for (let i = 0; i < mine.length; i += 4) {
    const c = truth.pixels.data;
    const error = (Math.abs(mine[i] - c[i]) + Math.abs(mine[i + 1] - c[i + 1]) + Math.abs(mine[i + 2] - c[i + 2])) / 3;
    const t = Math.min(1, error / viewer.top) * (RAMP.length - 1);
    const k = Math.min(RAMP.length - 2, Math.floor(t));
    for (let j = 0; j < 3; j++) out.data[i + j] = RAMP[k][j] + (t - k) * (RAMP[k + 1][j] - RAMP[k][j]);
    out.data[i + 3] = 255;
  }
  const canvas = h("canvas", { width, height });
  canvas.getContext("2d").putImageData(out, 0, 0);
  Object.assign(entry, { errorName: name, error: canvas });
  return canvas;
}

function stage() {
  const canvas = h("canvas", { tabindex: "0", role: "application", "data-k": "stage",
    "aria-label": "Previews. Arrow keys move the wipe and change the item, plus and minus zoom, e shows the error." });
  const at = (e) => ({ x: e.offsetX, y: e.offsetY });
  canvas.addEventListener("pointerdown", (e) => {
    canvas.setPointerCapture(e.pointerId);
    const near = wiping() && Math.abs(e.offsetX - wipeX()) < 14;
    // At fit there is nothing to pan: the whole stage moves the wipe.
    viewer.drag = { ...at(e), wipe: near || (wiping() && !state.zoom), from: layout().centre };
    if (viewer.drag.wipe) moveWipe(e.offsetX);
  });
  canvas.addEventListener("pointermove", (e) => {
    readPixel(e.offsetX, e.offsetY);
    if (!viewer.drag) return;
    if (viewer.drag.wipe) return moveWipe(e.offsetX);
    const { x, y, from } = viewer.drag;
    lookAt(from.x - (e.offsetX - x) / viewer.scale, from.y - (e.offsetY - y) / viewer.scale);
  });
  canvas.addEventListener("pointerup", () => (viewer.drag = null));
  canvas.addEventListener("pointerleave", () => readPixel(-1, -1));
  canvas.addEventListener("wheel", (e) => {
    e.preventDefault();
    zoomBy(e.deltaY < 0 ? 1.25 : 0.8, at(e));
  }, { passive: false });
  return canvas;
}

const clamp = (v, low, high) => Math.min(high, Math.max(low, v));

/** Where the previews lie on the stage, in CSS pixels. */
function layout() {
  const { canvas, w, h: tall } = viewer;
  const half = state.mode === "side" ? 2 : 1;
  const room = { w: canvas.clientWidth / half - (half - 1) * 2, h: canvas.clientHeight };
  const fit = Math.min(room.w / w, room.h / tall);
  const scale = state.zoom ? clamp(Number(state.zoom) || fit, 0.1, 64) : fit >= 1 ? Math.max(1, Math.floor(fit * 4) / 4) : fit;
  const asked = state.at.split(",").map(Number);
  const centre = asked.length === 2 && asked.every(Number.isFinite) ? { x: clamp(asked[0], 0, w), y: clamp(asked[1], 0, tall) } : { x: w / 2, y: tall / 2 };
  viewer.scale = scale;
  return { room, scale, centre, left: room.w / 2 - centre.x * scale, top: room.h / 2 - centre.y * scale };
}

/** Bring a point of the previews to the middle of the stage. */
function lookAt(x, y) {
  state.at = `${Number(clamp(x, 0, viewer.w).toFixed(1))},${Number(clamp(y, 0, viewer.h).toFixed(1))}`;
  history.replaceState(null, "", address());
  paint();
}

function wipeX() {
  const { room, scale, left } = layout();
  const low = Math.max(0, left);
  const high = Math.min(room.w, left + viewer.w * scale);
  return low + (clamp(Number(state.wipe) || 0, 0, 100) / 100) * (high - low);
}

function moveWipe(x) {
  const { room, scale, left } = layout();
  const low = Math.max(0, left);
  const high = Math.min(room.w, left + viewer.w * scale);
  state.wipe = String(Math.round(clamp(((x - low) / (high - low)) * 1000, 0, 1000)) / 10);
  history.replaceState(null, "", address());
  paint();
}

function zoomBy(factor, at) {
  const { room, scale, centre, left, top } = layout();
  const next = clamp(scale * factor, 0.25, 64);
  state.zoom = String(Number(next.toPrecision(4)));
  if (!at) return lookAt(centre.x, centre.y);
  // What is under the pointer stays there.
  const x = state.mode === "side" && at.x > room.w ? at.x - room.w - 4 : at.x;
  lookAt((x - left) / scale - (x - room.w / 2) / next, (at.y - top) / scale - (at.y - room.h / 2) / next);
}

function paint() {
  const { canvas, dialog } = viewer;
  if (!dialog?.open || !viewing()) return;
  const shown = [viewer.kept.truth, viewer.a[2], viewer.b[2]];
  dialog.setAttribute("aria-busy", String(!shown.every((number) => number === null || viewer.images[number]?.ready || viewer.images[number]?.lost)));
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(canvas.clientHeight * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const { room, scale, left, top } = layout();
  context.imageSmoothingEnabled = scale < 1;
  const source = (side) => (state.error ? errorMap(side[2]) : viewer.images[side[2]]?.ready && viewer.images[side[2]].image);
  const put = (side, from, to, shift) => {
    context.save();
    context.beginPath();
    context.rect(from, 0, Math.max(0, to - from), room.h);
    context.clip();
    const image = source(side);
    if (image) context.drawImage(image, left + shift, top, viewer.w * scale, viewer.h * scale);
    if (scale >= 8 && viewer.grid) drawGrid(context, left + shift, top, scale, from, to, room.h);
    context.restore();
  };
  if (state.mode === "side") {
    put(viewer.a, 0, room.w, 0);
    put(viewer.b, room.w + 4, 2 * room.w + 4, room.w + 4);
  } else if (state.mode === "blink") {
    put(state.flip ? viewer.b : viewer.a, 0, room.w, 0);
  } else {
    const x = wipeX();
    put(viewer.a, 0, x, 0);
    put(viewer.b, x, room.w, 0);
    context.fillStyle = "#fff";
    context.fillRect(x - 0.75, 0, 1.5, room.h);
    context.beginPath();
    context.arc(x, room.h / 2, 9, 0, 7);
    context.fill();
    context.fillStyle = "#1a1f25";
    context.fillText("◂▸", x - 8, room.h / 2 + 3.5);
  }
  for (const from of state.mode === "side" ? [0, room.w + 4] : [0]) drawAxes(context, from);
  const hidden = state.mode !== "blink" ? null : state.flip ? "a" : "b";
  if (hidden !== "a") caption(context, viewer.a[1], 12, "left", room.h);
  if (hidden !== "b") caption(context, viewer.b[1], canvas.clientWidth - 12, "right", room.h);
  drawStatus(scale);
}

/** Lines between pixels, of a colour that shows on dark and light ones. */
function drawGrid(context, left, top, scale, from, to, height) {
  context.strokeStyle = "rgb(128 128 128 / .45)";
  context.lineWidth = 1;
  context.beginPath();
  for (let i = Math.max(0, Math.floor((from - left) / scale)); i <= viewer.w && left + i * scale <= to; i++) {
    context.moveTo(Math.round(left + i * scale) + 0.5, Math.max(0, top));
    context.lineTo(Math.round(left + i * scale) + 0.5, Math.min(height, top + viewer.h * scale));
  }
  for (let i = Math.max(0, Math.floor(-top / scale)); i <= viewer.h && top + i * scale <= height; i++) {
    context.moveTo(Math.max(from, left), Math.round(top + i * scale) + 0.5);
    context.lineTo(Math.min(to, left + viewer.w * scale), Math.round(top + i * scale) + 0.5);
  }
  context.stroke();
}

function caption(context, text, x, side, height) {
  context.font = "13px system-ui, sans-serif";
  context.textAlign = side;
  const shown = short(text, 40);
  const wide = context.measureText(shown).width + 14;
  context.fillStyle = "rgb(16 20 24 / .75)";
  context.fillRect(side === "left" ? x - 7 : x - wide + 7, height - 34, wide, 23);
  context.fillStyle = "#fff";
  context.fillText(shown, x, height - 18);
  context.textAlign = "left";
}

function drawStatus(scale) {
  const { board, column, kept, status, pixel } = viewer;
  const items = data.items[board.items];
  const j = items.indexOf(kept.item);
  const [label, unit, , notation] = board.columns[column];
  const score = (side) => (side[3] === null || j < 0 ? "" : ` ${number(valuesOf(board, column)[side[3] * items.length + j], notation)} ${unit || label}`);
  const cut = kept.full[0] && (kept.full[0] !== kept.h || kept.full[1] !== kept.w);
  const about = kept.sounds ? "spectrogram" : kept.full[0] === 0 ? `crop of ${kept.w}×${kept.h}` : cut ? `${kept.w}×${kept.h} of ${kept.full[1]}×${kept.full[0]}` : `${kept.w}×${kept.h}`;
  const value = (side) => {
    const p = viewer.images[side[2]]?.pixels;
    const i = p && 4 * (pixel[1] * p.width + pixel[0]);
    return p ? Array.from(p.data.slice(i, i + 3)).join(" ") : "";
  };
  const side = (letter, one, on) => h("span", {}, h("b", {}, letter + " "), one[1] + score(one), state.mode === "blink" && on && h("b", {}, " ◂ shown"));
  const unread = state.error && [kept.truth, viewer.a[2], viewer.b[2]].some((n) => n !== null && viewer.images[n]?.ready && !viewer.images[n].pixels);
  status.replaceChildren(
    side("A", viewer.a, !state.flip), side("B", viewer.b, state.flip),
    h("span", {}, `${about}, ${Math.round(scale * 100)} %`),
    state.error ? h("span", {}, "absolute error 0", h("i", { class: "ramp" }), `${viewer.top} of 255`) : "",
    [viewer.a[2], viewer.b[2]].some((n) => viewer.images[n]?.lost) ? h("span", {}, "a picture is not where it should be, in leaderboard_pictures beside this file") : "",
    unread ? h("span", {}, "no error map: pictures beside a page are read only from a server") : "",
    pixel ? h("span", {}, `${placeText(kept, pixel)} A ${value(viewer.a)} · B ${value(viewer.b)}`) : "");
}

function readPixel(x, y) {
  const { room, scale, left, top } = layout();
  const inner = state.mode === "side" && x > room.w + 4 ? x - room.w - 4 : x;
  const spot = [Math.floor((inner - left) / scale), Math.floor((y - top) / scale)];
  const inside = x >= 0 && spot[0] >= 0 && spot[1] >= 0 && spot[0] < viewer.w && spot[1] < viewer.h;
  viewer.pixel = inside ? spot : null;
  if (viewer.status) drawStatus(scale);
}

function viewerKey(event) {
  if (event.target.tagName === "AUDIO") return;
  const inSelect = event.target.tagName === "SELECT";
  if (event.ctrlKey || event.metaKey || event.altKey || (inSelect && /^Arrow|^.$/.test(event.key))) return;
  const { board, kept, list, a, b } = viewer;
  const next = (all, now, by) => all[(now + by + all.length) % all.length];
  const step = event.shiftKey ? 10 : 2;
  const across = (by) => {
    if (wiping()) go({ wipe: String(clamp(Number(state.wipe) + by * step, 0, 100)) });
    else pan(by, 0);
  };
  const pan = (dx, dy) => lookAt(layout().centre.x + dx * step * 4, layout().centre.y + dy * step * 4);
  const item = (by) => go({ item: next(board.previews, board.previews.indexOf(kept), by).item });
  const keys = {
    ArrowLeft: () => across(-1), ArrowRight: () => across(1), ArrowUp: () => item(-1), ArrowDown: () => item(1),
    "[": () => go({ b: next(list, list.indexOf(b), -1)[0] }), "]": () => go({ b: next(list, list.indexOf(b), 1)[0] }),
    "{": () => go({ a: next(list, list.indexOf(a), -1)[0] }), "}": () => go({ a: next(list, list.indexOf(a), 1)[0] }),
    "+": () => zoomBy(2), "=": () => zoomBy(2), "-": () => zoomBy(1 / 2), 0: () => go({ zoom: "", at: "" }),
    e: () => go({ error: state.error ? "" : "1" }), s: () => go({ mode: state.mode === "side" ? "wipe" : "side" }),
    b: blink, B: blinkByItself,
    x: () => go({ a: b[0], b: a[0] }), g: () => ((viewer.grid = !viewer.grid), paint()),
    ",": () => ((viewer.top = Math.max(4, viewer.top / 2)), paint()), ".": () => ((viewer.top = Math.min(256, viewer.top * 2)), paint()),
    w: () => pan(0, -1), a: () => pan(-1, 0), z: () => pan(0, 1), d: () => pan(1, 0),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  event.stopPropagation();
  keys[event.key]();
}
