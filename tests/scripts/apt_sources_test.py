import pathlib
import tempfile
import unittest

import support

apt_sources = support.load("lib/apt_sources.py")

ONE_LINE = """
# deb http://commented.example/ bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://a.example/debian bookworm main contrib # why
deb http://a.example/security bookworm-security/updates main
deb http://other.example/ trixie main
deb-src http://a.example/debian bookworm main
deb http://third.example/ ./
"""
DEB822 = """Types: deb
# a comment inside
URIs: http://b.example/debian
Suites: bookworm trixie bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: http://off.example/
Suites: bookworm
Components: main
Enabled: no
"""


class AptSources(unittest.TestCase):
    def select(self, files, kind="deb-src"):
        with tempfile.TemporaryDirectory() as root:
            support.write_tree(root, files)
            return apt_sources.select(apt_sources.read_machine(pathlib.Path(root)), kind, "bookworm")

    def test_one_line(self):
        self.assertEqual(self.select({"sources.list": ONE_LINE}), [
            {"Types": "deb-src", "URIs": "http://a.example/debian", "Suites": "bookworm",
             "Components": "main contrib", "Signed-By": "/k.gpg"},
            {"Types": "deb-src", "URIs": "http://a.example/security", "Suites": "bookworm-security/updates",
             "Components": "main"},
            {"Types": "deb-src", "URIs": "http://a.example/debian", "Suites": "bookworm", "Components": "main"}])

    def test_deb822_keeps_embedded_keys_and_drops_what_is_disabled(self):
        found = self.select({"sources.list.d/x.sources": DEB822}, "deb")
        self.assertEqual([entry["URIs"] for entry in found], ["http://b.example/debian"])
        self.assertEqual(found[0]["Suites"], "bookworm bookworm-updates")
        self.assertIn("\n .\n abc", found[0]["Signed-By"])

    def test_other_files_are_ignored(self):
        self.assertEqual(self.select({"sources.list.d/x.list.disabled": ONE_LINE, "sources.list.d/y.save": DEB822}), [])


if __name__ == "__main__":
    unittest.main()
