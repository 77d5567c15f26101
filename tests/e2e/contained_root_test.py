"""Root of a user namespace that has few ids, as in a container without privileges, is an ordinary user."""

import os
import subprocess
import unittest

from harness import STAGEBOX, ProjectTest

ROLE = os.environ.get("STAGEBOX_TEST_AS")
# What is beside root's own id is the user's range of /etc/subuid, or nothing.
CONTAINED = ["unshare", "--user", "--map-root-user"] + (["--map-auto"] if ROLE == "user" else [])


class ContainedRootTest(ProjectTest):
    def contained(self, *arguments):
        process = subprocess.Popen([*CONTAINED, STAGEBOX, *arguments], cwd=self.project, env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.started.add(process.pid)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def test_a_command_is_root_of_ids_that_are_not_its_users(self):
        result = self.contained("exec", "--image", "bb.tar", "--capability", "CHOWN", "--workdir", "/tmp", "--", "sh", "-c",
                                "id -u; grep CapBnd /proc/self/status; touch f; chown 5:5 f && stat -c %u f")
        if ROLE == "user":
            self.assertEqual((result.returncode, result.stdout), (0, "0\nCapBnd:\t0000000000000001\n5\n"), result.stderr)
        else:
            self.assertEqual((result.returncode, result.stdout), (1, "0\nCapBnd:\t0000000000000001\n"), result.stderr)
            self.assertIn("this user has a single id", result.stderr)
        self.assertEqual(self.leftovers(), [])

    def test_a_pipeline_runs_is_cached_and_leaves_nothing(self):
        self.pipeline("""
  a: {run: "mkdir d; echo made > d/f; id -u", outputs: {d: d}}
  b: {inputs: {d: {from: a.d}}, run: "cat d/f"}
""")
        result = self.contained("run")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(self.contained("logs", "last", "b").stdout, "made\n")
        self.assertIn("2 cached", self.contained("run").stdout)
        artifact = self.contained("artifacts", "last", "a.d", "out")
        self.assertEqual(artifact.returncode, 0, artifact.stderr)
        self.assertEqual((self.project / "out/f").read_text(), "made\n")
        self.assertEqual((self.project / "out/f").stat().st_uid, os.getuid(), "it is the user's")
        self.assertEqual(self.leftovers(), [])

    def test_the_doctor_says_which_ids_there_are(self):
        told = self.contained("doctor").stdout
        expected = "subordinate ids" if ROLE == "user" else "the user namespace that this process is root of has no other id"
        self.assertIn(expected, told)


if __name__ == "__main__":
    unittest.main()
