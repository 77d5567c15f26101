"""Turns automake's .trs files and TAP files into one JUnit XML report; exits with 1 when a test failed."""

import argparse
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

# A failed test's log can be long; its end says why.
LOG_TAIL = 20000


class Case:
    """One test: outcome is 'passed', 'failed' or 'skipped'."""

    def __init__(self, suite, name, outcome, log=""):
        self.suite, self.name, self.outcome, self.log = suite, name, outcome, log


def read_trs(directory):
    outcomes = {"PASS": "passed", "XFAIL": "passed", "SKIP": "skipped"}
    for path in sorted(directory.glob("*.trs")):
        log = path.with_suffix(".log")
        text = log.read_text(errors="replace")[-LOG_TAIL:] if log.exists() else ""
        for result in re.findall(r"^:test-result:\s*(\w+)", path.read_text(), re.MULTILINE):
            yield Case("test-suite", path.stem, outcomes.get(result, "failed"), text)


def read_tap(path):
    lines = path.read_text().splitlines()
    planned = next((int(line[3:]) for line in lines if line.startswith("1..")), -1)
    cases = []
    for line in lines:
        match = re.match(r"(not )?ok\b\s*\d*\s*(?:- )?(.*)", line)
        if match:
            skipped = re.search(r"# *skip", match[2], re.IGNORECASE)
            cases.append(Case(path.stem, match[2], "skipped" if skipped else "failed" if match[1] else "passed"))
    if len(cases) != planned:
        cases.append(Case(path.stem, "plan", "failed", f"{planned} tests were planned, {len(cases)} reported"))
    return cases


def printable(text):
    """XML 1.0 has no way to write most control characters."""
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd]", "?", text)


def count(cases, outcome):
    return sum(case.outcome == outcome for case in cases)


def to_xml(cases):
    root = xml.Element("testsuites")
    for suite in sorted({case.suite for case in cases}):
        members = [case for case in cases if case.suite == suite]
        element = xml.SubElement(root, "testsuite", name=suite, tests=str(len(members)),
                                 failures=str(count(members, "failed")), skipped=str(count(members, "skipped")))
        for case in members:
            child = xml.SubElement(element, "testcase", classname=suite, name=printable(case.name))
            if case.outcome != "passed":
                tag = "failure" if case.outcome == "failed" else "skipped"
                xml.SubElement(child, tag).text = printable(case.log)
    xml.indent(root)
    return xml.ElementTree(root)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trs", type=pathlib.Path, action="append", default=[], help="directory with .trs and .log")
    parser.add_argument("--tap", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--output", type=pathlib.Path, required=True)
    options = parser.parse_args()
    cases = [case for directory in options.trs for case in read_trs(directory)]
    cases += [case for path in options.tap for case in read_tap(path)]
    to_xml(cases).write(options.output, encoding="utf-8", xml_declaration=True)
    print(f"{len(cases)} tests: {count(cases, 'passed')} passed, {count(cases, 'failed')} failed, "
          f"{count(cases, 'skipped')} skipped")
    for case in cases:
        if case.outcome == "failed":
            print(f"FAILED: {case.suite}: {case.name}\n{case.log}")
    return 1 if count(cases, "failed") or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
