"""Imports as their user sees them: what is shown meanwhile, and what an interruption leaves."""

import json
import os
import pathlib
import pty
import random
import signal
import subprocess
import time
import unittest

from harness import STAGEBOX, ProjectTest
from image_samples import entry, layer, write_layout

# Each costs about a second; hundreds are for a thorough look.
KILL_INSTANTS = int(os.environ.get("STAGEBOX_IMPORT_KILLS", "6"))
LONGEST_IMPORT = 1.5  # seconds, in a debug build


class ImageImportTest(ProjectTest):
    def setUp(self):
        super().setUp()
        self.environment["STAGEBOX_LAYERS"] = "erofs"  # where it can be; small layers would be directories

    def tmp(self):
        """What imports in progress have, or dead ones left."""
        return sorted(path.name for path in (self.home / "images" / "tmp").glob("*"))

    def import_from_pipe(self, columns=80, **environment):
        """An import that waits for the second half of its archive, with a terminal as standard error."""
        terminal, other_end = pty.openpty()
        self.addCleanup(os.close, terminal)
        subprocess.run(["stty", "cols", str(columns)], stdin=other_end, check=True)
        process = subprocess.Popen([STAGEBOX, "image", "import", "-", "--name", "piped"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=other_end,
                                   env=self.environment | {"TERM": "xterm", "NO_COLOR": ""} | environment)
        os.close(other_end)
        archive = (self.project / "bb.tar").read_bytes()
        process.stdin.write(archive[:len(archive) // 2])
        process.stdin.flush()
        return process, terminal, archive[len(archive) // 2:]

    def read_until(self, terminal, text):
        seen = b""
        while text not in seen:
            seen += os.read(terminal, 4096)
        return seen

    def finish(self, process, terminal, rest):
        process.stdin.write(rest)
        out, _ = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0)
        self.assertIn(b"piped  sha256:", out)
        shown = b""
        while True:
            try:
                shown += os.read(terminal, 4096)
            except OSError:  # the terminal's other end is closed
                return shown

    def test_a_terminal_shows_a_line_and_loses_it(self):
        process, terminal, rest = self.import_from_pipe()
        self.read_until(terminal, b"\r\x1b[Kreading piped  ")
        shown = self.finish(process, terminal, rest)
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown)

    def test_a_narrow_terminal_gets_a_short_line(self):
        process, terminal, rest = self.import_from_pipe(columns=14)
        shown = self.read_until(terminal, b"reading") + self.finish(process, terminal, rest)
        for line in shown.split(b"\r\x1b[K"):
            self.assertLess(len(line), 14, shown)

    def test_a_dumb_terminal_gets_no_control_characters(self):
        process, terminal, rest = self.import_from_pipe(TERM="dumb")
        self.assertEqual(self.finish(process, terminal, rest), b"")

    def test_a_short_import_says_nothing_elsewhere(self):
        for arguments in (["image", "import", "bb.tar"], ["exec", "--image", "bb.tar", "--", "true"]):
            done = self.run_stagebox(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def with_closed(self, closed, *arguments):
        return subprocess.run(["sh", "-c", f'exec "$0" "$@" {closed}', STAGEBOX, *arguments], cwd=self.project,
                              env=self.environment, capture_output=True, text=True, timeout=60, check=False)

    def test_closed_descriptors_are_nobodys_input_or_output(self):
        nothing = self.with_closed("<&-", "image", "import", "-", "--name", "closed")
        self.assertEqual(nothing.returncode, 2)
        self.assertIn("it is empty", nothing.stderr)
        self.assertEqual(self.with_closed("<&- >&- 2>&-", "image", "import", "bb.tar").returncode, 0)
        self.assertEqual(self.run_stagebox("image", "verify", "bb").returncode, 0)

    def test_a_file_that_only_root_may_read_is_the_users_mistake(self):
        refused = self.run_stagebox("image", "import", "/etc/shadow")
        self.assertEqual(refused.returncode, 2)
        why = "it is not a tar archive" if os.access("/etc/shadow", os.R_OK) else "this user may not read it"
        self.assertIn('"/etc/shadow": ' + why, refused.stderr)

    def test_ctrl_c_ends_an_import_that_waits_for_a_pipe(self):
        process, terminal, _ = self.import_from_pipe()
        self.read_until(terminal, b"reading")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        process.stdin.close()
        process.stdout.close()
        self.assertEqual(process.returncode, 130)
        self.assertEqual(self.tmp(), [])
        self.assertEqual(self.leftovers(), [])

    def test_sigkill_at_random_instants_leaves_the_store_whole(self):
        layout = self.large_layout()
        chance = random.Random(20261124)
        for _ in range(KILL_INSTANTS):
            process = self.start("image", "import", layout, start_new_session=True)
            time.sleep(chance.uniform(0, LONGEST_IMPORT))  # the instant is the point
            os.kill(process.pid, signal.SIGKILL)  # its workers die with it
            process.communicate(timeout=60)
            listed = self.run_stagebox("image", "list", "--json")
            self.assertEqual(listed.returncode, 0, listed.stderr)
            self.assertEqual((self.tmp(), self.leftovers()), ([], []))
            for image in json.loads(listed.stdout):
                # The name is written last: what was killed before that left a whole image without one.
                self.assertIn(image["names"], (["large"], []))
                verified = self.run_stagebox("image", "verify")
                self.assertEqual(verified.returncode, 0, verified.stdout)
                self.assertEqual(self.run_stagebox("image", "remove", image["digest"]).returncode, 0)
                self.assertEqual(self.run_stagebox("gc").returncode, 0)
        self.assertEqual(self.run_stagebox("image", "import", layout).returncode, 0)
        self.assertEqual(self.run_stagebox("image", "verify").returncode, 0)

    def test_a_worker_that_somebody_killed_is_no_bad_archive(self):
        process = self.start("image", "import", self.large_layout())
        self.kill_worker(process)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 3, err)
        self.assertIn("the process of Stagebox that unpacked it was killed by signal 9", err)
        self.assertEqual((self.tmp(), self.leftovers()), ([], []))
        self.assertEqual(self.run_stagebox("image", "import", self.project / "large").returncode, 0)

    def large_layout(self):
        """Three layers of a thousand files each, so that several are in work at an instant."""
        def fill(tar):
            for index in range(1000):
                entry(tar, f"f{index}", content=os.urandom(100) * 30)
        path = self.project / "large"
        write_layout(path, [layer(fill) for _ in range(3)])
        return path

    def await_taken_signals(self, process):
        while "ShdPnd:\t0000000000000000" not in pathlib.Path(f"/proc/{process.pid}/status").read_text():
            pass

    def test_ctrl_c_ends_an_export(self):
        self.assertEqual(self.run_stagebox("image", "import", "bb.tar").returncode, 0)
        process = subprocess.Popen([STAGEBOX, "image", "export", "bb", "-"], env=self.environment,
                                   stdout=subprocess.PIPE)
        process.stdout.read(512)  # it has begun, and cannot end before somebody reads
        process.send_signal(signal.SIGINT)
        self.await_taken_signals(process)
        process.stdout.read()
        process.wait(timeout=60)
        process.stdout.close()
        self.assertEqual(process.returncode, 130)


if __name__ == "__main__":
    unittest.main()
