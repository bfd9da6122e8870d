"""Licences as bills of materials name them: an SPDX identifier has exactly one spelling there."""

from __future__ import annotations

import re

from tetrad.canonical import Json

# Those under which models and data are published; any other stands by the name that was written.
_IDENTIFIERS = (
    "AFL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause",
    "BSD-3-Clause", "BSL-1.0", "CC-BY-2.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-2.0",
    "CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0",
    "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC0-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0",
    "CDLA-Sharing-1.0", "ECL-2.0", "EPL-2.0", "EUPL-1.1", "EUPL-1.2", "GFDL-1.3-or-later",
    "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "ISC",
    "LGPL-2.1-only", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MPL-2.0", "MS-PL", "NCSA",
    "ODbL-1.0", "ODC-By-1.0", "OFL-1.1", "OSL-3.0", "PDDL-1.0", "PostgreSQL", "Unlicense", "WTFPL",
    "Zlib",
)  # fmt: skip
_WORD = re.compile(r"[()]|[^\s()]+")
_JOINED = {word: word for word in ("AND", "OR", "(", ")")}
_SPELLINGS = {identifier.lower(): identifier for identifier in _IDENTIFIERS}


def licences(written: str) -> list[Json]:
    """What a component's `licenses` holds for the licence that a file states."""
    words = _WORD.findall(written)
    found = [_JOINED.get(word.upper()) or _SPELLINGS.get(word.lower()) for word in words]
    if not written.strip():
        return []
    if not all(found) or "".join(words) != "".join(written.split()):
        return [{"license": {"name": written}}]
    if len(found) == 1:
        return [{"license": {"id": found[0]}}]
    return [{"expression": " ".join(filter(None, found)).replace("( ", "(").replace(" )", ")")}]
