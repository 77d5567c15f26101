"""Lists the tests that ctest skipped, with their reasons, and fails when a required one is among them.

A test that cannot run on a machine is skipped; so that nothing is skipped unnoticed where everything should run,
tests/required-features.txt names what must run there: a pattern of test names a line, each with what it stands for.
"""

import argparse
import fnmatch
import pathlib
import re
import sys
import xml.etree.ElementTree as xml


def read_required(path):
    """The patterns, without comments and empty lines."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def reason_of(case):
    """What GoogleTest, Python's unittest or a script said before it stopped."""
    output = case.findtext("system-out") or ""
    after = (re.search(r": Skipped\n(.+)", output) or re.search(r"\.\.\. skipped ['\"](.+)['\"]", output) or
             re.search(r"^SKIP(?:PED)?: (.+)", output, re.MULTILINE))
    if after:
        return after[1].strip()
    skipped = case.find("skipped")
    return (skipped.get("message") if skipped is not None else None) or "without a reason"


def read_results(path):
    """(names of all tests, {name: reason} of the skipped ones)."""
    cases = xml.parse(path).getroot().findall(".//testcase")
    skipped = {case.get("name"): reason_of(case) for case in cases
               if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled")}
    return [case.get("name") for case in cases], skipped


def matching(pattern, names):
    return [name for name in names if fnmatch.fnmatchcase(name, pattern)]


def complaints(required, names, skipped, selection):
    for pattern in required:
        for name in matching(pattern, skipped):
            yield f"{name} must not be skipped here ('{pattern}'): {skipped[name]}"
        if not selection and not matching(pattern, names):
            yield f"'{pattern}' is required, and there is no such test"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("junit", type=pathlib.Path, help="what ctest --output-junit wrote")
    parser.add_argument("--required", type=pathlib.Path, required=True)
    parser.add_argument("--enforce", action="store_true", help="fail, instead of only saying so")
    parser.add_argument("--selection", action="store_true", help="only some tests were run")
    options = parser.parse_args()
    if not options.junit.exists():
        sys.exit(f"check_tests: {options.junit} does not exist: ctest did not run")
    names, skipped = read_results(options.junit)
    for name, reason in sorted(skipped.items()):
        print(f"skipped: {name}: {reason}")
    found = list(complaints(read_required(options.required), names, skipped, options.selection))
    for complaint in found:
        print(f"{'FAILED' if options.enforce else 'note'}: {complaint}")
    return 1 if found and options.enforce else 0


if __name__ == "__main__":
    sys.exit(main())
