"""The outside world of the tests of `network: nat`: a network namespace of its own behind one end of a veth pair.

Run by nat_network_test.py under unshare(1); starts when a line comes on stdin, says "ready", ends with its stdin.
"""

import socket
import struct
import subprocess
import sys
import threading

import hello_server

PUBLIC = "93.184.216.34"
NOT_PUBLIC = ("10.9.8.7", "169.254.169.254", "192.168.77.1")
RESOLVER = "198.18.0.2"
NAME = "world.example"


def serve_http(address):
    hello_server.serve(address, 80, f"hello from {address}\n")


def answer(query):
    """An A record for NAME, an empty answer for everything else (RFC 1035, 4.1)."""
    question = query[12:]
    end = question.index(b"\0") + 5
    asked = NAME.encode().split(b".")
    name = b"".join(bytes([len(label)]) + label for label in asked) + b"\0"
    known = question[:end].lower() == name + b"\0\1\0\1"
    header = query[:2] + struct.pack("!HHHHH", 0x8180, 1, int(known), 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(PUBLIC)
    return header + question[:end] + (record if known else b"")


def serve_names():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((RESOLVER, 53))
    while True:
        query, client = server.recvfrom(512)
        server.sendto(answer(query), client)


def main():
    sys.stdin.readline()
    for command in ("link set lo up", "link set world up", f"addr add {RESOLVER}/24 dev world",
                    *(f"addr add {address}/32 dev lo" for address in (PUBLIC, *NOT_PUBLIC))):
        subprocess.run(["ip", *command.split()], check=True)
    for address in (PUBLIC, *NOT_PUBLIC):
        serve_http(address)
    threading.Thread(target=serve_names, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
