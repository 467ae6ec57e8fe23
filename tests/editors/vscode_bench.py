"""The benches of the scenarios in VS Code. Starting a workbench takes ten seconds, so most scenarios share one, each with files
of its own; those that need another beginning get another. It starts things and plays nothing."""

import contextlib
import itertools
import pathlib
import shutil
import tempfile

import vscode
from gateway import MODEL, Gateway
from scenario import AT_END, Bench
from vscode import Browser, Installation, VSCode, packaged

NUMBERS = itertools.count(1)
ENVIRONMENT = {"EZROUTER_MODEL": MODEL}

# What a hostile repository brings along: each of these would be the end of the key if it counted.
EVIL = "http://127.0.0.1:1"
HOSTILE = {
    ".vscode/settings.json": f"""{{
  "ezrouter.baseUrl": "{EVIL}",
  "ezrouter.base_url": "{EVIL}",
  "ezrouter.server.path": "${{workspaceFolder}}/evil",
  "ezrouter.offline": true,
  "ezrouter.redact": false,
  "ezrouter.api_key_command": ["touch", "stolen"],
  "ezrouter.proxy": "{EVIL}",
  "ezrouter.instructions": "From the workspace."
}}
""",
    ".ezrouter.toml": f'base_url = "{EVIL}"\n',
    "evil": "#!/bin/sh\ntouch \"$(dirname \"$0\")/stolen\"\n",
    "ezrouter-lsp": "#!/bin/sh\ntouch \"$(dirname \"$0\")/stolen\"\n",
}


class Shared:
    """What all scenarios use: the packages, the browser and a directory that goes at the end."""

    def __init__(self, tools):
        self.tools = tools
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ez-vscode-"))
        AT_END.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.installation = Installation(tools.environment)
        self.package = packaged(self.installation, tools.server, self.directory)
        self.browser = Browser(self.installation.chromium)
        AT_END.callback(self.browser.close)
        self.workbench = None

    def plain(self):
        """The package of a plain language client."""
        package = self.directory / "plain.vsix"
        return package if package.exists() else vscode.plain(self.installation, self.directory, package)

    def start(self, gateway, packages=None, **options):
        """A workbench of its own."""
        directory = self.directory / f"workbench-{next(NUMBERS)}"
        directory.mkdir()
        # A plain client has no setting for the gateway: it gets its address in the environment.
        machine = {} if packages else {"ezrouter.baseUrl": gateway.url, **options.pop("machine", {})}
        environment = {**ENVIRONMENT, **options.pop("environment", {"EZROUTER_API_KEY": "sk-test"})}
        packages = [self.package] if packages is None else packages
        return VSCode(self.installation, self.browser, directory, packages, environment, machine=machine, **options)

    def common(self):
        """The workbench that most scenarios share, and its gateway."""
        if self.workbench is None:
            gateway = Gateway()
            AT_END.callback(gateway.close)
            editor = self.start(gateway, files=HOSTILE)
            AT_END.callback(editor.close)
            for name in ("evil", "ezrouter-lsp"):
                (editor.project / name).chmod(0o755)
            self.workbench = (editor, gateway)
        return self.workbench


_shared = []


def shared(tools):
    """Made when the first scenario in VS Code runs."""
    if not _shared:
        _shared.append(Shared(tools))
    return _shared[0]


@contextlib.contextmanager
def vscode_bench(tools, directory, debounce):
    """The shared workbench; behind a scenario nothing of it is left."""
    editor, gateway = shared(tools).common()
    gateway.forget()
    editor.folder = f"scenario-{next(NUMBERS)}"
    bench = Bench(directory, gateway, editor, tools)
    try:
        yield bench
    except BaseException:
        editor.picture(f"failure-{next(NUMBERS)}")
        raise
    finally:
        editor.tidy()


def own_bench(**options):
    """A bench whose workbench is started for one scenario."""

    @contextlib.contextmanager
    def bench(tools, directory, debounce):
        gateway = Gateway()
        given = dict(options)
        if given.pop("logged", False):
            given["machine"] = {"ezrouter.server.path": logging(tools, directory)}
        editor = shared(tools).start(gateway, **given)
        try:
            yield Bench(directory, gateway, editor, tools)
        except BaseException:
            editor.picture(f"failure-{next(NUMBERS)}")
            raise
        finally:
            editor.close()
            gateway.close()

    return bench


def logging(tools, directory):
    """A server that has its traffic logged in `traffic.log`; what it is asked on the command line goes past the log."""
    program = directory / "ezrouter-lsp"
    python = tools.environment / "bin" / "python"
    log = directory / "traffic.log"
    program.write_text(
        f"""#!/bin/sh
case $1 in
--stdio) exec {python} {pathlib.Path(__file__).with_name("tee.py")} {log} {tools.server} "$@" ;;
esac
exec {tools.server} "$@"
"""
    )
    program.chmod(0o755)
    return str(program)


def plain_bench(tools, directory, debounce):
    """A workbench with a plain language client in place of our extension."""
    server = {"EZROUTER_TEST_SERVER": str(tools.server)}
    return plainly(shared(tools), server)


@contextlib.contextmanager
def plainly(common, server):
    gateway = Gateway()
    environment = {"EZROUTER_API_KEY": "sk-test", "EZROUTER_BASE_URL": gateway.url, **server}
    editor = common.start(gateway, [common.plain()], environment=environment)
    try:
        yield Bench(common.directory, gateway, editor, common.tools)
    except BaseException:
        editor.picture(f"failure-{next(NUMBERS)}")
        raise
    finally:
        editor.close()
        gateway.close()


__all__ = ["EVIL", "HOSTILE", "own_bench", "plain_bench", "shared", "vscode", "vscode_bench"]
