"""The Open Inference Protocol's infer request and response, JSON and binary tensors.

Sources: Open Inference Protocol v2, "Inference" (github.com/kserve/open-inference-protocol,
specification/protocol/inference_rest.md) and Triton's binary tensor data extension
(github.com/triton-inference-server/server, docs/protocol/extension_binary_data.md). A body with binary
tensors is a JSON header, whose length the HTTP header ``Inference-Header-Content-Length`` gives, followed
by the tensors' little-endian bytes in the order of the header.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from model_store.base import Arrays

Array = npt.NDArray[np.generic]

HEADER_LENGTH = "Inference-Header-Content-Length"

#: Request parameter of this system: say who is served instead of running the model; it reaches the loaded
#: model's process.
DESCRIBE = "describe"
#: Response parameter of this system: SHA-256 of the weights that are loaded.
DIGEST = "weights_sha256"

#: Datatypes of the protocol that models here take and give. BYTES and BF16 have no use for images.
DTYPES: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
# numpy kinds of parsed JSON that each kind of datatype may come from
_JSON_KINDS = {"b": "b", "u": "iu", "i": "iu", "f": "iuf"}
_MAX_RANK = 8


class ProtocolError(ValueError):
    """The body is not a sound infer request; the message says what is wrong with it."""


@dataclass(frozen=True)
class InferRequest:
    """A decoded infer request.

    ``outputs``: name of each requested output -> whether as binary; empty asks for all outputs, which then
    come as binary if ``binary_output``.
    """

    id: str
    inputs: dict[str, Array]
    outputs: dict[str, bool] = field(default_factory=dict)
    binary_output: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)


def decode_request(body: bytes | bytearray, header_length: int | None = None) -> InferRequest:
    """Decode an infer request.

    ``header_length``: length of the JSON header where binary tensors follow it, else the whole body is JSON.
    Raises ``ProtocolError``.
    """
    if header_length is not None and not 0 <= header_length <= len(body):
        raise ProtocolError(f"{HEADER_LENGTH} is {header_length}, but the body has {len(body)} bytes.")
    end = len(body) if header_length is None else header_length
    request = _json_object(bytes(body[:end]))
    parameters = _object(request, "parameters")
    tensors = _Tensors(memoryview(body)[end:])
    inputs: dict[str, Array] = {}
    for entry in _list(request, "inputs"):
        name = _name(entry, "input")
        if name in inputs:
            raise ProtocolError(f"Input {name!r} is given twice.")
        inputs[name] = tensors.decode(name, entry)
    tensors.expect_end()
    outputs = {
        _name(entry, "output"): _flag(_object(entry, "parameters"), "binary_data")
        for entry in _list(request, "outputs")
    }
    return InferRequest(
        id=str(request.get("id", "")),
        inputs=inputs,
        outputs=outputs,
        binary_output=_flag(parameters, "binary_data_output"),
        parameters=parameters,
    )


def encode_response(
    model: str, outputs: Arrays, request: InferRequest, parameters: Mapping[str, Any] | None = None
) -> tuple[bytes, int | None]:
    """Encode the outputs that ``request`` asks for.

    Returns the body and the length of its JSON header, or None where all of it is JSON. Raises
    ``ProtocolError`` when an output is asked for that is not there, or cannot be written as JSON.
    """
    wanted = request.outputs or dict.fromkeys(outputs, request.binary_output)
    entries: list[dict[str, Any]] = []
    blobs: list[bytes] = []
    for name, binary in wanted.items():
        if name not in outputs:
            raise ProtocolError(f"The {model} has no output {name!r}; it has {', '.join(outputs)}.")
        entry, blob = _encode_tensor(name, outputs[name], binary)
        entries.append(entry)
        blobs.append(blob)
    header: dict[str, Any] = {"model_name": model, "outputs": entries}
    if request.id:
        header["id"] = request.id
    if parameters:
        header["parameters"] = dict(parameters)
    text = json.dumps(header, allow_nan=False).encode()
    if not any(wanted.values()):
        return text, None
    return b"".join([text, *blobs]), len(text)


def encode_error(message: str) -> bytes:
    """Body of a refused request."""
    return json.dumps({"error": message}).encode()


def datatype_of(array: Array) -> str:
    """The protocol's name of an array's dtype. Raises ``ProtocolError`` when it has none."""
    try:
        return _NAMES[array.dtype.newbyteorder("<")]
    except KeyError:
        raise ProtocolError(f"An array of dtype {array.dtype} has no datatype in the protocol.") from None


def _encode_tensor(name: str, array: Array, binary: bool) -> tuple[dict[str, Any], bytes]:
    datatype = datatype_of(array)
    entry: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(array.shape)}
    if binary:
        blob = np.ascontiguousarray(array, DTYPES[datatype]).tobytes()
        entry["parameters"] = {"binary_data_size": len(blob)}
        return entry, blob
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ProtocolError(
            f"Output {name!r} holds numbers that JSON cannot write; ask for it as binary data."
        )
    entry["data"] = array.ravel().tolist()
    return entry, b""


class _Tensors:
    """Reads tensors one after the other from the bytes behind the JSON header."""

    def __init__(self, blob: memoryview) -> None:
        self._blob = blob
        self._at = 0

    def decode(self, name: str, entry: dict[str, Any]) -> Array:
        datatype = entry.get("datatype")
        if not isinstance(datatype, str) or datatype not in DTYPES:
            raise ProtocolError(
                f"Input {name!r} has datatype {datatype!r}; this server reads {', '.join(DTYPES)}."
            )
        shape = _shape(name, entry.get("shape"))
        size = _object(entry, "parameters").get("binary_data_size")
        if size is None:
            return _from_json(name, entry.get("data"), DTYPES[datatype], shape)
        if "data" in entry:
            raise ProtocolError(f"Input {name!r} has both data and binary_data_size.")
        return self._from_binary(name, size, DTYPES[datatype], shape)

    def _from_binary(self, name: str, size: object, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        needed = math.prod(shape) * dtype.itemsize
        if type(size) is not int or size != needed:
            raise ProtocolError(f"Input {name!r} of shape {shape} takes {needed} bytes, not {size!r}.")
        if self._at + size > len(self._blob):
            raise ProtocolError(f"The body ends within input {name!r}.")
        # copied: behind a header of any length the bytes need not be aligned
        flat = np.frombuffer(self._blob, np.uint8, count=size, offset=self._at).copy()
        self._at += size
        if dtype.kind == "b" and (flat > 1).any():
            raise ProtocolError(f"Input {name!r} is BOOL but holds bytes other than 0 and 1.")
        return flat.view(dtype).reshape(shape)

    def expect_end(self) -> None:
        left = len(self._blob) - self._at
        if left:
            raise ProtocolError(f"{left} bytes follow the last input.")


def _from_json(name: str, data: object, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    if not isinstance(data, list):
        raise ProtocolError(f"Input {name!r} has neither data (a list) nor binary_data_size.")
    try:
        raw = np.asarray(data)
    except (ValueError, OverflowError):
        raise ProtocolError(f"The data of input {name!r} is ragged or too large.") from None
    if raw.size != math.prod(shape):
        raise ProtocolError(
            f"Input {name!r} of shape {shape} takes {math.prod(shape)} numbers, not {raw.size}."
        )
    if raw.size == 0:
        return np.zeros(shape, dtype)
    if raw.dtype.kind == "f" and dtype == np.uint64:
        raw = _exact_integers(data, raw)
    if raw.dtype.kind not in _JSON_KINDS[dtype.kind]:
        raise ProtocolError(f"The data of input {name!r} does not fit its datatype.")
    if dtype.kind in "iu" and not (np.iinfo(dtype).min <= raw.min() and raw.max() <= np.iinfo(dtype).max):
        raise ProtocolError(f"The data of input {name!r} is out of the range of its datatype.")
    return raw.astype(dtype).reshape(shape)


def _exact_integers(data: list[object], raw: Array) -> Array:
    """``data`` as UINT64, which numpy takes for floats where it lies on both sides of 2**63; ``raw`` if it is not."""
    exact = np.asarray(data, object)
    if all(type(n) is int and 0 <= n < 2**64 for n in exact.flat):
        return exact.astype(np.uint64)
    return raw


def _shape(name: str, shape: object) -> tuple[int, ...]:
    sound = isinstance(shape, list) and all(type(n) is int and 0 <= n < 2**31 for n in shape)
    if not sound:
        raise ProtocolError(f"The shape of input {name!r} is not a list of sizes.")
    assert isinstance(shape, list)
    if len(shape) > _MAX_RANK:
        raise ProtocolError(f"Input {name!r} has more than {_MAX_RANK} axes.")
    # bounded factor by factor, so that an empty axis cannot hide sizes that numpy refuses
    if math.prod(max(n, 1) for n in shape) >= 2**40:
        raise ProtocolError(f"Input {name!r} of shape {shape} is too large.")
    return tuple(shape)


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError(
            "The body is not JSON, or its binary tensors came without their header length."
        ) from None
    if not isinstance(value, dict):
        raise ProtocolError("The body is not a JSON object.")
    return value


def _object(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key, {})
    if not isinstance(value, dict):
        raise ProtocolError(f"{key} is not a JSON object.")
    return value


def _list(parent: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = parent.get(key, [])
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ProtocolError(f"{key} is not a list of JSON objects.")
    return value


def _name(entry: dict[str, Any], what: str) -> str:
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise ProtocolError(f"An {what} has no name.")
    return name


def _flag(parameters: dict[str, Any], key: str) -> bool:
    value = parameters.get(key, False)
    if not isinstance(value, bool):
        raise ProtocolError(f"{key} is not true or false.")
    return value
