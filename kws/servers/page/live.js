"use strict";

const BRIGHTEST = 255; // a front-end row's largest value
const QUIETEST_DB = -80;
const LOUD_DB = -6;
const EVENTS_SHOWN = 50;

const element = (id) => document.getElementById(id);
const spectrogram = element("spectrogram").getContext("2d", { willReadFrequently: true });
let models = [];
let shownModels = "";

async function start() {
  (await (await fetch("/recent")).json()).forEach(showEvent);
  const source = new EventSource("/live");
  source.onopen = async () => {
    await showModels(); // again after each outage: another daemon may answer
    say("listening");
  };
  source.onerror = () => say("connection lost, trying again");
  source.addEventListener("audio", (message) => showAudio(JSON.parse(message.data)));
  source.addEventListener("models", showModels);
  source.addEventListener("event", (message) => showEvent(JSON.parse(message.data)));
  for (const kind of ["false-alarm", "missed"]) {
    element(kind).onclick = () => mark(kind);
  }
}

function say(text) {
  element("state").textContent = text;
}

async function showModels() {
  const described = await (await fetch("/models")).json();
  const all = JSON.stringify(described.map((model) => ({ ...model, threshold: null })));
  if (all === shownModels) {
    models.forEach((model) => model.moveTo(described[model.number].threshold));
    return;
  }
  shownModels = all;
  element("models").replaceChildren();
  models = described.flatMap((model, number) => model.labels.map((label) => showModel(model, number, label)));
}

function showModel(model, number, label) {
  const article = element("model").content.cloneNode(true).querySelector("article");
  article.querySelector("h2").textContent = label;
  const canvas = article.querySelector("canvas");
  canvas.setAttribute("aria-label", `Score of ${label} in the last seconds`);
  const [slider, value, cost] = ["input", "output", ".cost"].map((name) => article.querySelector(name));
  const shown = { number, label, threshold: model.threshold, context: canvas.getContext("2d", { willReadFrequently: true }) };
  const update = () => {
    value.textContent = Number(slider.value).toFixed(2);
    cost.textContent = costOf(model.settings, Number(slider.value));
  };
  let asked = 0; // thresholds of ours that are not in force yet
  shown.moveTo = (threshold) => {
    shown.threshold = threshold;
    if (asked || slider.matches(":active")) { return; } // somebody is moving it
    slider.value = threshold;
    update();
  };
  slider.oninput = update;
  slider.onchange = async () => {
    const threshold = Number(slider.value);
    asked += 1;
    const answer = await post("/threshold", { model: number, threshold }).finally(() => { asked -= 1; });
    if (answer.error) { cost.textContent = answer.error; return; }
    shown.threshold = threshold;
  };
  shown.moveTo(model.threshold);
  element("models").append(article);
  return shown;
}

// What is known about the nearest measured threshold that is not above this one: it costs no less.
function costOf(settings, threshold) {
  const measured = settings.filter((row) => row.threshold <= threshold + 1e-9).pop();
  if (!measured) { return "below every threshold that was measured"; }
  return `at most ${measured.false_alarms_per_day} false alarms a day, at ${measured.threshold}: ` +
    `${measured.misses_percent} % missed, as measured`;
}

function showAudio({ rows, scores, level }) {
  scroll(spectrogram, rows.length);
  rows.forEach((row, index) => {
    const x = spectrogram.canvas.width - rows.length + index;
    const height = spectrogram.canvas.height / row.length;
    row.forEach((value, channel) => {
      const light = Math.round(70 * value / BRIGHTEST);
      spectrogram.fillStyle = `hsl(${260 - 200 * value / BRIGHTEST} 90% ${light}%)`;
      spectrogram.fillRect(x, spectrogram.canvas.height - (channel + 1) * height, 1, height + 1);
    });
  });
  const all = flattened(scores);
  models.forEach((model, index) => showScores(model, all[index] || [], rows.length));
  const share = Math.max(0, 1 - level / QUIETEST_DB);
  element("level").style.width = `${100 * share}%`;
  element("level").className = level > LOUD_DB ? "loud" : "";
  element("decibel").textContent = `${level.toFixed(1)} dB`;
}

// From one list of steps a model to one list of scores a label.
function flattened(scores) {
  return scores.flatMap((steps, number) => {
    const labels = models.filter((model) => model.number === number);
    return labels.map((_, label) => steps.map((step) => step[label]));
  });
}

function showScores({ context, threshold }, scores, width) {
  const { width: right, height } = context.canvas;
  scroll(context, width);
  context.fillStyle = "#111";
  context.fillRect(right - width, 0, width, height);
  const highest = Math.max(0, ...scores);
  context.fillStyle = highest >= threshold ? "#f80" : "#2a7";
  context.fillRect(right - width, height * (1 - highest), width, height * highest);
  context.fillStyle = "#fff";
  context.fillRect(right - width, height * (1 - threshold), width, 1);
}

function scroll(context, pixels) {
  const { width, height } = context.canvas;
  if (pixels) { context.drawImage(context.canvas, pixels, 0, width - pixels, height, 0, 0, width - pixels, height); }
}

function showEvent(event) {
  if (event.type === "partial" || event.type === "transcript") {
    element("transcript").textContent = event.text;
  }
  if (event.type === "partial") { return; }
  const line = document.createElement("li");
  line.textContent = `${new Date(event.at).toLocaleTimeString()}  ${described(event)}`;
  line.title = event.at;
  line.className = event.type === "gap" || event.type === "source-lost" ? "lost" : "";
  element("events").prepend(line);
  while (element("events").children.length > EVENTS_SHOWN) { element("events").lastChild.remove(); }
}

function described(event) {
  switch (event.type) {
    case "detection": {
      const loudness = event.snr === undefined ? "" : `, ${event.snr} dB above the noise`;
      return `${event.name}  ${event.score.toFixed(2)} of ${event.threshold.toFixed(2)}${loudness}`;
    }
    case "transcript": return `“${event.text}”  ${event.confidence.toFixed(2)}`;
    case "gap": return `${(event.end - event.start).toFixed(2)} s lost: ${event.reason}`;
    default: return `${event.type}  ${event.reason || ""}`;
  }
}

async function mark(kind) {
  const answer = await post("/mark", { kind });
  element("marked").textContent = answer.error || `kept as ${answer.done}`;
}

async function post(path, content) {
  const headers = { "Content-Type": "application/json", "X-KWS": "1" };
  return (await fetch(path, { method: "POST", headers, body: JSON.stringify(content) })).json();
}

start();
