"""Stagebox on a pseudo terminal, driven as a person would."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from harness import STAGEBOX


class Driver:
    """Stagebox with a terminal, of which we hold the other end."""

    def __init__(self, test, command, stdin=None, stdout=None, program=STAGEBOX,
                 arguments=("exec", "--tty", "--image", "bb.tar", "--")):
        self.test = test
        self.master, self.slave = pty.openpty()
        self.resize(33, 77)
        self.before = termios.tcgetattr(self.slave)
        self.seen = self.passed = b""
        self.process = subprocess.Popen(
            [program, *arguments, *command], cwd=test.project, env=test.environment,
            stdin=self.slave if stdin is None else stdin, stdout=self.slave if stdout is None else stdout,
            stderr=self.slave, start_new_session=True, preexec_fn=self.take_terminal)
        test.addCleanup(self.close)

    def take_terminal(self):
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text)

    def expect(self, text):
        """Reads until the text was seen, and forgets what came up to it."""
        deadline = time.monotonic() + 60
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            self.test.assertTrue(ready, f"{text!r} was not seen in {self.seen!r}")
            self.seen += os.read(self.master, 4096)
        before, _, self.seen = self.seen.partition(text)
        self.passed += before + text

    def is_raw(self):
        return termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO | termios.ISIG) == 0

    def wait_until_raw(self):
        deadline = time.monotonic() + 60
        while not self.is_raw():
            self.test.assertLess(time.monotonic(), deadline, "it stayed as it was")
            time.sleep(0.02)

    def end(self):
        """The exit status. Whatever happened, the terminal has its settings back."""
        status = self.process.wait(timeout=60)
        self.test.assertEqual(termios.tcgetattr(self.slave), self.before)
        return status
