"""Who a command is: exactly these ids, groups and capabilities, for each way to write a user, and at each entrance."""

import json
import os
import unittest

from harness import ProjectTest, make_image

PASSWD = """root:x:0:0::/root:/bin/sh
web:x:33:44::/srv:/bin/sh
1234:x:0:0::/:/bin/sh
huge:x:4294967296:0::/:
last:x:4294967295:0::/:
negative:x:-1:0::/:
outside:x:65536:0::/:
"""
GROUP = "root:x:0:\nwww:x:44:\nextra:x:55:other,web\nhuge:x:4294967296:web\n"
PROBE = "grep -E '^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs):' /proc/self/status"
SINGLE = os.environ.get("STAGEBOX_TEST_AS") == "single"

# As it is written: uid, gid, groups. A name that is a number is a number.
USERS = {"0": (0, 0, ""), "root": (0, 0, ""), "0:0": (0, 0, ""), "web": (33, 44, "55"), "33": (33, 44, "55"),
         "web:extra": (33, 55, ""), "web:0": (33, 0, ""), "33:www": (33, 44, ""), "1234": (1234, 0, ""),
         "1234:5678": (1234, 5678, ""), "65535:65535": (65535, 65535, "")}
REFUSED = ("4294967296", "4294967295", "18446744073709551616", "65536", "-1", "+0", "0x0", " 0", "0 ", "0:65536", "0:4294967296",
           "0:-1", "0:", ":0", ":", "0:0:0", "huge", "last", "negative", "outside", "nobody", "root:nobody", "root:huge")
if SINGLE:
    REFUSED = (*REFUSED, *(text for text, (uid, gid, _) in USERS.items() if uid or gid))
    USERS = {text: ids for text, ids in USERS.items() if not ids[0] and not ids[1]}


def status(uid, gid, groups, permitted=0, bounding=0):
    """What PROBE says, with single spaces."""
    sets = {"Inh": 0, "Prm": permitted, "Eff": permitted, "Bnd": bounding, "Amb": 0}
    return [f"Uid: {uid} {uid} {uid} {uid}", f"Gid: {gid} {gid} {gid} {gid}", f"Groups: {groups}".strip(),
            *(f"Cap{name}: {value:016x}" for name, value in sets.items()), "NoNewPrivs: 1"]


def seen(output):
    return [" ".join(line.split()) for line in output.splitlines()]


class IdentityTest(ProjectTest):
    def setUp(self):
        super().setUp()
        make_image(self.project, files=[("etc/passwd", PASSWD), ("etc/group", GROUP)])

    def exec(self, *arguments):
        return self.run_stagebox("exec", "--image", "bb.tar", *arguments)

    def test_exec_is_exactly_who_it_is_told(self):
        for user, ids in USERS.items():
            result = self.exec("--user", user, "--", "sh", "-c", PROBE)
            self.assertEqual(seen(result.stdout), status(*ids), f"{user!r}: {result.stderr}")

    def test_the_images_user_is_read_the_same_way(self):
        for user in ("33", "web:extra") if not SINGLE else ("0",):
            make_image(self.project, "own.tar", "--user", user, files=[("etc/passwd", PASSWD), ("etc/group", GROUP)])
            result = self.run_stagebox("exec", "--image", "own.tar", "--", "sh", "-c", PROBE)
            self.assertEqual(seen(result.stdout), status(*USERS[user]), result.stderr)
        make_image(self.project, "own.tar", "--user", "4294967296")
        result = self.run_stagebox("exec", "--image", "own.tar", "--", "echo", "ran")
        self.assertEqual((result.returncode, result.stdout), (125, ""), result.stderr)

    def test_so_are_a_stage_and_a_shell_in_its_sandbox(self):
        stages = {f"s{index}": user for index, user in enumerate(USERS)}
        self.pipeline("".join(f"""  {name}: {{user: "{user}", run: "{PROBE}; exit 1"}}\n""" for name, user in stages.items()))
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 1, result.stderr)
        for name, user in stages.items():
            expected = status(*USERS[user])
            self.assertEqual(seen(self.run_stagebox("logs", "last", name).stdout), expected, user)
            result = self.run_stagebox("shell", "last", name, "--", "sh", "-c", PROBE)
            self.assertEqual(seen(result.stdout), expected, f"{user!r}: {result.stderr}")

    def test_other_ids_are_refused(self):
        for user in REFUSED:
            result = self.exec(f"--user={user}", "--", "echo", "ran")
            self.assertEqual((result.returncode, result.stdout), (125, ""), f"{user!r}: {result.stderr}")
        for user in REFUSED:
            self.pipeline(f"""  s: {{user: "{user}", run: "echo ran"}}\n""")
            result = self.run_stagebox("run")
            self.assertNotEqual(result.returncode, 0, f"{user!r}")
            self.assertNotIn("ran", self.run_stagebox("logs", "last", "s").stdout, f"{user!r}")
        self.assertEqual(self.leftovers(), [])

    def test_capabilities_are_those_that_were_declared(self):
        kept = 1 << 0 | 1 << 10
        asked = ("--capability", "CHOWN", "--capability", "NET_BIND_SERVICE")
        result = self.exec(*asked, "--", "sh", "-c", PROBE)
        self.assertEqual(seen(result.stdout), status(0, 0, "", kept, kept), result.stderr)
        if SINGLE:
            return
        # Somebody else than root keeps them in no set that counts, and gets them by no program: no_new_privs.
        result = self.exec(*asked, "--user", "33:44", "--", "sh", "-c", PROBE)
        self.assertEqual(seen(result.stdout), status(33, 44, "", 0, kept), result.stderr)

    def test_a_stage_has_the_capabilities_that_it_declares(self):
        """As package managers need them; its root can give files away then, and become somebody else."""
        run = "echo x > f; busybox chown 5:6 f; busybox stat -c %u:%g f; " + PROBE
        kept = 1 << 0 | 1 << 10
        for stage, expected in {"user: \"0\", capabilities: [CHOWN, NET_BIND_SERVICE]": kept, "user: \"0\"": 0}.items():
            self.pipeline(f"  s: {{{stage}, run: {json.dumps(PROBE)}}}\n")
            self.assertEqual(self.run_stagebox("run").returncode, 0)
            self.assertEqual(seen(self.run_stagebox("logs", "last", "s").stdout), status(0, 0, "", expected, expected))
            shown = self.run_stagebox("shell", "last", "s", "--", "sh", "-c", PROBE)
            self.assertEqual(seen(shown.stdout), status(0, 0, "", expected, expected), shown.stderr)
        if SINGLE:
            return
        self.pipeline(f"""
  s: {{user: "0", capabilities: docker, run: {json.dumps(run)}, outputs: {{f: f}}}}
  t: {{user: "0", run: "echo x > f; busybox chown 5:6 f", allow_failure: true}}
  u: {{user: "33:44", capabilities: docker, run: {json.dumps(PROBE)}}}
""")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        self.assertEqual(self.run_stagebox("logs", "last", "s").stdout.splitlines()[0], "5:6")
        self.assertIn("Operation not permitted", self.run_stagebox("logs", "last", "t").stdout)
        self.assertRegex(self.run_stagebox("logs", "last", "u").stdout, r"CapEff:\s*0+\n")
        self.assertEqual(self.run_stagebox("artifacts", "last", "s.f", "-").stdout, "x\n")
        self.assertEqual(self.leftovers(), [])


if __name__ == "__main__":
    unittest.main()
