"""`doctor` says of each protection and each limit whether it is enforced here, or why not and what would help."""

import json
import unittest

from harness import ROOT, ProjectTest

PROTECTIONS = {"id mapping", "namespaces", "root file system", "/proc and /dev", "privileges", "system calls", "landlock",
               "time namespace", "network: none", "network: host", "network: allow",
               "network: nat", "layers", "swap", "--explain-syscalls", "limit: timeout"}


class DoctorTest(ProjectTest):
    def test_it_names_each_protection_and_each_limit(self):
        result = self.run_stagebox("doctor", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        told = json.loads(result.stdout)
        schema = json.loads((ROOT / "docs/stagebox.schema.json").read_text())
        limits = set(schema["$defs"]["resources"]["properties"])
        self.assertIn("memory", limits)
        named = {item["name"] for item in told}
        self.assertLessEqual(PROTECTIONS, named)
        rows = {name for row in named if row.startswith("limit: ") for name in row.removeprefix("limit: ").split(", ")}
        self.assertEqual(limits - rows, set(), "limits that it does not name")
        for item in told:
            self.assertIn(item["state"], ("enforced", "degraded", "refused"))
            self.assertTrue(item["detail"], item)
            self.assertEqual(bool(item["remedy"]), item["state"] != "enforced", item)
        self.assertEqual(self.leftovers(), [])

    def test_what_it_calls_enforced_can_be_had_and_what_it_refuses_cannot(self):
        states = {item["name"]: item["state"] for item in json.loads(self.run_stagebox("doctor", "--json").stdout)}
        self.assertEqual(states["network: none"], "enforced")
        self.assertEqual(states["network: allow"], "enforced")
        explained = self.run_stagebox("exec", "--image", "bb.tar", "--explain-syscalls", "--", "true")
        self.assertEqual(explained.returncode, 0 if states["--explain-syscalls"] == "enforced" else 125, explained.stderr)
        for limit, value in (("memory", "64MiB"), ("pids", "64"), ("cpus", "1"), ("cpu_weight", "50"), ("cpuset", "0"),
                             ("cpu_time", "10s"), ("io_write", "1MiB"), ("open_files", "64"), ("shm_size", "1MiB")):
            result = self.run_stagebox("exec", "--image", "bb.tar", "--" + limit.replace("_", "-"), value, "--", "true")
            self.assertEqual(result.returncode, 125 if states["limit: " + limit] == "refused" else 0,
                             f"{limit}, {states}: {result.stderr}")


if __name__ == "__main__":
    unittest.main()
