#!/usr/bin/env python3
"""One image of several layers, written by each tool in each of its formats: all import to the same layers, and the root
file system is the one that `umoci unpack` makes of it. A tool that is not there or cannot run here is skipped by name."""

import hashlib
import io
import json
import os
import pathlib
import shutil
import stat
import subprocess
import tarfile
import unittest

from harness import ProjectTest

CAPABILITY = b"\x01\x00\x00\x02\x00\x04\x00\x00" + b"\x00" * 12  # cap_net_bind_service, effective


def entry(tar, name, kind=tarfile.REGTYPE, content=b"", mode=0o644, link="", xattrs=None, mtime=1_600_000_000.25):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname, info.size = kind, mode, link, len(content)
    info.uid, info.gid, info.mtime = 1000, 1001, mtime
    info.pax_headers = {"SCHILY.xattr." + key: value for key, value in (xattrs or {}).items()}
    tar.addfile(info, io.BytesIO(content))


def layer(fill):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as tar:
        fill(tar)
    return buffer.getvalue()


def lower(tar):
    for folder in ("bin", "etc", "etc/kept", "opaque", "swap", "gone"):
        entry(tar, folder, tarfile.DIRTYPE, mode=0o755)
    entry(tar, "bin/su", content=b"su" * 4000, mode=0o4755)
    entry(tar, "bin/ping", content=b"ping", mode=0o755,
          xattrs={"security.capability": CAPABILITY.decode("utf-8", "surrogateescape")})
    entry(tar, "bin/other", tarfile.LNKTYPE, link="bin/su", mode=0o4755)
    entry(tar, "etc/passwd", content=b"root:x:0:0::/:/bin/sh\n", xattrs={"user.note": "a note"})
    entry(tar, "etc/kept/file", content=b"kept", mtime=1_500_000_000.123456)
    entry(tar, "opaque/hidden", content=b"hidden")
    entry(tar, "swap/file", content=b"a directory once")
    entry(tar, "gone/file", content=b"gone")
    entry(tar, "link", tarfile.SYMTYPE, link="etc/passwd")
    deep = ""
    for _ in range(4):
        deep += "long" * 12
        entry(tar, deep, tarfile.DIRTYPE, mode=0o755)
        deep += "/"
    entry(tar, deep + "file", content=b"long")
    entry(tar, os.fsdecode(b"caf\xe9"), content=b"not UTF-8")


def upper(tar):
    entry(tar, ".wh.gone")
    entry(tar, "etc/.wh.passwd")
    entry(tar, "opaque", tarfile.DIRTYPE, mode=0o750)
    entry(tar, "opaque/.wh..wh..opq")
    entry(tar, "opaque/new", content=b"new")
    entry(tar, "swap", content=b"a file now")
    entry(tar, "bin/copy", tarfile.LNKTYPE, link="bin/su", mode=0o4755)
    entry(tar, "bin", tarfile.DIRTYPE, mode=0o711)


def write_layout(directory, layers):
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(kind, data):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest, "size": len(data)}

    stored = [blob("layer.v1.tar", data) for data in layers]
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    config = {"architecture": machine, "os": "linux", "config": {"Cmd": ["/bin/sh"]},
              "rootfs": {"type": "layers", "diff_ids": [one["digest"] for one in stored]}}
    manifest = {"schemaVersion": 2, "config": blob("config.v1+json", json.dumps(config).encode()), "layers": stored}
    descriptor = blob("manifest.v1+json", json.dumps(manifest).encode())
    descriptor["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def describe(root):
    """Path to everything that matters of it."""
    seen, tree = {}, {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in [b""] * (folder == os.fsencode(root)) + folders + files:
            path = os.path.join(folder, name) if name else folder
            status = os.lstat(path)
            relative = os.path.relpath(path, os.fsencode(root))
            kind = stat.S_IFMT(status.st_mode)
            content = b""
            if stat.S_ISREG(status.st_mode):
                content = pathlib.Path(os.fsdecode(path)).read_bytes()
            elif stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            xattrs = {key: os.getxattr(path, key, follow_symlinks=False)
                      for key in os.listxattr(path, follow_symlinks=False)
                      if not key.startswith(("user.overlay.", "user.rootlesscontainers"))}
            first = seen.setdefault((status.st_dev, status.st_ino), relative) if status.st_nlink > 1 else relative
            times = () if relative == b"." else (status.st_mtime_ns,)
            tree[relative] = (kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, *times, content, xattrs,
                              b"" if stat.S_ISDIR(status.st_mode) else first)
    return tree


class ImageMatrixTest(ProjectTest):
    def setUp(self):
        super().setUp()
        self.layout = self.dir / "layout"
        self.layers = [layer(lower), layer(upper)]
        write_layout(self.layout, self.layers)
        self.diff_ids = ["sha256:" + hashlib.sha256(data).hexdigest() for data in self.layers]

    def tool(self, *command, **environment):
        if not shutil.which(command[0]):
            self.skipTest(f"{command[0]} is not installed")
        done = subprocess.run(list(map(str, command)), env=dict(os.environ, **environment), capture_output=True, text=True,
                              timeout=120, check=False)
        if done.returncode:
            self.skipTest(f"{command[0]} does not work here: {done.stderr.strip().splitlines()[-1:]}")

    def check(self, source, *options):
        done = self.run_stagebox("image", "import", source, "--name", "m", "--json", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["layers"], self.diff_ids)
        verified = self.run_stagebox("image", "verify", "m")
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def skopeo(self, target):
        self.tool("skopeo", "--insecure-policy", "copy", "--quiet", f"oci:{self.layout}:latest", target)

    def test_layout(self):
        self.check(self.layout)

    def test_skopeo_oci_archive(self):
        self.skopeo(f"oci-archive:{self.dir}/a.tar:x")
        self.check(self.dir / "a.tar", "--ref", "x")

    def test_skopeo_docker_archive(self):
        self.skopeo(f"docker-archive:{self.dir}/a.tar:example.org/x:1")
        self.check(f"{self.dir}/a.tar:example.org/x:1")

    def test_skopeo_gzip_and_zstd_layers(self):
        for how in ("gzip", "zstd"):
            self.tool("skopeo", "--insecure-policy", "copy", "--quiet", "--dest-compress", "--dest-compress-format", how,
                      f"oci:{self.layout}:latest", f"oci:{self.dir}/{how}:x")
            self.check(self.dir / how)

    def test_umoci(self):
        shutil.copytree(self.layout, self.dir / "umoci")
        self.tool("umoci", "config", "--image", f"{self.dir}/umoci:latest", "--config.user", "1:1", "--tag", "second")
        self.check(f"{self.dir}/umoci:second")

    def storage(self):
        return {"STORAGE_DRIVER": "vfs", "XDG_RUNTIME_DIR": str(self.dir / "run"), "TMPDIR": str(self.dir)}

    def test_podman_save(self):
        root = ["--storage-driver", "vfs", "--root", self.dir / "podman", "--runroot", self.dir / "run"]
        self.skopeo(f"docker-archive:{self.dir}/in.tar:localhost/x:1")
        self.tool("podman", *root, "load", "--quiet", "--input", self.dir / "in.tar", **self.storage())
        for how in ("docker-archive", "oci-archive"):
            out = self.dir / f"{how}.tar"
            self.tool("podman", *root, "save", "--quiet", "--format", how, "--output", out, "localhost/x:1", **self.storage())
            self.check(out)

    def test_buildah_push(self):
        root = ["--storage-driver", "vfs", "--root", self.dir / "buildah", "--runroot", self.dir / "run"]
        self.tool("buildah", *root, "pull", "--quiet", f"oci:{self.layout}:latest", **self.storage())
        listed = subprocess.run(["buildah", *map(str, root), "images", "--quiet"], capture_output=True, text=True, timeout=60,
                                env=dict(os.environ, **self.storage()), check=True)
        self.tool("buildah", *root, "push", "--quiet", listed.stdout.split()[0], f"oci-archive:{self.dir}/b.tar:b",
                  **self.storage())
        self.check(self.dir / "b.tar")

    def test_compressed_and_standard_input(self):
        self.skopeo(f"oci-archive:{self.dir}/a.tar:x")
        subprocess.run(["gzip", self.dir / "a.tar"], check=True)
        self.check(self.dir / "a.tar.gz")
        with open(self.dir / "a.tar.gz", "rb") as archive:
            cat = subprocess.Popen(["cat"], stdin=archive, stdout=subprocess.PIPE)
            process = self.start("image", "import", "-", "--name", "piped", "--json", stdin=cat.stdout)
            cat.stdout.close()
            out, err = process.communicate(timeout=120)
            cat.wait()
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(json.loads(out)["layers"], self.diff_ids)

    def test_exported_again(self):
        self.check(self.layout)
        for how in ("oci-archive", "docker-archive"):
            out = self.dir / f"{how}.tar"
            done = self.run_stagebox("image", "export", "m", out, "--format", how)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.tool("skopeo", "--insecure-policy", "copy", "--quiet", f"{how}:{out}", f"oci:{self.dir}/{how}:x")
            self.check(self.dir / how)

    def test_damage_is_named_and_has_status_3(self):
        self.check(self.layout)
        ping = next(self.home.glob("images/layers/*/fs/bin/ping"))
        ping.write_bytes(b"pong")
        done = self.run_stagebox("image", "verify", "m")
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn('"bin/ping": its content has changed', done.stdout)
        self.assertIn("--repair", done.stdout)

    @unittest.skipUnless(os.geteuid() == 0, "mounting needs root")
    def test_same_root_as_umoci_unpack(self):
        self.check(self.layout)
        self.tool("umoci", "unpack", "--image", f"{self.layout}:latest", self.dir / "bundle")
        by_chain = [self.diff_ids[0][7:]]
        by_chain.append(hashlib.sha256(f"sha256:{by_chain[0]} {self.diff_ids[1]}".encode()).hexdigest())
        lowers = ":".join(str(self.home / "images/layers" / chain / "fs") for chain in reversed(by_chain))
        merged = self.dir / "merged"
        merged.mkdir()
        subprocess.run(["mount", "-t", "overlay", "none", "-o", f"ro,userxattr,lowerdir={lowers}", merged], check=True)
        self.addCleanup(subprocess.run, ["umount", merged], check=True)
        ours, theirs = describe(merged), describe(self.dir / "bundle" / "rootfs")
        # In an overlay, files of different layers are never the same file: there the link is a copy.
        self.assertEqual(ours[b"bin/su"][:-1], ours[b"bin/copy"][:-1])
        for path in (b"bin/su", b"bin/other", b"bin/copy"):
            ours[path], theirs[path] = ours[path][:-1], theirs[path][:-1]
        self.assertEqual(sorted(ours), sorted(theirs))
        for path, what in ours.items():
            self.assertEqual(what, theirs[path], path)


if __name__ == "__main__":
    unittest.main()
