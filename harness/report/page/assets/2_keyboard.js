// The keyboard: groups of controls that are one stop of the Tab key, and the way past them to the board.

const lastIn = {};

/** Make a group one stop of the Tab key: arrows, Home and End move inside it, and it is entered where it was left. */
function roving(name, items) {
  const start = items.find((item) => item.dataset.k === lastIn[name]) || items[0];
  items.forEach((item, i) => {
    item.tabIndex = item === start ? 0 : -1;
    item.addEventListener("focus", () => {
      lastIn[name] = item.dataset.k;
      items.forEach((other) => (other.tabIndex = other === item ? 0 : -1));
    });
    item.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: i - 1, ArrowUp: i - 1, ArrowRight: i + 1, ArrowDown: i + 1, Home: 0, End: items.length - 1 }[event.key];
      if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      items[(by + items.length) % items.length].focus();
    });
  });
  return items;
}

/** Put the focus where the table of the board begins: one more Tab and it is in the header. */
function toTable() {
  const there = document.querySelector("#board .scroll") || document.querySelector("main section");
  there.focus();
  there.closest("section").scrollIntoView();
}

/** The first stop of the page, seen when it has the focus. The address is left alone: it holds the state. */
const skipLink = () => h("a", { class: "skip", href: "#board", onclick: (e) => (e.preventDefault(), toTable()) }, "Skip to the board");

/** Escape in the filter: all rows again, and on to the board. */
function leaveFilter() {
  if (state.q) go({ q: "" });
  (document.querySelector("#board .scroll") || document.activeElement).focus({ preventScroll: true });
}
