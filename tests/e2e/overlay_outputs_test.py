"""Outputs that a stage makes in a directory that was given to it to be written to: `mode: overlay`."""

import unittest

from harness import ProjectTest

VALUE = "hunter22-x9zq-w7"


class OverlayOutputsTest(ProjectTest):
    def setUp(self):
        super().setUp()
        for name in ("kept", "changed", "removed", "dir/old"):
            self.write("tree/" + name, name + "\n")

    def log(self, stage):
        return self.run_stagebox("logs", "last", stage).stdout

    def test_what_was_made_changed_and_left_alone(self):
        for disk in ("", "resources: {disk: 16MiB}, "):
            with self.subTest(disk=disk):
                self.pipeline("""
  make: {inputs: {src: {path: tree, mode: overlay}, other: {path: tree, mode: overlay}}, DISK
         run: "cd src && echo more >> changed && rm -r dir removed && mkdir dir && echo new > dir/new && echo made > made &&
               echo other > ../other/made && echo beside > ../beside",
         outputs: {made: src/made, changed: src/changed, kept: src/kept, dir: src/dir, other: other/made, beside: beside}}
  take: {inputs: {made: {from: make.made}, changed: {from: make.changed}, kept: {from: make.kept}, dir: {from: make.dir},
                  other: {from: make.other}, beside: {from: make.beside}},
         run: "cat made changed kept other beside; ls dir"}
""".replace("DISK", disk))
                self.run_ok()
                self.assertEqual(self.log("take"), "made\nchanged\nmore\nkept\nother\nbeside\nnew\n")
                self.run_ok()
                self.assertEqual(set(self.states().values()), {"cached"})
                self.assertEqual((self.project / "tree/changed").read_text(), "changed\n")

    def test_a_cache_beside_is_saved_as_well(self):
        for disk in ("", "resources: {disk: 16MiB}, "):
            key = "limited" if disk else "plain"
            self.pipeline(f"""
  make: {{cache: never, {disk}inputs: {{src: {{path: tree, mode: overlay}}}}, caches: [{{path: .c, key: {key}}}],
         run: "echo made > src/made; echo {key} > .c/file", outputs: {{made: src/made}}}}
  take: {{cache: never, inputs: {{made: {{from: make.made}}}}, caches: [{{path: .c, key: {key}}}], run: "cat made .c/file"}}
""")
            self.run_ok()
            self.assertEqual(self.log("take"), f"made\n{key}\n")

    def test_what_is_not_an_output_is_refused_there_too(self):
        for script, problem in (("true", "missing"), ("rm src/kept", "missing"), ("ln -s ../beside src/made", "symbolic link"),
                                ("mkfifo src/made", "neither a file nor a directory"),
                                ("rm -r src/dir; ln -s / src/dir", "symbolic link")):
            with self.subTest(script=script):
                path = "kept" if "kept" in script else "dir/made" if "dir" in script else "made"
                self.pipeline(f"""
  make: {{inputs: {{src: {{path: tree, mode: overlay}}}}, run: "{script}", outputs: {{out: src/{path}}}}}
""")
                result = self.run_stagebox("run")
                self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                self.assertIn(problem, result.stdout + result.stderr)

    def test_secrets_are_looked_for_there_too(self):
        self.environment["GIVEN"] = VALUE
        self.pipeline("""
  make: {secrets: [TOKEN], inputs: {src: {path: tree, mode: overlay}},
         run: "cat /run/secrets/TOKEN > src/dir/leak", outputs: {dir: src/dir}}
""")
        result = self.run_stagebox("run", "--secret", "TOKEN=env:GIVEN")
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn('the file "src/dir/leak" contains a secret', result.stdout + result.stderr)
        for blob in (self.home / "cas").rglob("*"):
            if blob.is_file():
                self.assertNotIn(VALUE.encode(), blob.read_bytes())


if __name__ == "__main__":
    unittest.main()
