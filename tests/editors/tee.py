"""Sits between an editor and a language server and logs their traffic, one line per message, without changing a
byte. Messages are logged before they are passed on, so the log is in an order that really happened.

usage: tee.py LOG COMMAND [ARGUMENT...]

LOG gets the seconds since the start and a summary such as `-> workspace/applyEdit v5` (`->` is sent by the server,
`<-` by the editor); LOG.json gets the whole messages."""

import json
import os
import signal
import subprocess
import sys
import threading
import time


class Log:
    """The two log files, and the requests under way, whose answers are named after them."""

    def __init__(self, path):
        self._summary = open(path, "a", encoding="utf-8")
        self._whole = open(path + ".json", "a", encoding="utf-8")
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._asked = {}

    def write(self, arrow, content):
        """Logs one message; what is no JSON is logged as its size."""
        with self._lock:
            moment = time.monotonic() - self._started
            try:
                message = json.loads(content)
                line = self._summarise(arrow, message)
            except (ValueError, AttributeError, KeyError, TypeError):
                message, line = None, f"{len(content)} bytes that are no message"
            self._summary.write(f"{moment:8.3f} {arrow} {line}\n")
            self._summary.flush()
            self._whole.write(json.dumps([round(moment, 3), arrow, message]) + "\n")
            self._whole.flush()

    def _summarise(self, arrow, message):
        method = message.get("method")
        if method is None:
            asked = self._asked.pop(("->" if arrow == "<-" else "<-", message["id"]), "")
            return f"response{outcome(message, asked)}"
        if "id" in message:
            self._asked[arrow, message["id"]] = method
        return method + detail(method, message.get("params"))


def outcome(message, asked):
    """What an answer says, as far as it matters for the order of things."""
    if "error" in message:
        return f" error:{message['error']['code']} ({asked})"
    result = message.get("result")
    if asked == "workspace/applyEdit":
        return f" applied:{str(result['applied']).lower()}"
    return f" ({asked})"


def detail(method, params):
    """The part of the parameters that matters for the order of things, with a leading space."""
    if method in ("textDocument/didOpen", "textDocument/didChange"):
        return f" v{params['textDocument']['version']}"
    if method == "workspace/applyEdit":
        versions = [change["textDocument"]["version"] for change in params["edit"].get("documentChanges", [])]
        return "".join(f" v{version}" for version in versions)
    if method == "workspace/executeCommand":
        return f" {params['command']}"
    if method == "$/progress":
        return f" {params['value']['kind']}"
    return ""


def copy(source, target, log, arrow):
    """Passes framed messages on until the source ends."""
    with os.fdopen(source, "rb") as reader:
        while True:
            header = b""
            while not header.endswith(b"\r\n\r\n"):
                line = reader.readline()
                if not line:
                    os.close(target)
                    return
                header += line
            length = next(
                int(line.split(b":")[1]) for line in header.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            content = reader.read(length)
            log.write(arrow, content)
            whole = header + content
            try:
                while whole:
                    whole = whole[os.write(target, whole) :]
            except BrokenPipeError:
                return


def main():
    log = Log(sys.argv[1])
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    downstream = threading.Thread(target=copy, args=(0, os.dup(server.stdin.fileno()), log, "<-"), daemon=True)
    server.stdin.close()
    downstream.start()
    copy(os.dup(server.stdout.fileno()), os.dup(1), log, "->")
    code = server.wait()
    # Not sys.exit: the other thread may still wait in a read of our standard input.
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
