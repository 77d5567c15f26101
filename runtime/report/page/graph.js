// The graph of the stages: a column for each level, wrapped where a level is long. Drawn once; panning
// and zooming only change one transformation.

const NODE = {width: 172, height: 30, gapX: 76, gapY: 10, gapWrapped: 16};

/** Places by stage, and the size of everything. Time grows with stages and edges. */
function layOut(stages) {
  const levels = [];
  for (const stage of stages) (levels[stage.level] = levels[stage.level] || []).push(stage);
  const area = (NODE.width + NODE.gapWrapped) / (NODE.height + NODE.gapY);
  const rows = Math.max(12, Math.ceil(Math.sqrt((stages.length * area) / 2.2)));
  const places = new Array(stages.length);
  const heights = [];
  let x = 0;
  const columns = [];
  for (const level of levels) {
    if (!level) continue;
    // Near to what they wait for: the mean height of those, which are placed already.
    const wanted = new Map(level.map((stage) => [stage, stage.needs.length === 0 ? 0 :
      stage.needs.reduce((sum, need) => sum + places[need.from].row, 0) / stage.needs.length]));
    level.sort((a, b) => wanted.get(a) - wanted.get(b) || a.index - b.index);
    const height = Math.ceil(level.length / Math.ceil(level.length / rows));
    for (let start = 0; start < level.length; start += height) {
      if (start > 0) x += NODE.width + NODE.gapWrapped;
      const column = level.slice(start, start + height);
      column.forEach((stage, row) => {
        places[stage.index] = {x, row: row - column.length / 2};
      });
      columns.push(column);
      heights.push(column.length);
    }
    x += NODE.width + NODE.gapX;
  }
  const most = Math.max(1, ...heights);
  for (const place of places) place.y = (place.row + most / 2) * (NODE.height + NODE.gapY);
  return {places, width: x - NODE.gapX, height: most * (NODE.height + NODE.gapY) - NODE.gapY};
}

function edgePath(from, to) {
  const x1 = from.x + NODE.width, y1 = from.y + NODE.height / 2, x2 = to.x, y2 = to.y + NODE.height / 2;
  const bend = Math.max(24, Math.min(90, (x2 - x1) / 2));
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function makeGraph() {
  const {places, width, height} = layOut(STAGES);
  const edges = [];
  for (const stage of STAGES) {
    for (const need of stage.needs) edges.push(edgePath(places[need.from], places[stage.index]));
  }
  const chosenEdges = svg("path", {class: "edges chosen"});
  const nodes = STAGES.map((stage) => svg("svg",
    {class: `node is-${stage.shown.name}`, x: places[stage.index].x, y: places[stage.index].y,
     width: NODE.width, height: NODE.height, "data-stage": stage.index},
    svg("title", {}, `${visible(stage.id)}: ${stage.state}`),
    svg("rect", {x: 1, y: 1, width: NODE.width - 2, height: NODE.height - 2, rx: 5}),
    svg("text", {x: 15, y: 20, class: "icon"}, stage.shown.icon),
    svg("text", {x: 28, y: 20, class: "label"}, shortened(stage.id, 18))));
  const world = svg("g", {}, svg("path", {class: "edges", d: edges.join("")}), chosenEdges, ...nodes);
  const picture = svg("svg", {class: "graph", tabindex: "0", role: "img",
    "aria-label": `Graph of ${count(STAGES.length, "stage")}; the list of stages has the same. Arrow keys move it, plus and minus zoom, 0 shows all.`}, world);

  const camera = {x: 0, y: 0, scale: 1};
  function apply() {
    world.setAttribute("transform", `translate(${camera.x} ${camera.y}) scale(${camera.scale})`);
    picture.classList.toggle("far", camera.scale < 0.42);
  }
  function fit() {
    const box = picture.getBoundingClientRect();
    if (box.width === 0) return;
    const margin = 16;
    camera.scale = Math.min(1.25, (box.width - 2 * margin) / width, (box.height - 2 * margin) / height);
    camera.x = (box.width - width * camera.scale) / 2;
    camera.y = (box.height - height * camera.scale) / 2;
    apply();
  }
  function zoom(factor, x, y) {
    const box = picture.getBoundingClientRect();
    const place = places[selection.index];
    const centre = x !== undefined ? {x: x - box.left, y: y - box.top} :
      place ? {x: (place.x + NODE.width / 2) * camera.scale + camera.x, y: (place.y + NODE.height / 2) * camera.scale + camera.y} :
      {x: box.width / 2, y: box.height / 2};
    const scale = Math.min(3, Math.max(0.02, camera.scale * factor));
    camera.x = centre.x - (centre.x - camera.x) * (scale / camera.scale);
    camera.y = centre.y - (centre.y - camera.y) * (scale / camera.scale);
    camera.scale = scale;
    apply();
  }
  function pan(x, y) {
    camera.x += x;
    camera.y += y;
    apply();
  }
  /** Moves a stage into sight when it is outside. */
  function show(index) {
    const box = picture.getBoundingClientRect();
    if (box.width === 0) return;
    const left = places[index].x * camera.scale + camera.x, top = places[index].y * camera.scale + camera.y;
    const inside = left >= 0 && top >= 0 && left + NODE.width * camera.scale <= box.width &&
      top + NODE.height * camera.scale <= box.height;
    if (!inside) pan(box.width / 2 - left - NODE.width * camera.scale / 2, box.height / 2 - top);
  }

  let drag = null;
  picture.addEventListener("pointerdown", (event) => {
    if (event.button === 0) drag = {x: event.clientX, y: event.clientY, moved: false};
  });
  picture.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const x = event.clientX - drag.x, y = event.clientY - drag.y;
    if (!drag.moved && Math.hypot(x, y) < 4) return;
    if (!drag.moved) picture.setPointerCapture(event.pointerId);
    pan(x, y);
    drag = {x: event.clientX, y: event.clientY, moved: true};
  });
  picture.addEventListener("pointerup", (event) => {
    const node = !drag || drag.moved ? null : event.target.closest(".node");
    drag = null;
    if (node) selection.choose(Number(node.getAttribute("data-stage")));
  });
  picture.addEventListener("pointercancel", () => { drag = null; });
  // Without the key the wheel scrolls the page, as everywhere else.
  picture.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
  }, {passive: false});
  picture.addEventListener("keydown", (event) => {
    const step = 60;
    const keys = {ArrowLeft: () => pan(step, 0), ArrowRight: () => pan(-step, 0), ArrowUp: () => pan(0, step),
      ArrowDown: () => pan(0, -step), "+": () => zoomAtChosen(1.3), "=": () => zoomAtChosen(1.3), "-": () => zoomAtChosen(1 / 1.3), "0": fit};
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });

  selection.listeners.push((index, before) => {
    if (nodes[before]) nodes[before].classList.remove("chosen");
    nodes[index].classList.add("chosen");
    const around = STAGES[index].needs.map((need) => edgePath(places[need.from], places[index]))
      .concat(STAGES[index].neededBy.map((to) => edgePath(places[index], places[to])));
    chosenEdges.setAttribute("d", around.join(""));
    show(index);
  });

  function zoomAtChosen(factor) {
    zoom(factor);
    if (factor > 1 && selection.index >= 0) show(selection.index);
  }
  const tool = (label, text, action) => el("button", {type: "button", title: label, "aria-label": label, onclick: action}, text);
  const node = el("div", {class: "graph-box"}, picture, el("div", {class: "tools"},
    tool("Zoom in", "+", () => zoomAtChosen(1.3)), tool("Zoom out", "\u2212", () => zoomAtChosen(1 / 1.3)), tool("Show all", "Fit", fit)));
  // No higher than it needs; CSS has the limits.
  node.style.height = `${height * 1.25 + 60}px`;
  return {node, shown: fit};
}
