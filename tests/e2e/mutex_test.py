"""Mutex groups across runs: of all runs on one state directory one stage has a group at a time."""

import itertools
import json
import pathlib
import signal
import unittest

from harness import ProjectTest

WAITS = "waiting  another run has the mutex `deploy`"


class MutexTest(ProjectTest):
    def deploy(self, run, more="", mutex="{name: deploy, across: runs}", name="deploy"):
        return f"  {name}: {{cache: never, mutex: {mutex}, run: {json.dumps(run)}{more}}}\n"

    def begin(self, *arguments, until="running"):
        """A run of which a line has been read that ends so, and the lines until then."""
        process = self.launch(*arguments)
        return process, self.read_until(process, until)

    def launch(self, *arguments):
        process = self.start("run", "--output", "plain", *arguments)
        for clean_up in (process.stdout.close, process.stderr.close, process.wait, process.kill):
            self.addCleanup(clean_up)
        return process

    @staticmethod
    def running(mark):
        """Processes that have it in their arguments."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if mark.encode() in path.read_bytes():
                    found.append(path.parent.name)
            except OSError:  # It has just ended.
                continue
        return found

    def interrupt(self, *processes):
        for process in processes:
            self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(60), 130)

    def read_until(self, process, end):
        lines = []
        while not lines or not lines[-1].rstrip().endswith(end):
            line = process.stdout.readline()
            self.assertTrue(line, f"it ended before: {lines} {process.stderr.read() if process.poll() else ''}")
            lines.append(line)
        return lines

    def spans(self, *stages):
        """When each run's stage said its first word and its last: that it has ended is recorded a little after it lets go."""
        spans = []
        for run in self.runs():
            for stage in stages:
                lines = self.run_stagebox("logs", run["run"], stage, "--json").stdout.splitlines()
                times = [json.loads(line)["wall_ns"] for line in lines]
                self.assertGreater(len(times), 1, "it has to say two")
                spans.append((times[0], times[-1]))
        return sorted(spans)

    def assert_apart(self, spans):
        for (_, end), (start, _) in itertools.pairwise(spans):
            self.assertLessEqual(end, start)


class AcrossRunsTest(MutexTest):
    def test_two_runs_do_not_deploy_at_once(self):
        self.pipeline(self.deploy("echo begun; sleep 5; echo end"))
        first, _ = self.begin()
        second, said = self.begin(until=WAITS)
        self.assertFalse(any("running" in line for line in said), said)
        (waiting,) = json.loads(self.run_stagebox("show", "last", "--json").stdout)["stages"]
        self.assertEqual((waiting["state"], waiting["reason"]), ("pending", WAITS.removeprefix("waiting  ")))
        self.assertEqual([process.wait(60) for process in (first, second)], [0, 0])
        spans = self.spans("deploy")
        self.assert_apart(spans)
        self.assertEqual((len(spans), self.leftovers()), (2, []))

    def test_many_runs_take_turns_whatever_the_order_of_the_groups(self):
        self.assertEqual(self.run_stagebox("image", "import", "bb.tar").returncode, 0)
        orders = ["[{name: a, across: runs}, {name: b, across: runs}]", "[{name: b, across: runs}, {name: a, across: runs}]"]
        runs = []
        for n in range(8):
            script = f"echo {n}; sleep 0.1; echo end"
            self.pipeline("".join(self.deploy(script, mutex=orders[(n + stage) % 2], name=f"s{stage}") for stage in range(2)))
            self.write(f"{n}.yaml", (self.project / "stagebox.yaml").read_text())
            runs.append(self.start("run", f"{n}.yaml"))
        told = [process.communicate(timeout=120) for process in runs]
        self.assertEqual([process.returncode for process in runs], [0] * 8, told)
        spans = self.spans("s0", "s1")
        self.assertEqual(len(spans), 16)
        self.assert_apart(spans)

    def test_a_group_of_one_run_and_other_groups_meet_nobody(self):
        self.pipeline(self.deploy("sleep 50"))
        first, _ = self.begin()
        for mutex in ("deploy", "{name: deploy, across: run}", "{name: other, across: runs}"):
            self.pipeline(self.deploy("true", mutex=mutex))
            self.run_ok()
        self.interrupt(first)

    def test_forks_and_other_projects_meet_nobody(self):
        self.pipeline(self.deploy("sleep 50"))
        fork, _ = self.begin("--trust", "untrusted", "--domain", "pr-1")
        project, _ = self.begin("--project", "team/app")
        self.pipeline(self.deploy("true"))
        self.run_ok()
        self.run_ok("--trust", "untrusted", "--domain", "pr-2")
        self.run_ok("--project", "team/other")
        for arguments in (("--trust", "untrusted", "--domain", "pr-1"), ("--project", "team/app")):
            waits, _ = self.begin(*arguments, until=WAITS)
            self.interrupt(waits)
        self.interrupt(fork, project)

    def test_who_waits_leaves_its_slot_to_others_and_takes_what_was_made(self):
        make = self.deploy("sleep 8; head -c 16 /dev/urandom > out", more=", outputs: {o: out}").replace("cache: never, ", "")
        self.pipeline(make)
        first, _ = self.begin()
        self.pipeline(make + "".join(f"  other{n}: {{run: 'echo {n}'}}\n" for n in range(3)))
        second = self.launch("--jobs", "1")
        lines = []
        while not any("other2" in line and " ok " in line for line in lines):
            lines.append(second.stdout.readline())
            self.assertTrue(lines[-1], "it ended before")
        self.assertIsNone(first.poll(), "long before the first one has ended")
        rest, err = second.communicate(timeout=60)
        self.assertEqual((first.wait(60), second.returncode), (0, 0), err)
        self.assertTrue(any(WAITS in line for line in [*lines, *rest.splitlines()]), lines)
        self.assertRegex(rest, "deploy +cached")

    def test_who_is_killed_has_it_no_more_and_nothing_of_it_runs(self):
        mark = f"mark-{self.dir.name}"
        self.pipeline(self.deploy(f"trap '' TERM; echo began; while :; do sleep 1; : {mark}; done"))
        first, _ = self.begin()
        self.wait_for_log("deploy", "began")
        self.assertTrue(self.running(mark))
        self.pipeline(self.deploy("echo second"))
        second, _ = self.begin(until=WAITS)
        first.send_signal(signal.SIGKILL)
        self.read_until(second, "running")
        self.assertEqual(self.running(mark), [])
        self.assertEqual(second.wait(60), 0)
        self.assertEqual(self.leftovers(), [])

    def test_interrupts_and_timeouts_of_the_run_end_the_wait(self):
        self.pipeline(self.deploy("sleep 50"))
        first, _ = self.begin()
        second, _ = self.begin(until=WAITS)
        self.interrupt(second)
        self.assertRegex(second.stdout.read(), "deploy +cancelled")
        third, _ = self.begin("--timeout", "1s", until=WAITS)
        self.assertEqual(third.wait(60), 1)
        self.assertRegex(third.stdout.read(), "deploy +cancelled +the run's timeout of 1.00s was reached")
        fourth, _ = self.begin(until=WAITS)
        run = json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]
        self.assertEqual(self.run_stagebox("cancel", run).returncode, 0)
        self.assertEqual(fourth.wait(60), 130)
        self.interrupt(first)
        self.assertEqual(self.leftovers(), [])

    def test_it_is_had_for_an_attempt_and_its_wait_is_not_part_of_the_timeout(self):
        self.pipeline(self.deploy("sleep 5"))
        first, _ = self.begin()
        self.pipeline(self.deploy("true", more=", timeout: 1s"))
        second, _ = self.begin(until=WAITS)
        self.assertEqual([process.wait(60) for process in (first, second)], [0, 0])
        # Between two attempts others have their turn.
        self.pipeline(self.deploy("exit 1", more=", retry: {attempts: 2, backoff: 10m, on: [failure]}"))
        first = self.launch()
        while "retrying" not in first.stdout.readline():
            self.assertIsNone(first.poll())
        self.pipeline(self.deploy("true"))
        self.run_ok()
        self.interrupt(first)

    def test_it_is_no_part_of_the_stage_key(self):
        self.pipeline(self.deploy("true", mutex="deploy").replace("cache: never, ", ""))
        self.run_ok()
        self.pipeline(self.deploy("true").replace("cache: never, ", ""))
        self.run_ok()
        self.assertEqual(self.states(), {"deploy": "cached"})

    def test_what_is_cached_waits_for_nobody(self):
        self.pipeline(self.deploy("true").replace("cache: never, ", ""))
        self.run_ok()
        known = (self.project / "stagebox.yaml").read_text()
        self.pipeline(self.deploy("sleep 50"))
        first, _ = self.begin()
        self.write("stagebox.yaml", known)
        self.run_ok()
        self.assertEqual(self.states(), {"deploy": "cached"})
        self.interrupt(first)

    def test_what_is_not_a_lock_file_is_told(self):
        self.pipeline(self.deploy("true"))
        self.run_ok()
        (self.home / "mutexes").unlink()
        (self.home / "mutexes").mkdir()
        out = self.run_it(3)
        self.assertIn('"mutexes" in the state directory is no file: move it away', out)

    def test_a_group_must_reach_equally_far_in_all_stages(self):
        self.pipeline(self.deploy("true") + self.deploy("true", mutex="deploy", name="other"))
        check = self.run_stagebox("check")
        self.assertEqual(check.returncode, 2)
        self.assertIn("the mutex `deploy` holds across runs in the stage `deploy` and not in `other`", check.stdout + check.stderr)


if __name__ == "__main__":
    unittest.main()
