"""Every limit that ends a stage is enforced and told by its name: by `run` on the screen and in the exit report, and by
`exec`. What a limit only slows down is counted."""

import json
import os
import resource
import unittest

from harness import ProjectTest
from terminal_driver import Driver

# Of each: the limit as a pipeline file says it, a script that needs more, and the cause that the exit report names.
OPEN_TOO_MANY = 'i=3; while [ $i -lt 80 ]; do eval \\"exec $i</dev/null\\" || exit 9; i=$((i+1)); done; true'
HITS = {
    "memory": ("32MiB", "head -c 100000000 /dev/zero | busybox tail -n 1 > /dev/null; exit 1", {"cause": "oom_killed", "limit": 32 << 20}),
    "pids": ("16", "i=0; while [ $i -lt 64 ]; do sleep 20 & i=$((i+1)); done; wait", {"cause": "limit_hit", "which": "pids", "limit": 16}),
    "disk": ("2MiB", "dd if=/dev/zero of=big bs=64k count=100", {"cause": "limit_hit", "which": "disk", "limit": 2 << 20}),
    "inodes": ("1100", "i=0; while [ $i -lt 1200 ]; do : > f$i || exit 1; i=$((i+1)); done", {"cause": "limit_hit", "which": "inodes", "limit": 1100}),
    "cpu_time": ("1s", "while :; do :; done", {"cause": "limit_hit", "which": "cpu_time", "limit": 1000}),
    "log": ("64KiB", "yes", {"cause": "limit_hit", "which": "log", "limit": 64 << 10}),
}
# What these refuse, a command gets as an error.
REFUSING = ("pids", "disk", "inodes")


class LimitsTest(ProjectTest):
    def setUp(self):
        super().setUp()
        told = json.loads(self.run_stagebox("doctor", "--json").stdout)
        self.doctor = {item["name"]: item["state"] for item in told}

    def can_be_had(self, limit):
        return all(state != "refused" for name, state in self.doctor.items()
                   if name.startswith("limit: ") and limit in name.removeprefix("limit: ").split(", "))

    def reports(self, status):
        """Of each stage of a run that ends with this status: its exit report."""
        lines = map(json.loads, self.run_it(status, "--output", "json").splitlines())
        return {line["stage"]: line["report"] for line in lines if line.get("report")}

    def failing_stages(self, more=""):
        hits = {limit: hit for limit, hit in HITS.items() if self.can_be_had(limit)}
        self.pipeline("".join(f"""  {limit}: {{resources: {{{limit}: {value}}}, run: "{script}"}}\n"""
                              for limit, (value, script, _) in hits.items()) + more)
        return hits

    def test_a_run_names_the_limit_that_ended_a_stage(self):
        hits = self.failing_stages("  timeout: {timeout: 1s, run: 'sleep 1000'}\n")
        reports = self.reports(1)
        for limit, (_, _, cause) in hits.items():
            with self.subTest(limit=limit):
                self.assertEqual(cause, {key: reports[limit].get(key) for key in cause}, reports[limit])
                self.assertIn(f"(resources.{limit})", reports[limit]["description"])
        self.assertEqual((reports["timeout"]["cause"], reports["timeout"]["limit_ms"]), ("timed_out", 1000))
        shown = self.run_stagebox("show", "last").stdout
        for limit in hits:
            self.assertIn(f"(resources.{limit})", shown)
        self.assertEqual(self.leftovers(), [])

    def test_files_that_fill_the_memory_are_told(self):
        if not self.can_be_had("memory") or not self.can_be_had("disk"):
            self.skipTest(f"memory or disk is refused here: {self.doctor}")
        result = self.run_stagebox("exec", "--image", "bb.tar", "--memory", "32MiB", "--disk", "1GiB", "--", "sh", "-c",
                                   "head -c 100000000 /dev/zero > /workspace/x")
        self.assertEqual(result.returncode, 137, result.stderr)
        self.assertRegex(result.stderr, r"memory limit of 32 MiB \(resources.memory\), of which up to [23]\d(\.\d)? MiB were files")

    def test_so_does_exec(self):
        for limit, (value, script, cause) in HITS.items():
            # What it writes is its caller's.
            if limit == "log" or not self.can_be_had(limit):
                continue
            with self.subTest(limit=limit):
                result = self.run_stagebox("exec", "--image", "bb.tar", "--workdir", "/workspace", "--json", f"--{limit.replace('_', '-')}", value, "--", "sh", "-c", script)
                report = json.loads(result.stderr.splitlines()[-1])
                self.assertEqual(cause, {key: report.get(key) for key in cause}, report)
                # What killed nobody leaves the command's own status.
                self.assertEqual(result.returncode, report["status"] if limit in REFUSING else 137)
        self.assertEqual(self.leftovers(), [])

    def test_a_limit_that_refused_something_leaves_the_status(self):
        fill = "dd if=/dev/zero of=big bs=64k count=100"
        self.pipeline(f"""
  full: {{resources: {{disk: 2MiB}}, run: "{fill} || exit 75", retry: {{attempts: 2, backoff: 1ms, on: ["exit:75"]}}}}
  made_room: {{resources: {{disk: 2MiB}}, run: "{fill} || {{ rm big; exit 76; }}"}}
""")
        reports = self.reports(1)
        full, made_room = reports["full"], reports["made_room"]
        self.assertEqual((full["cause"], full["which"], full["status"]), ("limit_hit", "disk", 75), full)
        self.assertEqual(full["description"], "filled its disk limit of 2.0 MiB (resources.disk), and ended with status 75")
        self.assertGreaterEqual(full["usage"]["peak_disk"], (2 << 20) - (64 << 10))
        self.assertGreater(full["usage"]["peak_inodes"], 0)
        self.assertIn("[2 attempts]", self.run_stagebox("show", "last").stdout)
        self.assertEqual((made_room["cause"], made_room["status"]), ("exited", 76), made_room)
        self.assertEqual([(likely["which"], likely["limit"]) for likely in made_room["likely_limits"]], [("disk", 2 << 20)])
        asked = ("exec", "--image", "bb.tar", "--workdir", "/workspace", "--disk", "2MiB", "--artifact", "big:big", "--", "sh", "-c")
        result = self.run_stagebox(*asked, f"{fill}; exit 3")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("filled its disk limit of 2.0 MiB (resources.disk), and ended with status 3", result.stderr)
        self.assertTrue((self.project / "big").exists(), "a command that failed has artifacts too")
        self.assertEqual(self.leftovers(), [])

    def test_each_limit_that_was_reached_is_named(self):
        fill = "dd if=/dev/zero of=big bs=64k count=100 2>/dev/null; i=0; while [ $i -lt 70 ]; do : > f$i; i=$((i+1)); done 2>/dev/null"

        def report(script, *limits):
            done = self.run_stagebox("exec", "--image", "bb.tar", "--workdir", "/workspace", "--json", *limits, "--", "sh", "-c", script)
            return json.loads(done.stderr.splitlines()[-1])

        both = report(f"{fill}; exit 3", "--disk", "2MiB", "--inodes", "64")
        self.assertEqual((both["which"], both["also_reached"]), ("disk", [{"which": "inodes", "limit": 64}]), both)
        self.assertIn("; it also reached its limit of 64 files and directories (resources.inodes)", both["description"])
        late = report(f"{fill}; sleep 100", "--disk", "2MiB", "--timeout", "1s")
        self.assertEqual((late["cause"], late["also_reached"]), ("timed_out", [{"which": "disk", "limit": 2 << 20}]), late)
        self.assertNotIn("also_reached", report(f"{fill}; exit 0", "--disk", "2MiB"), "it lived with that")
        memory = report(f"{fill}; dd if=/dev/zero of=/q/x bs=64k count=100 2>/dev/null; exit 3", "--disk", "2MiB", "--tmpfs", "/q:1MiB")
        self.assertEqual((memory["which"], [one["path"] for one in memory["likely_limits"]]), ("disk", ["/q"]), memory)
        if self.can_be_had("pids"):
            bomb = "sleep 9 & sleep 9 & sleep 9 & sleep 9 & wait"
            self.assertEqual(report(f"{fill}; {bomb}", "--disk", "2MiB", "--pids", "4")["also_reached"], [{"which": "pids", "limit": 4}])

    def test_too_many_outputs_fail_the_stage_by_name(self):
        self.pipeline("""
  few: {resources: {outputs: 3}, run: "mkdir d; touch d/1 d/2", outputs: {d: {path: d, type: directory}}}
  many: {resources: {outputs: 3}, run: "mkdir d; touch d/1 d/2 d/3 d/4", outputs: {d: {path: d, type: directory}}}
  together: {resources: {outputs: 3}, run: "touch 1 2 3 4", outputs: {a: 1, b: 2, c: 3, d: 4}}
""")
        out = self.run_it(1)
        self.assertEqual(self.states(), {"few": "succeeded", "many": "failed", "together": "failed"})
        self.assertIn("more than 3 entries, which is its limit (resources.outputs)", out)
        self.assertIn("more than 3 files (resources.outputs)", out)
        self.assertEqual(self.run_stagebox("artifacts", "last", "many.d", self.project / "taken").returncode, 2)
        self.assertFalse(os.path.lexists(self.project / "taken"))
        self.assertEqual(self.leftovers(), [])

    def test_too_many_open_files_are_named_as_likely(self):
        self.pipeline(f"""
  hit: {{resources: {{open_files: 40}}, run: "{OPEN_TOO_MANY}"}}
  default: {{run: "echo 'cat: x: Too many open files' >&2; exit 1"}}
  machine: {{resources: {{open_files: 40}}, run: "echo 'cat: x: Too many open files in system' >&2; exit 1"}}
  other: {{resources: {{open_files: 40}}, run: "exit 1"}}
  fine: {{resources: {{open_files: 40}}, run: "echo 'Too many open files'"}}
""")
        reports = self.reports(1)
        likely = {stage: report.get("likely_limits") for stage, report in reports.items()}
        self.assertEqual(likely, {"hit": [{"which": "open_files", "limit": 40, "told_by": "log"}],
                                  "default": [{"which": "open_files", "limit": min(16384, resource.getrlimit(resource.RLIMIT_NOFILE)[1]), "told_by": "log"}],
                                  "machine": None, "other": None, "fine": None})
        # The cause stays what it was.
        self.assertEqual({stage: reports[stage]["cause"] for stage in likely}, dict.fromkeys(likely, "exited"))
        told = "likely because of its limit of 40 open files (resources.open_files)"
        self.assertIn(told, self.run_stagebox("show", "last").stdout)
        self.pipeline(f"""  hit: {{resources: {{open_files: 40}}, run: "{OPEN_TOO_MANY}"}}\n""")
        self.assertIn(told, self.run_it(1))

    def test_what_a_log_makes_likely_is_no_cause_for_another_attempt(self):
        self.pipeline("""  s: {retry: {attempts: 3, on: [infrastructure, oom, timeout]}, run: "echo 'Too many open files'; exit 1"}\n""")
        self.assertNotIn("attempt 2", self.run_it(1))

    def test_exec_with_a_terminal_names_it_too(self):
        script = OPEN_TOO_MANY.replace("\\", "")
        driver = Driver(self, ["sh", "-c", script], arguments=("exec", "--tty", "--open-files", "40", "--image", "bb.tar", "--"))
        driver.expect(b"likely because of its limit of 40 open files")
        self.assertNotEqual(driver.end(), 0)
        # Without one what it writes is not ours to read; it is on the screen already.
        result = self.run_stagebox("exec", "--open-files", "40", "--image", "bb.tar", "--json", "--", "sh", "-c", script)
        self.assertIn("Too many open files", result.stderr)
        self.assertNotIn("likely_limits", result.stderr)

    FILL = "dd if=/dev/zero of={0}/big bs=1M count=80"
    SHARED_MEMORY = {"which": "tmpfs", "path": "/dev/shm", "limit": 64 << 20, "told_by": "kernel"}

    def test_shared_memory_that_was_full_is_named_as_likely(self):
        fill = self.FILL.format("/dev/shm")
        self.pipeline(f"""
  hit: {{run: "{fill} || exit 7"}}
  unasked: {{retry: {{attempts: 3, on: [infrastructure, oom, timeout]}}, run: "{fill}; exit 1"}}
  fine: {{run: "{fill} || true"}}
  deleted: {{run: "{fill} || rm /dev/shm/big; exit 1"}}
  other: {{run: "exit 1"}}
""")
        reports = self.reports(1)
        self.assertEqual({stage: report.get("likely_limits") for stage, report in reports.items()},
                         {"hit": [self.SHARED_MEMORY], "unasked": [self.SHARED_MEMORY], "fine": None, "deleted": None, "other": None})
        self.assertEqual((reports["hit"]["cause"], reports["hit"]["status"]), ("exited", 7))
        told = "exited with status 7; likely because /dev/shm was full, which takes 64 MiB (resources.shm_size)"
        self.assertEqual(reports["hit"]["description"], told)
        shown = self.run_stagebox("show", "last").stdout
        self.assertIn(told, shown)
        self.assertNotIn("attempt 2", shown)
        self.pipeline(f"""  hit: {{run: "{fill} || exit 7"}}\n""")
        self.assertIn(told, self.run_it(1))
        self.assertEqual(self.leftovers(), [])

    def test_shared_memory_of_stages_services_shells_and_commands(self):
        wants = "df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d' ' -f2"
        self.pipeline(f"""
  s:
    resources: {{shm_size: 100MiB}}
    services: {{db: {{image: bb, resources: {{shm_size: 200MiB}}, run: "{wants}; sleep 1000", ready: {{run: "true"}}}}}}
    run: "{wants}; dd if=/dev/zero of=/dev/shm/x bs=1M count=101"
  plain: {{run: "{wants}"}}
""")
        self.run_it(1)
        logs = {name: self.run_stagebox("logs", "last", name).stdout.split("\n")[0] for name in ("s", "plain")}
        self.assertEqual(logs, {"s": str(100 << 10), "plain": str(64 << 10)})
        self.assertIn(str(200 << 10), self.run_stagebox("logs", "last", "s@db").stdout)
        self.assertIn("/dev/shm was full, which takes 100 MiB (resources.shm_size)", self.run_stagebox("show", "last").stdout)
        self.assertEqual(self.run_stagebox("shell", "last", "s", "--", "sh", "-c", wants).stdout, f"{100 << 10}\n")
        asked = ("exec", "--image", "bb.tar", "--shm-size", "100MiB")
        self.assertEqual(self.run_stagebox(*asked, "--", "sh", "-c", wants).stdout, f"{100 << 10}\n")
        twice = self.run_stagebox(*asked, "--tmpfs", "/dev/shm:1MiB", "--", "true")
        self.assertIn("shm_size and a tmpfs at /dev/shm are two sizes of the same", twice.stderr)
        self.assertEqual(self.leftovers(), [])

    def test_so_is_each_file_system_in_memory_of_exec(self):
        # An import can have something to say.
        self.run_stagebox("image", "import", "--name", "bb", "bb.tar")

        def command(script, *options):
            result = self.run_stagebox("exec", "--image", "bb", "--tmpfs", "/small:1MiB", *options, "--", "sh", "-c", script)
            return result.returncode, result.stderr.splitlines()[-1] if result.stderr else ""

        def likely(script):
            return json.loads(command(script, "--json")[1]).get("likely_limits")

        fill, many = self.FILL.format("/small"), "i=0; while [ $i -lt 300 ]; do touch /small/$i || exit 3; i=$((i+1)); done"
        small = {"which": "tmpfs", "path": "/small", "limit": 1 << 20, "told_by": "kernel"}
        self.assertEqual(likely(fill), [small])
        self.assertEqual(likely(many), [{"which": "tmpfs_inodes", "path": "/small", "limit": 256, "told_by": "kernel"}])
        self.assertEqual(likely(f"{self.FILL.format('/dev/shm')}; {fill}"), [self.SHARED_MEMORY, small])
        self.assertIsNone(likely(f"{fill}; true"))
        self.assertIsNone(likely("exit 1"))
        # The status stays the command's own; a command that had room is not spoken of.
        self.assertEqual(command(many), (3, "stagebox: exited with status 3; likely because /small was full, which takes 256 files and directories"))
        self.assertEqual(command("exit 3"), (3, ""))
        self.assertEqual(self.leftovers(), [])

    def test_bytes_from_the_disk_are_counted(self):
        if not self.can_be_had("io_read"):
            self.skipTest(f"io_read is refused here: {self.doctor}")
        self.pipeline("""
  reads: {resources: {io_read: 64MiB}, run: "dd if=/dev/zero of=data bs=1M count=4 conv=fsync; busybox dd if=data of=/dev/null bs=1M iflag=direct"}
  none: {run: "true"}
""")
        usage = {stage: report["usage"] for stage, report in self.reports(0).items()}
        self.assertGreaterEqual(usage["reads"]["read_bytes"], 4 << 20)
        self.assertLess(usage["none"]["read_bytes"], 4 << 20)


if __name__ == "__main__":
    unittest.main()
