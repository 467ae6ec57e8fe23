"""Scenarios of settings: written where users of each editor write them, beside a file of the user and one of the project, and
changed while the editor runs."""

import contextlib

from emacs import Emacs
from gateway import MODEL, Gateway
from helix import Helix
from neovim import Neovim
from scenario import Bench, equal, scenario, true
from test_every_editor import start

EDITORS = {"neovim": Neovim, "helix": Helix, "emacs": Emacs}


def bench_with_settings(editor):
    @contextlib.contextmanager
    def bench(tools, directory, _debounce):
        """An editor whose settings name a model, and a user file with one setting that is right and one that is not."""
        gateway = Gateway()
        user_file = directory / "config.toml"
        user_file.write_text('instructions = "Answer in one word."\nmodle = "misspelt"\n')
        variables = {
            "EZROUTER_API_KEY": "sk-test",
            "EZROUTER_BASE_URL": gateway.url,
            "EZROUTER_MODEL": MODEL,
            "EZROUTER_CONFIG": str(user_file),
        }
        settings = {"model": "from-the-editor"}
        running = EDITORS[editor](tools.environment, tools.server, directory, variables, settings=settings)
        try:
            yield Bench(directory, gateway, running, tools)
        finally:
            running.close()
            gateway.close()

    return bench


def answered(bench):
    """Asks about two lines, and gives the model and the system prompt of the request."""
    exchange = start(bench, "It greets.", title="Explain")
    exchange.release_all()
    true(exchange.wait_sent(), "the answer was not read")
    return exchange.request["model"], exchange.request["messages"][0]["content"]


@scenario(bench_with_settings("neovim"), "neovim_settings")
@scenario(bench_with_settings("helix"), "helix_settings")
@scenario(bench_with_settings("emacs"), "emacs_settings")
def settings(bench):
    model, system = answered(bench)
    equal(model, "from-the-editor", "the model")
    true("Answer in one word." in system, f"the user file: {system!r}")
    (bench.editor.project / ".ezrouter.toml").write_text('instructions = "Use tabs."\nmodel = "from-the-project"\n')
    (bench.directory / "config.toml").write_text('instructions = "Answer in two words."\n')
    model, system = answered(bench)
    equal(model, "from-the-editor", "the model, beside a project file")
    true("Answer in two words.\n\nUse tabs." in system, f"the changed files: {system!r}")
