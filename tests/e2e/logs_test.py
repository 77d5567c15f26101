"""Logs: each byte that a stage wrote, by stream, and what is said when some of it is missing."""

import datetime
import json
import os
import pty
import signal
import subprocess
import unittest

from harness import ProjectTest


ZSTD = b"\x28\xb5\x2f\xfd"


class LogsTest(ProjectTest):
    def log(self, *arguments):
        """The bytes that `logs last ...` prints."""
        return self.run_stagebox("logs", "last", *arguments, text=False).stdout

    def wait_until_shown(self, run, stage, content):
        # Not by what lies in the state directory: that can be there before the run's record says so.
        while self.log(stage) != content:
            self.assertIsNone(run.poll())

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
        self.assertEqual(self.log("bytes", "--raw"), b"a\0b\xff\xfe\r\nno end")
        self.assertEqual(self.log("bytes"), b"a\0b\xff\xfe\nno end", "CR LF is one line break")
        self.assertEqual(self.log("silent"), b"")

    def test_a_limit_is_reported_in_the_log_too(self):
        self.pipeline("  loud: {run: 'yes', resources: {log: 100kB}}\n")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 1)
        self.assertIn("resources.log", result.stdout)
        shown = self.run_stagebox("logs", "last", "loud")
        self.assertEqual(len(shown.stdout), 100_000)
        self.assertIn("the log ends here: the stage wrote more than", shown.stderr)

    LOUD = 'i=0; while [ $i -lt 4000 ]; do echo \\"$i of a long log\\"; i=$((i+1)); done'
    EXPECTED = b"".join(b"%d of a long log\n" % i for i in range(4000))

    def test_logs_are_compressed_when_their_stage_ends(self):
        self.pipeline(f"  loud: {{run: \"{self.LOUD}\"}}\n  small: {{run: 'echo small'}}\n")
        self.run_ok()
        first = json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]
        path = self.only_log("loud")
        self.assertEqual(path.read_bytes()[:4], ZSTD)
        self.assertLess(path.stat().st_size, len(self.EXPECTED) / 2)
        self.assertEqual(self.log("loud"), self.EXPECTED)
        self.assertNotEqual(self.only_log("small").read_bytes()[:4], ZSTD)
        self.assertEqual([p.name for p in sorted(path.parent.iterdir())], ["loud.log", "small.log"])
        self.run_ok()
        self.assertEqual(self.states()["loud"], "cached")
        self.assertEqual(self.log("loud"), self.EXPECTED, "of the run that it was taken from")
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        path.write_bytes(damaged)
        shown = self.run_stagebox("logs", "last", "loud")
        self.assertEqual(shown.returncode, 3)
        self.assertIn("is damaged; the stage runs again the next time", shown.stderr)
        self.run_ok()
        self.assertEqual(self.states(), {"loud": "succeeded", "small": "cached"})
        self.assertEqual(self.log("loud"), self.EXPECTED)
        shown = self.run_stagebox("logs", first, "loud")
        self.assertEqual(shown.returncode, 3)
        self.assertNotIn("runs again", shown.stderr, "it has another log")
        self.run_ok()
        self.assertEqual(self.states()["loud"], "cached")

    def test_gc_compresses_what_a_killed_run_left(self):
        self.pipeline(f"  make: {{cache: never, run: \"{self.LOUD}; sleep 60\"}}\n")
        run = self.start("run")
        self.addCleanup(run.kill)
        self.wait_until_shown(run, "make", self.EXPECTED)
        run.send_signal(signal.SIGKILL)
        run.communicate()
        path = self.only_log("make")
        left = path.with_name("make.log.part")
        left.write_bytes(b"half")
        self.assertEqual(self.log("make"), self.EXPECTED)
        self.assertEqual(self.run_stagebox("gc").returncode, 0)
        self.assertEqual(path.read_bytes()[:4], ZSTD)
        self.assertFalse(left.exists())
        self.assertEqual(self.log("make"), self.EXPECTED)

    def test_a_flood_loses_nothing(self):
        """While it comes, when Stagebox is killed, and compressed: the same bytes."""
        flood = "busybox seq 1 500000 >/tmp/x; cat /tmp/x /tmp/x"
        self.pipeline(f"""
  make: {{cache: never, run: "{flood}; sleep 60"}}
  whole: {{run: "{flood}"}}
""")
        expected = 2 * b"".join(b"%d\n" % i for i in range(1, 500001))
        run = self.start("run", "--stage", "make")
        self.addCleanup(run.kill)
        while not list(self.home.glob("logs/*/make.log")):
            self.assertIsNone(run.poll())
        follow = self.start("logs", "last", "make", "--follow", text=False)
        shown = b""
        while len(shown) < len(expected):
            some = os.read(follow.stdout.fileno(), 1 << 20)
            self.assertNotEqual(some, b"")
            shown += some
        self.assertIsNone(run.poll(), "live")
        self.assertTrue(shown == expected)
        path = self.only_log("make")
        run.send_signal(signal.SIGKILL)
        run.communicate()
        follow.communicate(timeout=60)
        self.assertTrue(self.log("make") == expected)
        self.assertEqual(self.run_stagebox("gc").returncode, 0)
        self.assertEqual(path.read_bytes()[:4], ZSTD)
        self.assertTrue(self.log("make") == expected)
        self.assertEqual(self.run_stagebox("run", "--stage", "whole").returncode, 0)
        self.assertEqual(self.only_log("whole").read_bytes()[:4], ZSTD)
        self.assertTrue(self.log("whole") == expected)

    def test_a_whole_run_in_the_order_of_time(self):
        self.pipeline("""
  old: {run: "echo from the cache"}
""")
        self.run_ok()
        self.pipeline("""
  old: {run: "echo from the cache"}
  first: {needs: [old], run: "echo 1; printf open"}
  second: {needs: [first], run: "echo 2 >&2"}
  third: {needs: [second], run: "echo 3; exit 1", retry: {attempts: 2, backoff: 1ms}}
""")
        self.run_stagebox("run")
        self.assertEqual(self.log(), b"old | from the cache\nfirst | 1\nfirst | open\nsecond | 2\nthird | 3\nthird#2 | 3\n")
        self.assertEqual(self.log("--stream", "stderr"), b"second | 2\n")
        self.assertEqual(self.log("--tail", "2"), b"third | 3\nthird#2 | 3\n")
        self.assertRegex(self.log("second", "-t"), rb"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ 2\n$")
        lines = [json.loads(line) for line in self.log("--json").splitlines()]
        self.assertEqual([(line["stage"], line["stream"], line["text"]) for line in lines[1:4]],
                         [("first", "stdout", "1"), ("first", "stdout", "open"), ("second", "stderr", "2")])
        times = [line["monotonic_ns"] for line in lines[1:]]
        self.assertEqual(times, sorted(times))

    def test_which_lines(self):
        self.pipeline(r"""
  s: {run: "printf '\\033[31mred\\033[0m apple\\nblue\\n'; sleep 1.5; echo green apple; echo black"}
""")
        self.run_ok()
        self.assertEqual(self.log("s", "--grep", "^(red|green) a"), b"red apple\ngreen apple\n")
        self.assertEqual(self.log("s", "--grep", "apple", "--tail", "1"), b"green apple\n")
        self.assertEqual(self.log("s", "--since", "1h"), b"red apple\nblue\ngreen apple\nblack\n")
        self.assertEqual(self.log("s", "--since", "1d"), b"red apple\nblue\ngreen apple\nblack\n")
        self.environment["TZ"] = "TEST-3"
        local = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=3)))
        before, after = (f"{local + datetime.timedelta(minutes=minutes):%Y-%m-%d %H:%M}" for minutes in (-10, 10))
        self.assertEqual(self.log("s", "--since", before), b"red apple\nblue\ngreen apple\nblack\n")
        self.assertEqual(self.log("s", "--since", after), b"")
        self.assertEqual(self.log("s", "--until", "1h"), b"")
        times = [json.loads(line)["time"] for line in self.log("s", "--json").splitlines()]
        self.assertEqual(self.log("s", "--since", times[2]), b"green apple\nblack\n")
        self.assertEqual(self.log("s", "--until", times[2]), b"red apple\nblue\n")
        for wrong in (("--since", "soon"), ("--grep", "a(b"), ("--raw", "--json"), ("--stream", "stdin")):
            self.assertEqual(self.run_stagebox("logs", "last", "s", *wrong).returncode, 2, wrong)

    def test_follow_shows_what_comes_until_the_end(self):
        self.pipeline("""
  one: {run: "echo begun; sleep 3; echo done"}
  two: {needs: [one], run: "echo late"}
""")
        run = self.start("run")
        while not list(self.home.glob("logs/*/one.log")):
            self.assertIsNone(run.poll())
        whole = self.start("logs", "last", "--follow")
        one = self.start("logs", "last", "one", "-f")
        two = self.start("logs", "last", "two", "-f")
        self.assertEqual(one.stdout.readline(), "begun\n")
        self.assertIsNone(run.poll(), "live")
        self.assertEqual(one.communicate(timeout=60)[0], "done\n")
        self.assertEqual(two.communicate(timeout=60)[0], "late\n", "it had not begun")
        self.assertEqual(whole.communicate(timeout=60)[0], "one | begun\none | done\ntwo | late\n")
        run.communicate(timeout=60)
        self.assertEqual(run.returncode, 0)
        self.assertEqual(self.log("-f"), b"one | begun\none | done\ntwo | late\n", "it is over")
        wrong = self.run_stagebox("logs", "last", "none", "-f")
        self.assertEqual(wrong.returncode, 2)

    def test_follow_shows_the_beginning_of_a_line(self):
        self.pipeline("  one: {run: \"printf 'tests .'; sleep 4; printf .; sleep 1; echo ' ok'; echo next\"}\n")
        run = self.start("run")
        while not list(self.home.glob("logs/*/one.log")):
            self.assertIsNone(run.poll())
        follow = self.start("logs", "last", "one", "--follow", text=False)
        grep = self.start("logs", "last", "one", "--follow", "--grep", "ok")
        self.assertEqual(os.read(follow.stdout.fileno(), 100), b"tests .")
        self.assertIsNone(run.poll(), "live")
        self.assertEqual(follow.communicate(timeout=60)[0], b". ok\nnext\n")
        self.assertEqual(grep.communicate(timeout=60)[0], "tests .. ok\n")
        run.communicate(timeout=60)
        self.assertEqual(self.log("one"), b"tests .. ok\nnext\n")

    def test_the_last_lines(self):
        self.pipeline("""
  a: {run: "i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); done; echo ::group::Checks; echo in it; printf open"}
  b: {needs: [a], run: "echo after"}
  long: {run: "head -c 70m /dev/zero | tr '\\\\0' x; echo; echo end"}
""")
        self.run_ok()
        self.assertEqual(self.log("a", "--tail", "2"), b"in it\nopen")
        self.assertEqual(self.log("a", "--tail", "5"), b"298\n299\n::group::Checks\nin it\nopen")
        self.assertEqual(self.log("a", "--tail", "0"), b"")
        self.assertEqual(len(self.log("a", "--tail", "10000").splitlines()), 303)
        self.assertEqual(self.log("a", "--grep", "^1.7$", "--tail", "2"), b"187\n197\n")
        self.assertEqual(self.log("a", "--tail", "2", "--follow"), b"in it\nopen")
        (line,) = self.log("a", "--tail", "1", "--json").splitlines()
        self.assertEqual(json.loads(line)["groups"], ["Checks"], "the line before it is known though not shown")
        self.assertEqual(self.log("long", "--tail", "1"), b"end\n")
        self.assertEqual(self.log("long", "--tail", "2"), b"x" * (70 << 20) + b"\nend\n", "more than is held")

    def test_the_last_lines_of_a_large_log_are_read_alone(self):
        self.pipeline("""
  big: {run: "echo first >&2; seq 300000; echo rare; seq 150000; printf 'no end' >&2; seq 150000; echo 'the error' >&2"}
  wide: {run: "seq 100000 | tr '\\\\n' x; echo; echo a; echo b"}
""")
        self.run_ok()
        lines = self.log("big").splitlines(keepends=True)
        both = self.log().splitlines(keepends=True)
        (archive,) = self.home.glob("logs/*/big.log")
        whole = archive.read_bytes()
        self.assertGreater(len(whole), 600 << 10)
        self.assertEqual(lines.count(b"no endthe error\n"), 1)
        options = (), ("--stream", "stdout"), ("--stream", "stderr"), ("--grep", "^rare|7777$")
        expected = {(option, tail): self.log("big", *option).splitlines(keepends=True)[-tail:]
                    for option in options for tail in (1, 40, 30000, 5000000)}
        for (option, tail), last in expected.items():
            with self.subTest(option=option, tail=tail):
                self.assertEqual(self.log("big", *option, "--tail", str(tail)).splitlines(keepends=True), last)
        for tail in (1, 3, 30000):
            self.assertEqual(self.log("--tail", str(tail)).splitlines(keepends=True), both[-tail:])
        self.assertEqual(self.log("wide", "--tail", "2"), b"a\nb\n")
        self.assertEqual(self.log("wide", "--tail", "3"), self.log("wide"))

    def test_the_last_lines_need_nothing_of_the_middle(self):
        # Of several frames: the first one is opened for the log's header.
        self.pipeline("  big: {run: 'seq 1000000'}\n")
        self.run_ok()
        (archive,) = self.home.glob("logs/*/big.log")
        whole = archive.read_bytes()
        archive.chmod(0o600)
        middle = len(whole) * 2 // 5
        archive.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:])
        self.assertEqual(self.log("big", "--tail", "50").splitlines(), [str(i).encode() for i in range(999951, 1000001)])
        done = self.run_stagebox("logs", "last", "big", "--tail", "3000000")
        self.assertEqual(done.returncode, 3)
        self.assertIn("damaged", done.stderr)

    def test_the_last_lines_and_what_comes_then(self):
        self.pipeline("  one: {cache: never, run: 'echo one; echo two; printf three; sleep 60'}\n")
        run = self.start("run")
        self.addCleanup(run.kill)
        self.wait_until_shown(run, "one", b"one\ntwo\nthree")
        follow = self.start("logs", "last", "one", "--tail", "1", "--follow")
        self.assertEqual(follow.stdout.readline(), "two\n", "what is not complete is still to come")
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
        self.assertEqual(follow.communicate(timeout=60)[0], "three")
        self.assertEqual(self.log("one", "--tail", "1"), b"three")

    def test_follow_ends_with_a_run_that_is_killed(self):
        self.pipeline("  make: {cache: never, run: 'echo up; sleep 60'}\n")
        run = self.start("run")
        self.addCleanup(run.kill)
        while not list(self.home.glob("logs/*/make.log")):
            self.assertIsNone(run.poll())
        follow = self.start("logs", "last", "-f")
        self.assertEqual(follow.stdout.readline(), "make | up\n")
        run.send_signal(signal.SIGKILL)
        run.communicate()
        out, err = follow.communicate(timeout=60)
        self.assertEqual(out, "")
        self.assertIn("died", err)
        self.assertEqual(self.run_stagebox("gc").returncode, 0)
        self.assertEqual(self.leftovers(), [])

    def test_progress_and_colours(self):
        self.pipeline(r"""
  s: {run: "printf '10%%\\r50%%\\r100%%\\n\\033]0;title\\007\\033[1mbold\\033[0m\\033[2K\\302\\233\\n'"}
""")
        self.run_ok()
        self.assertEqual(self.log("s"), b"100%\nbold\xc2\x9b\n")
        self.assertEqual(self.on_terminal("s"), b"100%\r\n\x1b[1mbold\x1b[0m\\u{9b}\r\n")
        self.environment["NO_COLOR"] = "1"
        self.assertEqual(self.on_terminal("s"), b"100%\r\nbold\\u{9b}\r\n")
        self.assertIn(b"\x1b]0;title", self.on_terminal("s", "--raw"))

    def on_terminal(self, *arguments):
        """What `logs last ...` writes to one."""
        master, peer = pty.openpty()
        self.addCleanup(os.close, master)
        process = subprocess.Popen([os.environ["STAGEBOX"], "logs", "last", *arguments], stdout=peer,
                                   env=dict(self.environment, TERM="xterm"))
        os.close(peer)
        self.assertEqual(process.wait(timeout=60), 0)
        return os.read(master, 4096)

    def test_annotations_have_places(self):
        self.pipeline("""
  lint:
    run: |
      echo "::group::Checks"
      echo "::error file=src/a.c,line=3,col=7,title=Bad::not%0Agood"
      echo "::endgroup::"
      sleep 0.3; echo "::warning::careful" >&2
""")
        self.run_ok()
        self.assertEqual(self.log("--annotations"), b"lint | src/a.c:3:7: error: Bad: not\\ngood\nlint | warning: careful\n")
        self.assertEqual(self.log("lint", "--annotations"), b"src/a.c:3:7: error: Bad: not\\ngood\nwarning: careful\n")
        first, second = (json.loads(line) for line in self.log("--annotations", "--json").splitlines())
        self.assertEqual(first, {"stage": "lint", "level": "error", "file": "src/a.c", "line": 3, "column": 7, "title": "Bad",
                                 "message": "not\ngood", "groups": ["Checks"]})
        self.assertEqual(second, {"stage": "lint", "level": "warning", "message": "careful"})

    def test_a_log_that_broke_off_is_read_to_its_last_whole_chunk(self):
        self.pipeline("  make: {cache: never, run: 'echo up; sleep 60'}\n")
        run = self.start("run")
        self.addCleanup(run.kill)
        self.wait_until_shown(run, "make", b"up\n")
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
