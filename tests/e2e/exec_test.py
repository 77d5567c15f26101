"""`exec`: one command in one sandbox, with what its options say."""

import json
import signal
import subprocess
import unittest

from harness import ProjectTest


class ExecTest(ProjectTest):
    def exec(self, *arguments, status=0):
        result = self.run_stagebox("exec", "--image", "bb.tar", *arguments)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result

    def test_host_name_read_only_root_and_capabilities(self):
        out = self.exec("--hostname", "builder", "--read-only", "--capability", "CHOWN", "--", "sh", "-c",
                        "hostname; touch /new 2>&1; touch /tmp/new /workspace/new && echo ok; grep CapEff /proc/self/status").stdout
        self.assertEqual(out, "builder\ntouch: /new: Read-only file system\nok\nCapEff:\t0000000000000001\n")
        self.exec("--capability", "FLY", "--", "true", status=125)

    def test_environment_user_workdir_and_mounts(self):
        self.write("in/file", "content\n")
        out = self.exec("-e", "A=b", "--workdir", "/tmp", "--mount", f"{self.project}/in:/in", "--mount",
                        f"{self.project}/in:/copy:overlay", "--", "sh", "-c",
                        "echo $A; pwd; cat /in/file; echo x > /in/file; echo mine > /copy/file; cat /copy/file").stdout
        self.assertEqual(out, "b\n/tmp\ncontent\nmine\n")
        self.assertEqual((self.project / "in/file").read_text(), "content\n")

    def test_what_cannot_be_had_is_refused_by_name(self):
        for option, value, reason in (("--network", "host", "network.modes"), ("--network", "all", "has no port"),
                                      ("--mount", "/tmp:/x:rw", "overlay"), ("--memory", "none", "--memory")):
            result = self.run_stagebox("exec", "--image", "bb.tar", option, value, "--", "true")
            self.assertIn(result.returncode, (2, 125), option)
            self.assertIn(reason, result.stderr)

    def test_what_the_caller_ignores_is_not_ignored_inside(self):
        ignored = (signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGRTMIN + 3)
        process = self.start("exec", "--image", "bb.tar", "--", "grep", "SigIgn", "/proc/self/status",
                             preexec_fn=lambda: [signal.signal(number, signal.SIG_IGN) for number in ignored])
        out, error = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, error)
        inside = int(out.split()[1], 16)
        for number in range(1, 32):
            self.assertFalse(inside >> (number - 1) & 1, f"signal {number} is ignored")
        self.assertFalse(inside >> (signal.SIGRTMIN + 2) & 1)

    def test_status_and_report(self):
        self.exec("--", "sh", "-c", "exit 7", status=7)
        self.exec("--", "sh", "-c", "kill -TERM $$", status=128 + signal.SIGTERM)
        self.exec("--", "no-such-command", status=127)
        report = json.loads(self.exec("--json", "--", "true").stderr)
        self.assertEqual((report["cause"], report["status"]), ("exited", 0))
        for metric in ("wall_ms", "user_cpu_us", "system_cpu_us", "peak_memory", "processes", "read_bytes", "written_bytes"):
            self.assertIn(metric, report["usage"])

    def test_without_a_command_the_images_runs(self):
        process = self.start("exec", "--image", "bb.tar", stdin=subprocess.PIPE)
        out, err = process.communicate("echo from a shell; exit 4\n", timeout=60)
        self.assertEqual((out, process.returncode), ("from a shell\n", 4), err)


if __name__ == "__main__":
    unittest.main()
