"""Nothing is left: after Ctrl-C, and after SIGKILL of Stagebox at any instant, the next command finds and undoes it."""

import os
import random
import signal
import time
import unittest

import leftover
from harness import ProjectTest


# Each costs about half a second, more on a slow machine; 300 are for a thorough look.
KILL_INSTANTS = int(os.environ.get("STAGEBOX_KILL_INSTANTS", "30"))


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
