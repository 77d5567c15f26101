"""The HTML report, in a real browser: what it shows, what it does, how it looks, and what hostile names cannot do."""

import json
import math
import os
import re
import socket
import subprocess
import time
import unittest

from browser import PATIENCE, Browser, expect
from harness import ProjectTest, make_directory

SAMPLE = os.environ["REPORT_SAMPLE"]
BLOCKS = (".summary", ".overview", ".list", ".details")
TEXTS = ("h1", "h2", "h3", "dt", "dd", ".badge", ".chip", ".name", ".took", ".muted", ".why", ".remark", ".number", ".text", ".text span",
         ".fold", "[role=tab]", ".link", ".command", ".node .label", ".node .icon", "td", "th", ".markup a", ".markup blockquote", "button", "label", "footer", ".is-level-error", ".is-level-warning", ".is-level-notice")
PIPELINE = """
  make: {run: "echo made > out", outputs: {out: out}}
  use:
    inputs: {in: {from: make.out}}
    retry: {attempts: 2, backoff: 10ms, on: [exit:3]}
    run: |
      echo ::group::first things
      cat in
      echo ::endgroup::
      printf '\\033[32mgreen\\033[0m\\n'
      echo '<b>bold</b>' >&2
      exit 3
  after: {needs: [use], run: "true"}
"""


def overlap(a, b):
    return min(a["right"], b["right"]) - max(a["left"], b["left"]) > 0.5 and min(a["bottom"], b["bottom"]) - max(a["top"], b["top"]) > 0.5


class RunReportTest(Browser, ProjectTest):
    def report(self, *arguments, name="report"):
        result = self.run_stagebox(*arguments, "--report", name)
        self.assertIn(result.returncode, (0, 1), result.stderr)
        return self.project / name / "index.html"

    def test_a_failed_run_is_told_with_its_reasons_and_logs(self):
        self.pipeline(PIPELINE)
        self.browse(self.report("run"))
        expect(self.page).to_have_title("e2e: failed - Stagebox")
        self.assertEqual(self.texts(".headline .badge"), ["✗ failed"])
        self.assertEqual(self.texts(".row .name"), ["use", "make", "after"])
        expect(self.find("h2"), "the failure is what one wants to see first").to_have_text("use")
        expect(self.find(".why")).to_contain_text("use ran because no earlier run of this pipeline has it")
        expect(self.find("#details")).to_contain_text("exited with status 3")
        self.assertEqual(self.texts(".log .text"), ["green", "<b>bold</b>"], "the group is folded")
        self.assertEqual(self.texts(".stderr .text"), ["<b>bold</b>"])
        self.assertEqual(self.texts(".ansi-2"), ["green"])
        self.find(".fold").click()
        self.assertEqual(self.texts(".log .text"), ["made", "green", "<b>bold</b>"])
        self.find(".row[data-stage='2']").click()
        expect(self.find("#details")).to_contain_text("Why it did not run")
        self.find("#tab-artifacts").click()
        expect(self.find("#view-artifacts .command")).to_contain_text("artifacts")
        self.find("#view-artifacts .link").click()
        expect(self.find("h2")).to_have_text("make")
        self.assertEqual(self.complaints(), [])

    def test_groups_are_folded_as_logs_tells_them(self):
        self.write("said", """before
::group::one
a
\t::GROUP x=y::t%25wo
b
::endgroup::
c
::stop-commands::Word
::endgroup::
::error::quoted
::word::
::endgroup::
after
::group::empty
::endgroup::
\x1b[1m::group::none\x1b[0m
::group::broken
::group::wh\x1b[1mole\x1b[0m
needle d
::endgroup::
::error::e
::endgroup::
::endgroup::
""" + "::group::deep\n" * 33 + "f\n::endgroup::\ng\n::endgroup::\nh\n" + "::endgroup::\n" * 31 + "::group::last\n::group::inner\ni\n")
        self.pipeline("  make: {inputs: {said: {path: said}}, run: cat said}\n")
        self.browse(self.report("run"))
        self.assertEqual(self.texts(".fold-title"), ["one", "empty", "broken", "whole", "deep", "last", "inner"], "what broke is open")
        self.assertEqual(self.texts(".fold .muted"), [" 7 lines", " 0 lines", " 2 lines", " 1 line", " 5 lines", " 1 line", " 1 line"])
        self.find(".log-search").press_sequentially("t%25wo")
        self.assertEqual(self.texts(".fold.current .fold-title"), ["t%wo"], "a fold in one that was not open")
        self.find(".log-search").fill("needle")
        self.assertEqual(self.texts(".line.current mark"), ["needle"])
        self.page.get_by_role("button", name="Fold all", exact=True).click()
        self.assertEqual(self.texts(".log .text"), ["before", "after", "::group::none", "::endgroup::"])
        self.find(".fold").first.click()
        self.assertEqual(self.texts(".fold-title")[:2], ["one", "t%wo"])
        self.assertNotIn("b", self.texts(".log .text"), "folds within were closed with the others")
        self.page.get_by_role("button", name="Unfold all").click()
        shown = self.find(".line").evaluate_all("""(all) => all.map((line) => {
          const groups = [];
          for (let fold = line.closest(".fold-lines"); fold; fold = fold.parentElement.closest(".fold-lines"))
            groups.unshift(fold.previousSibling.querySelector(".fold-title").textContent);
          return [groups, line.querySelector(".text").textContent];
        })""")
        told, before = [], []
        for line in map(json.loads, self.run_stagebox("logs", "last", "make", "--json").stdout.splitlines()):
            groups = line.get("groups", [])
            if groups == before:  # Lines that begin and end a group are no lines of the page.
                told.append([groups, line["text"]])
            before = groups
        self.assertEqual(shown, told)
        self.assertEqual(self.complaints(), [])

    def test_each_attempt_has_its_log_and_a_cached_stage_that_of_its_run(self):
        self.pipeline(PIPELINE)
        self.browse(self.report("run"))
        expect(self.find(".choice option")).to_have_text(["1: retrying", "2: failed"])
        self.find(".choice select").select_option("1: retrying")
        self.assertIn("green", self.texts(".log .text"))
        second = self.report("run", "--stage", "make", name="second")
        self.browse(second)
        expect(self.find(".why")).to_contain_text("make was taken from run")
        self.assertEqual(self.texts(".headline .badge"), ["✓ succeeded"])

    def test_a_stage_has_the_logs_of_its_services(self):
        self.pipeline("""
  test:
    run: "echo '<i>stage</i>'; exit 1"
    services: {db: {image: bb, run: "echo '<b>service</b>'; exec nc -ll -p 7000 -e true", ready: {tcp: 7000}}}
""")
        self.browse(self.report("run"))
        expect(self.find(".choice option")).to_have_text(["the stage", "the service db"])
        (commands,) = self.sections("On the command line")
        self.assertEqual([re.sub(r" [0-9a-f]{12} ", " RUN ", line) for line in commands.locator("li").all_inner_texts()],
                         [f"stagebox {command} RUN test" for command in ("show", "logs", "explain", "shell")])
        self.assertEqual(self.texts(".log .text"), ["<i>stage</i>"])
        self.find(".choice select").select_option("the service db")
        self.assertEqual(self.texts(".log .text"), ["<b>service</b>"])
        self.assertEqual(self.complaints(), [])

    def sections(self, title):
        return [node for node in self.find("#details section").all() if node.inner_text().startswith(title)]

    def test_it_lists_what_a_stage_reported(self):
        self.pipeline("""
  lint:
    run: |
      echo '::notice::see <b>this</b>'
      echo '::warning file=b.c,title=Old::call of f'
      echo '::error file=<i>a.c</i>,line=3,col=7::bad %0Athing'
      for i in $(seq 30); do echo "::notice::$i"; done
""")
        self.browse(self.report("run"))
        (section,) = self.sections("Annotations (33)")
        cells = section.locator("td").all_inner_texts()
        self.assertEqual(cells[:3], ["error", "<i>a.c</i>:3:7", "bad thing"])
        self.assertEqual(cells[3:6], ["warning", "b.c", "Old: call of f"])
        self.assertEqual(cells[6:9], ["notice", "", "see <b>this</b>"])
        self.assertEqual(len(cells), 3 * 20)
        self.assertRegex(section.inner_text(), r"and 13 more: stagebox logs \w+ lint --annotations")
        self.assertEqual(self.complaints(), [])
        self.browse(self.report("run", name="second"))
        expect(self.find(".why")).to_contain_text("was taken from run")
        self.assertEqual(self.sections("Annotations"), [], "they tell of the run that it comes from")

    def test_it_says_what_the_tests_of_a_stage_covered(self):
        def measure(lines):
            records = "".join(f"SF:{file}\\nDA:1,{hits}\\nend_of_record\\n" for file, hits in lines)
            self.pipeline(f"""
  t: {{run: "printf '{records}' > lcov", coverage: [{{lcov: lcov}}]}}
""")
        measure([("a<b>.c", 1), ("b.c", 1)])
        self.browse(self.report("run", name="first"))
        (section,) = self.sections("Coverage")
        facts = section.locator("dd").all_inner_texts()
        self.assertEqual(facts, ["100.0 %", "2 of 2"])
        measure([("a<b>.c", 0), ("b.c", 1), *((f"c{i}.c", 1) for i in range(20))])
        self.browse(self.report("run"))
        (section,) = self.sections("Coverage")
        facts = section.locator("dd").all_inner_texts()
        self.assertEqual(facts[:2], ["95.4 %", "21 of 22"])
        self.assertRegex(facts[2], "^[0-9a-f]+: \u22124.6$")
        cells = section.locator("td").all_inner_texts()
        self.assertEqual(cells[:4], ["a<b>.c", "0.0 %", "\u2212100.0", "0 of 1"])
        self.assertIn("new", cells)
        self.assertEqual(len(cells), 4 * 20)
        self.assertRegex(section.inner_text(), r"and 2 more files: stagebox tests \w+ t --coverage")
        self.assertEqual(self.complaints(), [])

    def test_it_lists_the_tests_that_failed_and_what_the_stage_used(self):
        cases = "".join(f'<testcase classname="s" name="c{i}"><failure message="&lt;i&gt;no {i}&lt;/i&gt;">line {i}</failure></testcase>'
                        for i in range(30))
        self.write("junit.xml", f'<testsuite>{cases}<testcase classname="s" name="good"/>'
                   '<testcase classname="s" name="off"><skipped/></testcase></testsuite>')
        self.pipeline("""
  t:
    inputs: {in.xml: {path: junit.xml}}
    run: "cp in.xml out.xml; head -c 2000000 /dev/zero > /tmp/f; yes | head -c 100000; exit 1"
    tests: [{junit: out.xml}]
    quarantine: ["s.c0", "s.<i>*"]
""")
        self.browse(self.report("run"))
        (section,) = self.sections("Tests")
        self.assertIn("quarantine: s.<i>* matches no test case", section.inner_text())
        self.assertEqual(section.locator("dd").all_inner_texts(), ["1", "30", "1", "1"])
        self.assertEqual(section.locator("summary").all_inner_texts()[:2], ["s.c1", "s.c2"])
        shown = section.locator("summary").count() - 1
        self.assertEqual(section.locator("summary").all_inner_texts()[-1], "s.c0 in quarantine")
        self.assertRegex(section.inner_text(), rf"and {29 - shown} more that failed: stagebox tests \w+ t")
        expect(section.locator("pre").first).to_be_hidden()
        section.locator("summary").first.click()
        expect(section.locator("pre").first).to_have_text("<i>no 1</i>\n\nline 1")
        (section,) = self.sections("Usage")
        usage = dict(zip(section.locator("dt").all_inner_texts(), section.locator("dd").all_inner_texts()))
        self.assertRegex(usage["Wall time"], r"^\d+(\.\d+)? m?s$")
        self.assertRegex(usage["Peak memory"], r"^\d+(\.\d+)? [KM]iB$")
        self.assertEqual(usage["Processes"], "1")
        self.assertEqual(usage["Written to the log"], "98 KiB")
        self.assertEqual(self.complaints(), [])

    def test_it_shows_what_stages_say_of_themselves(self):
        self.write("said.md", """# Results
> quoted

| suite | failed |
|---|--:|
| `net` | **2** |

3. third
- [x] built
- [ ] [published](https://a.example/?x=1&y) <b>now</b>

<details><summary>All of it</summary>

```
<script>document.title = "owned"</script>
```

</details>

[bad](javascript:alert(1)) ![pixel](https://a.example/p.png) <img src=x onerror="document.title = 'owned'">
""")
        self.pipeline("""
  a: {inputs: {in: {path: said.md}}, run: "cp in out.md; exit 1", summary: out.md}
  b: {run: "echo '*fine*' > out.md", summary: out.md}
  c: {run: "true", summary: out.md}
""")
        self.browse(self.report("run", "--keep-going"))
        markup = "#details .markup "
        self.assertEqual(self.texts(markup + "h4"), ["Results"])
        self.assertEqual(self.texts(markup + "td"), ["net", "2"])
        self.assertEqual(self.texts(markup + "th"), ["suite", "failed"])
        self.assertEqual(self.texts(markup + "blockquote"), ["quoted"])
        self.assertEqual(self.texts(markup + "li"), ["third", "☑ built", "☐ published <b>now</b>"])
        expect(self.find(markup + "ol")).to_have_attribute("start", "3")
        expect(self.find(markup + "pre")).to_be_hidden()
        self.find(markup + "summary").click()
        expect(self.find(markup + "pre")).to_be_visible()
        links = self.find(markup + "a").evaluate_all("all => all.map((a) => [a.textContent, a.href, a.rel])")
        safe = "noopener noreferrer nofollow"
        self.assertEqual(links, [["published", "https://a.example/?x=1&y", safe], ["pixel", "https://a.example/p.png", safe]])
        self.assertEqual(self.find(markup + "img").count() + self.find(markup + "script").count() + self.find(markup + "b").count(), 0)
        self.find("#tab-summaries").click()
        expect(self.find("#tab-summaries")).to_have_text("Summaries (2)")
        self.assertEqual(self.texts("#view-summaries h3 .link"), ["✗ a", "✓ b"])
        self.assertEqual(self.texts("#view-summaries em"), ["fine"])
        self.find("#view-summaries .link").last.click()
        expect(self.find("h2")).to_have_text("b")
        expect(self.page).to_have_title("e2e: failed - Stagebox")
        self.assertEqual(self.complaints(), [])

    def test_it_says_why_the_caches_of_a_failed_stage_were_not_saved(self):
        self.pipeline("""
  fill: {run: "echo 1 > .c/f; exit 1", caches: [{path: .c, key: k}]}
""")
        self.browse(self.report("run"))
        (section,) = self.sections("Caches")
        self.assertEqual(section.locator("td").all_inner_texts(),
                         [".c", "k", "nothing was found", "no: the stage did not succeed"])

    def test_it_says_what_became_of_caches(self):
        self.pipeline("""
  fill: {run: "echo 1 > .c/f", caches: [{path: .c, key: "k<1>"}]}
""")
        self.report("run", name="first")
        self.pipeline("""
  fill: {cache: never, run: "cat .c/f", caches: [{path: .c, key: k-2, restore: [k], max_size: 1}, {path: .d, key: new}]}
""")
        self.browse(self.report("run"))
        (section,) = self.sections("Caches")
        cells = section.locator("td").all_inner_texts()
        self.assertEqual(cells[:3], [".c", "k-2", "k<1>"])
        self.assertRegex(cells[3], "^no: .*larger than its limit of 1 B")
        self.assertEqual(cells[4:7], [".d", "new", "nothing was found"])
        self.assertRegex(cells[7], "^no: .*empty")
        self.assertEqual(self.complaints(), [])

    def test_a_cancelled_run_has_a_report(self):
        self.pipeline("  wait: {run: \"while true; do echo tick; sleep 0.1; done\"}\n")
        process = self.start("run", "--report", "report")
        self.addCleanup(process.kill)
        log = self.home / "logs"
        deadline = time.monotonic() + 60
        while not any(path.stat().st_size > 100 for path in log.glob("*/wait.log")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.terminate()
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.browse(self.project / "report" / "index.html")
        self.assertEqual(self.texts(".headline .badge"), ["■ cancelled"])
        self.assertIn("tick", self.texts(".log .text"))

    def test_what_cannot_be_written_is_said_before_anything_runs_or_at_the_end(self):
        self.pipeline("  one: {run: \"true\"}\n")
        self.write("file", "")
        result = self.run_stagebox("run", "--report", "file/report")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("write the report to", result.stderr)
        (self.project / "taken" / "index.html").mkdir(parents=True)
        late = self.run_stagebox("run", "--report", "taken")
        self.assertEqual(late.returncode, 3, late.stderr)
        self.assertIn("write the report to \"taken\"", late.stderr)
        self.assertEqual(self.states(), {"one": "succeeded"})
        self.assertEqual([path.name for path in (self.project / "taken").iterdir()], ["index.html"])

    def test_an_untrusted_run_is_not_compared_with_trusted_ones(self):
        self.pipeline("  one: {run: \"true\", env: {WORD: told}}\n")
        self.run_stagebox("run")
        self.pipeline("  one: {run: \"true\", env: {WORD: asked}}\n")
        self.browse(self.report("run", name="trusted"))
        expect(self.find(".why")).to_contain_text("told")
        self.pipeline("  one: {run: \"true\", env: {WORD: guessed}}\n")
        page = self.report("run", "--trust", "untrusted", "--domain", "pr-1", name="untrusted")
        self.assertNotIn("asked", page.read_text())
        self.browse(page)
        expect(self.find(".why")).to_have_text("It ran because nothing was recorded under its stage key.")
        expect(self.find(".summary")).to_contain_text("untrusted, domain pr-1")

    def test_a_resumed_run_has_one_of_its_own(self):
        self.pipeline(PIPELINE)
        self.report("run")
        self.browse(self.report("resume", "last", name="again"))
        self.find(".row[data-stage='0']").click()
        expect(self.find(".why")).to_contain_text("it had finished before in this run")


class SampleReportTest(Browser, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dir = make_directory()
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.dir], check=True)
        for count in (10, 2000):
            subprocess.run([SAMPLE, cls.dir / str(count), str(count)], check=True)

    def open(self, count, **options):
        self.browse(self.dir / str(count) / "index.html", **options)

    def test_coverage_and_annotations_of_a_hostile_stage(self):
        self.open(10)
        titles = {node.inner_text().split("\n")[0]: node for node in self.find("#details section").all()}
        coverage = titles["Coverage"]
        self.assertEqual(coverage.locator("dd").all_inner_texts(), ["49.9 %", "1,999 of 4,000", "3 of 10", "0123456789ab: \u22121.1"])
        rows = [row.locator("td").all_inner_texts() for row in coverage.locator("tbody tr").all()]
        self.assertEqual([row[1:] for row in rows], [["99.9 %", "\u22120.1", "999 of 1,000"], ["100.0 %", "+75.1", "1,000 of 1,000"],
                                                     ["0.0 %", "new", "0 of 1,000"], ["0.0 %", "+0.0", "0 of 1,000"]])
        self.assertTrue(rows[0][0].startswith("</script>"), rows[0])
        expect(coverage).to_contain_text("and 1,230 more files:")
        expect(coverage.locator(".remark")).to_contain_text("not what it says: </script>")
        self.assertEqual(self.texts(".level"), ["error", "warning", "notice"])
        self.assertEqual(self.find(".level").evaluate_all("(all) => all.map((node) => node.getClientRects().length)"), [1, 1, 1],
                         "lines of each, however long what stands beside it is")
        colours = self.find(".level").evaluate_all("(all) => all.map((node) => getComputedStyle(node).color)")
        self.assertEqual(len(set(colours)), 3, "each level has a colour of its own")
        self.assertIn("Annotations (20)", titles)

    def choose(self, name):
        self.find(".list").get_by_text(name, exact=True).click()

    def check_layout(self):
        """Nothing lies over anything else, and nothing sticks out of the page."""
        blocks = self.rects(*BLOCKS)
        for i, first in enumerate(BLOCKS):
            for second in BLOCKS[i + 1:]:
                self.assertFalse(overlap(blocks[first], blocks[second]), (first, second, blocks))
        wide = self.js("[document.documentElement.scrollWidth, window.innerWidth]")
        self.assertLessEqual(wide[0], wide[1], "the page is wider than its window")
        outside = self.js("""
            [...document.querySelectorAll('.details > *, .details section > *, .facts > *, .filters *, .log-tools > *, [role=tab], .headline > *')]
              .filter((node) => !node.closest('.scroller, .said') && node.getClientRects().length)
              .filter((node) => { const box = node.getBoundingClientRect(); return box.left < -1 || box.right > window.innerWidth + 1; })
              .map((node) => node.className + ': ' + node.textContent.slice(0, 40))""")
        self.assertEqual(outside, [])
        tools = self.js("""() => {
            const boxes = [...document.querySelectorAll('.log-tools > *, .chip, [role=tab]')].filter((node) => node.getClientRects().length)
              .map((node) => node.getBoundingClientRect());
            return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
              Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)).length;
          }""")
        self.assertEqual(tools, 0, "buttons lie over one another")

    def check_picture(self, picture, boxes, scheme):
        """That what should be there was drawn, and between the blocks nothing."""
        gap = {"left": boxes[".list"]["right"] + 1, "right": boxes[".details"]["left"] - 1,
               "top": boxes[".list"]["top"], "bottom": boxes[".list"]["bottom"]}
        page = {"left": 0, "top": 0, "right": 1280, "bottom": 1200}
        *drawn, between, whole = self.pixels(picture, [*boxes.values(), gap, page])
        for name, seen in zip(BLOCKS, drawn):
            self.assertGreater(seen["colours"], 20, name)
        self.assertEqual(between["colours"], 1, "something sticks out of the list or the details")
        if scheme == "light":
            self.assertGreater(whole["light"], 0.85)
        else:
            self.assertLess(whole["light"], 0.25)

    def check_states(self, picture):
        """Colours tell states too: red what failed, green what succeeded; in the graph, from near and far, and over the list."""
        for place in (".node", ".chip"):
            boxes = self.rects(f"{place}.is-failed", f"{place}.is-succeeded").values()
            failed, succeeded = (seen["mean"] for seen in self.pixels(picture, list(boxes)))
            self.assertGreater(failed[0], failed[1] + 8, (place, failed))
            self.assertGreater(succeeded[1], succeeded[0] + 8, (place, succeeded))

    def test_it_looks_right_light_and_dark_with_few_and_many_stages(self):
        for count in (10, 2000):
            places = {}
            for scheme in ("light", "dark"):
                self.open(count, scheme=scheme)
                for tab in ("graph", "timeline", "artifacts"):
                    with self.subTest(count=count, scheme=scheme, tab=tab):
                        self.find(f"#tab-{tab}").click()
                        self.check_layout()
                        picture, boxes = self.picture(), self.rects(*BLOCKS)
                        self.check_picture(picture, boxes, scheme)
                        if tab == "graph":
                            self.check_states(picture)
                        self.assertEqual(places.setdefault(tab, boxes), boxes, "only colours depend on the scheme")
                self.assertEqual(self.complaints(), [])

    def test_each_block_draws_in_its_own_place_only(self):
        """What is seen of one is the same when the others are hidden, and nothing of it is left when it is hidden."""
        show = "(all, shown) => { for (const node of all) node.style.visibility = shown === '*' || node.matches(shown) ? '' : 'hidden'; }"
        for count in (10, 2000):
            self.open(count)
            before, boxes = self.picture(), self.rects(*BLOCKS)
            for shown in BLOCKS:
                with self.subTest(count=count, block=shown):
                    self.find(", ".join(BLOCKS)).evaluate_all(show, shown)
                    for name, seen in zip(BLOCKS, self.pixels(self.picture(), list(boxes.values()), before=before)):
                        if name == shown:
                            self.assertEqual(seen["changed"], 0, "something of another block lies there")
                        else:
                            self.assertEqual(seen["colours"], 1, f"something lies where {name} was")

    def test_one_sees_where_the_keyboard_is(self):
        for scheme in ("light", "dark"):
            self.open(10, scheme=scheme)
            focus = self.js("getComputedStyle(document.documentElement).getPropertyValue('--focus')")
            places = set()
            for _ in range(12):
                self.page.keyboard.press("Tab")
                place, x, y, width, height = self.js("""() => {
                    const node = document.activeElement, box = node.getBoundingClientRect();
                    return [node.getAttribute('class') || node.id || node.textContent, box.x, box.y, box.width, box.height];
                  }""")
                places.add(place)
                with self.subTest(scheme=scheme, place=place):
                    picture = self.picture(clip={"x": x - 4, "y": y - 4, "width": width + 8, "height": height + 8})
                    whole, inner = ({"left": edge, "top": edge, "right": width + 8 - edge, "bottom": height + 8 - edge} for edge in (0, 8))
                    whole, inner = (seen["of_colour"] for seen in self.pixels(picture, [whole, inner], colour=focus))
                    # The ring is two pixels wide; its corners are round, and its edges can lie between two pixels.
                    self.assertGreater(whole - inner, width + height)
            self.assertGreater(len(places), 5, places)

    def test_all_text_can_be_read_light_and_dark(self):
        for scheme in ("light", "dark"):
            with self.subTest(scheme=scheme):
                self.open(10, scheme=scheme)
                self.find(".log-search").fill("unit 29")
                for tab in ("graph", "timeline", "artifacts"):
                    self.find(f"#tab-{tab}").click()
                    selectors = [text for text in (*TEXTS, "mark", ".bar text", ".tick-label")
                                 if self.js("(text) => !!document.querySelector(text)?.getClientRects().length", text)]
                    self.assertGreater(len(selectors), 20)
                    self.assertLessEqual({".is-level-error", ".is-level-warning", ".is-level-notice"}, set(selectors))
                    for worst in self.contrasts(*selectors):
                        self.assertGreaterEqual(worst["contrast"], 4.5, worst)

    def test_a_narrow_window_needs_no_sideways_scrolling(self):
        for count in (10, 2000):
            with self.subTest(count=count):
                self.open(count, width=360, height=740)
                self.check_layout()
                blocks = self.rects(".list", ".details")
                self.assertLessEqual(blocks[".list"]["bottom"], blocks[".details"]["top"])

    def test_long_names_without_blanks_are_broken(self):
        """Of a test and of a file."""
        for width in (360, 1280):
            with self.subTest(width=width):
                self.open(10, width=width, height=740)
                self.check_layout()
                titles = {node.inner_text().split("\n")[0]: node for node in self.find("#details section").all()}
                self.assertIn("ffff", titles["Annotations (20)"].inner_text())
                self.assertIn("tttt", titles["Tests"].inner_text())
                for title in ("Annotations (20)", "Tests"):
                    wide = titles[title].evaluate("(node) => [node, ...node.querySelectorAll('.scroller')].map((one) => one.scrollWidth - one.clientWidth)")
                    self.assertEqual([over for over in wide if over > 0], [], title)

    def test_hostile_names_logs_and_details_do_nothing(self):
        self.open(10)
        hostile = self.find("h2").text_content()
        self.assertTrue(hostile.startswith("</script><script>window.hurt=1"), hostile)
        self.assertTrue(hostile.endswith("\ufffd"), "what turns the direction of writing is not written")
        self.assertIn(hostile, self.texts(".detail"))
        self.find(".log-search").press_sequentially("window.hurt")
        expect(self.find(".matches")).to_have_text("1 of 1 line")
        for tab in ("timeline", "artifacts"):
            self.find(f"#tab-{tab}").click()
        self.assertIsNone(self.js("window.hurt === undefined ? null : window.hurt"))
        self.assertEqual(self.js("[document.images.length, document.scripts.length]"), [0, 2])
        self.assertEqual(self.complaints(), [])

    def test_nothing_but_its_own_script_and_style_may_run(self):
        """Even if a name became markup one day."""
        page = (self.dir / "10" / "index.html").read_text()
        page = page.replace("<noscript>", "<script>window.hurt=1</script><style>h1{color:red}</style>"
                            "<img src=x onerror='window.hurt=2'><h1 style='color:red'></h1>"
                            "<img src=https://outside.invalid/x><link rel=prefetch href=https://outside.invalid/y><noscript>", 1)
        (self.dir / "hurt.html").write_text(page)
        self.browse(self.dir / "hurt.html")
        self.assertEqual(self.js("window.hurt === undefined"), True)
        self.assertNotIn("rgb(255, 0, 0)", self.find("h1").evaluate_all("(all) => all.map((node) => getComputedStyle(node).color)"))
        refused = [text for text in self.complaints() if "Content Security Policy" in text]
        self.assertGreaterEqual(len(refused), 6, refused)
        asked = sorted(self.strangers())
        self.assertEqual(asked, [((self.dir / "x").as_uri(), "csp"), ("https://outside.invalid/x", "csp"), ("https://outside.invalid/y", "csp")])
        self.requests.clear()

    def test_a_log_is_searched_in_folds_too(self):
        self.open(10)
        self.assertLess(len(self.texts(".log .text")), 500, "a long log is folded")
        search, matches = self.find(".log-search"), self.find(".matches")
        search.press_sequentially("NEEDLE")
        expect(matches).to_have_text("1 of 1 line")
        self.assertEqual(self.texts(".line.current mark"), ["needle"])
        box, line = self.rects(".log-lines", ".line.current").values()
        self.assertTrue(box["top"] <= line["top"] and line["bottom"] <= box["bottom"], (box, line))
        search.clear()
        search.press_sequentially("unit 10")
        expect(matches).to_have_text("1 of 111 lines")
        search.press("Enter")
        expect(matches).to_have_text("2 of 111 lines")
        search.press("Shift+Enter")
        expect(matches).to_have_text("1 of 111 lines")
        search.clear()
        search.press_sequentially("group::prepare")
        self.assertEqual(self.texts(".fold.current .fold-title"), ["prepare"])
        search.press_sequentially("0000")
        expect(matches).to_have_text("no line")
        self.assertEqual(self.texts("mark"), [])

    def test_folds_open_and_close(self):
        self.open(10)
        self.choose("stage-1")
        self.assertEqual(len(self.texts(".line")), 4)
        fold = self.find(".fold")
        self.assertEqual(fold.inner_text(), "prepare\n5 lines")
        fold.click()
        self.assertEqual(len(self.texts(".line")), 9)
        expect(fold).to_have_attribute("aria-expanded", "true")
        fold.press("Enter")
        self.assertEqual(len(self.texts(".line")), 4)
        self.assertIn("100% loaded", self.texts(".log .text"), "what was written over is gone")
        self.page.get_by_role("button", name="Unfold all").click()
        self.assertEqual(len(self.texts(".line")), 9)

    def test_the_list_is_filtered_by_text_and_state(self):
        self.open(2000)
        names = self.texts(".row .name")
        self.assertEqual(len(names), 2000)
        self.assertTrue(names[0].startswith("</script>"), "failures come first")
        self.find(".filter").press_sequentially("stage-199")
        expect(self.find(".found")).to_have_text("11 of 2,000 stages")
        self.assertEqual(len(self.texts(".row .name")), 11)
        self.find(".filter").clear()
        expect(self.find(".found")).to_have_text("2,000 stages")
        for chip in self.find(".chip:not([data-state=error])").all():
            chip.click()
        self.assertEqual(len(self.texts(".row .name")), int(self.find(".found").inner_text().split()[0]))
        self.assertEqual(set(self.texts(".row .said")), {" error "})

    def test_the_keyboard_does_it_all(self):
        self.open(10)
        keyboard = self.page.keyboard
        keyboard.press("/")
        expect(self.find(".filter")).to_be_focused()
        keyboard.press("ArrowDown")
        keyboard.press("ArrowDown")
        expect(self.find("h2")).to_have_text("stage-4")
        self.assertEqual(self.js("document.activeElement.className"), "row is-failed")
        self.find("#tab-graph").press("ArrowRight")
        expect(self.find("#view-timeline")).to_be_visible()
        expect(self.find("#view-graph")).to_be_hidden()

    def test_a_link_leads_to_a_stage(self):
        self.open(10)
        self.choose("stage-5")
        expect(self.page).to_have_url(re.compile("#stage=stage-5$"))
        url = self.page.url
        self.go_to(url)
        expect(self.find("h2")).to_have_text("stage-5")
        self.js("location.hash = '#stage=stage-7%5Ba-long-value%5D'")
        expect(self.find("h2")).to_have_text("stage-7[a-long-value]")
        self.go_to(url.split("#")[0] + "#stage=%E0%A4%A")
        expect(self.find("h2"), "a broken link is none").to_have_text(re.compile("^</script>"))

    def test_the_graph_and_the_timeline_choose_stages(self):
        self.open(10)
        self.find(".node[data-stage='5']").click()
        expect(self.find("h2")).to_have_text("stage-5")
        self.assertEqual(len(self.texts(".node.chosen")), 1)
        self.find("#tab-timeline").click()
        bars = self.find(".bar").evaluate_all("(all) => all.map((bar) => Number(bar.dataset.stage))")
        self.assertEqual(sorted(bars), [0, 1, 2, 3, 4, 4, 7, 8])
        self.find(".bar[data-stage='8']").click()
        expect(self.find("h2")).to_have_text("stage-8")
        lanes = self.js("""() => {
            const bars = [...document.querySelectorAll('.bar')].map((bar) => bar.getBoundingClientRect());
            return bars.flatMap((a, i) => bars.slice(i + 1).filter((b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 3 &&
              Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)).length;
          }""")
        self.assertEqual(lanes, 0, "attempts of one slot lie over one another")

    def test_the_mouse_moves_and_enlarges_the_graph(self):
        self.open(10)
        chosen, mouse = self.find("h2").text_content(), self.page.mouse

        def place():
            """The scale, and where the middle of a stage is, which has 172 by 30 pixels at scale 1."""
            return self.find(".node[data-stage='5']").evaluate(
                "(node) => { const to = node.getScreenCTM(); return [to.a, to.a * 86 + to.e, to.d * 15 + to.f]; }")

        def check_place(*wanted):
            for value, expected in zip(place(), wanted):
                self.assertAlmostEqual(value, expected, delta=1)

        scale, x, y = place()
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + 90, y - 20, steps=5)
        mouse.up()
        check_place(scale, x + 90, y - 20)
        expect(self.find("h2"), "who moves the graph chooses nothing").to_have_text(chosen)
        mouse.move(x, y)
        check_place(scale, x + 90, y - 20)
        # What lies under the pointer stays there.
        mouse.move(x + 90, y - 20)
        self.page.keyboard.down("Control")
        mouse.wheel(0, -150)
        self.page.keyboard.up("Control")
        self.wait_until("document.querySelector('.graph > g').getScreenCTM().a > 1.3")
        check_place(scale * math.exp(0.5), x + 90, y - 20)
        # Without the key the wheel scrolls the page, and leaves the graph.
        mouse.wheel(0, 150)
        self.wait_until("window.scrollY === 150")
        check_place(scale * math.exp(0.5), x + 90, y - 20 - 150)

    def test_no_stage_of_the_graph_lies_over_another(self):
        for count in (10, 2000):
            with self.subTest(count=count):
                self.open(count)
                places = self.find(".node").evaluate_all("(all) => all.map((node) => [node.x.baseVal.value, node.y.baseVal.value])")
                self.assertEqual(len(places), count)
                columns = {}
                for x, y in places:
                    columns.setdefault(x, []).append(y)
                for rows in columns.values():
                    rows.sort()
                    self.assertTrue(all(b - a >= 30 for a, b in zip(rows, rows[1:])))
                xs = sorted(columns)
                self.assertTrue(all(b - a >= 172 for a, b in zip(xs, xs[1:])))
                inside = self.js("""() => {
                    const box = document.querySelector('.graph').getBoundingClientRect();
                    return [...document.querySelectorAll('.node')].every((node) => {
                      const own = node.getBoundingClientRect();
                      return own.left >= box.left && own.right <= box.right && own.top >= box.top && own.bottom <= box.bottom;
                    });
                  }""")
                self.assertTrue(inside, "all of it is in sight at first")
                for _ in range(12):
                    self.find(".graph-box").get_by_label("Zoom in").click()
                box, chosen = self.rects(".graph", ".node.chosen").values()
                self.assertTrue(overlap(box, chosen), "zooming in keeps the chosen stage in sight")
                self.assertGreater(chosen["right"] - chosen["left"], 170, "and large enough to read")

    def test_many_stages_are_drawn_in_reasonable_time(self):
        """About a second on an idle machine; the bound is for machines that are not."""
        self.open(2000)
        drawn = self.js("""() => {
            const [one] = performance.getEntriesByType('navigation');
            return one.domContentLoadedEventEnd - one.responseEnd;
          }""")
        self.assertLess(drawn, 15000)

    def test_a_page_needs_nothing_from_elsewhere(self):
        """Beside the requests, which every test looks at: nothing is connected to, as a WebSocket would be."""
        with socket.create_server(("127.0.0.1", 0)) as proxy:
            proxy.setblocking(False)
            page = self.window(proxy={"server": f"http://127.0.0.1:{proxy.getsockname()[1]}"})
            for count in (10, 2000):
                page.goto((self.dir / str(count) / "index.html").as_uri())
                for tab in ("graph", "timeline", "artifacts"):
                    page.locator(f"#tab-{tab}").click()
                self.assertEqual(page.evaluate("performance.getEntriesByType('resource').length"), 0)
            with self.assertRaises(BlockingIOError):
                proxy.accept()
            # The proxy is one that would have seen it.
            page.goto("about:blank")
            page.evaluate("() => { new WebSocket('wss://outside.invalid/'); }")
            proxy.settimeout(PATIENCE / 1000)
            connection, _ = proxy.accept()
            with connection:
                connection.settimeout(PATIENCE / 1000)
                self.assertIn(b"outside.invalid", connection.recv(1000))
        self.assertLess((self.dir / "2000" / "index.html").stat().st_size, 8 << 20)


if __name__ == "__main__":
    unittest.main()
