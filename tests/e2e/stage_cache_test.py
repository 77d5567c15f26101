"""The stage cache: what is taken from an earlier run, what is not, and that nothing wrong is ever taken."""

import json
import os
import pathlib
import unittest

from harness import ProjectTest


def write_secretly(path, content):
    """As if nobody had written to the file: mode and modification time are put back."""
    before = path.stat()
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


class StageCacheTest(ProjectTest):
    def shown(self, run="last"):
        return json.loads(self.run_stagebox("show", run, "--json").stdout)

    def log(self, stage):
        return self.run_stagebox("logs", "last", stage).stdout

    def test_a_hit_has_outputs_and_log_and_says_from_where(self):
        self.pipeline("  make: {run: 'echo made; echo x > out', outputs: {out: out}}\n")
        self.run_ok()
        first = self.shown()
        self.assertIn(f"from run {first['run']}", self.run_ok())
        second = self.shown()
        self.assertEqual(second["stages"][0]["cached_from"], first["run"])
        self.assertEqual(second["outputs"], first["outputs"])
        self.assertEqual(self.log("make"), "made\n")
        events = [json.loads(line) for line in self.run_ok("--output", "json").splitlines()]
        self.assertEqual([e["cached_from"] for e in events if e.get("state") == "cached"], [first["run"]])

    def test_without_its_log_it_is_no_hit(self):
        self.pipeline("  make: {run: 'echo made; echo x > out', outputs: {out: out}}\n  mute: {run: 'true'}\n")
        self.run_ok()
        for damage in (lambda log: log.unlink(), lambda log: log.write_bytes(b"")):
            damage(self.home / "logs" / self.shown()["run"] / "make.log")
            self.run_ok("--timeout", "1h")  # So that it is no remembered run.
            self.assertEqual(self.states(), {"make": "succeeded", "mute": "cached"})
            self.assertEqual(self.log("make"), "made\n")
            self.assertRegex(self.run_stagebox("explain", "last", "make").stdout, "its log .*/make.log is gone")
        self.run_ok("--timeout", "1h")
        self.assertEqual(self.states(), {"make": "cached", "mute": "cached"})

    def test_policies(self):
        self.pipeline("""
  auto: {run: "true"}
  never: {cache: never, run: "true"}
  net: {network: {allow: ["127.0.0.1:1"]}, run: "true"}
  always: {cache: always, network: {allow: ["127.0.0.1:1"]}, run: "true"}
  hour: {cache: {ttl: 1h}, network: {allow: ["127.0.0.1:1"]}, run: "true"}
  moment: {cache: {ttl: 1ms}, run: "true"}
  fails: {allow_failure: true, run: "false"}
""")
        self.run_ok()
        self.run_ok()
        self.assertEqual(self.states(), {"auto": "cached", "never": "succeeded", "net": "succeeded", "always": "cached",
                                         "hour": "cached", "moment": "succeeded", "fails": "allowed failure"})

    def test_no_cache_for_all_or_for_some(self):
        self.pipeline("  one: {run: 'true'}\n  two: {matrix: {n: [a, b]}, run: 'true'}\n")
        self.run_ok()
        self.run_ok("--no-cache")
        self.assertEqual(set(self.states().values()), {"succeeded"})
        self.run_ok("--no-cache=one")
        self.assertEqual(self.states(), {"one": "succeeded", "two[a]": "cached", "two[b]": "cached"})
        self.run_ok("--no-cache=two", "stagebox.yaml")
        self.assertEqual(self.states(), {"one": "cached", "two[a]": "succeeded", "two[b]": "succeeded"})
        self.run_ok("--no-cache=two[b]", "--no-cache=one")
        self.assertEqual(self.states(), {"one": "succeeded", "two[a]": "cached", "two[b]": "succeeded"})
        wrong = self.run_stagebox("run", "--no-cache=tow")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("--no-cache=tow: the pipeline has no stage `tow`; did you mean `two`?", wrong.stderr)

    def test_a_salt_makes_another_stage_of_it(self):
        text = "  one: {salt: '%s', run: 'true'}\n  two: {run: 'true'}\n"
        self.pipeline(text % "1")
        self.run_ok()
        self.pipeline(text % "2")
        self.run_ok()
        self.assertEqual(self.states(), {"one": "succeeded", "two": "cached"})
        self.pipeline(text % "1")
        self.run_ok()
        self.assertEqual(self.states(), {"one": "cached", "two": "cached"})

    def test_equal_outputs_of_a_stage_that_ran_again_leave_the_later_ones_cached(self):
        self.write("src/a.c", "int a;  // one\n")
        self.pipeline("""
  strip: {inputs: {src: {path: src}}, run: "head -c 6 src/a.c > out", outputs: {out: out}}
  use: {inputs: {in: {from: strip.out}}, run: "cat in > out", outputs: {out: out}}
  later: {inputs: {in: {from: use.out}}, needs: [strip], run: "cat in"}
""")
        self.run_ok()
        self.write("src/a.c", "int a;  // another remark\n")
        self.run_ok()
        self.assertEqual(self.states(), {"strip": "succeeded", "use": "cached", "later": "cached"})
        self.write("src/a.c", "int b;\n")
        self.run_ok()
        self.assertEqual(self.states(), {"strip": "succeeded", "use": "succeeded", "later": "succeeded"})

    def test_a_damaged_output_is_made_again_in_the_same_run(self):
        self.pipeline("""
  make: {run: "mkdir out; echo good > out/file; echo second > out/other", outputs: {out: {path: out}}}
  use: {cache: never, inputs: {in: {from: make.out}}, run: "cat in/file"}
""")
        self.run_ok()

        def blob(content):
            found = [p for p in self.home.glob("cas/blobs/??/*") if p.read_bytes() == content]
            self.assertEqual(len(found), 1)
            return found[0]

        def swap(path):
            other, aside = blob(b"second\n"), path.with_name("aside")
            path.rename(aside)
            other.rename(path)
            aside.rename(other)

        for damage in (lambda p: write_secretly(p, b"gOod\n"), lambda p: write_secretly(p, b"go"),
                       pathlib.Path.unlink, swap):
            damage(blob(b"good\n"))
            self.run_ok()
            self.assertEqual(self.states(), {"make": "succeeded", "use": "succeeded"})
            self.assertEqual(self.log("use"), "good\n")
            self.run_ok()
            self.assertEqual(self.states(), {"make": "cached", "use": "succeeded"})

    def test_a_materialised_tree_that_a_program_of_the_host_changed_is_made_again(self):
        self.pipeline("""
  make: {run: "mkdir -p out/d; echo good > out/d/file", outputs: {out: {path: out}}}
  use: {cache: never, inputs: {in: {from: make.out}, copy: {from: make.out, mode: overlay}},
        run: "cat in/d/* copy/d/*"}
""")
        self.run_ok()
        for tree in self.home.glob("cas/trees/*"):
            folder = tree / "d"
            mode = folder.stat().st_mode
            folder.chmod(0o755)
            (folder / "planted").write_text("evil\n")
            folder.chmod(mode)
        self.run_ok()
        self.assertEqual(self.states(), {"make": "cached", "use": "succeeded"})
        self.assertEqual(self.log("use"), "good\ngood\n")
        self.assertEqual(self.run_stagebox("gc").returncode, 0)
        self.assertEqual(len(list(self.home.glob("cas/trees/.*"))), 0)


if __name__ == "__main__":
    unittest.main()
