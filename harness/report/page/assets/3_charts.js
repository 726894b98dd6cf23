// Quality against latency and memory, and quality against the level of a regime.

/** Round steps that cover low … high. */
function ticks(low, high, most) {
  const raw = (high - low) / most || 1;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * size).find((s) => s >= raw);
  const found = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-9; v += step) found.push(Number(v.toPrecision(12)));
  return found;
}

function logTicks(low, high) {
  const found = [];
  const factors = high / low > 100 ? [1] : high / low > 8 ? [1, 3] : [1, 2, 5];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++)
    for (const f of factors) if (f * 10 ** e >= low && f * 10 ** e <= high) found.push(Number((f * 10 ** e).toPrecision(6)));
  return found;
}

const plainTick = (v) => String(v).replace("-", "−");

/** Axes with a grid: a frame to draw in, and the two scales. */
function frame(size, xs, ys, { log, xTitle, yTitle, xAt, right = 12 }) {
  const { width, height } = size;
  const box = { left: 52, right: width - right, top: 12, bottom: height - 44 };
  const map = log ? Math.log10 : (v) => v;
  const pad = (low, high, share) => (high > low ? (high - low) * share : Math.abs(low) * 0.02 || 0.5);
  const ends = (all, share) => {
    const low = Math.min(...all);
    const high = Math.max(...all);
    return [low - pad(low, high, share), high + pad(low, high, share)];
  };
  const [x0, x1] = ends(xs.map(map), 0.06);
  const [y0, y1] = ends(ys, 0.08);
  const x = (v) => box.left + ((map(v) - x0) / (x1 - x0)) * (box.right - box.left);
  const y = (v) => box.bottom - ((v - y0) / (y1 - y0)) * (box.bottom - box.top);
  const across = xAt || (log ? logTicks(10 ** x0, 10 ** x1) : ticks(x0, x1, 6));
  const marks = [
    ...ticks(y0, y1, 6).map((v) => [svg("line", { class: "grid", x1: box.left, x2: box.right, y1: y(v), y2: y(v) }),
      svg("text", { x: box.left - 8, y: y(v) + 4, "text-anchor": "end" }, plainTick(v))]),
    ...across.map((v) => svg("text", { x: x(v), y: box.bottom + 18, "text-anchor": "middle" }, plainTick(v))),
    svg("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
    svg("text", { x: (box.left + box.right) / 2, y: height - 6, "text-anchor": "middle" }, xTitle),
    svg("text", { x: -(box.top + box.bottom) / 2, y: 12, transform: "rotate(-90)", "text-anchor": "middle" }, yTitle),
  ];
  return { box, x, y, marks };
}

function canvasSize(id, height = 340) {
  const width = document.getElementById(id).clientWidth || 560;
  return { width, height: Math.min(height, Math.max(280, width * 0.8)) };
}

const chart = (size, label, ...children) =>
  svg("svg", { class: "chart", viewBox: `0 0 ${size.width} ${size.height}`, role: "group", "aria-label": label }, children);

/** A name that is too long, cut in its middle, behind the whole name of the method where that has room. */
function short(text, most) {
  if (text.length <= most) return text;
  const name = text.indexOf("(");
  const head = name > most / 2 && name < most ? name : Math.floor(most / 2);
  return text.slice(0, head) + "…" + text.slice(text.length - (most - head - 1));
}

// ---------------------------------------------------------------------------------------------- Pareto

const AXES = { p50: "median latency of one call (ms)", rel: "latency (× reference)", mem: "peak memory (MiB)", par: "parameters" };

function paretoPoints(board, column, axis) {
  const place = COST.findIndex(([key]) => key === axis);
  return rowsOf(board, column).map((row) => {
    const cost = row.cost || [];
    const raw = finite(cost[place]);
    return { row, x: axis === "mem" ? raw / 1048576 : raw, y: row.mean, time: finite(cost[0]), memory: finite(cost[2]) };
  }).filter((p) => p.x > 0 && Number.isFinite(p.x) && Number.isFinite(p.y) && !p.row.why);
}

/** Points that no other beats in x and y, from left to right. */
function front(points, higher) {
  const sign = higher ? 1 : -1;
  let top = -Infinity;
  return [...points].sort((a, b) => a.x - b.x || sign * (b.y - a.y)).filter((p) => sign * p.y > top && ((top = sign * p.y), true));
}

/** Whether none is at least as good in quality, latency and memory, and better in one. */
function unbeaten(p, points, higher) {
  const sign = higher ? 1 : -1;
  return !points.some((o) => o !== p && sign * o.y >= sign * p.y && o.time <= p.time && o.memory <= p.memory
    && (sign * o.y > sign * p.y || o.time < p.time || o.memory < p.memory));
}

function drawPareto(board, column) {
  const all = paretoPoints(board, column, state.x);
  if (all.length < 2) return [h("p", { class: "soft" }, "No two ranked methods of this board have this cost.")];
  const rows = new Set(shownRows(all.map((p) => p.row)));
  const points = all.filter((p) => rows.has(p.row));
  if (!points.length) return [h("p", { class: "soft" }, "No ticked method has this cost and a rank.")];
  const [label, unit, higher, notation] = board.columns[column];
  const size = canvasSize("pareto");
  const { x, y, box, marks } = frame(size, points.map((p) => p.x), points.map((p) => p.y),
    { log: true, xTitle: AXES[state.x], yTitle: `mean ${label}${unit ? ` (${unit})` : ""}`, right: 24 });
  const best = front(points, higher);
  const path = best.map((p, i) => (i ? `H${x(p.x)}V${y(p.y)}` : `M${x(p.x)} ${y(p.y)}`)).join("") + `H${box.right}`;
  const memories = points.map((p) => p.memory).filter((v) => v > 0);
  const largest = Math.max(1, ...memories);
  const radius = (p) => 4 + 9 * Math.sqrt(p.memory > 0 ? p.memory / largest : 0);
  const taken = points.map((p) => [x(p.x) - 5, y(p.y) - 5, x(p.x) + 5, y(p.y) + 5]);
  const dots = [...points].sort((a, b) => radius(b) - radius(a)).map((p) => {
    const text = `${p.row.method.label}\n${number(p.y, notation)} ${unit || label}, rank ${rankText(p.row)}\n${digits(p.time)} ms, ${mebibytes(
      Number.isNaN(p.memory) ? null : p.memory)} MiB`;
    const open = () => openMethod(p.row.method.label);
    return svg("circle", { class: unbeaten(p, all, higher) ? "point on" : "point", cx: x(p.x), cy: y(p.y), r: radius(p), tabindex: "0",
      role: "button", "aria-label": text.replace(/\n/g, ", "), "data-k": "p" + p.row.i, ...pressed(open), ...withTip(text) });
  });
  return [
    chart(size, "Quality against cost", marks, svg("path", { class: "front", d: path }), dots, names(best, x, y, radius, taken, box)),
    h("p", { class: "soft" }, `${board.setting}. Area: peak memory. Filled: no method is better in quality, latency and memory at once. Line: front of what is drawn.`),
  ];
}

/** Names of the points on the front, where they have room. */
function names(points, x, y, radius, taken, box) {
  return points.map((p) => {
    const text = short(p.row.method.label, 26);
    const wide = text.length * 6.4;
    const px = x(p.x);
    const py = y(p.y);
    const r = radius(p) + 4;
    const spots = [[px + r, py + 4, "start"], [px - r, py + 4, "end"], [px, py - r - 2, "middle"], [px, py + r + 10, "middle"]];
    for (const [tx, ty, anchor] of spots) {
      const left = anchor === "start" ? tx : anchor === "end" ? tx - wide : tx - wide / 2;
      const own = [left, ty - 10, left + wide, ty + 3];
      const clash = taken.some((b) => own[0] < b[2] && own[2] > b[0] && own[1] < b[3] && own[3] > b[1]
        && !(b[0] === px - 5 && b[1] === py - 5));
      if (clash || left < box.left || left + wide > box.right + 20 || own[1] < 0) continue;
      taken.push(own);
      return svg("text", { class: "name", x: tx, y: ty, "text-anchor": anchor, "pointer-events": "none" }, text);
    }
    return null;
  });
}

// ---------------------------------------------------------------------------------------------- levels

const MOST_LINES = 12;

/** The family of regimes that the board in view belongs to, the one with most levels. */
const familyOf = (board) =>
  data.families.filter((f) => f.at.some(([, b]) => data.boards[b] === board)).sort((a, b) => b.at.length - a.at.length)[0];

function curves(family, label) {
  const lines = new Map();
  const best = new Map();
  for (const [level, b] of family.at) {
    const board = data.boards[b];
    const column = board.columns.findIndex(([name]) => name === label);
    if (column < 0) continue;
    const higher = board.columns[column][2];
    for (const row of rowsOf(board, column)) {
      if (!Number.isFinite(row.mean) || (row.why && !row.why.startsWith("oracle"))) continue;
      if (!lines.has(row.method)) lines.set(row.method, { method: row.method, points: [] });
      lines.get(row.method).points.push([level, row.mean]);
      const top = best.get(level);
      if (!row.why && (top === undefined || (higher ? row.mean > top : row.mean < top))) best.set(level, row.mean);
    }
  }
  return { lines: [...lines.values()].filter((line) => line.points.length > 1), best };
}

function drawCurves(board, column) {
  const family = familyOf(board);
  const [label, unit, higher, notation] = board.columns[column];
  const { lines: every, best } = curves(family, label);
  const lines = shownRows(every);
  const relative = state.curve === "gap";
  const drawn = lines.map((line) => ({ ...line, points: line.points.filter(([l]) => best.has(l)).map(([l, v]) => [l, relative ? v - best.get(l) : v]) }));
  const worth = (line) => (higher ? -1 : 1) * line.points.reduce((sum, [, v]) => sum + v, 0) / line.points.length;
  drawn.sort((a, b) => worth(a) - worth(b));
  // Differences are to tell contenders apart: references would squeeze them.
  const own = drawn.filter((line) => !line.method.reference).slice(0, MOST_LINES);
  const shown = relative && own.length ? own : [...own, ...drawn.filter((line) => line.method.reference).slice(0, 3)];
  if (!shown.length) return null;
  const size = canvasSize("curves");
  const room = size.width < 480 ? 104 : 168;
  const levels = family.at.map(([level]) => level);
  const { x, y, marks } = frame(size, levels, shown.flatMap((line) => line.points.map(([, v]) => v)),
    { xTitle: `${family.x} of ${short(family.of, 40)}`, yTitle: (relative ? "Δ " : "mean ") + label + (relative ? " to the best" : "") + (unit ? ` (${unit})` : ""),
      xAt: levels.length <= 8 ? levels : null, right: room });
  const ends = shown.map((line) => ({ line, y: y(line.points[line.points.length - 1][1]) })).sort((a, b) => a.y - b.y);
  spread(ends, 13, 14, size.height - 46);
  const series = shown.map((line) => {
    const look = line.method.look; // as in the plots beside the page: number of the colour, how often it was given before
    const kind = look ? "k" + look[0] : "kr";
    const end = ends.find((e) => e.line === line);
    const d = line.points.map(([l, v], j) => `${j ? "L" : "M"}${x(l)} ${y(v)}`).join("");
    const [lastLevel, last] = line.points[line.points.length - 1];
    const text = `${line.method.label}\n${line.points.map(([l, v]) => `${family.x} ${l}: ${number(v, notation)}`).join("\n")}`;
    const open = () => openMethod(line.method.label);
    const lit = (on) => (e) => e.currentTarget.parentNode.querySelectorAll(".curve").forEach((g) => g.classList.toggle("dim", on && g !== e.currentTarget));
    const hints = withTip(text);
    const button = svg("g", { class: "series", tabindex: "0", role: "button", "aria-label": text.replace(/\n/g, ", "), "data-k": "c" + line.method.label, ...pressed(open),
      onfocus: hints.onfocus, onblur: hints.onblur },
      svg("path", { class: "hit", d }), svg("path", { class: "line", d, "stroke-dasharray": !look || look[1] ? "4 3" : null }),
      line.points.map(([l, v]) => svg("circle", { cx: x(l), cy: y(v), r: 3 })),
      svg("path", { class: "line", d: `M${x(lastLevel) + 6} ${y(last)}L${size.width - room + 8} ${end.y}`, opacity: 0.35 }));
    // The label may be shortened: it stands beside the button, whose name is whole.
    return svg("g", { class: `curve ${kind}`, onpointermove: hints.onpointermove,
      onpointerenter: (e) => (lit(true)(e), hints.onpointerenter(e)), onpointerleave: (e) => (lit(false)(e), hints.onpointerleave(e)) }, button,
      svg("text", { x: size.width - room + 12, y: end.y + 4, "aria-hidden": "true", onclick: open }, short(line.method.label, Math.floor((room - 12) / 7))));
  });
  const left = lines.filter((line) => !line.method.reference).length - own.length;
  return [chart(size, `Quality against ${wordsOf(board).level}`, marks, series),
    h("p", { class: "soft" }, `${board.d}, ${board.p}, ${board.s}.${relative && comparesTicked() ? " The best is that of the whole board." : ""}${left > 0 ? ` ${left} methods of lower mean are left out.` : ""}`)];
}

/** Push labels apart, in order, by at least `step`, between `low` and `high`. */
function spread(ends, step, low, high) {
  ends.forEach((end, i) => (end.y = Math.max(end.y, i ? ends[i - 1].y + step : low)));
  for (let i = ends.length - 1; i >= 0; i--) ends[i].y = Math.min(ends[i].y, i === ends.length - 1 ? high : ends[i + 1].y - step);
}
