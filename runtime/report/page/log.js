// A log: lines with numbers and times, folded where it is grouped or long, searched as a whole.

const LONG = {most: 400, head: 100, tail: 200};
const NOTICE = 3;
const KIND_CLASS = {1: "", 2: " stderr", [NOTICE]: " notice"};
const DEEPEST = 32;  // Groups within groups; deeper ones are text.

function readLines(log) {
  const styles = {};
  const commands = new Commands();
  return log.lines.map(([kind, raw, time, cut], i) => {
    const read = readAnsi(raw, styles[kind] || {});
    styles[kind] = read.style;
    const command = kind === NOTICE ? null : commands.read(raw);
    const line = {number: log.left_out + i + 1, kind, time, cut, text: read.text, pieces: read.pieces, node: null, command};
    if (command && LEVELS.includes(command.name)) line.annotation = command.name;
    return line;
  });
}

/** What is shown as one: {from, to} of lines that always are, and folds, which have a title and blocks inside of them. */
function blocksOf(lines) {
  const top = {inside: []};
  const groups = [];  // Those that have begun and not ended, the outermost first.
  let from = 0, tooDeep = 0;
  const plain = (to) => {
    if (to <= from) return;
    if (groups.length > 0) groups.at(-1).inside.push({from, to});
    else top.inside.push(...plainBlocks(from, to));
    for (const group of groups) group.lines += to - from;
  };
  const begin = (at, title) => {
    plain(at);
    from = at + 1;
    const group = {from, to: lines.length, title: title.trim() || "group", lines: 0, inside: []};
    (groups.at(-1) || top).inside.push(group);
    groups.push(group);
  };
  const end = (at) => {
    plain(at);
    from = at + 1;
    groups.pop().to = at;
  };
  // A group with an error, and one that nobody closed, is where it broke.
  const unfold = () => groups.forEach((group) => group.open = true);
  lines.forEach(({annotation, command}, i) => {
    if (annotation === "error") unfold();
    if (command?.name === "group" && groups.length < DEEPEST) begin(i, command.message);
    else if (command?.name === "group") ++tooDeep;
    else if (command?.name === "endgroup" && tooDeep > 0) --tooDeep;
    else if (command?.name === "endgroup" && groups.length > 0) end(i);
  });
  plain(lines.length);
  unfold();
  return top.inside;
}

/** Of lines in no group: the middle of many is folded. */
function plainBlocks(from, to) {
  if (to - from <= LONG.most) return [{from, to}];
  const hidden = {from: from + LONG.head, to: to - LONG.tail};
  return [{from, to: hidden.from},
    {...hidden, title: `${count(hidden.to - hidden.from, "line")} in between`, long: true, inside: [hidden]}, {from: hidden.to, to}];
}

const isFold = (block) => block.title !== undefined;

/** The folds that a line is in, the outermost first. */
function foldsAround(blocks, index) {
  const fold = blocks.find((one) => isFold(one) && index >= one.from && index < one.to);
  return fold ? [fold, ...foldsAround(fold.inside, index)] : [];
}

/** The pieces of a line, with what is looked for marked. */
function markedPieces(line, query) {
  const marks = [];
  if (query) {
    const lower = line.text.toLowerCase();
    for (let at = lower.indexOf(query); at >= 0; at = lower.indexOf(query, at + query.length)) marks.push(at);
  }
  const nodes = [];
  let begin = 0;
  for (const piece of line.pieces) {
    const wrap = (text, marked) => el(marked ? "mark" : "span", {class: piece.classes || false}, text);
    const end = begin + piece.text.length;
    let from = begin;
    for (const mark of marks) {
      const markBegin = Math.max(mark, from), markEnd = Math.min(mark + query.length, end);
      if (markBegin >= markEnd) continue;
      if (markBegin > from) nodes.push(wrap(piece.text.slice(from - begin, markBegin - begin), false));
      nodes.push(wrap(piece.text.slice(markBegin - begin, markEnd - begin), true));
      from = markEnd;
    }
    if (from < end) nodes.push(wrap(piece.text.slice(from - begin), false));
    begin = end;
  }
  return nodes;
}

class LogView {
  constructor(log, command) {
    this.lines = readLines(log);
    this.blocks = blocksOf(this.lines);
    this.query = "";
    this.matches = [];
    this.current = -1;
    this.body = el("div", {class: "log-lines", tabindex: "0", role: "log", "aria-live": "off", "aria-label": "Log"});
    this.status = el("span", {class: "muted matches", role: "status"});
    this.input = el("input", {type: "search", class: "log-search", placeholder: "Search the log", "aria-label": "Search the log",
      oninput: () => this.search(this.input.value), onkeydown: (event) => {
        if (event.key === "Enter") this.go(event.shiftKey ? -1 : 1);
      }});
    this.node = el("div", {class: "log"}, this.tools(), ...this.remarks(log, command), this.body);
    this.body.append(...this.blocks.map((block) => this.blockNode(block)));
  }

  tools() {
    const button = (label, action) => el("button", {type: "button", onclick: action}, label);
    const toggle = (label, name) => el("label", {},
      el("input", {type: "checkbox", onchange: (event) => this.body.classList.toggle(name, event.target.checked)}), " " + label);
    const folds = this.blocks.some(isFold);
    return el("div", {class: "log-tools"}, this.input, button("Previous", () => this.go(-1)), button("Next", () => this.go(1)),
      this.status, folds && button("Unfold all", () => this.foldAll(true)), folds && button("Fold all", () => this.foldAll(false)),
      toggle("Wrap", "wrapped"), toggle("Times", "timed"));
  }

  remarks(log, command) {
    const remarks = [];
    if (log.left_out > 0) {
      remarks.push(el("p", {class: "remark left-out"}, `The first ${count(log.left_out, "line")} ${log.left_out === 1 ? "is" : "are"} ` +
        "not in this report. The whole log: ", el("code", {}, command)));
    }
    if (log.damaged) remarks.push(el("p", {class: "remark"}, "What followed in the log is damaged and cannot be read."));
    if (log.lines.length === 0 && log.left_out === 0) remarks.push(el("p", {class: "empty"}, "Nothing was written."));
    return remarks;
  }

  blockNode(block) {
    if (!isFold(block)) return el("div", {}, ...this.lineNodes(block));
    block.content = el("div", {class: "fold-lines", hidden: true});
    block.button = el("button", {type: "button", class: "fold" + (block.long ? " long" : ""), "aria-expanded": "false",
      onclick: () => this.setOpen(block, block.content.hidden)},
      el("span", {class: "fold-title"}, visible(block.title)),
      !block.long && el("span", {class: "muted"}, " " + count(block.lines, "line")));
    const node = el("div", {}, block.button, block.content);
    if (block.open) this.setOpen(block, true);
    return node;
  }

  setOpen(block, open) {
    if (open && !block.content.firstChild) block.content.append(...block.inside.map((one) => this.blockNode(one)));
    block.content.hidden = !open;
    block.button.setAttribute("aria-expanded", String(open));
  }

  foldAll(open, blocks = this.blocks) {
    for (const block of blocks.filter(isFold)) {
      // What is in one that was never open has no node.
      if (block.button) this.setOpen(block, open);
      this.foldAll(open, block.inside);
    }
  }

  lineNodes(block) {
    return this.lines.slice(block.from, block.to).map((line) => {
      line.content = el("span", {class: "text"}, ...markedPieces(line, this.query));
      const cut = line.cut ? el("span", {class: "muted"}, ` [${bytes(line.cut)} more]`) : null;
      line.node = el("div", {class: "line" + (KIND_CLASS[line.kind] || "") + (line.annotation ? ` is-note-${line.annotation}` : "")},
        el("span", {class: "number"}, String(line.number)),
        el("span", {class: "time"}, typeof line.time === "number" ? (line.time / 1000).toFixed(3) : ""), line.content, cut);
      return line.node;
    });
  }

  mark(line) {
    if (line.node) line.content.replaceChildren(...markedPieces(line, this.query));
  }

  search(text) {
    const before = this.matches;
    this.point(null);
    this.query = text.toLowerCase();
    this.matches = [];
    this.current = -1;
    if (this.query !== "") {
      this.lines.forEach((line, i) => {
        if (line.text.toLowerCase().includes(this.query)) this.matches.push(i);
      });
    }
    for (const i of before) this.mark(this.lines[i]);
    for (const i of this.matches) this.mark(this.lines[i]);
    if (this.matches.length > 0) this.go(1);
    else this.status.textContent = this.query === "" ? "" : "no line";
  }

  go(step) {
    if (this.matches.length === 0) return;
    this.current = (this.current + step + this.matches.length) % this.matches.length;
    const index = this.matches[this.current];
    const folds = foldsAround(this.blocks, index);
    for (const fold of folds) this.setOpen(fold, true);
    // The line that begins a group is the title of its fold.
    const around = folds.length > 0 ? folds.at(-1).inside : this.blocks;
    const node = this.lines[index].node || around.find((one) => one.button && !one.long && one.from === index + 1)?.button;
    this.status.textContent = `${number(this.current + 1)} of ${count(this.matches.length, "line")}`;
    this.point(node);
    if (!node) return;  // One that ends a group.
    this.body.scrollTop += node.getBoundingClientRect().top - this.body.getBoundingClientRect().top - this.body.clientHeight / 3;
  }

  point(node) {
    if (this.pointed) this.pointed.classList.remove("current");
    if (node) node.classList.add("current");
    this.pointed = node;
  }

  toEnd() {
    this.body.scrollTop = this.body.scrollHeight;
  }
}
