"""The handler, in TorchServe's own context object but without the server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferResult
from ts.context import Context, RequestProcessor

from model_store import registry
from model_store.serving import oip
from model_store.serving.handler import OpenInferenceHandler
from tests.stack import tiny_model


@pytest.fixture
def context(tmp_path: Path) -> Context:
    weights = tiny_model.write_weights(tmp_path / "weights.safetensors")
    config = {
        "module": "tests.stack.tiny_model",
        "weights": weights.name,
        "max_response_bytes": 100_000,
        oip.DIGEST: registry.file_digest(weights),
    }
    return Context("tiny", str(tmp_path), {}, 1, None, "0.12.0", model_yaml_config={"jsn": config})


@pytest.fixture
def handler(context: Context) -> OpenInferenceHandler:
    handler = OpenInferenceHandler()
    handler.initialize(context)
    return handler


def request(image: Any, **parameters: Any) -> tuple[dict[str, Any], RequestProcessor]:
    """One item of a TorchServe batch, and its headers."""
    tensors = []
    for name, array in (("image", image), ("passes", np.ones(len(image), np.int32))):
        tensor = InferInput(name, list(array.shape), oip.datatype_of(array))
        tensor.set_data_from_numpy(array)
        tensors.append(tensor)
    body, length = InferenceServerClient.generate_request_body(tensors, parameters=parameters)
    # TorchServe hands on the spelling that the client used
    return {"body": bytearray(body)}, RequestProcessor({oip.HEADER_LENGTH.upper(): str(length)})


def answer_all(
    handler: OpenInferenceHandler, context: Context, batch: list[tuple[dict[str, Any], RequestProcessor]]
) -> list[bytes]:
    context.request_processor = [processor for _, processor in batch]
    return handler.handle([item for item, _ in batch], context)


def test_a_hand_of_joints_is_answered_with_binary_outputs_and_the_digest_of_the_weights(
    handler: OpenInferenceHandler, context: Context
) -> None:
    image = np.random.default_rng(0).random((10, 1, 8, 8), np.float32)
    [body] = answer_all(handler, context, [request(image)])
    assert context.get_response_status(0)[0] == 200
    length = int(context.get_response_headers(0)[oip.HEADER_LENGTH])
    result = InferResult.from_response_body(body, header_length=length)
    expected = handler.model({"image": image, "passes": np.ones(10, np.int32)})
    np.testing.assert_array_equal(result.as_numpy("features"), expected["features"])
    assert result.get_response()["parameters"][oip.DIGEST] == handler.digest


def test_a_bad_request_of_a_batch_fails_alone_with_its_reason(
    handler: OpenInferenceHandler, context: Context
) -> None:
    good = np.zeros((2, 1, 8, 8), np.float32)
    batch = [request(good), request(good[0]), ({"body": b"{"}, RequestProcessor({})), request(good + 1)]
    answers = answer_all(handler, context, batch)
    assert [context.get_response_status(i)[0] for i in range(4)] == [200, 400, 400, 200]
    assert "must be (N, 1, H, W)" in json.loads(answers[1])["error"]
    assert "not JSON" in json.loads(answers[2])["error"]


@pytest.mark.parametrize("length", ["-1", "1e3", " 12", "999999", "٣", "9" * 5000])
def test_a_header_length_that_is_no_length_is_refused(
    length: str, handler: OpenInferenceHandler, context: Context
) -> None:
    item, _ = request(np.zeros((1, 1, 8, 8), np.float32))
    answer_all(handler, context, [(item, RequestProcessor({oip.HEADER_LENGTH: length}))])
    assert context.get_response_status(0)[0] == 400


def test_a_request_without_a_body_is_refused(handler: OpenInferenceHandler, context: Context) -> None:
    answer_all(handler, context, [({}, RequestProcessor({}))])
    assert context.get_response_status(0)[0] == 400


def test_an_answer_that_is_too_large_to_send_is_refused(
    handler: OpenInferenceHandler, context: Context
) -> None:
    [body] = answer_all(handler, context, [request(np.zeros((1, 1, 200, 200), np.float32))])
    assert context.get_response_status(0)[0] == 400
    assert "too large" in json.loads(body)["error"]


def test_describe_names_the_tensors_and_the_weights_without_running_the_model(
    handler: OpenInferenceHandler, context: Context
) -> None:
    body = json.dumps({"parameters": {oip.DESCRIBE: True}}).encode()
    [answer] = answer_all(handler, context, [({"body": body}, RequestProcessor({}))])
    assert json.loads(answer)["parameters"] == {
        oip.DIGEST: handler.digest,
        "input_names": ["image", "passes"],
        "output_names": ["features", "mean"],
    }


def test_weights_other_than_those_of_the_archive_are_not_served(context: Context) -> None:
    weights = Path(context.system_properties["model_dir"], "weights.safetensors")
    weights.write_bytes(weights.read_bytes() + b"\0")
    with pytest.raises(RuntimeError, match="damaged"):
        OpenInferenceHandler().initialize(context)
