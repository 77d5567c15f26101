"""A user without a cgroup to write to: what was asked for is refused, and what was not is said to be unlimited."""

import json
import unittest

from harness import ProjectTest


class NoCgroupsTest(ProjectTest):
    def test_a_limit_that_was_asked_for_refuses_the_stage_and_names_the_remedy(self):
        self.pipeline("""
  limited: {resources: {memory: 64MiB}, run: "echo it ran"}
  after: {needs: [limited], run: "true"}
  free: {run: "echo free"}
""")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 3, result.stdout + result.stderr)
        for words in ("memory controller", "no writable cgroup", "Delegate=yes", "stagebox doctor"):
            self.assertIn(words, result.stdout)
        self.assertEqual(self.states(), {"limited": "error", "after": "skipped", "free": "succeeded"})
        self.assertNotIn("it ran", self.run_stagebox("logs", "last", "limited").stdout)
        self.assertEqual(self.leftovers(), [])

    def test_limits_that_need_no_cgroup_hold(self):
        self.pipeline("""  full: {resources: {disk: 1MiB}, run: "dd if=/dev/zero of=f bs=1k count=4000"}\n""")
        self.assertEqual(self.run_stagebox("run").returncode, 1)
        self.assertIn("No space left", self.run_stagebox("logs", "last", "full").stdout)

    def test_default_limits_refuse_nothing_but_their_absence_is_said_once(self):
        self.pipeline("  one: {run: 'true'}\n  two: {run: 'true'}\n")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(result.stderr.count("not limited"), 1, result.stderr)

    def test_so_is_that_of_a_command(self):
        result = self.run_stagebox("exec", "--image", "bb.tar", "--json", "--", "echo", "done")
        self.assertEqual((result.returncode, result.stdout), (0, "done\n"), result.stderr)
        self.assertEqual(result.stderr.count("memory and pids of the command are not limited"), 1, result.stderr)
        self.assertEqual(json.loads(result.stderr.splitlines()[-1])["cause"], "exited")
        # One that was asked for is no default.
        refused = self.run_stagebox("exec", "--image", "bb.tar", "--memory", "64MiB", "--", "echo", "done")
        self.assertEqual((refused.returncode, refused.stdout), (125, ""), refused.stderr)
        self.assertIn("memory controller", refused.stderr)

    def test_every_process_dies_with_its_stage_all_the_same(self):
        self.pipeline("""  daemon: {run: "setsid sleep 300 & (setsid sleep 300 &); true"}\n""")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        self.assertEqual(self.leftovers(), [])

    def test_the_doctor_says_so(self):
        told = json.loads(self.run_stagebox("doctor", "--json").stdout)
        memory = next(item for item in told if item["name"] == "limit: memory")
        self.assertEqual(memory["state"], "refused")
        self.assertIn("Delegate=yes", memory["remedy"])


if __name__ == "__main__":
    unittest.main()
