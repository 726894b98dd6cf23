"use strict";
(() => {
  // The theme, shared with the pages of boards; the search of the home page; the filter of entries. Data is only ever text.
  const root = document.documentElement;
  const store = {
    read() { try { return localStorage.getItem("noisebench-theme"); } catch { return null; } },
    keep(theme) { try { localStorage.setItem("noisebench-theme", theme); } catch { /* a page from a file may have no storage */ } },
  };
  if (["dark", "light"].includes(store.read())) root.dataset.theme = store.read();
  const theme = document.getElementById("theme");
  theme.hidden = false;
  const turn = () => {
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    root.dataset.theme = (root.dataset.theme || system) === "dark" ? "light" : "dark";
    store.keep(root.dataset.theme);
  };
  theme.addEventListener("click", turn);

  const MOST = 40;
  const box = document.getElementById("search");
  if (box) {
    const things = JSON.parse(document.getElementById("index").textContent);
    const texts = things.map(([name, kind, , about]) => `${name} ${kind} ${about}`.toLowerCase());
    const list = document.getElementById("found");
    const status = document.getElementById("count");
    const part = (tag, kind, text) => Object.assign(document.createElement(tag), { className: kind, textContent: text });
    /** Those with all words; a name that begins with the first word before one that has it, then the others. */
    const find = (text) => {
      const words = text.toLowerCase().split(/\s+/).filter(Boolean);
      if (!words.length) return [];
      const worth = (i) => { const at = things[i][0].toLowerCase().indexOf(words[0]); return at < 0 ? 2 : Math.min(at, 1); };
      const found = things.map((_, i) => i).filter((i) => words.every((word) => texts[i].includes(word)));
      return found.sort((a, b) => worth(a) - worth(b) || a - b);
    };
    const show = () => {
      const found = find(box.value);
      list.replaceChildren(...found.slice(0, MOST).map((i) => {
        const [name, kind, address, about] = things[i];
        const item = document.createElement("li");
        const link = part("a", "", name);
        link.setAttribute("href", address);
        item.append(link, part("span", "kind", kind), part("span", "about", about));
        return item;
      }));
      const asked = box.value.trim();
      status.textContent = !asked ? "" : found.length > MOST ? `${found.length} found, the first ${MOST} are shown`
        : found.length ? `${found.length} found` : "Nothing has all of these words.";
    };
    document.getElementById("searching").hidden = false;
    box.addEventListener("input", show);
    addEventListener("pageshow", show);
    addEventListener("keydown", (event) => {
      const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); box.focus(); }
      if (event.key === "Escape" && event.target === box) { box.value = ""; show(); }
    });
  }

  const filter = document.getElementById("filter");
  if (filter) {
    filter.hidden = false;
    const rows = document.querySelectorAll("tr[data-is]");
    const choose = () => {
      const hidden = [...filter.querySelectorAll("input:checked")].map((one) => one.value);
      let shown = 0;
      rows.forEach((row) => {
        row.hidden = hidden.some((name) => row.dataset.is.split(" ").includes(name));
        shown += !row.hidden;
      });
      document.getElementById("count").textContent = `${shown} of ${rows.length} rows are shown`;
    };
    filter.addEventListener("change", choose);
    choose();
  }
})();
