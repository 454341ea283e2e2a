"""A running TorchServe: right numbers, true health, recovery, and nothing open that should be closed."""

from __future__ import annotations

import json
import multiprocessing
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import psutil
import pytest

from deploy.embedded.net import free_port
from deploy.embedded.torchserve import token_file
from model_store import registry
from model_store.serving.archive import Served
from tests.stack import tiny_model
from tests.stack.servers import TorchServeServer, running_torchserve, wait_until
from workers.inference import InferenceError
from workers.inference.retry import RetryPolicy
from workers.inference.torchserve import TorchServeBackend

pytestmark = pytest.mark.timeout(180)


def hand(joints: int = 10, side: int = 128, passes: int = 1) -> dict[str, Any]:
    """The tiny model's inputs for one hand."""
    image = np.random.default_rng(joints).random((joints, 1, side, side), np.float32)
    return {"image": image, "passes": np.full(joints, passes, np.int32)}


def status_of(url: str, token: str, method: str = "GET", body: bytes | None = None) -> int:
    """HTTP status of a bare request."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as answer:
        return answer.code


def token(server: TorchServeServer, kind: str) -> str:
    """A token of a running server."""
    return str(json.loads(token_file(server.directory).read_text())[kind]["key"])


@pytest.fixture
def settled(torchserve_server: TorchServeServer) -> Iterator[TorchServeServer]:
    """The server, ready again after a test that has hurt it."""
    yield torchserve_server
    backend = torchserve_server.backend()
    wait_until(lambda: not backend.health(), "TorchServe's recovery")


def test_torchserve_and_this_process_give_the_same_numbers(
    torchserve_server: TorchServeServer, tiny_served: Served
) -> None:
    inputs = hand(passes=3)
    served = torchserve_server.backend().infer("tiny", inputs)
    here = tiny_model.load(tiny_served.weights, "cpu")(inputs)
    assert served.keys() == here.keys()
    for name in here:
        assert served[name].dtype == here[name].dtype
        assert np.allclose(served[name], here[name], rtol=0, atol=1e-4)


def test_the_digest_of_the_weights_is_told_by_the_server(
    torchserve_server: TorchServeServer, tiny_served: Served
) -> None:
    assert torchserve_server.backend().model_digests() == {"tiny": registry.file_digest(tiny_served.weights)}


def test_many_hands_at_once_each_get_their_own_answer(torchserve_server: TorchServeServer) -> None:
    backend = torchserve_server.backend()

    def answered(joints: int) -> bool:
        return backend.infer("tiny", hand(joints, 32))["mean"].shape == (joints,)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(answered, [1, 2, 3, 4, 5, 6, 7, 8] * 3))


def test_a_forked_process_can_use_the_backend_of_its_parent(torchserve_server: TorchServeServer) -> None:
    backend = torchserve_server.backend()
    backend.infer("tiny", hand(1, 16))
    child = multiprocessing.get_context("fork").Process(target=backend.infer, args=("tiny", hand(2, 16)))
    child.start()
    child.join(30)
    child.kill()  # only where it hangs, so that the test fails instead of waiting for it
    assert child.exitcode == 0


def test_a_killed_model_process_costs_a_retry_not_the_answer(settled: TorchServeServer) -> None:
    backend = settled.backend()
    answers: list[dict[str, Any]] = []
    inputs = hand(1, 1200, passes=30)
    asking = Thread(target=lambda: answers.append(backend.infer("tiny", inputs)))
    [model] = settled.model_processes()
    before = model.cpu_times().user
    asking.start()
    wait_until(lambda: model.cpu_times().user > before + 0.3, "the start of the work", 20)
    model.kill()
    asking.join(90)
    assert [answer["features"].shape for answer in answers] == [(1, 2, 1200, 1200)]


def test_health_is_false_while_the_model_process_is_down_and_true_again_after(
    settled: TorchServeServer,
) -> None:
    backend = settled.backend()
    [model] = settled.model_processes()
    model.kill()
    wait_until(lambda: bool(backend.health(2)), "the news of the killed process", 20)
    wait_until(lambda: not backend.health(), "TorchServe's recovery")


def test_health_is_false_from_the_start_until_the_model_answers(
    require_java: None, tiny_served: Served, tmp_path: Path
) -> None:
    with running_torchserve(tmp_path / "server", (tiny_served,)) as server:
        backend = server.backend()
        assert "tiny" in backend.health()
        wait_until(lambda: not backend.health(), "TorchServe's readiness")
        assert backend.infer("tiny", hand(1, 16))["mean"].shape == (1,)
        # one signal to the process that the supervisor holds, and nothing of it is left
        family = [psutil.Process(server.process.pid), *server.model_processes()]
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(20)
        wait_until(lambda: not any(process.is_running() for process in family), "the end of the models", 20)


def test_health_is_false_when_a_model_cannot_be_loaded_although_ping_says_healthy(
    require_java: None, tmp_path: Path
) -> None:
    weights = tiny_model.write_weights(tmp_path / "weights.safetensors")
    broken = Served("broken", "no_such_module", weights)
    with running_torchserve(tmp_path / "server", (broken,)) as server:
        backend = server.backend()
        wait_until(lambda: token_file(server.directory).exists(), "the start of the server", 30)
        wait_until(lambda: "no worker" in backend.health(1)["broken"], "the answer of the server", 30)
        assert status_of(f"{server.addresses.inference_url}/ping", token(server, "inference")) == 200
        assert backend.health(1)


def test_a_server_that_is_not_there_is_a_failure_that_may_pass() -> None:
    backend = TorchServeBackend(f"http://127.0.0.1:{free_port()}", retry=RetryPolicy(attempts=1))
    with pytest.raises(InferenceError) as caught:
        backend.infer("tiny", hand(1, 16))
    assert caught.value.retryable


def test_a_model_that_takes_too_long_is_a_failure_that_may_pass(settled: TorchServeServer) -> None:
    backend = settled.backend()
    backend.timeout_s = 0.2
    backend.retry = RetryPolicy(attempts=1)
    with pytest.raises(InferenceError) as caught:
        backend.infer("tiny", hand(1, 1200, passes=30))
    assert caught.value.retryable


def test_an_image_the_model_cannot_take_is_refused_for_good(torchserve_server: TorchServeServer) -> None:
    with pytest.raises(InferenceError, match=r"must be \(N, 1, H, W\)") as caught:
        torchserve_server.backend().infer("tiny", {**hand(2), "image": np.zeros((2, 8), np.float32)})
    assert not caught.value.retryable


@pytest.mark.parametrize("body", [b"", b"no json", b"{", b'{"inputs": 3}', b'{"inputs": []}'])
def test_a_malformed_body_is_the_senders_fault(body: bytes, torchserve_server: TorchServeServer) -> None:
    url = f"{torchserve_server.addresses.inference_url}/v2/models/tiny/infer"
    assert status_of(url, token(torchserve_server, "inference"), "POST", body) == 400


def test_a_wrong_token_is_refused(torchserve_server: TorchServeServer, tmp_path: Path) -> None:
    wrong = tmp_path / "key_file.json"
    wrong.write_text(json.dumps({"inference": {"key": "wrong"}, "management": {"key": "wrong"}}))
    backend = torchserve_server.backend()
    backend.token_file = wrong
    with pytest.raises(InferenceError, match="Token Authorization failed") as caught:
        backend.infer("tiny", hand(1, 16))
    assert not caught.value.retryable
    assert backend.health()


def test_the_token_file_is_readable_by_its_owner_only(torchserve_server: TorchServeServer) -> None:
    assert token_file(torchserve_server.directory).stat().st_mode & 0o077 == 0


def test_no_token_is_written_to_any_log(torchserve_server: TorchServeServer) -> None:
    keys = json.loads(token_file(torchserve_server.directory).read_text())
    logs = [*torchserve_server.directory.rglob("*.log")]
    assert logs
    for log in logs:
        text = log.read_text(errors="replace")
        assert not any(entry["key"] in text for entry in keys.values())


@pytest.mark.parametrize("kind", ["inference", "management"])
def test_models_cannot_be_managed_through_the_inference_address(
    kind: str, torchserve_server: TorchServeServer
) -> None:
    key = token(torchserve_server, kind)
    url = torchserve_server.addresses.inference_url
    assert status_of(f"{url}/models/tiny?min_worker=3", key, "PUT") in (400, 404, 405)
    assert status_of(f"{url}/models?url=http://127.0.0.1/x.mar", key, "POST") in (400, 404, 405)
    assert status_of(f"{url}/models/tiny", key, "DELETE") in (400, 404, 405)
    assert len(torchserve_server.model_processes()) == 1


def test_models_cannot_be_registered_or_removed_with_the_management_token(
    torchserve_server: TorchServeServer,
) -> None:
    key = token(torchserve_server, "management")
    url = torchserve_server.addresses.management_url
    assert status_of(f"{url}/models?url=http://127.0.0.1/x.mar", key, "POST") == 405
    assert status_of(f"{url}/models/tiny", key, "DELETE") == 405
    assert status_of(f"{url}/models/tiny", token(torchserve_server, "inference")) == 400


def test_the_server_listens_on_loopback_only(torchserve_server: TorchServeServer) -> None:
    family = [psutil.Process(torchserve_server.process.pid), *torchserve_server.model_processes()]
    listening = [c for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert listening
    assert {connection.laddr.ip.removeprefix("::ffff:") for connection in listening} == {"127.0.0.1"}


def test_the_models_see_no_secret_of_the_environment(
    require_java: None, tiny_served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JSN_SECRET_KEY", "hush")
    with running_torchserve(tmp_path / "server", (tiny_served,)) as server:
        wait_until(lambda: bool(server.model_processes()), "the start of the model", 60)
        for process in [psutil.Process(server.process.pid), *server.model_processes()]:
            assert "JSN_SECRET_KEY" not in process.environ()


def test_a_large_hand_fits(torchserve_server: TorchServeServer) -> None:
    answer = torchserve_server.backend().infer("tiny", hand(14, 512))
    assert answer["features"].shape == (14, 2, 512, 512)


def test_a_request_that_is_too_large_is_refused_and_the_server_goes_on(settled: TorchServeServer) -> None:
    backend = settled.backend()
    pid = settled.model_processes()[0].pid
    for side in (3900, 5000):  # too large an answer; too large a request
        with pytest.raises(InferenceError) as caught:
            backend.infer("tiny", hand(1, side))
        assert not caught.value.retryable
    assert backend.infer("tiny", hand(1, 16))["mean"].shape == (1,)
    assert settled.model_processes()[0].pid == pid
