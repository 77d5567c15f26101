"""`exec --tty`: a command with a terminal of the sandbox's own, driven through a pseudo terminal as a person would."""

import os
import signal
import subprocess
import termios
import time
import unittest

from harness import STAGEBOX, ProjectTest, children
from terminal_driver import Driver


class TerminalTest(ProjectTest):
    def test_it_is_a_terminal_of_the_sandbox(self):
        driver = Driver(self, ["sh", "-c", "busybox tty; test -t 0 && test -t 1 && test -t 2 && echo all three; "
                                           "echo direct > /dev/tty; echo console > /dev/console; exit 9"])
        for text in (b"/dev/pts/0\r\n", b"all three\r\n", b"direct\r\n", b"console\r\n"):
            driver.expect(text)
        self.assertEqual(driver.end(), 9)
        self.assertEqual(self.leftovers(), [])

    def test_without_one_of_its_own_a_command_has_none(self):
        script = ("for fd in 0 1 2; do test -t $fd && echo is one; done; busybox stty -isig 2>&1; cat; "
                  "trap '' INT; echo ready; while :; do sleep 1; done")
        driver = Driver(self, ["sh", "-c", script], arguments=("exec", "--image", "bb.tar", "--"))
        driver.expect(b"ready\r\n")
        self.assertNotIn(b"is one", driver.passed)
        self.assertEqual(termios.tcgetattr(driver.slave), driver.before)
        # Twice: it takes no notice of the first one.
        driver.type(b"\x03")
        time.sleep(0.5)
        driver.type(b"\x03")
        self.assertEqual(driver.end(), 137)
        self.assertEqual(termios.tcgetattr(driver.slave), driver.before)

    def test_size_and_its_changes_reach_the_command(self):
        driver = Driver(self, ["sh", "-c", "trap 'busybox stty size' WINCH; busybox stty size; echo ready; "
                                           "while :; do read line && echo \"line $line\"; done"])
        driver.expect(b"33 77\r\n")
        driver.expect(b"ready\r\n")
        driver.resize(44, 99)
        # The shell runs its trap when something happens.
        driver.type(b"\r")
        driver.expect(b"44 99\r\n")
        driver.type(b"\x03")
        self.assertEqual(driver.end(), 130)

    def test_ctrl_c_is_the_commands(self):
        driver = Driver(self, ["sh", "-c", "trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 1; done"])
        driver.expect(b"ready\r\n")
        driver.type(b"\x03")
        driver.expect(b"caught\r\n")
        self.assertEqual(driver.end(), 7)

    def test_job_control_works(self):
        driver = Driver(self, ["sh", "-i"])
        # What is echoed while it is typed looks different.
        driver.type(b"sh -c 'echo run''ning; exec sleep 1000'\r")
        driver.expect(b"\r\nrunning\r\n")
        self.assertNotIn(b"job control turned off", driver.passed)
        driver.type(b"\x1a")
        driver.expect(b"Stopped")
        driver.type(b"kill -9 %1; echo stat''us $?\r")
        driver.expect(b"status 0\r\n")
        # Twice: the shell may not have seen yet that the stopped job is dead.
        driver.type(b"exit 3\rexit 3\r")
        self.assertEqual(driver.end(), 3)

    def shell(self):
        """One of the host's, with job control, in which a command waits for a line."""
        self.environment["PS1"] = "prompt> "
        driver = Driver(self, [], program="/bin/dash", arguments=("-i",))
        driver.expect(b"prompt> ")
        return driver, (f"{STAGEBOX} exec --tty --image bb.tar -- sh -c "
                        "'echo rea''dy; while read x; do echo got $x; done'").encode()

    def test_in_the_background_the_terminal_is_the_shells(self):
        driver, command = self.shell()
        driver.type(command + b" &\n")
        driver.expect(b"ready\r")
        driver.type(b"echo sti''ll here\n")
        driver.expect(b"still here\r\n")
        self.assertFalse(driver.is_raw())
        self.assertNotIn(b"Stopped", driver.passed + driver.seen)
        driver.type(b"fg\n")
        driver.wait_until_raw()
        driver.type(b"typed\r")
        driver.expect(b"got typed\r\n")
        driver.type(b"\x03")
        driver.expect(b"prompt> ")
        self.assertFalse(driver.is_raw())
        driver.type(b"exit 5\n")
        self.assertEqual(driver.end(), 5)
        self.assertEqual(self.leftovers(), [])

    def test_after_it_was_stopped_the_terminal_is_the_commands_again(self):
        driver, command = self.shell()
        driver.type(command + b"\n")
        driver.wait_until_raw()
        driver.expect(b"ready\r\n")
        (stagebox,) = children(driver.process.pid)
        os.kill(stagebox, signal.SIGSTOP)
        driver.expect(b"prompt> ")
        # As shells with line editing do it.
        termios.tcsetattr(driver.slave, termios.TCSANOW, driver.before)
        driver.type(b"fg\n")
        driver.wait_until_raw()
        driver.type(b"typed\r")
        driver.expect(b"got typed\r\n")
        driver.type(b"\x04")
        driver.expect(b"prompt> ")
        driver.type(b"exit 6\n")
        self.assertEqual(driver.end(), 6)

    def test_the_terminal_is_restored_when_stagebox_is_told_to_end(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            driver = Driver(self, ["cat", "/etc/hosts", "-"])
            driver.expect(b"localhost")
            self.assertNotEqual(termios.tcgetattr(driver.slave), driver.before, "it was never raw")
            driver.process.send_signal(number)
            self.assertEqual(driver.end(), 128 + number)

    def test_input_and_output_may_be_pipes(self):
        driver = Driver(self, ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        out, _ = driver.process.communicate(b"from a pipe\n", timeout=60)
        # As typed, so it is echoed; then it comes from cat.
        self.assertEqual(out, b"from a pipe\r\n" * 2)
        self.assertEqual(driver.end(), 0)

    def test_a_command_that_is_not_there(self):
        driver = Driver(self, ["no-such-command"])
        driver.expect(b"no-such-command")
        self.assertEqual(driver.end(), 127)

    def test_typed_input_is_not_left_for_the_one_outside(self):
        driver = Driver(self, ["sh", "-c", "echo ready; read line; echo \"$line\" | tr a-z A-Z"])
        driver.expect(b"ready\r\n")
        driver.type(b"hello\r")
        driver.expect(b"HELLO\r\n")
        self.assertEqual(driver.end(), 0)


if __name__ == "__main__":
    unittest.main()
