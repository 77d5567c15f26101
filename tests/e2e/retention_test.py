"""What is kept and for how long: artifacts, gc, pins; and that gc never takes away what a running stage needs."""

import io
import json
import os
import re
import sqlite3
import subprocess
import tarfile
import threading
import time
import unittest

from harness import STAGEBOX, ProjectTest


class RetentionTest(ProjectTest):
    def run_ok(self, *arguments):
        result = self.run_stagebox("run", *arguments)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return re.match(r"run (\w+)", result.stdout)[1]

    def gc(self, *arguments):
        result = self.run_stagebox("gc", "--json", *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def run_ids(self):
        return [run["run"] for run in self.runs()]

    def stdout_of(self, *arguments):
        return subprocess.run([STAGEBOX, *arguments], cwd=self.project, env=self.environment, capture_output=True,
                              check=False, timeout=60)

    def make(self, name):
        self.pipeline(f"  make: {{run: 'echo said {name}; yes {name} | head -c 100000 > out', outputs: {{out: out}}}}\n")
        return self.run_ok()

    def has_output(self, run):
        return self.stdout_of("artifacts", run, "make.out", "-").returncode == 0

    def test_artifacts_as_files_as_an_archive_and_to_standard_output(self):
        long_name = "n" * 90
        self.pipeline(f"""
  make:
    run: |
      mkdir -p out/{long_name}/{long_name}; echo deep > out/{long_name}/{long_name}/f
      echo tool > out/tool; chmod +x out/tool; ln -s /nowhere out/link; mkdir out/empty; echo one > one; chmod +x one
    outputs: {{out: out, one: one}}
""")
        self.run_ok()
        exported = self.project / "exported"
        self.assertEqual(self.run_stagebox("artifacts", "last", "make.out", exported).returncode, 0)
        self.assertEqual(os.readlink(exported / "link"), "/nowhere")
        again = self.run_stagebox("artifacts", "last", "make.out", exported)
        self.assertEqual(again.returncode, 2)
        self.assertIn("exists already", again.stderr)
        archive = self.project / "out.tar"
        self.assertEqual(self.run_stagebox("artifacts", "last", "make.out", archive, "--tar").returncode, 0)
        streamed = self.stdout_of("artifacts", "last", "make.out", "-", "--tar").stdout
        self.assertEqual(streamed, archive.read_bytes())
        with tarfile.open(fileobj=io.BytesIO(streamed)) as tar:
            found = {m.name: (m.type, m.mode, m.linkname) for m in tar}
            self.assertEqual(found, {
                "tool": (tarfile.REGTYPE, 0o755, ""), "link": (tarfile.SYMTYPE, 0o777, "/nowhere"),
                "empty": (tarfile.DIRTYPE, 0o755, ""), long_name: (tarfile.DIRTYPE, 0o755, ""),
                f"{long_name}/{long_name}": (tarfile.DIRTYPE, 0o755, ""),
                f"{long_name}/{long_name}/f": (tarfile.REGTYPE, 0o644, "")})
            self.assertEqual(tar.extractfile(f"{long_name}/{long_name}/f").read(), b"deep\n")
        self.assertEqual(self.stdout_of("artifacts", "last", "make.one", "-").stdout, b"one\n")
        file = self.project / "one"
        self.assertEqual(self.run_stagebox("artifacts", "last", "make.one", file).returncode, 0)
        self.assertEqual((file.read_text(), file.stat().st_mode & 0o100), ("one\n", 0o100))
        for arguments, text in ((["make.out", "-"], "add --tar"), (["make.none", "x"], "has no output"),
                                (["make.out"], "where to put it"), (["make.out", "no/where"], "cannot be opened")):
            result = self.run_stagebox("artifacts", "last", *arguments)
            self.assertEqual(result.returncode, 2)
            self.assertIn(text, result.stderr)
        self.assertEqual([p.name for p in self.project.glob(".stagebox*")], [])

    def test_a_damaged_artifact_is_not_exported(self):
        run = self.make("a")
        blob = next(p for p in self.home.glob("cas/blobs/??/*") if p.read_bytes().startswith(b"a\na\n"))
        blob.chmod(0o600)
        with blob.open("r+b") as file:
            file.write(b"b")
        blob.chmod(0o444)
        os.utime(blob, (946684800, 946684800))
        result = self.run_stagebox("artifacts", run, "make.out", "copy")
        self.assertIn("was damaged and has been removed", result.stderr)
        self.assertEqual(result.returncode, 3)
        self.assertFalse((self.project / "copy").exists())

    def test_by_count_by_age_and_pins(self):
        runs = [self.make(name) for name in "abcd"]
        self.assertEqual(self.run_stagebox("pin", runs[0]).returncode, 0)
        freed = self.gc("--keep-runs", "2")
        self.assertEqual((freed["runs"], self.run_ids()), (1, [runs[3], runs[2], runs[0]]))
        self.make("b")
        self.assertEqual(self.states(), {"make": "cached"})
        self.gc("--keep-runs", "1")
        self.assertEqual(self.run_stagebox("logs", "last", "make").stdout, "said b\n")
        for folder in (self.home / "logs").iterdir():
            os.utime(folder, (1_700_000_000, 1_700_000_000))
        freed = self.gc("--keep", "0s")
        self.assertEqual(self.run_ids(), [runs[0]])
        self.assertTrue(self.has_output(runs[0]))
        self.assertGreaterEqual(freed["blobs"], 3)
        self.assertGreater(freed["bytes"], 3 * 100_000)
        self.assertEqual([p.name for p in (self.home / "logs").iterdir()], [runs[0]])
        self.run_stagebox("unpin", runs[0])
        self.gc("--keep", "0s")
        self.assertEqual(self.run_ids(), [])
        self.assertEqual(list(self.home.glob("cas/blobs/??/*")), [])
        self.assertIn("there is no run", self.run_stagebox("pin", "none").stderr)

    def test_a_run_that_is_pinned_while_gc_works_keeps_all_it_has(self):
        run, other = self.make("a"), self.make("b")
        database = sqlite3.connect(self.home / "runs.db", isolation_level=None)
        database.execute("BEGIN IMMEDIATE")  # As another Stagebox that writes: gc lists the runs and waits.
        gc = self.start("gc", "--json", "--keep", "0s")
        time.sleep(1)
        database.execute("INSERT INTO pins(run_id) VALUES(?)", (run,))
        database.execute("COMMIT")
        database.close()
        told, errors = gc.communicate(timeout=60)
        self.assertEqual(gc.returncode, 0, errors)
        self.assertEqual((json.loads(told)["runs"], self.run_ids()), (1, [run]), other)
        self.assertTrue(self.has_output(run))
        self.assertEqual(self.run_stagebox("logs", run, "make").stdout, "said a\n")

    def test_under_a_budget_the_oldest_go_first(self):
        runs = [self.make(name) for name in "abcd"]
        for number, entry in enumerate(sorted((self.home / "ac").iterdir(), key=lambda p: p.stat().st_mtime_ns)):
            os.utime(entry, (1_700_000_000 + number, 1_700_000_000 + number))
        self.run_stagebox("pin", runs[0])
        freed = self.gc("--max-size", "340kB", "--keep", "8760h")
        self.assertEqual([self.has_output(run) for run in runs], [True, False, True, True], freed)
        self.assertLessEqual(freed["content_bytes"], 340_000)
        self.assertEqual(len(self.run_ids()), 4, "the runs themselves stay on record")
        self.assertIn("`gc` has removed them", self.stdout_of("artifacts", runs[1], "make.out", "-").stderr.decode())
        self.assertIn("said b", self.run_stagebox("logs", runs[1], "make").stdout)
        self.make("b")
        self.assertEqual(self.states(), {"make": "succeeded"})

    def test_equal_files_count_once_in_the_budget(self):
        self.pipeline("  make: {run: 'mkdir out; yes a | head -c 100000 > out/f; for i in $(seq 20); do cp out/f out/$i; done', "
                      "outputs: {out: out}}\n")
        run = self.run_ok()
        freed = self.gc("--max-size", "200kB", "--keep", "8760h")
        self.assertEqual((freed["outputs"], freed["results"]), (0, 0), freed)
        self.assertEqual(self.stdout_of("artifacts", run, "make.out", self.project / "copy").returncode, 0)
        self.assertEqual(self.gc("--max-size", "90kB", "--keep", "8760h")["outputs"], 1, "but once they do")

    def test_the_budget_knows_all_that_is_kept(self):
        self.write("src/a", "a\n" * 250_000)
        self.pipeline("  bad: {inputs: {src: {path: src}}, run: 'echo made > left; exit 1'}\n")
        self.assertEqual(self.run_stagebox("run").returncode, 1)
        self.assertEqual(self.gc("--max-size", "600kB")["workspaces"], 0)
        freed = self.gc("--max-size", "300kB")
        self.assertEqual(freed["workspaces"], 1, "the inputs that it keeps alive are too much")
        self.assertLess(freed["content_bytes"], 300_000)
        # What `tests` shows stays with its run, and leaves less for the rest.
        case = '<testcase classname="c" name="n%i"><failure>%i</failure></testcase>'
        self.write("src/t.xml", "<testsuite>" + "".join(case % (i, i) for i in range(4000)) + "</testsuite>")
        self.pipeline("  test: {inputs: {src: {path: src}}, run: 'cp src/t.xml t.xml; yes b | head -c 100000 > out', "
                      "tests: [{junit: t.xml}], outputs: {out: out}}\n")
        self.run_stagebox("run")
        self.assertEqual(json.loads(self.run_stagebox("tests", "last", "--json").stdout)["stages"][0]["failed"], 4000)
        self.gc("--max-size", "0")
        shown = self.gc("--max-size", "0")["content_bytes"]
        self.assertGreater(shown, 50_000)
        self.assertEqual(json.loads(self.run_stagebox("tests", "last", "--json").stdout)["stages"][0]["failed"], 4000)
        self.run_stagebox("run", "--no-cache")
        for budget, outputs in ((shown + 150_000, 0), (shown + 50_000, 1)):
            result = self.run_stagebox("gc", "--json", "--max-size", f"{budget}B")
            self.assertEqual(json.loads(result.stdout)["outputs"], outputs, result.stdout)
            self.assertEqual(result.stderr, "")
        over = self.run_stagebox("gc", "--max-size", "1B")
        self.assertIn("is what runs on record show of tests", over.stderr)
        self.assertEqual(self.gc("--keep-runs", "0", "--max-size", "1B")["content_bytes"], 0)

    def test_how_much_logs_take_is_told(self):
        self.pipeline("  talk: {run: 'head -c 300000 /dev/urandom | od -x'}\n")
        self.run_ok()
        self.assertGreater(self.gc("--max-size", "1B")["log_bytes"], 100_000, "they are no part of the budget")
        self.assertRegex(self.run_stagebox("gc").stdout, r"logs take [0-9.]+ [kKM]i?B")
        self.assertEqual(self.gc("--keep-runs", "0", "--keep", "0s")["log_bytes"], 0)

    def test_gc_in_a_loop_beside_runs_takes_nothing_away(self):
        self.write("src/a", "0")
        self.pipeline("""
  one: {inputs: {src: {path: src}}, run: "cat src/a > out; mkdir d; echo x > d/f", outputs: {out: out, d: d}}
  two: {inputs: {in: {from: one.out}, d: {from: one.d, mode: overlay}}, run: "cat in d/f > out", outputs: {out: out}}
  three: {inputs: {in: {from: two.out}, d: {from: one.d}}, run: "cat in d/f"}
""")
        stop, failures = threading.Event(), []

        def collect():
            while not stop.is_set():
                result = self.run_stagebox("gc", "--keep", "0s", "--max-size", "0")
                if result.returncode != 0:
                    failures.append(result.stderr)

        collector = threading.Thread(target=collect)
        collector.start()
        try:
            for number in range(int(os.environ.get("STAGEBOX_TEST_ROUNDS", "4"))):
                self.write("src/a", str(number // 2))
                result = self.run_stagebox("run")
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        finally:
            stop.set()
            collector.join()
        self.assertEqual(failures, [])

    def age_blobs(self):
        """As if they had last been used a month ago."""
        for path in (self.home / "cas/blobs").rglob("*"):
            status = path.stat()
            os.utime(path, ns=(status.st_atime_ns - 10**9 * 3600 * 24 * 30, status.st_mtime_ns))

    def test_what_a_failed_stage_left_is_kept_with_its_inputs_for_a_time(self):
        self.write("src/a", "alpha\n")
        self.pipeline("  bad: {inputs: {src: {path: src}}, run: 'echo made > left; exit 1'}\n")
        self.assertEqual(self.run_stagebox("run").returncode, 1)
        look = ("shell", "last", "bad", "--", "cat", "left", "src/a")
        self.age_blobs()
        self.assertEqual(self.gc()["workspaces"], 0)
        self.assertEqual(self.run_stagebox(*look).stdout, "made\nalpha\n")
        self.run_stagebox("pin", "last")
        self.assertEqual(self.gc("--keep-workspaces", "0s")["workspaces"], 0)
        self.run_stagebox("unpin", "last")
        self.assertEqual(self.gc("--max-size", "100GiB")["workspaces"], 0)
        self.assertEqual(self.gc("--max-size", "1B")["workspaces"], 1)
        gone = self.run_stagebox(*look)
        self.assertEqual(gone.returncode, 125)
        self.assertIn("is not stored any more", gone.stderr)
        self.assertEqual(self.run_stagebox("run", "--no-cache").returncode, 1)
        self.assertEqual(self.run_stagebox(*look).stdout, "made\nalpha\n")
        self.assertEqual(self.gc("--keep-workspaces", "0s")["workspaces"], 1)
        self.assertIn("not kept any more", self.run_stagebox(*look).stderr)


    def test_verify_reads_everything_and_drops_what_is_damaged(self):
        self.pipeline("  make: {run: 'echo made > out', outputs: {o: out}}\n")
        self.run_ok()
        sound = self.gc("--verify")["verified"]
        self.assertEqual((sound["damaged"], sound["damaged_blobs"]), (0, []))
        self.assertGreater(sound["blobs"], 0)
        (blob,) = [path for path in (self.home / "cas/blobs").glob("*/*") if path.read_bytes() == b"made\n"]
        blob.chmod(0o600)
        blob.write_bytes(b"Made\n")
        self.assertEqual(self.gc("--verify")["verified"], dict(sound, damaged=1, damaged_blobs=[blob.name]))
        self.assertFalse(blob.exists())
        self.assertIn("none is damaged", self.run_stagebox("gc", "--verify").stdout)
        self.assertNotIn("verified", self.gc())
        self.run_ok("--timeout", "1h")
        self.assertEqual(self.states(), {"make": "succeeded"})


if __name__ == "__main__":
    unittest.main()
