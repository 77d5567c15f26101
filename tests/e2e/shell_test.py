"""`shell RUN STAGE`: a command in the sandbox of a stage that has ended, with its files, limits, network and trust."""

import json
import signal
import stat
import unittest

from harness import ProjectTest
from terminal_driver import Driver

FAILS = """
  broken:
    inputs:
      src: {path: src}
      tree: {path: src, mode: overlay}
      one.txt: {path: src/a.txt, mode: overlay}
    env: {FLAVOUR: "sweet and sour"}
    run: |
      mkdir out && echo made > out/result
      echo more >> one.txt
      echo new > tree/new && rm tree/a.txt
      ln -s out/result link
      busybox mkfifo pipe
      exit 3
"""


class ShellTest(ProjectTest):
    def setUp(self):
        super().setUp()
        self.write("src/a.txt", "alpha\n")
        tool = self.write("src/tool", "#!/bin/sh\necho tool\n")
        tool.chmod(0o755)

    def failed(self, stages=FAILS, *options):
        self.pipeline(stages)
        ran = self.run_stagebox("run", *options)
        self.assertEqual(ran.returncode, 1, ran.stderr)
        return ran

    def shell(self, stage, *command, options=(), status=0):
        done = self.run_stagebox("shell", "last", stage, *options, "--", *command)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def script(self, stage, text, **options):
        return self.shell(stage, "sh", "-c", text, **options)

    def test_it_has_what_the_stage_left_and_what_it_had(self):
        ran = self.failed()
        run = json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]
        self.assertIn(f"stagebox shell {run} broken\n", ran.stdout + ran.stderr)
        # What the host has now is not what the stage had.
        self.write("src/a.txt", "changed\n")
        (self.project / "src/tool").unlink()
        done = self.script("broken", "pwd; echo $FLAVOUR $CI; cat out/result link one.txt src/a.txt; ./src/tool; "
                                     "ls tree; test ! -e pipe")
        self.assertEqual(done.stdout.split("\n"), ["/workspace", "sweet and sour true", "made", "made", "alpha", "more",
                                                   "alpha", "tool", "new", "tool", ""])
        self.assertNotIn("fresh", done.stderr)
        self.assertEqual(self.leftovers(), [])

    def test_what_is_changed_is_thrown_away(self):
        self.failed()
        self.script("broken", "echo over > out/result; rm link; echo x > tree/x; ! touch src/x")
        done = self.script("broken", "cat out/result link; ls tree")
        self.assertEqual(done.stdout, "made\nmade\nnew\ntool\n")

    def test_fresh_begins_with_the_inputs(self):
        self.failed()
        done = self.script("broken", "ls; cat one.txt; ls tree; echo x >> one.txt", options=["--fresh"])
        self.assertEqual(done.stdout, "one.txt\nsrc\ntree\nalpha\na.txt\ntool\n")
        self.assertIn("the workspace is fresh", done.stderr)

    def test_a_stage_that_succeeded_has_a_fresh_one_and_so_has_one_from_the_cache(self):
        self.pipeline("""
  first: {run: "echo data > out", outputs: {o: out}}
  second: {inputs: {i: {from: first.o}}, run: "touch left"}
""")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        self.assertEqual(self.script("second", "cat i; ls").stdout, "data\ni\n")
        self.assertEqual(self.run_stagebox("run", "--no-cache=first").returncode, 0)
        self.assertEqual(self.states()["second"], "cached")
        done = self.script("second", "cat i; ls")
        self.assertEqual(done.stdout, "data\ni\n")
        self.assertIn("kept only when it fails", done.stderr)

    def test_status_and_report_are_the_commands(self):
        self.failed()
        done = self.script("broken", "exit 7", options=["--json"], status=7)
        report = json.loads(done.stderr.splitlines()[-1])
        self.assertEqual(report["status"], 7)
        done = self.run_stagebox("shell", "last", "--json", "broken", "--", "sh", "-c", "echo $#", "0", "--", "-x")
        self.assertEqual((done.stdout, done.returncode), ("2\n", 0), done.stderr)
        self.assertIn("no-such-program", self.shell("broken", "no-such-program", status=127).stderr)

    def test_without_a_command_it_is_the_shell(self):
        self.failed()
        process = self.start("shell", "last", "broken", stdin=-1)
        out, _ = process.communicate("cat out/result; exit 4\n", timeout=60)
        self.assertEqual((out, process.returncode), ("made\n", 4))

    def test_on_a_terminal(self):
        self.failed()
        driver = Driver(self, [], arguments=["shell", "last", "broken"])
        driver.expect(b"failed, exited with status 3")
        driver.expect(b"as the stage left it")
        driver.type(b"busybox stty size; cat out/re*; busybox tty\r")
        for text in (b"33 77\r\n", b"made\r\n", b"/dev/pts/0\r\n"):
            driver.expect(text)
        driver.type(b"exit 5\r")
        self.assertEqual(driver.end(), 5)
        self.assertEqual(self.leftovers(), [])

    def test_limits_are_the_stages(self):
        self.failed("  broken: {run: 'exit 1', resources: {disk: 1MiB, open_files: 40}}\n")
        self.assertEqual(self.script("broken", "ulimit -n").stdout, "40\n")
        done = self.script("broken", "dd if=/dev/zero of=big bs=1k count=4096 && echo wrote", status=1)
        self.assertIn("filled its disk limit", done.stderr)
        self.assertEqual(done.stdout, "")
        # Also when the file says something else by now.
        self.pipeline("  broken: {run: 'exit 1'}\n")
        self.assertEqual(self.script("broken", "ulimit -n").stdout, "40\n")

    def test_what_did_not_run_or_is_not_there(self):
        self.failed("  broken: {run: 'exit 1'}\n  next: {needs: [broken], run: 'true'}\n")
        self.assertIn("did not run", self.shell("next", "true", status=125).stderr)
        self.assertIn("has no stage", self.shell("nowhere", "true", status=125).stderr)
        self.assertEqual(self.run_stagebox("shell", "nothing", "broken").returncode, 125)

    def test_the_last_attempt_counts(self):
        self.failed("  broken: {run: 'busybox tee stamp < /proc/sys/kernel/random/uuid; exit 75', "
                    "retry: {attempts: 2, on: ['exit:75'], backoff: 10ms}}\n")
        shown = json.loads(self.run_stagebox("show", "last", "broken", "--json").stdout)
        self.assertEqual(len(shown["attempts"]), 2, shown)
        last = self.run_stagebox("logs", "last", "broken", "--attempt", "2").stdout
        self.assertEqual(self.script("broken", "cat stamp").stdout, last)

    def test_a_next_attempt_that_does_not_end_leaves_what_the_last_one_left(self):
        self.pipeline("  broken: {run: 'echo made > stamp; busybox sleep 1; exit 75', "
                      "retry: {attempts: 100, on: ['exit:75'], backoff: 10ms}}\n")
        run = self.start("run")
        attempts = []
        while len(attempts) < 2:
            self.assertIsNone(run.poll(), "it ended")
            shown = self.run_stagebox("show", "last", "--json")
            attempts = json.loads(shown.stdout)["attempts"] if shown.returncode == 0 else []
        run.send_signal(signal.SIGKILL)
        run.communicate()
        done = self.script("broken", "cat stamp")
        self.assertEqual(done.stdout, "made\n", done.stderr)
        self.assertNotIn("fresh", done.stderr)

    def test_right_after_stagebox_was_killed(self):
        self.pipeline("  slow: {run: 'echo made > stamp; echo begun; busybox sleep 100'}\n")
        run = self.start("run")
        while not any(b"begun" in path.read_bytes() for path in self.home.glob("logs/*/slow.log")):
            self.assertIsNone(run.poll(), "it ended")
        run.send_signal(signal.SIGKILL)
        run.communicate()
        self.assertIn("kept only when it fails", self.script("slow", "test ! -e stamp").stderr)
        self.assertEqual(self.leftovers(), [])
        self.assertRegex(self.run_stagebox("show", "last").stdout, r"\ngo on with it: +stagebox resume [0-9a-f]{12}\n$")

    def test_the_stage_can_hide_an_inputs_place(self):
        """It moves the directory with the mount point away, and puts a link out of the workspace there."""
        self.failed("""
  broken:
    inputs: {deep/in/src: {path: src}}
    run: mv deep away && ln -s /etc deep && exit 1
""")
        done = self.script("broken", "ls; ls /etc; busybox readlink deep; ! grep -q workspace/ /proc/mounts")
        self.assertIn("deep/in/src is not there", done.stderr)
        self.assertNotIn("src", done.stdout)

    def test_a_workspace_that_is_too_large_is_not_kept(self):
        self.failed("  broken: {run: 'busybox truncate -s 2G hole; echo x > small; exit 1'}\n")
        done = self.script("broken", "ls")
        self.assertEqual(done.stdout, "")
        self.assertIn("could not be kept", done.stderr)

    def test_secrets_come_on_request_only(self):
        self.environment["TOKEN_SOURCE"] = "s3cr3t-t0ken"
        self.failed("  broken: {secrets: [{name: TOKEN, env: TOKEN}], run: 'echo x > kept; exit 1'}\n",
                    "--secret", "TOKEN=env:TOKEN_SOURCE")
        script = "ls /run/secrets 2>/dev/null; echo \"[$TOKEN]\"; cat kept"
        done = self.script("broken", script)
        self.assertEqual(done.stdout, "[]\nx\n")
        self.assertIn("without the stage's secrets (TOKEN)", done.stderr)
        done = self.script("broken", script + "; cat /run/secrets/TOKEN", options=["--secret", "TOKEN=env:TOKEN_SOURCE"])
        self.assertEqual(done.stdout, "TOKEN\n[s3cr3t-t0ken]\nx\ns3cr3t-t0ken")
        for asked, why in (("TOKEN", "no secret of that name"), ("OTHER=env:TOKEN_SOURCE", "declares no secret of that name")):
            self.assertIn(why, self.shell("broken", "true", options=["--secret", asked], status=125).stderr)

    def test_a_workspace_with_a_secret_is_not_kept(self):
        self.environment["TOKEN_SOURCE"] = "s3cr3t-t0ken"
        self.failed("  broken: {secrets: [TOKEN], run: 'cat /run/secrets/TOKEN > here; exit 1'}\n",
                    "--secret", "TOKEN=env:TOKEN_SOURCE")
        done = self.script("broken", "ls")
        self.assertEqual(done.stdout, "")
        self.assertIn("contains a secret", done.stderr)
        stored = [path.read_bytes() for path in self.home.rglob("*") if stat.S_ISREG(path.lstat().st_mode)]
        self.assertFalse(any(b"s3cr3t-t0ken" in content for content in stored))

    def test_an_untrusted_run_gets_no_secret_and_no_network(self):
        self.failed("  broken: {run: 'exit 1'}\n", "--trust", "untrusted")
        self.environment["TOKEN_SOURCE"] = "s3cr3t-t0ken"
        done = self.shell("broken", "true", options=["--secret", "TOKEN=env:TOKEN_SOURCE"], status=125)
        self.assertIn("the stage declares no secret of that name", done.stderr)
        self.assertEqual(self.script("broken", "ls /sys/class/net 2>/dev/null; cat /proc/net/dev | wc -l").stdout, "3\n")

    def test_the_policy_of_now_is_asked(self):
        self.failed("  broken: {run: 'exit 1', network: host}\n", "--policy", self.policy("network: {modes: [none, host]}"))
        self.assertEqual(self.shell("broken", "true").returncode, 0)
        self.policy("network: {modes: [none]}")
        self.assertIn("network.modes", self.shell("broken", "true", status=125).stderr)
        (self.dir / "policy.yaml").unlink()
        self.shell("broken", "true", status=125)

    def policy(self, rules):
        path = self.dir / "policy.yaml"
        path.write_text(f"stagebox-policy: 1\n{rules}\n")
        return path


if __name__ == "__main__":
    unittest.main()
