"""Caches: directories that a stage finds as an earlier one left them, and that nobody can poison."""

import json
import re
import signal
import sqlite3
import time
import unittest

from harness import ProjectTest


class CachesTest(ProjectTest):
    def stage(self, key, run, restore="", more="", name="s"):
        restore = f", restore: [{restore}]" if restore else ""
        return (f"  {name}: {{cache: never, caches: [{{path: .c, key: \"{key}\"{restore}{more}}}], "
                f"run: {json.dumps(run)}}}\n")

    def told(self, stage="s"):
        """What the exit report says of the stage's only cache."""
        stages = json.loads(self.run_stagebox("show", "last", "--json").stdout)["stages"]
        return next(s for s in stages if s["stage"] == stage)["report"]["caches"][0]

    def log(self, stage="s"):
        return self.run_stagebox("logs", "last", stage).stdout

    def once(self, *arguments, run, **options):
        """One run; what the console says of the cache, and the log."""
        key = options.pop("key")
        self.pipeline(self.stage(key, run, **options))
        out = self.run_ok(*arguments)
        return re.search(r"    cache (.*)\n", out)[1], self.log()

    def snapshots(self):
        with sqlite3.connect(self.home / "runs.db") as database:
            return database.execute("SELECT domain, path, key, files, bytes FROM cache_snapshots ORDER BY id").fetchall()


class SavedAndRestoredTest(CachesTest):
    def test_it_is_saved_once_and_found_again(self):
        run = "ls -A .c; echo one > .c/f; mkdir -p .c/d; echo x > .c/d/x; chmod +x .c/d/x; ln -s /etc/passwd .c/link"
        line, log = self.once(key="k-1", run=run)
        self.assertEqual((line, log), (".c: nothing to restore for k-1, saved as k-1", ""))
        self.assertEqual(self.told(), {"path": ".c", "key": "k-1", "restored": "miss", "saved": True})
        run = "ls -A .c; cat .c/f .c/d/x; test -x .c/d/x && echo executable; ls -l .c/link; echo two > .c/f; rm -r .c/d; echo z > .c/z"
        line, log = self.once(key="k-1", run=run)
        self.assertEqual(line, ".c: restored k-1")
        self.assertRegex(log, r"^d\nf\nlink\none\nx\nexecutable\n.* -> /etc/passwd\n$")
        self.assertEqual(self.told()["restored"], "hit")
        self.assertEqual(self.told()["not_saved"], "there is a snapshot with this key already")
        self.assertEqual(self.once(key="k-1", run="ls -A .c; cat .c/f")[1], "d\nf\nlink\none\n", "it never changes")
        # What was found under another key, and everything done to it, is the next snapshot.
        line, _ = self.once(key="k-2", restore="x-, k-", run=run)
        self.assertEqual(line, ".c: restored from k-1, saved as k-2")
        self.assertEqual(self.told()["restored_key"], "k-1")
        self.assertEqual(self.once(key="k-2", run="ls -A .c; cat .c/f .c/z")[1], "f\nlink\nz\ntwo\nz\n")
        self.assertEqual([row[:4] for row in self.snapshots()],
                         [("trusted", ".c", "k-1", 2), ("trusted", ".c", "k-2", 2)])
        self.assertEqual(self.leftovers(), [])

    def test_directories_can_be_removed_replaced_and_made_again(self):
        self.once(key="a", run="mkdir -p .c/d/deep .c/e; echo 1 > .c/d/deep/f; echo 2 > .c/e/f")
        self.once(key="b", restore="a", run="rm -r .c/d; mkdir .c/d; echo new > .c/d/new; rm -r .c/e; echo file > .c/e")
        self.assertEqual(self.once(key="b", run="cat .c/e .c/d/new; find .c")[1].split()[:2], ["file", "new"])
        self.assertEqual(sorted(self.log().split()[2:]), [".c", ".c/d", ".c/d/new", ".c/e"])
        self.once(key="c", restore="b", run="find .c -mindepth 1 -delete 2>/dev/null || rm -r .c/*")
        self.assertEqual(self.told()["not_saved"], "it is empty")
        self.assertEqual(len(self.snapshots()), 2)

    def test_with_limits_on_the_disk(self):
        self.pipeline("  s: {cache: never, resources: {disk: 8MiB, memory: 64MiB}, caches: [{path: a/b/.c, key: k}], "
                      "run: 'head -c 3000000 /dev/zero > a/b/.c/f'}\n")
        self.run_ok()
        self.assertTrue(self.told()["saved"])
        # What is restored does not count, what is written does.
        self.pipeline("  s: {cache: never, resources: {disk: 2MiB, memory: 64MiB}, caches: [{path: a/b/.c, key: k}], "
                      "run: 'wc -c < a/b/.c/f; rm a/b/.c/f; head -c 4000000 /dev/zero > a/b/.c/g || echo full'}\n")
        self.run_stagebox("run")
        self.assertEqual(self.log().split()[0], "3000000")
        self.assertIn("full", self.log())
        self.assertEqual(self.leftovers(), [])

    def test_the_newest_beginning_is_restored(self):
        for key in ("n-1", "n-3", "n-2", "m-4"):
            self.once(key=key, run=f"echo {key} > .c/f")
        self.assertEqual(self.once(key="n-9", restore="n-", run="cat .c/f")[1], "n-2\n")
        self.assertEqual(self.once(key="n-8", restore="o-, n-1, n-", run="cat .c/f")[1], "n-1\n")
        self.assertEqual(self.once(key="n-7", restore="o-", run="ls -A .c")[1], "")

    def test_a_stage_that_did_not_succeed_saves_nothing(self):
        for run, more in (("echo x > .c/f; false", ""), ("echo x > .c/f; kill -9 $$", ""),
                          ("echo x > .c/f; sleep 60", ", timeout: 300ms"), ("echo x > .c/f", ", outputs: {o: o}")):
            self.pipeline("  s: {cache: never, caches: [{path: .c, key: k}], run: %s%s}\n" % (json.dumps(run), more))
            result = self.run_stagebox("run")
            self.assertEqual(result.returncode, 1, result.stdout)
            self.assertEqual(self.told()["not_saved"], "the stage did not succeed")
            self.assertIn("not saved: the stage did not succeed", result.stdout)
        self.assertEqual(self.snapshots(), [])

    def test_a_failure_saves_what_says_always(self):
        always, put = ", save: always", "echo x > .c/f; "
        for n, (run, more) in enumerate(((put + "false", ""), (put + "kill -9 $$", ""), (put + "sleep 60", ", timeout: 300ms"),
                                         (put + "true", ", outputs: {o: o}"), (put + "false", ", allow_failure: true"))):
            self.pipeline("  s: {cache: never, caches: [{path: .c, key: k%d, save: always}, {path: .d, key: k}], run: %s%s}\n"
                          % (n, json.dumps(run + " || exit 1"), more))
            result = self.run_stagebox("run")
            self.assertEqual(result.returncode, 0 if "allow" in more else 1, result.stdout)
            self.assertIn(f"cache .c: nothing to restore for k{n}, saved as k{n}\n", result.stdout)
            self.assertIn("cache .d: nothing to restore for k, not saved: the stage did not succeed\n", result.stdout)
        self.assertEqual([row[2] for row in self.snapshots()], [f"k{n}" for n in range(5)])
        self.assertEqual(self.once(key="k2", run="cat .c/f")[1], "x\n")
        # A snapshot never changes, whoever comes with the same key; limits and policies hold as ever.
        self.pipeline(self.stage("k0", "cat .c/f; echo y > .c/f; exit 1", more=always))
        self.run_it(1)
        self.assertEqual(self.told()["not_saved"], "there is a snapshot with this key already")
        self.pipeline(self.stage("big", "head -c 5000 /dev/zero > .c/f; exit 1", more=always + ", max_size: 4KiB"))
        self.run_it(1)
        self.assertIn("4.0 KiB", self.told()["not_saved"])
        policy = self.dir / "policy.yaml"
        policy.write_text("stagebox-policy: 1\ncaches: {access: read}\n")
        self.pipeline(self.stage("read", put + "exit 1", more=always))
        self.run_it(1, "--policy", policy)
        self.assertEqual(self.told()["not_saved"], "the policy permits only to read it")
        self.assertEqual((len(self.snapshots()), self.leftovers()), (5, []))

    def test_each_attempt_finds_what_the_last_one_saved(self):
        self.pipeline(self.stage("k", "test -e .c/f && exit; echo x > .c/f; exit 1", more=", save: always")
                      .replace("{cache", "{retry: {attempts: 2, backoff: 10ms, on: [failure]}, cache"))
        out = self.run_ok()
        self.assertIn("cache .c: nothing to restore for k, saved as k\n", out)
        self.assertIn("cache .c: restored k\n", out)

    def test_what_is_always_saved_is_not_when_it_is_cancelled_or_not_the_stages_end(self):
        self.pipeline(self.stage("k", "echo x > .c/f; echo began; sleep 60", more=", save: always"))
        process = self.start("run")
        self.wait_for_log("s", "began")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, out)
        self.assertEqual(self.told()["not_saved"], "the stage did not run to an end of its own")
        self.run_it(1, "--timeout", "500ms")
        self.assertEqual(self.told()["not_saved"], "the stage did not run to an end of its own")
        self.pipeline(self.stage("k", "echo x > .c/f; sleep 60", more=", save: always")
                      .replace("{cache", "{services: {db: {image: bb, run: 'sleep 1; exit 3'}}, cache"))
        self.assertIn("not saved: the stage did not run to an end of its own", self.run_it(1))
        self.assertEqual((self.snapshots(), self.leftovers()), ([], []))

    def test_what_is_never_saved_is_restored(self):
        line, _ = self.once(key="k", run="echo one > .c/f", more=", save: never")
        self.assertEqual(line, ".c: nothing to restore for k, not saved: it is only restored (`save: never`)")
        self.assertEqual(self.snapshots(), [])
        self.once(key="k", run="echo two > .c/f")
        line, log = self.once(key="k-new", run="cat .c/f", restore="k", more=", save: never")
        self.assertEqual((line, log), (".c: restored from k, not saved: it is only restored (`save: never`)", "two\n"))
        self.assertEqual([row[2] for row in self.snapshots()], ["k"])

    def test_keys_with_hashes_of_inputs(self):
        def stage(pattern):
            return ("  s: {cache: never, inputs: {src: {path: src}}, run: 'echo seen > .c/f', "
                    f"caches: [{{path: .c, key: \"npm-${{{{ hash({pattern}) }}}}\"}}]}}\n")
        self.write("src/a.lock", "1")
        self.write("src/other", "1")
        self.pipeline(stage("src/*.lock"))
        self.run_ok()
        self.write("src/other", "2")
        self.run_ok()
        self.assertEqual(self.told()["restored"], "hit")
        self.write("src/a.lock", "2")
        self.run_ok()
        self.assertEqual(self.told()["restored"], "miss")
        self.assertRegex(self.told()["key"], "^npm-[0-9a-f]{64}$")
        self.pipeline(stage("src/*.lokc"))
        result = self.run_stagebox("run")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("the cache .c: hash(src/*.lokc) matches no file in the stage's inputs", result.stdout)

    def test_it_is_no_part_of_the_stage_key(self):
        stage = "  s: {caches: [{path: .c, key: %s}], run: 'echo x > .c/f'}\n"
        self.pipeline(stage % "a")
        self.run_ok()
        self.pipeline(stage % "b")
        self.run_ok()
        self.assertEqual(self.states(), {"s": "cached"})
        self.assertEqual(len(self.snapshots()), 1)

    def test_it_belongs_to_one_path_of_one_pipeline(self):
        self.once(key="k", run="echo x > .c/f")
        self.pipeline("  s: {cache: never, caches: [{path: .d, key: k}], run: 'ls -A .d'}\n")
        self.run_ok()
        self.assertEqual(self.told()["restored"], "miss")
        self.pipeline(self.stage("k", "ls -A .c"))
        file = self.project / "stagebox.yaml"
        file.write_text(file.read_text().replace("name: e2e", "name: other"))
        self.run_ok()
        self.assertEqual(self.told()["restored"], "miss")

    def test_stages_at_once_do_not_see_each_other_and_one_saves(self):
        self.once(key="start", run="echo start > .c/f")
        run = "echo $0; cat .c/f; echo %s > .c/f; sleep 1; cat .c/f; ls -A .c"
        self.pipeline("".join(self.stage("both", run % name, restore="start", name=name) for name in ("a", "b", "c")))
        self.run_ok("--jobs", "3")
        for name in ("a", "b", "c"):
            self.assertEqual(self.log(name).split()[-3:], ["start", name, "f"])
        saved = [name for name in ("a", "b", "c") if self.told(name)["saved"]]
        self.assertEqual(len(saved), 1, [self.told(name) for name in ("a", "b", "c")])
        self.assertEqual(self.once(key="both", run="cat .c/f")[1].strip(), saved[0])


class LimitTest(CachesTest):
    def test_one_that_is_too_large_is_told_and_not_saved(self):
        line, _ = self.once(key="k", more=", max_size: 1000", run="head -c 1001 /dev/zero > .c/f")
        self.assertIn("not saved: ", line)
        self.assertIn("1000", line + self.told()["not_saved"])
        self.assertEqual(self.snapshots(), [])
        self.once(key="k", more=", max_size: 1000", run="head -c 1000 /dev/zero > .c/f")
        self.assertEqual(len(self.snapshots()), 1)

    def test_a_huge_sparse_file_is_not_read(self):
        began = time.monotonic()
        line, _ = self.once(key="k", run="dd if=/dev/zero of=.c/f bs=1 count=1 seek=1000000000000 2>/dev/null")
        self.assertIn("not saved", line)
        self.assertLess(time.monotonic() - began, 30)

    def test_hostile_trees_are_not_saved(self):
        for run in ("mkfifo .c/p", "touch \"$(printf '.c/\\377')\"", "ln -s \"$(printf '\\377')\" .c/l"):
            line, _ = self.once(key="k", run=run)
            self.assertIn("not saved: ", line, run)
        self.assertEqual(self.snapshots(), [])

    def test_set_id_bits_owners_and_hard_links_do_not_survive(self):
        self.once(key="k", run="echo x > .c/f; chmod 6755 .c/f; ln .c/f .c/g; chmod 1777 .c")
        log = self.once(key="k", run="ls -ln .c; id -u")[1].splitlines()
        for line in log[1:3]:
            self.assertRegex(line, r"^-rwxr-xr-x +1 0 +0 ")

    def test_it_cannot_be_replaced_by_a_link(self):
        self.once(key="k", run="rm -r .c 2>/dev/null || echo busy; busybox mv .c .d 2>/dev/null || echo busy; "
                               "mkdir -p x; ln -s /etc x/l; ls -A .c")
        self.assertEqual(self.log(), "busy\nbusy\n")
        self.pipeline("  s: {cache: never, caches: [{path: a/.c, key: j}], "
                      "run: 'echo mine > a/.c/f; busybox mv a b; mkdir -p a; ln -s /etc a/.c'}\n")
        self.run_ok()
        self.assertTrue(self.told()["saved"])
        self.pipeline("  s: {cache: never, caches: [{path: a/.c, key: j}], run: 'ls -A a/.c; cat a/.c/f'}\n")
        self.run_ok()
        self.assertEqual(self.log(), "f\nmine\n", "what was mounted is saved, wherever its name went")

    def test_one_that_is_too_large_is_not_searched_for_secrets(self):
        self.environment["GIVEN"] = "hunter22hunter"
        self.pipeline("  s: {cache: never, secrets: [TOKEN], caches: [{path: .c, key: k, max_size: 1KiB}], "
                      "run: 'head -c 1100 /dev/zero > .c/f; cat /run/secrets/TOKEN >> .c/f'}\n")
        self.run_ok("--secret", "TOKEN=env:GIVEN")
        self.assertEqual(self.told()["not_saved"], "it is larger than its limit of 1.0 KiB")

    def test_one_that_contains_a_secret_is_not_saved(self):
        self.environment["GIVEN"] = "hunter22-x9zq-w7"
        for run in ("cat /run/secrets/TOKEN > .c/f", "mkdir -p .c/d/$(cat /run/secrets/TOKEN)",
                    "ln -s $(cat /run/secrets/TOKEN) .c/l"):
            self.pipeline("  s: {cache: never, secrets: [TOKEN], caches: [{path: .c, key: k}], run: %s}\n" % json.dumps(run))
            out = self.run_ok("--secret", "TOKEN=env:GIVEN")
            self.assertIn("contains a secret", self.told()["not_saved"])
            self.assertNotIn("hunter22", out + json.dumps(self.told()))
        self.assertEqual(self.snapshots(), [])

    def test_a_key_that_contains_a_secret_is_told_masked(self):
        self.environment["GIVEN"] = "hunter22-x9zq-w7"
        for command, status in (("true", 0), ("false", 1)):
            self.pipeline("  s: {cache: never, secrets: [TOKEN], "
                          "caches: [{path: .c, key: k-hunter22-x9zq-w7}], run: '%s'}\n" % command)
            result = self.run_stagebox("run", "--secret", "TOKEN=env:GIVEN")
            self.assertEqual(result.returncode, status, result.stderr)
            self.assertTrue(self.told()["key"].startswith("k-"))
            self.assertNotIn("hunter22", result.stdout + result.stderr + json.dumps(self.told()))


class TrustTest(CachesTest):
    def test_a_fork_poisons_the_cache_and_the_release_never_restores_it(self):
        poison = "cat .c/tool 2>/dev/null || true; echo evil > .c/tool"
        build = "cat .c/tool 2>/dev/null || true; echo good > .c/tool"
        fork = ("--trust", "untrusted", "--domain", "pr-1")
        self.once(*fork, key="tools-1", run=poison)
        self.assertTrue(self.told()["saved"])
        # Neither by its key nor by a beginning of it.
        self.assertEqual(self.once(key="tools-1", restore="tools-, t", run=build)[1], "")
        self.assertTrue(self.told()["saved"], "the fork's key takes none of ours")
        self.assertEqual(self.once(key="tools-1", run=build)[1], "good\n")
        # The fork has its own first, and reads ours where it has none, without changing it.
        self.assertEqual(self.once(*fork, key="tools-1", run=poison)[1], "evil\n")
        other = ("--trust", "untrusted", "--domain", "pr-2")
        self.assertEqual(self.once(*other, key="tools-1", run=poison)[1], "good\n")
        self.assertEqual(self.told()["restored_domain"], "trusted")
        self.assertFalse(self.told()["saved"])
        self.assertEqual(self.once(*other, key="tools-2", restore="tools-", run=poison)[1], "good\n")
        self.assertTrue(self.told()["saved"])
        self.assertEqual(self.once(key="tools-2", restore="tools-", run=build)[1], "good\n")
        self.assertEqual(self.once(key="tools-1", run=build)[1], "good\n")
        self.assertEqual({row[:3] for row in self.snapshots()},
                         {("untrusted/pr-1", ".c", "tools-1"), ("untrusted/pr-2", ".c", "tools-2"),
                          ("trusted", ".c", "tools-1"), ("trusted", ".c", "tools-2")})

    def test_a_fork_cannot_name_another_projects_pipeline(self):
        """It chooses its `name:` itself, and which keys it asks for; whose project it is says the runner."""
        self.once("--project", "acme/vault", key="build-1", run="echo internal > .c/f")
        look = {"key": "x", "restore": "b", "run": "ls -A .c; cat .c/* 2>/dev/null || true"}
        fork = ("--trust", "untrusted", "--domain", "pr-1")
        line, log = self.once(*fork, "--project", "acme/web", **look)
        self.assertEqual((line, log), (".c: nothing to restore for x, not saved: it is empty", ""))
        for name in ("acme/vault::e2e", "::e2e", "vault::e2e"):
            path = self.project / "stagebox.yaml"
            path.write_text(path.read_text().replace("name: e2e", f"name: '{name}'"))
            result = self.run_stagebox("run", *fork, "--project", "acme")
            self.assertEqual(result.returncode, 2)
            self.assertIn('`name` has "::" in it', result.stderr)
            path.write_text(path.read_text().replace(f"name: '{name}'", "name: e2e"))
        # Without a project it is not acme/vault's either; and that one's own forks find it.
        self.assertEqual(self.once(*fork, **look)[1], "")
        line, log = self.once(*fork, "--project", "acme/vault", **look)
        self.assertEqual((line, log), (".c: restored from build-1, saved as x", "f\ninternal\n"))
        for project in ("", "a::b", "a b", "x" * 129, "\x1b[2J"):
            result = self.run_stagebox("run", "--project", project)
            self.assertEqual(result.returncode, 2)
            self.assertIn("is not 1 to 128 of the characters", result.stderr)

    def test_a_resumed_run_is_still_of_its_project(self):
        self.once("--project", "p", key="k", run="echo x > .c/f")
        self.write("flag", "no\n")
        self.pipeline("  s: {cache: never, inputs: {flag: {path: flag}}, caches: [{path: .c, key: k}], run: 'grep yes flag'}\n")
        self.run_it(1, "--project", "p")
        self.write("flag", "yes\n")
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 0)
        self.assertEqual(self.told()["restored"], "hit")

    def used_at(self):
        with sqlite3.connect(self.home / "runs.db") as database:
            return dict(database.execute("SELECT domain, used_at FROM cache_snapshots").fetchall())

    def test_a_fork_that_reads_does_not_keep_what_it_read(self):
        self.once(key="k", run="echo ours > .c/f")
        before = self.used_at()
        fork = ("--trust", "untrusted", "--domain", "pr-1")
        self.assertEqual(self.once(*fork, key="k", run="cat .c/f")[1], "ours\n")
        self.assertEqual(self.used_at(), before)
        self.assertEqual(self.once(key="k", run="cat .c/f")[1], "ours\n")
        self.assertGreater(self.used_at()["trusted"], before["trusted"])

    def test_under_a_budget_what_forks_saved_goes_first(self):
        self.once(key="k", run="yes o | head -c 100000 > .c/f")
        for number in range(3):
            self.once("--trust", "untrusted", "--domain", f"pr-{number}", key="j",
                      run=f"yes {number} | head -c 100000 > .c/f")
        gc = self.run_stagebox("gc", "--json", "--keep", "8760h", "--max-size", "250kB")
        self.assertEqual(json.loads(gc.stdout)["caches"], 2, gc.stderr)
        self.assertEqual([row[0] for row in self.snapshots()], ["trusted", "untrusted/pr-2"])

    def test_forks_do_not_see_each_other(self):
        self.once("--domain", "pr-1", key="k", run="echo one > .c/f")
        self.assertEqual(self.once("--domain", "pr-2", key="k", restore="k", run="ls -A .c")[1], "")
        self.assertEqual(self.once("--trust", "untrusted", key="k", run="ls -A .c")[1], "")


class RetentionTest(CachesTest):
    def listed(self):
        return {row[2] for row in self.snapshots()}

    def gc(self, *arguments):
        result = self.run_stagebox("gc", "--json", *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def age(self, key, hours):
        with sqlite3.connect(self.home / "runs.db") as database:
            database.execute("UPDATE cache_snapshots SET used_at = used_at - ? WHERE key = ?", (hours * 3600_000, key))

    def test_what_was_not_used_for_long_goes_and_the_rest_stays(self):
        for key in ("old", "new"):
            self.once(key=key, run=f"echo {key} > .c/f")
        self.age("old", 200)
        self.assertEqual(self.gc()["caches"], 1)
        self.assertEqual(self.listed(), {"new"})
        self.age("new", 100)
        self.assertEqual(self.once(key="new", run="cat .c/f")[1], "new\n")
        self.age("new", 100)
        self.assertEqual(self.gc()["caches"], 0, "it was used since")
        self.assertEqual(self.once(key="new", run="cat .c/f")[1], "new\n")

    def test_under_a_budget_the_one_used_longest_ago_goes_first(self):
        for key in ("a", "b", "c"):
            self.once(key=key, run=f"yes {key} | head -c 300000 > .c/f")
        self.age("b", 2)
        self.age("a", 1)
        self.assertEqual(self.gc("--max-size", "700kB")["caches"], 1)
        self.assertEqual(self.listed(), {"a", "c"})
        self.assertLess(self.gc("--max-size", "0")["content_bytes"], 10_000)
        self.assertEqual(self.listed(), set())

    def test_gc_takes_nothing_from_a_stage_that_runs(self):
        self.once(key="k", run="echo kept > .c/f")
        self.pipeline(self.stage("j", "echo up; while true; do "
                                      "cat .c/f > /dev/null || exit 9; sleep 0.05; done", restore="k"))
        run = self.start("run")
        while not any(b"up" in path.read_bytes() for path in self.home.glob("logs/*/s.log")):
            self.assertIsNone(run.poll())
            time.sleep(0.02)
        for _ in range(5):
            self.assertEqual(self.run_stagebox("gc", "--keep", "0s", "--max-size", "0").returncode, 0)
        self.assertIsNone(run.poll(), "it goes on reading")
        self.run_stagebox("cancel", "last")
        run.communicate()

    def test_listing_and_removing(self):
        self.once(key="k\u00fc", run="echo kept > .c/f")
        self.once("--domain", "pr-1", key="k", run="echo kept > .c/f")
        self.once("--domain", "pr-2", key="k", run="echo kept > .c/f")
        last = self.told_list()[0]
        self.assertEqual({k: last[k] for k in ("domain", "pipeline", "path", "key", "files", "bytes", "stage")},
                         {"domain": "untrusted/pr-2", "pipeline": "e2e", "path": ".c", "key": "k", "files": 1, "bytes": 5,
                          "stage": "s"})
        self.assertRegex(self.run_stagebox("cache", "list").stdout.splitlines()[2], r"^1 +5 B +used .* ago +trusted +e2e  .c  kü$")
        self.assertIn("removed 1 saved caches", self.run_stagebox("cache", "remove", "--domain", "pr-1").stdout)
        self.assertEqual([one["id"] for one in self.told_list()], [3, 1])
        self.assertEqual(json.loads(self.run_stagebox("cache", "remove", "--json", "1").stdout), {"removed": 1})
        for arguments, words in (((), "which one?"), (("1",), "no saved cache 1"), (("x",), "x")):
            result = self.run_stagebox("cache", "remove", *arguments)
            self.assertEqual(result.returncode, 2)
            self.assertIn(words, result.stderr)
        self.assertEqual(self.run_stagebox("cache", "remove", "--all").returncode, 0)
        self.assertEqual(self.told_list(), [])

    def told_list(self):
        return json.loads(self.run_stagebox("cache", "list", "--json").stdout)


class PolicyTest(CachesTest):
    def policy(self, text):
        path = self.dir / "policy.yaml"
        path.write_text("stagebox-policy: 1\n" + text)
        path.chmod(0o644)
        return ("--policy", path)

    def test_it_may_forbid_them_or_saving_or_their_size(self):
        self.pipeline(self.stage("k", "echo x > .c/f"))
        result = self.run_stagebox("run", *self.policy("caches: {access: none}\n"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("stage s: to have `caches` is not permitted by the rule caches", result.stderr)
        read = self.policy("untrusted: {caches: {access: read}}\n")
        self.assertIn("not saved: the policy permits only to read it",
                      self.once("--domain", "pr-1", *read, key="k", run="echo x > .c/f")[0])
        self.once(*read, key="k", run="echo x > .c/f")
        self.assertEqual(self.once("--domain", "pr-1", *read, key="k", run="cat .c/f")[1], "x\n")
        self.assertIn("not saved", self.once(*self.policy("caches: {max_size: 100}\n"), key="j",
                                             run="head -c 101 /dev/zero > .c/f")[0])
        self.assertEqual(len(self.snapshots()), 1)


class CrashTest(CachesTest):
    def test_sigkill_while_it_is_saved_leaves_all_or_nothing(self):
        files = 3000
        self.pipeline(self.stage("k", f"i=0; while [ $i -lt {files} ]; do echo $i > .c/$i; i=$((i+1)); done; echo made"))
        check = self.stage("k", "ls .c | wc -l", name="check")
        for delay in (0, 0.02, 0.05, 0.1, 0.2):
            run = self.start("run")
            while not any(b"made" in path.read_bytes() for path in self.home.glob("logs/*/s.log")):
                self.assertIsNone(run.poll(), run.poll() and run.communicate())
                time.sleep(0.005)
            time.sleep(delay)
            run.send_signal(signal.SIGKILL)
            run.communicate()
            self.assertEqual(self.run_stagebox("gc").returncode, 0)
            self.assertEqual(self.leftovers(), [])
            made = (self.project / "stagebox.yaml").read_text()
            self.pipeline(check)
            self.run_ok()
            count = int(self.log("check"))
            self.assertIn(count, (0, files))
            self.assertEqual(len(self.snapshots()), 1 if count else 0)
            (self.project / "stagebox.yaml").write_text(made)
            for log in self.home.glob("logs/*/s.log"):
                log.unlink()
            if count:
                break

    def test_what_is_damaged_is_a_miss_and_saved_anew(self):
        self.once(key="k", run="echo content > .c/f")
        with sqlite3.connect(self.home / "runs.db") as database:
            database.execute("UPDATE cache_snapshots SET root = ?", ("1" * 64,))
        line, log = self.once(key="k", run="ls -A .c; echo again > .c/f")
        self.assertEqual((line, log), (".c: nothing to restore for k, saved as k", ""))
        self.assertEqual(self.once(key="k", run="cat .c/f")[1], "again\n")


if __name__ == "__main__":
    unittest.main()
