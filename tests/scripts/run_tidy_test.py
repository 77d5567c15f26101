import pathlib
import tempfile
import unittest

import support

run_tidy = support.load("lib/run_tidy.py")

FILES = {".clang-tidy": "Checks: '*'\n", "a/x.cc": '#include "a/y.h"\n', "a/y.h": '#include "z.h"\n', "a/z.h": "int z;\n",
         "a/other.h": "int o;\n"}


class RunTidy(unittest.TestCase):
    def digest(self, changes, command="c++ -c x.cc", version=b"19"):
        with tempfile.TemporaryDirectory() as root:
            support.write_tree(root, FILES | changes)
            root = pathlib.Path(root)
            return run_tidy.digest_of(root / "a/x.cc", command, root, version)

    def test_same_content_gives_same_digest(self):
        self.assertEqual(self.digest({}), self.digest({}))
        self.assertEqual(self.digest({}), self.digest({"a/other.h": "changed\n"}))

    def test_everything_the_result_depends_on_changes_it(self):
        digests = [self.digest({}), self.digest({"a/x.cc": "int x;\n"}), self.digest({"a/z.h": "changed\n"}),
                   self.digest({".clang-tidy": "changed\n"}), self.digest({"a/.clang-tidy": "new\n"}),
                   self.digest({}, command="c++ -O2 -c x.cc"), self.digest({}, version=b"20")]
        self.assertEqual(len(set(digests)), len(digests))


if __name__ == "__main__":
    unittest.main()
