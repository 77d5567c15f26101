"""Counting system calls. They can be counted on a busy machine, in every kind of build; times cannot. Whoever makes a
bound fail has made something slower for everybody, and whoever makes it cheaper lowers the bound."""

import shutil
import subprocess

from harness import ProjectTest

# What depends on the moment or on the build: memory, waiting for other threads, sleeping, being interrupted, and the
# start of a C program.
NOT_COUNTED = {"mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "futex", "sched_yield", "nanosleep", "clock_nanosleep",
               "restart_syscall", "rt_sigreturn", "getrandom", "sigaltstack", "set_robust_list", "rseq", "set_tid_address",
               "arch_prctl", "exit", "exit_group"}


def why_not():
    if shutil.which("strace") is None:
        return "no strace"
    tried = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"nothing can be traced here: {tried.stderr.strip()}" if tried.returncode else None


class CallCountsTest(ProjectTest):
    def setUp(self):
        if reason := why_not():
            self.skipTest(reason)
        super().setUp()

    def count(self, *command):
        """Calls of the command and all its descendants, by name."""
        table = self.dir / "calls"
        done = subprocess.run(["strace", "-f", "-c", "-U", "name,calls", "-o", table, *command], cwd=self.project,
                              env=self.environment, capture_output=True, text=True, timeout=240, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = (line.split() for line in table.read_text().splitlines())
        return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit() and
                row[0] not in NOT_COUNTED | {"total"}}

    def check_total(self, counted, bound, least=0.8):
        total = sum(counted.values())
        most = sorted(counted.items(), key=lambda item: -item[1])
        self.assertLessEqual(total, bound, f"{total:.1f} system calls:\n" +
                             "\n".join(f"{calls:8.1f} {name}" for name, calls in most if calls))
        # A bound that is far off guards nothing: lower it.
        self.assertGreaterEqual(total, bound * least, f"only {total:.1f} system calls: lower the bound, which is {bound}")
