"""Pointers, and what gateways say of themselves, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from tetrad.canonical import Digest, Json, canonical_json, read_json
from tetrad.evidence import Refused
from tetrad.identity import read_identity, written_identity
from tetrad.model.serving import Fallback, FixedAnswer, OtherStack
from tetrad.pointer.gateways import GatewayState
from tetrad.pointer.pointers import Pointer, ServedIdentity, Withdrawal
from tetrad.registry.entry import read_time, written_time
from tetrad.results.codec import Codec, ShapeError, fields_reader

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")

_HEAD: dict[str, Json] = {"kind": "pointer", "version": 1}


def write_pointer(pointer: Pointer) -> bytes:
    """RFC 8785 bytes, which are signed."""
    return canonical_json({**_HEAD, **_CODEC.dump(pointer)})


def read_pointer(payload: bytes) -> Pointer:
    """Read what `write_pointer` wrote, and nothing else; raises Refused."""
    try:
        document = read_json(payload.decode())
        pointer = _CODEC.load(Pointer, document)
        is_canonical = write_pointer(pointer) == payload
    except ValueError as error:  # ShapeError is one, too
        raise Refused("statement", f"not a pointer: {error}") from None
    if not is_canonical:
        raise Refused(
            "statement", "not in canonical form, or of a newer Tetrad: a field is unknown"
        )
    return pointer


def write_state(state: GatewayState) -> str:
    return canonical_json(_CODEC.dump(state)).decode()


def read_state(written: str) -> GatewayState:
    """ShapeError where it is none."""
    return _CODEC.load(GatewayState, read_json(written))


def as_json(value: object) -> Json:
    """A pointer or a part of one as programs read it."""
    written: Json = read_json(canonical_json(_CODEC.dump(value)).decode())
    return written


def _configure(converter: Converter) -> None:
    converter.register_unstructure_hook(datetime, written_time)
    converter.register_structure_hook(datetime, lambda value, _: _read_time(value))
    converter.register_unstructure_hook_func(_is_fallback, _dump_fallback)
    converter.register_structure_hook_func(_is_fallback, lambda value, _: _load_fallback(value))
    for kind in (ServedIdentity, Withdrawal):
        _name_identities(converter, kind)
    _leave_out_entry(converter)


def _name_identities(converter: Converter, kind: type) -> None:
    """Identities are written `tetrad:…`, as everywhere; other digests `sha256:…`."""
    from cattrs.gen import make_dict_unstructure_fn, override

    identity: Any = override(
        unstruct_hook=written_identity, struct_hook=lambda value, _: _read_identity(value)
    )
    write: Any = make_dict_unstructure_fn(
        kind, converter, _cattrs_omit_if_default=True, identity=identity
    )
    converter.register_unstructure_hook(kind, write)
    converter.register_structure_hook(kind, fields_reader(converter, kind, identity=identity))


def _leave_out_entry(converter: Converter) -> None:
    """Where a pointer was read from is no part of it."""
    from cattrs.gen import make_dict_unstructure_fn, override

    write: Any = make_dict_unstructure_fn(
        Pointer, converter, _cattrs_omit_if_default=True, entry=override(omit=True)
    )
    converter.register_unstructure_hook(Pointer, write)
    read = fields_reader(converter, Pointer, entry=override(omit=True))
    converter.register_structure_hook(Pointer, read)


def _read_identity(value: Any) -> Digest:
    if not isinstance(value, str):
        raise ShapeError("must be a text")
    try:
        return read_identity(value)
    except ValueError as error:
        raise ShapeError(str(error)) from None


def _read_time(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ShapeError("must be a text")
    try:
        return read_time(value)
    except ValueError as error:
        raise ShapeError(str(error)) from None


def _is_fallback(hint: Any) -> bool:
    return bool(hint == Fallback | None)


def _dump_fallback(value: Fallback | None) -> Json:
    match value:
        case FixedAnswer(answer=answer):
            return {"answer": answer}
        case OtherStack(ref=ref):
            return {"ref": ref}
    return value


def _load_fallback(value: Any) -> Fallback | None:
    match value:
        case None | "previous":
            return value
        case {"answer": str(answer)}:
            return FixedAnswer(answer=answer)
        case {"ref": str(ref)}:
            return OtherStack(ref=ref)
    raise ShapeError("must be previous, a stack or an answer")


_CODEC = Codec(_configure)
