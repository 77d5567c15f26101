"""How many system calls a sandbox takes: the guard of its speed. Calls can be counted on a busy machine, in every kind of
build; times cannot. Whoever makes one of these fail has made every stage slower, and whoever makes sandboxes cheaper
lowers the bounds.

Not counted is what depends on the moment or on the build: memory, waiting for other threads, sleeping, being
interrupted, and the start of a C program.
"""

import os
import shutil
import subprocess
import unittest

from harness import STAGEBOX, ProjectTest

BENCH_STAGES = os.environ["BENCH_STAGES"]
NOT_COUNTED = {"mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "futex", "sched_yield", "nanosleep", "clock_nanosleep",
               "restart_syscall", "rt_sigreturn", "getrandom", "sigaltstack", "set_robust_list", "rseq", "set_tid_address",
               "arch_prctl", "exit", "exit_group"}
# In Stagebox, its fork server, pid 1 of the sandbox and the stage together. Some 80 of them build /dev, 80 /proc with
# its masks, 80 make and remove the scratch directory, 70 set and read what cgroups limit and count, 45 empty the
# bounding set.
PER_SANDBOX = 520
PER_HIERARCHY = 20  # make, join, read, remove, and the descriptors for it
# What `exec` takes beyond a sandbox: state directory, locks, recovery, a known image, the fork server, all of it taken
# down. 450, and some more with the sanitizers.
PER_COMMAND = 540
# Opened by who asks for it, a mount point, the mount, its attributes, its place; all that closed and removed.
PER_INPUT = 15
INPUTS = 8
MANY = 20


def why_not():
    if shutil.which("strace") is None:
        return "no strace"
    tried = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"nothing can be traced here: {tried.stderr.strip()}" if tried.returncode else None


class SystemCallsTest(ProjectTest):
    def setUp(self):
        if reason := why_not():
            self.skipTest(reason)
        super().setUp()
        self.archive = str(self.project / "bb.tar")

    def count(self, *command):
        """Calls of the command and all its descendants, by name."""
        table = self.dir / "calls"
        done = subprocess.run(["strace", "-f", "-c", "-U", "name,calls", "-o", table, *command], cwd=self.project,
                              env=self.environment, capture_output=True, text=True, timeout=240, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = (line.split() for line in table.read_text().splitlines())
        return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit() and
                row[0] not in NOT_COUNTED | {"total"}}

    def beyond_version(self, *arguments):
        """Without what loading the program takes, which depends on how it was linked."""
        program = self.count(STAGEBOX, "--version")
        return {name: calls - program.get(name, 0) for name, calls in self.count(STAGEBOX, *arguments).items()}

    def hierarchies(self):
        made = subprocess.run([BENCH_STAGES, "prepare", self.archive, str(self.dir / "filter")], env=self.environment,
                              capture_output=True, text=True, check=True)
        return len(made.stdout.split())

    def check(self, counted, bound):
        total = sum(counted.values())
        most = sorted(counted.items(), key=lambda item: -item[1])
        self.assertLessEqual(total, bound, f"{total:.0f} system calls:\n" +
                             "\n".join(f"{calls:8.1f} {name}" for name, calls in most if calls))
        # A bound that is far off guards nothing: lower it.
        self.assertGreaterEqual(total, bound * 0.8, f"only {total:.0f} system calls: lower the bound, which is {bound}")

    def of_a_stage(self, *inputs):
        """In a running Stagebox: what one more takes."""
        one = self.count(BENCH_STAGES, "run", self.archive, "1", "1", *inputs)
        many = self.count(BENCH_STAGES, "run", self.archive, str(MANY + 1), "1", *inputs)
        return {name: (calls - one.get(name, 0)) / MANY for name, calls in many.items()}

    def test_of_a_stage_in_a_running_stagebox(self):
        bound = PER_SANDBOX + PER_HIERARCHY * self.hierarchies()
        self.check(self.of_a_stage(), bound)

    def test_of_an_input(self):
        self.hierarchies()  # imports the image
        folder = self.project / "inputs"
        for number in range(INPUTS):
            (folder / str(number)).mkdir(parents=True)
        without = self.of_a_stage()
        counted = self.of_a_stage(str(folder))
        self.check({name: (calls - without.get(name, 0)) / INPUTS for name, calls in counted.items()}, PER_INPUT)

    def test_of_exec(self):
        # By its name: an archive that was written a moment ago is not believed to be the same, and read again.
        self.assertEqual(self.run_stagebox("image", "import", "bb.tar", "--name", "bb").returncode, 0)
        bound = PER_SANDBOX + PER_HIERARCHY * self.hierarchies() + PER_COMMAND
        self.check(self.beyond_version("exec", "--image", "bb", "--", "true"), bound)


if __name__ == "__main__":
    unittest.main()
