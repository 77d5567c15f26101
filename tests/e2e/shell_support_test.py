"""Completions and manual pages, as the shells and man(1) take them."""

import json
import pathlib
import shutil
import subprocess
import unittest

from harness import STAGEBOX, ProjectTest

# Types a line into bash's completion, as readline would, and prints what is offered.
BASH = """
eval "$(stagebox completion bash)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_stagebox
printf '%s\\n' "${COMPREPLY[@]}"
"""


class ShellSupportTest(ProjectTest):
    def setUp(self):
        super().setUp()
        self.environment["PATH"] = f"{pathlib.Path(STAGEBOX).parent}:{self.environment['PATH']}"

    def offered(self, *words):
        result = subprocess.run(["bash", "-c", BASH, "bash", "stagebox", *words], cwd=self.project, env=self.environment,
                                capture_output=True, text=True, check=True, timeout=60)
        self.assertEqual(result.stderr, "")
        return result.stdout.split()

    def test_bash_offers_commands_options_values_and_files(self):
        self.assertIn("resume", self.offered(""))
        self.assertEqual(self.offered("res"), ["resume"])
        self.assertIn("import", self.offered("image", ""))
        self.assertEqual(self.offered("image", "import", "--plat"), ["--platform"])
        self.assertEqual(sorted(self.offered("run", "--trust", "")), ["trusted", "untrusted"])
        self.assertEqual(self.offered("graph", "--format", "m"), ["mermaid"])
        self.assertIn("bb.tar", self.offered("run", "--events", ""))
        self.assertIn("bb.tar", self.offered("image", "import", "b"))
        self.assertNotIn("--platform", self.offered("run", "--"))
        self.assertEqual(self.offered("run", "--timeout", ""), [])

    def test_bash_offers_the_runs_that_there_are(self):
        self.pipeline("  one: {run: \"true\"}\n")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        run = json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]
        self.assertEqual(sorted(self.offered("show", "")), sorted(["last", run]))
        self.assertEqual(self.offered("logs", run[:3]), [run])

    def test_the_other_shells_understand_their_scripts(self):
        for shell in ("fish", "zsh"):
            if shutil.which(shell) is None:
                continue
            script = self.run_stagebox("completion", shell).stdout
            path = self.write("script." + shell, script)
            checked = subprocess.run([shell, "-n", path], capture_output=True, text=True, check=False)
            self.assertEqual((checked.returncode, checked.stderr), (0, ""), shell)
        if shutil.which("fish") is None:
            self.skipTest("no fish to ask")
        asked = subprocess.run(["fish", "-c", "source script.fish; complete -C 'stagebox run --trust '"], cwd=self.project,
                               env=dict(self.environment, HOME=str(self.dir)), capture_output=True, text=True, check=True)
        self.assertEqual(sorted(line.split("\t")[0] for line in asked.stdout.splitlines()), ["trusted", "untrusted"],
                         asked.stderr)

    def test_each_command_has_a_page_that_troff_accepts(self):
        commands = [line.split()[1:] for line in self.run_stagebox("manual", "--list").stdout.splitlines()]
        self.assertIn(["image", "import"], commands)
        self.assertGreater(len(commands), 20)
        for command in commands:
            page = self.run_stagebox("manual", *command)
            self.assertEqual(page.returncode, 0, page.stderr)
            self.assertIn(f".TH {'-'.join(['stagebox', *command])} 1".replace("-", "\\-"), page.stdout)
            if shutil.which("groff"):
                checked = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=page.stdout, capture_output=True,
                                         text=True, check=True)
                self.assertEqual(checked.stderr, "", command)
            help_text = self.run_stagebox(*command, "--help").stdout
            for option in [word for word in help_text.split() if word.startswith("--") and word[2:].isalpha()]:
                self.assertIn(option.replace("-", "\\-"), page.stdout, command)

    def test_what_is_not_there_is_refused(self):
        self.assertEqual(self.run_stagebox("manual", "nothing").returncode, 2)
        self.assertEqual(self.run_stagebox("completion", "tcsh").returncode, 2)


if __name__ == "__main__":
    unittest.main()
