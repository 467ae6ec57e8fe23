"""A second language server for the same buffer, as people have one: it offers a hover and a code action of its own,
keeps its own copy of the text in UTF-16 as most servers do, and logs every message. It never edits.

usage: second_server.py LOG"""

import json
import sys

CAPABILITIES = {
    "textDocumentSync": {"openClose": True, "change": 2},
    "hoverProvider": True,
    "codeActionProvider": True,
    "executeCommandProvider": {"commands": ["second.nothing"]},
}


def offset(text, position):
    """The index in `text` of a position in UTF-16 code units."""
    lines = text.split("\n")
    start = sum(len(line) + 1 for line in lines[: position["line"]])
    line = lines[position["line"]] if position["line"] < len(lines) else ""
    units = line.encode("utf-16-le")[: 2 * position["character"]]
    return min(start + len(units.decode("utf-16-le", "ignore")), len(text))


class Server:
    """The documents as this server sees them, and its answers."""

    def __init__(self):
        self.documents = {}

    def answer(self, method, params):
        """The result of a request."""
        if method == "initialize":
            return {"capabilities": CAPABILITIES, "serverInfo": {"name": "second"}}
        if method == "textDocument/hover":
            return {"contents": {"kind": "markdown", "value": "A hover of the second server."}}
        if method == "textDocument/codeAction":
            return [{"title": "Second: do nothing", "command": {"title": "Nothing", "command": "second.nothing"}}]
        if method == "second/text":
            return self.documents.get(params["uri"])
        return None

    def notice(self, method, params):
        """Takes a notification in."""
        if method == "textDocument/didOpen":
            self.documents[params["textDocument"]["uri"]] = params["textDocument"]["text"]
        elif method == "textDocument/didChange":
            uri = params["textDocument"]["uri"]
            # Neovim tells a server that has just started of a change of a document that it opens only then.
            for change in params["contentChanges"] if uri in self.documents else []:
                self.documents[uri] = self.changed(self.documents[uri], change)
        elif method == "textDocument/didClose":
            self.documents.pop(params["textDocument"]["uri"], None)

    @staticmethod
    def changed(text, change):
        """The text after one content change."""
        if "range" not in change:
            return change["text"]
        start, end = offset(text, change["range"]["start"]), offset(text, change["range"]["end"])
        return text[:start] + change["text"] + text[end:]


def read(stream):
    """The next message, or None at the end of the stream."""
    length = 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(stream.read(length)) if length else None


def main():
    server = Server()
    with open(sys.argv[1], "a", encoding="utf-8") as log:
        while (message := read(sys.stdin.buffer)) is not None:
            print(json.dumps(message), file=log, flush=True)
            method = message.get("method")
            if method == "exit":
                return
            if method is not None and "id" in message:
                result = server.answer(method, message.get("params"))
                data = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
                sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
                sys.stdout.buffer.flush()
            elif method is not None:
                server.notice(method, message.get("params"))


if __name__ == "__main__":
    main()
