"""What several want to have at the same time is made once: by stages of one run, and by runs beside each other."""

import json
import signal
import time
import unittest

from harness import ProjectTest

WAITS = "waiting  the same is being made by another stage or run"


class OnceTest(ProjectTest):
    def begin(self, *arguments):
        """A run whose first stage has begun to run, and the lines that it wrote until then."""
        process = self.start("run", *arguments)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        lines = []
        while not lines or "running" not in lines[-1] and WAITS not in lines[-1]:
            line = process.stdout.readline()
            self.assertTrue(line, "it ended before")
            lines.append(line)
        return process, lines

    def test_runs_beside_each_other_make_a_stage_once(self):
        self.pipeline("""
  make: {run: "sleep 2; head -c 16 /dev/urandom > out", outputs: {o: out}}
  quick: {run: "sleep 0.4; head -c 16 /dev/urandom > out", inputs: {in: {from: make.o}}, outputs: {o: out}}
""")
        first, _ = self.begin()
        second, said = self.begin("--output", "plain")
        self.assertIn(WAITS, said[-1])
        self.assertEqual([process.wait(60) for process in (first, second)], [0, 0])
        ran = first.stdout.read() + second.stdout.read()
        for stage in ("make", "quick"):
            self.assertEqual(len([line for line in ran.splitlines() if f"{stage} " in line and " ok " in line]), 1, ran)
            self.assertEqual(len([line for line in ran.splitlines() if f"{stage} " in line and "cached" in line]), 1, ran)
        runs = [run["run"] for run in json.loads(self.run_stagebox("runs", "--json").stdout)]
        made = {self.run_stagebox("artifacts", run, "quick.o", "-", text=False).stdout for run in runs}
        self.assertEqual((len(runs), len(made)), (2, 1))
        self.assertEqual(self.leftovers(), [])

    def test_brief_stages_are_made_once_however_runs_meet(self):
        self.pipeline("  s: {matrix: {n: [" + ", ".join(map(str, range(80))) + """]}, env: {N: "${{ matrix.n }}"},
    run: "head -c 16 /dev/urandom > out", outputs: {o: out}}
""")
        self.assertEqual(self.run_stagebox("image", "import", "bb.tar").returncode, 0)
        runs = []
        for jobs in (1, 2, 3):
            runs.append(self.start("run", "--jobs", jobs, "--output", "json"))
            time.sleep(0.15)
        told = [process.communicate(timeout=120)[0] for process in runs]
        self.assertEqual([process.returncode for process in runs], [0, 0, 0], told)
        states = [json.loads(line).get("state") for text in told for line in text.splitlines()]
        self.assertEqual(states.count("succeeded"), 80)
        self.assertEqual(states.count("cached"), 160)

    def test_failures_are_no_queue(self):
        self.pipeline("""  make: {run: "sleep 2; exit 3"}""")
        first, _ = self.begin()
        others = [self.begin()[0] for _ in range(3)]
        for process in (first, *others):
            self.assertEqual(process.wait(60), 1)
        spans = []
        for run in json.loads(self.run_stagebox("runs", "--json").stdout):
            (attempt,) = json.loads(self.run_stagebox("show", run["run"], "--json").stdout)["attempts"]
            spans.append((attempt["started_at_ms"], attempt["ended_at_ms"]))
        waited = sorted(spans)[1:]
        self.assertEqual(len(waited), 3)
        self.assertLess(max(start for start, _ in waited), min(end for _, end in waited), "they ran side by side")

    def test_nobody_waits_longer_than_the_stage_may_take(self):
        self.pipeline("""  make: {run: "sleep 5", timeout: 20s}""")
        first, _ = self.begin()
        self.pipeline("""  make: {run: "sleep 5", timeout: 1s}""")
        second, said = self.begin()
        self.assertIn(WAITS, said[-1])
        self.assertEqual(second.wait(60), 1)
        self.assertIsNone(first.poll(), "long before the first one has made it")
        self.assertEqual(first.wait(60), 0)

    def test_who_waits_leaves_its_slot_to_others_and_is_shown(self):
        make = '  make: {run: "sleep 8; head -c 16 /dev/urandom > out", outputs: {o: out}}\n'
        self.pipeline(make)
        first, _ = self.begin()
        self.pipeline(make + "  use: {run: 'cat in', inputs: {in: {from: make.o}}}\n"
                      + "".join(f"  other{n}: {{run: 'sleep 0.2; echo {n}'}}\n" for n in range(3)))
        second = self.start("run", "--jobs", "1")
        lines = []
        while not any("other2" in line and " ok " in line for line in lines):
            lines.append(second.stdout.readline())
            self.assertTrue(lines[-1], "it ended before")
        self.assertIsNone(first.poll(), "long before the first one has made it")
        self.assertTrue(any(WAITS in line for line in lines), lines)
        shown = json.loads(self.run_stagebox("show", "last", "--json").stdout)["stages"]
        (waiting,) = [stage for stage in shown if stage["stage"] == "make"]
        self.assertEqual((waiting["state"], waiting["reason"]), ("pending", WAITS.removeprefix("waiting  ")))
        rest, err = second.communicate(timeout=60)
        self.assertEqual((first.wait(60), second.returncode), (0, 0), err)
        self.assertRegex(rest, r"make +cached[^$]*use +ok")
        self.assertEqual(self.states()["make"], "cached")

    def test_equal_stages_of_a_run_run_once(self):
        self.pipeline("""
  a: {run: "sleep 1; head -c 16 /dev/urandom > out", outputs: {o: out}}
  b: {run: "sleep 1; head -c 16 /dev/urandom > out", outputs: {o: out}}
  other: {run: "sleep 0.5"}
""")
        self.run_ok("--jobs", "3")
        states = self.states()
        self.assertEqual(sorted(states.values()), ["cached", "succeeded", "succeeded"])
        self.assertEqual(states["other"], "succeeded")

    def test_who_waits_for_what_fails_makes_it_itself(self):
        self.pipeline("""  make: {run: "sleep 1; exit 3"}""")
        first, _ = self.begin()
        second, said = self.begin()
        self.assertIn(WAITS, said[-1])
        self.assertEqual([process.wait(60) for process in (first, second)], [1, 1])
        self.assertIn("exited with status 3", second.stdout.read())

    def test_who_waits_for_one_that_is_killed_makes_it_itself(self):
        self.pipeline("""  make: {run: "sleep 3; echo made > out", outputs: {o: out}}""")
        first, _ = self.begin()
        second, said = self.begin()
        self.assertIn(WAITS, said[-1])
        first.send_signal(signal.SIGKILL)
        first.wait(60)
        self.assertEqual(second.wait(60), 0)
        self.assertRegex(second.stdout.read(), "make +running\n.*make +ok")
        self.assertEqual(self.run_stagebox("gc").returncode, 0)
        self.assertEqual(self.leftovers(), [])

    def test_who_is_interrupted_waits_no_more(self):
        self.pipeline("""  make: {run: "sleep 3"}""")
        first, _ = self.begin()
        second, said = self.begin()
        self.assertIn(WAITS, said[-1])
        second.send_signal(signal.SIGINT)
        self.assertEqual(second.wait(60), 130)
        self.assertIsNone(first.poll(), "long before the first one has made it")
        self.assertRegex(second.stdout.read(), "make +cancelled")
        self.assertEqual(first.wait(60), 0)

    def test_what_is_not_taken_from_others_does_not_wait(self):
        self.pipeline("""  make: {run: "sleep 2", cache: never}""")
        first, _ = self.begin()
        second, said = self.begin()
        self.assertNotIn(WAITS, said[-1])
        self.assertEqual([process.wait(60) for process in (first, second)], [0, 0])


if __name__ == "__main__":
    unittest.main()
