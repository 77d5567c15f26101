"""Standard output that cannot be written: what nobody can read is no success."""

import os
import subprocess
import unittest

from harness import STAGEBOX, ProjectTest

NO_SPACE = "stagebox: cannot write standard output: No space left on device\n"
COMMANDS = (["--help"], ["doctor"], ["doctor", "--json"], ["runs"], ["runs", "--json"], ["image", "list"], ["gc"],
            ["completion", "bash"], ["manual"], ["check"], ["graph"], ["run"], ["run", "--output", "json"])


class StandardOutputTest(ProjectTest):
    def setUp(self):
        super().setUp()
        self.pipeline("  one: {run: 'true'}\n")
        # So that each listing has something to write.
        self.run_ok()

    def written_to(self, stdout, *arguments, **options):
        return subprocess.run([STAGEBOX, *arguments], cwd=self.project, env=self.environment, stdout=stdout,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=120, **options)

    def test_on_a_full_disk_no_command_succeeds(self):
        with open("/dev/full", "wb") as full:
            for command in COMMANDS:
                with self.subTest(command):
                    result = self.written_to(full, *command)
                    self.assertEqual(result.returncode, 3, result.stderr)
                    self.assertTrue(result.stderr.endswith(NO_SPACE), result.stderr)
            for command in ("exec", "shell"):
                with self.subTest(command):
                    result = self.written_to(full, command, "--help")
                    self.assertEqual((result.returncode, result.stderr), (125, NO_SPACE))

    def test_a_command_that_failed_keeps_its_status(self):
        self.pipeline("  one: {run: 'false'}\n")
        with open("/dev/full", "wb") as full:
            result = self.written_to(full, "run")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn(NO_SPACE, result.stderr)

    def test_a_command_that_writes_nothing_succeeds(self):
        with open("/dev/full", "wb") as full:
            result = self.written_to(full, "exec", "--image", "bb.tar", "--", "true")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("standard output", result.stderr)

    def test_a_reader_that_goes_away_wants_no_more(self):
        reader, writer = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, writer)
        # Python has SIGPIPE ignored, and gives that on where it does not restore it.
        ignored = self.written_to(writer, "completion", "bash", restore_signals=False)
        self.assertEqual((ignored.returncode, ignored.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
