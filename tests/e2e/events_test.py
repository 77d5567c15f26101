"""Events and traces: what programs are told of a run."""

import copy
import json
import os
import signal
import subprocess
import threading
import time
import unittest

from harness import ROOT, STAGEBOX, ProjectTest

try:
    import jsonschema
except ImportError:
    jsonschema = None

TWO_STAGES = """
  make: {run: "echo hello > out", outputs: {out: out}}
  use: {inputs: {in: {from: make.out}}, run: "cat in; exit 3"}
"""
# Of nearly everything that an event can tell.
ALL_KINDS = """
  make:
    caches: [{path: .c, key: k}]
    run: |
      echo x > .c/x
      echo ::group::outer
      echo '::error file=a.c,line=3,endLine=4,col=1,endColumn=2,title=Bad::what is wrong'
      echo made > out; mkdir all; echo 1 > all/one
    outputs: {out: out, all: all}
  again: {run: "true", needs: [make]}
  measured:
    run: "printf '1..2\\nok 1 - good\\nnot ok 2 - bad\\n' > r.tap; printf 'SF:a.c\\nDA:1,1\\nend_of_record\\n' > lcov; echo said > s.md; exit 3"
    tests: [{tap: r.tap}]
    quarantine: [gone]
    coverage: [{lcov: lcov}]
    summary: s.md
    retry: {attempts: 2, backoff: 1ms, on: ["exit:3"]}
    allow_failure: true
  greedy: {run: "head -c 100000000 /dev/zero | tail -n 1", resources: {memory: 16MiB, disk: 8MiB}, allow_failure: true}
  full: {run: "head -c 100000000 /dev/zero > f", resources: {disk: 8MiB}, allow_failure: true}
  talks: {network: {allow: ["127.0.0.1:9"]}, run: "http_proxy=$http_proxy wget -q http://127.0.0.1:9/; wget -q http://refused.example/; true"}
  late: {run: "sleep 100", timeout: 300ms, allow_failure: true}
  fails: {run: "exit 4", needs: [talks]}
  next: {run: "true", needs: [fails]}
"""


def strict(schema):
    """The same without room for keys that it does not describe."""
    schema = copy.deepcopy(schema)
    objects = [schema["$defs"]]
    while objects:
        one = objects.pop()
        if isinstance(one, dict):
            if "properties" in one:
                one["additionalProperties"] = False
            objects += one.values()
        elif isinstance(one, list):
            objects += one
    return schema


class EventsTest(ProjectTest):
    def events(self, text):
        return [json.loads(line) for line in text.splitlines()]

    def test_the_file_has_what_standard_output_has_with_json(self):
        self.pipeline(TWO_STAGES)
        result = self.run_stagebox("run", "--output", "json", "--events", "events.jsonl")
        self.assertEqual(result.returncode, 1, result.stderr)
        told = self.events(result.stdout)
        written = self.events((self.project / "events.jsonl").read_text())
        for event in told + written:
            event.pop("time_ms")
        self.assertEqual(told, written)
        self.assertEqual([(event["event"], event.get("stage"), event.get("state")) for event in told],
                         [("run_started", None, None), ("stage", "make", "running"), ("stage", "make", "succeeded"),
                          ("stage", "use", "running"), ("stage", "use", "failed"), ("run_finished", None, None)])
        self.assertEqual(told[0]["schema"], 1)
        self.assertEqual(told[2]["outputs"][0]["bytes"], 6)
        self.assertEqual(told[4]["report"]["status"], 3)
        self.assertEqual(told[5]["counts"], {"failed": 1, "succeeded": 1})

    @unittest.skipUnless(jsonschema, "no jsonschema (package python3-jsonschema)")
    def test_the_published_schema_describes_every_event(self):
        schema = json.loads((ROOT / "docs" / "events.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(strict(schema))
        self.pipeline(ALL_KINDS)
        seen = {}
        for options in ([], [], ["--stage", "make", "--no-cache"]):
            result = self.run_stagebox("run", "--keep-going", "--output", "json", *options)
            self.assertIn(result.returncode, (0, 1), result.stderr)
            for event in self.events(result.stdout):
                problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(event)]
                self.assertEqual(problems, [], event)
                seen.setdefault(event["event"], set()).update(event)
                if "report" in event:
                    seen.setdefault("report", set()).update(event["report"])
        # What was not there was not looked at.
        self.assertEqual(seen["run_started"], set(schema["$defs"]["run_started"]["properties"]))
        self.assertEqual(seen["run_finished"], set(schema["$defs"]["run_finished"]["properties"]))
        self.assertEqual(set(schema["$defs"]["stage"]["properties"]) - seen["stage"], {"more_annotations"})
        self.assertEqual(set(schema["$defs"]["connection"]["properties"]) - seen["connection"], {"address", "problem"})
        self.assertEqual(set(schema["$defs"]["report"]["properties"]) - seen["report"], {"denied_syscalls", "signal", "likely_limits", "also_reached"})
        for wrong in ({"event": "stage", "time_ms": 1}, {"event": "run_finished", "time_ms": -1},
                      {"event": "stage", "time_ms": 1, "stage": "a", "state": "lost", "elapsed_ms": 0}):
            self.assertFalse(jsonschema.Draft202012Validator(schema).is_valid(wrong), wrong)

    def test_a_trace_is_one_json_array_beside_the_console(self):
        self.pipeline(TWO_STAGES)
        result = self.run_stagebox("run", "--trace", "trace.json")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("FAILED", result.stdout)
        trace = json.loads((self.project / "trace.json").read_text())
        spans = {event["name"]: event for event in trace if event["ph"] == "X"}
        self.assertEqual(sorted(spans), ["make", "use"])
        self.assertGreaterEqual(spans["use"]["ts"], spans["make"]["ts"] + spans["make"]["dur"])
        self.assertGreater(spans["make"]["dur"], 0)
        self.assertEqual(len([event for event in trace if event["ph"] == "s"]), 1)
        again = self.run_stagebox("run", "--stage", "make", "--trace", "trace.json")
        self.assertEqual(again.returncode, 0, again.stderr)
        marks = [event for event in json.loads((self.project / "trace.json").read_text()) if event["ph"] == "i"]
        self.assertEqual([(mark["name"], mark["args"]["state"]) for mark in marks], [("make", "cached")])

    def test_waiting_for_the_reader_of_a_fifo_can_be_ended(self):
        self.pipeline("  make: {run: 'true'}\n")
        os.mkfifo(self.project / "fifo")
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("run", "--events", "fifo")
            # It waits in open(2): of a FIFO that has a writer the other end is there at once.
            time.sleep(1)
            self.assertIsNone(process.poll())
            process.send_signal(number)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, -number)

    def test_a_reader_of_a_fifo_sees_events_while_the_run_goes_on(self):
        self.pipeline("  wait: {run: \"while [ ! -e /workspace/never ]; do sleep 0.1; done\"}\n")
        os.mkfifo(self.project / "fifo")
        process = self.start("run", "--events", "fifo")
        self.addCleanup(process.kill)
        with open(self.project / "fifo", encoding="utf-8") as fifo:
            self.assertEqual(json.loads(fifo.readline())["event"], "run_started")
            self.assertEqual(json.loads(fifo.readline())["state"], "running")
            process.terminate()
            rest = self.events(fifo.read())
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(rest[-1]["result"], "cancelled")

    def test_a_reader_that_goes_away_ends_no_run(self):
        self.pipeline("  first: {run: \"true\"}\n  then: {needs: [first], run: \"echo on > out\", outputs: {out: out}}\n")
        os.mkfifo(self.project / "fifo")
        reader = threading.Thread(target=lambda: open(self.project / "fifo", encoding="utf-8").close())
        reader.start()
        result = self.run_stagebox("run", "--events", "fifo")
        reader.join()
        self.assertEqual(result.returncode, 3, result.stdout + result.stderr)
        self.assertIn("write the events to", result.stderr)
        self.assertEqual(self.states(), {"first": "succeeded", "then": "succeeded"})

    def test_what_cannot_be_written_is_said_before_anything_runs_or_at_the_end(self):
        self.pipeline(TWO_STAGES)
        result = self.run_stagebox("run", "--events", "none/events.jsonl")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("none/events.jsonl", result.stderr)
        self.assertEqual(json.loads(self.run_stagebox("runs", "--json").stdout), [])
        for stages, status in ((("--stage", "make"), 3), ((), 1)):
            full = self.run_stagebox("run", *stages, "--trace", "/dev/full")
            self.assertEqual(full.returncode, status, "a stage that failed is the graver news: " + full.stderr)
            self.assertIn("No space left", full.stderr)
        self.assertEqual(self.states(), {"make": "cached", "use": "failed"})

    def test_two_reports_do_not_share_a_file(self):
        self.pipeline(TWO_STAGES)
        os.symlink("one", self.project / "link")
        (self.project / "one").write_text("")
        os.link(self.project / "one", self.project / "two")
        for other in ("one", "./one", "link", "two"):
            with self.subTest(other):
                result = self.run_stagebox("run", "--events", "one", "--trace", other)
                self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
                self.assertIn(f"--events \"one\" and --trace \"{other}\" are one file", result.stderr)
        with open(self.project / "out", "w", encoding="utf-8") as out:
            result = subprocess.run([STAGEBOX, "run", "--trace", "/dev/stdout"], cwd=self.project, env=self.environment,
                                    stdout=out, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("the standard output and --trace \"/dev/stdout\" are one file", result.stderr)
        for option, instead in (("--events", "--output json"), ("--trace", "name another"), ("--report", "name another")):
            result = self.run_stagebox("run", option, "-")
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(f"{option} -: the standard output is in use; {instead}", result.stderr)
        self.assertFalse((self.project / "-").exists())
        self.assertEqual(json.loads(self.run_stagebox("runs", "--json").stdout), [], "nothing has run")
        result = self.run_stagebox("run", "--events", "/dev/null", "--trace", "/dev/null")
        self.assertEqual(result.returncode, 1, result.stderr)
        result = self.run_stagebox("run", "--events", "/dev/stdout")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn('"event":"run_finished"', result.stdout)

    def test_a_resumed_run_has_events_of_its_own(self):
        self.pipeline(TWO_STAGES)
        self.run_stagebox("run")
        result = self.run_stagebox("resume", "last", "--events", "events.jsonl")
        self.assertEqual(result.returncode, 1, result.stderr)
        events = self.events((self.project / "events.jsonl").read_text())
        self.assertTrue(events[0]["resumed"])
        self.assertEqual([event["state"] for event in events if event.get("stage") == "make"], ["cached"])


if __name__ == "__main__":
    unittest.main()
