// Which columns of the board are shown: the state names those that are hidden.

// Keys between commas: a name with a comma in it still is found.
const isShown = ({ key }) => key === "method" || !`,${state.hide},`.includes(`,${key},`);

function hide(key, on) {
  const list = on ? `${state.hide ? state.hide + "," : ""}${key}` : `,${state.hide},`.replace(`,${key},`, ",").replace(/^,|,$/g, "");
  go({ hide: list });
}

let choosing = false;

/** The button that opens the boxes below; it says how many columns are not seen. */
function columnsButton(board, column) {
  const gone = boardColumns(board, column).filter((c) => !isShown(c)).length;
  return h("button", { "data-k": "acolumns", "aria-expanded": String(choosing), "aria-controls": choosing && "columns", onkeydown: closeColumns,
    onclick: () => ((choosing = !choosing), render()) }, gone ? `Columns (${gone} hidden)` : "Columns");
}

function closeColumns(event) {
  if (event.key !== "Escape" || !choosing) return;
  choosing = false;
  render();
  document.querySelector('[data-k="acolumns"]').focus();
}

/** A box for each column. */
function columnBoxes(columns) {
  if (!choosing) return null;
  const boxes = columns.filter(({ key, title }) => title && key !== "method").map((c) => h("label", {},
    h("input", { type: "checkbox", "data-k": "h" + c.key, checked: isShown(c), onchange: (e) => hide(c.key, !e.target.checked) }), c.title));
  return h("fieldset", { id: "columns", class: "columns", onkeydown: closeColumns }, h("legend", {}, "Columns that are shown"), boxes,
    h("button", { "data-k": "hall", disabled: !state.hide, onclick: () => go({ hide: "" }) }, "Show all"));
}
