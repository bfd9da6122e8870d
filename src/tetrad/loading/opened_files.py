"""`files:` of a tool or a suite: what of the repository its Python code opens."""

from __future__ import annotations

import posixpath

from tetrad.canonical import digest_text
from tetrad.loading.context import Context
from tetrad.loading.fields import Fields
from tetrad.modules import OpenedFile
from tetrad.yamldoc.parse import Path


def opened_files(fields: Fields, context: Context, path: Path) -> tuple[OpenedFile, ...]:
    """The files of a list that may be missing; one that cannot be read is reported."""
    written = fields.value(path[:-1]).get(path[-1], ())
    found = (opened_file(fields, context, (*path, number)) for number in range(len(written)))
    return tuple(sorted({one for one in found if one is not None}, key=lambda one: one.name))


def opened_file(fields: Fields, context: Context, path: Path) -> OpenedFile | None:
    """One of them: relative to the file that declares it, or from the root."""
    found = context.data(fields, path, fields.value(path))
    if found is None:
        return None
    file, data = found
    folder = posixpath.dirname(fields.source(path).origin)
    return OpenedFile(
        name=posixpath.relpath(file, folder or "."), file=file, digest=digest_text(data)
    )
