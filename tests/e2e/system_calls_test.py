"""How many system calls a sandbox takes: the guard of its speed (see call_counts)."""

import os
import statistics
import subprocess
import unittest

from call_counts import CallCountsTest
from harness import STAGEBOX

BENCH_STAGES = os.environ["BENCH_STAGES"]
# In Stagebox, its fork server, pid 1 of the sandbox and the stage together. Some 80 of them build /dev, 80 /proc with
# its masks, 80 make and remove the scratch directory, 70 set and read what cgroups limit and count, 45 empty the
# bounding set.
PER_SANDBOX = 543
PER_HIERARCHY = 20  # make, join, read, remove, and the descriptors for it
# What `exec` takes beyond a sandbox: state directory, locks, recovery, a known image, the fork server, what the standard
# streams are, all of it taken down. 410; with the sanitizers 270, because more of them are of the start of the program,
# which is not counted.
PER_COMMAND = 457
# Opened by who asks for it, a mount point, the mount, its attributes, its place; all that closed and removed.
PER_INPUT = 15
# What makes a stage without outputs of a sandbox: its log, the record of its result, and what is told of it.
PER_STAGE = 18
# And at most one transaction of the run database for each that begins, and one for each that ends: locks, and some
# pages. A slow machine records several stages in one, so that fewer say nothing.
OF_THE_DATABASE = {"fcntl", "pread64", "pwrite64"}
PER_STAGE_RECORDED = 30
PER_TRANSACTION = 6  # locks
INPUTS = 8
MANY = 20


class SystemCallsTest(CallCountsTest):
    def setUp(self):
        super().setUp()
        self.archive = str(self.project / "bb.tar")

    def beyond_version(self, *arguments):
        """Without what loading the program takes, which depends on how it was linked."""
        program = self.count(STAGEBOX, "--version")
        return {name: calls - program.get(name, 0) for name, calls in self.count(STAGEBOX, *arguments).items()}

    def hierarchies(self):
        made = subprocess.run([BENCH_STAGES, "prepare", self.archive, str(self.dir / "filter")], env=self.environment,
                              capture_output=True, text=True, check=True)
        return len(made.stdout.split())

    def of_a_stage(self, *inputs):
        """In a running Stagebox: what one more takes."""
        one = self.count(BENCH_STAGES, "run", self.archive, "1", "1", *inputs)
        many = self.count(BENCH_STAGES, "run", self.archive, str(MANY + 1), "1", *inputs)
        return {name: (calls - one.get(name, 0)) / MANY for name, calls in many.items()}

    def test_of_a_stage_in_a_running_stagebox(self):
        bound = PER_SANDBOX + PER_HIERARCHY * self.hierarchies()
        self.check_total(self.of_a_stage(), bound)

    def test_of_an_input(self):
        self.hierarchies()  # imports the image
        folder = self.project / "inputs"
        for number in range(INPUTS):
            (folder / str(number)).mkdir(parents=True)
        without = self.of_a_stage()
        counted = self.of_a_stage(str(folder))
        self.check_total({name: (calls - without.get(name, 0)) / INPUTS for name, calls in counted.items()}, PER_INPUT)

    def of_a_run(self, stages):
        self.pipeline("".join(f"  s{stage}: {{env: {{N: '{stage}'}}, run: ['true']}}\n" for stage in range(stages)))
        return self.count(STAGEBOX, "run", "--no-cache", "--jobs", "1")

    def test_of_a_stage_beyond_its_sandbox(self):
        self.of_a_run(MANY + 1)  # The first time the database grows.
        counted = []
        for _ in range(3):
            sandbox, one, many = self.of_a_stage(), self.of_a_run(1), self.of_a_run(MANY + 1)
            counted.append({name: (calls - one.get(name, 0)) / MANY - sandbox.get(name, 0) for name, calls in many.items()})
        # Each of them is the difference of counts that have their chance.
        beyond = {name: statistics.median(of.get(name, 0) for of in counted) for name in counted[0]}
        recorded = {name: beyond.pop(name, 0) for name in OF_THE_DATABASE}
        # What was made durable by name, each five seconds: the slower the machine, the more often.
        synced = beyond.pop("fsync", 0)
        for name in ("openat", "close"):
            beyond[name] -= synced
        with self.subTest(synced=synced, rounds=[{name: of.get(name, 0) for name in ("openat", "close", "fsync")} for of in counted]):
            self.check_total(beyond, PER_STAGE, least=0.6)
        self.assertLessEqual(sum(recorded.values()), PER_STAGE_RECORDED, recorded)
        # That it begins, with why, and that it has ended.
        self.assertLess(recorded["fcntl"], 2.4 * PER_TRANSACTION, recorded)

    def test_of_exec(self):
        # By its name: an archive that was written a moment ago is not believed to be the same, and read again.
        self.assertEqual(self.run_stagebox("image", "import", "bb.tar", "--name", "bb").returncode, 0)
        bound = PER_SANDBOX + PER_HIERARCHY * self.hierarchies() + PER_COMMAND
        self.check_total(self.beyond_version("exec", "--image", "bb", "--", "true"), bound)


if __name__ == "__main__":
    unittest.main()
