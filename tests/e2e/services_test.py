"""Services: programs beside a stage, with small ones made of busybox. Real ones are in services_real_test.py."""

import json
import os
import random
import signal
import time
import unittest

from harness import ProjectTest, make_image

KILL_INSTANTS = int(os.environ.get("STAGEBOX_KILL_INSTANTS", "12"))
ZSTD = b"\x28\xb5\x2f\xfd"
# Answers every connection to its port with a line.
ECHO = "exec nc -ll -p {port} -e echo {text}"


def echo(port, text):
    return ECHO.format(port=port, text=text)


class ServicesTest(ProjectTest):
    def run_failing(self, *arguments):
        result = self.run_stagebox("run", *arguments)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        return result.stdout

    def log(self, name, *arguments):
        result = self.run_stagebox("logs", "last", name, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def wait_for(self, process, text):
        for line in process.stdout:
            if text in line:
                return
        self.fail("the run ended before " + text)


class LifeTest(ServicesTest):
    def test_a_stage_and_its_services_reach_each_other_by_name(self):
        self.pipeline(f"""
  test:
    run: |
      nc db 7001
      nc 127.0.0.1 7002
      wget -q -O - http://web:8080/page
      cat /etc/hosts
    services:
      db: {{image: bb, run: "{echo(7001, 'from the database')}", ready: {{tcp: 7001}}}}
      relay: {{image: bb, run: "until nc db 7001; do sleep 0.1; done; {echo(7002, 'from the relay')}", ready: {{tcp: 7002}}}}
      web: {{image: bb, run: "mkdir w; echo page > w/page; exec busybox httpd -f -v -p 8080 -h w", ready: "nc -w 1 127.0.0.1 8080 < /dev/null"}}
""")
        self.run_ok()
        said = self.log("test")
        self.assertTrue(said.startswith("from the database\nfrom the relay\npage\n"), said)
        self.assertIn("127.0.0.1 localhost stagebox db relay web\n", said)
        self.assertIn("from the database\n", self.log("test@relay"))
        self.assertIn("response:200", self.log("test@web"))
        self.assertEqual(self.log("test@db"), "")
        self.assertEqual(self.leftovers(), [])

    def test_they_share_nothing_but_the_network(self):
        # Without subordinate ids there is nobody but root.
        user = "0" if os.environ.get("STAGEBOX_TEST_AS") == "single" else "1000:1000"
        self.pipeline("""
  test:
    user: "USER"
    env: {OF: stage}
    run: |
      touch here /tmp/here
      ls -a /proc/1/root 2>/dev/null && echo seen
      nc db 7000
      ps -o pid,args | grep -c "nc -ll" || true
    services:
      db:
        image: bb
        env: {OF: service}
        run: |
          echo "$OF $(id -u) $(pwd) $(ls /workspace) $(ls /tmp)"
          exec nc -ll -p 7000 -e sh -c 'ls /workspace /tmp; id -u; echo x > /proc/sys/net/ipv4/ip_default_ttl || echo refused'
        ready: {tcp: 7000}
""".replace("USER", user))
        self.run_ok()
        self.assertEqual(self.log("test@db").split("\n")[0], "service 0 /  ")
        said = self.log("test")
        self.assertNotIn("seen", said)
        self.assertNotIn("here", said)
        self.assertIn("/tmp:", said)
        self.assertIn("/workspace:", said)

    def test_the_image_says_what_a_service_executes(self):
        make_image(self.project, "svc.tar", "--cmd", "nc -ll -p 7000 -e echo by the image")
        self.pipeline("  test: {run: 'nc svc 7000', services: {svc: {image: svc, ready: {tcp: 7000}}}}\n")
        text = (self.project / "stagebox.yaml").read_text()
        self.write("stagebox.yaml", text.replace("images: {bb:", "images: {svc: {tarball: svc.tar}, bb:"))
        self.run_ok()
        self.assertEqual(self.log("test"), "by the image\n")

    def test_stages_at_the_same_time_have_services_of_their_own(self):
        self.pipeline("".join(f"""
  s{i}:
    run: "nc db 7000; sleep 0.5; nc db 7000"
    services: {{db: {{image: bb, run: "{echo(7000, f'of s{i}')}", ready: {{tcp: 7000}}}}}}
""" for i in range(3)))
        self.run_ok("--jobs", "3")
        for i in range(3):
            self.assertEqual(self.log(f"s{i}"), f"of s{i}\n" * 2)

    def test_each_attempt_has_new_ones(self):
        self.pipeline("""
  test:
    run: "nc db 7000; exit 75"
    retry: {attempts: 2, backoff: 1ms, on: [exit:75]}
    services:
      db: {image: bb, run: "cat /proc/sys/kernel/random/uuid > /id; cat /id; test ! -e /seen; touch /seen; exec nc -ll -p 7000 -e cat /id", ready: {tcp: 7000}}
""")
        self.run_failing()
        first, second = (self.log("test@db", "--attempt", str(n)) for n in (1, 2))
        self.assertNotEqual(first, second)
        self.assertEqual(self.log("test", "--attempt", "1"), first)
        self.assertEqual(self.log("test"), second)
        self.assertEqual(self.leftovers(), [])

    def test_a_cached_stage_starts_none(self):
        stage = """
  test:
    run: "nc db 7000 > out"
    outputs: {{o: out}}
    services: {{db: {{image: bb, env: {{WORD: {word}}}, run: "echo up; exec nc -ll -p 7000 -e echo $WORD", ready: {ready}, resources: {{pids: {pids}}}}}}}
"""
        self.pipeline(stage.format(word="one", ready="{tcp: 7000}", pids=50))
        self.assertIn("running", self.run_ok())
        again = self.run_ok()
        self.assertIn("cached", again)
        self.assertNotIn("running", again)
        self.assertEqual(self.log("test@db"), "up\n", "the log is that of the run that made the result")
        # Neither limits nor the check decide the result.
        self.pipeline(stage.format(word="one", ready="{tcp: 7000, timeout: 50s}", pids=40))
        self.assertIn("cached", self.run_ok())
        self.pipeline(stage.format(word="two", ready="{tcp: 7000}", pids=50))
        self.assertIn("running", self.run_ok())
        self.assertIn("service:db:env:WORD", self.run_stagebox("explain", "last", "test").stdout)

    def test_the_log_of_a_run_has_its_services_in_the_order_of_time(self):
        self.pipeline(f"""
  test:
    run: "echo one; nc db 7000; echo three"
    services: {{db: {{image: bb, run: "echo zero; exec nc -ll -p 7000 -e sh -c 'echo two >&2; busybox sleep 1; echo asked'", ready: "grep -q :1B58 /proc/net/tcp*"}}}}
""")
        self.run_ok()
        result = self.run_stagebox("logs", "last")
        self.assertEqual(result.stdout, "test@db | zero\ntest | one\ntest@db | two\ntest | asked\ntest | three\n")
        lines = [json.loads(line) for line in self.run_stagebox("logs", "last", "--json", "--grep", "^two").stdout.splitlines()]
        self.assertEqual([(line["stage"], line["text"]) for line in lines], [("test@db", "two")])
        self.assertNotIn("two", self.log("test"))
        self.assertEqual(self.log("test@db", "--follow"), "zero\ntwo\n")
        self.run_ok()
        self.assertEqual(self.states(), {"test": "cached"})
        self.assertEqual(self.run_stagebox("logs", "last").stdout,
                         "test | one\ntest | asked\ntest | three\ntest@db | zero\ntest@db | two\n", "each as a whole")

    def test_a_log_of_a_service_is_followed_into_the_next_attempt(self):
        self.pipeline(f"""
  test:
    run: "nc db 7000; exit 75"
    retry: {{attempts: 2, backoff: 1ms, on: [exit:75]}}
    services: {{db: {{image: bb, run: "echo up; {echo(7000, 'asked')}", ready: {{tcp: 7000}}}}}}
""")
        run = self.start("run")
        self.addCleanup(run.kill)
        self.wait_for_log("test@db", "up")
        self.assertEqual(self.log("test@db", "--follow"), "up\nup\n")
        run.communicate(timeout=60)
        self.assertIn("test@db#2 | up\n", self.run_stagebox("logs", "last").stdout)

    def test_logs_of_services_are_compressed(self):
        self.pipeline("""
  test:
    run: "true"
    services: {db: {image: bb, run: "yes a long log | head -n 2000; exec nc -ll -p 7000 -e true", ready: {tcp: 7000}}}
""")
        self.run_ok()
        (path,) = self.home.glob("logs/*/test@db.log")
        self.assertEqual(path.read_bytes()[:4], ZSTD)
        self.assertEqual(self.log("test@db"), "a long log\n" * 2000)

    def test_logs_that_are_not_there(self):
        self.pipeline("  test: {run: 'true'}\n")
        self.run_ok()
        for name in ("test@db", "test@../../x", "test@", "none@db"):
            result = self.run_stagebox("logs", "last", name)
            self.assertEqual(result.returncode, 2, name)
            self.assertEqual(self.run_stagebox("logs", "last", name, "--follow").returncode, 2, name)


class FailureTest(ServicesTest):
    def test_one_that_is_never_ready(self):
        self.pipeline("""
  test:
    run: "echo the stage ran"
    services:
      good: {image: bb, run: "sleep 1000"}
      db:
        image: bb
        run: "trap '' TERM; echo waiting for disks; while true; do sleep 1; done"
        ready: {run: "echo no answer; exit 2", timeout: 1500ms, interval: 100ms}
""")
        began = time.monotonic()
        said = self.run_failing()
        self.assertLess(time.monotonic() - began, 30)
        self.assertIn("the service db was not ready within 1.50s: the check exited with status 2 and wrote: no answer", said)
        self.assertIn("waiting for disks", said)
        self.assertIn("test@db.log", said)
        self.assertNotIn("| the stage ran", said)
        self.assertEqual(self.log("test"), "")
        self.assertEqual(self.leftovers(), [])

    def test_why_it_was_not_ready_is_what_was_found_before_it_had_to_end(self):
        self.pipeline("""
  test:
    run: "true"
    services:
      db:
        image: bb
        run: "trap 'touch /tmp/told' TERM; while true; do sleep 0.1 || true; done"
        ready: {run: "[ -e /tmp/told ] && echo told to end || echo no answer; exit 2", timeout: 1s, interval: 100ms}
""")
        self.assertIn("not ready within 1.00s: the check exited with status 2 and wrote: no answer", self.run_failing())

    def test_nobody_listens(self):
        self.pipeline("""
  port: {run: "true", services: {db: {image: bb, run: "sleep 1000", ready: {tcp: 7000, timeout: 500ms}}}}
  hangs: {run: "true", services: {db: {image: bb, run: "sleep 1000", ready: {run: "sleep 1000", timeout: 500ms}}}}
  missing: {run: "true", services: {db: {image: bb, run: "sleep 1000", ready: {run: [pg_isready], timeout: 500ms}}}}
""")
        said = self.run_failing("--keep-going")
        self.assertIn("not ready within 0.50s: 127.0.0.1:7000: Connection refused", said)
        self.assertRegex(said, r"hangs +FAILED .*the service db was not ready within 0.50s")
        self.assertIn('cannot execute "pg_isready"', said)
        self.assertEqual(self.leftovers(), [])

    def test_one_that_ends_before_it_is_ready(self):
        self.pipeline("""
  test: {run: "echo the stage ran", services: {db: {image: bb, run: "echo bad config; exit 3", ready: {tcp: 7000}}}}
  gone: {run: "echo the stage ran", services: {db: {image: bb, run: [no-such-program], ready: {tcp: 7000}}}}
""")
        began = time.monotonic()
        said = self.run_failing("--keep-going")
        self.assertLess(time.monotonic() - began, 30, "nobody waits for the dead")
        self.assertIn("the service db ended before it was ready: exited with status 3", said)
        self.assertIn("bad config", said)
        self.assertIn('cannot execute "no-such-program"', said)
        self.assertNotIn("| the stage ran", said)

    def test_one_that_cannot_be_executed_is_never_ready(self):
        """However little its stage would have to do."""
        self.pipeline("""
  test:
    matrix: {n: [1, 2, 3, 4, 5, 6, 7, 8]}
    run: "true"
    services: {db: {image: bb, run: [/nothing-there]}}
""")
        result = self.run_stagebox("run", "--keep-going", "--output", "json")
        self.assertEqual(result.returncode, 1, result.stderr)
        ended = [event for event in map(json.loads, result.stdout.splitlines())
                 if event["event"] == "stage" and event["state"] == "failed"]
        self.assertEqual(len(ended), 8, result.stdout)
        for event in ended:
            self.assertIn("the service db ended before it was ready", event["detail"])

    def test_one_that_ends_before_its_stage(self):
        self.pipeline("""
  test:
    run: "echo up; until nc db 7000; do sleep 0.1; done; sleep 1000"
    services: {db: {image: bb, run: "nc -l -p 7000 -e echo hello; echo out of luck; exit 4"}}
""")
        began = time.monotonic()
        said = self.run_failing()
        self.assertLess(time.monotonic() - began, 40, "the stage does not wait for its timeout")
        self.assertIn("the service db ended before the stage: exited with status 4", said)
        self.assertIn("out of luck", said)
        self.assertEqual(self.leftovers(), [])

    def test_the_last_that_a_service_said_is_in_the_last_part_too(self):
        self.pipeline("""
  talks: {run: "sleep 1000", services: {db: {image: bb, run: "echo out of luck; exit 4"}}}
  silent: {run: "sleep 1000", services: {quiet: {image: bb, run: "exit 4"}}}
""")
        said = self.run_failing("--keep-going")
        above, last = said.split("FAILED in ", 1)
        for part in (above, last):
            self.assertIn("    the last that the service db said:\n    | out of luck\n", part)
            self.assertIn("    the service quiet said nothing\n", part)
            self.assertNotIn("that the service quiet said", part)

    def test_it_can_be_tried_again(self):
        self.pipeline("""
  test:
    run: "true"
    retry: {attempts: 2, backoff: 1ms, on: [service]}
    services: {db: {image: bb, run: "exit 3", ready: {tcp: 7000}}}
  other:
    run: "exit 1"
    retry: {attempts: 2, backoff: 1ms, on: [service]}
    services: {db: {image: bb, run: "sleep 1000"}}
""")
        self.run_failing("--keep-going")
        attempts = json.loads(self.run_stagebox("show", "last", "--json").stdout)["attempts"]
        self.assertEqual(sorted(a["stage"] for a in attempts), ["other", "test", "test"])

    def test_its_limits(self):
        self.pipeline("""
  log: {run: "sleep 1000", services: {db: {image: bb, run: "yes", resources: {log: 64KiB}}}}
  memory: {run: "sleep 1000", services: {db: {image: bb, run: "head -c 200m /dev/zero | busybox tail -c 190m | wc -c", resources: {memory: 32MiB}}}}
""")
        said = self.run_failing("--keep-going")
        self.assertIn("the service db ended before", said)
        self.assertIn("wrote more than 64 KiB of log (resources.log)", said)
        self.assertRegex(said, r"memory +FAILED .*the service db .*memory limit of 32 MiB")
        self.assertEqual(len(self.log("log@db")), 64 << 10)
        self.assertEqual(self.leftovers(), [])

    def test_the_stages_own_end_is_its_own(self):
        self.pipeline("""
  slow: {run: "sleep 1000", timeout: 1s, services: {db: {image: bb, run: "trap '' TERM; sleep 1000"}}}
  bad: {run: "exit 5", services: {db: {image: bb, run: "sleep 1000"}}}
  daemons: {run: "true", services: {db: {image: bb, run: "(setsid sleep 1000 &); (setsid sh -c 'trap \\"\\" TERM; sleep 1000' &); sleep 1000"}}}
""")
        said = self.run_failing("--keep-going")
        self.assertRegex(said, r"slow +FAILED .*ran longer than its timeout")
        self.assertRegex(said, r"bad +FAILED .*exited with status 5")
        self.assertNotIn("the service", said)
        self.assertRegex(said, r"its service's:  stagebox logs [0-9a-f]+ bad@db\n")
        self.assertEqual(self.states()["daemons"], "succeeded")
        self.assertEqual(self.leftovers(), [])


class EndTest(ServicesTest):
    PIPELINE = """
  test:
    run: "echo stage; sleep 1000"
    services:
      db: {{image: bb, run: "trap '' TERM; (setsid sleep 1000 &); echo service; sleep 1000", ready: "{ready}", resources: {{memory: 64MiB, pids: 32}}}}
      other: {{image: bb, run: "echo other; sleep 1000"}}
"""
    MOMENTS = {"while it gets ready": ("sleep 1000", "test@db", "service"), "while the stage runs": ("true", "test", "stage")}

    def test_cancelled(self):
        for moment, (ready, log, text) in self.MOMENTS.items():
            with self.subTest(moment):
                self.pipeline(self.PIPELINE.format(ready=ready))
                process = self.start("run")
                self.wait_for_log(log, text)
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=60)
                self.assertEqual(process.returncode, 130)
                self.assertEqual(self.states(), {"test": "cancelled"})
                self.assertEqual(self.leftovers(), [])
                for path in (self.home / "logs").glob("*/*.log"):
                    path.unlink()

    def test_sigkill_of_stagebox(self):
        for moment, (ready, log, text) in self.MOMENTS.items():
            with self.subTest(moment):
                self.pipeline(self.PIPELINE.format(ready=ready))
                process = self.start("run", start_new_session=True)
                self.wait_for_log(log, text)
                os.kill(process.pid, signal.SIGKILL)
                process.communicate(timeout=60)
                self.assertEqual(self.run_stagebox("gc").returncode, 0)
                self.assertEqual(self.leftovers(), [])
                for path in (self.home / "logs").glob("*/*.log"):
                    path.unlink()

    def test_sigkill_at_random_instants(self):
        self.pipeline("".join(f"""
  s{i}:
    run: "nc db 7000"
    services: {{db: {{image: bb, run: "(setsid sleep 300 &); {echo(7000, 'x')}", ready: {{tcp: 7000}}, resources: {{memory: 64MiB}}}}}}
""" for i in range(4)))
        self.run_ok("--no-cache")
        chance = random.Random(20261128)
        for _ in range(KILL_INSTANTS):
            process = self.start("run", "--no-cache", start_new_session=True)
            time.sleep(chance.uniform(0, 1))  # the instant is the point
            os.kill(process.pid, signal.SIGKILL)
            process.communicate(timeout=60)
            self.assertEqual(self.run_stagebox("gc").returncode, 0)
            self.assertEqual(self.leftovers(), [])
        self.run_ok("--no-cache")


class TrustTest(ServicesTest):
    def test_secrets_are_for_whom_they_are_declared_and_masked_for_all(self):
        self.environment["GIVEN"] = "hunter22hunter"
        self.pipeline("""
  test:
    run: |
      cat /run/secrets/TOKEN 2>/dev/null || echo none
      nc db 7000
    services:
      db:
        image: bb
        secrets: [{name: TOKEN, env: TOKEN}]
        run: "echo I have $TOKEN; ls /run/secrets; exec nc -ll -p 7000 -e cat /run/secrets/TOKEN"
        ready: {tcp: 7000}
      other:
        image: bb
        run: "ls /run/secrets || echo nothing; touch /tmp/said; sleep 1000"
        ready: {run: "test -e /tmp/said"}
  late:
    run: "true"
    services: {db: {image: bb, secrets: [TOKEN], run: "sleep 1000", ready: {run: "cat /run/secrets/TOKEN; exit 1", timeout: 2s}}}
""")
        refused = self.run_stagebox("run")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("stage test: nobody gave the secret TOKEN", refused.stderr)
        said = self.run_failing("--secret", "TOKEN=env:GIVEN", "--keep-going")
        self.assertEqual(self.log("test"), "none\n***")
        self.assertEqual(self.log("test@db"), "I have ***\nTOKEN\n")
        self.assertIn("nothing", self.log("test@other"))
        self.assertIn("and wrote: ***", said)
        for path in [*self.home.rglob("*.log"), *self.home.rglob("*.db*")]:
            self.assertNotIn(b"hunter22", path.read_bytes(), path)
        refused = self.run_stagebox("run", "--trust", "untrusted")
        self.assertIn("service db of stage test", refused.stderr)
        self.assertIn("untrusted.secrets", refused.stderr)

    def test_a_policy_is_for_services_too(self):
        policy = self.dir / "policy.yaml"
        policy.write_text("stagebox-policy: 1\nresources: {memory: 64MiB, timeout: 10s}\n")
        policy.chmod(0o644)
        services = "  test: {{run: 'true', timeout: 5s, services: {{db: {{image: bb, run: 'sleep 1000', {}}}}}}}\n"
        for what, word in {"resources: {memory: 128MiB}": "memory", "ready: {tcp: 7000, timeout: 20s}": "timeout"}.items():
            self.pipeline(services.format(what))
            refused = self.run_stagebox("run", "--policy", policy)
            self.assertEqual(refused.returncode, 2, refused.stdout + refused.stderr)
            self.assertIn("service db of stage test", refused.stderr)
            self.assertIn(word, refused.stderr)
        self.pipeline(services.format("resources: {memory: 32MiB}"))
        self.run_ok("--policy", policy)

    def test_an_untrusted_run_has_services(self):
        self.pipeline(f"  test: {{run: 'nc db 7000', services: {{db: {{image: bb, run: '{echo(7000, 'hello')}', ready: {{tcp: 7000}}}}}}}}\n")
        self.run_ok("--trust", "untrusted", "--domain", "pr-1")
        self.assertEqual(self.log("test"), "hello\n")


if __name__ == "__main__":
    unittest.main()
