"""A scripted stand-in for the ezrouter gateway: it exists so that a test decides when each piece of an answer
leaves and learns when the client hangs up. Its answers are those
of the OpenAI surface, its refusals are for both surfaces; it checks no key."""

import json
import select
import socket
import threading
import time
from collections import deque

MODEL = "deepseek-v4-flash"

CATALOG = {
    "success": True,
    "object": "list",
    "data": [
        {
            "id": MODEL,
            "object": "model",
            "created": 1626777600,
            "owned_by": "custom",
            "supported_endpoint_types": ["openai"],
        }
    ],
}

# How long a request waits for an answer to be scripted.
SCRIPT_SECONDS = 2.0

SURFACES = (("POST", "/v1/chat/completions"), ("POST", "/anthropic/v1/messages"))

REASONS = {200: "OK", 401: "Unauthorized", 404: "Not Found", 500: "Internal Server Error"}


class Exchange:
    """One scripted answer to one chat completion, and what was seen of the client while it went out.

    A gated exchange sends a piece of the answer for each `release()`; the end of the answer counts as one more
    piece.
    """

    def __init__(self, deltas, *, gated=True, finish="stop", usage=(900, 600, 40), status=200, error=None):
        self.deltas = list(deltas)
        self.finish = finish
        self.usage = usage
        self.status = status
        self.error = error
        self.request = None
        self.closed_at = None
        self._released = 0 if gated else len(self.deltas) + 1
        self._cut = False
        self._requested = threading.Event()
        self._closed = threading.Event()
        self._sent = threading.Event()
        self._wake, self._woken = socket.socketpair()

    def release(self, pieces=1):
        """Lets that many more pieces go out."""
        self._released += pieces
        self._wake.send(b".")

    def release_all(self):
        """Lets everything that is left go out, the end included."""
        self.release(len(self.deltas) + 1)

    def cut(self):
        """Breaks the connection at once, as a proxy that restarts does."""
        self._cut = True
        self._wake.send(b".")

    def wait_request(self, seconds=10.0):
        """The body of the client's request, or None when none came in time."""
        self._requested.wait(seconds)
        return self.request

    def wait_closed(self, seconds=10.0):
        """Whether the client closed the connection before the answer had been sent whole."""
        return self._closed.wait(seconds)

    def wait_sent(self, seconds=10.0):
        """Whether the whole answer has been sent."""
        return self._sent.wait(seconds)

    def serve(self, connection, body):
        """Sends the answer on `connection`; True when the connection can serve another request."""
        self.request = body
        self._requested.set()
        if self.status != 200:
            send_json(connection, self.status, self.error)
            self._sent.set()
            return True
        try:
            connection.sendall(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-oneapi-request-id: scripted-1\r\n"
                b"transfer-encoding: chunked\r\n\r\n"
            )
            for index, events in enumerate(self._pieces()):
                if not self._turn(connection, index):
                    return False
                for event in events:
                    data = f"data: {event}\n\n".encode()
                    connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
            self._sent.set()
            connection.sendall(b"0\r\n\r\n")
            return True
        except OSError:
            self._hung_up()
            return False

    def _pieces(self):
        """The events of each piece: every delta is one, the end (reason, usage, terminator) is the last."""
        head = {"id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": 1780000000, "model": MODEL}

        def chunk(delta, reason=None):
            choice = {"delta": delta, "logprobs": None, "finish_reason": reason, "index": 0}
            return json.dumps({**head, "choices": [choice], "usage": None})

        opening = [chunk({"content": "", "role": "assistant"})]
        for delta in self.deltas:
            yield opening + [chunk({"content": delta})]
            opening = []
        prompt, cached, completion = self.usage
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached},
            "input_tokens": prompt,
            "output_tokens": 0,
        }
        yield opening + [
            chunk({}, self.finish),
            json.dumps({**head, "choices": [], "usage": usage}),
            "[DONE]",
        ]

    def _turn(self, connection, index):
        """Waits until piece `index` may go out; False when the connection is gone, by either side."""
        while True:
            if self._cut:
                # A reset, not an orderly end.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return False
            if index < self._released:
                return True
            ready, _, _ = select.select([connection, self._woken], [], [])
            if self._woken in ready:
                self._woken.recv(4096)
            if connection in ready and not peek(connection):
                self._hung_up()
                return False

    def _hung_up(self):
        self.closed_at = time.monotonic()
        self._closed.set()


class Gateway:
    """The listener: answers each chat completion with the next scripted exchange."""

    def __init__(self):
        self.requests = []
        self._script = deque()
        self._scripted = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def script(self, *deltas, **options):
        """Adds an exchange with these deltas; see `Exchange` for the options."""
        exchange = Exchange(deltas, **options)
        with self._scripted:
            self._script.append(exchange)
            self._scripted.notify()
        return exchange

    def refuse(self, status, error):
        """Adds an exchange that answers with an error body."""
        return self.script(gated=False, status=status, error=error)

    def forget(self):
        """Forgets what was asked and what was still to be answered: another scenario begins."""
        self.requests.clear()
        self._script.clear()

    def close(self):
        """Stops listening; what is under way ends with its connection."""
        # A thread that waits in `accept` does not notice a close, and may take the next gateway's connections for its own
        # when that gateway's listener gets the same file descriptor: it must be awake and gone first.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as reader:
            try:
                while self._answer(connection, reader):
                    pass
            except OSError:
                pass

    def _answer(self, connection, reader):
        """Reads and answers one request; False when the connection is to be closed."""
        method, _, rest = reader.readline().decode("latin-1").partition(" ")
        if not rest:
            return False
        path = rest.split(" ")[0]
        headers = {}
        while (line := reader.readline().decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        content = reader.read(int(headers.get("content-length", "0")))
        body = json.loads(content) if content else None
        self.requests.append({"method": method, "path": path, "headers": headers, "body": body})
        if path.startswith("/page/"):
            return send(connection, 200, "text/html; charset=utf-8", b"<!doctype html><title>A web page</title>")
        if (method, path) == ("GET", "/v1/models"):
            return send_json(connection, 200, CATALOG)
        if (method, path) not in SURFACES:
            return send_json(connection, 404, failure("invalid_request_error", f"Invalid URL ({method} {path})"))
        with self._scripted:
            # A test may start what asks before it says what is answered.
            if not self._scripted.wait_for(lambda: self._script, SCRIPT_SECONDS):
                return send_json(connection, 400, failure("invalid_request_error", "the script has no answer left"))
            exchange = self._script.popleft()
        return exchange.serve(connection, body)


def failure(kind, message, code=None):
    """An error body as the gateway writes it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def send_json(connection, status, body):
    """Sends a whole JSON answer; True, because the connection can go on."""
    return send(connection, status, "application/json; charset=utf-8", json.dumps(body).encode())


def send(connection, status, kind, data):
    """Sends a whole answer; True, because the connection can go on."""
    head = (
        f"HTTP/1.1 {status} {REASONS.get(status, 'Error')}\r\ncontent-type: {kind}\r\n"
        f"x-oneapi-request-id: scripted-1\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    connection.sendall(head.encode() + data)
    return True


def peek(connection):
    """Whether the other side is still there: an end of stream or a reset is what a hang-up looks like."""
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except OSError:
        return False
