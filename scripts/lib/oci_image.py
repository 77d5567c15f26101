"""Wraps the tar of a root file system into an OCI archive with one gzip layer.

The same tar gives the same bytes: no time of day, no name of the machine, sorted keys. Nothing but Python's
standard library is needed.
"""

import argparse
import hashlib
import io
import json
import pathlib
import platform
import tarfile
import tempfile
import zlib

CHUNK = 1 << 20
# Fast rather than small: the archive is read once and then lives unpacked in the image store.
COMPRESSION_LEVEL = 3
GZIP_FORMAT = 16 + zlib.MAX_WBITS  # zlib then writes a gzip header without name and time

MEDIA = "application/vnd.oci.image"
# The OCI specification names architectures as Go does.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386", "ppc64le": "ppc64le",
                 "riscv64": "riscv64", "s390x": "s390x"}


def compress(source, target):
    """Writes `source` to `target` as gzip; returns the digests of both and the compressed size."""
    plain, packed, size = hashlib.sha256(), hashlib.sha256(), 0
    compressor = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, GZIP_FORMAT)

    def emit(data):
        nonlocal size
        packed.update(data)
        target.write(data)
        size += len(data)

    while chunk := source.read(CHUNK):
        plain.update(chunk)
        emit(compressor.compress(chunk))
    emit(compressor.flush())
    return plain.hexdigest(), packed.hexdigest(), size


def to_json(document):
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def config_document(diff_id, options):
    return {
        "architecture": options.architecture,
        "os": "linux",
        "config": {"Env": options.env, "Cmd": options.cmd, "WorkingDir": "/",
                   **({"User": options.user} if options.user else {})},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
        "history": [{"created_by": options.comment}],
    }


class Archive:
    """A tar with fixed metadata, the shape of an OCI image layout."""

    def __init__(self, path):
        self._tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)
        self._add_directories("blobs", "blobs/sha256")

    def _add_directories(self, *names):
        for name in names:
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            self._tar.addfile(info)

    def add(self, name, content, size):
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o644
        self._tar.addfile(info, content)

    def add_blob(self, data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        self.add(f"blobs/sha256/{digest}", io.BytesIO(data), len(data))
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def close(self):
        self._tar.close()


def write_archive(options):
    with tempfile.TemporaryFile(dir=options.output.parent) as layer:
        with open(options.rootfs_tar, "rb") as source:
            diff_id, digest, size = compress(source, layer)
        layer.seek(0)
        archive = Archive(options.output)
        archive.add(f"blobs/sha256/{digest}", layer, size)
    config = archive.add_blob(to_json(config_document(diff_id, options)), f"{MEDIA}.config.v1+json")
    manifest = archive.add_blob(to_json({
        "schemaVersion": 2, "mediaType": f"{MEDIA}.manifest.v1+json", "config": config,
        "layers": [{"mediaType": f"{MEDIA}.layer.v1.tar+gzip", "digest": f"sha256:{digest}", "size": size}],
    }), f"{MEDIA}.manifest.v1+json")
    index = to_json({"schemaVersion": 2, "mediaType": f"{MEDIA}.index.v1+json", "manifests": [
        manifest | {"annotations": {"org.opencontainers.image.ref.name": options.name}}]})
    layout = to_json({"imageLayoutVersion": "1.0.0"})
    archive.add("index.json", io.BytesIO(index), len(index))
    archive.add("oci-layout", io.BytesIO(layout), len(layout))
    archive.close()
    return manifest["digest"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="the image's reference name, for example latest")
    parser.add_argument("rootfs_tar", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--user", default="", help="USER of the image; empty is root")
    parser.add_argument("--architecture", default=ARCHITECTURES.get(platform.machine(), platform.machine()),
                        help="as the OCI specification names it; this machine's by default")
    parser.add_argument("--comment", default="", help="how the layer was made, for the image's history")
    parser.add_argument("--env", action="append", metavar="NAME=VALUE")
    parser.add_argument("--cmd", type=str.split, default=["/bin/sh"], metavar="'PROGRAM ARGUMENT...'",
                        help="what a container of the image executes; /bin/sh by default")
    options = parser.parse_args()
    options.env = options.env or ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    print(write_archive(options))


if __name__ == "__main__":
    main()
