"""How a run is carried out: weights, exclusion, order, the whole run's timeout, and what resuming keeps of it."""

import json
import os
import resource
import unittest

from harness import ProjectTest


class SchedulingTest(ProjectTest):
    def spans(self):
        """Start and end of the last attempt of each stage of the last run, in milliseconds."""
        shown = json.loads(self.run_stagebox("show", "last", "--json").stdout)
        return {row["stage"]: (row["started_at_ms"], row["ended_at_ms"]) for row in shown["attempts"]}

    def assert_disjoint(self, spans):
        ordered = sorted(spans)
        for (_, end), (start, _) in zip(ordered, ordered[1:]):
            self.assertLessEqual(end, start, ordered)

    def test_what_can_never_run_here_is_refused_before_anything_runs(self):
        self.pipeline("""
  fine: {run: "true"}
  huge:
    run: "true"
    resources: {cpus: 4000, memory: 900TiB}
""")
        for arguments in (["run"], ["run", "--dry-run"]):
            result = self.run_stagebox(*arguments)
            self.assertEqual(result.returncode, 2)
            self.assertIn("stagebox.yaml:10:23: the stage `huge` asks for 4000 cpus", result.stderr)
            self.assertIn("stagebox.yaml:10:37: the stage `huge` asks for 900 TiB of memory", result.stderr)
        self.assertEqual(json.loads(self.run_stagebox("runs", "--json").stdout), [])
        self.assertEqual(self.run_stagebox("run", "--stage", "fine").returncode, 0)

    def test_processors_and_open_files_that_are_not_there_are_refused_before_anything_runs(self):
        self.pipeline("""
  elsewhere: {run: "true", resources: {cpuset: "0,4095"}}
  greedy: {run: "true", resources: {open_files: 1048576}}
""")
        result = self.run_stagebox("run", "--dry-run")
        self.assertEqual(result.returncode, 2)
        self.assertIn("stagebox.yaml:7:48: the stage `elsewhere` asks for the processors 0,4095", result.stderr)
        if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 1048576:
            self.assertIn("the stage `greedy` asks for 1048576 open files", result.stderr)

    def test_a_dry_run_shows_the_order_of_a_run_and_makes_nothing(self):
        self.pipeline("""
  short: {cache: never, run: "sleep .1"}
  c1: {cache: never, run: "sleep .2"}
  c2: {needs: [c1], cache: never, run: "sleep .5"}
""")
        self.assertFalse(self.home.exists())
        self.assertEqual(self.run_stagebox("run", "--dry-run").stdout.split(), ["c1", "short", "c2"])
        self.assertFalse(self.home.exists())
        for _ in range(2):
            self.assertEqual(self.run_stagebox("run", "-j", "1").returncode, 0)
        self.assertEqual(sorted(self.spans(), key=self.spans().get), ["c1", "c2", "short"])
        before = sorted(path for path in self.home.rglob("*"))
        self.assertEqual(self.run_stagebox("run", "--dry-run").stdout.split(), ["c1", "c2", "short"])
        self.assertEqual(sorted(path for path in self.home.rglob("*")), before)
        (self.home / "runs.db").write_bytes(b"no database")
        self.assertEqual(self.run_stagebox("run", "--dry-run").stdout.split(), ["c1", "short", "c2"])

    def test_a_jobserver_lends_the_free_slots(self):
        # Each of them would wait for ever if it were not lent what is free.
        self.pipeline("""
  hostile:
    jobserver: true
    run: "head -c 1000 /dev/zero > /tmp/stagebox-jobserver; rm -f /tmp/stagebox-jobserver"
  builder:
    needs: [hostile]
    jobserver: true
    run: |
      fifo="${MAKEFLAGS##*fifo:}"
      head -c 2 "$fifo" > tokens
      test "$(cat tokens)" = "++"
      cat tokens > "$fifo"
      echo "$MAKEFLAGS" > flags
    outputs: {flags: flags}
""")
        result = self.run_stagebox("run", "--jobs", "3")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.run_stagebox("artifacts", "last", "builder.flags", self.dir / "flags")
        self.assertEqual((self.dir / "flags").read_text(), " -j3 --jobserver-auth=fifo:/tmp/stagebox-jobserver\n")
        # What is lent, and to whom, is no part of the stage key.
        self.write("stagebox.yaml", (self.project / "stagebox.yaml").read_text().replace("jobserver: true", "when: success"))
        self.assertEqual(self.run_stagebox("run", "--jobs", "2").returncode, 0)
        self.assertEqual(set(self.states().values()), {"cached"})

    def test_who_takes_a_token_for_each_job_runs_as_many_as_there_are_slots(self):
        """As make 4.4 and ninja 1.13 do: the first job needs no token, each other one reads a byte and writes it back."""
        self.pipeline("""
  builder:
    jobserver: true
    run: |
      exec 3<> "${MAKEFLAGS##*fifo:}"
      mkdir running
      job() {
        mkdir running/$1
        set -- running/*
        echo $# >> counts
        sleep 0.3
        rmdir "$job"
      }
      for n in 1 2 3 4 5 6; do
        token=
        [ $n = 1 ] || token=$(head -c 1 <&3)
        { job=running/$n; job $n; printf %s "$token" >&3; } &
      done
      wait
    outputs: {counts: counts}
""")
        result = self.run_stagebox("run", "--jobs", "3")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.run_stagebox("artifacts", "last", "builder.counts", self.dir / "counts")
        counts = [int(count) for count in (self.dir / "counts").read_text().split()]
        self.assertEqual(len(counts), 6)
        self.assertLessEqual(max(counts), 3)

    def test_heavy_stages_and_those_of_a_group_run_one_at_a_time(self):
        cpus = len(os.sched_getaffinity(0))
        self.pipeline(f"""
  heavy: {{matrix: {{n: [a, b]}}, cache: never, run: "sleep 0.3", resources: {{cpus: {cpus * 0.6}}}}}
  db: {{matrix: {{n: [a, b, c]}}, cache: never, run: "sleep 0.3", mutex: db}}
""")
        result = self.run_stagebox("run", "--jobs", "8")
        if "quota" in result.stderr or result.returncode == 2:
            self.skipTest("a CPU quota allows less than the processors: " + result.stderr)
        self.assertEqual(result.returncode, 0, result.stdout)
        spans = self.spans()
        self.assert_disjoint([span for name, span in spans.items() if name.startswith("heavy")])
        self.assert_disjoint([span for name, span in spans.items() if name.startswith("db")])
        heavy, groups = ([span for name, span in spans.items() if name.startswith(kind)] for kind in ("heavy", "db"))
        self.assertTrue(any(a[0] < b[1] and b[0] < a[1] for a in heavy for b in groups), "nothing ran side by side")

    def test_the_stage_that_took_longest_starts_first(self):
        self.pipeline("""
  quick: {cache: never, run: "true"}
  slow: {cache: never, run: "sleep 0.5"}
""")
        self.assertEqual(self.run_stagebox("run", "--jobs", "1").returncode, 0)
        spans = self.spans()
        self.assertLess(spans["quick"], spans["slow"], "the order of the file while nothing is known")
        self.assertEqual(self.run_stagebox("run", "--jobs", "1").returncode, 0)
        spans = self.spans()
        self.assertLess(spans["slow"], spans["quick"])

    def test_fail_fast_starts_nothing_new_after_a_failure(self):
        self.pipeline("""
  bad: {run: "exit 1"}
  beside: {run: "echo beside"}
  after: {needs: [beside], run: "echo after"}
  report: {needs: [bad], when: failure, run: "echo report"}
""")
        result = self.run_stagebox("run", "--jobs", "1", "--fail-fast")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(self.states(), {"bad": "failed", "beside": "skipped", "after": "skipped",
                                         "report": "succeeded"})
        self.assertIn("not started because `bad` failed before", result.stdout)
        self.assertEqual(self.run_stagebox("run", "--jobs", "1").returncode, 1)
        self.assertEqual(self.states(), {"bad": "failed", "beside": "succeeded", "after": "succeeded",
                                         "report": "cached"})

    def test_the_whole_runs_timeout(self):
        self.pipeline("  quick: {run: \"true\"}\n  long: {needs: [quick], run: \"sleep 1000\"}\n"
                      "  later: {needs: [long], run: \"true\"}\n", head="timeout: 1h\n")
        result = self.run_stagebox("run", "--timeout", "3s")
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("the run took longer than its timeout of 3.00s", result.stdout)
        self.assertIn("the run's timeout of 3.00s was reached", result.stdout)
        self.assertEqual(self.states(), {"quick": "succeeded", "long": "cancelled", "later": "cancelled"})
        self.assertEqual(self.run_stagebox("run", "--timeout", "soon").returncode, 2)
        self.pipeline("  long: {run: \"sleep 1000\"}\n", head="timeout: 1s\n")
        self.assertEqual(self.run_stagebox("run").returncode, 1)

    def test_resuming_does_as_the_run_was_told(self):
        self.write("src", "bad\n")
        stages = """
  bad: {inputs: {src: {path: src}}, run: "grep -q good src"}
  bad2: {inputs: {src: {path: src}}, run: "grep -q good src"}
  cached: {needs: [bad, bad2], run: "echo ${{ params.p }}"}
"""
        head = "params: {p: {default: none}}\n"
        self.pipeline("  cached: {run: \"echo ${{ params.p }}\"}\n", head)
        self.assertEqual(self.run_stagebox("run", "--param", "p=q").returncode, 0)
        self.pipeline(stages, head)
        self.assertEqual(self.run_stagebox("run", "--param", "p=q", "--fail-fast", "--no-cache", "--jobs",
                                           "1").returncode, 1)
        stopped = {"bad": "failed", "bad2": "skipped", "cached": "skipped"}
        self.assertEqual(self.states(), stopped)
        # Still failing: one job stops at the first again.
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 1)
        self.assertEqual(self.states(), stopped)
        self.write("src", "good\n")
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 0)
        self.assertEqual(self.states()["cached"], "succeeded", "as --no-cache says, though a result was stored")
        self.assertEqual(self.run_stagebox("logs", "last", "cached").stdout, "q\n")


if __name__ == "__main__":
    unittest.main()
