// The stages as a list: failures first, then in the order of the file; by name and by state.

function makeList() {
  const order = [...STAGES].sort((a, b) => {
    const failed = (stage) => (stage.shown.order < 4 ? stage.shown.order : 4);
    return failed(a) - failed(b) || a.index - b.index;
  });
  const rows = new Map();
  const list = el("ul", {class: "rows"}, ...order.map((stage) => {
    const time = timeOf(stage);
    const row = el("button", {type: "button", class: `row is-${stage.shown.name}`, "data-stage": stage.index,
      title: visible(stage.id), onclick: () => selection.choose(stage.index)},
      el("span", {class: "icon", "aria-hidden": "true"}, stage.shown.icon),
      el("span", {class: "name"}, visible(stage.id)), el("span", {class: "said"}, ` ${stage.state} `),
      el("span", {class: "took"}, time === undefined ? "" : duration(time)));
    rows.set(stage.index, row);
    return el("li", {}, row);
  }));

  const off = new Set();
  const text = el("input", {type: "search", class: "filter", placeholder: "Filter stages", "aria-label": "Filter stages", oninput: filter});
  const found = el("span", {class: "muted found", role: "status"});
  const none = el("p", {class: "empty", hidden: true}, "No stage fits.");
  const lower = new Map(STAGES.map((stage) => [stage.index, stage.id.toLowerCase()]));

  function filter() {
    const wanted = text.value.trim().toLowerCase();
    let shown = 0;
    for (const stage of STAGES) {
      const fits = !off.has(stage.state) && lower.get(stage.index).includes(wanted);
      rows.get(stage.index).parentNode.hidden = !fits;
      if (fits) ++shown;
    }
    found.textContent = shown === STAGES.length ? count(shown, "stage") : `${number(shown)} of ${count(STAGES.length, "stage")}`;
    none.hidden = shown > 0;
  }

  const counts = new Map();
  for (const stage of STAGES) counts.set(stage.state, (counts.get(stage.state) || 0) + 1);
  const chips = [...counts].sort(([a], [b]) => stateOf(a).order - stateOf(b).order).map(([state, many]) => {
    const shown = stateOf(state);
    return el("button", {type: "button", class: `chip is-${shown.name}`, "aria-pressed": "true", "data-state": state, onclick: (event) => {
      const chip = event.currentTarget;
      if (off.delete(state)) chip.setAttribute("aria-pressed", "true");
      else {
        off.add(state);
        chip.setAttribute("aria-pressed", "false");
      }
      filter();
    }}, el("span", {"aria-hidden": "true"}, shown.icon + " "), `${number(many)} ${state}`);
  });

  function move(step) {
    const seen = order.map((stage) => rows.get(stage.index)).filter((row) => !row.parentNode.hidden);
    if (seen.length === 0) return;
    const at = seen.indexOf(document.activeElement);
    const next = seen[Math.min(seen.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    next.focus();
    selection.choose(Number(next.getAttribute("data-stage")));
  }
  const node = el("nav", {class: "list", "aria-label": "Stages"},
    el("div", {class: "filters"}, text, el("div", {class: "chips", role: "group", "aria-label": "States that are shown"}, ...chips), found), list, none);
  node.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  });
  selection.listeners.push((index, before) => {
    const left = rows.get(before);
    if (left) left.removeAttribute("aria-current");
    const row = rows.get(index);
    row.setAttribute("aria-current", "true");
    // Only the list moves, never the page.
    if (row.offsetTop < list.scrollTop || row.offsetTop + row.offsetHeight > list.scrollTop + list.clientHeight)
      list.scrollTop = row.offsetTop - list.clientHeight / 2;
  });
  filter();
  return {node, first: order.length > 0 ? order[0].index : -1, text};
}
