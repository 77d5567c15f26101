"""Completions and manual pages, as the shells and man(1) take them."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time
import unittest

from harness import STAGEBOX, ProjectTest

# Types a line into bash's completion, as readline would, and prints what is offered.
BASH = """
eval "$(stagebox completion bash)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_stagebox
printf '%s\\n' "${COMPREPLY[@]}"
"""


# How the shells are started without what the machine sets up, and what a person would write into their start-up files.
SHELLS = {
    "bash": (["bash", "--noprofile", "--norc", "-i"],
             'bind "set bell-style none"; bind "set enable-bracketed-paste off"; eval "$(stagebox completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit; compinit -u -D; eval "$(stagebox completion zsh)"'),
}


class Prompt:
    """An interactive shell on a pseudo terminal."""

    LONGEST = 60  # seconds that anything may take

    def __init__(self, test, shell, setup=None):
        self.test = test
        command, usual = SHELLS[shell]
        self.master, slave = pty.openpty()
        test.addCleanup(os.close, self.master)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self.process = subprocess.Popen(
            command, cwd=test.project, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env=dict(test.environment, TERM="xterm", HOME=str(test.dir), PS1="prompt> "))
        os.close(slave)
        test.started.add(self.process.pid)
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.kill)
        self.send((setup or usual) + "; unset zle_bracketed_paste; echo set''up\n")
        self.expect("setup")

    def send(self, text):
        os.write(self.master, text.encode())

    @staticmethod
    def text(written):
        """Without colours and movements; a backspace takes one character back."""
        return re.sub(r"[^\x08]\x08", "", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written))

    def expect(self, *texts):
        """Reads until these have come, one after the other."""
        pattern = re.compile(".*?".join(map(re.escape, texts)), re.S)
        seen, deadline = "", time.monotonic() + self.LONGEST
        while not pattern.search(self.text(seen)):
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            self.test.assertTrue(ready, f"{texts!r} did not come in {seen!r}")
            seen += os.read(self.master, 4096).decode(errors="replace")
        for complaint in ("not found", "error:", "bad substitution", "unknown"):
            self.test.assertNotIn(complaint, seen)

    def type(self, line, *texts):
        """These come when that is typed; then the line is taken back, and a fresh prompt is there."""
        self.send(line)
        self.expect(*texts)
        self.send("\x15echo do''ne\n")
        self.expect("done")

    def end(self):
        self.send("exit\n")
        self.test.assertEqual(self.process.wait(timeout=self.LONGEST), 0)


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
        self.assertEqual(self.offered("completion", ""), ["bash", "zsh", "fish"])
        self.assertEqual(self.offered("completion", "bash", ""), [])
        self.assertIn("artifacts", self.offered("manual", ""))
        self.assertIn("import", self.offered("manual", "image", "i"))
        self.assertEqual(self.offered("manual", "artifacts", ""), [])

    def test_bash_offers_the_values_behind_an_equals_sign(self):
        self.assertEqual(self.offered("run", "--output", "=", "p"), ["plain"])
        self.assertEqual(sorted(self.offered("run", "--trust", "=")), ["trusted", "untrusted"])
        self.assertEqual(self.offered("run", "--output=p"), ["--output=plain"])
        self.assertEqual(self.offered("run", "--events=bb"), ["--events=bb.tar"])

    def test_bash_offers_the_runs_that_there_are(self):
        self.pipeline("  one: {run: \"true\"}\n")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        run = json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]
        self.assertEqual(sorted(self.offered("show", "")), sorted(["last", run]))
        self.assertEqual(self.offered("logs", run[:3]), [run])
        self.assertEqual(self.offered("artifacts", "last", ""), [])
        self.assertEqual(self.offered("logs", "last", ""), ["one"])
        self.assertEqual(self.offered("explain", run, "o"), ["one"])
        self.assertEqual(self.offered("explain", run, "x"), [])
        self.assertIn("bb.tar", self.offered("artifacts", "--json", "last", "one.out", ""))
        self.assertEqual(sorted(self.offered("logs", "--stream", "stdout", "")), sorted(["last", run]))
        self.assertEqual(sorted(self.offered("logs", "--stream", "=", "stdout", "")), sorted(["last", run]))

    def test_bash_offers_stages_and_outputs(self):
        self.pipeline("""
  build: {run: 'echo > o', outputs: {bin: o}}
  test: {matrix: {on: [a, 'b+c@1']}, run: 'true'}
""")
        names = ["build", "test[a]", "test[b+c@1]"]
        self.assertEqual(sorted(self.offered("run", "--stage", "")), names)
        self.assertEqual(self.offered("run", "--stage", "=", "test[b"), ["test[b+c@1]"])
        self.assertEqual(self.offered("run", "--stage=bu"), ["--stage=build"])
        self.run_ok()
        for command in ("logs", "show", "tests", "explain", "shell"):
            self.assertEqual(sorted(self.offered(command, "last", "")), names, command)
        self.assertEqual(self.offered("artifacts", "last", ""), ["build.bin"])

    LONG = "a-stage-whose-name-is-longer-than-any-column-would-be"

    def test_long_names_stand_alone(self):
        self.pipeline(f"""
  {self.LONG}:
    run: 'echo > o'
    outputs: {{an-output-of-a-long-name: o}}
  b: {{run: 'echo > o', outputs: {{o: o}}}}
""")
        self.run_ok()
        output = self.LONG + ".an-output-of-a-long-name"
        self.assertEqual(sorted(self.offered("logs", "last", "")), [self.LONG, "b"])
        self.assertEqual(self.offered("artifacts", "last", "a"), [output])
        shown = self.run_stagebox("show", "last").stdout.splitlines()
        # Either runs first, and makes what the other one takes.
        self.assertEqual(sorted(line[:len(self.LONG) + 4] for line in shown[1:]),
                         [f"  {self.LONG}  ", f"  {'b':<{len(self.LONG)}}  "])
        listed = self.run_stagebox("artifacts", "last").stdout.splitlines()
        self.assertEqual([line[:len(output) + 5] for line in listed], [f"{output}  1 B", f"{'b.o':<{len(output)}}  1 B"])

    def names(self, *arguments):
        result = self.run_stagebox("names", *arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout.splitlines()

    def test_names_are_printed_alone(self):
        self.assertEqual((self.names("runs"), self.names("images")), ([], []))
        self.pipeline("""
  build: {run: 'echo > o', outputs: {bin: o}}
  test: {matrix: {on: [a, b]}, run: 'true'}
""")
        self.run_ok()
        self.run_ok()
        self.run_stagebox("image", "import", "bb.tar", "--name", "busy")
        runs = [run["run"] for run in json.loads(self.run_stagebox("runs", "--json").stdout)]
        self.assertEqual(self.names("runs"), runs)
        self.assertEqual(sorted(self.names("stages", runs[1])), ["build", "test[a]", "test[b]"])
        self.assertEqual(self.names("outputs", "last"), ["build.bin"])
        self.assertIn("busy", self.names("images"))
        self.assertEqual(self.names("pipeline-stages", "stagebox.yaml"), ["build", "test[a]", "test[b]"])
        for wrong in (["stages"], ["outputs"], ["runs", "last"], ["images", "x"], ["things"], ["stages", "nope"],
                      ["pipeline-stages", "nope.yaml"]):
            self.assertEqual(self.run_stagebox("names", *wrong).returncode, 2, wrong)

    def test_stages_are_offered_of_a_file_that_could_not_run_yet(self):
        """Parameters and secrets are given behind the stage, and a file that is being written has mistakes."""
        self.pipeline("""
  build: {run: 'true', secrets: [TOKEN], env: {A: "${{ params.a }}"}}
  test: {matrix: {on: ["${{ params.a }}"]}, run: 'true', unknown: key}
  more: {matrix: {on: [x, y]}}
""", head="params: {a: {}}\n")
        (self.project / "stagebox.yaml").rename(self.project / "other.yaml")
        names = ["build", "more[x]", "more[y]", "test"]
        self.assertEqual(sorted(self.offered("run", "other.yaml", "--stage", "")), names)
        self.assertEqual(self.offered("run", "--jobs", "2", "other.yaml", "--stage", "bu"), ["build"])
        self.assertEqual(self.offered("run", "--jobs", "2", "--stage", ""), [])
        (self.project / "other.yaml").rename(self.project / "stagebox.yaml")
        self.assertEqual(sorted(self.offered("run", "--jobs", "2", "--stage", "")), names)

    def test_a_person_at_a_prompt_completes(self):
        """What is typed at an interactive shell, tabulators among it, and what the shell makes of it."""
        self.pipeline("  one: {run: 'echo > o', outputs: {bin: o}}\n  two: {matrix: {on: [x]}, run: 'true'}\n")
        self.run_ok()
        run = json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]
        self.write("some-events.json", "")
        self.write("other.yaml", "stages: {three: {}}\n")
        for name in ("bash", "zsh"):
            with self.subTest(name):
                if shutil.which(name) is None:
                    self.skipTest("no " + name)
                prompt = Prompt(self, name)
                prompt.type("stagebox run --trust \t\t", "trusted", "untrusted")
                prompt.type("stagebox res\t", "stagebox resume ")
                prompt.type("stagebox image imp\tb\t", "stagebox image import bb.tar")
                prompt.type("stagebox image import --plat\t", "--platform")
                prompt.type("stagebox run --trust un\t", "--trust untrusted")
                prompt.type("stagebox run --events some\t", "some-events.json")
                prompt.type("stagebox run --output=pl\t", "--output=plain")
                prompt.type("stagebox completion fi\t", "completion fish")
                prompt.type("stagebox manual image imp\t", "manual image import")
                prompt.type("stagebox artifacts last x some\t", "some-events.json")
                prompt.type(f"stagebox show {run[:3]}\t", f"stagebox show {run}")
                prompt.type("stagebox logs last on\t", "stagebox logs last one")
                # A name with brackets is a word for the shell all the same.
                prompt.type("stagebox show last tw\t\n", "two[x]", "succeeded")
                prompt.type("stagebox artifacts last o\t", "stagebox artifacts last one.bin")
                prompt.type("stagebox run --stage o\t", "stagebox run --stage one")
                prompt.type("stagebox run --jobs 2 other.yaml --stage t\t", "--stage three")
                if name == "zsh":
                    prompt.type("stagebox r\t\t", "resume", "-- ")
                prompt.end()

    def test_zsh_finds_the_completion_as_a_file(self):
        if shutil.which("zsh") is None:
            self.skipTest("no zsh")
        folder = self.dir / "functions"
        folder.mkdir()
        (folder / "_stagebox").write_text(self.run_stagebox("completion", "zsh").stdout)
        prompt = Prompt(self, "zsh", setup=f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D")
        prompt.type("stagebox run --trust un\t", "--trust untrusted")
        prompt.end()

    def test_fish_completes(self):
        if shutil.which("fish") is None:
            self.skipTest("no fish")
        self.pipeline("  one: {run: 'echo > o', outputs: {bin: o}}\n  two: {matrix: {on: [x]}, run: 'true'}\n")
        self.run_ok()
        run = json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]
        self.write("other.yaml", "stages: {three: {}}\n")
        self.write("script.fish", self.run_stagebox("completion", "fish").stdout)
        for line, offered in {"run --trust ": ["trusted", "untrusted"], "res": ["resume"], "image import --plat": ["--platform"],
                              "show ": ["last", run], "run --events b": ["bb.tar"],
                              "run --output=p": ["--output=plain"], "completion ": ["bash", "fish", "zsh"],
                              "manual art": ["artifacts"], "manual image imp": ["import"], "manual artifacts ": [],
                              "artifacts last ": ["one.bin"], "artifacts last x b": ["bb.tar"],
                              "logs last ": ["one", "two[x]"], f"explain {run} o": ["one"], "run --stage o": ["one"],
                              "logs --stream stdout ": ["last", run],
                              "run --jobs 2 --stage o": ["one"], "run --jobs 2 other.yaml --stage ": ["three"],
                              "logs --stream stdout last on": ["one"]}.items():
            asked = subprocess.run(["fish", "--no-config", "-c", f"source script.fish; complete -C 'stagebox {line}'"],
                                   cwd=self.project, env=dict(self.environment, HOME=str(self.dir)), capture_output=True,
                                   text=True, check=True, timeout=60)
            self.assertEqual(sorted(one.split("\t")[0] for one in asked.stdout.splitlines()), sorted(offered),
                             (line, asked.stderr))
            self.assertEqual(asked.stderr, "", line)

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
