// When each attempt ran, a row for each slot. Wider than the window when it is zoomed; then it scrolls.

const ROW = {height: 24, axis: 26};

const LONG_STEPS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1440].map((minutes) => minutes * 60000);

/** A round number of milliseconds, of which at most `most` are in `span`. */
function tickStep(span, most) {
  const raw = span / most;
  if (raw > 30000) return LONG_STEPS.find((step) => step >= raw) || Math.ceil(raw / 86400000) * 86400000;
  const power = Math.pow(10, Math.floor(Math.log10(raw)));
  return power * [1, 2, 5, 10].find((factor) => power * factor >= raw);
}

function makeTimeline() {
  const bars = STAGES.flatMap((stage) => ranIn(stage).map((attempt) => ({stage, attempt})));
  const rows = bars.reduce((most, bar) => Math.max(most, bar.attempt.slot + 1), 0);
  const span = Math.max(1, RUN.elapsed_ms, bars.reduce((most, bar) => Math.max(most, bar.attempt.end_ms), 0));
  const taken = STAGES.filter((stage) => stage.state === "cached").length;
  const still = STAGES.filter((stage) => ranIn(stage).length === 0).length - taken;
  const picture = svg("svg", {class: "timeline", role: "img",
    "aria-label": `When ${count(bars.length, "attempt")} ran, in ${count(rows, "slot")}; the details of each stage have the times.`});
  const scroller = el("div", {class: "scroller", tabindex: "0"}, picture);
  let zoom = 1;

  function draw() {
    const width = Math.max(200, scroller.clientWidth * zoom - 4);
    const scale = (width - 20) / span;
    const height = ROW.axis + rows * ROW.height + 4;
    picture.setAttribute("width", width);
    picture.setAttribute("height", height);
    const parts = [];
    const step = tickStep(span, Math.max(2, width / 110));
    for (let at = 0; at <= span; at += step) {
      const x = 4 + at * scale;
      parts.push(svg("line", {class: "tick", x1: x, x2: x, y1: 18, y2: height}),
        svg("text", {class: "tick-label", x: x + 3, y: 14}, at === 0 ? "0" : duration(at)));
    }
    for (const {stage, attempt} of bars) {
      const barWidth = Math.max(2, (attempt.end_ms - attempt.start_ms) * scale);
      const shown = stateOf(attempt.state);
      parts.push(svg("svg", {class: `bar is-${shown.name}` + (stage.index === selection.index ? " chosen" : ""),
          x: 4 + attempt.start_ms * scale, y: ROW.axis + attempt.slot * ROW.height, width: barWidth,
          height: ROW.height - 3, "data-stage": stage.index},
        svg("title", {}, `${visible(stage.id)}${attempt.number > 1 ? `, attempt ${attempt.number}` : ""}: ${attempt.state}, ` +
          `${duration(attempt.end_ms - attempt.start_ms)}, from ${duration(attempt.start_ms)}`),
        svg("rect", {width: barWidth, height: ROW.height - 3, rx: barWidth > 6 ? 3 : 0}),
        barWidth > 44 && svg("text", {x: 5, y: 15}, `${shown.icon} ${visible(stage.id)}`)));
    }
    picture.replaceChildren(...parts);
  }
  function zoomBy(factor) {
    const middle = (scroller.scrollLeft + scroller.clientWidth / 2) / scroller.scrollWidth;
    zoom = Math.min(200, Math.max(1, zoom * factor));
    draw();
    scroller.scrollLeft = middle * scroller.scrollWidth - scroller.clientWidth / 2;
  }
  picture.addEventListener("click", (event) => {
    const bar = event.target.closest(".bar");
    if (bar) selection.choose(Number(bar.getAttribute("data-stage")));
  });
  scroller.addEventListener("keydown", (event) => {
    if (event.key === "+" || event.key === "=") zoomBy(2);
    else if (event.key === "-") zoomBy(0.5);
    else if (event.key === "0") zoomBy(1 / zoom);
  });
  selection.listeners.push((index, before) => {
    for (const bar of picture.querySelectorAll(`[data-stage="${before}"]`)) bar.classList.remove("chosen");
    for (const bar of picture.querySelectorAll(`[data-stage="${index}"]`)) bar.classList.add("chosen");
  });

  const tool = (label, text, action) => el("button", {type: "button", title: label, "aria-label": label, onclick: action}, text);
  const notes = [taken && `${count(taken, "stage")} came from the stage cache`, still && `${count(still, "stage")} did not run`]
    .filter(Boolean).join("; ");
  const node = el("div", {class: "timeline-box"},
    rows === 0 ? el("p", {class: "empty"}, "Nothing ran.") : scroller,
    el("div", {class: "below"}, notes && el("span", {class: "muted"}, notes + "."),
      rows > 0 && el("div", {class: "tools"}, tool("Zoom in", "+", () => zoomBy(2)),
        tool("Zoom out", "\u2212", () => zoomBy(0.5)), tool("Show all", "Fit", () => zoomBy(1 / zoom)))));
  return {node, shown: () => { if (rows > 0) draw(); }};
}
