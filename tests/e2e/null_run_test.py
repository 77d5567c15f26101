"""Null runs: when everything is as it was, a run is answered from the memo of an earlier one; and never otherwise."""

import json
import os
import shutil
import sqlite3
import time
import unittest

from harness import RACY, ProjectTest, make_image

STAGES = """
  make:
    inputs: {src: {path: src, gitignore: true, exclude: ["*.o"]}, one: {path: one}}
    run: 'cat src/a one > out; mkdir dir; cp src/a dir'
    outputs: {out: out, dir: dir}
  use: {inputs: {in: {from: make.out}}, run: 'cat in'}
  never: {if: "params.p == 'never'", image: gone, inputs: {i: {path: gone}}, run: 'false'}
  after_failure: {needs: [make], when: failure, run: 'false'}
"""
GONE = ", gone: {tarball: gone.tar}"
PARAMS = "params: {p: {default: x}}\n"


class NullRunTest(ProjectTest):
    def setUp(self):
        super().setUp()
        self.pipeline(STAGES, PARAMS, GONE)
        self.write("src/a", "aaaa\n")
        self.write("src/sub/b", "b\n")
        self.write("one", "1\n")
        os.symlink("a", self.project / "src/link")

    def last_run(self):
        with sqlite3.connect(self.home / "runs.db") as database:
            return database.execute("SELECT id, stages_of FROM runs ORDER BY rowid DESC LIMIT 1").fetchone()

    def was_answered(self):
        run, stages_of = self.last_run()
        self.assertEqual(stages_of is None, (self.home / "logs" / run).exists())
        return stages_of is not None

    def expect_answered(self, *arguments):
        out = self.run_ok(*arguments)
        self.assertTrue(self.was_answered(), out)
        return out

    def expect_ordinary(self, *arguments):
        out = self.run_ok(*arguments)
        self.assertFalse(self.was_answered(), out)
        return out

    def settle(self, *arguments):
        """Until a run is answered from its memo."""
        for _ in range(3):
            self.run_ok(*arguments)
            time.sleep(RACY)
            self.run_ok(*arguments)
            out = self.run_ok(*arguments)
            if self.was_answered():
                return out
        self.fail(out)

    def test_it_tells_and_records_what_an_ordinary_run_does(self):
        self.run_ok()
        first, _ = self.last_run()
        time.sleep(RACY)
        ordinary = self.expect_ordinary()
        ordinary_id, _ = self.last_run()
        answered = self.expect_answered()
        answered_id, owner = self.last_run()
        self.assertEqual(owner, ordinary_id)
        self.assertEqual(answered.splitlines()[0], f"run {answered_id}")
        self.assertEqual(sorted(answered.splitlines()[1:-1]), sorted(ordinary.splitlines()[1:-1]))
        self.assertRegex(answered.splitlines()[-1], r"^succeeded in \S+: 2 cached, 2 skipped$")
        self.assertEqual(self.states(answered_id), self.states(ordinary_id))
        for command in (["show", "--json"], ["artifacts", "--json"]):
            shown = [json.loads(self.run_stagebox(command[0], run, *command[1:]).stdout)
                     for run in (ordinary_id, answered_id)]
            lists = [{key: value for key, value in one.items() if isinstance(value, list)} if isinstance(one, dict) else one
                     for one in shown]
            self.assertEqual(*lists)
        self.assertIn("aaaa", self.run_stagebox("logs", answered_id, "use").stdout)
        self.assertIn(first, self.run_stagebox("explain", answered_id, "use").stdout)
        resumed = self.run_stagebox("resume", answered_id)
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertEqual(resumed.stdout, f"the run {answered_id} has ended well: nothing of it is left to do\n")
        for more in ("--json",), ("--events", "events"), ("--trace", "trace"), ("--report", "report"):
            resumed = self.run_stagebox("resume", answered_id, *more)
            self.assertEqual(resumed.returncode, 2)
            self.assertIn("has ended well: nothing of it is left to do, and nothing to report", resumed.stderr)
        self.assertEqual(self.states(answered_id), self.states(ordinary_id))
        self.assertEqual(self.leftovers(), [])

    def test_a_log_that_is_gone_is_missed(self):
        self.settle()
        shutil.rmtree(self.home / "logs")
        (self.home / "logs").mkdir(mode=0o700)
        self.expect_ordinary()
        self.assertEqual(self.states()["make"], "succeeded")
        self.assertIn("aaaa", self.run_stagebox("logs", "last", "use").stdout)

    def test_an_image_that_is_replaced_by_an_older_one_meanwhile(self):
        """Its times say nothing: what counts is what the run has opened."""
        for name in "ab":
            make_image(self.project, f"{name}.tar", files=[("etc/who", name)])
        (self.project / "bb.tar").unlink()
        os.symlink("a.tar", self.project / "bb.tar")
        (self.project / "many").mkdir()
        for number in range(20_000):
            (self.project / f"many/{number}").touch()
        self.pipeline("  look: {inputs: {many: {path: many}}, run: 'cat /etc/who'}\n")
        self.settle()
        for which, other in ("ab", "ba", "ab"):
            # Another text, the same pipeline: it has no memo, and every stage is cached.
            file = self.project / "stagebox.yaml"
            file.write_text(file.read_text() + "# again\n")
            time.sleep(RACY)
            process = self.start("run")
            process.stdout.readline()
            os.symlink(f"{other}.tar", self.project / "new")
            os.rename(self.project / "new", self.project / "bb.tar")
            out, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, out + err)
            self.run_ok()
            self.assertEqual(self.run_stagebox("logs", "last", "look").stdout, other, f"{which} was there before")

    def test_nothing_is_answered_too_early(self):
        begun = time.monotonic()
        self.run_ok()
        self.expect_ordinary()
        out = self.run_ok()
        answered = self.was_answered()
        # A machine that has taken so long until here is right to answer.
        self.assertFalse(answered and time.monotonic() - begun < RACY, out)
        time.sleep(RACY)
        if not answered:
            self.expect_ordinary()
        self.expect_answered()

    def test_every_change_is_seen(self):
        self.settle()
        a, link, ignore = (self.project / "src" / name for name in ("a", "link", ".gitignore"))

        def same_size_and_time():
            before = a.stat()
            a.write_text("AAAA\n")
            os.utime(a, ns=(before.st_atime_ns, before.st_mtime_ns))

        def other_link():
            link.unlink()
            os.symlink("sub/b", link)

        changes = {
            "content of the same size and time": (same_size_and_time, True),
            "a new file": (lambda: self.write("src/sub/new", "n"), True),
            "a file less": (lambda: (self.project / "src/sub/new").unlink(), False),
            "a mode": (lambda: a.chmod(0o755), True),
            "where a link leads": (other_link, True),
            "a single file": (lambda: self.write("one", "2\n"), True),
            "a .gitignore": (lambda: ignore.write_text("b\n"), True),
            "another .gitignore": (lambda: ignore.write_text("#\n"), True),
            "the .gitignore above": (lambda: self.write(".gitignore", "b\n"), True),
            "a directory moved": (lambda: (self.project / "src/sub").rename(self.project / "src/other"), True),
            "the pipeline file": (lambda: self.pipeline(STAGES.replace("cat src/a", "cat src/a src/a"), PARAMS, GONE), True),
        }
        for name, (change, makes_it_run) in changes.items():
            with self.subTest(name):
                change()
                self.expect_ordinary()
                self.assertEqual(self.states()["make"], "succeeded" if makes_it_run else "cached")
                time.sleep(RACY)
                self.expect_ordinary()
                self.expect_answered()
        self.write("src/excluded.o", "x")
        self.expect_ordinary()  # a name that came shows in the directory
        self.assertEqual(self.states()["make"], "cached")

    def test_racing_changes_are_seen(self):
        """A change in the very tick of the clock in which a run looks: the stamp may stay the same."""
        self.settle()
        for round_number in range(20):
            text = f"{round_number:04}\n"
            self.write("src/a", text)
            self.run_ok()
            self.assertIn(text, self.run_stagebox("logs", "last", "use").stdout)

    def test_another_question_is_another(self):
        self.settle()
        self.expect_ordinary("--param", "p=y")
        self.expect_answered("--param", "p=y")
        self.expect_ordinary("--param", "p=never2")
        self.expect_ordinary("--stage", "make")
        self.expect_ordinary("--jobs", "1")
        self.expect_ordinary("--fail-fast")
        self.expect_answered("--fail-fast")
        self.expect_answered()
        for arguments in (["--trust", "untrusted", "--domain", "d"], ["--timeout", "1m"], ["--no-cache=use"],
                          ["--output", "json"], ["--events", self.dir / "events"]):
            for _ in range(2):
                self.expect_ordinary(*arguments)
        moved = self.dir / "moved"
        self.project.rename(moved)
        shutil.copytree(moved, self.project, symlinks=True)
        self.expect_ordinary()

    def test_what_is_stored_is_looked_at(self):
        damages = [self.remove_record, self.remove_output, self.remove_tree_part]
        if os.geteuid() == 0:  # else a stored file is not this user's, and cannot be written to
            damages.append(self.damage_output)
        for damage in damages:
            with self.subTest(damage.__name__):
                self.settle()
                damage()
                self.expect_ordinary()
                self.assertEqual(self.states()["make"], "succeeded")

    def key_and_outputs(self):
        with sqlite3.connect(self.home / "runs.db") as database:
            run, owner = self.last_run()
            [(key,)] = database.execute("SELECT stage_key FROM stages WHERE run_id = ? AND stage = 'make'", [owner or run])
            rows = database.execute("SELECT name, digest FROM outputs WHERE run_id = ?", [owner or run])
            return key, dict(rows.fetchall())

    def blob(self, digest):
        return self.home / "cas/blobs" / digest[:2] / digest

    def remove_record(self):
        (self.home / "ac" / self.key_and_outputs()[0]).unlink()

    def remove_output(self):
        self.blob(self.key_and_outputs()[1]["out"]).unlink()

    def damage_output(self):
        blob = self.blob(self.key_and_outputs()[1]["out"])
        before = blob.stat()
        blob.chmod(0o600)
        blob.write_bytes(b"x" * before.st_size)
        blob.chmod(before.st_mode)
        os.utime(blob, ns=(before.st_atime_ns, before.st_mtime_ns))

    def remove_tree_part(self):
        self.blob(self.key_and_outputs()[1]["dir"]).unlink()

    def test_test_results_are_told_and_looked_at(self):
        self.pipeline("""
  t:
    run: 'printf "1..2\\nok 1 - good\\nok 2 - off # SKIP not here\\n" > r.tap'
    tests: [{tap: r.tap}]
    quarantine: [other]
""")
        self.settle()
        answered, ordinary = self.last_run()

        def told(command, run):
            shown = self.run_stagebox(command, run, "--json")
            self.assertEqual(shown.returncode, 0, shown.stderr)
            return json.loads(shown.stdout)["stages"]

        for command in ("tests", "show"):
            self.assertEqual(told(command, answered), told(command, ordinary))
        self.assertEqual([case["name"] for case in told("tests", answered)[0]["cases"]], ["good", "off"])
        self.assertEqual(told("show", answered)[0]["tests"], {"passed": 1, "failed": 0, "skipped": 1})
        with sqlite3.connect(self.home / "runs.db") as database:
            [(digest,)] = database.execute("SELECT DISTINCT digest FROM test_reports")
        self.blob(digest).unlink()
        self.expect_ordinary()
        self.assertEqual(self.states(), {"t": "succeeded"})
        self.pipeline("""
  t:
    run: 'printf "1..2\\nok 1 - good\\nok 2 - off # SKIP not here\\n" > r.tap'
    tests: [{tap: r.tap}]
    quarantine: [another]
""")
        self.expect_ordinary()
        self.assertEqual(self.states(), {"t": "cached"})

    def test_coverage_is_told_and_looked_at(self):
        self.pipeline("""
  t:
    env: {M: "${{ params.m }}"}
    run: 'printf "SF:a.c\\nDA:1,1\\nDA:2,%s\\nend_of_record\\n" $M > lcov.info'
    coverage: [{lcov: lcov.info}]
  u: {run: 'true'}
""", "params: {m: {default: 0}}\n")
        self.settle()
        answered, ordinary = self.last_run()
        for command in (["tests", "--coverage"], ["show"]):
            shown = [json.loads(self.run_stagebox(command[0], run, *command[1:], "--json").stdout)["stages"]
                     for run in (answered, ordinary)]
            for stage in shown[0] + shown[1]:
                stage.pop("before", None)  # other runs
            self.assertEqual(*shown)
        # The run before is the last trusted one, answered or not.
        line = r"\n  t +coverage 50.0 % of lines \(1 of 2\), {} against run {}\n"
        out = self.expect_answered()
        self.assertRegex(out, line.format(r"\+0.0", answered))
        self.run_ok("--param", "m=1")
        other, _ = self.last_run()
        self.assertRegex(self.expect_answered(), line.format("-50.0", other))
        answered, _ = self.last_run()
        self.assertRegex(self.run_ok("--timeout", "1h"), line.format(r"\+0.0", answered))
        with sqlite3.connect(self.home / "runs.db") as database:
            [(digest,)] = database.execute("SELECT DISTINCT digest FROM coverage WHERE lines_covered = 1")
        self.blob(digest).unlink()
        self.expect_ordinary()
        self.assertEqual(self.states(), {"t": "succeeded", "u": "cached"})

    def test_the_image_is_looked_at(self):
        self.write("stagebox.yaml", "stagebox: 1\nimages: {bb: {name: named}}\ndefaults: {image: bb}\n"
                   "stages: {one: {run: 'true'}}\n")
        self.assertEqual(self.run_stagebox("image", "import", "bb.tar", "--name", "named").returncode, 0)
        self.settle()
        make_image(self.project, "other.tar", "--env", "A=1")
        self.assertEqual(self.run_stagebox("image", "import", "other.tar", "--name", "named").returncode, 0)
        self.expect_ordinary()
        self.assertEqual(self.states(), {"one": "succeeded"})

    def test_the_archive_of_an_image_is_looked_at(self):
        self.settle()
        make_image(self.project, "bb.tar", "--env", "A=1")
        self.expect_ordinary()
        self.assertEqual(self.states()["make"], "succeeded")

    def test_no_memo_of_what_a_memo_does_not_cover(self):
        for stage in ("cache: never", "cache: {ttl: 1h}", "cache: always", "secrets: [S]"):
            with self.subTest(stage):
                self.pipeline(f"  one: {{{stage}, run: 'true'}}\n")
                secret = ["--secret", "S=env:HOME"] if "secrets" in stage else []
                for _ in range(2):
                    self.expect_ordinary(*secret)
                time.sleep(RACY)
                for _ in range(2):
                    self.expect_ordinary(*secret)
        self.assertFalse(list(self.home.glob("memos/*")))

    def test_a_damaged_memo_is_none(self):
        self.settle()
        [memo] = self.home.glob("memos/*")
        good = memo.read_bytes()
        for bad in (b"", good[:-1], good + b"\0", good[:1000] + bytes([good[1000] ^ 1]) + good[1001:]):
            memo.write_bytes(bad)
            self.expect_ordinary()
        memo.write_bytes(good)

    def test_retention(self):
        self.settle()
        answered, owner = self.last_run()
        self.expect_answered()
        self.assertEqual(self.run_stagebox("pin", answered).returncode, 0)
        self.assertEqual(self.run_stagebox("gc", "--keep", "0s").returncode, 0)
        runs = json.loads(self.run_stagebox("runs", "--json").stdout)
        self.assertEqual([run["run"] for run in runs], [answered], f"not {owner}, which had the stages")
        self.assertEqual(self.states(answered)["make"], "cached")
        out = self.run_stagebox("artifacts", answered, "make.out", self.dir / "copy")
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertEqual((self.dir / "copy").read_text(), "aaaa\n1\n")
        self.assertIn("aaaa", self.run_stagebox("logs", answered, "use").stdout)
        self.expect_ordinary()
        self.assertEqual(self.states()["make"], "succeeded", "nothing is left to take")

    def test_a_database_that_is_gone_makes_an_ordinary_run(self):
        self.settle()
        for file in self.home.glob("runs.db*"):
            file.unlink()
        self.expect_ordinary()

    def test_who_died_is_cleaned_up_first(self):
        self.settle()
        dead = self.home / "instances/00000000dead"
        dead.mkdir()
        (dead / "lock").touch()
        self.expect_ordinary()
        self.assertEqual(self.leftovers(), [])

    def test_many_at_once(self):
        self.settle()
        processes = [self.start("run") for _ in range(16)]
        for process in processes:
            out, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, out + err)
        self.assertEqual(len(json.loads(self.run_stagebox("runs", "--json").stdout)), 19)


if __name__ == "__main__":
    unittest.main()
