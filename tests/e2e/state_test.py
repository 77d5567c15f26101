"""What happens to the state directory: a full disk at any write, a database that is damaged or newer."""

import calendar
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import time
import unittest

from harness import STAGEBOX, ProjectTest

# In a mount namespace of its own: the state directory on a small tmpfs that is filled up to some KiB before the run.
FULL_DISK = """
set -eu
mount -t tmpfs -o size=64m,mode=0700 none "$STAGEBOX_HOME"
"$STAGEBOX" run > /dev/null
"$STAGEBOX" show last --json > "$OUT/before"
free=$(df -k --output=avail "$STAGEBOX_HOME" | tail -n 1)
dd if=/dev/zero of="$STAGEBOX_HOME/filler" bs=1k count=$((free - $LEFT)) status=none
status=0
"$STAGEBOX" run --no-cache > "$OUT/out" 2> "$OUT/err" || status=$?
echo $status > "$OUT/status"
"$STAGEBOX" runs --json > "$OUT/runs"
"$STAGEBOX" show last > /dev/null
rm "$STAGEBOX_HOME/filler"
"$STAGEBOX" show "$(sed -n 's/.*"run": "\\(.*\\)".*/\\1/p' "$OUT/before" | head -n 1)" --json > "$OUT/after"
"$STAGEBOX" run --no-cache > /dev/null
"$STAGEBOX" artifacts last use.o "$OUT/result"
"""


# Somebody else fills the disk while a stage runs that wants little of it.
OTHERS_FILL_THE_DISK = """
set -eu
mount -t tmpfs -o size=32m,mode=0700 none "$STAGEBOX_HOME"
"$STAGEBOX" run > "$OUT/out" 2>&1 &
until cat "$STAGEBOX_HOME"/logs/*/make.log 2>/dev/null | grep -q up; do sleep 0.02; done
dd if=/dev/zero of="$STAGEBOX_HOME/filler" bs=1k 2>/dev/null || true
status=0
wait $! || status=$?
echo $status > "$OUT/status"
rm "$STAGEBOX_HOME/filler"
"$STAGEBOX" show last --json > "$OUT/shown"
"""


# The same for gc, which a full disk calls for.
GC_ON_A_FULL_DISK = """
set -eu
mount -t tmpfs -o size=96m,mode=0700 none "$STAGEBOX_HOME"
for i in 1 2 3; do "$STAGEBOX" run --no-cache > /dev/null; done
free=$(df -k --output=avail "$STAGEBOX_HOME" | tail -n 1)
dd if=/dev/zero of="$STAGEBOX_HOME/filler" bs=1k count=$((free - $LEFT)) status=none
status=0
"$STAGEBOX" gc --keep-runs 1 --keep 0s > "$OUT/out" 2>&1 || status=$?
echo $status > "$OUT/status"
test -e "$STAGEBOX_HOME/reserve"
# One that frees nothing does not lose it, nor one that fails.
free=$(df -k --output=avail "$STAGEBOX_HOME" | tail -n 1)
dd if=/dev/zero of="$STAGEBOX_HOME/filler2" bs=1k count=$((free - $LEFT)) status=none
"$STAGEBOX" gc > /dev/null
test -e "$STAGEBOX_HOME/reserve"
mv "$STAGEBOX_HOME/runs.db" "$STAGEBOX_HOME/aside"
mkdir "$STAGEBOX_HOME/runs.db"  # No database.
if "$STAGEBOX" gc > /dev/null 2>&1; then exit 1; fi
test -e "$STAGEBOX_HOME/reserve"
rmdir "$STAGEBOX_HOME/runs.db"
mv "$STAGEBOX_HOME/aside" "$STAGEBOX_HOME/runs.db"
rm "$STAGEBOX_HOME/filler2"
# Nor does it need one where there is room.
rm "$STAGEBOX_HOME/filler" "$STAGEBOX_HOME/reserve"
"$STAGEBOX" gc > /dev/null
du -k "$STAGEBOX_HOME/reserve" > "$OUT/reserve"
"""


# On a disk whose blocks are smaller than what SQLite makes its shared memory of.
FULL_DISK_OF_SMALL_BLOCKS = """
set -eu
truncate -s 48M "$OUT/disk"
mkfs.ext4 -q -b 1024 -m 0 "$OUT/disk"
mount -o loop "$OUT/disk" "$STAGEBOX_HOME"
"$STAGEBOX" run > /dev/null
for left in 4 12 20 28 36 56; do
  rm -f "$STAGEBOX_HOME/filler"
  free=$(df -k --output=avail "$STAGEBOX_HOME" | tail -n 1)
  fallocate -l $((free - left))KiB "$STAGEBOX_HOME/filler"
  for command in runs "run --no-cache"; do
    status=0
    "$STAGEBOX" $command > "$OUT/out" 2>&1 || status=$?
    echo "$left $command: $status" >> "$OUT/seen"
    [ $status -eq 0 ] || cat "$OUT/out" >> "$OUT/told"
  done
done
rm "$STAGEBOX_HOME/filler"
"$STAGEBOX" run --no-cache > /dev/null
"""


# Each takes some seconds; STAGEBOX_FULL_DISK=all looks at more instants.
LEFT_KIB = (0, 8, 24, 60, 150, 400, 800, 2000) if os.environ.get("STAGEBOX_FULL_DISK") == "all" else (0, 60, 2000)


class StateTest(ProjectTest):
    def test_older_runs_are_not_left_out_silently(self):
        self.pipeline("  one: {run: 'true'}\n")
        self.environment["TZ"] = "TEST-3"
        before = int(time.time())
        for _ in range(3):
            self.assertEqual(self.run_stagebox("run").returncode, 0)
        ids = [run["run"] for run in json.loads(self.run_stagebox("runs", "--json").stdout)]
        self.assertEqual(len(ids), 3)
        lines = self.run_stagebox("runs").stdout.splitlines()
        self.assertEqual([line.split()[0] for line in lines], ids)
        for line in lines:
            began = calendar.timegm(time.strptime(" ".join(line.split()[2:4]), "%Y-%m-%d %H:%M:%S")) - 3 * 3600
            self.assertTrue(before <= began <= time.time(), line)
        lines = self.run_stagebox("runs", "--limit", "2").stdout.splitlines()
        self.assertEqual([line.split()[0] for line in lines[:-1]], ids[:2])
        self.assertEqual(lines[-1], "and 1 older; `stagebox runs --limit 0` lists all")
        listed = self.run_stagebox("runs", "--limit", "1", "--json")
        self.assertEqual([run["run"] for run in json.loads(listed.stdout)], ids[:1])
        self.assertEqual(listed.stderr, "and 2 older; `stagebox runs --limit 0` lists all\n")
        with sqlite3.connect(self.home / "runs.db") as database:
            columns = [row[1] for row in database.execute("PRAGMA table_info(runs)") if row[1] != "id"]
            for i in range(50):
                database.execute(f"INSERT INTO runs (id, {', '.join(columns)}) "
                                 f"SELECT 'old{i}', {', '.join(columns)} FROM runs WHERE id = ?", (ids[0],))
        database.close()
        lines = self.run_stagebox("runs").stdout.splitlines()
        self.assertEqual((len(lines), lines[-1].split(";")[0]), (51, "and 3 older"))
        everything = self.run_stagebox("runs", "--limit", "0", "--json")
        self.assertEqual((len(json.loads(everything.stdout)), everything.stderr), (53, ""))

    def small_pipeline(self):
        self.pipeline("""
  make: {run: "dd if=/dev/zero of=big bs=1k count=600; echo made > out", outputs: {o: out, big: big}}
  use: {inputs: {i: {from: make.o}}, run: "cat i > out", outputs: {o: out}}
""")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "mounting a small disk needs root")
    def test_a_full_disk_at_any_write_is_told_and_nothing_is_lost(self):
        self.small_pipeline()
        self.home.mkdir(mode=0o700)
        seen = set()
        for left in LEFT_KIB:
            out = self.dir / f"out-{left}"
            out.mkdir()
            environment = dict(self.environment, STAGEBOX=STAGEBOX, OUT=str(out), LEFT=str(left))
            result = subprocess.run(["unshare", "-m", "sh", "-c", FULL_DISK], cwd=self.project, env=environment,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual(result.returncode, 0, f"{left} KiB: {result.stdout}")
            status = int((out / "status").read_text())
            told = (out / "out").read_text() + (out / "err").read_text()
            seen.add(status)
            # A stage that is the one to reach the disk's reserve is killed; all else is never "the stage failed".
            its_own = "killed: filled the disk" in told or "error writing 'big'" in told
            self.assertIn(status, (1, 3) if its_own else (0, 3), told)
            if status != 0:
                self.assertRegex(told, "No space left on device|filled the disk|is full: .stagebox gc. frees", f"{left} KiB")
            if "No space left" in told:
                self.assertIn('"stagebox gc" frees', told)
                self.assertIn(str(self.home), told, "where there is no space")
                self.assertNotRegex(told, r"\bwrite: No space")
            self.assertEqual((out / "before").read_text(), (out / "after").read_text())
            for run in json.loads((out / "runs").read_text()):
                self.assertNotEqual(run["state"], "running", f"{left} KiB: {told}")
            self.assertEqual((out / "result").read_text(), "made\n")
        self.assertLessEqual({0, 3}, seen)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("mkfs.ext4") and os.path.exists("/dev/loop-control"),
                         "mounting an image of a disk needs root, mkfs.ext4 and loop devices")
    def test_a_full_disk_of_small_blocks_kills_nothing_of_ours(self):
        self.pipeline("  make: {run: 'echo made > out', outputs: {o: out}}\n")
        self.home.mkdir(mode=0o700)
        out = self.dir / "out"
        out.mkdir()
        environment = dict(self.environment, STAGEBOX=STAGEBOX, OUT=str(out))
        result = subprocess.run(["unshare", "-m", "sh", "-c", FULL_DISK_OF_SMALL_BLOCKS], cwd=self.project, env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(result.returncode, 0, result.stdout)
        seen = (out / "seen").read_text()
        self.assertEqual(seen.count("\n"), 12, seen)
        self.assertNotRegex(seen, r": (?!0\n|3\n)", "neither a signal nor the stage's fault")
        self.assertRegex(seen, ": 3\n")
        self.assertIn('"stagebox gc" frees', (out / "told").read_text())

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "mounting a small disk needs root")
    def test_a_stage_that_others_left_no_disk_has_not_failed_itself(self):
        loop = "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo $i > f$i; sleep 0.05; done"
        for retry, attempts in (("", 2), ("retry: {attempts: 1}, ", 1)):
            self.pipeline(f"  make: {{{retry}run: 'echo up; {loop}'}}\n")
            self.home.mkdir(mode=0o700, exist_ok=True)
            out = self.dir / f"others-{attempts}"
            out.mkdir()
            environment = dict(self.environment, STAGEBOX=STAGEBOX, OUT=str(out))
            result = subprocess.run(["unshare", "-m", "sh", "-c", OTHERS_FILL_THE_DISK], cwd=self.project, env=environment,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            told = (out / "out").read_text()
            self.assertEqual(result.returncode, 0, result.stdout + told)
            self.assertEqual((out / "status").read_text(), "3\n", told)
            self.assertRegex(told, "is full: .stagebox gc. frees|filled the disk|No space left on device")
            if retry == "":
                self.assertIn("attempt", told)

    def run_refused(self, call, error, *strace):
        """A run without the cache, whose own calls of this name fail."""
        return subprocess.run(
            ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", *strace, f"--inject={call}:error={error}", STAGEBOX, "run",
             "--no-cache"], cwd=self.project, env=self.environment, capture_output=True, text=True)

    @unittest.skipUnless(os.geteuid() == 0, "Stagebox opens the files in another process of an ordinary user's")
    def test_what_cannot_be_looked_at_is_not_a_machine_without_cgroups(self):
        self.pipeline("  s: {run: 'true'}\n")
        for path in ("/proc/self/mountinfo", "/proc/self/cgroup"):
            run = self.run_refused("openat", "EMFILE", "-P", path)
            self.assertEqual(run.returncode, 3, run.stdout + run.stderr)
            self.assertIn(f'open "{path}": Too many open files', run.stderr)
        self.assertEqual(self.leftovers(), [])

    @unittest.skipUnless(os.geteuid() == 0, "an ordinary user's Stagebox does it in another process")
    def test_a_run_for_which_there_was_no_thread_does_not_look_as_if_it_went_on(self):
        self.pipeline("  make: {run: 'echo made > out', outputs: {o: out}}\n")
        self.run_ok()
        before = len(json.loads(self.run_stagebox("runs", "--json").stdout))
        for refused in range(1, 8):
            run = self.run_refused("clone3", f"EAGAIN:when={refused}")
            self.assertIn(run.returncode, (0, 3), run.stdout + run.stderr)
            self.assertNotIn("unexpected failure", run.stderr)
            self.assertEqual([row for row in json.loads(self.run_stagebox("runs", "--json").stdout) if row["state"] == "running"],
                             [], (refused, run.stderr))
        states = [row["state"] for row in json.loads(self.run_stagebox("runs", "--json").stdout)[:-before]]
        self.assertIn("error", states, "none had begun when it was refused")
        self.assertEqual(self.leftovers(), [])

    def refuse_ends(self):
        """Until take_ends(): the database does not take that a stage succeeded, as when its disk is full."""
        with sqlite3.connect(self.home / "runs.db") as database:
            database.execute("CREATE TRIGGER full BEFORE INSERT ON stages WHEN NEW.state = 'succeeded' "
                             "BEGIN SELECT RAISE(ABORT, 'no space'); END")

    def take_ends(self):
        with sqlite3.connect(self.home / "runs.db") as database:
            database.execute("DROP TRIGGER full")

    def wait_for(self, stage):
        while not list(self.home.glob(f"logs/*/{stage}.log")) or self.states().get(stage) != "running":
            time.sleep(0.02)

    def test_a_record_that_cannot_be_written_for_a_while_is_written_later(self):
        self.pipeline("""
  make: {run: "sleep 1.5; echo made > out", outputs: {o: out}}
  use: {inputs: {i: {from: make.o}}, run: "sleep 1.5; cat i > out", outputs: {o: out}}
""")
        process = self.start("run")
        self.wait_for("make")
        self.refuse_ends()
        while not list(self.home.glob("logs/*/use.log")):
            time.sleep(0.02)
        self.assertEqual(self.states()["make"], "running")
        self.take_ends()
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        self.assertEqual(self.states(), {"make": "succeeded", "use": "succeeded"})
        self.assertEqual(self.run_stagebox("artifacts", "last", "make.o", "-").stdout, "made\n")

    def test_a_run_whose_record_cannot_be_written_is_an_error_and_can_be_resumed(self):
        self.pipeline("  make: {run: 'sleep 1.5; echo made > out', outputs: {o: out}}\n")
        process = self.start("run")
        self.wait_for("make")
        self.refuse_ends()
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 3, out + err)
        self.assertIn("no space", err)
        self.assertEqual(json.loads(self.run_stagebox("show", "last", "--json").stdout)["state"], "error")
        shown = self.run_stagebox("show", "last").stdout
        self.assertIn("its end could not be recorded", shown)
        self.assertNotIn("killed", shown)
        self.take_ends()
        resumed = self.run_stagebox("resume", "last")
        self.assertEqual(resumed.returncode, 0, resumed.stdout + resumed.stderr)
        self.assertEqual(self.states(), {"make": "cached"})
        self.assertEqual(self.run_stagebox("artifacts", "last", "make.o", "-").stdout, "made\n")

    def test_a_result_that_cannot_be_recorded_for_later_runs_fails_nobody(self):
        self.pipeline("""
  long: {run: "sleep 1.5; echo made > out", outputs: {o: out}}
  brief: {inputs: {i: {from: long.o}}, run: "cat i > out", outputs: {o: out}}
""")
        process = self.start("run", "--events", "events")
        self.wait_for("long")
        (self.home / "ac").rmdir()  # It stays open, and takes no file any more.
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        self.assertRegex(out, r"long +ok .*it could not be recorded in the stage cache")
        self.assertIn("warning: results could not be written to the stage cache", out)
        events = [json.loads(line) for line in (self.project / "events").read_text().splitlines()]
        self.assertEqual([e["event"] for e in events if "results could not" in e.get("message", "")], ["warning"])
        self.assertEqual(self.run_ok("--jobs", "1").count(" ok "), 2, "a later run makes them again")
        self.run_ok()
        self.assertEqual(self.states(), {"long": "cached", "brief": "cached"})

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "mounting a small disk needs root")
    def test_gc_frees_room_on_a_full_disk(self):
        self.pipeline("  make: {run: 'head -c 4000000 /dev/urandom > out', outputs: {o: out}}\n")
        self.home.mkdir(mode=0o700)
        for left in (0, 20, 40, 60):
            out = self.dir / f"gc-{left}"
            out.mkdir()
            environment = dict(self.environment, STAGEBOX=STAGEBOX, OUT=str(out), LEFT=str(left))
            result = subprocess.run(["unshare", "-m", "sh", "-c", GC_ON_A_FULL_DISK], cwd=self.project, env=environment,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            told = (out / "out").read_text() if (out / "out").exists() else ""
            self.assertEqual(result.returncode, 0, f"{left} KiB: {result.stdout}{told}")
            self.assertEqual((out / "status").read_text(), "0\n", f"{left} KiB: {told}")
            self.assertRegex(told, r"freed 1[1-4](\.\d)? MiB", f"{left} KiB")
            self.assertEqual((out / "reserve").read_text().split()[0], "8192")

    def test_what_stands_in_the_place_of_ours_is_told_with_what_helps(self):
        self.small_pipeline()
        self.run_ok()
        aside = self.dir / "aside"
        makers = {"directory": pathlib.Path.mkdir, "file": pathlib.Path.touch,
                  "link": lambda path: path.symlink_to(aside)}
        for name, kind in (("runs.db", "directory"), ("turns", "directory"), ("turns", "link"), ("cas", "file"),
                           ("cas", "link"), ("ac", "file"), ("logs", "link")):
            path = self.home / name
            path.rename(aside)
            makers[kind](path)
            self.pipeline(f"  make: {{run: 'echo {name} {kind} > out', outputs: {{o: out}}}}\n")
            result = self.run_stagebox("run")
            self.assertEqual(result.returncode, 3, f"{name}: {result.stdout}")
            self.assertRegex(result.stdout + result.stderr, rf'{name}" in the state directory is no (file|directory): move it away|'
                             rf'{name}": it is a directory; move it away', kind)
            self.assertNotIn("retrying", result.stdout)
            (path.rmdir if kind == "directory" else path.unlink)()
            aside.rename(path)
            self.run_ok()
        self.assertEqual(self.leftovers(), [])

    def test_a_state_directory_of_a_newer_stagebox_is_refused(self):
        self.small_pipeline()
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        version = self.home / "version"
        commands = (["run"], ["exec", "--image", "bb.tar", "--", "true"], ["image", "list"], ["gc"], ["runs"])
        before = sorted(self.home.rglob("*"))
        for text, words in (("2\n", "has version 2, but this Stagebox knows only up to 1; use the newer"),
                            ("18446744073709551615", "has version 18446744073709551615"),
                            ("x", "does not say the version"), ("", "does not say the version"), ("0", "does not say"),
                            ("1" * 100, "does not say the version")):
            version.write_text(text)
            for command in commands:
                result = self.run_stagebox(*command)
                self.assertEqual(result.returncode, 125 if command[0] == "exec" else 3, command)
                self.assertIn(words, result.stderr, command)
            version.unlink()
        self.assertEqual(sorted(self.home.rglob("*")), before, "nothing is changed there")
        version.symlink_to("/dev/zero")
        self.assertEqual(self.run_stagebox("image", "list").returncode, 3)
        version.unlink()
        version.write_text("1\n")
        for command in commands:
            result = self.run_stagebox(*command)
            self.assertEqual(result.returncode, 0, result.stderr)

    def test_what_a_crash_of_the_machine_left_half_known_is_put_right(self):
        self.small_pipeline()
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        lost = "0123456789ab"
        with sqlite3.connect(self.home / "runs.db") as database:
            database.execute("UPDATE runs SET state = 'running', ended_at = NULL, instance = ?", (lost,))
        database.close()
        scratch = self.home / "sandboxes" / lost / "s0"
        scratch.mkdir(parents=True)
        (scratch / "file").write_text("left")
        first = json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        self.assertEqual(self.leftovers(), [])
        states = {row["run"]: row["state"] for row in json.loads(self.run_stagebox("runs", "--json").stdout)}
        self.assertEqual(states[first], "error")

    def test_a_newer_or_damaged_database_is_refused_and_left_as_it_is(self):
        self.small_pipeline()
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        path = self.home / "runs.db"
        with sqlite3.connect(path) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            database.execute(f"PRAGMA user_version = {version + 1}")
        database.close()
        for command in (["run"], ["runs"], ["resume", "last"], ["gc"]):
            result = self.run_stagebox(*command)
            self.assertEqual(result.returncode, 3, command)
            self.assertIn("newer Stagebox", result.stderr)
        with sqlite3.connect(path) as database:
            database.execute(f"PRAGMA user_version = {version}")
        database.close()
        self.assertEqual(self.states(), {"make": "succeeded", "use": "succeeded"})
        good = path.read_bytes()
        path.write_bytes(b"this is no database" * 1000)
        for command in (["run"], ["runs"], ["show", "last"]):
            result = self.run_stagebox(*command)
            self.assertEqual(result.returncode, 3, command)
            self.assertIn("damaged", result.stderr)
            self.assertIn("move it away", result.stderr)
        self.assertTrue(path.read_bytes().startswith(b"this is no database"))
        for log in self.home.glob("runs.db-*"):
            log.unlink()
        path.write_bytes(b"")
        for command in (["run"], ["runs"], ["gc"]):
            result = self.run_stagebox(*command)
            self.assertEqual(result.returncode, 3, command)
            self.assertIn("is empty", result.stderr)
        self.assertEqual(path.stat().st_size, 0)
        # What the message says: without the history, the results are still there.
        path.unlink()
        again = self.run_stagebox("run")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(self.states(), {"make": "cached", "use": "cached"})
        path.write_bytes(good)

    def test_gc_takes_nothing_by_a_database_that_has_lost_rows(self):
        self.pipeline("  make: {run: 'echo made > out', outputs: {needle: out}}\n")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        path = self.home / "runs.db"
        good = path.read_bytes()
        self.assertGreater(good.count(b"needle"), 1, "the table and its index, which do not agree any more")
        path.write_bytes(good.replace(b"needle", b"noodle", 1))
        result = self.run_stagebox("gc", "--keep", "0s", "--max-size", "0")
        self.assertEqual(result.returncode, 3, result.stdout + result.stderr)
        self.assertRegex(result.stderr, "damaged.*move it away")
        path.write_bytes(good)
        out = self.run_stagebox("artifacts", "last", "make.needle", "-")
        self.assertEqual(out.stdout, "made\n", out.stderr)


if __name__ == "__main__":
    unittest.main()
