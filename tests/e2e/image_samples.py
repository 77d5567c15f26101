"""An image of two layers that has one of everything, as an OCI layout."""

import hashlib
import io
import json
import os
import tarfile

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
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


def ended_as_by_go(data):
    """The archive with two blocks of zeros at its end, and not filled up to a record."""
    end = len(data.rstrip(b"\0"))
    return data[:end + -end % tarfile.BLOCKSIZE] + b"\0" * 2 * tarfile.BLOCKSIZE


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
