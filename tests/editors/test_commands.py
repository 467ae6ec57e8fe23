"""Every command that the server offers, in Neovim without a plugin: what it answers, and what it does.

`each_command_is_played` holds the list: a command that the server offers and no scenario here plays is a failure.
"""

import json
import pathlib
import urllib.parse

from gateway import MODEL
from scenario import equal, scenario, true
from test_neovim import (
    FIRST,
    OLD,
    ORIGINAL,
    REWRITTEN,
    SECOND,
    neovim_bench,
    park,
    same_everywhere,
    start_ask,
    start_rewrite,
)

# `ezrouter.cancel` is played in `test_neovim.cancel_by_command`.
PLAYED = {"ezrouter.cancel"}

LINES = {"start": {"line": 3, "character": 0}, "end": {"line": 5, "character": 0}}


def plays(*commands):
    """Registers a scenario that plays these commands."""
    PLAYED.update(f"ezrouter.{command}" for command in commands)
    return scenario(neovim_bench)


def uri(bench):
    return bench.editor.lua("return vim.uri_from_bufnr(0)")


def told(bench, exchange, job):
    """Lets a job come to its end; it is the one that `ezrouter.status` tells first."""
    true(exchange.wait_request(), "no request reached the gateway")
    exchange.release_all()
    bench.editor.wait("the end of the job", lambda: state_of(bench, job) not in ("waiting", "thinking", "streaming"))
    return state_of(bench, job)


def state_of(bench, job):
    jobs = bench.editor.execute("ezrouter.status")["jobs"]
    return next((entry["state"] for entry in jobs if entry["job"] == job), None)


def shown_file(answer):
    return pathlib.Path(urllib.parse.unquote(answer["uri"].removeprefix("file://")))


@plays("ask", "status", "dismiss", "showAnswer", "usage")
def commands_ask_a_question_and_put_its_answer_away(bench):
    bench.editor.open("greet.py", ORIGINAL)
    exchange = bench.gateway.script("It greets.")
    job = bench.editor.execute("ezrouter.ask", uri=uri(bench), range=LINES, question="What is it for?")["job"]
    equal(told(bench, exchange, job), "done", "how the question ended")
    asked = exchange.request["messages"][-1]["content"]
    true(asked.endswith("What is it for?") and OLD in asked, asked)
    status = bench.editor.execute("ezrouter.status")
    true(status["version"] and status["client"]["name"] == "Neovim", f"odd status: {status}")
    true("sk-test" not in json.dumps(status), "the status tells the key")
    equal(status["settings"]["model"], MODEL, "the model in the status")
    bench.editor.go_to(4)
    true("It greets." in bench.editor.hover(), "no answer in the hover")
    equal(bench.editor.execute("ezrouter.dismiss", job=job), {"ok": True}, "dismiss")
    true("It greets." not in bench.editor.hover(), "the answer is still there")
    place = {"uri": uri(bench), "position": LINES["start"]}
    equal(bench.editor.execute("ezrouter.showAnswer", **place), {"ok": True}, "showAnswer")
    true("It greets." in bench.editor.hover(), "the answer is not back")
    (used,) = bench.editor.execute("ezrouter.usage")
    equal(
        {key: used[key] for key in ("model", "requests", "input", "cached", "output")},
        {"model": MODEL, "requests": 1, "input": 900, "cached": 600, "output": 40},
        "what it took",
    )


@plays("rewrite", "showDiff", "accept", "reject", "retry")
def commands_rewrite_show_accept_retry_and_reject(bench):
    bench.editor.open("greet.py", ORIGINAL)
    new = REWRITTEN[len(ORIGINAL.partition(OLD)[0]) : -len(ORIGINAL.partition(OLD)[2])]

    def rewrite(text):
        exchange = bench.gateway.script(text)
        where = {"uri": uri(bench), "range": LINES}
        job = bench.editor.execute("ezrouter.rewrite", **where, instruction="Shorten it.", model="other-model")["job"]
        equal(told(bench, exchange, job), "pending", "how the rewrite stands")
        equal(exchange.request["model"], "other-model", "the model")
        return job

    job = rewrite(new)
    equal(bench.editor.text(), REWRITTEN, "the text")
    diff = shown_file(bench.editor.execute("ezrouter.showDiff", job=job)).read_text()
    true(f"\n+{FIRST}\n" in diff and "\n-    message = " in diff, f"odd diff: {diff!r}")
    bench.editor.wait_document(diff.rstrip("\n").split("\n")[-1])
    bench.editor.nvim.command("buffer greet.py")
    exchange = bench.gateway.script("    pass\n")
    again = bench.editor.execute("ezrouter.retry", job=job, instruction="Leave it out.")["job"]
    equal(told(bench, exchange, again), "pending", "how the second try stands")
    true(exchange.request["messages"][-1]["content"].count("Leave it out.") == 1, "the new instruction")
    bench.editor.wait_text(ORIGINAL.replace(OLD, "    pass\n"))
    equal(bench.editor.execute("ezrouter.reject", job=again), {"ok": True, "kept": []}, "reject")
    bench.editor.wait_text(ORIGINAL)
    job = rewrite(new)
    place = {"uri": uri(bench), "position": LINES["start"]}
    equal(bench.editor.execute("ezrouter.accept", **place), {"ok": True, "kept": []}, "accept")
    equal(state_of(bench, job), "done", "the job")
    equal(bench.editor.text(), REWRITTEN, "the text after it was accepted")
    same_everywhere(bench)


@plays("apply")
def commands_apply_what_is_parked(bench):
    park(bench)
    (job,) = [entry["job"] for entry in bench.editor.execute("ezrouter.status")["jobs"]]
    answer = bench.editor.execute("ezrouter.apply", job=job)
    equal(answer["ok"], True, "apply")
    bench.editor.wait_line(SECOND)
    true("    print(message)  # keep\n" in bench.editor.text(), "what the user typed is lost")


@plays("showRequest")
def commands_show_the_request(bench):
    bench.editor.open("greet.py", ORIGINAL)
    answer = bench.editor.execute("ezrouter.showRequest", uri=uri(bench), range=LINES, question="Why?")
    view = shown_file(answer).read_text()
    true("Nothing has been sent" in view and "Why?" in view and "sk-test" not in view, f"odd view: {view!r}")
    bench.editor.wait_document("Nothing has been sent")


@plays("newConversation", "listConversations", "deleteConversation")
def commands_begin_list_and_delete_conversations(bench):
    start_ask(bench, "It greets.").release_all()
    bench.editor.wait_end(1)
    (first,) = bench.editor.execute("ezrouter.listConversations")
    equal(first["turns"], 1, "the turns of the conversation")
    begun = bench.editor.execute("ezrouter.newConversation")["conversation"]
    true(begun != first["conversation"], "it is the same conversation")
    exchange = start_ask(bench, "No bugs.", title="Find bugs")
    equal(len(exchange.request["messages"]), 2, "the messages of a new conversation: system and question")
    exchange.release_all()
    bench.editor.wait_end(2)
    listed = bench.editor.execute("ezrouter.listConversations")
    equal([entry["conversation"] for entry in listed], [begun, first["conversation"]], "the conversations")
    deleted = bench.editor.execute("ezrouter.deleteConversation", conversation=first["conversation"])
    equal(deleted, {"ok": True}, "deleteConversation")
    (left,) = bench.editor.execute("ezrouter.listConversations")
    equal(left["conversation"], begun, "the conversation that is left")


@plays("openConversation", "send")
def commands_open_a_conversation_and_send(bench):
    bench.editor.open("greet.py", ORIGINAL)
    file = shown_file(bench.editor.execute("ezrouter.openConversation"))
    true(file.parts[-3:-1] == (".ezrouter", "conversations"), f"an odd place: {file}")
    bench.editor.wait("the document", lambda: bench.editor.nvim.funcs.expand("%:t") == file.name)
    bench.editor.nvim.command("normal! Gowhy?")
    exchange = bench.gateway.script("Because.")
    # Where the editor was last is what it is about.
    job = bench.editor.execute("ezrouter.send", uri=uri(bench))["job"]
    equal(told(bench, exchange, job), "done", "how it ended")
    equal(exchange.request["messages"][-1]["content"], "why?", "what is sent")
    bench.editor.wait("the answer", lambda: "why?\n\n### Answer\n\nBecause.\n" in bench.editor.text())


@plays("models", "selectModel")
def commands_list_and_select_models(bench):
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.wait("the catalog", lambda: bench.editor.execute("ezrouter.models")["models"])
    catalog = bench.editor.execute("ezrouter.models")
    equal(catalog["models"], [{"id": MODEL, "surfaces": ["openai"]}], "the catalog")
    true(isinstance(catalog["age"], int) and catalog["model"] == MODEL, f"odd catalog: {catalog}")
    answer = bench.editor.execute("ezrouter.selectModel", model="other-model")
    equal(answer["model"], "other-model", "the selected model")
    true("catalog does not have it" in answer["message"], f"no word on the catalog: {answer}")
    exchange = start_ask(bench, "It greets.")
    equal(exchange.request["model"], "other-model", "the model of a request")
    exchange.release_all()
    bench.editor.wait_end()


@plays("restore")
def commands_restore_an_interrupted_rewrite(bench):
    exchange = start_rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.kill_server()
    bench.editor.start_server_again()
    # The journal is read beside the other work, and may come a moment after the file.
    bench.editor.wait("the offer", lambda: "Restore the text" in bench.editor.titles(4, 4))
    equal(bench.editor.execute("ezrouter.restore", uri=uri(bench)), {"ok": True, "kept": []}, "restore")
    bench.editor.wait_text(ORIGINAL)


@scenario(neovim_bench)
def each_command_is_played(bench):
    bench.editor.open("greet.py", ORIGINAL)
    offered = bench.editor.lua("return H.client('ezrouter').server_capabilities.executeCommandProvider.commands")
    equal(sorted(PLAYED), sorted(offered), "the commands that are played and those that are offered")
