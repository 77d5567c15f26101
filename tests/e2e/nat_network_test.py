"""`network: nat`: everything public and nothing else, in the small world that nat_world.py puts around this test."""

import os
import pathlib
import shutil
import signal
import socket
import time
import unittest
import urllib.request

import nat_world
from harness import ProjectTest


def fetch(*hosts):
    """A script. Not wget: a static program of glibc may crash while it looks for a resolver's libraries; and not by a
    pipe: Debian 12's pasta forgets the end of a connection whose other end was closed before."""
    return ("mkfifo /tmp/request; exec 3<>/tmp/request; " +
            "; ".join(f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; nc -w 2 {host} 80 <&3 2>&1" for host in hosts))


@unittest.skipUnless(shutil.which("pasta") and shutil.which("ip"), "no pasta or ip (packages passt, iproute2)")
@unittest.skipUnless(os.environ.get(nat_world.MARK), "not in the world of nat_world.py")
@unittest.skipUnless(os.access("/dev/net/tun", os.R_OK | os.W_OK), "/dev/net/tun is not ours to open")
class NatNetworkTest(ProjectTest):
    def sh(self, script, *options):
        return self.run_stagebox("exec", "--network", "nat", *options, "--image", "bb.tar", "--", "sh", "-c", script)

    def test_what_is_public_is_reached_by_address_and_by_name(self):
        result = self.sh(f"{fetch(nat_world.PUBLIC)} && busybox nslookup {nat_world.NAME}")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn(f"hello from {nat_world.PUBLIC}\n", result.stdout)
        self.assertIn(f"Address: {nat_world.PUBLIC}", result.stdout)

    def test_what_is_not_public_is_out_of_reach(self):
        # From outside of a sandbox all of them can be reached.
        for address in (*nat_world.NOT_PUBLIC, *nat_world.OWN, "127.0.0.1"):
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{address}/", timeout=5) as seen:
                self.assertEqual(seen.read().decode(), f"hello from {address}\n")
        # The gateway and the resolver inside stand for no machine either.
        tried = (*nat_world.NOT_PUBLIC, *nat_world.OWN, "127.0.0.1", "10.0.2.2", "10.0.2.3")
        result = self.sh(fetch(*tried))
        self.assertNotIn("hello", result.stdout)
        # Refused at once, not by waiting: by a route.
        self.assertEqual(result.stdout.count("No route to host"), len(nat_world.NOT_PUBLIC) + len(nat_world.OWN), result.stdout)

    def test_what_is_not_public_is_no_neighbour_on_the_link_either(self):
        """A socket that is bound to an interface takes what has no route for a neighbour."""
        program = pathlib.Path(os.environ["STAGEBOX"]).parents[2] / "tests/kernel/attack_program"
        shutil.copy(program, self.project / "attack")
        for address, expected in ((nat_world.PUBLIC, "ALLOWED"), *((one, "refused") for one in (*nat_world.NOT_PUBLIC, *nat_world.OWN,
                                                                                               "127.0.0.1", "10.0.2.2", "10.0.2.3"))):
            result = self.run_stagebox("exec", "--network", "nat", "--image", "bb.tar", "--mount", "attack:/attack", "--",
                                       "/attack", "bound-sockets", "eth0", address, "80", "7")
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertRegex(result.stdout, f"^a bound socket: {expected}.*\na packet for an interface: {expected}", address)

    @staticmethod
    def heard():
        """What the world heard that was said to everybody, since it was asked before."""
        time.sleep(0.3)  # what is on its way, and would be a failure
        with socket.create_connection((nat_world.PUBLIC, nat_world.HEARD)) as asked:
            return b"".join(iter(lambda: asked.recv(4096), b"")).decode().splitlines()

    def test_nobody_is_reached_by_speaking_to_everybody(self):
        """Multicast and broadcast: what the neighbours of this machine listen to."""
        self.heard()
        everybody = (*nat_world.GROUPS, *nat_world.BROADCASTS)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            mouth.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(nat_world.OWN[0]))
            for address in everybody:
                mouth.sendto(b"from the machine", (address, nat_world.EVERYBODYS_PORT))
        # The world can hear it; so what it does not hear below was not said.
        self.assertEqual(sorted({line.split()[0] for line in self.heard()}), sorted(everybody))
        program = pathlib.Path(os.environ["STAGEBOX"]).parents[2] / "tests/kernel/attack_program"
        shutil.copy(program, self.project / "attack")
        result = self.run_stagebox("exec", "--network", "nat", "--image", "bb.tar", "--mount", "attack:/attack", "--",
                                   "/attack", "to-everybody", "eth0", nat_world.EVERYBODYS_PORT, *everybody, "10.0.2.255")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        # From inside there is nothing that says no: a packet is sent, and goes nowhere.
        self.assertIn("bound: ALLOWED", result.stdout)
        self.assertEqual(self.heard(), [])
        # Nor is anything else of the network gone with it.
        self.assertIn(f"hello from {nat_world.PUBLIC}\n", self.sh(fetch(nat_world.PUBLIC)).stdout)

    def test_a_command_with_power_over_the_network_does_not_get_it(self):
        for capability in ("NET_ADMIN", "NET_RAW"):
            result = self.sh("true", "--capability", capability)
            self.assertEqual(result.returncode, 125, result.stdout + result.stderr)
            self.assertIn(f"CAP_{capability}", result.stderr)

    def test_the_routes_cannot_be_changed_from_inside(self):
        result = self.sh("busybox ip route show table main; busybox ip route del unreachable 10.0.0.0/8 2>&1")
        self.assertIn("unreachable 10.0.0.0/8", result.stdout)
        self.assertIn("Operation not permitted", result.stdout)

    def test_a_stage_has_it_and_its_end_leaves_nothing(self):
        self.pipeline(f"  s:\n    network: nat\n    run: |\n      {fetch(nat_world.PUBLIC)}\n")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn(f"hello from {nat_world.PUBLIC}\n", self.run_stagebox("logs", "last", "s").stdout)
        self.assertEqual(self.leftovers(), [])

    def test_a_service_has_that_of_its_stage(self):
        tried = (nat_world.PUBLIC, nat_world.NOT_PUBLIC[0], nat_world.OWN[0])
        self.pipeline(f"""
  s:
    network: nat
    run: |
      nc db 7000
      {fetch(nat_world.PUBLIC)}
    services:
      db:
        image: bb
        run: |
          set +e
          {fetch(*tried)}; busybox ip link set lo down 2>&1
          exec nc -ll -p 7000 -e echo from the service
        ready: {{tcp: 7000}}
""")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        of_stage = self.run_stagebox("logs", "last", "s").stdout
        self.assertIn("from the service\n", of_stage)
        self.assertIn(f"hello from {nat_world.PUBLIC}\n", of_stage)
        of_service = self.run_stagebox("logs", "last", "s@db").stdout
        self.assertEqual(of_service.count("hello from"), 1, of_service)
        self.assertIn(f"hello from {nat_world.PUBLIC}\n", of_service)
        self.assertIn("Operation not permitted", of_service)
        self.assertEqual(self.leftovers(), [])

    def test_sigkill_takes_the_address_translation_along(self):
        self.pipeline(f"  s:\n    network: nat\n    run: |\n      {fetch(nat_world.PUBLIC)}; sleep 100\n")
        process = self.start("run")
        while "hello from" not in self.run_stagebox("logs", "last", "s").stdout:
            self.assertIsNone(process.poll(), "the run ended")
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertEqual(self.run_stagebox("gc").returncode, 0)
        self.assertEqual(self.leftovers(), [])

    def test_the_hosts_own_network_is_for_whom_a_policy_permits_it(self):
        policy = self.dir / "policy.yaml"
        policy.write_text("stagebox-policy: 1\nnetwork: {modes: [none, host]}\n")
        policy.chmod(0o644)
        command = ("exec", "--network", "host", "--image", "bb.tar", "--", "sh", "-c", fetch("127.0.0.1"))
        refused = self.run_stagebox(*command)
        self.assertEqual(refused.returncode, 125)
        self.assertIn("`network: host` is not permitted by the rule network.modes", refused.stderr)
        permitted = self.run_stagebox("exec", "--policy", policy, *command[1:])
        self.assertIn("hello from 127.0.0.1\n", permitted.stdout, permitted.stderr)
        # Its interfaces can be used and not changed.
        changed = self.run_stagebox("exec", "--policy", policy, *command[1:-1], "busybox ip link set machine down 2>&1")
        self.assertIn("Operation not permitted", changed.stdout)

    def test_without_pasta_the_package_is_named(self):
        programs = self.dir / "programs"
        programs.mkdir()
        for program in filter(None, map(shutil.which, ("newuidmap", "newgidmap"))):
            (programs / os.path.basename(program)).symlink_to(program)
        self.environment["PATH"] = str(programs)
        result = self.sh("true")
        self.assertEqual(result.returncode, 125)
        self.assertIn("install the package passt", result.stderr)
        self.assertEqual(self.leftovers(), [])


if __name__ == "__main__":
    unittest.main()
