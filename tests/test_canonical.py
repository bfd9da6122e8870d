"""Canonical bytes and digests, held against published values."""

from __future__ import annotations

import hashlib
import math
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tetrad.canonical import (
    Digest,
    Digester,
    Json,
    as_digested,
    blob_id,
    canonical_json,
    digest_bytes,
    digest_file,
    digest_of,
    merkle_root,
    read_json,
)

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
# The leaves and tree heads of certificate-transparency-go's reference tests for RFC 6962.
LEAVES = (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)  # fmt: skip
HEADS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


@pytest.mark.parametrize("size", range(len(HEADS)))
def test_merkle_roots_are_those_of_rfc_6962(size: int) -> None:
    leaves = [bytes.fromhex(leaf) for leaf in LEAVES[:size]]

    assert merkle_root(leaves).hex == HEADS[size]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None, "€"]}, '{"a":[true,null,"€"],"b":1}'),
        ((1, 2.0, 1e21, 0.000001), "[1,2,1e+21,0.000001]"),
        ({"\u20ac": 1, "\r": 2, "\U0001f600": 3, "1": 4}, '{"\\r":2,"1":4,"€":1,"😀":3}'),
        ({"\ufb33": 1, "\U0001f600": 2}, '{"😀":2,"\ufb33":1}'),  # by UTF-16 units
    ],
)
def test_json_is_written_as_rfc_8785_says(value: object, expected: str) -> None:
    assert canonical_json(value).decode() == expected  # type: ignore[arg-type]


NUMBERS = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-1000, 1000).map(lambda value: round(value, 3)),
    st.sampled_from([-0.0, 1e-4, 9.9e-5, 1e15, 999999999999999.9, 1e16, 2.0**53, 1e20, 1e21]),
)
TEXTS = st.one_of(st.text(max_size=20), st.text('\x00\x1f\x7f\b\t"\\/\u2028é😀', max_size=9))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_quickly_is_what_the_library_writes(value: Json) -> None:
    try:
        expected = rfc8785.dumps(value)
    except ValueError:  # half a surrogate pair
        with pytest.raises(ValueError, match=r".*"):
            canonical_json(value)
    else:
        assert canonical_json(value) == expected


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (5e-7, "5e-7"),
        (9.99e-7, "9.99e-7"),
        (1e-7, "1e-7"),
        (1e-6, "0.000001"),
        (1.5e-6, "0.0000015"),
        (5e-5, "0.00005"),
        (9.99e-5, "0.0000999"),
        (1e-4, "0.0001"),
        (1.25e-4, "0.000125"),
        (999999999999999.9, "999999999999999.9"),
        (1e15, "1000000000000000"),
        (1e15 + 0.5, "1000000000000000.5"),
        (2.0**53 - 1, "9007199254740991"),
        (2.0**53, "9007199254740992"),
        (1e16, "10000000000000000"),
        (1e17, "100000000000000000"),
        (123456789012345680.0, "123456789012345680"),
        (1e20, "100000000000000000000"),
        (999999999999999900000.0, "999999999999999900000"),
        (1e21, "1e+21"),
        (1.5e22, "1.5e+22"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (1, "1"),
        (2**53 - 1, "9007199254740991"),
        (1.0, "1"),
        (0.1, "0.1"),
    ],
)
def test_a_number_is_written_as_ecmascript_writes_it(
    number: float, expected: str, sign: int
) -> None:
    written = expected if sign > 0 else f"-{expected}"

    assert canonical_json(sign * number).decode() == written
    assert canonical_json({"a": [sign * number]}).decode() == f'{{"a":[{written}]}}'


@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
def test_zero_has_no_sign_and_no_fraction(zero: float) -> None:
    assert canonical_json(zero) == b"0"


@pytest.mark.parametrize("number", [True, False])
def test_a_boolean_is_no_number(number: bool) -> None:
    assert canonical_json([number]).decode() == f"[{str(number).lower()}]"


def test_any_mapping_and_any_sequence_is_written_as_json_has_them() -> None:
    value = MappingProxyType({"b": (MappingProxyType({"c": [1]}), "text"), "a": range(2)})

    assert canonical_json(value) == b'{"a":[0,1],"b":[{"c":[1]},"text"]}'


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53, -(2**53), "\ud800", {1, 2}, {1: 2}])
def test_what_rfc_8785_cannot_carry_is_refused(value: Json) -> None:
    with pytest.raises(ValueError, match=r".*"):
        canonical_json({"value": value})


class Colour(StrEnum):
    RED = "red"


def test_a_member_of_an_enumeration_of_texts_is_its_text() -> None:
    assert canonical_json({Colour.RED: [Colour.RED]}) == b'{"red":["red"]}'


def test_what_is_nested_too_deeply_is_refused() -> None:
    value: Json = None
    for _ in range(5_000):
        value = [value]

    with pytest.raises(ValueError, match=r"^nested too deeply$"):
        canonical_json(value)


@given(st.binary())
def test_bytes_files_and_pieces_have_one_digest(data: bytes) -> None:
    pieces = Digester()
    pieces.update(data[: len(data) // 2])
    pieces.update(data[len(data) // 2 :])

    assert str(digest_bytes(data)) == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert pieces.digest() == digest_bytes(data)


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")

    assert str(digest_file(tmp_path / "empty")) == EMPTY


@pytest.mark.parametrize(
    ("data", "algorithm", "expected"),
    [
        (b"", "sha1", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
        (b"hello\n", "sha1", "ce013625030ba8dba906f756967f9e9ca394464a"),
        (b"", "sha256", "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"),
    ],
)
def test_a_blob_has_the_id_that_git_gives_it(data: bytes, algorithm: str, expected: str) -> None:
    assert blob_id(data, algorithm) == expected


def test_the_digest_of_a_value_is_that_of_its_canonical_bytes() -> None:
    assert str(digest_of({})) == f"sha256:{hashlib.sha256(b'{}').hexdigest()}"


def test_a_written_digest_is_read_back() -> None:
    assert str(Digest.parse(EMPTY)) == EMPTY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:",
        EMPTY.upper(),
        EMPTY + "\n",
        EMPTY[:-1],
        EMPTY + "0",
        EMPTY.replace("256", "1"),
    ],
)
def test_anything_else_is_no_digest(text: str) -> None:
    with pytest.raises(ValueError, match="64 lower-case"):
        Digest.parse(text)


def test_keys_are_put_in_the_order_of_rfc_8785_at_every_depth() -> None:
    ordered = as_digested({"b": [{"d": 1, "c": 2}], "\u20ac": 1, "a": "x", "\r": 2})

    assert list(ordered) == ["\r", "a", "b", "\u20ac"]
    assert list(ordered["b"][0]) == ["c", "d"]

    assert list(as_digested({"\uff61": 1, "😀": 2})) == ["😀", "\uff61"]  # by UTF-16 units
    assert list(as_digested({"\ud800": 1, "a": 2})) == ["a", "\ud800"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (2.5, "2.5"),
        (1e6, "1000000"),
        (2.0**53 - 1, "9007199254740991"),
        (-(2.0**53) + 1, "-9007199254740991"),
        (2.0**53, "9007199254740992.0"),  # no JSON integer
        (2.0**54 - 2, "1.8014398509481982e+16"),
        (1e300, "1e+300"),
        (True, "True"),
    ],
)
def test_whole_numbers_are_told_without_a_fraction(value: float, expected: str) -> None:
    assert [str(number) for number in as_digested([value])] == [expected]


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 1}', '{"a": {"b": 1, "\\u0062": 2}}', "NaN", "[-Infinity]", "1e400", "[-1e400]",
     "[" * 100_000, "1" * 10_000, "{", "", "1 2", "\ufeff1"],
)  # fmt: skip
def test_json_that_could_mean_two_things_or_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_json(text)


def test_a_number_that_is_too_long_is_told_without_python_s_settings() -> None:
    with pytest.raises(ValueError, match=r"^a number of 10,000 digits$"):
        read_json("1" * 10_000)


def test_json_is_read_as_it_is_written() -> None:
    assert read_json('{"a": [1, 2.5, -1e-400, true, null, "\\u00e9"]}') == {
        "a": [1, 2.5, 0.0, True, None, "é"]
    }
