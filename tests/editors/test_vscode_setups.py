"""Scenarios in VS Code that need a beginning of their own: no key and a workspace that is not trusted, a server that dies, is
missing or too old, and a plain language client in place of our extension."""

import os
import pathlib
import signal

from scenario import equal, scenario, true
from test_neovim import DELTAS, FIRST, ORIGINAL, REWRITTEN
from test_vscode import THREAD, begin, begun, finish, undone
from vscode_bench import HOSTILE, own_bench, plain_bench

KEY = "sk-typed-0123456789abcdef"


def server_of(bench):
    """The process of the server that the extension has started, or nothing."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            program = os.readlink(entry / "exe")
        except OSError:
            continue
        if program.startswith(str(bench.editor.directory)) and program.endswith("/ezrouter-lsp"):
            return int(entry.name)
    return None


def killed(bench):
    """Kills the server as a crash would, and gives the process that was."""
    bench.editor.until("a server serves", lambda: server_of(bench) and "ezrouter.status" in bench.editor.commands())
    process = server_of(bench)
    os.kill(process, signal.SIGKILL)
    bench.editor.until("it is gone", lambda: server_of(bench) != process)
    return process


def button(bench, notification, title):
    """Clicks a button of a notification."""
    toast = f".notification-list-item:has-text('{notification}')"
    bench.editor.page.wait_for_selector(toast)
    bench.editor.page.click(f"{toast} a:has-text('{title}')")


UNTRUSTED = {"security.workspace.trust.startupPrompt": "never", "security.workspace.trust.banner": "never"}


@scenario(
    own_bench(environment={}, trusted=False, settings=UNTRUSTED, files=HOSTILE, logged=True),
    "vscode_no_key_in_a_workspace_that_is_not_trusted",
)
def no_key_in_a_workspace_that_is_not_trusted(bench):
    editor = bench.editor
    editor.until("the status bar says that there is no key", lambda: "no API key" in editor.status())
    editor.open("greet.py", ORIGINAL)
    editor.select(4, 5)
    editor.command("ezrouter: Explain")
    editor.shows("ezrouter needs an API key")
    editor.picture("no-key")
    equal(asked(bench), [], "a request went out without a key")
    button(bench, "ezrouter needs an API key", "Set API Key")
    editor.page.wait_for_selector(".quick-input-widget input:focus")
    editor.picture("key")
    editor.answer_prompt(KEY)
    editor.until("the key is taken", lambda: "no API key" not in editor.status())
    exchange = bench.gateway.script("It greets.", gated=False)
    editor.select(4, 5)
    editor.command("ezrouter: Explain")
    true(exchange.wait_request(), "no request reached the gateway")
    editor.shows("It greets.")
    [request] = asked(bench)
    equal(request["headers"]["authorization"], f"Bearer {KEY}", "the key of the request")
    true("From the workspace." not in str(request["body"]), "a setting of the workspace counts although it is not trusted")
    true(not list(editor.project.rglob("stolen")), "a program of the workspace was run")
    editor.command("ezrouter: Status")
    editor.until("the status is shown", lambda: '"key": "EZROUTER_API_KEY"' in (editor.text() or ""))
    true(KEY not in editor.text(), "the status shows the key")
    traffic = (bench.directory / "traffic.log.json").read_text()
    true("It greets." in traffic, "the traffic was not logged")
    for path in [*editor.directory.rglob("*"), *bench.directory.rglob("*")]:
        if path.is_file() and path.stat().st_size < 4_000_000:
            true(KEY.encode() not in path.read_bytes(), f"the key stands in {path}")


def asked(bench):
    """The questions that reached the gateway."""
    return [request for request in bench.gateway.requests if request["method"] == "POST"]


@scenario(own_bench(environment={}), "vscode_without_a_key_answers_are_scripted")
def without_a_key_answers_are_scripted(bench):
    editor = bench.editor
    editor.until("the status bar says that there is no key", lambda: "no API key" in editor.status())
    editor.open("greet.py", ORIGINAL)
    editor.select(4, 5)
    editor.choose("Explain")
    button(bench, "ezrouter needs an API key", "Try Without a Key")
    editor.shows("nothing leaves this computer")
    editor.until("the server has taken it", lambda: "no API key" not in editor.status())
    editor.select(4, 5)
    editor.command("ezrouter: Explain")
    editor.shows("no model was asked")
    equal(asked(bench), [], "something was sent")
    button(bench, "nothing leaves this computer", "Stop Trying")
    editor.until("the status bar says that there is no key", lambda: "no API key" in editor.status())


@scenario(own_bench(), "vscode_the_server_dies")
def the_server_dies(bench):
    editor = bench.editor
    begun(bench)
    killed(bench)
    button(bench, "in the middle of a rewrite of greet.py", "Restore the Original")
    editor.wait_text(ORIGINAL)
    for _ in range(4):
        killed(bench)
    editor.shows("ended five times within three minutes")
    editor.picture("server-died")
    equal(server_of(bench), None, "the server after its fifth death")
    button(bench, "ended five times", "Try Again")
    editor.until("there is a server", lambda: server_of(bench))
    finish(bench, begin(bench), REWRITTEN)
    equal(undone(bench, ORIGINAL), 1, "presses of undo")


@scenario(own_bench(), "vscode_answers_outlive_the_server")
def answers_outlive_the_server(bench):
    """The next server counts its jobs from the beginning again: none of them is one of the old answers."""
    editor = bench.editor
    finish(bench, begin(bench), REWRITTEN)
    editor.press("Control+k", "n")
    editor.wait_text(ORIGINAL)
    explained(bench, 4, 5, "It greets whoever is named.")
    killed(bench)
    editor.until("a server serves", lambda: server_of(bench) and "ezrouter.status" in editor.commands())
    explained(bench, 8, 9, "It takes its leave.")
    again = bench.gateway.script("It still greets.", gated=False)
    editor.page.click(f"{THREAD}:has-text('whoever is named') .action-label[aria-label^='Ask Again']")
    true(again.wait_request(), "the old question is not asked again")
    editor.shows("It still greets.")
    texts = [thread.inner_text() for thread in editor.page.query_selector_all(THREAD)]
    true(any("takes its leave" in text for text in texts), f"another answer has gone: {texts}")
    true(not any("whoever is named" in text for text in texts), f"the old answer is still there: {texts}")


def explained(bench, first, last, words):
    """Has some lines explained."""
    exchange = bench.gateway.script(words, gated=False)
    bench.editor.select(first, last)
    bench.editor.command("ezrouter: Explain")
    true(exchange.wait_request(), "no request reached the gateway")
    bench.editor.shows(words)


@scenario(own_bench(), "vscode_a_setting_of_the_server_is_changed_in_mid_stream")
def a_setting_of_the_server_is_changed_in_mid_stream(bench):
    """The server is started anew with it, but not before the rewrite has its verdict, or something else is asked."""
    editor = bench.editor
    exchange = begun(bench)
    first = server_of(bench)
    editor.configure("ezrouter.baseUrl", f"{bench.gateway.url}/v1")
    editor.until("it is read", lambda: editor.js(BASE_URL).endswith("/v1"))
    finish(bench, exchange, REWRITTEN)
    editor.press("Control+k", "n")
    editor.wait_text(ORIGINAL)
    editor.until("another server serves", lambda: server_of(bench) not in (None, first))
    editor.until("it is ready", lambda: "ezrouter.status" in editor.commands())
    second = server_of(bench)
    finish(bench, begin(bench), REWRITTEN)
    editor.configure("ezrouter.baseUrl", bench.gateway.url)
    editor.until("it is read", lambda: not editor.js(BASE_URL).endswith("/v1"))
    true(editor.has_lens("Accept"), "the verdict is not offered any more")
    explained(bench, 9, 10, "It takes its leave.")
    true(server_of(bench) not in (None, second), "the question went to the server with the old setting")


BASE_URL = 'return vscode.workspace.getConfiguration("ezrouter").get("baseUrl");'


@scenario(own_bench(machine={"ezrouter.server.path": "/nowhere/ezrouter-lsp"}), "vscode_the_server_is_missing_or_too_old")
def the_server_is_missing_or_too_old(bench):
    editor = bench.editor
    editor.shows("There is no program at ezrouter.server.path: /nowhere/ezrouter-lsp")
    editor.picture("server-missing")
    old = editor.directory / "old-server"
    old.write_text("#!/bin/sh\necho ezrouter-lsp 0.0.9\n")
    old.chmod(0o755)
    editor.configure("ezrouter.server.path", str(old))
    editor.shows("is version 0.0.9, and this extension needs")
    other = editor.directory / "other-program"
    other.write_text("#!/bin/sh\necho hello\n")
    other.chmod(0o755)
    editor.configure("ezrouter.server.path", str(other))
    editor.shows("is not an ezrouter-lsp")
    silent = editor.directory / "silent-server"
    silent.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo ezrouter-lsp 0.1.0 && exit\nexec sleep 600\n")
    silent.chmod(0o755)
    editor.configure("ezrouter.server.path", str(silent))
    editor.shows("The server did not answer within 10 seconds")
    editor.configure("ezrouter.server.path", None)
    editor.until("the server of the package runs", lambda: server_of(bench))
    finish(bench, begin(bench), REWRITTEN)


@scenario(plain_bench, "vscode_plain_client_rewrites_and_one_undo")
def plain_client_rewrites_and_one_undo(bench):
    editor = bench.editor
    exchange = bench.gateway.script(*DELTAS)
    editor.open("greet.py", ORIGINAL)
    editor.select(4, 5)
    editor.choose("Simplify")
    true(exchange.wait_request(), "no request reached the gateway")
    exchange.release(3)
    editor.wait_line(FIRST)
    editor.picture("plain-streaming")
    exchange.release_all()
    editor.wait_text(REWRITTEN)
    editor.until("the verdict is offered", lambda: any(title.startswith("Accept") for title in editor.titles()))
    equal(undone(bench, ORIGINAL), 1, "presses of undo")


@scenario(plain_bench, "vscode_plain_client_asks")
def plain_client_asks(bench):
    editor = bench.editor
    bench.gateway.script("It greets ", "whoever is named.", gated=False)
    editor.open("greet.py", ORIGINAL)
    editor.select(4, 5)
    editor.choose("Explain")
    editor.shows("Answer ready: hover over lines 4-5")
    editor.goto(4)
    editor.press("Control+k", "Control+i")
    editor.shows("whoever is named")
    editor.picture("plain-hover")
