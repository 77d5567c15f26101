// The page as a whole.

function makeSummary() {
  const title = RUN.pipeline || RUN.file.slice(RUN.file.lastIndexOf("/") + 1);
  const trust = RUN.trust === "untrusted" ? `untrusted, domain ${RUN.domain}` : RUN.trust;
  return el("header", {class: "summary"},
    el("div", {class: "headline"}, el("h1", {}, visible(title)), badge(RUN.result),
      RUN.timed_out && el("span", {class: "badge is-failed"}, "the whole run took too long")),
    facts([["Run", el("code", {}, RUN.id)], ["Took", duration(RUN.elapsed_ms)],
      ["Began", el("time", {datetime: new Date(RUN.started_ms).toISOString()}, new Date(RUN.started_ms).toLocaleString())],
      ["Stages", number(STAGES.length)], ["Trust", visible(trust)], ["Resumed", RUN.resumed ? "yes" : undefined],
      ["File", el("code", {class: "path"}, visible(RUN.file))]]));
}

function makeArtifacts() {
  const most = 1000;
  const list = STAGES.flatMap((stage) => (stage.outputs || []).map((output) => ({stage, output})));
  const node = el("div", {class: "artifacts"});
  return {node, count: list.length, shown: () => {
    if (node.firstChild) return;
    if (list.length === 0) node.append(el("p", {class: "empty"}, "No stage has outputs."));
    else node.append(outputTable(list.slice(0, most), true));
    if (list.length > most) node.append(el("p", {class: "muted"}, `and ${number(list.length - most)} more`));
  }};
}

/** A view at a time. Each is drawn when it is shown, because it needs its width. */
function makeTabs(views) {
  const tabs = views.map((view, i) => el("button", {type: "button", role: "tab", id: `tab-${view.name}`, "aria-controls": `view-${view.name}`,
    onclick: () => open(i), onkeydown: (event) => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (!step) return;
      const next = (i + step + views.length) % views.length;
      open(next);
      tabs[next].focus();
    }}, view.title));
  const panels = views.map((view) => el("div", {role: "tabpanel", id: `view-${view.name}`, "aria-labelledby": `tab-${view.name}`}, view.node));
  function open(chosen) {
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === chosen));
      tab.setAttribute("tabindex", i === chosen ? "0" : "-1");
      panels[i].hidden = i !== chosen;
    });
    views[chosen].shown();
  }
  const node = el("section", {class: "overview", "aria-label": "Overview"}, el("div", {role: "tablist"}, ...tabs), ...panels);
  return {node, open, redraw: () => views.forEach((view, i) => { if (!panels[i].hidden) view.shown(); })};
}

function stageOfLink() {
  try {
    const link = /^#stage=(.*)$/.exec(location.hash);
    return link ? INDEX_OF.get(decodeURIComponent(link[1])) : undefined;
  } catch {
    return undefined;  // Not what encodeURIComponent() makes.
  }
}

function main() {
  const artifacts = makeArtifacts();
  const summaries = makeSummaries();
  const graph = makeGraph();
  const timeline = makeTimeline();
  const list = makeList();
  const views = [{name: "graph", title: "Graph", ...graph}, {name: "timeline", title: "Timeline", ...timeline},
    {name: "artifacts", title: `Artifacts (${number(artifacts.count)})`, ...artifacts}];
  if (summaries.count > 0) views.push({name: "summaries", title: `Summaries (${number(summaries.count)})`, ...summaries});
  const tabs = makeTabs(views);
  document.body.append(makeSummary(), tabs.node, el("main", {class: "split"}, list.node, makeDetails()),
    el("footer", {class: "muted"}, `Stagebox ${RUN.stagebox}`));
  tabs.open(0);
  const linked = stageOfLink();
  if (linked !== undefined) selection.choose(linked);
  else selection.choose(list.first, {link: false});
  window.addEventListener("hashchange", () => selection.choose(stageOfLink()));
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    tabs.redraw();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
    event.preventDefault();
    list.text.focus();
  });
}

main();
