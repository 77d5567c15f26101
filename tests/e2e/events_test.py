"""Events and traces: what programs are told of a run."""

import json
import os
import threading
import unittest

from harness import ProjectTest

TWO_STAGES = """
  make: {run: "echo hello > out", outputs: {out: out}}
  use: {inputs: {in: {from: make.out}}, run: "cat in; exit 3"}
"""


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
        full = self.run_stagebox("run", "--trace", "/dev/full")
        self.assertEqual(full.returncode, 3, full.stderr)
        self.assertIn("No space left", full.stderr)
        self.assertEqual(self.states()["make"], "succeeded")

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
