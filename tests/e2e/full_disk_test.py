"""A full disk: the error says so, nothing that was stored is lost, and with space again all is well."""

import os
import re
import subprocess
import unittest

from harness import ProjectTest


@unittest.skipUnless(os.geteuid() == 0, "only root may mount a small file system for the state")
class FullDiskTest(ProjectTest):
    def setUp(self):
        super().setUp()
        self.home.mkdir(mode=0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", self.home], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.home], check=True)

    def fill(self, free):
        """Leaves so many bytes of the disk."""
        status = os.statvfs(self.home)
        self.filler = self.home / "filler"
        size = status.f_bavail * status.f_frsize - free
        with self.filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)

    def make(self, name):
        self.pipeline(f"""
  make:
    resources: {{disk: 16MiB}}
    run: "mkdir out; yes {name} | head -c 3000000 > out/big; echo {name} > out/small"
    outputs: {{out: out}}
""")
        return self.run_stagebox("run")

    def test_at_any_write(self):
        first = self.make("first")
        self.assertEqual(first.returncode, 0, first.stdout + first.stderr)
        run = re.match(r"run (\w+)", first.stdout)[1]
        for number, free in enumerate((0, 4096, 32 << 10, 256 << 10, 1 << 20, 3 << 20)):
            self.fill(free)
            full = self.make(f"second{number}")
            told = full.stdout + full.stderr
            self.assertEqual(full.returncode, 3, f"{free}: {told}")
            self.assertRegex(told, "(?i)no space left|full", f"{free}")
            # What was stored before is still there and whole.
            copy = self.project / f"copy{number}"
            exported = self.run_stagebox("artifacts", run, "make.out", copy)
            self.assertEqual(exported.returncode, 0, f"{free}: {exported.stderr}")
            self.assertEqual((copy / "small").read_text(), "first\n")
            self.filler.unlink()
            again = self.make(f"second{number}")
            self.assertEqual(again.returncode, 0, f"{free}: {again.stdout}{again.stderr}")
            self.assertEqual(list((self.home / "cas/tmp").iterdir()), [], free)
            self.assertEqual(self.run_stagebox("gc", "--max-size", "4MB").returncode, 0)
        own_mount = f" {self.home} "
        self.assertEqual([left for left in self.leftovers() if own_mount not in left], [])


if __name__ == "__main__":
    unittest.main()
