"""`exec`: one command in one sandbox, with what its options say."""

import json
import os
import resource
import signal
import subprocess
import time
import unittest

from harness import STAGEBOX, ProjectTest, make_image


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

    def test_variables_from_files_and_from_here(self):
        self.environment.update(HERE="from here", TWICE="x")
        self.write("ci.env", "# of the build\n\nA=from the file\nB=\"as is\"\nHERE\nNOT_SET\nC=file\n")
        self.write("more.env", "A=from the second\n")
        out = self.exec("--env-file", "ci.env", "--env-file", "more.env", "-e", "C=option", "-e", "TWICE", "-e", "NOT_THERE", "--", "sh", "-c",
                        "echo $A, $B, $HERE, $C, $TWICE, ${NOT_SET-unset}, ${NOT_THERE-unset}").stdout
        self.assertEqual(out, 'from the second, "as is", from here, option, x, unset, unset\n')
        self.write("bad.env", "A=1\nnot a name=1\n")
        self.assertIn("bad.env:2: ", self.exec("--env-file", "bad.env", "--", "true", status=125).stderr)
        self.assertIn("--env-file", self.exec("--env-file", "absent", "--", "true", status=125).stderr)
        (self.project / "large.env").write_bytes(b"#" * (1 << 21))
        self.exec("--env-file", "large.env", "--", "true", status=125)
        self.exec("--env-file", "/dev/zero", "--", "true", status=125)

    def test_temporary_file_systems(self):
        self.write("src/file", "content\n")
        (self.project / "src/build").mkdir()
        for mode in ("ro", "overlay"):
            out = self.exec("--mount", f"src:/workspace/src:{mode}", "--tmpfs", "/workspace/src/build:2MiB", "--tmpfs", "/run", "--tmpfs", "/new/deep",
                            "--read-only", "--", "sh", "-c",
                            "cat /workspace/src/file; ls /workspace/src/build; dd if=/dev/zero of=/workspace/src/build/x bs=64k count=100 2>&1 | grep -o 'No space.*';"
                            "touch /run/a /new/deep/b && echo written; grep ' /new/deep ' /proc/self/mountinfo").stdout
            self.assertIn("content\nNo space left on device\nwritten\n", out)
            self.assertRegex(out.splitlines()[-1], "nosuid,nodev")
        self.assertEqual(os.listdir(self.project / "src/build"), [])
        out = self.exec("--tmpfs", "/dev/shm:1MiB", "--", "sh", "-c", "head -c 2000000 /dev/zero > /dev/shm/x; wc -c < /dev/shm/x; echo > /dev/null").stdout
        self.assertEqual(out, "1048576\n")
        self.environment["SOURCE"] = "s3cr3t-t0ken"
        self.assertEqual(self.exec("--tmpfs", "/run", "--secret", "TOKEN=env:SOURCE", "--", "cat", "/run/secrets/TOKEN").stdout, "s3cr3t-t0ken")
        for value in ("relative", "/", "/x:0", "/x:much", "/../x"):
            self.assertIn("--tmpfs", self.exec("--tmpfs", value, "--", "true", status=125).stderr)

    def test_links_of_the_image_do_not_lead_a_temporary_file_system_away(self):
        for target in ("/proc", "/etc", "../../../../tmp"):
            make_image(self.project, "trap.tar", links=[("trap", target)])
            result = self.run_stagebox("exec", "--image", "trap.tar", "--tmpfs", "/trap/x", "--", "sh", "-c", "touch /trap/x/here && ls /trap/x")
            self.assertIn(result.returncode, (0, 125))
            self.assertFalse(os.path.lexists("/tmp/x"))
            self.assertFalse(os.path.lexists("/etc/x"))

    def test_resource_limits_of_each_process(self):
        out = self.exec("--ulimit", "fsize=1024", "--ulimit", "stack=1048576:2097152", "--ulimit", "nofile=100:200", "--", "sh", "-c",
                        "ulimit -n; ulimit -Hn; ulimit -s; ulimit -Hs; head -c 4096 /dev/zero > /tmp/x; echo $?; ls -l /tmp/x | tr -s ' '").stdout
        self.assertRegex(out, "^100\n200\n1024\n2048\n153\n.* 1024 ")
        for value, reason in (("core=unlimited", "core_pattern"), ("nofile=unlimited", "at most"), ("speed=1", "NAME=SOFT")):
            self.assertIn(reason, self.exec("--ulimit", value, "--", "true", status=125).stderr)
        self.assertIn("same limit", self.exec("--ulimit", "nofile=100", "--open-files", "100", "--", "true", status=125).stderr)

    def test_the_cpu_time_of_a_process_is_named_when_it_was_met(self):
        busy = ("--", "sh", "-c", "while :; do :; done")
        for limit, status, end in (("cpu=1", 137, "SIGKILL"), ("cpu=1:5", 152, "SIGXCPU")):
            told = self.exec("--ulimit", limit, *busy, status=status).stderr
            self.assertIn(f"killed by {end}; likely because of its limit of 1 second of CPU time for each process (--ulimit cpu)", told)
        told = self.exec("--ulimit", "cpu=1", "--", "sh", "-c", "kill -KILL $$", status=137).stderr
        self.assertIn("killed by SIGKILL\n", told)

    def private_files(self):
        """What only their owner may read."""
        for name, text, mode in (("in/mine", "mine\n", 0o600), ("in/tool", "#!/bin/sh\necho tool\n", 0o700),
                                 ("in/d/deep", "deep\n", 0o644), ("in/open", "open\n", 0o644), ("single", "single\n", 0o400)):
            self.write(name, text).chmod(mode)
        (self.project / "in/d").chmod(0o700)
        (self.project / "in/link").symlink_to("mine")

    def test_private_files_of_the_user_can_be_mounted(self):
        self.private_files()
        out = self.exec("--mount", "in:/in", "--mount", "single:/single", "--", "sh", "-c",
                        "cat /in/mine /in/d/deep /in/open /in/link /single; /in/tool; { echo x > /in/new; } 2>&1; { echo x > /single; } 2>&1; true").stdout
        self.assertEqual(out.count("Read-only file system"), 2, out)
        self.assertIn("mine\ndeep\nopen\nmine\nsingle\ntool\n", out)
        self.assertEqual(sorted(os.listdir(self.project / "in")), ["d", "link", "mine", "open", "tool"])

    def test_private_files_are_as_they_are_now(self):
        self.private_files()
        for content in ("first\n", "second\n"):
            self.write("in/mine", content)
            self.assertEqual(self.exec("--mount", "in:/in", "--", "cat", "/in/mine").stdout, content)

    def test_what_everybody_may_read_is_seen_as_it_changes(self):
        self.write("in/file", "before\n")
        process = self.start("exec", "--image", "bb.tar", "--mount", "in:/in", "--", "sh", "-c",
                             "echo started; read word; cat /in/file", stdin=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "started\n")
        self.write("in/file", "after\n")
        out, error = process.communicate("go\n", timeout=60)
        self.assertEqual(out, "after\n", error)

    def test_an_overlay_belongs_to_the_user_inside(self):
        self.private_files()
        out = self.exec("--mount", "in:/in:overlay", "--", "sh", "-c",
                        "echo more >> /in/mine; rm /in/d/deep; mkdir /in/d/new; cat /in/mine; ls /in/d").stdout
        self.assertEqual(out, "mine\nmore\nnew\n")
        self.assertEqual((self.project / "in/mine").read_text(), "mine\n")
        self.assertEqual(os.listdir(self.project / "in/d"), ["deep"])

    def test_what_cannot_be_copied_is_named(self):
        self.private_files()
        os.mkfifo(self.project / "in/fifo")
        copies = os.environ.get("STAGEBOX_TEST_AS") == "user"  # nobody in his sandboxes
        result = self.exec("--mount", "in:/in", "--", "cat", "/in/mine", status=125 if copies else 0)
        if copies:
            self.assertIn("fifo", result.stderr)
            self.assertNotIn("mine\n", result.stdout)

    def test_a_source_that_is_a_link_is_what_it_leads_to(self):
        self.private_files()
        (self.project / "to").symlink_to("in")
        self.assertEqual(self.exec("--mount", "to:/in", "--", "cat", "/in/mine").stdout, "mine\n")

    def test_artifacts_come_out(self):
        self.private_files()
        self.exec("--mount", "in:/workspace/src:overlay", "--workdir", "/workspace/src", "--artifact", "made:file",
                  "--artifact", "/workspace/dir:dir", "--artifact", "src/built:built", "--artifact", "src/d:d",
                  "--artifact", "src:src", "--", "sh", "-c",
                  "echo made > ../made; chmod 4755 ../made; mkdir ../dir; echo x > ../dir/x; cat mine > built; echo new > d/new; rm link")
        self.assertEqual((self.project / "file").read_text(), "made\n")
        self.assertEqual((self.project / "file").stat().st_mode & 0o7777, 0o755)
        self.assertEqual((self.project / "file").stat().st_uid, os.geteuid())
        self.assertEqual((self.project / "dir/x").read_text(), "x\n")
        self.assertEqual((self.project / "built").read_text(), "mine\n")
        self.assertEqual(sorted(os.listdir(self.project / "d")), ["deep", "new"])
        self.assertEqual(sorted(os.listdir(self.project / "src")), ["built", "d", "mine", "open", "tool"])
        self.assertEqual(self.leftovers(), [])

    def test_artifacts_with_limits_of_the_disk(self):
        self.private_files()
        self.exec("--disk", "16MiB", "--mount", "in:/workspace/src:overlay", "--artifact", "src/built:built",
                  "--", "sh", "-c", "echo built > /workspace/src/built")
        self.assertEqual((self.project / "built").read_text(), "built\n")

    def test_files_as_standard_streams_stay_as_they_are(self):
        self.write("in", "one\ntwo\nthree\n")
        self.write("log", "before\n")
        for name in ("in", "log"):
            os.chmod(self.project / name, 0o600)
        script = ("cat; chmod 4777 /proc/self/fd/*; : > /dev/stdout; echo error >&2; echo out; "
                  "for i in 1 2 3; do echo e$i >&2; echo o$i; done")
        with open(self.project / "in") as given, open(self.project / "log", "a") as log:
            self.assertEqual(given.buffer.raw.read(4), b"one\n")
            process = subprocess.run([STAGEBOX, "exec", "--image", "bb.tar", "--", "sh", "-c", script], cwd=self.project,
                                     env=self.environment, stdin=given, stdout=log, stderr=log)
            self.assertEqual(process.returncode, 0)
            # Whoever called us goes on where they were: `while read ...; do stagebox exec ...; done < list`.
            self.assertEqual(given.buffer.raw.tell(), 4)
        # With a single id Stagebox warns there, too.
        lines = [line for line in (self.project / "log").read_text().splitlines() if not line.startswith("stagebox:")]
        self.assertEqual(lines[:3], ["before", "two", "three"])
        self.assertEqual([line for line in lines if len(line) == 2], ["e1", "o1", "e2", "o2", "e3", "o3"], "one order")
        for name in ("in", "log"):
            self.assertEqual(os.stat(self.project / name).st_mode & 0o7777, 0o600)
        # What the command does not read keeps nobody waiting.
        with open(self.project / "big", "wb") as big:
            big.truncate(1 << 30)
        with open(self.project / "big") as given:
            process = subprocess.run([STAGEBOX, "exec", "--image", "bb.tar", "--", "sh", "-c", "head -c 3 | wc -c"],
                                     cwd=self.project, env=self.environment, stdin=given, stdout=subprocess.PIPE, text=True)
        self.assertEqual((process.returncode, process.stdout.strip()), (0, "3"))

    def test_holes_of_an_artifact_take_no_room_and_no_end(self):
        self.exec("--disk", "16MiB", "--workdir", "/workspace", "--artifact", "a:a", "--", "sh", "-c",
                  "truncate -s 1G a; echo end >> a")
        status = os.stat(self.project / "a")
        self.assertEqual(status.st_size, (1 << 30) + 4)
        self.assertLess(status.st_blocks * 512, 4 << 20)
        result = self.exec("--workdir", "/workspace", "--artifact", "a:b", "--", "sh", "-c", "truncate -s 100G a", status=1)
        self.assertIn("has 100 GiB, more than outputs without a max_size", result.stderr)
        # To read it takes a while; a signal ends that.
        process = self.start("exec", "--image", "bb.tar", "--workdir", "/workspace", "--artifact", "a:c", "--", "sh", "-c",
                             "truncate -s 60G a; echo made")
        self.assertEqual(process.stdout.readline(), "made\n")
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        _, told = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 125, told)
        self.assertIn("cancelled while files were being stored", told)
        self.assertLess(time.monotonic() - began, 30)
        self.assertFalse((self.project / "c").exists())
        self.assertEqual(self.leftovers(), [])

    def test_artifacts_that_are_not_what_they_should_be(self):
        self.write("secret", "secret\n")
        self.write("in/file", "content\n")
        script = f"ln -s {self.project}/secret link; mkfifo fifo; ln -s / dir; ln -s /etc/passwd /in/leads"
        for path, reason in (("absent", "is missing: it was not made"), ("link", "is a"), ("fifo", "neither"), ("dir/etc/hostname", "link")):
            result = self.exec("--workdir", "/workspace", "--mount", "in:/in:overlay", "--artifact", f"{path}:out", "--", "sh", "-c",
                               script, status=1)
            self.assertIn(reason, result.stderr)
            self.assertFalse(os.path.lexists(self.project / "out"), path)

    def test_artifacts_of_a_command_that_failed(self):
        result = self.exec("--artifact", "log:log", "--artifact", "absent:absent", "--", "sh", "-c",
                           "echo why > /workspace/log; exit 7", status=7)
        self.assertEqual((self.project / "log").read_text(), "why\n")
        self.assertIn("absent", result.stderr)

    def test_where_artifacts_cannot_go_is_told_before_the_command_runs(self):
        self.write("there", "mine\n")
        for artifact, reason in (("a:there", "exists"), ("a:nowhere/x", "cannot be opened"), ("/etc/passwd:x", "workspace"),
                                 ("../a:x", ".."), (".:x", "not all of it"), ("a", "PATH:DESTINATION")):
            result = self.run_stagebox("exec", "--image", "bb.tar", "--artifact", artifact, "--", "echo", "ran")
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(reason, result.stderr)
            self.assertNotIn("ran", result.stdout)
        self.assertEqual((self.project / "there").read_text(), "mine\n")

    def test_what_cannot_be_had_is_refused_by_name(self):
        for option, value, reason in (("--network", "host", "network.modes"), ("--network", "all", "has no port"),
                                      ("--mount", "/tmp:/x:rw", "--artifact"), ("--memory", "none", "--memory")):
            result = self.run_stagebox("exec", "--image", "bb.tar", option, value, "--", "true")
            self.assertIn(result.returncode, (2, 125), option)
            self.assertIn(reason, result.stderr)

    def test_denied_system_calls_are_named_when_that_is_asked_for(self):
        script = "busybox mount -t tmpfs none /tmp; busybox unshare -n true; exit 3"
        told = self.exec("--explain-syscalls", "--", "sh", "-c", script, status=3).stderr.splitlines()[-1]
        self.assertRegex(told, r"^stagebox: exited with status 3; system calls that were not allowed: .*mount \(1\)")
        report = json.loads(self.exec("--explain-syscalls", "--json", "--", "sh", "-c", script, status=3).stderr.splitlines()[-1])
        self.assertLessEqual({"mount", "unshare"}, {call["name"] for call in report["denied_syscalls"]})
        self.assertNotIn("not allowed", self.exec("--", "sh", "-c", script, status=3).stderr)

    def test_a_filter_from_a_profile(self):
        self.write("profile.json", json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}))
        result = self.exec("--seccomp", "profile.json", "--", "sh", "-c", "mkdir /tmp/a; touch /tmp/b && ls /tmp")
        self.assertEqual(result.stdout, "b\n")
        self.assertIn("No space left on device", result.stderr)
        for profile, word in (("{}", "defaultAction"), ("nonsense", "seccomp profile"), ('{"defaultAction": "SCMP_ACT_NONE"}', "defaultAction"), (None, "profile.json")):
            self.write("profile.json", profile) if profile is not None else (self.project / "profile.json").unlink()
            self.assertIn(word, self.exec("--seccomp", "profile.json", "--", "echo", "ran", status=125).stderr)

    def test_what_the_kernel_would_take_for_no_limit_is_refused(self):
        for option, value in (("--disk", "0"), ("--io-read", "0"), ("--cpus", "inf"), ("--cpuset", ""), ("--memory", "0"), ("--timeout", "0"), ("--cpu-time", "0")):
            result = self.exec(option, value, "--", "echo", "ran", status=125)
            self.assertIn(option + ": ", result.stderr)
            self.assertEqual(result.stdout, "")

    def test_nothing_is_mounted_over_what_is_the_kernels(self):
        (self.project / "in").mkdir()
        for target in ("/proc", "/proc/sys", "/dev", "/dev/null", "/dev/shm"):
            result = self.exec("--mount", f"in:{target}", "--", "echo", "ran", status=125)
            self.assertIn(target, result.stderr)
            self.assertEqual(result.stdout, "")

    def test_wrong_command_lines_are_told_apart_from_the_commands_status(self):
        for arguments in (("--bogus",), ("--mount", "/etc:/x:more:words"), ("--mount", "/etc"), ("--env", "=x"), ("--hostname", "a b"),
                          ("--hostname", "a\nb"), ("--hostname", "x" * 65)):
            self.exec(*arguments, "--", "true", status=125)

    def test_what_the_caller_ignores_is_not_ignored_inside(self):
        ignored = (signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGRTMIN + 3)
        process = self.start("exec", "--image", "bb.tar", "--", "grep", "SigIgn", "/proc/self/status",
                             preexec_fn=lambda: [signal.signal(number, signal.SIG_IGN) for number in ignored])
        out, error = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, error)
        self.assertEqual(int(out.split()[1], 16), 0, out)

    def test_a_limit_of_the_callers_on_files_is_told(self):
        process = self.start("exec", "--image", "bb.tar", "--", "true",
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))
        _, error = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 125, error)
        self.assertIn("File too large", error)

    def test_what_the_caller_ignores_ends_nothing(self):
        """As nohup(1) has it, and a shell without job control for what it starts in the background."""
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            process = self.start("exec", "--image", "bb.tar", "--", "sh", "-c", "echo up; read x; echo survived",
                                 stdin=subprocess.PIPE, preexec_fn=lambda number=number: signal.signal(number, signal.SIG_IGN))
            self.assertEqual(process.stdout.readline(), "up\n")
            process.send_signal(number)
            out, error = process.communicate("go on\n", timeout=60)
            self.assertEqual((process.returncode, out), (0, "survived\n"), error)

    def test_status_and_report(self):
        self.exec("--", "sh", "-c", "exit 7", status=7)
        self.exec("--", "sh", "-c", "kill -TERM $$", status=128 + signal.SIGTERM)
        self.exec("--", "no-such-command", status=127)
        report = json.loads(self.exec("--json", "--", "true").stderr.splitlines()[-1])
        self.assertEqual((report["cause"], report["status"]), ("exited", 0))
        for metric in ("wall_ms", "user_cpu_us", "system_cpu_us", "cpu_throttled_us", "peak_memory",
                       "processes", "read_bytes", "written_bytes"):
            self.assertIn(metric, report["usage"])

    def test_the_status_says_what_ended_the_command(self):
        for script, status in (("exit 255", 255), ("kill -9 $$", 137), ("kill -SEGV $$", 139)):
            with self.subTest(script=script):
                self.exec("--", "sh", "-c", script, status=status)
        self.exec("--", "no-such-command", status=127)
        self.exec("--", "/etc", status=126)
        self.exec("--timeout", "300ms", "--", "sleep", "1000", status=124)
        self.exec("--disk", "2MiB", "--", "sh", "-c", "dd if=/dev/zero of=/tmp/x bs=64k count=100", status=1)

    def begun(self, script, *options):
        """A command that has begun, and said so."""
        process = self.start("exec", "--json", "--image", "bb.tar", *options, "--", "sh", "-c", script)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def ended(self, process):
        process.wait(timeout=60)  # Before its standard input is closed.
        out, error = process.communicate()
        report = json.loads(error.splitlines()[-1])  # The shell may have said something, too.
        return out, process.returncode, report["cause"], report.get("signal"), report.get("status")

    def test_a_signal_that_ends_is_the_commands_to_answer(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(number=number):
                name = number.name.removeprefix("SIG")
                process = self.begun(f"trap 'echo told {name}; exit 6' {name}; echo ready; while :; do sleep 0.1; done")
                process.send_signal(number)
                self.assertEqual(self.ended(process), (f"told {name}\n", 6, "cancelled", number, 6))
                # No shell: it is somebody else until it has become its last command.
                process = self.start("exec", "--json", "--image", "bb.tar", "--", "cat", "/etc/hosts", "-", stdin=subprocess.PIPE)
                self.assertIn("localhost", process.stdout.readline())
                process.send_signal(number)
                self.assertEqual(self.ended(process), ("", 128 + number, "cancelled", number, 128 + number))
        self.assertEqual(self.leftovers(), [])

    def test_whoever_asks_twice_does_not_wait(self):
        process = self.begun("trap 'echo told' INT; echo ready; while :; do sleep 0.1; done")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.stdout.readline(), "told\n")
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.ended(process), ("", 137, "cancelled", signal.SIGINT, None))

    def test_a_command_that_does_not_end_is_killed_after_the_grace_time(self):
        process = self.begun("trap '' TERM; echo ready; while :; do sleep 0.1; done")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.ended(process), ("", 137, "cancelled", signal.SIGTERM, None))

    def test_other_signals_are_passed_on(self):
        process = self.begun("(trap 'echo not for me' USR1; while :; do sleep 0.1; done) & trap 'echo one' USR1; trap 'echo two; exit 5' USR2; "
                             "echo ready; while :; do sleep 0.1; done")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.stdout.readline(), "one\n")
        process.send_signal(signal.SIGUSR2)
        self.assertEqual(self.ended(process), ("two\n", 5, "exited", None, 5))

    def test_without_a_command_the_images_runs(self):
        process = self.start("exec", "--image", "bb.tar", stdin=subprocess.PIPE)
        out, err = process.communicate("echo from a shell; exit 4\n", timeout=60)
        self.assertEqual((out, process.returncode), ("from a shell\n", 4), err)

    def test_secrets_are_files_and_no_artifacts(self):
        self.environment["SOURCE"] = "s3cr3t-t0ken"
        self.write("value", "an0ther-0ne")
        out = self.exec("--secret", "TOKEN=env:SOURCE", "--secret", "FILE=file:value", "--", "sh", "-c",
                        "cd /run/secrets; ls; cat TOKEN FILE; busybox stat -c ' %a' TOKEN; ! env | grep s3cr3t").stdout
        self.assertEqual(out, "FILE\nTOKEN\ns3cr3t-t0kenan0ther-0ne 400\n")
        refused = self.exec("--workdir", "/workspace", "--secret", "TOKEN=env:SOURCE", "--artifact", "out:taken", "--artifact", "fine:fine", "--",
                            "sh", "-c", "cp /run/secrets/TOKEN out; echo x > fine", status=1)
        self.assertIn("contains a secret", refused.stderr)
        self.assertFalse((self.project / "taken").exists())
        self.assertTrue((self.project / "fine").exists())

    def test_secrets_that_nobody_gives_or_may_have(self):
        self.environment["SOURCE"] = "s3cr3t-t0ken"
        for arguments, why in ((["--secret", "TOKEN"], "the policy has no secret of that name"),
                               (["--secret", "../x=env:SOURCE"], "the name of a secret"),
                               (["--secret", "A=s3cr3t"], "a value does not belong on a command line"),
                               (["--secret", "A=env:SOURCE", "--secret", "A=env:SOURCE"], "was given twice"),
                               (["--trust", "untrusted", "--secret", "A=env:SOURCE"], "untrusted.secrets")):
            self.assertIn(why, self.exec(*arguments, "--", "true", status=125).stderr)
        policy = self.dir / "policy.yaml"
        policy.write_text("stagebox-policy: 1\nsecrets: {TOKEN: {env: SOURCE}}\n")
        out = self.exec("--policy", policy, "--secret", "TOKEN", "--", "cat", "/run/secrets/TOKEN").stdout
        self.assertEqual(out, "s3cr3t-t0ken")
        refused = self.exec("--policy", policy, "--secret", "OTHER=env:SOURCE", "--", "true", status=125)
        self.assertIn("the secret `OTHER` is not permitted", refused.stderr)


if __name__ == "__main__":
    unittest.main()
