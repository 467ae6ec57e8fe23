"""A language server that sends what it is told to, true or nonsense, as a server with a defect or with bad intent would.

The request `scripted/send` with `{messages}` has it send these messages as they are, and then answer; what Neovim answers
to the requests among them is given by `scripted/answers` with `{count}`, once there are so many. Commands are answered with
what `scripted/result` has given last as `{result}`.

usage: scripted_server.py"""

import json
import sys

from second_server import read

CAPABILITIES = {
    "textDocumentSync": {"openClose": True, "change": 2},
    "codeActionProvider": True,
    "executeCommandProvider": {"commands": ["ezrouter.ask", "ezrouter.rewrite"]},
}


def write(message):
    data = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
    sys.stdout.buffer.flush()


def main():
    result, answers, waiting = None, [], None
    while (message := read(sys.stdin.buffer)) is not None:
        method, params = message.get("method"), message.get("params")
        if method == "exit":
            return
        if method is None:
            answers.append({"id": message["id"], "result": message.get("result"), "failed": "error" in message})
        elif method == "initialize":
            write({"id": message["id"], "result": {"capabilities": CAPABILITIES}})
        elif method == "scripted/send":
            for one in params["messages"]:
                write(one)
            write({"id": message["id"], "result": len(params["messages"])})
        elif method == "scripted/answers":
            waiting = message["id"], params["count"]
        elif method == "workspace/executeCommand":
            write({"id": message["id"], "result": result})
        elif method == "scripted/result":
            result = params["result"]
            write({"id": message["id"], "result": True})
        elif "id" in message:
            write({"id": message["id"], "result": None})
        if waiting and waiting[1] <= len(answers):
            write({"id": waiting[0], "result": answers})
            waiting, answers = None, []


if __name__ == "__main__":
    main()
