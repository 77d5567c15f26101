// All that is known of one stage. Each section is a function of the stage that gives a node, or
// nothing when there is nothing to show.

const VERDICTS = {
  "hit": "It did not run: its stage key is the same as in an earlier run.",
  "finished": "It did not run again: it had finished before in this run.",
  "no-record": "It ran because nothing was recorded under its stage key.",
  "damaged-record": "It ran because the record of its result was damaged.",
  "missing-outputs": "It ran because something that was recorded is gone.",
  "other-outputs": "It ran because its declared outputs are of other types or sizes than recorded.",
  "expired": "It ran because its result was older than its ttl.",
  "never": "It ran because it has cache: never.",
  "network": "It ran because it has a network, and with cache: auto that is never reused.",
  "ignored": "It ran because --no-cache was given.",
};

function section(title, ...children) {
  return el("section", {}, el("h3", {}, title), ...children);
}

function facts(entries) {
  return el("dl", {class: "facts"}, ...entries.filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function table(heads, rows) {
  return el("div", {class: "scroller"}, el("table", {},
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", {scope: "col"}, head)))),
    el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, cell)))))));
}

function stageLink(index) {
  const stage = STAGES[index];
  return el("button", {type: "button", class: `link is-${stage.shown.name}`, onclick: () => selection.choose(index)},
    el("span", {"aria-hidden": "true", class: "icon"}, stage.shown.icon + " "), visible(stage.id));
}

function commandLine(...words) {
  return el("code", {class: "command"}, visible(["stagebox", ...words.map(shellWord)].join(" ")));
}

function whySection(stage) {
  const text = stage.why || VERDICTS[stage.verdict] || (ranIn(stage).length > 0 ? "" : stage.detail);
  return text && section(ranIn(stage).length > 0 ? "Why it ran" : "Why it did not run", el("p", {class: "why"}, visible(text)));
}

function endSection(stage) {
  const report = stage.report;
  const detail = stage.detail && ranIn(stage).length > 0 ? stage.detail : "";
  if (!report && !detail) return null;
  const denied = (report && report.denied_syscalls || []).map((call) => `${call.name} (${number(call.count)})`).join(", ");
  return section("How it ended",
    report && el("p", {}, "The command ", visible(report.description), "."),
    detail && (!report || detail !== report.description) && el("pre", {class: "detail"}, visible(detail)),
    denied && el("p", {}, "System calls that the sandbox did not allow: ", visible(denied), "."));
}

function testCase(test, open, note) {
  return el("details", {class: "more test", open},
    el("summary", {}, visible(test.suite ? `${test.suite}.${test.name}` : test.name), note),
    el("pre", {}, visible([test.message, test.detail].filter(Boolean).join("\n\n"))));
}

function testsSection(stage) {
  const tests = stage.tests;
  if (!tests) return null;
  const only = tests.failed_cases.length + tests.quarantined_cases.length === 1;
  const hiddenQuarantined = tests.quarantined - tests.quarantined_cases.length;
  const hidden = tests.failed - tests.quarantined - tests.failed_cases.length;
  return section("Tests", facts([["Passed", number(tests.passed)], ["Failed", number(tests.failed)],
    ["Skipped", number(tests.skipped)], ["Failed, in quarantine", tests.quarantined > 0 ? number(tests.quarantined) : ""]]),
    ...tests.problems.map((problem) => el("p", {class: "remark"}, visible(problem))),
    ...(tests.unmatched_quarantine || []).map((entry) => el("p", {class: "muted"}, `quarantine: ${visible(entry)} matches no test case`)),
    ...tests.failed_cases.map((test) => testCase(test, only)),
    hidden > 0 && el("p", {class: "muted"}, `and ${number(hidden)} more that failed: `, commandLine("tests", RUN.id, stage.id)),
    ...tests.quarantined_cases.map((test) => testCase(test, only, el("span", {class: "muted"}, " in quarantine"))),
    hiddenQuarantined > 0 && el("p", {class: "muted"}, `and ${number(hiddenQuarantined)} more that failed in quarantine: `,
      commandLine("tests", RUN.id, stage.id)));
}

function annotationPlace(one) {
  if (!one.file) return "";
  return [one.file, one.line, one.line && one.column].filter(Boolean).join(":");
}

function annotationsSection(stage) {
  const list = stage.annotations || [];
  const more = stage.more_annotations || 0;
  if (list.length + more === 0) return null;
  return section(`Annotations (${number(list.length + more)})`,
    list.length > 0 && table(["Level", "Where", "Message"], list.map((one) => [
      el("span", {class: `level is-level-${one.level}`}, visible(one.level)),
      el("code", {class: "path"}, visible(annotationPlace(one))),
      visible(one.title ? `${one.title}: ${one.message}` : one.message)])),
    more > 0 && el("p", {class: "muted"}, `and ${number(more)} more: `, commandLine("logs", RUN.id, stage.id, "--annotations")));
}

function usageSection(stage) {
  const usage = stage.report && stage.report.usage;
  if (!usage) return null;
  const pressure = usage.pressure_us;
  return section("Usage", facts([
    ["Wall time", duration(usage.wall_ms)],
    ["Processor, user", duration(usage.user_cpu_us / 1000)],
    ["Processor, system", duration(usage.system_cpu_us / 1000)],
    ["Held back by its limit of processors", usage.cpu_throttled_us > 0 ? duration(usage.cpu_throttled_us / 1000) : undefined],
    ["Peak memory", bytes(usage.peak_memory)],
    ["Processes", usage.processes > 0 ? number(usage.processes) : undefined],
    ["Read from disk", bytes(usage.read_bytes)],
    ["Written to disk", bytes(usage.written_bytes)],
    ["Written to the log", bytes(usage.log_bytes)],
    ["Waited for processor", pressure && duration(pressure.cpu / 1000)],
    ["Waited for memory", pressure && duration(pressure.memory / 1000)],
    ["Waited for disk", pressure && duration(pressure.io / 1000)],
  ]));
}

function cachesSection(stage) {
  const caches = stage.report && stage.report.caches;
  if (!caches) return null;
  const restored = (cache) => {
    if (cache.restored === "miss") return "nothing was found";
    const own = RUN.domain ? `untrusted/${RUN.domain}` : "trusted";
    return visible(cache.restored_key) + (cache.restored_domain === own ? "" : ` (${visible(cache.restored_domain)})`);
  };
  // One that was found needs no saving, and says so as its reason.
  const saved = (cache) => cache.saved ? "yes" : el("span", {}, "no", cache.not_saved && ": " + visible(cache.not_saved));
  return section("Caches", table(["Path", "Key", "Restored from", "Saved"], caches.map((cache) => [visible(cache.path),
    visible(cache.key), restored(cache), saved(cache)])));
}

function connectionsSection(stage) {
  const made = stage.connections;
  if (!made) return null;
  return section("Connections", facts([["Allowed", number(made.allowed)], ["Refused", number(made.refused.length)],
    ["Failed", number(made.failed)], ["Only counted", made.omitted ? number(made.omitted) : ""],
    ["Not on record", made.cut_off ? "some, perhaps" : made.lost ? number(made.lost) : ""], ["Sent", bytes(made.sent)], ["Received", bytes(made.received)]]),
    made.refused.length > 0 && el("ul", {}, ...made.refused.map((one) => el("li", {}, "Refused: " + visible(one)))));
}

function attemptsSection(stage) {
  const ran = ranIn(stage);
  if (ran.length < 2) return null;
  return section("Attempts", table(["", "State", "Began after", "Took", ""], ran.map((attempt) => [String(attempt.number),
    badge(attempt.state), duration(attempt.start_ms), duration(attempt.end_ms - attempt.start_ms), visible(attempt.detail || "")])));
}

function outputsSection(stage) {
  const outputs = stage.outputs || [];
  if (outputs.length === 0) return null;
  return section("Artifacts", outputTable(outputs.map((output) => ({stage, output})), false),
    stage.more_outputs && el("p", {class: "muted"}, `and ${number(stage.more_outputs)} more`));
}

function outputTable(list, withStage) {
  const heads = ["Name", "Path", "Kind", "Size", "Digest", "To copy it"];
  return table(withStage ? ["Stage", ...heads] : heads, list.map(({stage, output}) => [
    ...(withStage ? [stageLink(stage.index)] : []), visible(output.name), visible(output.path), output.kind,
    bytes(output.bytes), el("code", {title: output.digest}, output.digest.slice(0, 19) + "\u2026"),
    commandLine("artifacts", RUN.id, `${stage.id}.${output.name}`, "DESTINATION")]));
}

/** Of every attempt, and of its services after it: {attempt, service, log, label, words of the command that shows it}. */
function logsOf(stage) {
  const several = ranIn(stage).length > 1;
  return stage.attempts.flatMap((attempt) => {
    const label = several ? `${attempt.number}: ${attempt.state}` : "the stage";
    const words = (name) => ["logs", RUN.id, name, ...(several && attempt !== stage.attempts[stage.attempts.length - 1] ?
      ["--attempt", String(attempt.number)] : [])];
    return [{attempt, service: "", log: attempt.log, missing: attempt.log_missing, label, words: words(stage.id)},
      ...(attempt.services || []).map(({name, log, log_missing: missing}) => ({attempt, service: name, log, missing,
        label: several ? `${label}, its service ${name}` : `the service ${name}`, words: words(`${stage.id}@${name}`)}))];
  }).filter((one) => one.log || one.missing);
}

function logSection(stage) {
  const logs = logsOf(stage);
  if (logs.length === 0) return null;
  const place = el("div", {});
  let view = null;
  const show = ({log, words}) => {
    if (!log) {
      place.replaceChildren(el("p", {class: "remark"}, "There was no room for this log in the report, or it could not be read. ",
        commandLine(...words)));
      return;
    }
    view = new LogView(log, ["stagebox", ...words.map(shellWord)].join(" "));
    place.replaceChildren(view.node);
  };
  const last = stage.attempts[stage.attempts.length - 1];
  const first = logs.findLast((one) => one.attempt === last && !one.service) || logs[logs.length - 1];
  const ofServices = logs.some((one) => one.service);
  const choice = logs.length > 1 && el("label", {class: "choice"}, ofServices ? "Of " : "Attempt ", el("select",
    {onchange: (event) => show(logs[Number(event.target.value)])},
    ...logs.map((one, i) => el("option", {value: String(i), selected: one === first}, one.label))));
  show(first);
  const node = section(first.attempt.number > 0 ? "Log" : "Log of the run that it was taken from", choice, place);
  node.classList.add("log-section");
  // Where a failure is told is the end; it has a place to scroll only when it is in the page.
  node.whenShown = () => { if (view) view.toEnd(); };
  return node;
}

function commandSection(stage) {
  return el("details", {class: "more"}, el("summary", {}, "Command"),
    el("p", {class: "muted"}, "In the image " + visible(stage.image)), el("pre", {}, visible(stage.command)));
}

function neighboursSection(stage) {
  if (stage.needs.length + stage.neededBy.length === 0) return null;
  const most = 100;
  const list = (items) => el("ul", {class: "neighbours"}, ...items.slice(0, most),
    items.length > most && el("li", {class: "muted"}, `and ${number(items.length - most)} more`));
  return section("In the graph",
    stage.needs.length > 0 && el("p", {}, "Waits for"), stage.needs.length > 0 && list(stage.needs.map((need) => el("li", {},
      stageLink(need.from), need.outputs.length > 0 && el("span", {class: "muted"}, " takes " + visible(need.outputs.join(", ")))))),
    stage.neededBy.length > 0 && el("p", {}, "Is waited for by"),
    stage.neededBy.length > 0 && list(stage.neededBy.map((index) => el("li", {}, stageLink(index)))));
}

// As the command line has it: rounded down, only what is whole is 100.
function covered(counts) {
  return counts.lines > 0 ? Math.floor(counts.lines_covered * 1000 / counts.lines) : undefined;
}

function percent(thousandths) {
  return thousandths === undefined ? "" : `${(thousandths / 10).toFixed(1)} %`;
}

function coverageChange(counts) {
  const before = counts.before && covered(counts.before);
  if (before === undefined || covered(counts) === undefined) return "";
  const change = covered(counts) - before;
  return (change < 0 ? "\u2212" : "+") + (Math.abs(change) / 10).toFixed(1);
}

function coverageSection(stage) {
  const coverage = stage.coverage;
  if (!coverage) return null;
  const change = coverageChange(coverage);
  const hidden = coverage.all_files - coverage.files.length;
  const of = (some, all) => `${number(some)} of ${number(all)}`;
  return section("Coverage", facts([["Lines covered", percent(covered(coverage)) || "no lines"],
    ["Lines", of(coverage.lines_covered, coverage.lines)],
    ["Branches", coverage.branches > 0 ? of(coverage.branches_covered, coverage.branches) : ""],
    ["Against run", change && `${coverage.before.run}: ${change}`]]),
    ...coverage.problems.map((problem) => el("p", {class: "remark"}, visible(problem))),
    coverage.files.length > 0 && table(["File", "Covered", "Change", "Lines"], coverage.files.map((file) => [
      visible(file.path), percent(covered(file)), coverage.before && !file.before ? "new" : coverageChange(file), of(file.lines_covered, file.lines)])),
    hidden > 0 && el("p", {class: "muted"}, `and ${number(hidden)} more files: `, commandLine("tests", RUN.id, stage.id, "--coverage")));
}

function summarySection(stage) {
  return stage.summary && section("Summary", summaryNode(stage));
}

function moreSection(stage) {
  return section("On the command line", el("ul", {class: "commands"}, el("li", {}, commandLine("show", RUN.id, stage.id)),
    stage.attempts.length > 0 && el("li", {}, commandLine("logs", RUN.id, stage.id)),
    stage.tests && el("li", {}, commandLine("tests", RUN.id, stage.id)),
    stage.coverage && el("li", {}, commandLine("tests", RUN.id, stage.id, "--coverage")),
    stage.summary && el("li", {}, commandLine("show", RUN.id, stage.id, "--summary")),
    stage.key && el("li", {}, commandLine("explain", RUN.id, stage.id)),
    stage.key && el("li", {}, commandLine("shell", RUN.id, stage.id))),
    stage.key && el("p", {class: "muted"}, "Stage key ", el("code", {class: "long"}, stage.key)));
}

const SECTIONS = [whySection, endSection, summarySection, annotationsSection, testsSection, coverageSection, logSection, attemptsSection, outputsSection, cachesSection,
  usageSection, connectionsSection,
  neighboursSection, commandSection, moreSection];

function makeDetails() {
  const node = el("article", {class: "details", id: "details", "aria-label": "Stage"});
  selection.listeners.push((index) => {
    const stage = STAGES[index];
    const sections = SECTIONS.map((make) => make(stage)).filter(Boolean);
    const time = timeOf(stage);
    node.replaceChildren(el("header", {}, el("h2", {tabindex: "-1"}, visible(stage.id)), badge(stage.state),
      time !== undefined && el("span", {class: "muted"}, duration(time)),
      stage.cached_from && el("span", {class: "muted"}, "from run " + visible(stage.cached_from))), ...sections);
    node.scrollTop = 0;
    for (const one of sections) if (one.whenShown) one.whenShown();
  });
  return node;
}
