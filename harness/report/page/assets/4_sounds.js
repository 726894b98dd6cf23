// Clips to listen to, below the pictures of their item and in the viewer: only a page that has such clips has this file.

const drawPictures = drawStrip;

drawStrip = (board, column) => {
  const kept = keptItem(board);
  const { sounds = {} } = kept;
  const words = wordsOf(board);
  const rows = ordered(board, column).filter((row) => sounds[row.i] !== undefined).slice(0, 24);
  const players = [player(sounds.truth, words.truth), player(sounds.given, words.given), ...rows.map((row) => player(sounds[row.i], row.method.label))];
  return [...drawPictures(board, column), players.some(Boolean) && [h("p", { class: "soft" }, heardText(kept)), h("div", { class: "sounds" }, players)]];
};

const brief = (seconds) => String(Number(seconds.toPrecision(2)));

/** The ends of the axes of a spectrogram, [s, kHz]; NaN where it is not known. */
const ends = (kept) => [kept.seconds || NaN, kept.heard ? kept.heard[1] / 2000 : NaN];

/** Round numbers from 0 to an end, at most `most` steps, each with its text; the last one has the unit. None for NaN. */
function ticks(end, most, unit) {
  if (!(end > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(end / most));
  const step = power * [1, 2, 5, 10].find((of) => end / (of * power) <= most + 1e-9);
  const values = Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, i) => i * step);
  return values.map((value, i) => [value / end, Number(value.toPrecision(6)) + (i === values.length - 1 ? ` ${unit}` : "")]);
}

const drawPicture = thumbnail;

/** A spectrogram between its axes. */
thumbnail = (kept, number) => {
  const [seconds, kilohertz] = ends(kept);
  const placed = (side) => ([share, text]) => {
    const label = h("span", {}, text);
    label.style[side] = `${100 * share}%`;
    return label;
  };
  return h("span", { class: "axes" }, h("span", { class: "up", "aria-hidden": "true" }, ticks(kilohertz, 4, "kHz").map(placed("bottom"))), drawPicture(kept, number),
    h("span", { class: "along", "aria-hidden": "true" }, ticks(seconds, 4, "s").map(placed("left"))));
};

drawAxes = (context, from) => {
  const { room, scale, left, top } = layout();
  const [seconds, kilohertz] = ends(viewer.kept);
  const [wide, tall] = [viewer.w * scale, viewer.h * scale];
  const write = (text, x, y) => {
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  };
  context.save();
  context.beginPath();
  context.rect(from, 0, room.w, room.h);
  context.clip();
  Object.assign(context, { font: "12px system-ui, sans-serif", strokeStyle: "#000", fillStyle: "#fff", lineWidth: 3, lineJoin: "round" });
  const bottom = Math.min(room.h, top + tall);
  for (const [share, text] of ticks(kilohertz, 8, "kHz")) if (share) write(`– ${text}`, from + Math.max(0, left), clamp(top + (1 - share) * tall + 4, 11, Infinity));
  context.textAlign = "center";
  for (const [share, text] of ticks(seconds, room.w < 500 ? 4 : 8, "s")) if (share) write(text, from + left + share * wide - (share > 0.97 ? 12 : 0), bottom - 5);
  context.restore();
};

placeText = (kept, [x, y]) => {
  const [seconds, kilohertz] = ends(kept);
  const at = [[seconds * x / kept.w, "s"], [kilohertz * (1 - y / kept.h), "kHz"]];
  return at.filter(([value]) => !Number.isNaN(value)).map(([value, unit]) => `${fixed(value, 2)} ${unit}`).join(", ");
};

/** What is played: of which clip, how much of it, and how loud. */
function heardText(kept) {
  const [heard] = kept.heard;
  const part = kept.seconds > heard + 0.05 ? `the first ${brief(heard)} of ${brief(kept.seconds)} s` : `${brief(heard)} s`;
  return `Players: ${kept.item}, ${part}, all at one volume; a clip that would be clipped is softer. Start another player to go on at the same place.`;
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

/** One player at a time: the next goes on where the one before was. */
function playAlone({ target }) {
  for (const other of document.querySelectorAll("audio")) {
    if (other === target || other.paused) continue;
    target.currentTime = other.currentTime;
    other.pause();
  }
}
