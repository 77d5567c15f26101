"""explain: why a stage ran or did not, down to the input file."""

import json
import re
import shutil
import unittest

from harness import ProjectTest, make_image


class ExplainTest(ProjectTest):
    def run_ok(self, *arguments):
        result = self.run_stagebox("run", *arguments)
        self.assertIn(result.returncode, (0, 1), result.stdout + result.stderr)
        return re.match(r"run (\w+)", result.stdout)[1]

    def explain(self, stage, run="last", *options):
        result = self.run_stagebox("explain", run, stage, *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def answer(self, stage, run="last"):
        return self.explain(stage, run).splitlines()[0]

    def build(self, env="1", run="true", extra=""):
        self.pipeline(f"  make: {{inputs: {{src: {{path: src}}}}, env: {{A: '{env}'}}, run: '{run}'{extra}}}\n")

    def test_what_changed_is_named(self):
        self.write("src/d/a.c", "one")
        self.write("src/e/same.c", "same")
        self.build()
        first = self.run_ok()
        self.assertEqual(self.answer("make"), "make ran because no earlier run of this pipeline has it")
        hit = self.run_ok()
        self.assertEqual(self.answer("make"), f"make was taken from run {first}: its stage key is the same")

        self.write("src/d/a.c", "two")
        run = self.run_ok()
        self.assertEqual(self.answer("make"), f"make ran because the input src/d/a.c changed since run {hit}")
        self.build(env="2")
        self.write("src/d/b.c", "new")
        last = self.run_ok()
        self.assertEqual(self.answer("make"), "make ran because the variable A changed from \"1\" to \"2\" "
                         f"(and 1 more difference) since run {run}")
        self.assertIn("  the input src/d/b.c is new\n", self.explain("make"))
        told = json.loads(self.explain("make", "last", "--json"))
        self.assertEqual([(d["kind"], d["name"]) for d in told["nearest"]["differences"]],
                         [("variable", "A"), ("input", "src/d/b.c")])
        self.assertEqual((told["verdict"], told["nearest"]["run"], told["nearest"]["complete"]), ("no-record", run, True))
        (self.project / "src/d/b.c").chmod(0o755)
        self.run_ok()
        self.assertEqual(self.answer("make"), f"make ran because the input src/d/b.c became executable since run {last}")
        self.build(env="2", extra=", salt: '7'")
        self.run_ok()
        self.assertIn('the salt "7" is new', self.answer("make"))
        self.build(env="2", extra=", salt: '8'")
        self.run_ok()
        self.assertIn('the salt changed from "7" to "8"', self.answer("make"))
        # Told of the past as it was.
        self.assertEqual(self.answer("make", run), f"make ran because the input src/d/a.c changed since run {hit}")

    def test_of_long_values_the_part_that_changed_is_shown(self):
        def script(changed, more=""):
            lines = [f"echo {i} " + "x" * 20 for i in range(1, 31)]
            lines[24] = changed
            self.pipeline("  make:\n    run: |\n" + "".join(f"      {line}\n" for line in lines) + more)
            self.run_ok()
        script("echo old")
        script("echo new")
        self.assertIn("the command changed in line 25 from \"echo old\" to \"echo new\"", self.answer("make"))
        script("echo new", "      echo last\n")
        self.assertRegex(self.answer("make"), r"the command changed in line 31 from \"\" to \"echo last\"")
        wide = "echo " + "\u00e9" * 500
        script(wide + "old" + "z" * 500)
        script(wide + "new" + "z" * 500)
        found = re.search(r"line 25 from \.\.\.\"(\u00e9*)old(z*)\"\.\.\. to \.\.\.\"(\u00e9*)new(z*)\"\.\.\. since", self.answer("make"))
        self.assertIsNotNone(found, self.answer("make"))
        self.assertTrue(all(0 < len(part) < 200 for part in found.groups()))

        self.write("src/a", "1")
        self.build(env="a" * 300 + "1")
        self.run_ok()
        self.build(env="a" * 300 + "2")
        self.run_ok()
        self.assertRegex(self.answer("make"), r"the variable A changed from \.\.\.\"a+1\" to \.\.\.\"a+2\" since")

    def test_an_image_is_called_what_the_pipeline_calls_it(self):
        self.write("src/a", "1")
        self.build()
        first = self.run_ok()
        make_image(self.project, files=[("etc/other", "other")])
        self.build()
        self.run_ok()
        digest = r"\"sha256:[0-9a-f]{64}\""
        self.assertRegex(self.answer("make"), rf"the image bb \(bb\.tar\) changed from {digest} to {digest} since run {first}")
        self.run_ok()
        make_image(self.project, "third.tar", files=[("etc/third", "third")])
        self.build()
        text = (self.project / "stagebox.yaml").read_text()
        self.write("stagebox.yaml", text.replace("{bb: {tarball: bb.tar}}", "{new: {tarball: third.tar}}").replace("image: bb", "image: new"))
        self.run_ok()
        self.assertRegex(self.answer("make"),
                         rf"the image changed from bb \(bb\.tar\), {digest} to new \(third\.tar\), {digest} since")
        (told,) = json.loads(self.explain("make", "last", "--json"))["nearest"]["differences"]
        self.assertEqual((told["before_name"], told["after_name"]), ("bb (bb.tar)", "new (third.tar)"))
        self.build()
        self.run_ok("--trust", "untrusted", "--domain", "pr-1", "--no-cache")
        told = self.run_stagebox("explain", "last", "make", "--json").stdout
        self.assertNotIn("third.tar", told, "what other domains call it is theirs")

    def test_the_nearest_run_is_the_most_similar_one(self):
        self.write("src/a", "1")
        self.build(env="near")
        near = self.run_ok()
        self.write("src/b", "2")
        self.build(env="far", run="echo far")
        self.run_ok()
        (self.project / "src/b").unlink()
        self.build(env="nearer")
        self.run_ok()
        self.assertIn(f"since run {near}", self.answer("make"))

    def test_runs_that_made_the_same_hide_none_that_is_nearer(self):
        self.write("src/a", "1")
        self.build(env="near")
        near = self.run_ok()
        self.build(env="far", run="echo far")
        for _ in range(20):
            self.run_ok("--timeout", "1h")  # So that it is no remembered run.
        self.build(env="nearer")
        self.run_ok()
        self.assertIn(f"since run {near}", self.answer("make"))

    def test_a_working_directory_is_no_input(self):
        self.write("src/a", "1")
        stage = "  x: {workdir: %s, inputs: {w/src: {path: src}}, run: 'true'}\n"
        self.pipeline(stage % "w")
        run = self.run_ok()
        self.pipeline(stage % "v")
        self.run_ok()
        changed = "the working directory changed from \"w\" to \"v\""
        self.assertEqual(self.explain("x"), f"x ran because {changed} since run {run}\ncompared with run {run}:\n  {changed}\n")

    def test_a_new_value_of_a_matrix_is_compared_with_others_and_a_stage_of_a_new_name_with_all(self):
        self.pipeline("""
  m: {matrix: {v: ['1']}, run: "echo ${{ matrix.v }}"}
  other: {run: "echo other", env: {A: '1', B: '2'}}
  build: {run: "echo build", env: {A: '1'}}
  far: {run: "echo far; echo far"}
""")
        run = self.run_ok()
        self.pipeline("""
  m: {matrix: {v: ['1', '2']}, run: "echo ${{ matrix.v }}"}
  other: {run: "echo other", env: {A: '1', B: '2'}}
  built: {run: "echo build", env: {A: '2'}}
  never: {cache: never, run: "true"}
""")
        self.run_ok()
        variable = "the variable STAGEBOX_MATRIX_V changed from \"1\" to \"2\""
        self.assertEqual(self.explain("m[2]"), f"m[2] ran because no earlier run of this pipeline has it; compared with m[1] of "
                         f"run {run}: {variable}\ncompared with m[1] of run {run}:\n  {variable}\n")
        self.assertIn(f"; compared with build of run {run}: the variable A changed from \"1\" to \"2\"\n", self.explain("built"))
        near = json.loads(self.explain("built", "last", "--json"))["nearest"]
        self.assertEqual((near["run"], near["stage"]), (run, "build"))
        self.assertEqual(self.explain("never"), "never ran because it has `cache: never`\n")
        # What others call their stages is theirs.
        self.pipeline("  pr: {run: 'echo pr', env: {A: '1'}}\n")
        fork = ("--trust", "untrusted", "--domain", "pr-1")
        self.run_ok(*fork)
        self.assertEqual(self.explain("pr"), "pr ran because no earlier run of this pipeline has it\n")
        self.pipeline("  mine: {run: 'echo pr', env: {A: '2'}}\n")
        self.run_ok(*fork)
        self.assertIn("compared with pr of run ", self.answer("mine"))

    def test_a_stage_of_a_new_name_that_is_what_another_was(self):
        self.pipeline("  one: {run: 'false'}\n")
        run = self.run_ok()
        self.pipeline("  two: {run: 'false'}\n")
        self.run_ok()
        self.assertEqual(self.answer("two"), "two ran because no earlier run of this pipeline has it by this name, and one, "
                         f"which is the same, did not succeed in run {run}, and only success is recorded")

    def test_an_untrusted_run_is_told_what_differs_and_no_value_of_other_domains(self):
        stage = """
  make: {{run: "{run}", env: {{WORD: {word}{more}}}, inputs: {{src: {{path: src}}}}}}
"""
        self.write("src/a", "1")
        (self.project / "src/link").symlink_to("inner-place")
        self.pipeline(stage.format(run="echo hidden-command", word="hidden-word", more=", GONE: hidden-gone"))
        trusted = self.run_ok()
        self.write("src/a", "2")
        (self.project / "src/link").unlink()
        (self.project / "src/link").symlink_to("other-place")
        self.pipeline(stage.format(run="echo asked", word="guess", more=", NEW: mine"))
        fork = ("--trust", "untrusted", "--domain", "pr-1")
        first = self.run_ok(*fork)
        told = self.run_stagebox("explain", "last", "make").stdout
        as_json = self.run_stagebox("explain", "last", "make", "--json").stdout
        self.assertEqual(json.loads(as_json)["nearest"]["run"], trusted)
        for line in ("the variable WORD is not the same; it is \"guess\"", "the variable GONE is gone\n",
                     "the variable NEW is new: \"mine\"", "the input src/a is not the same", "the input src/link is not the same",
                     "the command is not the same; it is "):
            self.assertIn(line, told)
        for text in ("hidden", "inner-place"):
            self.assertNotIn(text, told + as_json)
        # Another domain may not know either; the run's own past it may.
        self.pipeline(stage.format(run="echo asked", word="better", more=", NEW: mine"))
        self.run_ok("--trust", "untrusted", "--domain", "pr-2")
        self.assertNotIn("guess", self.run_stagebox("explain", "last", "make", "--json").stdout)
        self.pipeline(stage.format(run="echo asked", word="best", more=", NEW: mine"))
        self.run_ok(*fork)
        self.assertIn(f"the variable WORD changed from \"guess\" to \"best\" since run {first}", self.answer("make"))
        self.pipeline(stage.format(run="echo asked", word="released", more=", NEW: mine"))
        self.run_ok()
        self.assertIn("from \"best\" to \"released\"", self.explain("make"), "a trusted one may know all")

    def test_what_is_not_a_change_is_told_too(self):
        self.write("src/a", "1")
        self.pipeline("""
  never: {cache: never, run: "true"}
  net: {network: {allow: ["127.0.0.1:1"]}, run: "true"}
  old: {cache: {ttl: 1ms}, run: "true"}
  make: {run: "echo x > out", outputs: {out: out}}
  fails: {run: "false"}
  after: {needs: [fails], run: "true"}
  later: {needs: [after], run: "true"}
  unmet: {if: "${{ false }}", run: "true"}
  last: {inputs: {i: {from: through.o}}, run: "true"}
  through: {needs: [unmet], run: "true > o", outputs: {o: o}}
""")
        first = self.run_ok()
        for blob in self.home.glob("cas/blobs/??/*"):
            if blob.read_bytes() == b"x\n":
                blob.unlink()
        self.run_ok()
        for stage, text in {"never": "it has `cache: never`", "net": "it has a network", "old": "older than its `ttl`",
                            "make": "something that was recorded is gone: out: the blob",
                            "fails": f"it did not succeed in run {first}, and only success is recorded"}.items():
            self.assertIn(f"{stage} ran because {text}" if stage != "old" else text, self.answer(stage))
        for stage, text in {"after": "it needs `fails`: failed",
                            "later": "it needs `after`, which was skipped because `fails` failed",
                            "unmet": "its `if` is false",
                            "through": "it needs `unmet`, which was skipped because its `if` is false",
                            "last": "its input `through.o` does not exist: `through` was skipped because the `if` of `unmet` is "
                                    "false"}.items():
            self.assertEqual(self.explain(stage), f"{stage} did not run: {text}\n")
        self.run_ok("--no-cache=make")
        self.assertEqual(self.answer("make"), "make ran because `--no-cache` was given")
        missing = self.run_stagebox("explain", "last", "nothing")
        self.assertEqual(missing.returncode, 2)
        self.assertIn("has no stage \"nothing\"", missing.stderr)
        self.assertIn("` lists them", missing.stderr)

    def test_an_output_that_is_declared_otherwise_than_it_was_recorded_is_named(self):
        stage = "  make: {run: 'mkdir d; echo x > d/f; echo y > g', outputs: {fine: {path: g}, o: {path: d%s}}}\n"
        self.pipeline(stage % "")
        self.run_ok()
        for more, told in ((", type: file", "a file"), (", max_size: 1", "a file or directory of at most 1 byte"),
                           (", type: directory, max_size: 1", "a directory of at most 1 byte")):
            self.pipeline(stage % more)
            self.run_ok()
            self.assertEqual(self.answer("make"), "make ran because its declared outputs are of other types or sizes than recorded: "
                             f"o was recorded as a directory of 2 bytes and is declared as {told}")

    def test_that_nothing_was_recorded_of_an_earlier_run_is_told_with_its_reason(self):
        self.write("src/a", "1")
        self.pipeline("  make: {run: 'echo a > out', outputs: {o: out}, cache: never}\n")
        first = self.run_ok()
        self.pipeline("  make: {run: 'echo a > out', outputs: {o: out}}\n")
        second = self.run_ok()
        self.assertEqual(self.answer("make"),
                         f"make ran because it had `cache: never` in run {first}, which recorded nothing of it")
        shutil.rmtree(self.home / "ac")
        self.run_ok()
        self.assertRegex(self.answer("make"), f"of run {second}, in which it succeeded, there is no record: it was removed, ")

    def test_a_stage_that_ran_again_in_its_run_is_compared_with_what_it_was_before_in_it(self):
        self.write("in/f", "one")
        stages = """
  a: {{cache: never, inputs: {{in: {{path: in}}}}, env: {{A: '{env}'}}, run: "cat in/f > o", outputs: {{o: o}}}}
  b: {{needs: [a], cache: never, run: "exit 1"}}
"""
        self.pipeline(stages.format(env=1))
        run = self.run_ok()
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 1)
        self.assertEqual(self.answer("a"), "a did not run again: it had finished before in this run")
        self.write("in/f", "two")
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 1)
        self.assertEqual(self.answer("a"), "a ran again because the input in/f changed since it had finished before in this run")
        self.assertIn("\ncompared with what it was before in this run:\n  the input in/f changed\n", self.explain("a"))
        told = json.loads(self.explain("a", "last", "--json"))
        self.assertEqual((told["verdict"], told["nearest"]["run"]), ("never", run))
        # gc keeps what it is compared with.
        self.assertEqual(self.run_stagebox("gc").returncode, 0)
        self.assertIn("the input in/f changed since", self.answer("a"))
        self.assertIn("b ran because it has `cache: never`", self.answer("b"))
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 1)
        self.assertEqual(self.explain("a"), "a did not run again: it had finished before in this run\n")
        # The last time that it finished is the one that counts.
        self.write("in/f", "one")
        self.pipeline(stages.format(env=2))
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 1)
        self.assertEqual(self.answer("a"), "a ran again because the variable A changed from \"1\" to \"2\" "
                         "(and 1 more difference) since it had finished before in this run")

    def test_a_stage_that_runs_is_explained_and_one_that_was_killed(self):
        self.write("src/a", "1")
        self.build()
        first = self.run_ok()
        self.build(env="2", run="sleep 1000")
        process = self.start("run")
        for line in process.stdout:
            if "running" in line:
                break
        told = self.answer("make")
        process.kill()
        process.communicate(timeout=60)
        self.assertRegex(told, rf"make ran because .* changed .*\(and 1 more difference\) since run {first}")
        self.assertEqual(self.answer("make"), told)
        self.assertEqual(self.states(), {"make": "error"})


if __name__ == "__main__":
    unittest.main()
