import pathlib
import subprocess
import tempfile
import unittest

import support

check = support.load("check-child-symbols")


class CheckChildSymbols(unittest.TestCase):
    def forbidden(self, *units):
        """What is reported for a library of these C++ translation units."""
        with tempfile.TemporaryDirectory() as root:
            objects = []
            for number, text in enumerate(units):
                source = pathlib.Path(root) / f"{number}.cc"
                source.write_text(text, encoding="utf-8")
                subprocess.run(["g++", "-O1", "-U_FORTIFY_SOURCE", "-c", source, "-o", source.with_suffix(".o")], check=True)
                objects.append(source.with_suffix(".o"))
            library = pathlib.Path(root) / check.LIBRARY
            subprocess.run(["ar", "rcs", library, *objects], check=True)
            self.status = subprocess.run([support.SCRIPTS / "check-child-symbols", root],
                                         stdout=subprocess.DEVNULL, check=False).returncode
            return check.forbidden_of(library)

    def test_system_calls_are_fine(self):
        self.assertEqual(self.forbidden("#include <unistd.h>\nvoid f() { syscall(1); write(1, 0, 0); _exit(1); }"), [])
        self.assertEqual(self.status, 0)

    def test_allocation_is_reported(self):
        self.assertEqual(self.forbidden("#include <stdlib.h>\nvoid* p; void f() { p = malloc(9); }"), ["malloc"])
        self.assertEqual(self.status, 1)

    def test_new_locks_output_and_exceptions_are_reported(self):
        found = self.forbidden("""
            #include <pthread.h>
            #include <cstdio>
            int* p; pthread_mutex_t m;
            void f() { p = new int; pthread_mutex_lock(&m); printf("%d", *p); throw 1; }""")
        for name in ("_Znwm", "pthread_mutex_lock", "printf", "__cxa_throw"):
            self.assertIn(name, found)

    def test_thread_aware_identity_calls_are_reported(self):
        self.assertEqual(self.forbidden("#include <unistd.h>\nvoid f() { if (setuid(0) || fork()) _exit(1); }"),
                         ["fork", "setuid"])

    def test_what_another_unit_defines_is_fine(self):
        self.assertEqual(self.forbidden("void g(); void f() { g(); }", "void g() {}"), [])
        self.assertEqual(self.forbidden("void g(); void f() { g(); }"), ["_Z1gv"])

    def test_missing_library_is_an_error(self):
        with tempfile.TemporaryDirectory() as root:
            status = subprocess.run([support.SCRIPTS / "check-child-symbols", root], stderr=subprocess.DEVNULL, check=False)
            self.assertEqual(status.returncode, 2)


if __name__ == "__main__":
    unittest.main()
