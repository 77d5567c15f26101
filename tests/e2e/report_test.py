"""The HTML report, in a real browser: what it shows, what it does, how it looks, and what hostile names cannot do."""

import os
import pathlib
import subprocess
import time
import unittest

from browser import Browser
from harness import ProjectTest, make_directory

SAMPLE = os.environ["REPORT_SAMPLE"]
BLOCKS = (".summary", ".overview", ".list", ".details")
TEXTS = ("h1", "h2", "h3", "dt", "dd", ".badge", ".chip", ".name", ".took", ".muted", ".why", ".remark", ".number", ".text", ".text span",
         ".fold", "[role=tab]", ".link", ".command", ".node .label", ".node .icon", "td", "th", "button", "label", "footer", ".is-level-error", ".is-level-warning", ".is-level-notice")
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
        self.assertEqual(self.driver.title, "e2e: failed - Stagebox")
        self.assertEqual(self.texts(".headline .badge"), ["✗ failed"])
        self.assertEqual(self.texts(".row .name"), ["use", "make", "after"])
        self.assertEqual(self.find("h2").text, "use", "the failure is what one wants to see first")
        self.assertIn("use ran because no earlier run of this pipeline has it", self.find(".why").text)
        self.assertIn("exited with status 3", self.find("#details").text)
        self.assertEqual(self.texts(".log .text"), ["green", "<b>bold</b>"], "the group is folded")
        self.assertEqual(self.texts(".stderr .text"), ["<b>bold</b>"])
        self.assertEqual(self.texts(".ansi-2"), ["green"])
        self.find(".fold").click()
        self.assertEqual(self.texts(".log .text"), ["made", "green", "<b>bold</b>"])
        self.find(".row[data-stage='2']").click()
        self.assertIn("Why it did not run", self.find("#details").text)
        self.find("#tab-artifacts").click()
        self.assertIn("artifacts", self.find("#view-artifacts .command").text)
        self.find("#view-artifacts .link").click()
        self.assertEqual(self.find("h2").text, "make")
        self.assertEqual(self.complaints(), [])

    def test_each_attempt_has_its_log_and_a_cached_stage_that_of_its_run(self):
        self.pipeline(PIPELINE)
        self.browse(self.report("run"))
        options = self.js("return [...document.querySelectorAll('.choice option')].map((option) => option.textContent)")
        self.assertEqual(options, ["1: retrying", "2: failed"])
        self.find(".choice option").click()
        self.assertIn("green", self.texts(".log .text"))
        second = self.report("run", "--stage", "make", name="second")
        self.browse(second)
        self.assertIn("make was taken from run", self.find(".why").text)
        self.assertEqual(self.texts(".headline .badge"), ["✓ succeeded"])

    def test_a_stage_has_the_logs_of_its_services(self):
        self.pipeline("""
  test:
    run: "echo '<i>stage</i>'; exit 1"
    services: {db: {image: bb, run: "echo '<b>service</b>'; exec nc -ll -p 7000 -e true", ready: {tcp: 7000}}}
""")
        self.browse(self.report("run"))
        options = self.js("return [...document.querySelectorAll('.choice option')].map((option) => option.textContent)")
        self.assertEqual(options, ["the stage", "the service db"])
        self.assertEqual(self.texts(".log .text"), ["<i>stage</i>"])
        self.driver.find_elements("css selector", ".choice option")[1].click()
        self.assertEqual(self.texts(".log .text"), ["<b>service</b>"])
        self.assertEqual(self.complaints(), [])

    def sections(self, title):
        return [node for node in self.driver.find_elements("css selector", "#details section") if node.text.startswith(title)]

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
        cells = [cell.text for cell in section.find_elements("css selector", "td")]
        self.assertEqual(cells[:3], ["error", "<i>a.c</i>:3:7", "bad thing"])
        self.assertEqual(cells[3:6], ["warning", "b.c", "Old: call of f"])
        self.assertEqual(cells[6:9], ["notice", "", "see <b>this</b>"])
        self.assertEqual(len(cells), 3 * 20)
        self.assertRegex(section.text, r"and 13 more: stagebox logs \w+ lint --annotations")
        self.assertEqual(self.complaints(), [])
        self.browse(self.report("run", name="second"))
        self.assertIn("was taken from run", self.find(".why").text)
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
        facts = [node.text for node in section.find_elements("css selector", "dd")]
        self.assertEqual(facts, ["100.0 %", "2 of 2"])
        measure([("a<b>.c", 0), ("b.c", 1), *((f"c{i}.c", 1) for i in range(20))])
        self.browse(self.report("run"))
        (section,) = self.sections("Coverage")
        facts = [node.text for node in section.find_elements("css selector", "dd")]
        self.assertEqual(facts[:2], ["95.4 %", "21 of 22"])
        self.assertRegex(facts[2], "^[0-9a-f]+: \u22124.6$")
        cells = [cell.text for cell in section.find_elements("css selector", "td")]
        self.assertEqual(cells[:4], ["a<b>.c", "0.0 %", "\u2212100.0", "0 of 1"])
        self.assertIn("new", cells)
        self.assertEqual(len(cells), 4 * 20)
        self.assertRegex(section.text, r"and 2 more files: stagebox tests \w+ t --coverage")
        self.assertEqual(self.complaints(), [])

    def test_it_says_why_the_caches_of_a_failed_stage_were_not_saved(self):
        self.pipeline("""
  fill: {run: "echo 1 > .c/f; exit 1", caches: [{path: .c, key: k}]}
""")
        self.browse(self.report("run"))
        (section,) = self.sections("Caches")
        self.assertEqual([cell.text for cell in section.find_elements("css selector", "td")],
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
        (section,) = [node for node in self.driver.find_elements("css selector", "#details section") if node.text.startswith("Caches")]
        cells = [cell.text for cell in section.find_elements("css selector", "td")]
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
        self.assertIn("told", self.find(".why").text)
        self.pipeline("  one: {run: \"true\", env: {WORD: guessed}}\n")
        page = self.report("run", "--trust", "untrusted", "--domain", "pr-1", name="untrusted")
        self.assertNotIn("asked", page.read_text())
        self.browse(page)
        self.assertEqual(self.find(".why").text, "It ran because nothing was recorded under its stage key.")
        self.assertIn("untrusted, domain pr-1", self.find(".summary").text)

    def test_a_resumed_run_has_one_of_its_own(self):
        self.pipeline(PIPELINE)
        self.report("run")
        self.browse(self.report("resume", "last", name="again"))
        self.find(".row[data-stage='0']").click()
        self.assertIn("it had finished before the run was interrupted", self.find(".why").text)


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
        titles = {node.text.split("\n")[0]: node for node in self.driver.find_elements("css selector", "#details section")}
        coverage = titles["Coverage"]
        facts = [node.text for node in coverage.find_elements("css selector", "dd")]
        self.assertEqual(facts, ["49.9 %", "1,999 of 4,000", "3 of 10", "0123456789ab: \u22121.1"])
        rows = [[cell.text for cell in row.find_elements("css selector", "td")]
                for row in coverage.find_elements("css selector", "tbody tr")]
        self.assertEqual([row[1:] for row in rows], [["99.9 %", "\u22120.1", "999 of 1,000"], ["100.0 %", "+75.1", "1,000 of 1,000"],
                                                     ["0.0 %", "new", "0 of 1,000"], ["0.0 %", "+0.0", "0 of 1,000"]])
        self.assertTrue(rows[0][0].startswith("</script>"), rows[0])
        self.assertIn("and 1,230 more files:", coverage.text)
        self.assertIn("not what it says: </script>", coverage.find_element("css selector", ".remark").text)
        self.assertEqual(self.texts(".level"), ["error", "warning", "notice"])
        colours = self.js("return [...document.querySelectorAll('.level')].map((node) => getComputedStyle(node).color)")
        self.assertEqual(len(set(colours)), 3, "each level has a colour of its own")
        self.assertIn("Annotations (20)", titles)

    def choose(self, name):
        self.js("[...document.querySelectorAll('.row')].find((row) => row.querySelector('.name').textContent === arguments[0]).click()", name)

    def check_layout(self):
        """Nothing lies over anything else, and nothing sticks out of the page."""
        blocks = self.rects(*BLOCKS)
        for i, first in enumerate(BLOCKS):
            for second in BLOCKS[i + 1:]:
                self.assertFalse(overlap(blocks[first], blocks[second]), (first, second, blocks))
        wide = self.js("return [document.documentElement.scrollWidth, window.innerWidth]")
        self.assertLessEqual(wide[0], wide[1], "the page is wider than its window")
        outside = self.js("""
            return [...document.querySelectorAll('.details > *, .details section > *, .facts > *, .filters *, .log-tools > *, [role=tab], .headline > *')]
              .filter((node) => !node.closest('.scroller, .said') && node.getClientRects().length)
              .filter((node) => { const box = node.getBoundingClientRect(); return box.left < -1 || box.right > window.innerWidth + 1; })
              .map((node) => node.className + ': ' + node.textContent.slice(0, 40))""")
        self.assertEqual(outside, [])
        tools = self.js("""
            const boxes = [...document.querySelectorAll('.log-tools > *, .chip, [role=tab]')].filter((node) => node.getClientRects().length)
              .map((node) => node.getBoundingClientRect());
            return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
              Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)).length""")
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

    def test_it_looks_right_light_and_dark_with_few_and_many_stages(self):
        for count in (10, 2000):
            for scheme in ("light", "dark"):
                pictures = {}
                self.open(count, scheme=scheme)
                for tab in ("graph", "timeline", "artifacts"):
                    with self.subTest(count=count, scheme=scheme, tab=tab):
                        self.find(f"#tab-{tab}").click()
                        self.check_layout()
                        pictures[tab] = self.picture(), self.rects(*BLOCKS)
                self.assertEqual(self.complaints(), [])
                for tab, (picture, boxes) in pictures.items():
                    with self.subTest(count=count, scheme=scheme, tab=tab):
                        self.check_picture(picture, boxes, scheme)

    def test_all_text_can_be_read_light_and_dark(self):
        for scheme in ("light", "dark"):
            with self.subTest(scheme=scheme):
                self.open(10, scheme=scheme)
                self.find(".log-search").send_keys("unit 29")
                for tab in ("graph", "timeline", "artifacts"):
                    self.find(f"#tab-{tab}").click()
                    selectors = [text for text in (*TEXTS, "mark", ".bar text", ".tick-label")
                                 if self.js("return !!document.querySelector(arguments[0])?.getClientRects().length", text)]
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

    def test_hostile_names_logs_and_details_do_nothing(self):
        self.open(10)
        hostile = self.find("h2").text
        self.assertTrue(hostile.startswith("</script><script>window.hurt=1"), hostile)
        self.assertTrue(hostile.endswith("\ufffd"), "what turns the direction of writing is not written")
        self.assertIn(hostile, self.texts(".detail"))
        self.find(".log-search").send_keys("window.hurt")
        self.assertEqual(self.find(".matches").text, "1 of 1 line")
        for tab in ("timeline", "artifacts"):
            self.find(f"#tab-{tab}").click()
        self.assertIsNone(self.js("return window.hurt === undefined ? null : window.hurt"))
        self.assertEqual(self.js("return [document.images.length, document.scripts.length]"), [0, 2])
        self.assertEqual(self.complaints(), [])

    def test_nothing_but_its_own_script_and_style_may_run(self):
        """Even if a name became markup one day."""
        page = (self.dir / "10" / "index.html").read_text()
        page = page.replace("<noscript>", "<script>window.hurt=1</script><style>h1{color:red}</style>"
                            "<img src=x onerror='window.hurt=2'><h1 style='color:red'></h1><noscript>", 1)
        (self.dir / "hurt.html").write_text(page)
        self.browse(self.dir / "hurt.html")
        self.assertEqual(self.js("return window.hurt === undefined"), True)
        self.assertNotIn("rgb(255, 0, 0)", self.js("return [...document.querySelectorAll('h1')].map((node) => getComputedStyle(node).color)"))
        refused = [text for text in self.complaints() if "Content Security Policy" in text]
        self.assertGreaterEqual(len(refused), 4, refused)

    def test_a_log_is_searched_in_folds_too(self):
        self.open(10)
        self.assertLess(len(self.texts(".log .text")), 500, "a long log is folded")
        search = self.find(".log-search")
        search.send_keys("NEEDLE")
        self.assertEqual(self.find(".matches").text, "1 of 1 line")
        self.assertEqual(self.texts(".line.current mark"), ["needle"])
        box, line = self.rects(".log-lines", ".line.current").values()
        self.assertTrue(box["top"] <= line["top"] and line["bottom"] <= box["bottom"], (box, line))
        search.clear()
        search.send_keys("unit 10")
        self.assertEqual(self.find(".matches").text, "1 of 111 lines")
        search.send_keys("\n")
        self.assertEqual(self.find(".matches").text, "2 of 111 lines")
        search.clear()
        search.send_keys("group::prepare")
        self.assertEqual(self.texts(".fold.current .fold-title"), ["prepare"])
        search.send_keys("0000")
        self.assertEqual(self.find(".matches").text, "no line")
        self.assertEqual(self.texts("mark"), [])

    def test_folds_open_and_close(self):
        self.open(10)
        self.choose("stage-1")
        self.assertEqual(len(self.texts(".line")), 4)
        fold = self.find(".fold")
        self.assertEqual(fold.text, "prepare\n5 lines")
        fold.click()
        self.assertEqual(len(self.texts(".line")), 9)
        self.assertEqual(fold.get_attribute("aria-expanded"), "true")
        fold.send_keys("\n")
        self.assertEqual(len(self.texts(".line")), 4)
        self.assertIn("100% loaded", self.texts(".log .text"), "what was written over is gone")
        self.js("[...document.querySelectorAll('.log-tools button')].find((one) => one.textContent === 'Unfold all').click()")
        self.assertEqual(len(self.texts(".line")), 9)

    def test_the_list_is_filtered_by_text_and_state(self):
        self.open(2000)
        names = self.texts(".row .name")
        self.assertEqual(len(names), 2000)
        self.assertTrue(names[0].startswith("</script>"), "failures come first")
        self.find(".filter").send_keys("stage-199")
        self.assertEqual(self.find(".found").text, "11 of 2,000 stages")
        self.find(".filter").clear()
        self.find(".filter").send_keys("\b")
        for chip in self.driver.find_elements("css selector", ".chip"):
            if chip.get_attribute("data-state") != "error":
                chip.click()
        self.assertEqual(len([name for name in self.texts(".row .name")]), int(self.find(".found").text.split()[0]))
        self.assertEqual(set(self.texts(".row .said")), {" error "})

    def test_the_keyboard_does_it_all(self):
        self.open(10)
        self.find("body").send_keys("/")
        self.assertEqual(self.js("return document.activeElement.className"), "filter")
        self.driver.switch_to.active_element.send_keys("\ue015")  # down, to the list
        self.driver.switch_to.active_element.send_keys("\ue015")
        self.assertEqual(self.find("h2").text, "stage-4")
        self.assertEqual(self.js("return document.activeElement.className"), "row is-failed")
        self.find("#tab-graph").send_keys("\ue014")  # right
        self.assertTrue(self.find("#view-timeline").is_displayed())
        self.assertFalse(self.find("#view-graph").is_displayed())

    def test_a_link_leads_to_a_stage(self):
        self.open(10)
        self.choose("stage-5")
        self.assertTrue(self.driver.current_url.endswith("#stage=stage-5"))
        url = self.driver.current_url
        self.driver.get("about:blank")
        self.driver.get(url)
        self.assertEqual(self.find("h2").text, "stage-5")
        self.js("location.hash = '#stage=stage-7%5Ba-long-value%5D'")
        self.js("return new Promise((done) => setTimeout(done))")
        self.assertEqual(self.find("h2").text, "stage-7[a-long-value]")
        self.driver.get("about:blank")
        self.driver.get(url.split("#")[0] + "#stage=%E0%A4%A")
        self.assertTrue(self.find("h2").text.startswith("</script>"), "a broken link is none")

    def test_the_graph_and_the_timeline_choose_stages(self):
        self.open(10)
        self.js("window.press = (node) => { for (const type of ['pointerdown', 'pointerup']) "
                "node.dispatchEvent(new PointerEvent(type, {bubbles: true, button: 0})); }")
        self.js("press(document.querySelector('.node[data-stage=\"5\"] rect'))")
        self.assertEqual(self.find("h2").text, "stage-5")
        self.assertEqual(len(self.texts(".node.chosen")), 1)
        self.find("#tab-timeline").click()
        bars = self.js("return [...document.querySelectorAll('.bar')].map((bar) => Number(bar.dataset.stage))")
        self.assertEqual(sorted(bars), [0, 1, 2, 3, 4, 4, 7, 8])
        self.js("document.querySelector('.bar[data-stage=\"8\"] rect').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
        self.assertEqual(self.find("h2").text, "stage-8")
        lanes = self.js("""
            const bars = [...document.querySelectorAll('.bar')].map((bar) => bar.getBoundingClientRect());
            return bars.flatMap((a, i) => bars.slice(i + 1).filter((b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 3 &&
              Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)).length""")
        self.assertEqual(lanes, 0, "attempts of one slot lie over one another")

    def test_no_stage_of_the_graph_lies_over_another(self):
        for count in (10, 2000):
            with self.subTest(count=count):
                self.open(count)
                places = self.js("return [...document.querySelectorAll('.node')].map((node) => [node.x.baseVal.value, node.y.baseVal.value])")
                self.assertEqual(len(places), count)
                columns = {}
                for x, y in places:
                    columns.setdefault(x, []).append(y)
                for rows in columns.values():
                    rows.sort()
                    self.assertTrue(all(b - a >= 30 for a, b in zip(rows, rows[1:])))
                xs = sorted(columns)
                self.assertTrue(all(b - a >= 172 for a, b in zip(xs, xs[1:])))
                inside = self.js("const box = document.querySelector('.graph').getBoundingClientRect();"
                                 "return [...document.querySelectorAll('.node')].every((node) => { const own = node.getBoundingClientRect();"
                                 "return own.left >= box.left && own.right <= box.right && own.top >= box.top && own.bottom <= box.bottom; })")
                self.assertTrue(inside, "all of it is in sight at first")
                for _ in range(12):
                    self.find(".graph-box .tools button").click()
                box, chosen = self.rects(".graph", ".node.chosen").values()
                self.assertTrue(overlap(box, chosen), "zooming in keeps the chosen stage in sight")
                self.assertGreater(chosen["right"] - chosen["left"], 170, "and large enough to read")

    def test_many_stages_are_drawn_in_reasonable_time(self):
        """About a second on an idle machine; the bound is for machines that are not."""
        self.open(2000)
        drawn = self.js("const one = performance.getEntriesByType('navigation')[0]; return one.domContentLoadedEventEnd - one.responseEnd")
        self.assertLess(drawn, 15000)

    def test_a_page_needs_nothing_from_elsewhere(self):
        for count in (10, 2000):
            self.open(count)
            self.assertEqual(self.js("return performance.getEntriesByType('resource').length"), 0)
        self.assertLess(pathlib.Path(self.dir / "2000" / "index.html").stat().st_size, 8 << 20)


if __name__ == "__main__":
    unittest.main()
