"""The machine loses its power while a run goes on: its resume does what is missing, and nothing is damaged."""

import ctypes
import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
import time
import unittest

import leftover
from harness import ProjectTest

LOSSES = int(os.environ.get("STAGEBOX_POWER_LOSSES", "5"))
CLONE_NEWNS = 0x20000
# EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH (fs/ext4/ext4.h): from now on nothing reaches the disk, neither what
# was written and not yet on it nor the journal's last transaction. What was there is all that the next mount finds.
SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("mkfs.ext4") and os.path.exists("/dev/loop-control"),
                     "mounting an image of a disk needs root, mkfs.ext4 and loop devices")
class PowerLossTest(ProjectTest):
    @classmethod
    def setUpClass(cls):
        # Nobody else sees the disk.
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)

    def setUp(self):
        super().setUp()
        self.disk = self.dir / "disk"
        with open(self.disk, "wb") as file:
            file.truncate(256 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", self.disk], check=True)
        self.home.mkdir(mode=0o700)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.home], stderr=subprocess.DEVNULL)
        self.switch_on()

    def switch_on(self):
        subprocess.run(["mount", "-o", "loop", self.disk, self.home], check=True)
        self.home.chmod(0o700)
        # What is forgotten when the machine starts, by the id of that start.
        for known in self.home.rglob("verified"):
            known.unlink()

    def lose_power(self, process=None):
        directory = os.open(self.home, os.O_RDONLY)
        fcntl.ioctl(directory, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(directory)
        if process:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate(timeout=60)
        self.assertEqual(leftover.processes(self.started), [])
        subprocess.run(["umount", self.home], check=True)
        # Of a machine without power there are none left either.
        for path in set(leftover.cgroups()) - self.cgroups_before:
            for directory, _, _ in os.walk(path, topdown=False):
                os.rmdir(directory)
        self.switch_on()

    def expect_nothing_damaged(self):
        checked = self.run_stagebox("gc", "--verify")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertIn(": none is damaged", checked.stdout)

    def test_a_run_that_has_ended_is_on_the_disk(self):
        self.pipeline("""
  a: {run: "mkdir d; seq 1000 > d/n; echo saved > .c/file; echo fine", outputs: {d: d}, caches: [{path: .c, key: k}]}
  b: {inputs: {d: {from: a.d}}, run: "sort d/n > s", outputs: {s: s}}
""")
        self.run_ok()
        before = self.digests("last")
        self.lose_power()
        self.assertEqual(self.states(), {"a": "succeeded", "b": "succeeded"})
        self.assertEqual(self.digests("last"), before)
        self.assertEqual(self.run_stagebox("logs", "last", "a").stdout, "fine\n")
        self.assertEqual(len(self.run_stagebox("artifacts", "last", "b.s", "-").stdout.split()), 1000)
        self.run_ok()
        self.assertEqual(set(self.states().values()), {"cached"})
        self.pipeline("""
  new: {run: "cat .c/file", caches: [{path: .c, key: k}]}
""")
        self.run_ok()
        self.assertEqual(self.run_stagebox("logs", "last", "new").stdout, "saved\n", "with the image and cache from before")
        self.expect_nothing_damaged()

    def test_loss_at_random_instants_and_resume(self):
        # `cache: never`: nothing but the record of the run itself can spare a stage its second time.
        self.pipeline("""
  a: {cache: never, run: "sleep 0.6; seq 5000 > out", outputs: {o: out}}
  b: {cache: never, matrix: {n: [x, y]}, inputs: {i: {from: a.o}}, run: "sleep 0.6; cat i > out; echo ${{ matrix.n }} >> out",
      outputs: {o: out}}
  c: {cache: never, inputs: {x: {from: "b[x].o"}, y: {from: "b[y].o"}}, run: "cat x y > out; sleep 0.6", outputs: {o: out}}
  d: {cache: never, inputs: {c: {from: c.o}}, run: "wc c > out; sleep 0.6", outputs: {o: out}}
""")
        self.run_ok()
        started = time.monotonic()
        self.run_ok()
        duration = time.monotonic() - started
        undisturbed = self.digests("last")
        self.assertEqual(len(undisturbed), 5)
        chance = random.Random(20261201)
        resumed = 0
        for loss in range(4 * LOSSES):
            # On a busy machine most may miss the middle of a run.
            if loss >= LOSSES and resumed:
                break
            before = {run["run"] for run in self.runs()}
            process = self.start("run", start_new_session=True)
            time.sleep(chance.uniform(0.3, 1.0) * duration)  # the instant is the point
            self.lose_power(process)
            fresh = [run["run"] for run in self.runs() if run["run"] not in before]
            if not fresh:  # It is as if it had never begun.
                self.run_ok()
                self.assertEqual(self.digests("last"), undisturbed)
                continue
            finished = self.finish_broken(fresh[0], undisturbed)
            resumed += bool(finished) and len(finished) < 5
            self.expect_nothing_damaged()
            self.assertEqual([left for left in self.leftovers() if f" {self.home} " not in left], [])
        self.assertGreater(resumed, 0, "no loss came in the middle of a run")


if __name__ == "__main__":
    unittest.main()
