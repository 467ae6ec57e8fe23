"""Scenarios of the command line with a real model (SmolLM2 in llama.cpp), each on both surfaces of the gateway: what
becomes of real answers, counts and refusals. The model is small and its words are not judged."""

import contextlib
import dataclasses
import functools
import re
import signal
import subprocess
import time

from model_server import CONTEXT_TOKENS, KEY, MODEL
from scenario import Bench, Failure, equal, scenario, true
from test_model import ANSWER_SECONDS, IDLE_SECONDS, ORIGINAL, SELECTED, model_server

FOOTER = re.compile(re.escape(MODEL) + r", (\d+) tokens in(?: \((\d+) cached\))?, (\d+) out, \d+ s")


@dataclasses.dataclass
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    def counts(self):
        """Tokens in, cached and out, as the footer tells them: none of them guessed."""
        found = FOOTER.search(self.stderr)
        true(found, f"no footer with exact counts: {self.stderr!r}")
        return [int(count or 0) for count in found.groups()]

    def failed(self, *parts):
        """Fails unless the command did, with these parts in its last line, and the key nowhere."""
        equal(self.code, 1, f"the exit code, with {self.stderr!r}")
        last = self.stderr.splitlines()[-1]
        for part in parts:
            true(part in last, f"{part!r} is not in the reason {last!r}")
        for key in ("sk-local", "sk-wrong"):
            true(key not in self.stdout + self.stderr, f"the key is printed: {self.stderr!r}")


class CommandLine:
    """`ezrouter-lsp ask` and `rewrite` on a surface of the real model."""

    def __init__(self, tools, directory, server, surface):
        self._program = tools.server
        self._settings = directory / "config.toml"
        self._surface = surface
        self.allow(400)
        self.file = directory / "area.py"
        self.file.write_text(ORIGINAL)
        self._environment = {
            "EZROUTER_API_KEY": KEY,
            "EZROUTER_BASE_URL": server.url,
            "EZROUTER_ANTHROPIC_BASE_URL": server.url,
            "EZROUTER_CONFIG": str(self._settings),
            "EZROUTER_MODEL": MODEL,
            "EZROUTER_STATE_DIR": str(directory / "state"),
        }

    def allow(self, tokens):
        """Lets an answer have so many tokens; there is little to read for a small model."""
        self._settings.write_text(
            f'surface = "{self._surface}"\nmax_output_tokens = {tokens}\n[context]\nmax_bytes = 400\n'
        )

    def start(self, *arguments, **changed):
        """Starts a command with another environment as `changed` says."""
        return subprocess.Popen(
            [self._program, *map(str, arguments)],
            env=self._environment | changed,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end_of(self, process):
        """Waits for a command and tells how it ended."""
        try:
            stdout, stderr = process.communicate(timeout=ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failure(f"no end within {ANSWER_SECONDS} s: {process.communicate()}") from None
        return Ended(process.returncode, stdout, stderr)

    def run(self, *arguments, **changed):
        """Runs a command to its end."""
        return self.end_of(self.start(*arguments, **changed))


@contextlib.contextmanager
def bench_on(surface, tools, directory, debounce):
    """The command line in the place of an editor."""
    server = model_server(tools.environment)
    yield Bench(directory, server, CommandLine(tools, directory, server, surface), tools)


def on_both_surfaces(function):
    """Registers a scenario for each surface."""
    for surface in ("openai", "anthropic"):
        name = function.__name__.replace("model_", f"model_{surface}_", 1)
        scenario(functools.partial(bench_on, surface), name=name)(function)
    return function


@on_both_surfaces
def model_ask_prints_the_answer_and_what_it_took(bench):
    ended = bench.editor.run("ask", bench.editor.file, "--lines", "2-3", "What does it return? One short sentence.")
    equal(ended.code, 0, f"the exit code, with {ended.stderr!r}")
    true(ended.stdout.strip(), "no answer")
    read, _, written = ended.counts()
    true(20 < read < CONTEXT_TOKENS and 0 < written, f"odd counts: {ended.stderr!r}")


@on_both_surfaces
def model_rewrite_changes_the_lines_and_no_others(bench):
    ended = bench.editor.run("rewrite", bench.editor.file, "--lines", "2-3", "Add a comment.", "--write")
    equal((ended.code, ended.stdout), (0, ""), f"exit code and output, with {ended.stderr!r}")
    ended.counts()
    text = bench.editor.file.read_text()
    head, _, tail = ORIGINAL.partition(SELECTED)
    true(text.startswith(head) and text.endswith(tail), f"text outside the selection was changed: {text!r}")
    region = text[len(head) : len(text) - len(tail)]
    true(region.strip() and region != SELECTED, f"the selection was not rewritten: {text!r}")
    true(not region.lstrip().startswith("```"), f"the fence round the answer is left: {text!r}")


@on_both_surfaces
def model_repeat_reads_its_prompt_from_the_cache(bench):
    # A text of this scenario alone, so that no other has put it into the cache.
    bench.editor.file.write_text(f"# {bench.directory.name}\n{ORIGINAL}")
    question = ("ask", bench.editor.file, "--lines", "1-4", "What does it return? One short sentence.")
    (read, before, _), (again, after, _) = (bench.editor.run(*question).counts() for _ in range(2))
    equal(again, read, "tokens of the same prompt")
    # The last token is read anew each time.
    true(before < after and read * 0.9 <= after < read, f"of {read} tokens {before} were cached, then {after}")


@on_both_surfaces
def model_interrupt_frees_the_slot(bench):
    process = bench.editor.start("ask", bench.editor.file, "Explain every line at great length, with examples.")
    # In the middle of the answer: while llama.cpp reads the prompt it looks at no connection.
    true(process.stdout.read(1), "there is no answer")
    true(bench.gateway.busy(), "the model is not at work")
    asked_at = time.monotonic()
    process.send_signal(signal.SIGINT)
    while bench.gateway.busy():
        true(time.monotonic() - asked_at < IDLE_SECONDS, f"the model is still at work {IDLE_SECONDS} s after Ctrl-C")
        time.sleep(0.01)
    equal(bench.editor.end_of(process).code, 130, "the exit code")
    equal(bench.editor.file.read_text(), ORIGINAL, "the file")


@on_both_surfaces
def model_overflow_says_to_send_less(bench):
    # Each line is some ten tokens.
    bench.editor.file.write_text("".join(f"value_{number} = {number} * {number}\n" for number in range(CONTEXT_TOKENS // 5)))
    before = bench.editor.file.read_text()
    # Else a rewrite of so much is refused before it is sent.
    bench.editor.allow(2 * CONTEXT_TOKENS)
    for act in (("ask", bench.editor.file, "Why?"), ("rewrite", bench.editor.file, "Shorten", "--write")):
        bench.editor.run(*act).failed("The request is too long for the model (400 Bad Request)", "Send less")
    equal(bench.editor.file.read_text(), before, "the file")


@on_both_surfaces
def model_wrong_key_says_where_to_set_it(bench):
    ended = bench.editor.run("ask", bench.editor.file, "Why?", EZROUTER_API_KEY="sk-wrong-key")
    ended.failed("The gateway does not accept the key (401 Unauthorized)", "Set EZROUTER_API_KEY")
    equal(ended.stdout.strip(), "", "the output")
