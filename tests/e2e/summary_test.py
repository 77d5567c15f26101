"""What stages say of themselves in Markdown: read whatever a stage does to it, shown, kept, and decides nothing."""

import json
import unittest

from harness import ProjectTest


class SummaryTest(ProjectTest):
    def stage(self, run, more=""):
        self.pipeline(f"  s: {{run: {json.dumps(run)}, summary: out/*.md{more}}}\n")

    def said(self, *options):
        shown = self.run_stagebox("show", "last", *options, "--summary")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        return shown.stdout

    def test_it_is_told_and_shown(self):
        self.pipeline("""
  one: {run: "mkdir out; echo '# One' > out/1.md; printf '%s' '- [x] done' > out/2.md", summary: out/*.md}
  two: {run: "echo two >> said.md; exit 3", summary: said.md, when: always}
  none: {run: "true", summary: said.md}
""")
        out = self.run_it(1, "--jobs", "1", "--keep-going", "--events", "events", "--report", "html")
        run = json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]
        self.assertRegex(out, rf"\n  summaries of (one, two|two, one): stagebox show {run} --summary\n")
        self.assertEqual(self.said(), "# one\n\n# One\n\n- [x] done\n\n# two\n\ntwo\n\n")
        self.assertEqual(self.said("one"), "# One\n\n- [x] done\n")
        told = json.loads(self.said("--json"))
        self.assertEqual(told[1], {"stage": "two", "attempt": 1, "lines": 1, "cut": False, "markdown": "two\n"})
        shown = json.loads(self.run_stagebox("show", "last", "--json").stdout)["stages"]
        self.assertEqual([stage.get("summary") for stage in shown], [{"lines": 3}, {"lines": 1}, None])
        self.assertIn("    summary: 3 lines\n", self.run_stagebox("show", "last").stdout)
        events = [json.loads(line) for line in (self.project / "events").read_text().splitlines()]
        self.assertEqual(sorted(event["summary"]["lines"] for event in events if "summary" in event), [1, 3])
        self.assertIn('["heading","1"],"One",0', (self.project / "html/index.html").read_text())
        missing = self.run_stagebox("show", "last", "none", "--summary")
        self.assertEqual(missing.returncode, 2)
        self.assertIn("the stage \"none\" of run", missing.stderr)
        self.assertEqual(self.leftovers(), [])

    def test_a_hit_has_the_one_of_the_run_that_made_it(self):
        self.stage("mkdir out; echo made > out/a.md")
        self.run_it(0)
        for _ in range(3):  # The third is answered without a plan.
            out = self.run_it(0)
            self.assertIn("cached", out)
            self.assertIn("  summary of s: stagebox show", out)
            self.assertEqual(self.said("s"), "made\n")
        self.assertEqual(self.run_stagebox("gc", "--keep-runs", "1").returncode, 0)
        self.assertEqual(self.said("s"), "made\n")
        self.assertEqual(json.loads(self.said("--json"))[0]["attempt"], 0)
        self.stage("mkdir out; echo made > out/a.md", ", cache: always")
        self.assertIn("cached", self.run_it(0))

    def test_the_last_attempt_counts(self):
        self.pipeline("""
  s:
    cache: never
    caches: [{path: .c, key: k, save: always}]
    run: "mkdir -p .c; echo x >> .c/n; test $(wc -l < .c/n) -gt 1 || { echo first > a.md; exit 1; }"
    retry: {attempts: 2, on: [failure], backoff: 1ms}
    summary: a.md
  fails: {needs: [s], run: exit 1}
""")
        self.run_it(1)

        def has_none():
            missing = self.run_stagebox("show", "last", "--summary")
            self.assertEqual(missing.returncode, 2, missing.stdout)
            self.assertIn("has no summaries", missing.stderr)

        has_none()
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 1)
        self.assertEqual(self.states(), {"s": "cached", "fails": "failed"})
        has_none()

    def test_what_is_wrong_with_it_is_a_warning(self):
        wrong = {
            "mkdir out; ln -s /etc/passwd out/a.md": 'the summary "out/a.md" is a symbolic link',
            "mkdir out; mkfifo out/a.md": 'the summary "out/a.md" is no regular file',
            "mkdir out; busybox truncate -s 65M out/a.md": 'the summary "out/a.md" has 65 MiB',
            "mkdir out; yes 'a line' | head -c 1100000 > out/a.md": "the summary has more than 1.0 MiB or",
        }
        for run, warning in wrong.items():
            with self.subTest(run=run):
                self.stage(run)
                out = self.run_it(0)
                self.assertIn(warning, out)
        self.stage("mkdir out; yes 'a line' | head -c 1100000 > out/a.md; echo again")
        self.run_it(0)
        self.assertTrue(json.loads(self.said("--json"))[0]["cut"])
        self.stage("mkdir out; printf '  \\n' > out/a.md")
        self.assertNotIn("summary", self.run_it(0), "nothing was said")

    def test_hostile_text_is_text(self):
        self.stage("mkdir out; head -c 200000 /dev/urandom > out/a.md; "
                   "printf '\\033]0;owned\\007<script>alert(1)</script>[x](javascript:alert(1))' > out/b.md; "
                   "i=0; while [ $i -lt 2000 ]; do printf '> - *a '; i=$((i+1)); done > out/c.md")
        self.run_it(0, "--report", "html")
        shown = self.run_stagebox("show", "last", "s", "--summary", text=False).stdout
        self.assertNotIn(b"\x1b", shown)
        self.assertNotIn(b"\x07", shown)
        page = (self.project / "html/index.html").read_text()
        self.assertNotIn("<script>alert", page)
        self.assertNotIn('"link","javascript', page)

    def test_secrets_are_masked_in_it(self):
        self.environment["GIVEN"] = "the&very-secret"
        self.pipeline("""
  s:
    secrets: [TOKEN]
    run: |
      v=$(cat /run/secrets/TOKEN)
      echo "::add-mask::another-value"
      { echo "it is $v, or the&amp;very-secret, [here](https://a.example/?$v) and another-value"; echo "$v" | base64; } > a.md
    summary: a.md
""")
        self.run_it(0, "--secret", "TOKEN=env:GIVEN", "--report", "html")
        said = self.said("s")
        self.assertIn("it is ***, or", said)
        page = (self.project / "html/index.html").read_text()
        data = json.loads(page[page.index('id="data">') + len('id="data">'):page.index("</script>")])
        shown = json.dumps(data["stages"][0]["summary"]["tokens"])
        self.assertIn("https://a.example/?***", shown)
        for text in (said, shown):
            self.assertNotIn("very-secret", text.replace("the&amp;very-secret", ""), "what no parser undid is no secret")
            self.assertNotIn("another-value", text)
        for path in (self.home / "cas").rglob("*"):
            if path.is_file():
                self.assertNotIn(b"the&very-secret", path.read_bytes(), path)

    def test_a_secret_that_only_markdown_has_is_not_shown(self):
        self.environment["GIVEN"] = "my_Token|val#ue_r12345"
        for script, changes in ((r"s/[_|]/\\&/g", True), (r"s/_/\&lowbar;/g", True), ("s/x/y/", False)):
            self.write("say.sh", f"m=$(sed '{script}' /run/secrets/M); echo \"$m and <https://a.example/$m>\" > s.md\n")
            self.pipeline("  s: {secrets: [M], inputs: {in: {path: say.sh}}, run: sh in, summary: s.md}\n")
            self.run_it(0, "--secret", "M=env:GIVEN", "--report", "html")
            said = self.said("s")
            self.assertNotIn("Token", said)
            self.assertEqual("is left out here" in said, changes, said)
            self.assertIn('"*** and ', (self.project / "html/index.html").read_text())


if __name__ == "__main__":
    unittest.main()
