"""Trust: an untrusted run gets nothing that the policy does not permit, and a trusted run gets nothing of it."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import unittest

from harness import STAGEBOX, ProjectTest


class TrustTest(ProjectTest):
    def refused(self, *words, command=("run",)):
        result = self.run_stagebox(*command)
        self.assertEqual(result.returncode, 125 if command[0] == "exec" else 2, result.stdout + result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        return result

    def shown(self, run="last"):
        return json.loads(self.run_stagebox("show", run, "--json").stdout)

    def log(self, stage):
        return self.run_stagebox("logs", "last", stage).stdout

    def policy(self, text, name="policy.yaml"):
        """A policy of the runner: beside the project, not in it."""
        path = self.dir / name
        path.write_text("stagebox-policy: 1\n" + text)
        path.chmod(0o644)
        return path


class CacheDomainTest(TrustTest):
    # What it makes is another thing each time, as if somebody had changed it behind the key's back.
    STAGE = "  make: {run: 'cat /proc/sys/kernel/random/uuid > out; cat out', outputs: {out: out}}\n"

    def made(self, *arguments):
        self.run_ok(*arguments)
        return self.states()["make"], self.log("make")

    def test_a_fork_poisons_the_cache_and_the_release_never_sees_it(self):
        self.pipeline(self.STAGE)
        state, poisoned = self.made("--trust", "untrusted", "--domain", "pr-1")
        self.assertEqual(state, "succeeded")
        self.assertEqual(self.made("--domain", "pr-1"), ("cached", poisoned), "it has a cache of its own")
        state, released = self.made()
        self.assertEqual(state, "succeeded")
        self.assertNotEqual(released, poisoned)
        self.assertEqual(self.made(), ("cached", released))
        self.assertEqual(self.made("--domain", "pr-1"), ("cached", poisoned), "its own comes first")

    def test_a_fork_reads_what_the_trusted_runs_made(self):
        self.pipeline(self.STAGE)
        _, released = self.made()
        source = self.shown()["run"]
        self.assertEqual(self.made("--domain", "pr-1"), ("cached", released))
        self.assertEqual(self.shown()["stages"][0]["cached_from"], source)
        explained = self.run_stagebox("explain", "last", "make").stdout
        self.assertIn("in the domain trusted is the same", explained)
        keys = {self.shown(run)["stages"][0]["key"] for run in (source, "last")}
        self.assertEqual(len(keys), 2, "the key is its own all the same")

    def test_forks_do_not_see_each_other(self):
        self.pipeline(self.STAGE)
        one = self.made("--domain", "pr-1")[1]
        self.assertNotEqual(self.made("--domain", "pr-2")[1], one)
        unnamed = self.made("--trust", "untrusted")[1]
        self.assertNotEqual(self.made("--trust", "untrusted")[1], unnamed, "no domain is shared unasked")

    def test_a_salt_is_no_way_into_another_domain(self):
        self.pipeline(self.STAGE)
        _, poisoned = self.made("--domain", "pr-1")
        for salt in ("untrusted/pr-1", "\\nuntrusted/pr-1", "pr-1", "trusted"):
            self.pipeline(self.STAGE.replace("{run", '{salt: "%s", run' % salt))
            self.assertNotEqual(self.made()[1], poisoned)
            self.assertEqual(self.made("--domain", "pr-2")[0], "cached", "it is the trusted one's")

    def test_how_long_a_fork_took_is_not_learnt(self):
        self.pipeline("  make: {run: 'true'}\n")
        self.run_ok("--domain", "pr-1")
        self.run_ok("--no-cache", "--domain", "pr-1")
        with sqlite3.connect(self.home / "runs.db") as database:
            self.assertEqual(database.execute("SELECT count(*) FROM stage_durations").fetchone(), (0,))

    def test_it_is_on_record(self):
        self.pipeline("  make: {run: 'echo \"it is ${{ run.trust }}\"'}\n  release: {if: run.trust == 'trusted', run: 'true'}\n")
        self.run_ok("--domain", "pr-1")
        run = self.shown()
        self.assertEqual((run["trust"], run["domain"]), ("untrusted", "pr-1"))
        self.assertEqual(self.states(), {"make": "succeeded", "release": "skipped"})
        self.assertEqual(self.log("make"), "it is untrusted\n")
        self.assertIn("(untrusted/pr-1)", self.run_stagebox("runs").stdout)
        self.run_ok()
        self.assertEqual((self.shown()["trust"], self.shown()["domain"]), ("trusted", ""))
        self.assertEqual(self.log("make"), "it is trusted\n")

    def test_options_that_contradict_each_other(self):
        self.pipeline("  make: {run: 'true'}\n")
        self.refused("--domain is for untrusted runs", command=("run", "--trust", "trusted", "--domain", "pr-1"))
        self.refused("--domain", "trust domain", command=("run", "--domain", "a/b"))
        self.refused("--trust", command=("run", "--trust", "some"))


class RefusalTest(TrustTest):
    REACH = "  make: {network: {allow: ['a.example:443']}, run: 'true'}\n"

    def test_an_untrusted_run_has_no_network_unless_the_policy_permits_it(self):
        self.pipeline(self.REACH)
        self.refused("stage make: a network with `allow` is not permitted by the rule untrusted.network.modes (built in)",
                     command=("run", "--trust", "untrusted"))
        self.assertFalse(self.home.exists(), "nothing was begun")
        policy = self.policy("untrusted: {network: {modes: [none, allow], allow: ['*.example:443']}}\n")
        self.run_ok("--trust", "untrusted", "--policy", policy)
        self.pipeline(self.REACH.replace("a.example:443", "a.example:80"))
        self.refused("to reach `a.example:80` is not permitted by the rule untrusted.network.allow",
                     str(policy) + ":2:", command=("run", "--trust", "untrusted", "--policy", policy))

    def test_the_same_request_is_refused_at_each_entrance(self):
        policy = self.policy("network: {modes: [none, allow]}\n")
        self.pipeline("  wait: {cache: never, run: 'echo up; sleep 60'}\n" + self.REACH)
        run = self.start("run", "--policy", policy)
        while not list(self.home.glob("logs/*/wait.log")):
            self.assertIsNone(run.poll())
        run.send_signal(signal.SIGKILL)
        run.communicate()
        rule = "a network with `allow` is not permitted by the rule network.modes"
        self.policy("network: {modes: [none]}\n")
        self.refused(rule, command=("run", "--policy", policy))
        self.refused(rule, command=("run", "--dry-run", "--policy", policy))
        self.refused(rule, command=("resume", "last"))
        self.refused("exec: " + rule, command=("exec", "--image", "bb.tar", "--policy", policy, "--network",
                                               "a.example:443", "--", "true"))
        self.assertEqual(self.run_stagebox("gc").returncode, 0, "what the killed run left goes")
        self.assertEqual(self.leftovers(), [])

    def test_resuming_never_raises_trust(self):
        self.pipeline("  wait: {cache: never, run: 'echo up; sleep 60'}\n")
        run = self.start("run", "--domain", "pr-1")
        while not list(self.home.glob("logs/*/wait.log")):
            self.assertIsNone(run.poll())
        run.send_signal(signal.SIGKILL)
        run.communicate()
        self.pipeline("  wait: {network: {allow: ['a.example:443']}, run: 'true'}\n")
        self.refused("untrusted.network.modes", command=("resume", "last"))
        self.assertNotEqual(self.run_stagebox("resume", "last", "--trust", "trusted").returncode, 0)
        self.pipeline("  wait: {cache: never, run: 'echo ${{ run.trust }}'}\n")
        resumed = self.run_stagebox("resume", "last")
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertEqual(self.log("wait"), "untrusted\n")
        self.assertEqual((self.shown()["trust"], self.shown()["domain"]), ("untrusted", "pr-1"))

    def test_malicious_pipeline_files(self):
        (self.project / "link").symlink_to("/etc")
        (self.project / "up").symlink_to("..")
        below = "inputs come from the pipeline file's directory and what is below it, and from nowhere else"
        leads_out = ("leads out of the pipeline's directory by a link: inputs come from that directory and what is below "
                     "it only")
        for stage, words in {
                "{network: host, run: 'true'}": ("`network: host` is not permitted by the rule network.modes",
                                                 "rule untrusted.network.modes"),
                "{network: nat, run: 'true'}": ("`network: nat` is not permitted by the rule untrusted.network.modes",),
                "{inputs: {x: {path: /etc}}, run: 'true'}": ("\"/etc\" is absolute", below),
                "{inputs: {x: {path: ../home}}, run: 'true'}": ("\"../home\" contains \"..\"", below),
                "{inputs: {x: {path: link}}, run: 'true'}": ("/link " + leads_out,),
                "{inputs: {x: {path: link/passwd}}, run: 'true'}": ("/link/passwd " + leads_out,),
                "{inputs: {x: {path: up/home}}, run: 'true'}": ("/up/home " + leads_out,),
                "{inputs: {x: {from: 0123456789ab.make.out}}, run: 'true'}": ("0123456789ab.make",),
                "{secrets: [TOKEN], run: 'true'}": ("TOKEN",),
                "{capabilities: [SYS_ADMIN], run: 'true'}": ("stage make: the capability CAP_SYS_ADMIN is not permitted by "
                                                             "the rule untrusted.capabilities",),
                "{capabilities: docker, run: 'true'}": ("CAP_SETUID, CAP_SYS_CHROOT is not permitted",)}.items():
            self.pipeline("  make: " + stage + "\n")
            with self.subTest(stage):
                self.refused(*words, command=("run", "--trust", "untrusted"))
        self.assertEqual(self.leftovers(), [])

    def test_what_lies_outside_is_not_reached_by_links(self):
        outside = self.dir / "outside"
        outside.mkdir()
        shutil.move(self.project / "bb.tar", outside / "bb.tar")
        (self.project / "bb.tar").symlink_to(outside / "bb.tar")
        self.pipeline("  make: {run: 'true'}\n")
        self.refused("/bb.tar leads out of the pipeline's directory by a link: archives of an untrusted run come from that directory "
                     "and what is below it only, and no policy can permit more", command=("run", "--trust", "untrusted"))
        absolute = (self.project / "stagebox.yaml").read_text().replace("tarball: bb.tar", "tarball: /bb.tar")
        self.write("absolute.yaml", absolute)
        self.refused("archives come from the pipeline file's directory and what is below it",
                     command=("run", "absolute.yaml", "--trust", "untrusted"))
        self.run_ok()
        (self.project / "bb.tar").unlink()
        shutil.move(outside / "bb.tar", self.project / "real.tar")
        (self.project / "bb.tar").symlink_to("real.tar")
        self.run_ok("--trust", "untrusted")
        shutil.move(self.project / "stagebox.yaml", outside / "secret.yaml")
        (self.project / "stagebox.yaml").symlink_to(outside / "secret.yaml")
        refusal = self.refused("stagebox.yaml leads out of its directory by a link: that of an untrusted run comes from its directory "
                               "only, and no policy can permit more", command=("run", "--trust", "untrusted"))
        self.assertNotIn("make", refusal.stderr, "nothing of it is shown")
        self.run_ok()

    def test_an_image_that_others_used_has_no_name(self):
        self.pipeline("  make: {run: 'true'}\n")
        self.run_ok()
        digest = json.loads(self.run_stagebox("image", "list", "--json").stdout)[0]
        manifest = next(v for k, v in digest.items() if isinstance(v, str) and v.startswith("sha256:"))
        for name in (manifest, manifest[7:19]):
            self.write("stagebox.yaml", f"stagebox: 1\nimages: {{x: {{name: '{name}'}}}}\n"
                                        "stages: {make: {image: x, run: 'true'}}\n")
            self.refused(f'"{name}": an untrusted run uses stored images by a name that somebody gave, not by a digest, and no policy '
                         "can permit more", command=("run", "--trust", "untrusted"))
            self.run_ok()

    def test_secrets_are_refused_by_a_rule_that_no_policy_changes(self):
        given = ("run", "--trust", "untrusted", "--secret", "TOKEN=env:HOME")
        rule = "is not permitted by the rule untrusted.secrets (built in); no policy can permit it"
        self.pipeline("  deploy: {secrets: [TOKEN], run: 'true'}\n")
        self.refused("stage deploy: the secret `TOKEN` " + rule, command=given)
        self.pipeline("  deploy: {if: run.trust == 'trusted', secrets: [TOKEN], run: 'true'}\n")
        self.refused("--secret: to have secrets " + rule + ". No stage that runs declares one: leave the option out", command=given)
        self.run_ok("--trust", "untrusted")

    def test_a_projects_policy_is_none(self):
        self.pipeline("  make: {run: 'true'}\n")
        self.write("policy.yaml", "stagebox-policy: 1\n")
        self.refused("lies in the pipeline's directory", command=("run", "--policy", "policy.yaml"))

    def test_ceilings(self):
        self.pipeline("  make: {resources: {memory: 64MiB}, run: 'true'}\n  plain: {run: 'head -c 3000 /dev/zero; sleep 60'}\n")
        policy = self.policy("resources: {memory: 32MiB, log: 2kB}\n")
        self.refused("stage make: `memory` of 64 MiB, more than 32 MiB, is not permitted by the rule resources",
                     command=("run", "--policy", policy))
        result = self.run_stagebox("run", "--stage", "plain", "--policy", policy)
        self.assertEqual(result.returncode, 1)
        self.assertIn("log", result.stdout + result.stderr)
        result = self.run_stagebox("exec", "--image", "bb.tar", "--policy", self.policy("resources: {timeout: 1s}\n"),
                                   "--", "sleep", "60")
        self.assertRegex(result.stderr,
                         r"longer than its timeout of 1\.00s, set by the policy \(.*policy.*\.yaml:\d+:\d+\)")

    def test_exec_mounts_and_profiles_and_images(self):
        kept = self.dir / "sdk"
        kept.mkdir()
        (kept / "tool").write_text("here")
        policy = self.policy(f"host_paths: ['{kept}']\nseccomp_profiles: []\ncapabilities: [CHOWN]\n")
        self.pipeline("  make: {capabilities: [CHOWN, KILL], run: 'true'}\n")
        self.refused("stage make: the capability CAP_KILL is not permitted by the rule capabilities",
                     command=("run", "--policy", policy))
        command = ("exec", "--image", "bb.tar", "--policy", policy)
        self.assertEqual(self.run_stagebox(*command, "--mount", f"{kept}:/sdk", "--", "cat", "/sdk/tool").stdout, "here")
        (self.project / "way").symlink_to("/etc")
        self.refused("the host's path `/etc` is not permitted by the rule host_paths",
                     command=(*command, "--mount", "way:/x", "--", "true"))
        profile = self.write("profile.json", "{}")
        self.refused(f"the seccomp profile `{profile}`", "rule seccomp_profiles",
                     command=(*command, "--seccomp", "profile.json", "--", "true"))
        self.refused("the capability CAP_SETUID", "rule capabilities",
                     command=(*command, "--capability", "SETUID", "--capability", "CHOWN", "--", "true"))
        self.refused("untrusted.host_paths (built in)",
                     command=("exec", "--trust", "untrusted", "--image", "bb.tar", "--mount", f"{kept}:/sdk", "--", "true"))
        pinned = ("exec", "--image", "bb.tar", "--policy", self.policy("images: pinned\n"))
        self.refused("rule images", command=(*pinned, "--", "true"))
        self.refused("0000", command=(*pinned, "--digest", "sha256:" + "0" * 64, "--", "true"))


@unittest.skipUnless(os.geteuid() == 0, "only root can put a policy in place for this machine")
class MachinePolicyTest(TrustTest):
    def run_with_machine_policy(self, text, *arguments):
        """In a mount namespace in which /etc has a policy."""
        etc = self.dir / "etc"
        shutil.rmtree(etc, ignore_errors=True)
        shutil.copytree("/etc", etc, symlinks=True, ignore_dangling_symlinks=True,
                        ignore=lambda _, names: [n for n in names if n in ("ssl", "alternatives", "ld.so.cache")])
        (etc / "stagebox").mkdir(exist_ok=True)
        (etc / "stagebox" / "policy.yaml").write_text("stagebox-policy: 1\n" + text)
        return subprocess.run(["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc && exec "$@"', etc, STAGEBOX,
                               *map(str, arguments)], cwd=self.project, env=self.environment, capture_output=True,
                              text=True, timeout=120)

    def test_it_binds_everybody_and_the_command_line_cannot_widen_it(self):
        self.pipeline(RefusalTest.REACH)
        machine = "network: {modes: [none]}\n"
        wide = self.policy("network: {modes: [none, allow, nat, host]}\n")
        for extra in ((), ("--policy", wide)):
            result = self.run_with_machine_policy(machine, "run", *extra)
            self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
            self.assertIn("rule network.modes (/etc/stagebox/policy.yaml:2:", result.stderr)
        result = self.run_with_machine_policy("network: {modes: [none, allow]}\n", "run")
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
