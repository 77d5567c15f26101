"""What a person sees of a run: plain lines, the live display of a terminal, and failures last."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from harness import STAGEBOX, ProjectTest

FAILING = """
  bad: {run: "echo first; echo second; exit 7"}
  good: {needs: [], run: "sleep 1.5"}
"""


class Screen:
    """As much of a terminal as the live display needs."""

    def __init__(self):
        self.lines, self.row, self.column = [""], 0, 0

    def feed(self, text):
        for part in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
            self.take(part)

    def take(self, part):
        if part == "\n":
            self.row += 1
            self.lines += [""] * (self.row + 1 - len(self.lines))
        elif part == "\r":
            self.column = 0
        elif part.startswith("\x1b[") and part[-1] == "A":
            self.row -= int(part[2:-1])
            assert self.row >= 0, "the cursor left the screen"
        elif part == "\x1b[J":
            self.lines[self.row:] = [self.lines[self.row][:self.column]]
        elif part == "\x1b[K":
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif part.startswith("\x1b["):
            assert part[-1] == "m", part
        else:
            line = self.lines[self.row]
            self.lines[self.row] = line[:self.column] + part + line[self.column + len(part):]
            self.column += len(part)

    def text(self):
        return "\n".join(self.lines)


class ConsoleTest(ProjectTest):
    def on_terminal(self, *arguments, columns=100, interrupt_at=None, environment=None):
        """Exit status, everything that was written, and what is on the screen at the end."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([STAGEBOX, *arguments], cwd=self.project, stdin=subprocess.DEVNULL, stdout=slave,
                                   stderr=slave, env={**self.environment, "TERM": "xterm", **(environment or {})})
        self.started.add(process.pid)
        os.close(slave)
        written = b""
        while True:
            ready, _, _ = select.select([master], [], [], 60)
            self.assertTrue(ready, written)
            try:
                written += os.read(master, 4096)
            except OSError:
                break
            if interrupt_at and interrupt_at in written:
                process.send_signal(signal.SIGINT)
                interrupt_at = None
        os.close(master)
        screen = Screen()
        screen.feed(written.decode())
        return process.wait(timeout=60), written.decode(), screen

    def test_on_a_terminal_what_runs_is_shown_and_nothing_of_it_stays(self):
        self.pipeline(FAILING)
        status, written, screen = self.on_terminal("run", "--jobs", "2")
        self.assertEqual(status, 1)
        self.assertRegex(written, r"\n  good  \d+s\r\n")
        self.assertRegex(written, r"/2 done, .*running")
        self.assertIn("\x1b[1;31mFAILED\x1b[0m", written)
        self.assertNotRegex(screen.text(), r"running|/2 done")
        self.assertRegex(screen.text(), r"good +ok")

    def read_until(self, master, pattern):
        seen = b""
        while not re.search(pattern, seen):
            self.assertTrue(select.select([master], [], [], 60)[0], seen)
            seen += os.read(master, 4096)
        return seen

    def test_what_a_shell_wrote_while_it_was_stopped_stays(self):
        self.pipeline("  long: {run: 'sleep 60'}\n")
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        process = subprocess.Popen([STAGEBOX, "run"], cwd=self.project, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                                   env=dict(self.environment, TERM="xterm"))
        self.started.add(process.pid)
        self.read_until(master, rb"0/1 done, 1 running")
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        os.write(slave, b"MARK")
        self.read_until(master, b"MARK")
        time.sleep(1.2)
        process.send_signal(signal.SIGCONT)
        seen = self.read_until(master, b"1 running")
        self.assertNotIn(b"A\r\x1b[J", seen, "nothing is erased that is not its own")
        process.send_signal(signal.SIGINT)
        self.read_until(master, b"cancelling .Ctrl-C again: at once|cancelled")
        process.send_signal(signal.SIGINT)
        os.close(slave)
        try:
            while os.read(master, 4096):
                pass
        except OSError:
            pass
        os.close(master)
        self.assertEqual(process.wait(timeout=60), 130)

    def test_estimates_of_an_earlier_run_are_used(self):
        self.pipeline("  slow: {cache: never, run: \"sleep 2.2\"}\n")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        status, written, _ = self.on_terminal("run")
        self.assertEqual(status, 0)
        self.assertRegex(written, r"slow  \d+s of about [234]s")
        self.assertRegex(written, r"about [1234]s left")

    def test_the_failure_is_the_last_thing_on_the_screen(self):
        self.pipeline(FAILING)
        run = self.run_stagebox("run", "--jobs", "2")
        self.assertEqual(run.returncode, 1)
        last = run.stdout[run.stdout.index("\nbad: "):]
        number = re.search(r"^run ([0-9a-f]+)$", run.stdout, re.M)[1]
        lines = last.splitlines()
        self.assertRegex(lines.pop(2), r"^    wall [0-9.]+s, cpu [0-9.]+s, peak memory [0-9.]+ [KM]iB$")
        self.assertEqual(lines[1:], [
            "bad: exited with status 7", "    $ echo first; echo second; exit 7", "    | first", "    | second",
            f"    the whole log:  stagebox logs {number} bad", f"    a shell in it:  stagebox shell {number} bad",
            f"    why it ran:     stagebox explain {number} bad"])
        self.assertNotIn("\x1b", run.stdout)

    def failure(self, text):
        """The last part of what was written: of the stage that failed."""
        return text.replace("\r\n", "\n").split("\n\n")[-1].splitlines()

    def test_the_last_thirty_lines_are_there_whatever_was_told_before(self):
        stage = "  long: {run: \"%s; for i in $(busybox seq 40); do echo line $i; done; exit 7\"}\n"
        for before, standing in (("true", "above"), ("echo ::error::bad", "in the last part")):
            with self.subTest(standing):
                self.pipeline(stage % before)
                out = self.run_it(1)
                lines = [f"    | line {i}" for i in range(11, 41)]
                shown = [line for line in out.splitlines() if line.startswith("    | ")]
                if standing == "above":
                    self.assertEqual(shown, lines)
                    continue
                self.assertEqual(shown, lines + lines)
                self.assertIn("what stages reported:", out)
                last = self.failure(out)
                self.assertEqual(last[0], "long: exited with status 7")
                self.assertEqual([line for line in last if line.startswith("    | ")], lines)
                self.assertIn("stagebox explain", last[-1])

    def test_the_failure_is_last_on_a_terminal_too(self):
        self.pipeline("  long: {run: \"echo ::error::bad; for i in $(busybox seq 40); do echo line $i; done; exit 7\"}\n")
        status, _, screen = self.on_terminal("run")
        self.assertEqual(status, 1)
        last = self.failure(screen.text().rstrip("\n"))
        self.assertEqual(last[0], "long: exited with status 7")
        self.assertEqual([line for line in last if line.startswith("    | ")], [f"    | line {i}" for i in range(11, 41)])
        self.assertRegex(last[-3], r"stagebox logs \w+ long$")
        self.assertRegex(last[-1], r"stagebox explain \w+ long$")

    def test_the_log_of_a_failure_is_shown_as_logs_are(self):
        self.pipeline(r"""
  bad:
    run: |
      printf '\033[31mred\033[0m\n10%%\r50%%\r100%%\na\tb\n\2332Jcsi\033[2J\033]0;title\007 end\n\303\251\n'
      exit 1
""")
        shown = ["    | red", "    | 100%", "    | a\tb", "    | \\x9b2Jcsi end", "    | \u00e9"]
        result = self.run_stagebox("run", text=False)
        self.assertEqual([line for line in result.stdout.decode().splitlines() if line.startswith("    | ")], shown)
        _, written, _ = self.on_terminal("run")
        shown[0] = "    | \x1b[31mred\x1b[0m"
        self.assertEqual([line for line in written.replace("\r\n", "\n").split("\n") if line.startswith("    | ")], shown)
        _, written, _ = self.on_terminal("run", environment={"NO_COLOR": "1"})
        self.assertIn("\n    | red\r\n", written)

    def quoted(self, script):
        """What of a stage's log stands behind its failure."""
        self.pipeline(f"  bad:\n    run: |\n      {script}\n      exit 1\n")
        return [line[6:] for line in self.run_it(1).splitlines() if line.startswith("    | ")]

    def test_a_stream_does_not_cut_the_lines_of_the_other(self):
        self.assertEqual(self.quoted("printf 'compiling a.c ...'; echo 'warning: x' >&2; sleep 0.1; echo done; sleep 0.1; printf 'no end' >&2"),
                         ["warning: x", "compiling a.c ...done", "no end"])

    def test_empty_lines_at_the_end_do_not_hide_what_was_said(self):
        self.assertEqual(self.quoted("echo first; echo; echo 'error: here'; for i in $(busybox seq 100); do echo; done"),
                         ["first", "", "error: here"])

    def test_a_long_line_is_cut_and_hides_no_other(self):
        first, long, last = self.quoted("echo 'error: here'; busybox seq -s , 90000; echo last")
        self.assertEqual((first, last), ("error: here", "last"))
        self.assertTrue(long.startswith("1,2,3,"))
        self.assertTrue(long.endswith("\u2026"))
        self.assertEqual(len(long), 300)

    def test_a_narrow_window_is_not_overrun(self):
        name = "stage-with-a-name-that-is-longer-than-the-window-is-wide"
        self.pipeline(f"  {name}: {{run: \"sleep 1\"}}\n")
        status, written, screen = self.on_terminal("run", columns=30)
        self.assertEqual(status, 0)
        drawn = re.findall(r"  stage[^\r\n]*\u2026", written)
        self.assertTrue(drawn)
        self.assertTrue(all(len(line) <= 29 for line in drawn), drawn)
        self.assertNotIn("running", screen.text())

    def test_the_last_line_of_a_stage_is_shown_and_drives_no_terminal(self):
        self.environment["GIVEN"] = "hunter22hunter"
        self.pipeline(r"""
  s:
    secrets: [TOKEN]
    run: |
      printf 'first\nbe\033]0;title\007fore\033[2J\033[31m\010\302\233 \342\200\256%s now\n' "$(cat /run/secrets/TOKEN)"
      sleep 100
""")
        status, written, screen = self.on_terminal("run", "--secret", "TOKEN=env:GIVEN", interrupt_at=b" now")
        self.assertEqual(status, 130)
        self.assertRegex(written, r"s  \d+s.*\| before\\x08\\u\{9b\} \\u\{202e\}\*\*\* now")
        self.assertNotIn("hunter22", written)
        self.assertEqual(set(re.findall(r"\x1b[^mAJ]*[a-zA-Z]?", written)) - {"\x1b[2m", "\x1b[0m", "\x1b[J", "\x1b[33m", "\x1b[36m"},
                         set(re.findall(r"\x1b\[[0-9]+A", written)), "its own sequences and no other")
        self.assertNotRegex(written, "[\x07\x08\x9b\u202e]")
        self.assertNotIn("before", screen.text())

    def test_the_last_line_is_shown_without_secrets_too(self):
        """Of a run that may be remembered: others watch it as well."""
        self.pipeline("  s: {run: \"echo said now; sleep 100\"}\n")
        status, written, screen = self.on_terminal("run", interrupt_at=b" now")
        self.assertEqual(status, 130)
        self.assertRegex(written, r"s  \d+s.*\| said now")
        self.assertNotIn("said", screen.text())

    def test_a_line_that_may_become_a_secret_is_shown_without_its_end(self):
        self.environment["GIVEN"] = "hunter22hunter"
        self.pipeline("  s: {secrets: [TOKEN], run: \"echo then: hunter22; sleep 100\"}\n")
        status, written, _ = self.on_terminal("run", "--secret", "TOKEN=env:GIVEN", interrupt_at="| then:…".encode())
        self.assertEqual(status, 130)
        self.assertNotIn("hunter", re.sub(r"\$ .*", "", written))

    def test_what_stages_reported_is_listed_at_the_end(self):
        self.pipeline("""
  lint:
    run: |
      for i in $(busybox seq 25); do echo "::warning file=a.c,line=$i::careful"; done
      printf '::error file=a.c,line=3::b%%0Aad\\033[2J\\n'
      echo no ::error::of it
  good: {needs: [lint], run: "echo ::notice::fine >&2; exit 1"}
""")
        run = self.run_stagebox("run", "--events", "events")
        number = re.search(r"^run ([0-9a-f]+)$", run.stdout, re.M)[1]
        lines = run.stdout[run.stdout.index("what stages reported:\n"):].splitlines()
        self.assertEqual(lines[1:3], ["  lint: a.c:3: error: b\\nad", "  lint: a.c:1: warning: careful"])
        self.assertEqual(lines[20:24], ["  lint: a.c:19: warning: careful", f"  and 7 more:  stagebox logs {number} --annotations", "",
                                        "good: exited with status 1"])
        events = [json.loads(line) for line in (self.project / "events").read_text().splitlines()]
        (lint,) = [event for event in events if event.get("stage") == "lint" and event["state"] == "succeeded"]
        self.assertEqual(lint["annotations"][0], {"level": "error", "file": "a.c", "line": 3, "message": "b\nad"})
        self.assertEqual((len(lint["annotations"]), lint["more_annotations"]), (20, 6))

    def test_an_interruption_leaves_the_screen_in_order(self):
        self.pipeline("  slow: {run: \"sleep 100\"}\n")
        status, _, screen = self.on_terminal("run", interrupt_at=b"slow  1s")
        self.assertEqual(status, 130)
        self.assertNotIn("running", screen.text())
        self.assertRegex(screen.text(), r"cancelled in.*\ngo on with it: +stagebox resume [0-9a-f]{12}\n")
        self.assertEqual(self.leftovers(), [])

    def test_no_colour_plain_and_tui_are_heeded(self):
        self.pipeline("  one: {run: \"sleep 0.5\"}\n")
        _, written, _ = self.on_terminal("run", environment={"NO_COLOR": "1"})
        self.assertIsNone(re.search(r"\x1b\[[0-9;]*m", written))
        _, written, _ = self.on_terminal("run", "--no-cache", "--output", "plain", environment={"NO_COLOR": "1"})
        self.assertNotIn("\x1b", written)
        self.assertRegex(written, r"one +running")
        refused = self.run_stagebox("run", "--output", "tui")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("needs a terminal as standard output", refused.stderr)
        status, written, _ = self.on_terminal("run", "--output", "tui", environment={"TERM": "dumb"})
        self.assertEqual(status, 2)
        self.assertIn('TERM is "dumb"', written)


if __name__ == "__main__":
    unittest.main()
