// The run, as json_of() in run_story.cc wrote it, and the words for what is in it.

const DATA = JSON.parse(document.getElementById("data").textContent);
const RUN = DATA.run;
const STAGES = DATA.stages;

// In the order in which one wants to see them. `name` is also a class.
const STATES = [
  {state: "failed", name: "failed", icon: "\u2717"},
  {state: "error", name: "error", icon: "!"},
  {state: "allowed failure", name: "allowed", icon: "~"},
  {state: "cancelled", name: "cancelled", icon: "\u25a0"},
  {state: "skipped", name: "skipped", icon: "\u2013"},
  {state: "succeeded", name: "succeeded", icon: "\u2713"},
  {state: "cached", name: "cached", icon: "\u25cf"},
];
const OTHER_STATE = {state: "other", name: "skipped", icon: "?"};
const STATE_OF = new Map(STATES.map((entry, order) => [entry.state, {...entry, order}]));
STATE_OF.set("retrying", {state: "retrying", name: "allowed", icon: "\u21bb", order: STATES.length});

function stateOf(state) {
  return STATE_OF.get(state) || {...OTHER_STATE, order: STATES.length};
}

STAGES.forEach((stage, index) => {
  stage.index = index;
  stage.shown = stateOf(stage.state);
  stage.neededBy = [];
});
for (const stage of STAGES) {
  for (const need of stage.needs) STAGES[need.from].neededBy.push(stage.index);
}
const INDEX_OF = new Map(STAGES.map((stage) => [stage.id, stage.index]));

/** Attempts that ran in this run. */
function ranIn(stage) {
  return stage.attempts.filter((attempt) => attempt.number > 0);
}

/** Milliseconds in all attempts; undefined when there was none. */
function timeOf(stage) {
  const ran = ranIn(stage);
  return ran.length === 0 ? undefined : ran.reduce((sum, one) => sum + one.end_ms - one.start_ms, 0);
}

function number(value) {
  return value.toLocaleString("en");
}

function count(value, noun) {
  return `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
}

function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  if (hours) return `${hours} h ${minutes} min`;
  return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
}

function bytes(value) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    ++unit;
  }
  return `${unit === 0 ? number(value) : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** The mark of a state; its name is said too, so colour is not all there is. */
function badge(state) {
  const shown = stateOf(state);
  return el("span", {class: `badge is-${shown.name}`}, el("span", {"aria-hidden": "true"}, shown.icon), " " + visible(state));
}

// Which stage is shown, and who wants to know.
const selection = {
  index: -1,
  listeners: [],
  choose(index, options = {}) {
    if (!STAGES[index]) return;
    const before = this.index;
    this.index = index;
    if (options.link !== false) history.replaceState(null, "", "#stage=" + encodeURIComponent(STAGES[index].id));
    if (before !== index) for (const listener of this.listeners) listener(index, before);
  },
};
