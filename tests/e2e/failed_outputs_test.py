"""Outputs of stages that failed: `when: failure` and `when: always`."""

import json
import unittest

from harness import ProjectTest

VALUE = "hunter22-x9zq-w7"


class FailedOutputsTest(ProjectTest):
    def artifact(self, name):
        result = self.run_stagebox("artifacts", "last", name, "-")
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def listed(self):
        rows = json.loads(self.run_stagebox("artifacts", "last", "--json").stdout)
        return sorted(row["stage"] + "." + row["name"] for row in rows)

    def test_what_was_left_is_kept_told_and_exported(self):
        self.pipeline("""
  t: {run: "echo shot > shot; echo log > log; mkdir d; echo x > d/x; exit 3",
      outputs: {shot: {path: shot, when: failure}, log: {path: log, when: always}, d: {path: d, when: failure, type: directory},
                out: out, none: {path: none, when: failure}}}
""")
        out = self.run_it(1)
        self.assertIn("t.shot shot\n", out)
        self.assertNotIn("none", out, "it need not be there")
        self.assertEqual(self.listed(), ["t.d", "t.log", "t.shot"])
        self.assertEqual(self.artifact("t.shot"), "shot\n")
        self.assertIn("(its stage failed)", self.run_stagebox("artifacts", "last").stdout)
        self.assertEqual(self.run_stagebox("artifacts", "last", "--all", "all").returncode, 0)
        self.assertEqual((self.project / "all/t.d/x").read_text(), "x\n")
        provenance = self.run_stagebox("artifacts", "last", "t.log", "--provenance")
        self.assertEqual(provenance.returncode, 2, provenance.stdout)
        self.assertIn("did not succeed", provenance.stderr)
        shell = self.run_stagebox("shell", "last", "t", "--", "cat", "shot", "log")
        self.assertEqual(shell.stdout, "shot\nlog\n", "what was kept is still in the workspace: " + shell.stderr)

    def test_a_success_has_none_of_those_for_failures(self):
        self.pipeline("""
  t: {run: "echo shot > shot; echo log > log", outputs: {shot: {path: shot, when: failure}, log: {path: log, when: always}}}
""")
        self.run_ok()
        self.assertEqual(self.listed(), ["t.log"])
        self.run_ok()
        self.assertEqual((self.states(), self.listed()), ({"t": "cached"}, ["t.log"]))
        self.pipeline("""
  t: {run: "echo shot > shot", outputs: {shot: {path: shot, when: failure}, log: {path: log, when: always}}}
""")
        self.assertIn("(log) is missing", self.run_it(1))
        self.assertEqual(self.listed(), ["t.shot"], "it failed for want of the other")

    def test_others_take_them(self):
        self.pipeline("""
  t: {run: "echo seen > r; exit 1", outputs: {r: {path: r, when: always}, l: {path: l, when: failure}}}
  tell: {when: failure, inputs: {r: {from: t.r}}, run: "cat r"}
  always: {when: always, inputs: {r: {from: t.r}}, run: "wc r"}
  missing: {when: always, inputs: {l: {from: t.l}}, run: "cat l"}
  build: {inputs: {r: {from: t.r}}, run: "cat r"}
""")
        self.run_it(1)
        self.assertEqual(self.states(), {"t": "failed", "tell": "succeeded", "always": "succeeded", "missing": "skipped",
                                         "build": "skipped"})
        self.assertEqual(self.run_stagebox("logs", "last", "tell").stdout, "seen\n")

    def test_a_failure_that_is_allowed_has_them(self):
        self.pipeline("""
  t: {allow_failure: true, run: "echo seen > r; exit 1", outputs: {r: {path: r, when: always}, o: o}}
  take: {inputs: {r: {from: t.r}}, run: "cat r"}
  other: {inputs: {o: {from: t.o}}, run: "cat o"}
""")
        self.run_ok()
        self.assertEqual(self.states(), {"t": "allowed failure", "take": "succeeded", "other": "skipped"})

    def test_timeouts_leave_them_and_cancelled_stages_do_not(self):
        self.pipeline("""
  t: {timeout: 1s, run: "echo seen > r; sleep 60", outputs: {r: {path: r, when: failure}}}
""")
        self.run_it(1)
        self.assertEqual(self.artifact("t.r"), "seen\n")
        self.pipeline("""
  t: {run: "echo seen > r; echo begun; sleep 60", outputs: {r: {path: r, when: failure}}}
""")
        process = self.start("run")
        self.wait_for_log("t", "begun")
        self.assertEqual(self.run_stagebox("cancel", "last").returncode, 0)
        process.communicate(timeout=60)
        self.assertEqual(self.listed(), [])

    def test_only_those_of_the_last_attempt_are_kept(self):
        self.write("n", "1")
        self.pipeline("""
  t: {run: "grep -q 2 n || echo x > left; echo end; exit 1", inputs: {n: {path: n}},
      outputs: {n: {path: left, when: failure}}, retry: {attempts: 2, backoff: 2s, on: [failure]}}
""")
        process = self.start("run")
        self.wait_for_log("t", "end")
        self.write("n", "2")
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, out + err)
        self.assertEqual(self.listed(), [])
        self.write("n", "1")
        self.run_it(1)
        self.assertEqual(self.listed(), ["t.n"])
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 1)
        self.assertEqual(self.listed(), ["t.n"])

    def test_a_bad_one_is_told_and_makes_nothing_worse(self):
        self.pipeline("""
  t: {run: "ln -s /etc/passwd link; echo fine > fine; head -c 5000 /dev/zero > big; mkfifo fifo; exit 9",
      outputs: {link: {path: link, when: failure}, fine: {path: fine, when: failure}, fifo: {path: fifo, when: always},
                big: {path: big, when: failure, max_size: 1kB}}}
""")
        out = self.run_it(1)
        self.assertIn("exited with status 9", out)
        self.assertIn("not all was kept", out)
        for name in ("(link) is a symbolic link", "(fifo) is neither", "more than its max_size"):
            self.assertIn(name, out)
        self.assertEqual(self.listed(), ["t.fine"])
        self.assertEqual(self.leftovers(), [])

    def test_one_with_a_secret_is_left_out(self):
        self.environment["TOKEN"] = VALUE
        self.pipeline("""
  t: {secrets: [TOKEN], run: "cat /run/secrets/TOKEN > leak; echo fine > fine; exit 1",
      outputs: {leak: {path: leak, when: failure}, fine: {path: fine, when: failure}}}
""")
        out = self.run_it(1, "--secret", "TOKEN=env:TOKEN")
        self.assertIn("leak", out)
        self.assertNotIn(VALUE, out)
        self.assertEqual(self.listed(), ["t.fine"])

    def test_services_that_fail_a_stage_leave_them(self):
        self.pipeline("""
  t: {run: "echo seen > r; sleep 60", outputs: {r: {path: r, when: failure}},
      services: {s: {image: bb, run: "sleep 2; exit 4"}}}
""")
        self.run_it(1)
        self.assertEqual(self.artifact("t.r"), "seen\n")


if __name__ == "__main__":
    unittest.main()
