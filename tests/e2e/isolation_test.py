"""What a stage must not see or change: the host's files, processes, network and the store."""

import ctypes
import hashlib
import os
import socket
import threading
import unittest

from harness import ProjectTest


class Swapper:
    """Exchanges two names as fast as it can while it is entered; at the end both are what they were."""

    RENAME_EXCHANGE = 2  # renameat2(2)

    def __init__(self, one, other):
        self.names = [os.fsencode(one), os.fsencode(other)]
        self.swaps = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.swap_on)
        self.renameat2 = ctypes.CDLL(None, use_errno=True).renameat2

    def swap(self):
        at_cwd = -100
        if self.renameat2(at_cwd, self.names[0], at_cwd, self.names[1], self.RENAME_EXCHANGE) == 0:
            self.swaps += 1

    def swap_on(self):
        while not self.over.is_set():
            self.swap()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        if self.swaps % 2:
            self.swap()


class IsolationTest(ProjectTest):
    def stage_output(self, script):
        self.write("probe.sh", script)
        self.pipeline("  probe: {inputs: {probe.sh: {path: probe.sh}}, run: [sh, probe.sh]}\n")
        self.run_stagebox("run", "--no-cache")
        return self.run_stagebox("logs", "last", "probe").stdout

    def test_no_file_of_the_host(self):
        canary = self.dir / "canary"
        canary.write_text("secret")
        before = hashlib.sha256(canary.read_bytes()).hexdigest()
        out = self.stage_output(f"cat {canary}; echo x > {canary}; ls {self.dir} /root /home /work /var/lib; ls /..")
        self.assertNotIn("secret", out)
        self.assertNotIn("project", out)
        self.assertEqual(hashlib.sha256(canary.read_bytes()).hexdigest(), before)

    def test_no_process_of_the_host(self):
        out = self.stage_output(f"ls -d /proc/[0-9]*; kill -0 {os.getpid()} && echo reached")
        self.assertNotIn("reached", out)
        self.assertLess(len(out.splitlines()), 6, out)
        self.assertNotIn("/proc/1\n", out)

    def test_no_network_of_the_host(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            out = self.stage_output(f"echo hi | nc -w 1 127.0.0.1 {port} && echo reached; nc -w 1 169.254.169.254 80 </dev/null && echo reached; grep -c : /proc/net/dev")
        self.assertNotIn("reached", out)
        self.assertTrue(out.endswith("1\n"), out)

    def test_the_image_is_never_written_to(self):
        self.stage_output("rm -rf /bin/cat /etc; echo x > /bin/new")
        out = self.stage_output("ls /bin/cat /bin/new /etc")
        self.assertIn("/bin/cat", out)
        self.assertIn("/bin/new: No such file", out)

    def test_sources_that_change_places_with_links_lead_nowhere(self):
        canary = self.dir / "canary"
        canary.mkdir(mode=0o755)
        (canary / "secret").write_text("sesame")
        (canary / "file").write_text("sesame")
        for name in ("src", "src/dir", "src/dir/deep"):
            (self.project / name).mkdir()
            self.write(name + "/file", "mine\n")
        swaps = {"src": self.project / "link", "src/dir": self.project / "src/link", "src/dir/deep": self.project / "src/dir/link"}
        look = "find in -type f -exec cat {} +; cat in/secret in/dir/secret in/link/secret in/dir/link/secret in/dir/deep/secret; for f in in in/dir in/dir/deep; do echo x > $f/new; done; true"
        self.write("look.sh", look)
        self.pipeline("".join(f"""  {mode}: {{cache: never, inputs: {{in: {{path: src, mode: {mode}}}, look.sh: {{path: look.sh}}}}, run: [sh, look.sh]}}\n"""
                              for mode in ("ro", "overlay")))
        for name, link in swaps.items():
            link.symlink_to(canary)
            with Swapper(self.project / name, link) as swapper:
                for _ in range(4):
                    self.run_stagebox("run")
                    for mode in ("ro", "overlay"):
                        shown = self.run_stagebox("logs", "last", mode)
                        self.assertNotIn("sesame", shown.stdout, name)
                        if name == "src":  # What is named on a command line may be a link of the caller's.
                            continue
                        result = self.run_stagebox("exec", "--image", "bb.tar", "--workdir", "/", "--mount", f"src:/in:{mode}", "--", "sh", "-c", look)
                        self.assertNotIn("sesame", result.stdout, name)
            self.assertGreater(swapper.swaps, 100)
            link.unlink()
        self.run_ok()  # What it looks for is there to be found.
        self.assertIn("mine", self.run_stagebox("logs", "last", "overlay").stdout)
        self.assertEqual(sorted(path.name for path in canary.iterdir()), ["file", "secret"])
        self.assertEqual({(canary / name).read_text() for name in ("file", "secret")}, {"sesame"})
        self.assertEqual(self.leftovers(), [])

    def test_no_environment_of_the_host(self):
        self.environment["HOST_SECRET"] = "sesame"
        self.assertNotIn("sesame", self.stage_output("env; cat /proc/*/environ"))


if __name__ == "__main__":
    unittest.main()
