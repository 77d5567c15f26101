"""Layers and archives as tools write them that cannot be had here, made from their formats' descriptions: eStargz
(github.com/containerd/stargz-snapshotter, docs/estargz.md) and the OCI archives of BuildKit's exporters with attestations.
"""

import gzip
import hashlib
import io
import json
import struct
import tarfile

TOC_NAME = "stargz.index.json"
LANDMARK = ".no.prefetch.landmark"  # nothing of this layer is to be fetched first
OCI = "application/vnd.oci.image."


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _member(data):
    return gzip.compress(data, mtime=0)


def _toc_entry(info, offset):
    kinds = {tarfile.REGTYPE: "reg", tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink"}
    return {"name": info.name.encode("utf-8", "replace").decode(), "type": kinds[info.type], "size": info.size, "mode": info.mode,
            "uid": info.uid, "gid": info.gid, "linkName": info.linkname, "offset": offset}


def _footer(toc_offset):
    """An empty gzip member of 51 bytes whose extra field says where the table of contents begins."""
    extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % toc_offset
    header = b"\x1f\x8b\x08\x04" + b"\0" * 4 + b"\0\xff" + struct.pack("<H", len(extra)) + extra
    return header + b"\x01\x00\x00\xff\xff" + b"\0" * 8


def _regular(name, content):
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o444
    padding = b"\0" * (-len(content) % tarfile.BLOCKSIZE)
    return info.tobuf(tarfile.PAX_FORMAT), content + padding


def estargz(tar):
    """The stored bytes, the bytes that they inflate to, and the annotations of the layer's descriptor."""
    members, inflated, entries, stored = [], [], [], 0

    def put(data):
        nonlocal stored
        member = _member(data)
        members.append(member)
        inflated.append(data)
        stored += len(member)
        return stored - len(member)

    header, content = _regular(LANDMARK, b"\x0f")
    put(header + content)
    with tarfile.open(fileobj=io.BytesIO(tar), errors="surrogateescape") as archive:
        infos = archive.getmembers()
        ends = [info.offset for info in infos[1:]] + [archive.offset]
    for info, end in zip(infos, ends):
        offset = put(tar[info.offset:info.offset_data])
        if info.isreg() and info.size:
            offset = put(tar[info.offset_data:end])
        entries.append(_toc_entry(info, offset))
    toc = json.dumps({"version": 1, "entries": entries}).encode()
    header, content = _regular(TOC_NAME, toc)
    toc_offset = put(header + content + b"\0" * 2 * tarfile.BLOCKSIZE)
    members.append(_footer(toc_offset))
    annotations = {"containerd.io/snapshot/stargz/toc.digest": digest(toc),
                   "io.containers.estargz.uncompressed-size": str(sum(map(len, inflated)))}
    return b"".join(members), b"".join(inflated), annotations


class Blobs:
    """The files of an OCI layout."""

    def __init__(self):
        self.files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def add(self, media_type, data, **more):
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        self.files["blobs/sha256/" + digest(data)[7:]] = data
        return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}

    def archive(self):
        """Sorted by name, with entries for directories, as containerd's exporter has it."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name in sorted([*self.files, "blobs/", "blobs/sha256/"]):
                info = tarfile.TarInfo(name.rstrip("/"))
                content = self.files.get(name, b"")
                info.size, info.mode = len(content), 0o444
                if name.endswith("/"):
                    info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info, io.BytesIO(content))
        return buffer.getvalue()


def _image(blobs, platform, diff_ids, layers):
    config = {"architecture": platform["architecture"], "os": platform["os"], "config": {"Cmd": ["/bin/sh"]},
              "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    return blobs.add(OCI + "manifest.v1+json", {
        "schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
        "config": blobs.add(OCI + "config.v1+json", config), "layers": layers}, platform=platform)


def _attestation(blobs, image):
    """The provenance of an image: an artifact that looks like an image for an unknown platform."""
    statement = {"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://slsa.dev/provenance/v0.2",
                 "subject": [{"name": "x", "digest": {"sha256": image["digest"][7:]}}], "predicate": {}}
    layer = blobs.add("application/vnd.in-toto+json", statement,
                      annotations={"in-toto.io/predicate-type": statement["predicateType"]})
    unknown = {"architecture": "unknown", "os": "unknown"}
    described = _image(blobs, unknown, [layer["digest"]], [layer])
    return described | {"annotations": {"vnd.docker.reference.digest": image["digest"],
                                        "vnd.docker.reference.type": "attestation-manifest"}}


def buildkit_archive(layers, architecture, exporter):
    """As `docker buildx build --output type=oci|docker` writes it, with provenance: gzip layers, one image index within
    the layout's index, and for docker a manifest.json beside it."""
    blobs = Blobs()
    packed = [blobs.add(OCI + "layer.v1.tar+gzip", gzip.compress(tar, mtime=0)) for tar in layers]
    image = _image(blobs, {"architecture": architecture, "os": "linux"}, [digest(tar) for tar in layers], packed)
    index = {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": [image, _attestation(blobs, image)]}
    names = {"io.containerd.image.name": "docker.io/library/built:1", "org.opencontainers.image.ref.name": "1",
             "org.opencontainers.image.created": "2026-01-02T03:04:05Z"}
    outer = {"schemaVersion": 2, "mediaType": OCI + "index.v1+json",
             "manifests": [blobs.add(OCI + "index.v1+json", index, annotations=names)]}
    blobs.files["index.json"] = json.dumps(outer).encode()
    if exporter == "docker":
        config = json.loads(blobs.files["blobs/sha256/" + image["digest"][7:]])["config"]
        blobs.files["manifest.json"] = json.dumps([
            {"Config": "blobs/sha256/" + config["digest"][7:], "RepoTags": ["docker.io/library/built:1"],
             "Layers": ["blobs/sha256/" + layer["digest"][7:] for layer in packed]}]).encode()
    return blobs.archive()


def estargz_archive(layers, architecture):
    """The same with eStargz layers, as `nerdctl image convert --estargz` writes it; and their diff ids."""
    blobs = Blobs()
    packed, diff_ids = [], []
    for tar in layers:
        stored, inflated, annotations = estargz(tar)
        packed.append(blobs.add(OCI + "layer.v1.tar+gzip", stored, annotations=annotations))
        diff_ids.append(digest(inflated))
    image = _image(blobs, {"architecture": architecture, "os": "linux"}, diff_ids, packed)
    blobs.files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [image]}).encode()
    return blobs.archive(), diff_ids
