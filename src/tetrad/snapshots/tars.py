"""Tar archives that are the same for the same files, and read in one way only.

Read are plain files and folders by POSIX (ustar, and `path` of pax headers), nothing else: what
tarfile takes besides (links, sparse files, GNU's and older headers, sizes below zero) is read by
different programs as different files.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping
from io import BytesIO

from tetrad.errors import ArtifactError
from tetrad.snapshots.snapshot import MAX_BYTES, MAX_FILES, refuse_paths

_BLOCK = 512
_KINDS = {
    "1": "a hard link", "2": "a symbolic link", "3": "a device", "4": "a device", "6": "a pipe",
}  # fmt: skip
_IGNORED = frozenset({"atime", "ctime", "mtime", "uname", "gname", "uid", "gid"})
_OCTAL = re.compile(rb" *([0-7]+)[ \0]*\Z")
_RECORD = re.compile(rb"([1-9][0-9]{0,9}) ([^=\n]+)=")


def write_tar(files: Mapping[str, bytes]) -> bytes:
    """A tar of the files in the order of their paths, without times, owners and modes of their own."""
    written = BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, data in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size = len(data)
            member.mode = 0o644
            archive.addfile(member, BytesIO(data))
    return written.getvalue()


def read_tar(data: bytes, origin: str) -> dict[str, bytes]:
    """The files of a tar by their paths; ArtifactError for one that holds anything else."""
    found: dict[str, bytes] = {}
    at, size, name = 0, 0, None
    while any(header := data[at : at + _BLOCK]):
        kind, path, length = _header(header, origin)
        content = data[at + _BLOCK : at + _BLOCK + length]
        if len(content) < length:
            raise ArtifactError(f"{origin}: the archive ends in the middle of {path!r}")
        at += _BLOCK + -(-length // _BLOCK) * _BLOCK
        if kind == "x":
            name = _long_name(content, origin)
            continue
        path, name = name or path, None
        if kind != "5":
            if path in found:
                raise ArtifactError(f"{origin}: {path!r} occurs twice")
            found[path] = content
            size += length
        if size > MAX_BYTES or len(found) > MAX_FILES:
            raise ArtifactError(
                f"{origin}: the archive holds more than {MAX_BYTES / 1e6:,.0f} MB"
                f" or {MAX_FILES:,} files"
            )
    if not header or any(data[at:]):
        raise ArtifactError(f"{origin}: the archive does not end as a tar does")
    refuse_paths(found, origin)
    return found


def _header(block: bytes, origin: str) -> tuple[str, str, int]:
    """The kind of an entry, its path and its length."""
    if len(block) < _BLOCK or block[257:265] != b"ustar\x0000":
        raise ArtifactError(f"{origin} is not a tar archive")
    summed = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    if _octal(block[148:156]) != summed:
        raise ArtifactError(f"{origin}: the archive is damaged: a header does not add up")
    kind = block[156:157].decode("latin-1")
    parts = (block[345:500], block[:100])
    path = "/".join(_text(part, origin) for part in parts if part.rstrip(b"\0"))
    length = _octal(block[124:136])
    if kind not in {"0", "\0", "5", "x"}:
        what = _KINDS.get(kind, f"an entry of the unknown kind {kind!r}")
        raise ArtifactError(f"{origin}: {path!r} is {what}")
    if length is None or (kind == "5" and length):
        raise ArtifactError(f"{origin}: the archive is damaged: {path!r} has no size")
    return kind, path, length


def _long_name(records: bytes, origin: str) -> str | None:
    """The path that a pax header gives to the next entry, where it gives one."""
    name = None
    while records:
        record = _RECORD.match(records)
        length = int(record[1]) if record else 0
        if record is None or records[length - 1 : length] != b"\n":
            raise ArtifactError(f"{origin}: the archive is damaged: a header cannot be read")
        key = record[2].decode("latin-1")
        if key == "path":
            name = _text(records[record.end() : length - 1], origin)
        elif key not in _IGNORED:
            raise ArtifactError(f"{origin}: the archive has a header {key!r}, which is not read")
        records = records[length:]
    return name


def _octal(field: bytes) -> int | None:
    match = _OCTAL.match(field)
    return int(match[1], 8) if match else None


def _text(field: bytes, origin: str) -> str:
    try:
        return field.partition(b"\0")[0].decode()
    except UnicodeDecodeError as error:
        raise ArtifactError(f"{origin}: the archive has a path that is not UTF-8") from error
