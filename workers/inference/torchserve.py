"""Asks models behind TorchServe, in the Open Inference Protocol that Triton and KServe speak too.

The messages are written and read by Triton's client; they are sent by urllib3, because that client's own
transport (gevent) hangs in a process that was forked after its first use, as Celery's are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import urllib3
from tritonclient.http import InferenceServerClient, InferInput, InferResult

from model_store import registry
from model_store.base import Arrays
from model_store.serving.oip import DESCRIBE, DIGEST, HEADER_LENGTH, datatype_of
from workers.inference.protocol import InferenceError
from workers.inference.retry import RetryPolicy

# 503: no worker or a full queue; 507: the model's process died or ran out of memory and is started again
_RETRYABLE_STATUS = frozenset({503, 507})
# TorchServe also says 500 with this when a process dies while it works
_WORKER_DIED = "Worker died"


@dataclass
class TorchServeBackend:
    """Client of one server. Safe to share between threads and to use after a fork: every request has its
    own connection.

    ``url``: inference address, ``http://host:port``. ``token_file``: TorchServe's ``key_file.json``; it is
    read for every request, because the server makes new tokens when it starts. ``management_url``: for
    ``health``; without it health rests on the canary alone.
    """

    url: str
    token_file: Path | None = None
    management_url: str | None = None
    connect_timeout_s: float = 5.0
    timeout_s: float = 120.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    names: tuple[str, ...] = registry.MODEL_NAMES
    _digests: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def infer(self, model: str, inputs: Arrays) -> dict[str, npt.NDArray[np.generic]]:
        """See ``InferenceBackend.infer``; passing failures are tried again within ``retry``."""
        result = self.retry.call(lambda: self._request(model, inputs, {}, self.timeout_s))
        self._digests[model] = _parameters(result)[DIGEST]
        names = [output["name"] for output in result.get_response()["outputs"]]
        return {name: result.as_numpy(name) for name in names}

    def model_digests(self) -> dict[str, str]:
        """SHA-256 of the weights behind each model's last answer, as the server told it with that answer."""
        for name in self.names:
            if name not in self._digests:
                self._digests[name] = self.retry.call(partial(self._describe, name, self.timeout_s))[DIGEST]
        return {name: self._digests[name] for name in self.names}

    def health(self, timeout_s: float = 5.0) -> dict[str, str]:
        """What keeps each model from answering: name -> reason, empty when all is well.

        TorchServe's ``/ping`` says healthy before its models can answer, so this asks the management
        address for a READY worker and then sends a request through to the loaded model.
        """
        problems: dict[str, str] = {}
        for name in self.names:
            try:
                if self.management_url:
                    self._require_ready_worker(name, timeout_s)
                self._describe(name, timeout_s)
            except InferenceError as error:
                problems[name] = str(error)
        return problems

    def _describe(self, model: str, timeout_s: float) -> dict[str, Any]:
        return _parameters(self._request(model, {}, {DESCRIBE: True}, timeout_s))

    def _request(
        self, model: str, inputs: Arrays, parameters: dict[str, Any], timeout_s: float
    ) -> InferResult:
        tensors = [_tensor(name, array) for name, array in inputs.items()]
        body, header_length = InferenceServerClient.generate_request_body(tensors, parameters=parameters)
        headers = {"Content-Type": "application/octet-stream", **self._authorization("inference")}
        if header_length is not None:
            headers[HEADER_LENGTH] = str(header_length)
        url = f"{self.url}/v2/models/{quote(model)}/infer"
        response = self._send("POST", url, model, headers, timeout_s, body)
        answered = response.headers.get(HEADER_LENGTH)
        return InferResult.from_response_body(
            response.data, header_length=int(answered) if answered else None
        )

    def _require_ready_worker(self, model: str, timeout_s: float) -> None:
        url = f"{self.management_url}/models/{quote(model)}"
        response = self._send("GET", url, model, self._authorization("management"), timeout_s)
        states = [worker["status"] for version in response.json() for worker in version["workers"]]
        if "READY" not in states:
            raise InferenceError(f"The {model} has no worker that is ready: {states}", retryable=True)

    def _send(
        self,
        method: str,
        url: str,
        model: str,
        headers: dict[str, str],
        timeout_s: float,
        body: bytes | None = None,
    ) -> urllib3.BaseHTTPResponse:
        timeout = urllib3.Timeout(connect=self.connect_timeout_s, read=timeout_s)
        try:
            with urllib3.PoolManager(retries=False, timeout=timeout) as http:
                response = http.request(method, url, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise InferenceError(f"No answer for the {model} from {url}: {error}", retryable=True) from error
        if response.status == 200:
            return response
        message = _message(response)
        raise InferenceError(
            f"The inference server answered {response.status} for the {model}: {message}",
            retryable=response.status in _RETRYABLE_STATUS or message.startswith(_WORKER_DIED),
        )

    def _authorization(self, kind: str) -> dict[str, str]:
        if self.token_file is None:
            return {}
        try:
            token = json.loads(self.token_file.read_text())[kind]["key"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            # also while the server starts: it writes this file first
            raise InferenceError(
                f"The {kind} token cannot be read from {self.token_file}: {type(error).__name__}",
                retryable=True,
            ) from error
        return {"Authorization": f"Bearer {token}"}


def _tensor(name: str, array: npt.NDArray[np.generic]) -> InferInput:
    tensor = InferInput(name, list(array.shape), datatype_of(array))
    tensor.set_data_from_numpy(np.ascontiguousarray(array))
    return tensor


def _parameters(result: InferResult) -> dict[str, Any]:
    parameters = result.get_response().get("parameters", {})
    if DIGEST not in parameters:
        raise InferenceError("The inference server does not say which weights it serves.", retryable=False)
    return dict(parameters)


def _message(response: urllib3.BaseHTTPResponse) -> str:
    # the protocol says "error"; what TorchServe answers without asking the handler has "message"
    try:
        answer = response.json()
        return str(answer.get("error") or answer["message"])
    except (ValueError, KeyError, AttributeError):
        return response.data[:200].decode(errors="replace") or str(response.reason)
