"""The network of a stage: nothing unless it is named, and then through the proxy only."""

import json
import unittest

import hello_server
from harness import ProjectTest


class NetworkTest(ProjectTest):
    def setUp(self):
        super().setUp()
        self.server = hello_server.serve("127.0.0.1", 0, "hello from outside\n")
        self.port = self.server.server_address[1]
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def fetch(self, host="127.0.0.1"):
        # Loopback plays the world; a rule names it, so no_proxy does not.
        return f"wget -q -O - http://{host}:{self.port}/"

    def test_services_reach_what_their_stage_may_and_nothing_else(self):
        closed = hello_server.serve("127.0.0.1", 0, "never seen\n")
        self.addCleanup(closed.server_close)
        self.addCleanup(closed.shutdown)
        other = self.fetch().replace(str(self.port), str(closed.server_address[1]))
        service = f"""{{image: bb, ready: {{tcp: 7000}}, run: "{self.fetch()} || echo failed; {other} || echo refused; exec nc -ll -p 7000 -e echo answer"}}"""
        self.pipeline(f"""
  allowed: {{network: {{allow: ["127.0.0.1:{self.port}"]}}, run: "nc db 7000; {self.fetch()}", services: {{db: {service}}}}}
  none: {{run: "nc db 7000", services: {{db: {service}}}}}
""")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        log = {name: self.run_stagebox("logs", "last", name, "--stream", "stdout").stdout
               for name in ("allowed", "allowed@db", "none", "none@db")}
        self.assertEqual(log, {"allowed": "answer\nhello from outside\n", "allowed@db": "hello from outside\nrefused\n",
                               "none": "answer\n", "none@db": "failed\nrefused\n"})
        self.assertIn(f"refused by the network allow-list: 127.0.0.1:{closed.server_address[1]}", result.stdout)
        self.assertEqual(self.leftovers(), [])

    def test_a_stage_reaches_what_its_allow_list_names_and_nothing_else(self):
        self.pipeline(f"""
  good: {{network: {{allow: ["127.0.0.1:{self.port}"]}}, run: "{self.fetch()}"}}
  other: {{network: {{allow: ["127.0.0.1:1"]}}, run: "{self.fetch()}"}}
  none: {{run: "{self.fetch()}"}}
""")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertEqual(self.states(), {"good": "succeeded", "other": "failed", "none": "failed"})
        self.assertEqual(self.run_stagebox("logs", "last", "good").stdout, "hello from outside\n")
        self.assertIn(f"network: refused by the network allow-list: 127.0.0.1:{self.port}", result.stdout)
        self.assertEqual(self.leftovers(), [])

    def test_a_result_from_the_network_is_reused_only_on_request(self):
        rules = f'network: {{allow: ["127.0.0.1:{self.port}"]}}'
        self.pipeline(f"""
  auto: {{{rules}, run: "{self.fetch()}"}}
  always: {{cache: always, {rules}, run: "{self.fetch()}"}}
""")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        self.assertEqual(self.states(), {"auto": "succeeded", "always": "cached"})

    def test_the_events_say_what_was_asked_for(self):
        self.pipeline(f"""  s: {{network: {{allow: ["127.0.0.1:{self.port}"]}}, run: "{self.fetch()}; {self.fetch('evil.example')} || true"}}\n""")
        result = self.run_stagebox("run", "--output", "json")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        ends = [line for line in map(json.loads, result.stdout.splitlines()) if line.get("connections")]
        self.assertEqual(len(ends), 1, result.stdout)
        self.assertEqual(ends[0]["connections"]["allowed"], 1)
        self.assertEqual((ends[0]["connections"]["lost"], ends[0]["connections"]["cut_off"]), (0, False))
        # Each is an event of its own, before that of the attempt's end.
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        each = [line for line in lines if line["event"] == "connection"]
        self.assertEqual({(one["stage"], one["attempt"], one["verdict"], one["host"], one["port"], one["count"]) for one in each},
                         {("s", 1, "allowed", "127.0.0.1", self.port, 1), ("s", 1, "refused", "evil.example", self.port, 1)})
        self.assertGreater(next(one["received"] for one in each if one["verdict"] == "allowed"), len("hello from outside"))
        self.assertLess(max(map(lines.index, each)), lines.index(ends[0]))
        self.assertEqual(ends[0]["connections"]["refused"], [f"evil.example:{self.port} (not in the allow-list)"])
        log = next(self.home.glob("logs/*/s.network.jsonl"))
        # Each is written when the connection ends, and the first may end last.
        self.assertEqual(sorted(json.loads(line)["verdict"] for line in log.read_text().splitlines()), ["allowed", "refused"])

    def test_why_a_connection_failed_is_told(self):
        # Nothing listens there.
        port = hello_server.serve("127.0.0.1", 0, "")
        closed = port.server_address[1]
        port.shutdown()
        port.server_close()
        rules = f'network: {{allow: ["127.0.0.1:{closed}", "127.0.0.1:{self.port}"]}}'
        fetch = self.fetch().replace(str(self.port), str(closed))
        self.pipeline(f"""
  fails: {{{rules}, run: "{self.fetch()}; {self.fetch('evil.example')} || {fetch}"}}
  passes: {{{rules}, run: "{fetch} || true"}}
  taken: {{cache: always, {rules}, run: "{self.fetch()}"}}
""")
        told = self.run_it(1)
        self.assertRegex(told, rf"    network: could not be reached: 127\.0\.0\.1:{closed} \([^()]+\)\n")
        self.assertEqual(told.count("could not be reached"), 1, "of a stage that failed only")
        shown = self.run_stagebox("show", "last", "fails").stdout
        self.assertRegex(shown, rf"(?s)attempt 1.*\n      network:\n        (failed|refused) .*"
                         rf"\n        allowed   127\.0\.0\.1:{self.port}, \d+ B sent, \d+ B received\n$")
        self.assertRegex(shown, rf"\n        failed    127\.0\.0\.1:{closed} \([^()]+\)\n")
        self.assertIn(f"\n        refused   evil.example:{self.port} (not in the allow-list)\n", shown)
        attempts = json.loads(self.run_stagebox("show", "last", "fails", "--json").stdout)["attempts"]
        self.assertEqual(sorted((one["verdict"], one["host"], one["port"]) for one in attempts[0]["connections"]),
                         [("allowed", "127.0.0.1", self.port), ("failed", "127.0.0.1", closed),
                          ("refused", "evil.example", self.port)])
        self.assertTrue(next(one["reason"] for one in attempts[0]["connections"] if one["verdict"] == "failed"))
        self.assertNotIn("network:", self.run_stagebox("show", "last").stdout)
        # What is taken has those of the attempt that made it.
        self.run_it(1)
        self.assertEqual(self.states()["taken"], "cached")
        self.assertIn("\n    network:\n      allowed   127.0.0.1:", self.run_stagebox("show", "last", "taken").stdout)
        stage = json.loads(self.run_stagebox("show", "last", "taken", "--json").stdout)["stages"][0]
        self.assertEqual([one["verdict"] for one in stage["connections"]], ["allowed"])
        # Nobody trusts the log of it.
        log = max(self.home.glob("logs/*/fails.network.jsonl"), key=lambda path: path.stat().st_mtime)
        log.write_text("nonsense\n" + "".join(json.dumps({"verdict": "failed", "host": f"\x1b[31m{i}", "port": i}) + "\n"
                                              for i in range(1, 100)))
        shown = self.run_stagebox("show", "last", "fails").stdout
        self.assertNotIn("\x1b", shown)
        self.assertIn("\n        and 80 more, see --json\n", shown)
        attempts = json.loads(self.run_stagebox("show", "last", "fails", "--json").stdout)["attempts"]
        self.assertEqual(len(attempts[0]["connections"]), 100)

    def test_exec_tells_why_a_connection_failed(self):
        result = self.run_stagebox("exec", "--network", "127.0.0.1:1", "--image", "bb.tar", "--",
                                   "wget", "-q", "http://127.0.0.1:1/")
        self.assertRegex(result.stderr, r"stagebox: could not be reached: 127\.0\.0\.1:1 \([^()]+\)\n")

    def test_exec_takes_rules_too(self):
        command = ("--image", "bb.tar", "--", "sh", "-c", self.fetch())
        good = self.run_stagebox("exec", "--network", f"127.0.0.1:{self.port}", *command)
        self.assertEqual((good.returncode, good.stdout), (0, "hello from outside\n"), good.stderr)
        self.assertNotEqual(self.run_stagebox("exec", *command).returncode, 0)
        told = self.run_stagebox("exec", "--json", "--network", f"127.0.0.1:{self.port}", "--image", "bb.tar", "--", "sh", "-c",
                                 f"{self.fetch()}; {self.fetch('evil.example')} || true")
        report = json.loads(told.stderr.splitlines()[-1])
        self.assertEqual(report["connections"]["refused"], [f"evil.example:{self.port} (not in the allow-list)"])
        self.assertEqual(sorted((one["verdict"], one["host"], one["port"]) for one in report["connection_events"]),
                         [("allowed", "127.0.0.1", self.port), ("refused", "evil.example", self.port)])
        variables = self.run_stagebox("exec", "--network", f"127.0.0.1:{self.port}", "--image", "bb.tar", "--", "sh", "-c",
                                      "echo $http_proxy $no_proxy $NO_PROXY")
        self.assertEqual(variables.stdout, "http://127.0.0.1:3128 localhost,::1 localhost,::1\n")
        none = self.run_stagebox("exec", "--json", "--image", "bb.tar", "--", "true")
        self.assertNotIn("connections", json.loads(none.stderr.splitlines()[-1]))
        wrong = self.run_stagebox("exec", "--network", "nonsense", *command)
        self.assertEqual(wrong.returncode, 125)
        self.assertIn("has no port", wrong.stderr)


if __name__ == "__main__":
    unittest.main()
