// Boxes around tables: where a table does not fit, its box scrolls and says at which edge there is more.

/** A table in a box. One that fits does not scroll, so that its header can stay below the bar of the page. */
function scrollBox(label, table) {
  const box = h("div", { class: "scroll", tabindex: "-1", role: "group", "aria-label": label, "data-k": "box" + label }, table);
  const cues = ["left", "right", "below"].map((side) => h("span", { class: "cue " + side, hidden: true, "aria-hidden": "true" }));
  const frame = h("div", { class: "frame" }, box, cues);
  const update = () => showMore(frame, box, table, cues);
  box.addEventListener("scroll", update, { passive: true });
  box.addEventListener("focusin", ({ target }) => target.matches(":focus-visible") && showCell(box, target.closest("th, td")));
  const sizes = new ResizeObserver(update);
  for (const seen of [frame, table]) sizes.observe(seen);
  return frame;
}

function showMore(frame, box, table, [left, right, below]) {
  if (!frame.clientWidth) return;
  const wide = table.offsetWidth > frame.clientWidth + 1;
  box.classList.toggle("fits", !wide);
  // Only what scrolls is a stop of the Tab key; the other boxes may still be jumped to.
  box.tabIndex = wide ? 0 : -1;
  box.setAttribute("role", wide ? "region" : "group");
  const stuck = table.querySelector("thead .stuck")?.getBoundingClientRect();
  const edge = stuck ? stuck.right - frame.getBoundingClientRect().left : 0;
  left.style.left = `${edge}px`;
  // What gets the focus is brought out from under the column and the header that stay.
  box.style.scrollPaddingLeft = `${stuck ? stuck.width : 0}px`;
  box.style.scrollPaddingTop = `${table.tHead?.offsetHeight || 0}px`;
  left.hidden = !wide || box.scrollLeft < 1;
  right.hidden = !wide || box.scrollLeft + box.clientWidth > box.scrollWidth - 2;
  below.hidden = !wide || box.scrollTop + box.clientHeight > box.scrollHeight - 2;
}

/** Bring the cell that has the focus into view: a browser leaves it where it is as soon as a part of it is seen. */
function showCell(box, cell) {
  if (!cell?.closest("thead")) return cell?.scrollIntoView({ block: "nearest", inline: "nearest" });
  // A header stays in view: only sideways is it out of it.
  const { left, right } = cell.getBoundingClientRect();
  const { x } = box.getBoundingClientRect();
  const start = x + (cell.classList.contains("stuck") ? 0 : parseFloat(box.style.scrollPaddingLeft) || 0);
  if (left < start) box.scrollLeft -= start - left;
  else box.scrollLeft += Math.max(0, right - x - box.clientWidth);
}

/** How far the boxes are scrolled, and a function that scrolls their successors as far. */
function keepScrolls() {
  const far = [...document.querySelectorAll("main .scroll")].filter((box) => box.scrollLeft || box.scrollTop)
    .map((box) => [box.dataset.k, box.scrollLeft, box.scrollTop]);
  return () => far.forEach(([k, left, top]) => {
    document.querySelector(`main .scroll[data-k="${CSS.escape(k)}"]`)?.scrollTo({ left, top, behavior: "instant" });
  });
}

/** The height of the bar that stays at the top, for what stays below it. */
function measureBar(bar) {
  const told = () => document.documentElement.style.setProperty("--bar", getComputedStyle(bar).position === "sticky" ? `${bar.offsetHeight}px` : "0px");
  new ResizeObserver(told).observe(bar);
  addEventListener("resize", told);
  told();
}
