"""What a stage must not see or change: the host's files, processes, network and the store."""

import hashlib
import os
import socket
import unittest

from harness import ProjectTest


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

    def test_no_environment_of_the_host(self):
        self.environment["HOST_SECRET"] = "sesame"
        self.assertNotIn("sesame", self.stage_output("env; cat /proc/*/environ"))


if __name__ == "__main__":
    unittest.main()
