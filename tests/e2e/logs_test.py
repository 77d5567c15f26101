"""Logs: each byte that a stage wrote, by stream, and what is said when some of it is missing."""

import os
import signal
import unittest

from harness import ProjectTest


class LogsTest(ProjectTest):
    def log(self, *arguments):
        """The bytes that `logs last ...` prints."""
        return self.run_stagebox("logs", "last", *arguments, text=False).stdout

    def run_ok(self):
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result

    def only_log(self, stage):
        (path,) = self.home.glob(f"logs/*/{stage}.log")
        return path

    def test_streams_are_kept_apart_and_every_byte_stays(self):
        self.pipeline(r"""
  both: {run: "echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three; echo again > /dev/stderr"}
  bytes: {run: "printf 'a\\000b\\377\\376\\r\\n'; printf 'no end'"}
  silent: {run: "true"}
""")
        self.run_ok()
        self.assertEqual(self.log("both"), b"one\ntwo\nthree\nagain\n")
        self.assertEqual(self.log("both", "--stream", "stdout"), b"one\nthree\n")
        self.assertEqual(self.log("both", "--stream", "stderr"), b"two\nagain\n")
        self.assertEqual(self.log("bytes"), b"a\0b\xff\xfe\r\nno end")
        self.assertEqual(self.log("silent"), b"")

    def test_a_limit_is_reported_in_the_log_too(self):
        self.pipeline("  loud: {run: 'yes', resources: {log: 100kB}}\n")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 1)
        self.assertIn("resources.log", result.stdout)
        shown = self.run_stagebox("logs", "last", "loud")
        self.assertEqual(len(shown.stdout), 100_000)
        self.assertIn("the log ends here: the stage wrote more than", shown.stderr)

    def test_a_log_that_broke_off_is_read_to_its_last_whole_chunk(self):
        self.pipeline("  make: {cache: never, run: 'echo up; sleep 60'}\n")
        run = self.start("run")
        self.addCleanup(run.kill)
        while not any(b"up\n" in path.read_bytes() for path in self.home.glob("logs/*/make.log")):
            self.assertIsNone(run.poll())
        run.send_signal(signal.SIGKILL)
        run.communicate()
        self.assertEqual(self.log("make"), b"up\n")
        self.assertEqual(self.log("make", "--attempt", "1"), b"up\n")

    def test_plain_logs_of_earlier_versions_are_read(self):
        self.pipeline("  make: {run: 'echo new'}\n")
        self.run_ok()
        path = self.only_log("make")
        path.write_bytes(b"old \xff\n")
        self.assertEqual(self.log("make"), b"old \xff\n")
        os.unlink(path)
        gone = self.run_stagebox("logs", "last", "make")
        self.assertEqual(gone.returncode, 2)
        self.assertIn("is not there any more", gone.stderr)


if __name__ == "__main__":
    unittest.main()
