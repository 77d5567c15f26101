"""Attempts: what is tried again, how it is told, and that nothing keeps a cancelled run waiting."""

import json
import os
import shutil
import signal
import subprocess
import unittest

from harness import STAGEBOX, ProjectTest

# In a mount namespace of its own: there are too few inodes for a sandbox until the first attempt has failed.
FULL_FOR_A_WHILE = """
set -eu
mount -t tmpfs -o size=64m,mode=0700,nr_inodes=4000 none "$STAGEBOX_HOME"
"$STAGEBOX" image import bb.tar > /dev/null
free=$(df --output=iavail "$STAGEBOX_HOME" | tail -n 1)
mkdir "$STAGEBOX_HOME/filler"
seq -f "$STAGEBOX_HOME/filler/%g" $((free - 13)) | xargs touch
"$STAGEBOX" run > "$TOLD" 2>&1 &
for i in $(seq 600); do
  grep -q retrying "$TOLD" && break
  sleep 0.1
done
rm -r "$STAGEBOX_HOME/filler"
wait $!
"""


class RetryTest(ProjectTest):
    def attempts(self, stage):
        shown = json.loads(self.run_stagebox("show", "last", stage, "--json").stdout)
        return [(row["attempt"], row["state"]) for row in shown["attempts"]]

    @staticmethod
    def kill_helper(process, name):
        """The one child of `process` with this name."""
        pids = subprocess.run(["pgrep", "-x", "-P", str(process.pid), name], capture_output=True, text=True).stdout.split()
        (pid,) = map(int, pids)
        os.kill(pid, signal.SIGKILL)

    def test_a_sandbox_that_somebody_killed_is_no_failure_of_the_stage(self):
        self.pipeline("""
  a: {cache: never, run: "echo begun; sleep 2; echo a > o", outputs: {o: o}, allow_failure: true}
  b: {inputs: {i: {from: a.o}}, run: "cat i"}
""")
        process = self.start("run")
        self.wait_for_log("a", "begun")
        self.kill_helper(process, "stagebox-fork")
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        self.assertIn("the sandbox was killed from outside", out)
        self.assertEqual(self.attempts("a"), [(1, "error"), (2, "succeeded")])
        self.assertEqual(self.states(), {"a": "succeeded", "b": "succeeded"})
        self.assertEqual(self.leftovers(), [])

    def test_without_a_helper_that_cannot_be_started_again_nothing_is(self):
        self.pipeline("""
  t: {cache: never, run: "echo begun; sleep 1; echo 'TAP version 13' > t; echo 1..0 >> t", tests: [{tap: t}]}
""")
        process = self.start("run")
        self.wait_for_log("t", "begun")
        self.kill_helper(process, "stagebox-work")
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 3, out + err)
        self.assertIn("the process of Stagebox that reads what others wrote was killed; start the command again", out + err)
        self.assertEqual(self.attempts("t"), [(1, "error")])
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 0)
        self.assertEqual(self.leftovers(), [])

    def test_a_reader_of_reports_that_somebody_killed_is_no_bad_report(self):
        self.pipeline("""
  t: {cache: never, run: "echo TAP version 13 > t; seq 150000 | sed 's/$/ - the name of a case/; s/^/ok /' >> t; echo 1..150000 >> t; echo made", tests: [{tap: t}]}
""")
        process = self.start("run")
        self.wait_for_log("t", "made")
        self.kill_worker(process)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        self.assertIn("the process of Stagebox that reads reports was killed by signal 9", out)
        self.assertEqual(self.attempts("t"), [(1, "error"), (2, "succeeded")])
        self.assertEqual(self.leftovers(), [])

    def test_a_stage_succeeds_at_a_later_attempt(self):
        self.write("src", "bad\n")
        self.pipeline("""
  flaky:
    inputs: {src: {path: src}}
    run: "cat src; grep -q good src || exit 75; cp src out"
    outputs: {o: out}
    retry: {attempts: 3, backoff: 1s, on: [timeout, exit:75]}
  after: {inputs: {i: {from: flaky.o}}, run: "cat i"}
""")
        process = self.start("run")
        told = ""
        for line in process.stdout:
            told += line
            if "retrying" in line:
                self.write("src", "good\n")
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, told)
        self.assertRegex(told, r"flaky +retrying .*attempt 1 of 3: exited with status 75; next in (0\.[5-9]|1\.0)")
        self.assertRegex(told, r"flaky +ok .*attempt 2 of 3")
        self.assertRegex(told, r"(?m)^succeeded in .*: 2 ok \(1 on a retry\)$")
        self.assertEqual(self.attempts("flaky"), [(1, "failed"), (2, "succeeded")])
        self.assertEqual(self.run_stagebox("logs", "last", "flaky").stdout, "good\n")
        self.assertEqual(self.run_stagebox("logs", "last", "flaky", "--attempt", "1").stdout, "bad\n")
        self.assertEqual(self.run_stagebox("logs", "last", "flaky", "--attempt", "3").returncode, 2)
        self.assertIn("[2 attempts]", self.run_stagebox("show", "last").stdout)
        self.assertIn("attempt 1", self.run_stagebox("show", "last", "flaky").stdout)
        self.assertEqual(self.leftovers(), [])

    def test_only_the_causes_that_are_named(self):
        self.pipeline("""
  other: {run: "exit 1", retry: {attempts: 3, backoff: 1ms, on: [timeout, exit:75]}}
  slow: {run: "sleep 100", timeout: 1s, retry: {attempts: 2, backoff: 1ms, on: [timeout]}}
  plain: {run: "exit 1"}
""")
        told = self.run_stagebox("run", "--keep-going")
        self.assertEqual(told.returncode, 1)
        self.assertRegex(told.stdout, r"(?m)^FAILED in .*: 3 FAILED$")
        self.assertRegex(told.stdout, "(?m)^slow: attempt 2 of 2: killed: ran longer")
        self.assertRegex(told.stdout, "(?m)^other: exited with status 1$")
        self.assertEqual(self.attempts("other"), [(1, "failed")])
        self.assertEqual(self.attempts("slow"), [(1, "failed"), (2, "failed")])
        self.assertEqual(self.attempts("plain"), [(1, "failed")])

    def test_running_out_of_memory_is_a_cause(self):
        self.pipeline("""
  greedy: {run: "head -c 100000000 /dev/zero | tail -n 1", resources: {memory: 16MiB}, retry: {attempts: 2, backoff: 1ms, on: [oom]}}
  late: {run: "head -c 100000000 /dev/zero | tail -n 1", resources: {memory: 16MiB}, retry: {attempts: 2, backoff: 1ms, on: [timeout]}}
""")
        told = self.run_it(1, "--keep-going")
        self.assertEqual(self.attempts("greedy"), [(1, "failed"), (2, "failed")])
        self.assertEqual(self.attempts("late"), [(1, "failed")])
        self.assertRegex(told, "greedy +retrying .*attempt 1 of 2: killed: needed more than its memory limit")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "mounting a small disk needs root")
    def test_what_the_machine_fails_at_is_tried_again_without_being_asked_for(self):
        self.pipeline("  make: {run: 'echo made > out', outputs: {o: out}}\n")
        self.home.mkdir(mode=0o700)
        told = self.dir / "told"
        environment = dict(self.environment, STAGEBOX=STAGEBOX, TOLD=str(told))
        result = subprocess.run(["unshare", "-m", "sh", "-c", FULL_FOR_A_WHILE], cwd=self.project, env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = told.read_text()
        self.assertEqual(result.returncode, 0, result.stdout + said)
        self.assertRegex(said, r"make +retrying .*attempt 1 of \d: .*No space left on device; .*\"stagebox gc\" frees")
        self.assertRegex(said, r"make +ok .*attempt [23] of")

    def test_a_wait_ends_with_an_interruption(self):
        self.pipeline("  never: {run: \"exit 1\", retry: {attempts: 9, backoff: 10m}}\n")
        for interrupt in ("signal", "cancel"):
            process = self.start("run")
            for line in process.stdout:
                if "retrying" in line:
                    break
            if interrupt == "signal":
                process.send_signal(signal.SIGINT)
            else:
                self.assertEqual(self.run_stagebox("cancel", "last").returncode, 0)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 130)
            self.assertEqual(self.states(), {"never": "cancelled"})
            self.assertEqual(self.attempts("never"), [(1, "failed")])
        self.assertEqual(self.leftovers(), [])

    def test_a_resumed_run_counts_on(self):
        self.pipeline("  bad: {run: \"exit 1\", retry: {attempts: 2, backoff: 1ms}}\n")
        self.assertEqual(self.run_stagebox("run").returncode, 1)
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 1)
        self.assertEqual(self.attempts("bad"), [(number, "failed") for number in (1, 2, 3, 4)])

    def test_cached_stages_are_not_told_as_running(self):
        self.pipeline("  a: {run: \"true\"}\n")
        self.assertIn("running", self.run_stagebox("run").stdout)
        again = self.run_stagebox("run")
        self.assertIn("cached", again.stdout)
        self.assertNotIn("running", again.stdout)
        self.assertEqual(self.attempts("a"), [])


if __name__ == "__main__":
    unittest.main()
