"""The small world of tests of networks: nat_world.py COMMAND [ARG...] runs the command, which may become any
user, where the network is one end of a veth pair, and the world at the other end, in a network namespace of its own.

The world itself is this program without a command; it starts when a line comes on stdin, says "ready", and ends with its
stdin.
"""

import ctypes
import os
import pathlib
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time

import hello_server

MARK = "STAGEBOX_NAT_WORLD"  # a variable that says that the world is there
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
OWN = ("198.18.0.1", "93.184.216.1")  # what this machine calls itself; the second one is as public as the world
PUBLIC = "93.184.216.34"
NOT_PUBLIC = ("10.9.8.7", "169.254.169.254", "192.168.77.1")
RESOLVER = "198.18.0.2"
# Stand for more than one machine: neighbours are found and spoken to by these.
GROUPS = ("224.0.0.251", "239.255.255.250", "232.1.2.3")
BROADCASTS = ("255.255.255.255", "198.18.0.255")
EVERYBODYS_PORT, HEARD = 1900, 81
NAME = "world.example"
OWN6 = "2a00:77:1::1"
ROUTER6 = "2a00:77:1::2"
PUBLIC6 = "2a00:77:2::34"
LOCAL6 = "fd00:77::1"
NAT64 = "64:ff9b::a09:807"  # 10.9.8.7 behind a translator (RFC 6052)
HOSTS = {NAME: [PUBLIC], "six.example": [PUBLIC6], "local.example": [LOCAL6], "link.example": ["fe80::77"],
         "mapped.example": ["::ffff:10.9.8.7"], "nat64.example": [NAT64], "metadata.example": ["169.254.169.254"],
         "own.example": [OWN[1], OWN6], "loop.example": ["::1", "127.0.0.1"], "mixed.example": [LOCAL6, PUBLIC6, OWN6]}


def serve_http(address):
    hello_server.serve(address, 80, f"hello from {address}\n")


def serve_echo(address):
    """Over UDP, to port 7."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 7))

    def serve():
        while True:
            text, client = server.recvfrom(512)
            server.sendto(text, client)

    threading.Thread(target=serve, daemon=True).start()


def hear_everybody():
    """What comes for more than one machine: each text and where it was sent to, asked for over TCP at HEARD."""
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind(("", EVERYBODYS_PORT))
    ear.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
    for group in GROUPS:
        ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton(RESOLVER))
    heard = []

    def hear():
        while True:
            text, [(_, _, info), *_], _, _ = ear.recvmsg(512, 512)
            heard.append(f"{socket.inet_ntoa(info[8:12])} {text!r}")

    def tell():
        server = socket.create_server((PUBLIC, HEARD))
        while True:
            with server.accept()[0] as asking:
                asking.sendall("".join(f"{line}\n" for line in heard).encode())
                heard.clear()

    for serve in (hear, tell):
        threading.Thread(target=serve, daemon=True).start()


def answer(query):
    """The A or AAAA records of one of HOSTS, an empty answer for everything else (RFC 1035, 4.1; RFC 3596)."""
    question = query[12:]
    end = question.index(b"\0") + 5
    labels, at = [], 0
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
        at += 1 + question[at]
    kind = struct.unpack("!H", question[end - 4:end - 2])[0]
    family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
    addresses = [socket.inet_pton(family, address) for address in HOSTS.get(".".join(labels), ())
                 if family == (socket.AF_INET6 if ":" in address else socket.AF_INET)]
    header = query[:2] + struct.pack("!HHHHH", 0x8180, 1, len(addresses), 0, 0)
    records = [b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(address)) + address for address in addresses]
    return header + question[:end] + b"".join(records)


def serve_names():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((RESOLVER, 53))
    while True:
        query, client = server.recvfrom(512)
        server.sendto(answer(query), client)


def be_the_world():
    sys.stdin.readline()
    for command in ("link set lo up", "link set world up", f"addr add {RESOLVER}/24 dev world",
                    *(f"addr add {address}/32 dev lo" for address in (PUBLIC, *NOT_PUBLIC)),
                    f"addr add {ROUTER6}/64 dev world nodad",
                    *(f"addr add {address}/128 dev lo nodad" for address in (PUBLIC6, LOCAL6, NAT64))):
        subprocess.run(["ip", *command.split()], check=True)
    for address in (PUBLIC, *NOT_PUBLIC, PUBLIC6, LOCAL6, NAT64):
        serve_http(address)
    for address in (PUBLIC, *NOT_PUBLIC):
        serve_echo(address)
    threading.Thread(target=serve_names, daemon=True).start()
    hear_everybody()
    print("ready", flush=True)
    sys.stdin.read()


def have_the_world():
    """Puts this process where its network is a veth pair's end, and the world at the other one."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    world = subprocess.Popen(["unshare", "--net", sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True)
    # unshare(1) becomes the program; until then it is in our namespace.
    ours = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{world.pid}/ns/net") == ours:
        time.sleep(0.01)
    for command in ("link set lo up", f"link add machine type veth peer name world netns {world.pid}",
                    "link set machine up", *(f"addr add {address}/24 dev machine" for address in OWN),
                    f"route add default via {RESOLVER}",
                    # Not on the link, though it looks so: only the first address is.
                    "route del 93.184.216.0/24",
                    f"addr add {OWN6}/64 dev machine nodad", f"-6 route add default via {ROUTER6}"):
        subprocess.run(["ip", *command.split()], check=True)
    print("go", file=world.stdin, flush=True)
    if world.stdout.readline() != "ready\n":
        raise RuntimeError("the world did not come up")
    for address in ("127.0.0.1", "::1", *OWN, OWN6):
        serve_http(address)
    for address in ("127.0.0.1", *OWN):
        serve_echo(address)
    return world


def resolve_by_the_world(directory):
    resolver = pathlib.Path(directory) / "resolv.conf"
    resolver.write_text(f"nameserver {RESOLVER}\n")
    resolver.chmod(0o644)
    subprocess.run(["mount", "--bind", resolver, "/etc/resolv.conf"], check=True)


def open_tun_to_all(directory):
    """/dev/net/tun as udev makes it, for everybody. Some machines without udev keep it for root; the machine's own stays
    as it is."""
    tun = pathlib.Path("/dev/net/tun")
    if not tun.exists() or tun.stat().st_mode & 0o666 == 0o666:
        return
    devices = pathlib.Path(directory) / "devices"
    devices.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", devices], check=True)
    node = devices / "tun"
    os.mknod(node, stat.S_IFCHR, tun.stat().st_rdev)
    node.chmod(0o666)
    subprocess.run(["mount", "--bind", node, tun], check=True)
    subprocess.run(["umount", "--lazy", devices], check=True)


def run_in_the_world(command):
    """Everything is gone with its last process: the namespaces and what is mounted there."""
    world = have_the_world()
    with tempfile.TemporaryDirectory(prefix="stagebox-nat.") as settings:
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        resolve_by_the_world(settings)
        open_tun_to_all(settings)
        status = subprocess.run(command, env=dict(os.environ, **{MARK: "1"}), check=False).returncode
    world.stdin.close()
    world.wait()
    return status


def main():
    if not sys.argv[1:]:
        be_the_world()
        return 0
    if os.geteuid() != 0 or not shutil.which("ip"):
        print("SKIPPED: only root can make a world, with ip (package iproute2)")
        return 0
    return run_in_the_world(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
