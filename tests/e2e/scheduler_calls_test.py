"""How many system calls a run takes in which nothing runs, and what `explain` and planning take: the guard of their speed
(see call_counts). All of it is of one stage more, so that it also says what grows with the number of stages."""

import time
import unittest

from call_counts import CallCountsTest
from harness import RACY, STAGEBOX

MANY = 40
PER_REMEMBERED_STAGE = 3.4  # its record, its output, its log
PER_LOOKED_UP_STAGE = 9  # its record is opened, its output looked for, its log too; a row of the run database
PER_EXPLAINED_STAGE = 0.6  # pages of the run database: of one stage all others are read
PER_PLANNED_STAGE = 0.05


class SchedulerCallsTest(CallCountsTest):
    def stages(self, number):
        """Independent ones, each with a key and an output of its own."""
        self.pipeline("".join(f"  s{stage}: {{env: {{N: '{stage}'}}, run: 'echo $N > o', outputs: {{o: o}}}}\n"
                              for stage in range(number)))
        self.run_ok()
        time.sleep(RACY)
        self.run_ok()

    def of_a_stage_more(self):
        """By command: its calls, by name."""
        commands = {"remembered": ["run"], "looked up": ["run", "--timeout", "1h"], "explained": ["explain", "last", "s0"],
                    "planned": ["run", "--dry-run"]}
        counted = []
        for number in (1, MANY + 1):
            self.stages(number)
            counted.append({name: self.count(STAGEBOX, *command) for name, command in commands.items()})
        few, many = counted
        return {name: {call: (calls - few[name].get(call, 0)) / MANY for call, calls in many[name].items()}
                for name in commands}

    def test_of_one_stage_more(self):
        more = self.of_a_stage_more()
        self.check_total(more["remembered"], PER_REMEMBERED_STAGE)
        self.check_total(more["looked up"], PER_LOOKED_UP_STAGE)
        for name, bound in (("explained", PER_EXPLAINED_STAGE), ("planned", PER_PLANNED_STAGE)):
            self.assertLessEqual(sum(more[name].values()), bound, more[name])


if __name__ == "__main__":
    unittest.main()
