"""Nothing is left: after Ctrl-C, and after SIGKILL of Stagebox at any instant, the next command finds and undoes it."""

import os
import random
import signal
import time
import unittest

import leftover
from harness import ProjectTest


# Each costs about half a second, more on a slow machine; scripts/test-endurance has 300.
# The thorough look is root's: what is cleaned up is the same.
USUAL_INSTANTS = 30 if os.environ["STAGEBOX_TEST_AS"] == "root" else 15
KILL_INSTANTS = int(os.environ.get("STAGEBOX_KILL_INSTANTS", USUAL_INSTANTS))


class CleanupTest(ProjectTest):
    def busy_pipeline(self):
        self.pipeline("".join(f"""
  s{i}: {{resources: {{memory: 64MiB, pids: 32}}, run: "(setsid sleep 300 &); echo $$; dd if=/dev/zero of=f bs=1k count=64; sleep 0.1; echo {i}", outputs: {{f: f}}}}
""" for i in range(6)))

    def wait_for_line(self, process, text):
        for line in process.stdout:
            if text in line:
                return
        self.fail("the run ended before " + text)

    def test_ctrl_c_cancels_in_good_order(self):
        self.pipeline("  long: {run: \"trap '' TERM; sleep 1000\"}\n  next: {needs: [long], run: 'true'}\n")
        process = self.start("run")
        self.wait_for_line(process, "running")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(self.leftovers(), [])
        self.assertEqual(self.states(), {"long": "cancelled", "next": "cancelled"})

    def test_a_second_ctrl_c_waits_for_nobody(self):
        self.pipeline("  long: {run: \"trap 'sleep 3; echo late; exit 0' TERM; echo up; while :; do sleep 0.1; done\"}\n")
        for signals, late in ((1, True), (2, False)):
            process = self.start("run", "--no-cache")
            self.wait_for_line(process, "running")
            while self.run_stagebox("logs", "last", "long").stdout != "up\n":
                time.sleep(0.1)
            for _ in range(signals):
                process.send_signal(signal.SIGINT)
                time.sleep(0.5)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 130)
            self.assertEqual("late" in self.run_stagebox("logs", "last", "long").stdout, late)
            self.assertEqual(self.leftovers(), [])

    @staticmethod
    def is_silent(cgroup):
        """Whether a limit of memory above it, in cgroup v1, is not for us to hear of."""
        above = os.path.dirname(cgroup)
        return os.path.exists(above + "/memory.oom_control") and not os.access(above + "/cgroup.event_control", os.W_OK)

    def test_sigkill_of_exec_leaves_nothing(self):
        process = self.start("exec", "--image", "bb.tar", "--", "sh", "-c", "setsid sleep 1000 & echo begun; sleep 1000", start_new_session=True)
        self.wait_for_line(process, "begun")
        # One sandbox: it has no second directory, unless we had to go into a leaf of the first, or need one that tells us of
        # its memory.
        below = [path for path in leftover.cgroups() if path not in self.cgroups_before and os.path.isdir(path + "/s0")]
        self.assertEqual([path for path in below if not os.path.isdir(path + "/supervisor") and not self.is_silent(path)], [])
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
        self.assertEqual(self.run_stagebox("gc").returncode, 0)
        self.assertEqual(self.leftovers(), [])

    def unfinished(self):
        return sorted(path.name for path in self.project.glob(".stagebox-*"))

    def killed_while_it_writes(self, *arguments):
        """What stands in the project under a name of Stagebox's after SIGKILL of this, which makes `to`."""
        process = self.start(*arguments, start_new_session=True)
        while not (seen := self.unfinished()) and process.poll() is None and not (self.project / "to").exists():
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
        self.assertFalse((self.project / "to").exists(), "it was complete already")
        self.assertTrue(seen, "it was not there")
        return self.unfinished()

    def test_sigkill_while_artifacts_are_written_leaves_nothing_in_the_users_directory(self):
        many = "mkdir -p tree/d; cd tree; i=0; while [ $i -lt 3000 ]; do echo $i > d/$i; i=$((i+1)); done"
        self.pipeline(f"""  s: {{run: "{many}", outputs: {{tree: {{path: tree, type: directory}}}}}}\n""")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        # What a user called so is the user's.
        mine = self.project / ".stagebox-0123456789ab.part"
        commands = {"artifacts": ("artifacts", "last", "s.tree", "to"),
                    "all artifacts": ("artifacts", "last", "--all", "to"),
                    "exec": ("exec", "--image", "bb.tar", "--workdir", "/workspace", "--artifact", "tree:to", "--", "sh", "-c", many)}
        for undo in ("gc", "runs"):
            for name, command in commands.items():
                with self.subTest(command=name, undo=undo):
                    self.assertEqual(len(self.killed_while_it_writes(*command)), 1)
                    mine.mkdir()
                    (mine / "kept").touch()
                    self.assertEqual(self.run_stagebox(undo).returncode, 0)
                    self.assertEqual(self.unfinished(), [mine.name])
                    self.assertTrue((mine / "kept").exists())
                    (mine / "kept").unlink()
                    mine.rmdir()
                    self.assertEqual(self.leftovers(), [])
        result = self.run_stagebox(*commands["artifacts"])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(list((self.project / "to/d").iterdir())), 3000)
        self.assertEqual((self.unfinished(), self.leftovers()), ([], []))

    def test_a_file_has_no_name_until_it_is_complete(self):
        self.pipeline("""  s: {run: "dd if=/dev/zero of=big bs=1M count=200", outputs: {big: big}}\n""")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        before = set(os.listdir(self.project))
        process = self.start("artifacts", "last", "s.big", "to", start_new_session=True)
        names = set()
        while process.poll() is None:
            names |= set(os.listdir(self.project))
        self.assertEqual(process.wait(), 0, process.stderr.read())
        self.assertEqual(names - before, names & {"to"})
        self.assertEqual((self.project / "to").stat().st_size, 200 << 20)
        process.communicate()
        (self.project / "to").write_text("mine")
        again = self.run_stagebox("artifacts", "last", "s.big", "to")
        self.assertEqual(again.returncode, 2)
        self.assertIn("exists already", again.stderr)
        self.assertEqual((self.project / "to").read_text(), "mine")
        self.assertEqual(self.leftovers(), [])

    def test_sigkill_at_random_instants_leaves_nothing(self):
        self.environment["STAGEBOX_LAYERS"] = "erofs"  # a mount more that could be left, where it can be one
        self.busy_pipeline()
        self.assertEqual(self.run_stagebox("run", "--no-cache").returncode, 0)
        chance = random.Random(20261123)
        for _ in range(KILL_INSTANTS):
            process = self.start("run", "--no-cache", start_new_session=True)
            time.sleep(chance.uniform(0, 0.8))  # the instant is the point
            os.kill(process.pid, signal.SIGKILL)
            process.communicate(timeout=60)
            self.assertEqual(self.run_stagebox("gc").returncode, 0)
            self.assertEqual(self.leftovers(), [])
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
