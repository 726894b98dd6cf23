// Data, elements, numbers as the board prints them, and the state that lives in the address.

const data = JSON.parse(document.getElementById("data").textContent);

/** An element. Text children become text nodes: nothing of the data is ever parsed as markup. */
function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Decimals with ties to the even digit, as the other files of the report have them. */
function fixed(value, places) {
  const scaled = Math.abs(value) * 10 ** places;
  const tie = scaled % 1 === 0.5 && Number.isInteger(value * 2 ** (places + 1));
  return tie ? ((Math.sign(value) * 2 * Math.round(scaled / 2)) / 10 ** places).toFixed(places) : value.toFixed(places);
}

/** The same with a number of digits. */
function precise(value, most) {
  const size = Math.abs(value);
  const up = Number(size.toPrecision(most));
  const step = 10 ** (Math.floor(Math.log10(size)) - most + 1);
  const tie = Math.abs(2 * (up - size) - step) < 1e-9 * step && Number.isInteger(size * 2 ** 20) && Math.round(up / step) % 2;
  return Number((Math.sign(value) * (tie ? up - step : up)).toPrecision(most));
}

/** A number in scientific notation as Python writes it: two digits of the power of ten at least. */
function power(value, places) {
  if (!value) return "0";
  const [mantissa, of] = precise(value, places + 1).toExponential(places).split("e");
  return `${mantissa}e${of[0]}${of.slice(1).padStart(2, "0")}`;
}

/** Whether a notation is scientific: `e3`, with the decimals before the power of ten; else it is the number of decimals. */
const scientific = (notation) => typeof notation === "string";

/** A number in the notation of its column, as every other file of the report prints it. */
function number(value, notation) {
  if (value === null || value === undefined || Number.isNaN(value)) return "n/d";
  if (value === "inf" || value === Infinity) return "inf";
  if (value === "-inf" || value === -Infinity) return "−inf";
  const text = scientific(notation) ? power(value, Number(notation.slice(1))) : fixed(value, notation);
  return Number(text) ? text.replaceAll("-", "−") : text.replaceAll("-", "");
}

const digits = (value) =>
  value === null || value === undefined ? "–" : value >= 1000 ? fixed(value, 0) : String(value && precise(value, 3));
const mebibytes = (value) =>
  value === null || value === undefined ? "–" : value > 0 && value < 52429 ? "<0.1" : fixed(value / 1048576, 1);

function count(value) {
  if (value === null || value === undefined) return "–";
  for (const [size, suffix] of [[1e9, " G"], [1e6, " M"], [1e3, " k"]]) if (value >= size) return fixed(value / size, 2) + suffix;
  return String(value);
}

/** A number to sort and draw by: NaN where there is none. */
function finite(value) {
  if (value === "inf") return Infinity;
  if (value === "-inf") return -Infinity;
  return value === null || value === undefined ? NaN : value;
}

/** What things are called on a board: a report of several tracks has words for each board. */
const wordsOf = (board) => board?.words || data.words;
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const unpacked = new Map();

/** Scores of all rows and items of a board by one metric: rows × items, unpacked when first asked for. */
function valuesOf(board, column) {
  const key = data.boards.indexOf(board) + ":" + column;
  if (!unpacked.has(key)) {
    const [places, offset, text] = board.values[column];
    if (text === undefined) {
      const bytes = Uint8Array.from(atob(places), (letter) => letter.charCodeAt(0));
      const view = new DataView(bytes.buffer);
      unpacked.set(key, Float64Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true)));
      return unpacked.get(key);
    }
    const bytes = atob(text);
    const scale = 10 ** places;
    const values = new Float64Array(bytes.length / 2);
    for (let i = 0; i < values.length; i++) {
      const code = bytes.charCodeAt(2 * i) + 256 * bytes.charCodeAt(2 * i + 1);
      values[i] = code < 65533 ? (code + offset) / scale : [Infinity, -Infinity, NaN][code - 65533];
    }
    unpacked.set(key, values);
  }
  return unpacked.get(key);
}

// ------------------------------------------------------------------------------------------------- state

const DEFAULTS = { m: "", sort: "rank", q: "", x: "p50", curve: "gap", method: "", ticks: "", only: "", parts: "", ref: "", item: "", a: "", b: "", mode: "wipe",
  flip: "", error: "", wipe: "50", zoom: "", at: "", hide: "" };
const state = { board: data.opens, ...DEFAULTS };

/** Read the address; what it names and the report does not have is left as it is by default. */
function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  Object.assign(state, DEFAULTS);
  for (const name of Object.keys(DEFAULTS)) if (asked.has(name)) state[name] = asked.get(name);
  const keys = ["d", "r", "p", "s"].filter((k) => asked.has(k));
  const found = data.boards.findIndex((b) => keys.length && keys.every((k) => b[k] === asked.get(k)));
  state.board = found >= 0 ? found : data.opens;
}

function address() {
  const board = data.boards[state.board];
  const query = new URLSearchParams();
  if (board && state.board !== data.opens) {
    query.set("d", board.d);
    query.set("r", board.r);
    if (data.boards.filter((b) => b.d === board.d && b.r === board.r).length > 1) {
      query.set("p", board.p);
      query.set("s", board.s);
    }
  }
  for (const [name, usual] of Object.entries(DEFAULTS)) if (state[name] && state[name] !== usual) query.set(name, state[name]);
  return "#" + query;
}

/** Change the state, its address and the page; `step` makes the browser's Back return from it. */
function go(change, step = false) {
  Object.assign(state, change);
  if (step) history.pushState(null, "", address());
  else history.replaceState(null, "", address());
  render();
}

/** The board in view, and the place of the metric in view among its columns. */
function current() {
  const board = data.boards[state.board];
  if (!board) return { board: null, column: -1 };
  const asked = board.columns.findIndex(([label]) => label === state.m);
  return { board, column: asked >= 0 ? asked : Math.max(0, board.rank) };
}

/** A long name may break after a bracket, a comma, a slash or an underscore, and before a long value. */
const breakable = (text) => broken(text, /(?<=[(,/_])|(?<==)(?=[^(),/]{8})/);

const broken = (text, at) => text.split(at).flatMap((part, i) => (i ? [h("wbr"), part] : [part]));

/** The head of a column may break too, but not inside its unit, and not before its arrow or per cent sign. */
function headText(text) {
  const [, start, end] = /^(.*?)((?:\([^()]*\)|[^\s_(]*) [↑↓]|→ \S+|\[95 %\])?$/.exec(text);
  return [broken(start, /(?<=[,/_])|(?<=[(=])(?=[^(),/]{8})/), end ? [/_$/.test(start) ? h("wbr") : "", h("span", { class: "whole" }, end)] : []];
}

const nameOf = (board, row) => data.methods[board.m[row]].label;

function toast(text) {
  const box = document.getElementById("toast");
  box.textContent = text;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => (box.textContent = ""), 3000);
}

/** Text beside the pointer or the focused mark. */
function tip(text, event) {
  const box = document.getElementById("tip");
  box.textContent = text;
  if (!text) return;
  const mark = event.target.getBoundingClientRect();
  const x = event.clientX ?? mark.right;
  const y = event.clientY ?? mark.bottom;
  const left = Math.min(x + 14, innerWidth - box.offsetWidth - 8);
  const top = y + 18 + box.offsetHeight > innerHeight ? y - box.offsetHeight - 12 : y + 16;
  box.style.transform = `translate(${Math.max(8, left)}px, ${top}px)`;
}

const withTip = (text) => ({
  onpointerenter: (e) => tip(text, e), onpointermove: (e) => tip(text, e), onpointerleave: () => tip(""),
  onfocus: (e) => tip(text, { target: e.target }), onblur: () => tip(""),
});

/** Enter and Space press what is no button but acts as one. */
const pressed = (act) => ({
  onclick: act,
  onkeydown: (e) => (e.key === "Enter" || e.key === " ") && (e.preventDefault(), act()),
});
