"""A run that was killed goes on where it was; a run that is going on can be cancelled from elsewhere."""

import os
import pathlib
import random
import re
import signal
import subprocess
import time
import unittest

from harness import STAGEBOX, ProjectTest

KILLS = int(os.environ.get("STAGEBOX_RESUME_KILLS", "12"))


class ResumeTest(ProjectTest):
    def chain(self):
        # `cache: never`: nothing but the record of the run itself can spare a stage its second time.
        self.pipeline("""
  a: {cache: never, run: "sleep 0.2; echo a > out", outputs: {o: out}}
  b: {cache: never, matrix: {n: [x, y]}, inputs: {i: {from: a.o}}, run: "sleep 0.2; cat i > out; echo ${{ matrix.n }} ${{ params.p }} >> out", outputs: {o: out}}
  c: {cache: never, inputs: {x: {from: "b[x].o"}, y: {from: "b[y].o"}}, run: "cat x y > out", outputs: {o: out}}
""", head="params: {p: {default: none}}\n")

    def test_sigkill_at_random_instants_and_resume(self):
        self.chain()
        # Once to import the image, once to see how long a run takes.
        self.assertEqual(self.run_stagebox("run", "--param", "p=q").returncode, 0)
        started = time.monotonic()
        self.assertEqual(self.run_stagebox("run", "--param", "p=q").returncode, 0)
        duration = time.monotonic() - started
        undisturbed = self.digests("last")
        self.assertEqual(len(undisturbed), 4)
        chance = random.Random(20261124)
        resumed = 0
        for kill in range(4 * KILLS):
            # On a busy machine most kills may miss the middle of a run.
            if kill >= KILLS and resumed:
                break
            before = {run["run"] for run in self.runs()}
            process = self.start("run", "--param", "p=q", start_new_session=True)
            time.sleep(chance.uniform(0.1, 1.0) * duration)  # the instant is the point
            os.kill(process.pid, signal.SIGKILL)
            process.communicate(timeout=60)
            fresh = [run["run"] for run in self.runs() if run["run"] not in before]
            if not fresh:
                continue
            finished = self.finish_broken(fresh[0], undisturbed)
            resumed += bool(finished) and len(finished) < 4
            self.assertEqual(self.leftovers(), [])
        self.assertGreater(resumed, 0, "no kill came in the middle of a run")

    def test_what_cleans_up_or_tells_has_its_work_again(self):
        self.write("good", "no\n")
        self.pipeline("""
  fine: {cache: never, run: "true"}
  deploy: {needs: [fine], inputs: {good: {path: good}}, run: "grep yes good"}
  after: {needs: [deploy], run: "true"}
  tell: {needs: [deploy], when: failure, cache: never, run: "true"}
  clean: {needs: [after], when: always, cache: never, run: "true"}
  tidy: {needs: [fine], when: always, cache: never, run: "true"}
""")
        failed = {"fine": "succeeded", "deploy": "failed", "after": "skipped", "tell": "succeeded", "clean": "succeeded",
                  "tidy": "succeeded"}
        self.assertEqual(self.run_stagebox("run").returncode, 1)
        self.assertEqual(self.states(), failed)
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 1)
        again = failed | {"fine": "cached", "tidy": "cached"}
        self.assertEqual(self.states(), again)
        self.write("good", "yes\n")
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 0)
        self.assertEqual(self.states(), again | {"deploy": "succeeded", "after": "succeeded", "tell": "skipped"})

    def test_what_changed_meanwhile_is_done_again(self):
        self.write("src", "one\n")
        self.pipeline("""
  ok: {cache: never, inputs: {src: {path: src}}, run: "cat src > out", outputs: {o: out}}
  other: {cache: never, run: "echo same > out", outputs: {o: out}}
  bad: {needs: [ok, other], inputs: {src: {path: src}}, run: "grep two src"}
""")
        self.assertEqual(self.run_stagebox("run").returncode, 1)
        self.write("src", "two\n")
        result = self.run_stagebox("resume", "last")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(self.states(), {"ok": "succeeded", "other": "cached", "bad": "succeeded"})
        self.assertEqual(len(self.runs()), 1)
        # It had not been interrupted.
        self.assertRegex(result.stdout, r"other .*finished before in this run")
        self.assertIn("it had finished before in this run", self.run_stagebox("explain", "last", "other").stdout)

    def test_a_stage_that_the_pipeline_has_no_more_is_no_part_of_the_run(self):
        self.pipeline("""
  ok: {run: "echo fine > out", outputs: {o: out}}
  bad: {needs: [ok], run: "false"}
  worse: {run: "false", retry: {attempts: 2, backoff: 1ms}}
""")
        self.assertEqual(self.run_stagebox("run").returncode, 1)
        self.pipeline("""
  ok: {run: "echo fine > out", outputs: {o: out}}
  good: {needs: [ok], run: "true"}
""")
        result = self.run_stagebox("resume", "last")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(self.states(), {"ok": "cached", "good": "succeeded"})

    def test_unknown_runs_are_named(self):
        self.chain()
        result = self.run_stagebox("resume", "nothing")
        self.assertEqual(result.returncode, 2)
        self.assertIn("no run", result.stderr)

    def test_cancel_ends_a_run_of_another_process(self):
        self.pipeline("  long: {run: \"trap '' TERM; sleep 1000\"}\n")
        process = self.start("run")
        for line in process.stdout:
            if "running" in line:
                break
        refused = self.run_stagebox("resume", "last")
        self.assertEqual(refused.returncode, 2)
        self.assertIn(f"is going on, as process {process.pid}", refused.stderr)
        self.assertEqual(self.run_stagebox("cancel", "last").returncode, 0)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(self.states(), {"long": "cancelled"})
        self.assertEqual(self.run_stagebox("cancel", "last").returncode, 2)
        self.assertEqual(self.leftovers(), [])

    def start_long(self):
        self.pipeline("  long: {run: sleep 1000}\n")
        process = self.start("run")
        for line in process.stdout:
            if "running" in line:
                return process
        raise AssertionError(process.stderr.read())

    def test_a_run_of_another_pid_namespace_is_not_cancelled(self):
        if os.geteuid() != 0:
            return  # Who is not root cannot make one; the command is the same.
        process = self.start_long()
        refused = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", STAGEBOX, "cancel", "last"], cwd=self.project,
                                 env=self.environment, capture_output=True, text=True, check=False)
        self.assertEqual(refused.returncode, 2, refused.stdout)
        self.assertIn("another pid namespace", refused.stderr)
        self.assertEqual(self.run_stagebox("cancel", "last").stdout, f"cancelled {self.runs()[0]['run']}\n")
        process.communicate(timeout=60)

    def test_a_run_that_ended_otherwise_is_not_said_to_be_cancelled(self):
        process = self.start_long()
        run = self.runs()[0]["run"]
        process.send_signal(signal.SIGSTOP)
        cancel = self.start("cancel", run)
        while not self.has_pending(process.pid):
            time.sleep(0.02)
        process.kill()
        process.communicate(timeout=60)
        self.assertEqual(cancel.communicate(timeout=60)[0], f"the run {run} had ended: error\n")
        self.assertEqual(cancel.returncode, 0)

    @staticmethod
    def has_pending(pid):
        """Whether SIGTERM waits for the process."""
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        pending = int(re.search(r"ShdPnd:\s*(\w+)", status)[1], 16)
        return pending >> (signal.SIGTERM - 1) & 1 == 1


if __name__ == "__main__":
    unittest.main()
