"""JSON as models and servers write it: its grammar is kept strictly, its numbers may be any."""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from typing import NoReturn

_LARGEST = sys.float_info.max


@lru_cache(maxsize=1)
def strict_decoder() -> json.JSONDecoder:
    """Reads JSON and nothing more: Python's own takes NaN and Infinity too.

    A number beyond what a float holds is the largest float, so that a schema can say what it may be;
    Python would refuse an integer of over 4,300 digits, and read 1e999 as infinity.
    """
    return json.JSONDecoder(
        parse_constant=refuse_constant, parse_int=_integer, parse_float=_bounded
    )


def refuse_constant(name: str) -> NoReturn:
    """For `json.loads`, which takes NaN and Infinity otherwise."""
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < sys.int_info.default_max_str_digits else _bounded(digits)


def _bounded(digits: str) -> float:
    return max(-_LARGEST, min(float(digits), _LARGEST))
