// Clips to listen to, below the pictures of their item and in the viewer: only a page that has such clips has this file.

const drawPictures = drawStrip;

drawStrip = (board, column) => {
  const kept = keptItem(board);
  const { sounds = {} } = kept;
  const words = wordsOf(board);
  const rows = ordered(board, column).filter((row) => sounds[row.i] !== undefined).slice(0, 24);
  const players = [player(sounds.truth, words.truth), player(sounds.given, words.given), ...rows.map((row) => player(sounds[row.i], row.method.label))];
  return [...drawPictures(board, column), players.some(Boolean) && [h("p", { class: "soft" }, axesText(kept), " ", heardText(kept)), h("div", { class: "sounds" }, players)]];
};

const brief = (seconds) => String(Number(seconds.toPrecision(2)));

/** What the axes of the spectrograms are. */
function axesText(kept) {
  const time = kept.seconds ? `, 0 to ${brief(kept.seconds)} s` : "";
  return `Spectrograms: time to the right${time}; frequency upwards, 0 to ${precise(kept.heard[1] / 2000, 3)} kHz.`;
}

/** What is played: of which clip, how much of it, and how loud. */
function heardText(kept) {
  const [heard] = kept.heard;
  const part = kept.seconds > heard + 0.05 ? `the first ${brief(heard)} of ${brief(kept.seconds)} s` : `${brief(heard)} s`;
  return `Players: ${kept.item}, ${part}, all at one volume; a clip that would be clipped is softer.`;
}

drawPlayers = (kept, a, b) => {
  if (!kept.sounds) return null;
  const name = [kept.item, a[0], b[0]].join("\n");
  // What is heard goes on where only the picture changes.
  if (viewer.playing !== name) {
    const of = (side) => kept.sounds[side[3] ?? side[0].slice(1)];
    viewer.playing = name;
    viewer.players = h("div", { class: "heard" }, h("p", { class: "soft" }, heardText(kept)),
      h("div", { class: "sounds" }, player(of(a), `A ${a[1]}`), player(of(b), `B ${b[1]}`)));
  }
  return viewer.players;
};

stopPlayers = () => viewer.dialog?.querySelectorAll("audio").forEach((one) => one.pause());

/** A player with its name; it is there when the file has been read in full, as pictures are. */
function player(number, name) {
  const src = number === undefined ? null : preview(number);
  return src && h("div", {}, h("b", {}, breakable(name)), h("audio", { controls: true, preload: "none", src, "aria-label": name, onplay: playAlone }));
}

function playAlone(event) {
  for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
}
