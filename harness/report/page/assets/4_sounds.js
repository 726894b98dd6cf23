// Clips to listen to, below the pictures of their item: only a page that has such clips has this file.

const drawPictures = drawStrip;

drawStrip = (board, column) => {
  const { sounds = {} } = keptItem(board);
  const words = wordsOf(board);
  const rows = ordered(board, column).filter((row) => sounds[row.i] !== undefined).slice(0, 24);
  const players = [player(sounds.truth, words.truth), player(sounds.given, words.given), ...rows.map((row) => player(sounds[row.i], row.method.label))];
  return [...drawPictures(board, column), players.some(Boolean) && h("div", { class: "sounds" }, players)];
};

/** A player with its name; it is there when the file has been read in full, as pictures are. */
function player(number, name) {
  const src = number === undefined ? null : preview(number);
  return src && h("div", {}, h("b", {}, breakable(name)), h("audio", { controls: true, preload: "none", src, "aria-label": name, onplay: playAlone }));
}

function playAlone(event) {
  for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
}
