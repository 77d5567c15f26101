"""The proxy of an allow-list in a world with both versions of the Internet Protocol (nat_world.py): what a rule names is
reached, and a name leads nowhere else."""

import json
import os
import socket
import unittest
import urllib.request

import nat_world
from harness import ProjectTest

PROXY = "nc -w 5 127.0.0.1 3128"


def escaped(data):
    """For printf(1)."""
    return "".join(f"\\{byte:03o}" for byte in data)


def by_get(host):
    shown = f"[{host}]" if ":" in host else host
    return f"printf 'GET http://{shown}/ HTTP/1.0\\r\\n\\r\\n' | {PROXY}"


def by_connect(host):
    shown = f"[{host}]" if ":" in host else host
    return f"printf 'CONNECT {shown}:80 HTTP/1.1\\r\\n\\r\\nGET / HTTP/1.0\\r\\n\\r\\n' | {PROXY}"


def by_socks(host):
    """RFC 1928, 4: an IPv6 address, an IPv4 address, or a name."""
    if ":" in host:
        target = b"\4" + socket.inet_pton(socket.AF_INET6, host)
    elif host.replace(".", "").isdigit():
        target = b"\1" + socket.inet_aton(host)
    else:
        target = b"\3" + bytes([len(host)]) + host.encode()
    return f"printf '{escaped(bytes([5, 1, 0, 5, 1, 0]) + target + bytes([0, 80]))}GET / HTTP/1.0\\r\\n\\r\\n' | {PROXY}"


WAYS = (by_get, by_connect, by_socks)


@unittest.skipUnless(os.environ.get(nat_world.MARK), "not in the world of nat_world.py")
class ProxyWorldTest(ProjectTest):
    def sh(self, rules, *scripts):
        networks = [word for rule in rules for word in ("--network", rule)]
        return self.run_stagebox("exec", *networks, "--image", "bb.tar", "--", "sh", "-c", "; ".join(scripts)).stdout

    def test_names_and_addresses_of_version_six(self):
        for host, rule in (("six.example", "six.example:80"), (nat_world.PUBLIC6, f"[{nat_world.PUBLIC6}]:80"),
                           (nat_world.PUBLIC6, "[2a00:77:2::/48]:80"), (nat_world.LOCAL6, f"[{nat_world.LOCAL6}]:80"),
                           ("::1", "[::1]:80")):
            out = self.sh([rule], *(way(host) for way in WAYS))
            self.assertEqual(out.count("hello from"), len(WAYS), f"{host}: {out}")
        self.assertIn("hello from", self.sh(["six.example:80"], "wget -q -O - http://six.example/"))

    def test_addresses_that_no_rule_names(self):
        rules = ["six.example:80", "[2a00:77:2::35]:80", "10.9.8.7:81"]
        refused = (nat_world.PUBLIC6, nat_world.LOCAL6, nat_world.NAT64, nat_world.OWN6, "::1", "::ffff:10.9.8.7", "::", "10.9.8.7")
        for host in refused:
            self.assertNotIn("hello", self.sh(rules, *(way(host) for way in WAYS)), host)

    def test_a_version_four_address_in_disguise_is_what_it_is(self):
        out = self.sh(["10.9.8.7:80"], *(way("::ffff:10.9.8.7") for way in WAYS))
        self.assertEqual(out.count("hello from 10.9.8.7"), len(WAYS), out)

    def test_a_name_does_not_lead_to_what_is_not_public(self):
        # From outside of a sandbox they can be reached.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for address in (f"[{nat_world.LOCAL6}]", f"[{nat_world.NAT64}]", f"[{nat_world.OWN6}]", "[::1]", "10.9.8.7", *nat_world.OWN):
            with opener.open(f"http://{address}/", timeout=5) as seen:
                self.assertIn("hello from", seen.read().decode())
        names = [name for name in nat_world.HOSTS if name not in (nat_world.NAME, "six.example", "mixed.example")]
        out = self.sh([f"{name}:80" for name in names], *(way(name) for name in names for way in WAYS))
        self.assertNotIn("hello", out)
        self.assertEqual(out.count("HTTP/1.1 403"), 2 * len(names), out)

    def test_of_a_names_addresses_the_public_one_is_taken(self):
        out = self.sh(["mixed.example:80"], *(way("mixed.example") for way in WAYS))
        self.assertEqual(out.count(f"hello from {nat_world.PUBLIC6}"), len(WAYS), out)
        # This machine and its neighbours when they are named.
        out = self.sh(["own.example:80", f"[{nat_world.OWN6}]:80"], by_get("own.example"))
        self.assertIn(f"hello from {nat_world.OWN6}", out)

    def test_what_was_refused_is_on_record(self):
        self.pipeline(f"""  s: {{network: {{allow: ["own.example:80", "six.example:80"]}}, run: "wget -q -O - http://six.example/; wget -O - http://own.example/ || true"}}\n""")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        log = next(self.home.glob("logs/*/s.network.jsonl"))
        events = {event["host"]: event for event in map(json.loads, log.read_text().splitlines())}
        self.assertEqual(events["six.example"]["verdict"], "allowed")
        self.assertEqual(events["six.example"]["address"], nat_world.PUBLIC6)
        self.assertEqual(events["own.example"]["verdict"], "refused")
        self.assertIn("this machine's", events["own.example"]["reason"])


if __name__ == "__main__":
    unittest.main()
