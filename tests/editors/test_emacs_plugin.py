"""Scenarios of `ezrouter.el` in a real Emacs, with Eglot and another server in the same buffer: what its commands do, what it
shows, and how often undo must be pressed."""

import contextlib
import os
import signal
import subprocess
import time

import test_conversation  # noqa: F401
from emacs import PLUGIN, EmacsPlugin
from gateway import MODEL, Gateway
from scenario import SCENARIOS, Bench, equal, scenario, true
from test_emacs import emacs_bench
from test_every_editor import BOTH_HUNKS, HUNKS
from test_helix import helix_bench
from test_neovim import CLOSED_SECONDS, DELTAS, FIRST, OLD, ORIGINAL, REWRITTEN, SECOND
from undo_table import measured


@contextlib.contextmanager
def emacs_plugin_bench(tools, directory, _debounce, **options):
    """Emacs with the plugin, Eglot with the other server, and our server on a scripted gateway."""
    gateway = Gateway()
    variables = {"EZROUTER_API_KEY": "sk-test", "EZROUTER_BASE_URL": gateway.url, "EZROUTER_MODEL": MODEL}
    editor = EmacsPlugin(tools.environment, tools.server, directory, variables, **options)
    try:
        yield Bench(directory, gateway, editor, tools)
    finally:
        editor.close()
        gateway.close()


def rewrite(bench, *deltas, first=4, last=5, words="use an f-string"):
    """Has lines of the usual file rewritten by the command, and waits for the request."""
    exchange = bench.gateway.script(*(deltas or DELTAS))
    if bench.editor.path is None:
        bench.editor.open("greet.py", ORIGINAL)
    bench.editor.call(first, last, f'(ezrouter-rewrite "{words}")')
    true(exchange.wait_request(), "no request reached the gateway")
    return exchange


def finish(bench, exchange, text, jobs=1):
    exchange.release_all()
    message = bench.editor.wait_end(jobs)
    true(message.startswith("done"), f"the last progress message is {message!r}")
    equal(bench.editor.text(), text, "the text after the end")


def same_everywhere(bench):
    """Both servers have the text of the buffer."""
    equal(bench.editor.second_text(), bench.editor.text(), "the text of the second server")


@scenario(emacs_plugin_bench)
def emacs_plugin_rewrite_by_command_one_undo(bench):
    exchange = rewrite(bench)
    true("use an f-string" in exchange.request["messages"][-1]["content"], "the words are not in the request")
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    exchange.release(2)
    bench.editor.wait_line(SECOND)
    finish(bench, exchange, REWRITTEN)
    same_everywhere(bench)
    equal(bench.editor.marked(), [4, 5, 6], "the lines that are marked")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")
    measured(bench, "nothing", "the new text", 1)


@scenario(emacs_plugin_bench)
def emacs_plugin_by_keys_alone(bench):
    """Mark two lines, press the key, say what to do; see it in the mode line; accept by key."""
    exchange = bench.gateway.script(*DELTAS)
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.goto(4)
    bench.editor.keys("C-Space", "C-n", "C-n", "C-c", "e", "r")
    bench.editor.wait_shown("Rewrite:")
    bench.editor.type("use an f-string")
    bench.editor.keys("Enter")
    true(exchange.wait_request(), "no request reached the gateway")
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.wait_shown("ez[")
    finish(bench, exchange, REWRITTEN)
    bench.editor.wait_shown("[1 to review]")
    bench.editor.goto(5)
    bench.editor.keys("C-c", "e", "y")
    bench.editor.wait(lambda: bench.editor.state() == "done", "the rewrite to be accepted")
    equal(bench.editor.marked(), [], "the lines that are marked")
    # The last instruction is offered again.
    bench.editor.keys("C-c", "e", "r")
    bench.editor.wait_shown("Rewrite:")
    bench.editor.keys("M-p")
    bench.editor.wait_shown("Rewrite: use an f-string")


@scenario(emacs_plugin_bench)
def emacs_plugin_ask_and_follow_up(bench):
    """The answer streams into a window, and the next question goes on with the conversation."""
    exchange = bench.gateway.script("It greets ", "**somebody**.")
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.call(4, 5, '(ezrouter-ask "what is this?")')
    true(exchange.wait_request(), "no request reached the gateway")
    bench.editor.wait_shown("> what is this?")
    exchange.release(1)
    bench.editor.wait(lambda: bench.editor.answer() == "> what is this?\n\nIt greets ", "the first piece")
    exchange.release_all()
    bench.editor.wait_end()
    bench.editor.wait_shown("It greets **somebody**.")
    second = bench.gateway.script("By name.")
    bench.editor.keys("C-x", "o")
    bench.editor.wait(lambda: "answer" in bench.editor.lisp("(buffer-name (window-buffer))"), "the window of the answer")
    bench.editor.keys("Enter")
    bench.editor.wait_shown("Ask on:")
    bench.editor.type("and how?")
    bench.editor.keys("Enter")
    true(second.wait_request(), "no second request reached the gateway")
    past, now = exchange.request["messages"], second.request["messages"]
    equal(now[: len(past)], past, "the beginning of the second request")
    equal(now[len(past)], {"role": "assistant", "content": "It greets **somebody**."}, "the first answer in the second request")
    true("and how?" in now[-1]["content"], f"the second question is {now[-1]}")
    second.release_all()
    bench.editor.wait_end(2)
    whole = "> what is this?\n\nIt greets **somebody**.\n\n---\n\n> and how?\n\nBy name."
    bench.editor.wait(lambda: bench.editor.answer() == whole, "both answers in one buffer")
    equal(bench.editor.text(), ORIGINAL, "the text")
    bench.editor.keys("d")
    bench.editor.wait(lambda: bench.editor.answer() == "", "the answer to go away")


@scenario(emacs_plugin_bench)
def emacs_plugin_stop(bench):
    bench.editor.open("greet.py", ORIGINAL)
    exchange = rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.call(1, 1, "(ezrouter-stop)")
    stopped = time.monotonic()
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    true(exchange.closed_at - stopped < CLOSED_SECONDS, f"closed after {exchange.closed_at - stopped:.3f} s")
    bench.editor.wait_text(ORIGINAL)
    bench.editor.wait(lambda: bench.editor.state() == "cancelled", "the end")
    equal(bench.editor.in_buffer("(if (buffer-modified-p) 1 0)"), 0, "whether the buffer is modified")
    equal(bench.editor.in_buffer("(length (seq-filter #'identity buffer-undo-list))"), 0, "the steps of undo")
    equal(bench.editor.marked(), [], "the lines that are marked")
    same_everywhere(bench)


@scenario(emacs_plugin_bench)
def emacs_plugin_undo_in_mid_stream_stops(bench):
    exchange = rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.undo()
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    message = bench.editor.wait_end()
    true("cancelled" in message, f"the last progress message is {message!r}")
    equal(bench.editor.text(), ORIGINAL, "the text after the undo")
    bench.editor.wait(lambda: bench.editor.marked() == [], "the marks to go")
    measured(bench, "you undo in the middle of it", "the original; it stops", 1)


@scenario(emacs_plugin_bench)
def emacs_plugin_reject_and_its_undo(bench):
    finish(bench, rewrite(bench), REWRITTEN)
    bench.editor.call(5, 5, "(ezrouter-reject)")
    bench.editor.wait_text(ORIGINAL)
    bench.editor.wait(lambda: bench.editor.state() == "cancelled", "the end")
    bench.editor.undo()
    equal(bench.editor.text(), REWRITTEN, "the text after one undo, which is of the rejection")


@scenario(emacs_plugin_bench)
def emacs_plugin_reject_and_accept_a_hunk(bench):
    finish(bench, rewrite(bench, *HUNKS, first=4, last=9), BOTH_HUNKS)
    equal(bench.editor.marked(), [4, 9], "the lines that are marked")
    bench.editor.in_buffer('(progn (goto-char (point-min)) (ezrouter-next-change) (ezrouter-next-change) nil)')
    bench.editor.in_buffer("(progn (ezrouter-reject t) nil)")
    bench.editor.wait_text(ORIGINAL.replace('"Hello, " + name', 'f"Hello, {name}"'))
    bench.editor.wait(lambda: bench.editor.marked() == [4], "one mark to go")
    bench.editor.call(4, 4, "(ezrouter-accept t)")
    bench.editor.wait(lambda: bench.editor.state() == "done", "the rewrite to be decided")
    equal(bench.editor.marked(), [], "the lines that are marked")


@scenario(emacs_plugin_bench)
def emacs_plugin_typing_between_pieces(bench):
    """What the user types between two pieces, above and below, key by key, is in no step of the rewrite."""
    pieces = "".join(f'    line_{number} = f"Hello, {{name}}"\n' for number in range(4)) + "    end"
    exchange = rewrite(bench, *pieces.splitlines(keepends=True))
    bench.editor.goto(12)
    for number in range(4):
        exchange.release()
        if number:
            bench.editor.wait_line(f'    line_{number - 1} = f"Hello, {{name}}"')
        # The cursor stays where it is: these join into one word, whatever comes between them.
        bench.editor.type(f"{number}")
        bench.editor.wait(lambda number=number: bench.editor.text().endswith(f"{number}"), "what was typed")

    def with_typed(text, typed="0123"):
        return f"{text}{typed}"

    new = ORIGINAL.replace(OLD, f"{pieces}\n")
    finish(bench, exchange, with_typed(new))
    bench.editor.type("4")
    bench.editor.wait_text(with_typed(new, "01234"))
    bench.editor.undo()
    equal(bench.editor.text(), with_typed(new), "what was typed after the end is undone first")
    bench.editor.undo()
    equal(bench.editor.text(), with_typed(ORIGINAL), "then the whole rewrite, and nothing else")
    same_everywhere(bench)
    bench.editor.undo_until(ORIGINAL, 5)
    same_everywhere(bench)


@scenario(emacs_plugin_bench)
def emacs_plugin_another_buffer_meanwhile(bench):
    """The buffer is hidden while the rewrite arrives, and what is typed elsewhere is not disturbed."""
    exchange = rewrite(bench)
    bench.editor.keys("C-x", "b")
    bench.editor.wait_shown("Switch to buffer")
    bench.editor.type("notes")
    bench.editor.keys("Enter")
    bench.editor.type("typing ")
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.type("on")
    exchange.release_all()
    bench.editor.wait_end()
    equal(bench.editor.text(), REWRITTEN, "the text after the end")
    bench.editor.wait_shown("typing on")
    equal(bench.editor.lisp('(with-current-buffer "notes" (buffer-string))'), "typing on", "the other buffer")
    bench.editor.goto_hidden()
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


@scenario(emacs_plugin_bench)
def emacs_plugin_point_and_region_stay(bench):
    """The cursor, the view and a marker stay where they are in the text."""
    exchange = rewrite(bench)
    bench.editor.goto(9)
    bench.editor.keys("C-f", "C-f")
    bench.editor.in_buffer("(progn (setq kept-marker (save-excursion (search-forward \"leave(\" nil t) (point-marker))) nil)")
    finish(bench, exchange, REWRITTEN)
    equal(bench.editor.in_buffer("(list (line-number-at-pos) (current-column))"), [10, 2], "the place of the cursor")
    equal(bench.editor.in_buffer('(buffer-substring kept-marker (+ kept-marker 5))'), '"all"', "the text at the marker")


@scenario(emacs_plugin_bench)
def emacs_plugin_revert_and_narrowing(bench):
    """The server has the text after the buffer was reverted, and while it is narrowed."""
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.path.write_text("# new\n" + ORIGINAL)
    bench.editor.in_buffer("(progn (revert-buffer t t) nil)")
    bench.editor.in_buffer("(progn (goto-char (point-min)) (forward-line 4) (narrow-to-region (pos-bol) (point-max)) nil)")
    exchange = bench.gateway.script(*DELTAS)
    bench.editor.call(1, 2, '(ezrouter-rewrite "x")')
    true(exchange.wait_request(), "no request reached the gateway")
    exchange.release_all()
    bench.editor.wait_end()
    bench.editor.in_buffer("(progn (widen) nil)")
    equal(bench.editor.text(), "# new\n" + REWRITTEN, "the text after the end")
    same_everywhere(bench)


@scenario(emacs_plugin_bench)
def emacs_plugin_models_usage_status_request(bench):
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.call(1, 1, f'(ezrouter-select-model "{MODEL}")')
    bench.editor.wait(lambda: "answers from now on" in bench.editor.said(), "the message")
    bench.editor.call(1, 1, "(ezrouter-usage)")
    bench.editor.wait_shown("Nothing was used yet.")
    bench.editor.call(1, 1, "(ezrouter-status)")
    bench.editor.wait_shown("version: ")
    bench.editor.call(4, 5, '(ezrouter-show-request "what is this?")')
    bench.editor.wait_document("what is this?")
    equal([one["path"] for one in bench.gateway.requests if one["method"] == "POST"], [], "what was sent")


@scenario(emacs_plugin_bench)
def emacs_plugin_a_diff_that_is_shown_again_is_the_new_one(bench):
    """What the server has written again is read again, and nothing is asked of the user for that."""
    finish(bench, rewrite(bench), REWRITTEN)
    bench.editor.call(5, 5, "(ezrouter-show-diff)")
    bench.editor.wait_document(f"+{FIRST}")
    diff = '(seq-find (lambda (one) (string-suffix-p ".diff" (buffer-name one))) (buffer-list))'
    bench.editor.lisp(f"""(with-current-buffer {diff} (let ((inhibit-read-only t)) (erase-buffer) (insert "an older one"))
                                                      (save-buffer) nil)""")
    bench.editor.call(5, 5, "(ezrouter-show-diff)")
    asked = "(if (active-minibuffer-window) 1 0)"
    older = f'(with-current-buffer {diff} (if (string-search "an older one" (buffer-string)) 1 0))'
    bench.editor.wait(lambda: bench.editor.lisp(asked) or not bench.editor.lisp(older), "the new diff")
    equal(bench.editor.lisp(asked), 0, "whether the user is asked something")


@scenario(emacs_plugin_bench)
def emacs_plugin_chat_in_a_document(bench):
    """The conversation is a document: it is written in, sent, answered in place, and no window opens for the answer."""
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.call(1, 1, "(ezrouter-chat)")
    bench.editor.turn_to_conversation()
    bench.editor.type_here("What is a greeting?")
    before = bench.editor.text()
    exchange = bench.gateway.script("A word", " that\n", "opens.")
    bench.editor.in_buffer("(progn (ezrouter-send) nil)")
    true(exchange.wait_request(), "no request reached the gateway")
    true("What is a greeting?" in exchange.request["messages"][-1]["content"], "what was written is not sent")
    exchange.release(2)
    bench.editor.wait_line("A word that")
    exchange.release_all()
    bench.editor.wait_end()
    bench.editor.wait_line("opens.")
    equal(bench.editor.answer(), "", "the buffer of an answer")
    equal(bench.editor.marked(), [], "the lines that are marked")
    bench.editor.undo()
    equal(bench.editor.text(), before, "the text after one undo")
    equal(bench.editor.traffic().count("<- initialize\n"), 1, "how many servers run")


@scenario(emacs_plugin_bench)
def emacs_plugin_answers_go_into_the_document_if_wanted(bench):
    """With `answer.show = "document"` the window that was opened for the answer goes away again."""
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.in_buffer("""(progn (setq ezrouter-settings '(:answer (:show "document"))) (ezrouter-restart) nil)""")
    exchange = bench.gateway.script("It greets.", gated=False)
    bench.editor.call(4, 5, '(ezrouter-ask "what is this?")')
    true(exchange.wait_request(), "no request reached the gateway")
    bench.editor.wait_document("It greets.")
    bench.editor.turn_to_conversation()
    bench.editor.wait_line("It greets.")
    equal(bench.editor.answer(), "", "the buffer of an answer")


@scenario(emacs_plugin_bench)
def emacs_plugin_a_buffer_without_a_file(bench):
    """The server is asked about any text: here a buffer that visits no file, in which the mode was not on."""
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.lisp("""
      (progn (switch-to-buffer "notes") (insert "one\ntwo\nthree\n") (text-mode) (goto-char 5)
             (push-mark 9 t t) (ezrouter-rewrite "in capitals") nil)""".replace("one\ntwo\nthree\n", "one\\ntwo\\nthree\\n"))
    exchange = bench.gateway.script("TWO", gated=False)
    true(exchange.wait_request(), "no request reached the gateway")
    bench.editor.wait_end()
    notes = '(with-current-buffer "notes" (buffer-string))'
    bench.editor.wait(lambda: bench.editor.lisp(notes) == "one\nTWO\nthree\n", "the rewrite")
    bench.editor.keys("C-_")
    bench.editor.wait(lambda: bench.editor.lisp(notes) == "one\ntwo\nthree\n", "one undo")


@scenario(emacs_plugin_bench)
def emacs_plugin_another_package_takes_the_undo_list(bench):
    """As undo-tree does: then the server puts the whole in place once more, and one undo takes it back all the same."""
    exchange = rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.in_buffer("(progn (setq buffer-undo-list nil) nil)")
    finish(bench, exchange, REWRITTEN)
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")
    same_everywhere(bench)


@scenario(emacs_plugin_bench)
def emacs_plugin_what_flymake_says_can_be_fixed(bench):
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.in_buffer("""
      (progn
        (flymake-mode 1)
        (setq-local flymake-diagnostic-functions
                    (list (lambda (report &rest _)
                            (funcall report (list (flymake-make-diagnostic (current-buffer) 42 49 :error "no such name"))))))
        (flymake-start) nil)""")
    bench.editor.wait(lambda: "Fix: no such name" in bench.editor.titles(4, 5), "the fix")
    exchange = bench.gateway.script(*DELTAS)
    bench.editor.choose(4, 5, "Fix: no such name")
    true(exchange.wait_request(), "no request reached the gateway")
    true("no such name" in exchange.request["messages"][-1]["content"], "the diagnostic is not in the request")
    finish(bench, exchange, REWRITTEN)


@scenario(emacs_plugin_bench)
def emacs_plugin_retry_in_the_same_buffer(bench):
    first = bench.gateway.script("It greets.", gated=False)
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.call(4, 5, '(ezrouter-ask "what is this?")')
    true(first.wait_request(), "no request reached the gateway")
    bench.editor.wait_end()
    again = bench.gateway.script("Otherwise.", gated=False)
    buffer = '(ezrouter--job-thread (car (ezrouter--all-jobs)))'
    bench.editor.lisp(f"(with-current-buffer {buffer} (ezrouter-retry) nil)")
    true(again.wait_request(), "no second request reached the gateway")
    bench.editor.wait_end(2)
    bench.editor.wait(lambda: bench.editor.answer().endswith("Otherwise."), "the second answer")
    true(bench.editor.answer().startswith("> what is this?\n\nIt greets."), f"the buffer: {bench.editor.answer()!r}")


@scenario(emacs_plugin_bench)
def emacs_plugin_read_only_and_killed_buffers(bench):
    """An edit that the buffer does not allow is refused and said so; a buffer that is killed stops what runs for it."""
    exchange = rewrite(bench)
    bench.editor.in_buffer("(progn (read-only-mode 1) nil)")
    exchange.release_all()
    bench.editor.wait_end()
    equal(bench.editor.text(), ORIGINAL, "the text of a read-only buffer")
    bench.editor.in_buffer("(progn (read-only-mode -1) nil)")
    again = rewrite(bench, first=8, last=9)
    again.release(3)
    bench.editor.wait_line(FIRST.strip())
    bench.editor.in_buffer("(progn (set-buffer-modified-p nil) (kill-buffer) nil)")
    true(again.wait_closed(), "the gateway did not see the connection close")


@scenario(emacs_plugin_bench)
def emacs_plugin_leaves_no_process(bench):
    """The server ends with Emacs, in mid-stream, and Emacs waits for nothing."""
    exchange = rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    processes = [bench.editor.lisp("(emacs-pid)"), bench.editor.server_process()]
    # What a terminal that is closed does.
    os.kill(processes[0], signal.SIGHUP)
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    bench.editor.wait_gone(processes)


@scenario(emacs_plugin_bench)
def emacs_plugin_crash_and_restore(bench):
    exchange = rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.kill_server()
    bench.editor.wait(lambda: "the server has stopped" in bench.editor.said(), "the message")
    bench.editor.start_server_again()
    restore = "Restore the text from before the interrupted rewrite"
    bench.editor.wait(lambda: restore in bench.editor.titles(4, 4), "the offer")
    bench.editor.choose(4, 4, restore)
    bench.editor.wait_text(ORIGINAL)


@scenario(lambda tools, directory, debounce: emacs_plugin_bench(tools, directory, debounce, program="/nowhere/ezrouter-lsp"))
def emacs_plugin_without_a_server(bench):
    """A message says what to do, once, and editing goes on."""
    bench.editor.open_without_server("greet.py", ORIGINAL)
    bench.editor.wait(lambda: "/nowhere/ezrouter-lsp is not found" in bench.editor.said(), "the message")
    bench.editor.keys("C-c", "e", "a")
    bench.editor.wait_shown("Cannot start the server: /nowhere/ezrouter-lsp is not found")
    bench.editor.insert_above(1, "# typed")
    equal(bench.editor.text(), f"# typed\n{ORIGINAL}", "the text")


def batch(tools, *arguments):
    """Runs Emacs without a screen; fails unless it ends well, and gives what it said."""
    command = ["emacs", "-Q", "--batch", *arguments]
    done = subprocess.run(command, cwd=PLUGIN, capture_output=True, text=True, timeout=120, check=False)
    true(done.returncode == 0, f"{command}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


@contextlib.contextmanager
def no_bench(tools, directory, _debounce):
    """Nothing but a directory."""
    yield Bench(directory, None, None, tools)


@scenario(no_bench)
def emacs_plugin_byte_compiles_without_warnings(bench):
    target = f'(setq byte-compile-error-on-warn t byte-compile-dest-file-function (lambda (_) "{bench.directory}/ezrouter.elc"))'
    for name in ("ezrouter.el", "ezrouter-test.el"):
        batch(bench.tools, "-L", ".", "--eval", target, "-f", "batch-byte-compile", name)
    true((bench.directory / "ezrouter.elc").exists(), "nothing was compiled")


@scenario(no_bench)
def emacs_plugin_is_clean_for_checkdoc(bench):
    for name in ("ezrouter.el", "ezrouter-test.el"):
        equal(batch(bench.tools, "--eval", f'(progn (require (quote checkdoc)) (checkdoc-file "{name}"))'), "", f"what checkdoc says of {name}")


@scenario(no_bench)
def emacs_plugin_own_tests(bench):
    said = batch(bench.tools, "-L", ".", "-l", "ezrouter-test.el", "-f", "ert-run-tests-batch-and-exit")
    true(" 0 unexpected" in said, said)


# Scenarios that only editors play where a rewrite is seen while it comes.
COMMON = ("typing_inside_written", "killed_in_mid_stream_the_text_from_before_comes_back")
# Without the plugin a rewrite comes at its end and asks for other hands; what is not about that holds with it too, and so does
# what holds in Helix, where it streams as well.
DIFFERENT = (
    "emacs_rewrite_and_one_undo",
    "emacs_rewrite_by_the_menu_of_eglot",
    "emacs_stop",
    "emacs_undo_in_mid_stream_is_for_what_was_typed",
    "emacs_killed_in_mid_stream_nothing_has_changed",
    "helix_typing_across_the_end",
)
taken = set()
for one in [one for one in SCENARIOS if one.kind in (emacs_bench, helix_bench)]:
    editor, _, name = one.name.partition("_")
    is_common = one.kind is emacs_bench or one.name in {f"helix_{part}" for part in COMMON}
    if one.name not in DIFFERENT and name not in taken and is_common:
        taken.add(name)
        scenario(emacs_plugin_bench, f"emacs_plugin_{name}")(one.run)
