// What stages say of themselves. It comes as a flat list: a string is text, 0 the end of what began
// last, and [name, text] something that begins or, without an end, stands alone. What is not known here is
// not made.

/** A link, or what it is about where it leads nowhere that one could know. */
function outsideLink(url) {
  if (!/^(https?:\/\/|mailto:)/i.test(url)) return el("span", {});
  return el("a", {href: url, rel: "noopener noreferrer nofollow", target: "_blank"});
}

function sideClass(side) {
  return side === "right" || side === "center" ? side : undefined;
}

// With an end.
const CONTAINERS = {
  paragraph: () => el("p", {}),
  // Below those of the page.
  heading: (level) => el(`h${Math.min(6, (Number(level) || 1) + 3)}`, {class: `level-${Number(level) || 1}`}),
  quote: () => el("blockquote", {}),
  list: () => el("ul", {}),
  numbered: (start) => el("ol", {start: String(Number(start) || 0)}),
  item: () => el("li", {}),
  task: (done) => el("li", {class: "task"}, el("span", {role: "img", "aria-label": done ? "done" : "not done"}, done ? "\u2611 " : "\u2610 ")),
  table: () => el("table", {}),
  row: () => el("tr", {}),
  headcell: (side) => el("th", {scope: "col", class: sideClass(side)}),
  cell: (side) => el("td", {class: sideClass(side)}),
  emphasis: () => el("em", {}),
  strong: () => el("strong", {}),
  deleted: () => el("del", {}),
  link: outsideLink,
  details: () => el("details", {class: "more"}),
  title: () => el("summary", {}),
};
// Without one.
const LEAVES = {
  break: () => el("br", {}),
  rule: () => el("hr", {}),
  code: (text) => el("code", {}, visible(text)),
  block: (text) => el("pre", {}, visible(text)),
};

function own(table, name) {
  return Object.prototype.hasOwnProperty.call(table, name) ? table[name] : undefined;
}

/** The nodes that a list of tokens says, in a node of their own. */
function markupNode(tokens) {
  const root = el("div", {class: "markup"});
  const open = [root];
  for (const token of tokens) {
    const inner = open[open.length - 1];
    if (token === 0) {
      if (open.length > 1) open.pop();
    } else if (typeof token === "string") {
      inner.append(visible(token));
    } else if (own(LEAVES, token[0])) {
      inner.append(LEAVES[token[0]](token[1]));
    } else {
      const make = own(CONTAINERS, token[0]);
      const node = make ? make(token[1]) : el("span", {});
      // A wide table scrolls by itself.
      inner.append(token[0] === "table" ? el("div", {class: "scroller"}, node) : node);
      open.push(node);
    }
  }
  return root;
}

function summaryNode(stage) {
  const summary = stage.summary;
  if (!summary.tokens) {
    return el("p", {class: "remark"}, "There was no room for this summary in the report, or it could not be read. ",
      commandLine("show", RUN.id, stage.id, "--summary"));
  }
  const node = markupNode(summary.tokens);
  if (summary.cut) node.append(el("p", {class: "remark"}, "There was more than a summary may have; it was left out."));
  return node;
}

/** All of them, for the overview. */
function makeSummaries() {
  const stages = STAGES.filter((stage) => stage.summary);
  const node = el("div", {class: "summaries"});
  return {node, count: stages.length, shown: () => {
    if (node.firstChild) return;
    for (const stage of stages) node.append(el("section", {}, el("h3", {}, stageLink(stage.index)), summaryNode(stage)));
  }};
}
