"""Runs the real-editor scenarios and prints one line for each. It needs nothing but the environment that install.sh
made (EZROUTER_TEST_EDITORS) and a built server; it knows no editor itself."""

import argparse
import os
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def arguments():
    parser = argparse.ArgumentParser(description="Run the server in real editors.")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="scenarios whose name has NAME in it")
    parser.add_argument("--server", type=pathlib.Path, default=ROOT / "target" / "debug" / "ezrouter-lsp")
    parser.add_argument("--record", action="store_true", help="write what is recorded to tests/fixtures")
    parser.add_argument("--list", action="store_true", help="print the names only")
    return parser.parse_args()


def environment():
    """The directory of install.sh; runs this program again with its Python, which has the client library."""
    directory = os.environ.get("EZROUTER_TEST_EDITORS")
    if not directory:
        sys.exit("EZROUTER_TEST_EDITORS is not set: see tests/editors/README.md")
    path = pathlib.Path(directory).resolve()
    python = path / "bin" / "python"
    if not python.exists():
        sys.exit(f"no environment in {path}: run tests/editors/install.sh {directory}")
    if pathlib.Path(sys.prefix).resolve() != path:
        os.execv(python, [str(python), "-B", *sys.argv])
    return path


def attempt(scenario, tools):
    """Runs one scenario; the failure to report, or None."""
    from scenario import Failure, scratch

    with scratch() as directory:
        try:
            with scenario.bench(tools, directory) as bench:
                try:
                    scenario.run(bench)
                    return None
                except Failure as failure:
                    return f"{failure}\n{bench.report()}"
                except (OSError, EOFError) as failure:
                    return f"the editor is gone or hung too long: {failure!r}\n{bench.report()}"
                except Exception:
                    return f"{traceback.format_exc()}\n{bench.report()}"
        except Failure as failure:
            return str(failure)


def main():
    options = arguments()
    path = environment()
    sys.path.insert(0, str(HERE))
    import scenario as scenarios
    # Loading them registers their scenarios.
    import test_neovim  # noqa: F401, I001
    import test_neovim_plugin  # noqa: F401
    import test_conversation  # noqa: F401
    import test_commands  # noqa: F401
    import test_emacs  # noqa: F401
    import test_emacs_plugin  # noqa: F401
    import test_every_editor  # noqa: F401
    import test_first_minutes  # noqa: F401
    import test_helix  # noqa: F401
    import test_kakoune  # noqa: F401
    import test_model  # noqa: F401
    import test_model_surfaces  # noqa: F401
    import test_settings  # noqa: F401
    import test_terminal  # noqa: F401
    # What has to do with VS Code comes last: behind Playwright no Neovim can be started in this process.
    import test_handshakes  # noqa: F401
    import test_vscode  # noqa: F401
    import test_vscode_setups  # noqa: F401
    import undo_table
    tools = scenarios.Tools(
        environment=path,
        server=options.server.resolve(),
        fixtures=ROOT / "tests" / "fixtures",
        record=options.record,
    )
    wanted = [one for one in scenarios.SCENARIOS if not options.only or any(part in one.name for part in options.only)]
    if options.list:
        print("\n".join(one.name for one in wanted))
        return
    if not tools.server.exists():
        sys.exit(f"no server in {tools.server}: run cargo build, or give --server")
    failed = 0
    with scenarios.AT_END:
        for one in wanted:
            started = time.monotonic()
            failure = attempt(one, tools)
            failed += failure is not None
            word, rest = ("ok", "") if failure is None else ("FAIL", f": {failure}")
            print(f"{word} {one.name} ({time.monotonic() - started:.1f} s){rest}", flush=True)
    passed = len(wanted) - failed
    if undo_table.MEASURED:
        print(f"\n{undo_table.table()}\n")
    for difference in undo_table.differences(everything=not options.only):
        failed += 1
        print(f"FAIL {difference}")
    print(f"{passed} passed, {failed} failed", flush=True)
    # Threads of a killed editor must not keep the runner alive.
    sys.stdout.flush()
    os._exit(1 if failed or not wanted else 0)


if __name__ == "__main__":
    main()
