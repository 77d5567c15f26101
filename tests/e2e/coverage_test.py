"""Coverage reports: read whatever a stage does to them, shown, kept, and compared with the last trusted run."""

import json
import unittest

from harness import ProjectTest

# A coverage tool: lines "file line hits" of a file become an LCOV tracefile with a record for each.
TOOL = r"""
    while read -r file line hits; do
      printf 'SF:/workspace/%s\nDA:%s,%s\nend_of_record\n' "$file" "$line" "$hits"
    done < src > lcov.info
"""


class CoverageTest(ProjectTest):
    def lines(self, text, more=""):
        """A pipeline whose stage `t` executed these lines."""
        self.write("src", text)
        script = TOOL.replace("\n", "\n  ")
        self.pipeline(f"  t:\n    inputs: {{src: {{path: src}}}}\n    run: |{script}\n"
                      f"    coverage: [{{lcov: lcov.info}}]\n{more}")

    def run_id(self):
        return json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]

    def listing(self, *options):
        shown = self.run_stagebox("tests", "last", "--coverage", *options)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        return shown.stdout

    def told(self, *options):
        return json.loads(self.listing("--json", *options))["stages"][0]

    def test_the_difference_to_the_run_before(self):
        self.lines("a.c 1 1\na.c 2 0\na.c 2 0\nb.c 1 0\n")
        out = self.run_it(0)
        self.assertRegex(out, r"\n  t +coverage 33.3 % of lines \(1 of 3\)\n")
        first = self.run_id()
        self.lines("a.c 1 1\na.c 2 4\nb.c 1 0\nc.c 1 0\n")
        out = self.run_it(0, "--events", "events", "--report", "html")
        self.assertRegex(out, rf"\n  t +coverage 50.0 % of lines \(2 of 4\), \+16.7 against run {first}\n")
        listing = self.listing("t")
        self.assertIn(f"t: 50.0 % of lines (2 of 4), +16.7 against run {first}\n", listing)
        self.assertRegex(listing, r"\n +100.0 % +\+50.0  a.c \(2 of 2\)\n +0.0 % +\+0.0  b.c \(0 of 1\)\n +0.0 % +new  c.c ")
        told = self.told()
        self.assertEqual([told[key] for key in ("attempt", "cached", "lines", "lines_covered", "branches")],
                         [1, False, 4, 2, 0])
        self.assertEqual([told["before"][key] for key in ("run", "lines", "lines_covered")], [first, 3, 1])
        self.assertEqual([file["path"] for file in told["files"]], ["a.c", "b.c", "c.c"])
        self.assertEqual(told["files"][0]["before"]["lines_covered"], 1)
        self.assertNotIn("before", told["files"][2])
        events = [json.loads(line) for line in (self.project / "events").read_text().splitlines()]
        event = [event["coverage"] for event in events if "coverage" in event][-1]
        self.assertEqual([event["lines"], event["lines_covered"], event["before"]["run"], event["problems"]],
                         [4, 2, first, []])
        page = (self.project / "html/index.html").read_text()
        self.assertIn('"path":"c.c"', page)
        shown = json.loads(self.run_stagebox("show", "last", "--json").stdout)["stages"][0]["coverage"]
        self.assertEqual(shown, {"lines": 4, "lines_covered": 2, "branches": 0, "branches_covered": 0})
        self.assertIn("coverage: 50.0 % of lines (2 of 4)\n", self.run_stagebox("show", "last").stdout)
        for wrong in (("other",), ("--failed",), ("--slowest", "1")):
            self.assertEqual(self.run_stagebox("tests", "last", "--coverage", *wrong).returncode, 2)
        self.assertEqual(self.leftovers(), [])

    def test_a_hit_has_its_coverage_too(self):
        self.lines("a.c 1 1\na.c 2 0\n")
        self.run_it(0)
        first = self.run_id()
        out = self.run_it(0)
        self.assertIn("cached", out)
        self.assertRegex(out, rf"coverage 50.0 % of lines \(1 of 2\), \+0.0 against run {first}\n")
        self.assertIn("(taken from the stage cache)\n", self.listing())
        self.assertEqual(self.run_stagebox("gc", "--keep-runs", "1").returncode, 0)
        self.assertEqual([file["path"] for file in self.told()["files"]], ["a.c"])
        self.lines("a.c 1 1\na.c 2 1\n")
        self.assertRegex(self.run_it(0), r"100.0 % of lines \(2 of 2\), \+50.0 against run")

    def test_only_trusted_runs_are_compared_with(self):
        self.lines("a.c 1 1\na.c 2 0\n")
        self.run_it(0)
        trusted = self.run_id()
        for text, change in (("a.c 1 1\na.c 2 1\n", "+50.0"), ("a.c 1 0\na.c 2 0\n", "-50.0")):
            self.lines(text)
            self.assertIn(f", {change} against run {trusted}\n", self.run_it(0, "--domain", "pr-1"))
        self.lines("a.c 1 1\na.c 2 0\na.c 3 0\n")
        self.assertIn(f", -16.7 against run {trusted}\n", self.run_it(0))

    def test_a_failure_is_not_compared_with(self):
        self.lines("a.c 1 1\na.c 2 0\n")
        self.run_it(0)
        good = self.run_id()
        self.lines("a.c 1 0\na.c 2 0\n", "")
        with (self.project / "stagebox.yaml").open("a", encoding="utf-8") as file:
            file.write("    allow_failure: false\n")
        text = (self.project / "stagebox.yaml").read_text().replace("> lcov.info", "> lcov.info; exit 3")
        self.write("stagebox.yaml", text)
        self.assertIn(f"0.0 % of lines (0 of 2), -50.0 against run {good}\n", self.run_it(1))
        self.lines("a.c 1 1\na.c 2 1\n")
        self.assertIn(f"+50.0 against run {good}\n", self.run_it(0))

    def test_both_formats_and_several_stages(self):
        self.write("c.xml", """<?xml version="1.0"?><!DOCTYPE coverage SYSTEM "coverage-04.dtd">
            <coverage line-rate="1"><sources><source>/workspace/s</source></sources><packages><package><classes>
            <class filename="a.py"><lines><line number="1" hits="1"/><line number="2" hits="0" branch="true"
            condition-coverage="50% (1/2)"/></lines></class></classes></package></packages></coverage>""")
        self.write("l.info", "SF:s/a.py\nDA:2,1\nDA:3,0\nend_of_record\n")
        self.pipeline("""
  one:
    inputs: {in: {path: .}}
    run: mkdir r; cp in/c.xml in/l.info r/
    coverage: [{cobertura: "r/*.xml"}, {lcov: "**/*.info"}]
  two:
    run: printf 'SF:/workspace/s/a.py\\nDA:3,1\\nend_of_record\\n' > l
    coverage: [{lcov: l}]
""")
        self.run_it(0)
        told = json.loads(self.listing("--json"))
        self.assertEqual(sorted((stage["stage"], stage["lines_covered"], stage["lines"]) for stage in told["stages"]),
                         [("one", 2, 3), ("two", 1, 1)])
        self.assertEqual(told["total"], {"lines": 3, "lines_covered": 3, "branches": 2, "branches_covered": 1})
        listing = self.listing()
        self.assertIn("one: 66.6 % of lines (2 of 3), 50.0 % of branches (1 of 2)\n", listing)
        self.assertIn("all: 100.0 % of lines (3 of 3), 50.0 % of branches (1 of 2)\n", listing)

    def test_what_is_declared_must_be_there(self):
        self.pipeline("  t: {run: \"true\", coverage: [{lcov: l}]}\n")
        self.assertIn("the coverage report (lcov l) is missing", self.run_it(1))
        self.pipeline("  t: {run: \"true\", coverage: [{lcov: l, required: false}]}\n")
        self.assertIn("coverage no lines\n", self.run_it(0))
        self.pipeline("  t: {run: \"true\"}\n")
        self.run_it(0)
        self.assertIn("has coverage reports\n", self.listing())

    def test_reports_that_are_none(self):
        lies = {
            "printf 'SF:a\\\\nDA:1,1\\\\n' > l": "l\" is not whole: it ends in the record",
            "printf 'SF:a\\\\nLF:9\\\\nLH:9\\\\nend_of_record\\\\n' > l": "lists none (DA)",
            ": > l": "it is empty",
            "busybox head -c 65536 /dev/urandom > l": "is not whole",
            "busybox yes SF:a | busybox head -n 999999 > l": "is not whole: line 2: ",
            "{ busybox seq 1 60000 | busybox sed 's/.*/SF:f&\\\\nend_of_record/'; } > l": "more than 50000 source files",
            "ln -s /etc/passwd l": "reports are not followed",
            "mkfifo l": "is no regular file",
            "mkdir l": "is no regular file",
            "dd if=/dev/zero of=l bs=1048576 count=65 2>/dev/null": "one may have at most 64 MiB",
            "echo '<coverage lines-valid=\"9\"/>' > c": "lists none (<line>)",
            "echo '<report/>' > c": "no <coverage>",
            "echo '<!DOCTYPE c [<!ENTITY e SYSTEM \"/etc/passwd\">]><coverage><class filename=\"&e;\"/></coverage>' > c":
                "a DOCTYPE with declarations",
            "{ echo '<coverage>'; busybox yes '<a>' | busybox head -n 999999; } > c": "nested deeper than 64",
        }
        for script, said in lies.items():
            self.pipeline("  t:\n    run: |\n      " + script.replace("\\\\", "\\") +
                          "\n    coverage: [{lcov: l, required: false}, {cobertura: c, required: false}]\n")
            self.assertIn(said, self.run_it(1), script)
        self.assertEqual(self.leftovers(), [])

    def test_secrets_are_masked(self):
        self.pipeline(r"""
  t:
    secrets: [TOKEN]
    run: |
      for n in 1 2; do
        printf 'SF:src/%s.c\nDA:%s,1\nend_of_record\n' "$(cat /run/secrets/TOKEN)" $n
        printf 'SF:src/%s.c\nDA:%s,0\nend_of_record\n' "$(cat /run/secrets/TOKEN | tr a-z A-Z)" $n
      done > l
    coverage: [{lcov: l}]
""")
        self.environment["GIVEN"] = value = "abcdefgh12"
        self.run_it(0, "--secret", "TOKEN=env:GIVEN")
        files = {file["path"]: file["lines"] for file in self.told()["files"]}
        self.assertEqual(files.get("src/***.c"), 2, files)
        for path in self.home.rglob("*"):
            if path.is_file() and "layers" not in path.parts:
                self.assertNotIn(value.encode(), path.read_bytes(), path)

    def test_a_resumed_run_keeps_its_coverage(self):
        self.lines("a.c 1 1\n", "  after: {needs: [t], run: \"test -e /nowhere\"}\n")
        self.run_it(1)
        resumed = self.run_stagebox("resume", "last")
        self.assertEqual(resumed.returncode, 1)
        self.assertIn("coverage 100.0 % of lines (1 of 1)\n", resumed.stdout)
        self.assertEqual([file["path"] for file in self.told()["files"]], ["a.c"])


if __name__ == "__main__":
    unittest.main()
