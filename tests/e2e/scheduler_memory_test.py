"""What a stage more takes of memory: the guard of plans with many stages."""

import os
import subprocess
import unittest

from harness import STAGEBOX, ProjectTest

# Even the few take more than this test itself, whose memory counts for what it starts.
FEW, MANY = 4000, 10000
PER_STAGE = 4096  # bytes


class SchedulerMemoryTest(ProjectTest):
    def peak(self, stages):
        """Bytes, of planning a chain of so many."""
        self.pipeline("".join(f"  s{stage}: {{run: [touch, o], env: {{N: '{stage}'}}, outputs: {{o: o}}"
                              f"{f', inputs: {{i: {{from: s{stage - 1}.o}}}}' if stage else ''}}}\n"
                              for stage in range(stages)))
        with subprocess.Popen([STAGEBOX, "run", "--dry-run"], cwd=self.project, env=self.environment,
                              stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss * 1024

    def test_of_planning(self):
        more = (self.peak(MANY) - self.peak(FEW)) / (MANY - FEW)
        self.assertLess(more, PER_STAGE)
        self.assertGreater(more, PER_STAGE / 8, "too little to be right")


if __name__ == "__main__":
    unittest.main()
