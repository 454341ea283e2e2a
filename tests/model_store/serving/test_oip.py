"""The Open Inference Protocol, checked against the reference client and against damaged bodies."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput, InferResult

from model_store.serving import oip

ARRAYS = st.sampled_from(list(oip.DTYPES.values())).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)
FINITE = st.sampled_from([d for d in oip.DTYPES.values() if d.kind != "f" or d.itemsize > 2]).flatmap(
    lambda dtype: hnp.arrays(
        dtype,
        hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3),
        elements={"allow_nan": False, "allow_infinity": False} if dtype.kind == "f" else None,
    )
)
NAMES = st.dictionaries(st.text("abcdefghij_", min_size=1, max_size=8), ARRAYS, max_size=4)


def client_request(arrays: dict[str, npt.NDArray[Any]], binary: bool) -> tuple[bytes, int | None]:
    """An infer request as the reference client writes it."""
    inputs = []
    for name, array in arrays.items():
        tensor = InferInput(name, list(array.shape), oip.datatype_of(array))
        tensor.set_data_from_numpy(array, binary_data=binary)
        inputs.append(tensor)
    body, length = InferenceServerClient.generate_request_body(inputs)
    return body, length


def one_input(**changes: Any) -> bytes:
    """A sound JSON request of one input, with changes to it; None leaves a field out."""
    entry = {"name": "image", "datatype": "FP32", "shape": [2], "data": [1.0, 2.0], **changes}
    return json.dumps(
        {"inputs": [{key: value for key, value in entry.items() if value is not None}]}
    ).encode()


@given(NAMES)
def test_binary_tensors_of_the_reference_client_are_read_bit_for_bit(arrays: dict[str, Any]) -> None:
    request = oip.decode_request(*client_request(arrays, binary=True))
    assert list(request.inputs) == list(arrays)
    for name, array in arrays.items():
        assert request.inputs[name].dtype == array.dtype
        assert request.inputs[name].shape == array.shape
        assert request.inputs[name].tobytes() == array.tobytes()


@given(FINITE)
@example(np.array([0, 2**63], np.uint64))
def test_json_tensors_of_the_reference_client_are_read_exactly(array: npt.NDArray[Any]) -> None:
    request = oip.decode_request(*client_request({"x": array}, binary=False))
    assert request.inputs["x"].dtype == array.dtype
    np.testing.assert_array_equal(request.inputs["x"], array)


@given(NAMES)
def test_binary_outputs_are_read_by_the_reference_client_bit_for_bit(arrays: dict[str, Any]) -> None:
    request = oip.InferRequest(id="7", inputs={}, binary_output=True)
    body, length = oip.encode_response("tiny", arrays, request, {oip.DIGEST: "abc"})
    result = InferResult.from_response_body(body, header_length=length)
    assert result.get_response()["id"] == "7"
    assert result.get_response()["parameters"] == {oip.DIGEST: "abc"}
    for name, array in arrays.items():
        answer = result.as_numpy(name)
        assert answer.shape == array.shape
        assert answer.tobytes() == array.tobytes()


@given(FINITE)
def test_json_outputs_are_read_by_the_reference_client_exactly(array: npt.NDArray[Any]) -> None:
    body, length = oip.encode_response("tiny", {"x": array}, oip.InferRequest(id="", inputs={}))
    assert length is None
    np.testing.assert_array_equal(InferResult.from_response_body(body).as_numpy("x"), array)


def test_only_the_outputs_that_are_asked_for_are_answered_each_in_its_form() -> None:
    body, length = InferenceServerClient.generate_request_body(
        [],
        outputs=[InferRequestedOutput("a", binary_data=True), InferRequestedOutput("b", binary_data=False)],
    )
    request = oip.decode_request(body, length)
    outputs = {name: np.full(3, 0.5, np.float32) for name in "abc"}
    body, length = oip.encode_response("tiny", outputs, request)
    assert length is not None
    entries = json.loads(body[:length])["outputs"]
    assert [entry["name"] for entry in entries] == ["a", "b"]
    assert "data" not in entries[0] and entries[1]["data"] == [0.5, 0.5, 0.5]


@given(NAMES, st.data())
def test_a_damaged_body_is_refused_and_never_crashes(arrays: dict[str, Any], data: st.DataObject) -> None:
    body, length = client_request(arrays, binary=True)
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    del damaged[len(damaged) - data.draw(st.integers(0, 5)) :]
    try:
        oip.decode_request(damaged, length)
    except oip.ProtocolError as error:
        assert str(error)


@given(st.binary(max_size=200), st.one_of(st.none(), st.integers(-5, 300)))
def test_any_bytes_are_refused_or_read_and_never_crash(body: bytes, length: int | None) -> None:
    try:
        oip.decode_request(body, length)
    except oip.ProtocolError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"inputs": 3}', "inputs is not a list"),
        (b'{"inputs": [], "parameters": 3}', "parameters is not"),
        (b'{"parameters": {"binary_data_output": 1}}', "not true or false"),
        (one_input(name=None), "no name"),
        (one_input(datatype="BYTES"), "BYTES"),
        (one_input(shape=[3]), "takes 3 numbers, not 2"),
        (one_input(shape=[-1]), "not a list of sizes"),
        (one_input(shape=[True, 2]), "not a list of sizes"),
        (one_input(shape=[1] * 9), "more than 8 axes"),
        (one_input(shape=[0, 2**30, 2**30], data=[]), "too large"),
        (one_input(data=None), "neither data"),
        (one_input(data=[[1.0], [1.0, 2.0]]), "ragged"),
        (one_input(data=["1", "2"]), "does not fit"),
        (one_input(datatype="UINT8", data=[1, 256]), "out of the range"),
        (one_input(datatype="UINT8", data=[1.5, 2.0]), "does not fit"),
        (one_input(datatype="INT64", data=[2**70, 1]), "does not fit"),
        (one_input(data=None, parameters={"binary_data_size": 8}), "ends within"),
        (one_input(data=None, parameters={"binary_data_size": 7}), "takes 8 bytes"),
        (one_input(parameters={"binary_data_size": 8}), "both"),
    ],
)
def test_a_malformed_request_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(oip.ProtocolError, match=reason):
        oip.decode_request(body)


def test_bytes_behind_the_last_input_are_refused() -> None:
    body, length = client_request({"x": np.zeros(2, np.float32)}, binary=True)
    with pytest.raises(oip.ProtocolError, match="3 bytes follow"):
        oip.decode_request(body + b"abc", length)


def test_an_input_given_twice_is_refused() -> None:
    entry = {"name": "x", "datatype": "FP32", "shape": [1], "data": [1.0]}
    with pytest.raises(oip.ProtocolError, match="given twice"):
        oip.decode_request(json.dumps({"inputs": [entry, entry]}).encode())


def test_numbers_that_json_cannot_write_are_refused_as_json_and_sent_as_binary() -> None:
    outputs = {"x": np.array([np.nan], np.float32)}
    with pytest.raises(oip.ProtocolError, match="binary"):
        oip.encode_response("tiny", outputs, oip.InferRequest(id="", inputs={}))
    body, length = oip.encode_response(
        "tiny", outputs, oip.InferRequest(id="", inputs={}, binary_output=True)
    )
    assert np.isnan(InferResult.from_response_body(body, header_length=length).as_numpy("x")).all()


def test_an_output_that_is_not_there_is_refused_by_name() -> None:
    request = oip.InferRequest(id="", inputs={}, outputs={"loss": True})
    with pytest.raises(oip.ProtocolError, match="no output 'loss'"):
        oip.encode_response("tiny", {"x": np.zeros(1, np.float32)}, request)
