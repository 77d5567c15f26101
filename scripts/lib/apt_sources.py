"""Prints this machine's Debian package sources as one deb822 file, for a private apt configuration.

Only sources of one release are kept (its -updates, -security, ... belong to it), so that third-party
repositories of the machine have no influence on what is made from the result. With `--type deb-src` every
binary source is told as the source-package one, whether or not the machine has that enabled.
"""

import argparse
import pathlib
import re
import sys

FIELDS = {"types": "Types", "uris": "URIs", "suites": "Suites", "components": "Components"}
# What one-line options are called in deb822.
OPTIONS = {"signed-by": "Signed-By", "trusted": "Trusted", "check-valid-until": "Check-Valid-Until",
           "check-date": "Check-Date", "allow-insecure": "Allow-Insecure"}


def parse_one_line(text):
    """Entries of a sources.list: `deb [option=value ...] URI suite component...`."""
    for line in text.splitlines():
        match = re.match(r"\s*(deb|deb-src)\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)((?:\s+[^\s#]+)*)", line)
        if not match:
            continue
        kind, options, uri, suite, components = match.groups()
        entry = {"Types": kind, "URIs": uri, "Suites": suite, "Components": components.strip()}
        for option in (options or "").split():
            name, _, value = option.partition("=")
            if name.lower() in OPTIONS:
                entry[OPTIONS[name.lower()]] = value.replace(",", " ")
        yield entry


def parse_deb822(text):
    """Entries of a *.sources file; continuation lines (embedded keys) stay as they are."""
    known = FIELDS | OPTIONS
    for paragraph in re.split(r"\n\s*\n", text):
        entry, field, enabled = {}, None, True
        for line in paragraph.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t"):
                if field:
                    entry[field] += "\n" + line
                continue
            name, _, value = line.partition(":")
            if name.strip().lower() == "enabled":
                enabled = value.strip().lower() not in ("no", "false")
            field = known.get(name.strip().lower())
            if field:
                entry[field] = value.strip()
        if enabled and "URIs" in entry and "Suites" in entry:
            yield entry


def read_machine(apt_dir):
    files = [apt_dir / "sources.list", *sorted((apt_dir / "sources.list.d").glob("*"))]
    for path in files:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".list":
            yield from parse_one_line(text)
        elif path.suffix == ".sources":
            yield from parse_deb822(text)


def select(entries, kind, codename):
    """The entries of the release, as `kind`, each once."""
    result = []
    for entry in entries:
        suites = [s for s in entry["Suites"].split() if re.fullmatch(re.escape(codename) + r"([-/].*)?", s)]
        if suites:
            chosen = entry | {"Types": kind, "Suites": " ".join(suites)}
            if chosen not in result:
                result.append(chosen)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--type", choices=["deb", "deb-src"], default="deb")
    parser.add_argument("--codename", required=True, help="the release, for example bookworm")
    parser.add_argument("--apt-dir", type=pathlib.Path, default=pathlib.Path("/etc/apt"))
    options = parser.parse_args()
    entries = select(read_machine(options.apt_dir), options.type, options.codename)
    if not entries:
        sys.exit(f"apt_sources: {options.apt_dir} has no enabled source for the release "
                 f"'{options.codename}'; add one, for example to {options.apt_dir}/sources.list")
    print("\n\n".join("\n".join(f"{name}: {value}" for name, value in entry.items()) for entry in entries))


if __name__ == "__main__":
    main()
