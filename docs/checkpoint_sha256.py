#!/usr/bin/env python3
"""Prints the SHA-256 of a checkpoint's parameters and whether it is the one its manifest states.

Usage: checkpoint_sha256.py RUN/checkpoints/000000001000
Needs Python 3 alone. Written independently of Emend, from the description in CHECKPOINTS.md.
"""
import hashlib
import json
import pathlib
import struct
import sys

directory = pathlib.Path(sys.argv[1])
manifest = json.loads((directory / "manifest.json").read_text())["manifest"]

slices = {}  # (group, name) -> [(offset, bytes)]
for file in manifest["files"]:
    data = (directory / file["name"]).read_bytes()
    if hashlib.sha256(data).hexdigest() != file["sha256"]:
        sys.exit(f"{file['name']}: SHA-256 differs from the manifest's")
    (length,) = struct.unpack("<Q", data[:8])
    for key, entry in json.loads(data[8 : 8 + length]).items():
        if key == "__metadata__":
            continue
        path, offset = key.split("@")
        group, name, plane = path.split("/")
        if plane == "values":
            begin, end = entry["data_offsets"]
            value = data[8 + length + begin : 8 + length + end]
            slices.setdefault((group, name), []).append((int(offset), value))

digest = hashlib.sha256()
for tensor in manifest["tensors"]:
    for _, value in sorted(slices.get((tensor["group"], tensor["name"]), [])):
        digest.update(value)

print(digest.hexdigest())
if digest.hexdigest() != manifest["parameters_sha256"]:
    sys.exit(f"expected {manifest['parameters_sha256']}")
