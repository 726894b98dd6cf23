// The board as it is seen, as a CSV file: its rows, its columns, its order; numbers in full.

/** Cells as text: nothing for no number, and no text that a spreadsheet takes for a formula. */
function csvCell(value) {
  if (typeof value === "number") return Number.isNaN(value) ? "" : Number.isFinite(value) ? String(value) : value > 0 ? "inf" : "-inf";
  if (value === null || value === undefined) return "";
  const text = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** What a column of the board is in the file, as [name, value of a row]: names are those of leaderboard.csv. */
function csvFields({ key, title, text }, board, column, rows) {
  const place = COST.findIndex(([name]) => name === key);
  if (place >= 0) return [[["latency_p50_ms", "latency_rel", "peak_memory_bytes", "params"][place], (row) => (row.cost ? row.cost[place] : null)]];
  if (key === "rank") return [["rank_low", (row) => row.low], ["rank_high", (row) => row.high]];
  if (key === "method") return [["method", (row) => row.method.label]];
  if (key === "tail") return [["worst_5_percent", (row) => finite(board.tail[row.i])]];
  if (key === "optimum") return [["below_optimum", (row) => finite(board.optimum.by[row.i])]];
  if (key === "gap") {
    const reference = referenceOf(board, column);
    const to = reference === null ? "the best" : nameOf(board, reference);
    return [["difference", (row) => row.gap], ["interval_low", (row) => row.from], ["interval_high", (row) => row.to],
      ["difference_to", (row) => (Number.isNaN(row.gap) ? "" : to)]];
  }
  const c = board.columns.findIndex(([label]) => "=" + label === key);
  if (c < 0) return [[title, text]];
  const { mean, note } = board.scores[c];
  const noted = rows.some((row) => note[row.i]);
  return [[board.columns[c][0], (row) => finite(mean[row.i])], ...(noted ? [[`${board.columns[c][0]}_note`, (row) => note[row.i]]] : [])];
}

function csvText(board, column) {
  const rows = ordered(board, column);
  const fields = boardColumns(board, column).filter(isShown).flatMap((one) => csvFields(one, board, column, rows));
  fields.push(["flags", (row) => [...row.flags, ...(row.method.sanity ? ["sanity"] : [])].join(", ")], ["not_ranked", (row) => row.why]);
  const lines = [fields.map(([name]) => csvCell(name)), ...rows.map((row) => fields.map(([, value]) => csvCell(value(row))))];
  return lines.map((cells) => cells.join(",") + "\n").join("");
}

/** A name of letters, digits and hyphens, whatever the dataset is called. */
function csvName(board, column) {
  const piece = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 40).replace(/^-+|-+$/g, "") || "x";
  return ["leaderboard", board.d, board.r, board.columns[column][0]].map(piece).join("_") + ".csv";
}

function downloadCsv() {
  const { board, column } = current();
  const text = csvText(board, column);
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.body.appendChild(h("a", { href: address, download: csvName(board, column) }));
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
  toast(`Downloaded as ${csvName(board, column)}: ${text.split("\n").length - 2} methods`);
}
