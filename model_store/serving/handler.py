"""The one TorchServe handler of all models; each archive names the module it serves.

TorchServe's own ``kservev2`` envelope keeps only the first request of a batch and flattens shapes, so the
handler reads the Open Inference Protocol itself. One request carries all joints of a hand; the requests of
a TorchServe batch are answered one by one, so that a request that fails does not take the others with it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from model_store import registry
from model_store.base import ServedModel
from model_store.serving import oip

logger = logging.getLogger(__name__)


class Context(Protocol):
    """What the handler uses of TorchServe's ``ts.context.Context``."""

    model_name: str
    manifest: dict[str, Any]
    model_yaml_config: dict[str, Any]

    @property
    def system_properties(self) -> dict[str, Any]: ...
    def get_all_request_header(self, idx: int) -> dict[str, Any]: ...
    def set_response_header(self, idx: int, key: str, value: str) -> None: ...
    def set_response_content_type(self, idx: int, value: str) -> None: ...
    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None: ...


class RequestRefused(Exception):
    """One request of a batch is answered with an error status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class OpenInferenceHandler:
    """Loads one served model and answers infer requests for it."""

    model: ServedModel
    digest: str
    max_response_bytes: int

    def initialize(self, context: Context) -> None:
        """Load the archive's weights. Raises ``RuntimeError`` when they are not those it was built with."""
        properties = context.system_properties
        config = context.model_yaml_config["jsn"]
        weights = Path(properties["model_dir"]) / config["weights"]
        self.digest = registry.file_digest(weights)
        if self.digest != config[oip.DIGEST]:
            raise RuntimeError(
                f"The weights in the archive of {context.model_name} are damaged; build it again."
            )
        self.max_response_bytes = int(config["max_response_bytes"])
        gpu = properties.get("gpu_id")
        device = f"cuda:{gpu}" if gpu is not None and torch.cuda.is_available() else "cpu"
        self.model = registry.load(context.model_name, device, weights=weights, module=config["module"])
        logger.info("Serving %s on %s, weights %s", context.model_name, device, self.digest[:12])

    def handle(self, data: Sequence[Mapping[str, Any]], context: Context) -> list[bytes]:
        """Answer every request of a batch, each with its own status."""
        return [self._answer(index, item, context) for index, item in enumerate(data)]

    def _answer(self, index: int, item: Mapping[str, Any], context: Context) -> bytes:
        try:
            body, header_length = self._infer(item, context.get_all_request_header(index))
        except RequestRefused as refused:
            context.set_response_status(refused.status, _reason(str(refused)), index)
            context.set_response_content_type(index, "application/json")
            return oip.encode_error(str(refused))
        if header_length is None:
            context.set_response_content_type(index, "application/json")
        else:
            context.set_response_content_type(index, "application/octet-stream")
            context.set_response_header(index, oip.HEADER_LENGTH, str(header_length))
        return body

    def _infer(self, item: Mapping[str, Any], headers: Mapping[str, Any]) -> tuple[bytes, int | None]:
        try:
            request = oip.decode_request(_body(item), _header_length(headers))
            if request.parameters.get(oip.DESCRIBE):
                return oip.encode_response(self.model.name, {}, request, self._description())
            outputs = self.model(self._checked(request))
            body, length = oip.encode_response(self.model.name, outputs, request, {oip.DIGEST: self.digest})
        except ValueError as error:
            raise RequestRefused(400, str(error)) from error
        except (MemoryError, torch.cuda.OutOfMemoryError) as error:
            logger.exception("Out of memory")
            raise RequestRefused(507, f"The {self.model.name} ran out of memory.") from error
        except Exception as error:
            logger.exception("The %s failed", self.model.name)
            raise RequestRefused(500, f"The {self.model.name} failed: {type(error).__name__}.") from error
        if len(body) > self.max_response_bytes:
            # sent on, it would make TorchServe kill the model's process
            raise RequestRefused(
                400, f"The answer of {len(body)} bytes is too large; send fewer images at once."
            )
        return body, length

    def _checked(self, request: oip.InferRequest) -> dict[str, oip.Array]:
        if set(request.inputs) != set(self.model.input_names):
            raise oip.ProtocolError(
                f"The {self.model.name} takes {', '.join(self.model.input_names)},"
                f" not {', '.join(request.inputs) or 'nothing'}."
            )
        return request.inputs

    def _description(self) -> dict[str, Any]:
        return {
            oip.DIGEST: self.digest,
            "input_names": list(self.model.input_names),
            "output_names": list(self.model.output_names),
        }


def _body(item: Mapping[str, Any]) -> bytes | bytearray:
    body = item.get("body")
    if not isinstance(body, bytes | bytearray):
        raise oip.ProtocolError("The request has no body of the Open Inference Protocol.")
    return body


def _header_length(headers: Mapping[str, Any]) -> int | None:
    for name, value in headers.items():
        if name.lower() == oip.HEADER_LENGTH.lower():
            # int() alone would also take "1_0" or " 10 "
            if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12):
                raise oip.ProtocolError(f"{oip.HEADER_LENGTH} is not a number.")
            return int(value)
    return None


def _reason(message: str) -> str:
    # the status line is one line of ASCII; TorchServe counts characters where it writes bytes
    return message.encode("ascii", "replace").decode().replace("\r", " ").replace("\n", " ")[:120]
