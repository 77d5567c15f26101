"""Reads `stagebox runs --json` on standard input and prints the id of the newest run."""

import json
import sys

listing = json.load(sys.stdin)
runs = listing["runs"] if isinstance(listing, dict) else listing
if not runs:
    sys.exit("newest_run: 'stagebox runs --json' lists no run")
print(max(runs, key=lambda run: run["started"])["id"])
