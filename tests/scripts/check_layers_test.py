import pathlib
import subprocess
import tempfile
import unittest

import support

check_layers = support.load("check-layers")


def violations(files):
    with tempfile.TemporaryDirectory() as root:
        support.write_tree(root, files)
        return list(check_layers.check_tree(pathlib.Path(root)))


class CheckLayers(unittest.TestCase):
    def assert_fine(self, source, line):
        self.assertEqual(violations({source: line + "\n"}), [])

    def assert_reported(self, source, line, reason):
        found = violations({source: "\n" + line + "\n"})
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(f"{source}:2: "), found[0])
        self.assertIn(reason, found[0])

    def test_down_is_fine(self):
        self.assert_fine("runtime/cli/main.cc", '#include "runtime/run/x.h"')
        self.assert_fine("runtime/run/x.cc", '#include "sandbox/sandbox.h"')
        self.assert_fine("images/x.cc", '#include "runtime/store/x.h"')
        self.assert_fine("sandbox/x.cc", '#include "sandbox/child/child_plan.h"')
        self.assert_fine("tests/unit/x.cc", '#include "runtime/cli/x.h"')

    def test_up_is_reported(self):
        self.assert_reported("runtime/base/x.h", '#include "runtime/store/x.h"', "includes point down")
        self.assert_reported("runtime/store/x.cc", '#include "images/x.h"', "includes point down")
        self.assert_reported("scheduler/x.cc", '  #  include "runtime/run/x.h"', "includes point down")
        self.assert_reported("runtime/run/x.cc", '#include "runtime/cli/x.h"', "includes point down")

    def test_sideways_is_reported(self):
        for here, there in (("images", "sandbox"), ("sandbox", "scheduler"), ("scheduler", "images")):
            self.assert_reported(f"{here}/x.cc", f'#include "{there}/x.h"', "side by side")
            self.assert_reported(f"{there}/x.cc", f'#include "{here}/x.h"', "side by side")
        self.assert_reported("images/x.cc", '#include "sandbox/child/x.h"', "side by side")

    def test_child_sees_only_itself_and_syscalls(self):
        self.assert_fine("sandbox/child/x.cc", '#include "sandbox/child/y.h"')
        self.assert_fine("sandbox/child/x.cc", '#include "runtime/base/syscalls.h"')
        self.assert_reported("sandbox/child/x.cc", '#include "runtime/base/result.h"', "between clone and exec")
        self.assert_reported("sandbox/child/x.cc", '#include "sandbox/sandbox.h"', "between clone and exec")

    def test_product_never_includes_tests_or_relative_names(self):
        self.assert_reported("images/x.cc", '#include "tests/support/x.h"', "name a folder")
        self.assert_reported("images/x.cc", '#include "../sandbox/x.h"', "name a folder")
        self.assert_reported("images/x.cc", '#include "x.h"', "name a folder")
        self.assert_reported("runtime/new/x.cc", '#include "runtime/base/x.h"', "no floor")

    def test_libraries_are_confined(self):
        self.assert_fine("runtime/store/runs/sqlite.cc", "#include <sqlite3.h>")
        self.assert_fine("runtime/base/digest.cc", "#include <openssl/evp.h>")
        for source, header in (("runtime/run/x.cc", "sqlite3.h"), ("runtime/store/x.cc", "openssl/sha.h"),
                               ("sandbox/x.cc", "archive.h"), ("runtime/run/x.h", "nlohmann/json.hpp"),
                               ("runtime/run/x.cc", "CLI/CLI.hpp"), ("images/x.cc", "CLI/CLI.hpp"),
                               ("scheduler/plan.cc", "yaml.h"), ("sandbox/sandbox.cc", "seccomp.h")):
            self.assert_reported(source, f"#include <{header}>", "confined to")
            self.assert_reported(source, f'#include "{header}"', "confined to")

    def test_unknown_library_is_reported(self):
        self.assert_reported("images/x.cc", "#include <curl/curl.h>", "not in the table")
        self.assert_reported("images/x.cc", "#include <fuse.h>", "not in the table")
        self.assert_fine("images/x.cc", "#include <vector>")
        self.assert_fine("images/x.cc", "#include <sys/stat.h>")

    def test_header_that_shows_a_library_stays_private(self):
        wrapper = {"scheduler/yaml/yaml_events.h": "#include <yaml.h>\n"}
        include = '#include "scheduler/yaml/yaml_events.h"\n'
        self.assertEqual(violations(wrapper | {"scheduler/yaml/parse.cc": include}), [])
        for source in ("scheduler/file/parse.cc", "scheduler/yaml/yaml_node.h", "runtime/run/x.cc"):
            found = violations(wrapper | {source: include})
            self.assertEqual(len(found), 1, found)
            self.assertIn("only .cc files of scheduler/yaml", found[0])

    def test_exit_status(self):
        with tempfile.TemporaryDirectory() as root:
            support.write_tree(root, {"images/x.cc": '#include "sandbox/x.h"\n'})
            program = [support.SCRIPTS / "check-layers", root]
            self.assertEqual(subprocess.run(program, stdout=subprocess.DEVNULL, check=False).returncode, 1)
            support.write_tree(root, {"images/x.cc": '#include "images/x.h"\n'})
            self.assertEqual(subprocess.run(program, stdout=subprocess.DEVNULL, check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
