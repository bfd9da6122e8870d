"""JSON Lines with the same strictness as our YAML: no duplicate keys, NaN or half characters."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from math import isinf
from typing import Any

from tetrad.errors import Issue, Location, SpecError
from tetrad.yamldoc.scalars import LARGEST

_MAX_LINE = 1_000_000
_MAX_DEPTH = 32


class _Refused(ValueError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def json_lines(
    data: bytes, origin: str, report: Callable[[Issue], None]
) -> Iterator[tuple[Location, Any]]:
    """Every line's value with its place; a line that is refused is reported and left out."""
    for number, line in enumerate(BytesIO(data.removeprefix(b"\xef\xbb\xbf")), 1):
        if line.strip():
            location = Location(origin, number)
            try:
                value = json_value(line.rstrip(b"\r\n"), location)
            except SpecError as error:
                for issue in error.issues:
                    report(issue)
                continue
            yield location, value


def json_value(line: bytes, location: Location) -> Any:
    """One JSON text, read strictly."""
    try:
        return _read(line)
    except _Refused as error:
        issue = Issue(location=location, code=error.code, message=str(error))
    except UnicodeDecodeError:
        message, hint = "this line is not UTF-8", "save the file with the encoding UTF-8"
        issue = Issue(location=location, code="SCH100", message=message, hint=hint)
    except json.JSONDecodeError as error:
        place = Location(location.file, location.line, error.colno)
        message, hint = f"invalid JSON: {error.msg}", "write one JSON value a line"
        issue = Issue(location=place, code="SCH100", message=message, hint=hint)
    except RecursionError:
        issue = Issue(location=location, code="SCH101", message="values are nested too deep")
    raise SpecError([issue])


def _read(line: bytes) -> Any:
    if len(line) > _MAX_LINE:
        raise _Refused("SCH101", f"the line has over {_MAX_LINE:,} bytes")
    text = line.decode("utf-8")
    value = _DECODER.decode(text)
    # Only nesting or an escape can make these, and most lines have neither.
    if text.count("[") + text.count("{") > _MAX_DEPTH and _depth(value) > _MAX_DEPTH:
        raise _Refused("SCH101", f"values are nested deeper than {_MAX_DEPTH} levels")
    if "\\u" in text:
        _refuse_surrogates(value)
    return value


def _depth(value: Any) -> int:
    items = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_depth, items), default=0) if isinstance(value, dict | list) else 0


def _refuse_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _Refused("SCH101", "an escape is half a character (a lone surrogate)") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = next(name for name, count in times.items() if count > 1)
        raise _Refused("SCH102", f"duplicate key {twice!r}")
    return value


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > LARGEST:
        raise _Refused(
            "SCH105", "an integer is beyond ±(2^53−1), which JSON cannot represent exactly"
        )
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise _Refused("SCH105", "a number is too large for JSON")
    return number


def _constant(name: str) -> float:
    raise _Refused("SCH105", f"{name} is no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)
