"""Starts TorchServe with the system's models: ``python -m deploy.embedded.torchserve --directory DIRECTORY``.

TorchServe is archived upstream and gets no more patches, so it is shut in: every address is loopback,
tokens are on, models can be neither registered nor fetched, and the token of the management address is
known to its owner only. Its own Python launcher is left out: it leaves the Java process behind when it is
stopped. This program prepares the files and then becomes the Java process, so whoever started it holds the
server itself.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from deploy.embedded.java import JavaMissing, find_java
from deploy.embedded.net import LOOPBACK, free_ports
from model_store.registry import ModelMissing
from model_store.serving.archive import (
    MAX_BODY_BYTES,
    RESPONSE_TIMEOUT_S,
    ArchiveError,
    Served,
    all_models,
    build_all,
)

PROJECT = Path(__file__).resolve().parents[2]

# netty copies a body several times on its way to the worker
_JAVA_OPTIONS = ("-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# TorchServe's tokens cannot outlive the process, so they need not expire before it: ten years
_TOKEN_MINUTES = 10 * 365 * 24 * 60
_TEMPORARY_PREFIX = "jsn-ts-"

_LOGGING = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN">
  <Appenders>
    <RollingFile name="file" fileName="{logs}/server.log" filePattern="{logs}/server.%i.log">
      <PatternLayout pattern="%d{{ISO8601}} %-5p %c{{1}} %m%n"/>
      <Policies><SizeBasedTriggeringPolicy size="10 MB"/></Policies>
      <DefaultRolloverStrategy max="3"/>
    </RollingFile>
    <Console name="console" target="SYSTEM_OUT"><PatternLayout pattern="%d{{ISO8601}} %-5p %c{{1}}
    %m%n"/></Console>
  </Appenders>
  <Loggers>
    <Logger name="io.netty" level="error"/>
    <Logger name="org.pytorch.serve.wlm" level="warn"/>
    <Logger name="org.apache" level="off"/>
    <Logger name="TS_METRICS" level="off"/>
    <Logger name="MODEL_METRICS" level="off"/>
    <Root level="info"><AppenderRef ref="file"/><AppenderRef ref="console" level="warn"/></Root>
  </Loggers>
</Configuration>
"""


@dataclass(frozen=True)
class Addresses:
    """Ports of one server, all on loopback; TorchServe opens those of gRPC whether used or not."""

    inference: int
    management: int
    metrics: int
    grpc_inference: int
    grpc_management: int

    @classmethod
    def free(cls) -> Addresses:
        """Ports that are free now."""
        return cls(*free_ports(5))

    @property
    def inference_url(self) -> str:
        """Where clients send infer requests."""
        return f"http://{LOOPBACK}:{self.inference}"

    @property
    def management_url(self) -> str:
        """Where the state of the models' workers is told."""
        return f"http://{LOOPBACK}:{self.management}"


@dataclass(frozen=True)
class Launch:
    """A prepared start: run ``command`` in ``directory`` with ``environment``."""

    command: list[str]
    directory: Path
    environment: dict[str, str]


def token_file(directory: Path) -> Path:
    """Where TorchServe writes its tokens, readable by its owner only: into the folder that it runs in."""
    return directory / "key_file.json"


def prepare(directory: Path, addresses: Addresses, models: Sequence[Served], *, threads: int = 1) -> Launch:
    """Build archives, write the configuration, and say how to start the server.

    ``directory`` belongs to this one server. ``threads``: torch's threads in each model's process. Raises
    ``JavaMissing`` or ``ArchiveError``.
    """
    java = find_java()
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    logs = directory / "logs"
    logs.mkdir(exist_ok=True)
    store = directory / "archives"
    archives = build_all(models, store)
    config = directory / "config.properties"
    config.write_text(_properties(addresses, store, archives))
    logging = directory / "log4j2.xml"
    logging.write_text(_LOGGING.format(logs=logs))
    # tokens of a former run would be refused, and a client that reads this file would not know why
    token_file(directory).unlink(missing_ok=True)
    return Launch(
        command=_command(java, config, logging, store, _fresh_temporary(directory)),
        directory=directory,
        environment=_environment(java, threads),
    )


def _properties(addresses: Addresses, store: Path, archives: list[Path]) -> str:
    settings = {
        "inference_address": addresses.inference_url,
        "management_address": addresses.management_url,
        "metrics_address": f"http://{LOOPBACK}:{addresses.metrics}",
        "grpc_inference_address": LOOPBACK,
        "grpc_inference_port": addresses.grpc_inference,
        "grpc_management_address": LOOPBACK,
        "grpc_management_port": addresses.grpc_management,
        "model_store": store,
        "load_models": ",".join(f"{path.stem}={path.name}" for path in archives),
        # no registering, no fetching, no installing
        "enable_model_api": "false",
        "allowed_urls": "^$",
        "install_py_dep_per_model": "false",
        "enable_envvars_config": "false",
        "disable_token_authorization": "false",
        "token_expiration_min": _TOKEN_MINUTES,
        "enable_metrics_api": "false",
        "disable_system_metrics": "true",
        "max_request_size": MAX_BODY_BYTES,
        "max_response_size": MAX_BODY_BYTES,
        "default_response_timeout": RESPONSE_TIMEOUT_S,
        "job_queue_size": 100,
        "number_of_netty_threads": 2,
        "netty_client_threads": 2,
        # the handler reads JSON itself, so that a malformed body is refused instead of passed on
        "decode_input_request": "false",
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def _command(java: Path, config: Path, logging: Path, store: Path, temporary: Path) -> list[str]:
    spec = find_spec("ts")
    if spec is None or spec.origin is None:
        raise ArchiveError("The package torchserve is not installed in this environment.")
    home = Path(spec.origin).resolve().parents[1]
    return [
        str(java),
        *_JAVA_OPTIONS,
        f"-Dmodel_server_home={home}",
        f"-Djava.io.tmpdir={temporary}",
        f"-Dlog4j2.configurationFile={logging.as_uri()}",
        *("-cp", str(home / "ts" / "frontend" / "*")),
        "org.pytorch.serve.ModelServer",
        *("--python", sys.executable),
        *("-f", str(config), "-s", str(store), "-ncs"),
    ]


def _fresh_temporary(directory: Path) -> Path:
    remove_temporary(directory)
    # outside the data folder: the sockets of the workers lie here, and their paths may have 107 characters
    # only
    temporary = Path(tempfile.mkdtemp(prefix=_TEMPORARY_PREFIX))
    (directory / "tmp").symlink_to(temporary)
    return temporary


def remove_temporary(directory: Path) -> None:
    """Remove the temporary folder of a server that has stopped."""
    link = directory / "tmp"
    if link.is_symlink():
        target = link.readlink()
        if target.name.startswith(_TEMPORARY_PREFIX):
            shutil.rmtree(target, ignore_errors=True)
        link.unlink()


def _environment(java: Path, threads: int) -> dict[str, str]:
    # TorchServe hands its whole environment on to the models, so it gets no secrets of the other services
    passed_on = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
    devices = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("CUDA_", "NVIDIA_", "LD_LIBRARY"))
    }
    return {
        **passed_on,
        **devices,
        "JAVA_HOME": str(java.parent.parent),
        "PYTHONPATH": str(PROJECT),
        "OMP_NUM_THREADS": str(threads),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Serve the models with TorchServe on loopback.")
    parser.add_argument("--directory", type=Path, required=True, help="configuration, archives, logs, tokens")
    parser.add_argument("--inference-port", type=int, default=8080)
    parser.add_argument("--management-port", type=int, default=8081)
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    arguments = parser.parse_args()
    addresses = Addresses(arguments.inference_port, arguments.management_port, *free_ports(3))
    try:
        launch = prepare(arguments.directory.resolve(), addresses, all_models(), threads=arguments.threads)
    except (JavaMissing, ModelMissing, ArchiveError) as error:
        print(error, file=sys.stderr)
        return 78  # EX_CONFIG: trying again will not help
    os.chdir(launch.directory)
    os.execve(launch.command[0], launch.command, launch.environment)


if __name__ == "__main__":
    sys.exit(main())
