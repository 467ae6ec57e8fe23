//! The command line's entry: parses the arguments, sets up logging to stderr and hands over to the library. No logic lives
//! here.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, exit};
use std::sync::Arc;

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use ezrouter_lsp::cli::models::Form;
use ezrouter_lsp::cli::rewrite::Output;
use ezrouter_lsp::cli::{self, Context, Ending};
use ezrouter_lsp::config::Environment;
use ezrouter_lsp::demo::screen::{Colours, Look, Screen};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Exit code of a command line that cannot be understood.
const USAGE: u8 = 2;

#[derive(Parser)]
#[command(name = "ezrouter-lsp", version, about = ABOUT, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// Serve an editor on stdin and stdout. Implied when stdin is not a terminal.
    #[arg(long)]
    stdio: bool,

    /// Write the log to FILE, at its end, instead of stderr.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// How much to log.
    #[arg(long, value_name = "L", value_enum, default_value_t = LogLevel::Warn)]
    log_level: LogLevel,

    /// Taken and not used: some clients pass it to every server (LSP 3.18, "Implementation Considerations"). The process
    /// that counts is the one in `initialize`.
    #[arg(long = "clientProcessId", value_name = "PID", hide = true)]
    _client_process_id: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Ask about a file or some of its lines; the answer streams to stdout.
    #[command(
        after_help = "Example:\n  ezrouter-lsp ask src/main.rs --lines 10-30 'Why is this quadratic?'"
    )]
    Ask {
        /// The file; - reads stdin.
        file: String,
        /// Only these lines, counted from 1.
        #[arg(long, value_name = "A-B")]
        lines: Option<String>,
        /// What you want to know.
        question: String,
    },
    /// Rewrite a file or some of its lines; the new file goes to stdout.
    #[command(
        after_help = "Example:\n  ezrouter-lsp rewrite src/main.rs --lines 10-30 'Make it iterative' --diff --write"
    )]
    Rewrite {
        /// The file; - reads stdin.
        file: String,
        /// Only these lines, counted from 1.
        #[arg(long, value_name = "A-B")]
        lines: Option<String>,
        /// What is to be done.
        instruction: String,
        /// Write the file in one step instead of printing it; its mode and links stay.
        #[arg(long)]
        write: bool,
        /// Print a unified diff.
        #[arg(long)]
        diff: bool,
    },
    /// Show a question and a rewrite from end to end, with neither key nor network: the answers are scripted, the server is
    /// real. Without a terminal it prints each step. Exit status 0 only if every step came out right.
    Demo,
    /// Check the key, the address, the way to the gateway, and the model; exit status 0 only if all is well.
    Check {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the models that the gateway offers; the one in force is marked.
    Models {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

const ABOUT: &str = "\
A language server that puts the ezrouter LLM gateway behind your editor: ask about selected code, rewrite it in place.

Your editor starts it and talks to it on stdin and stdout; by hand, `ezrouter-lsp demo` shows what it does.";

const AFTER_HELP: &str = "\
Environment:
  EZROUTER_API_KEY   your key; the server has no other use for the network
  EZROUTER_BASE_URL  the gateway [default: https://www.ezrouter.dev]
  EZROUTER_MODEL     the model [default: claude-sonnet-4-6]

Connect an editor:
  Neovim  vim.lsp.config('ezrouter', { cmd = { 'ezrouter-lsp', '--stdio' } })
          vim.lsp.enable('ezrouter')
  Helix   in languages.toml: [language-server.ezrouter]
                             command = \"ezrouter-lsp\"
          and \"ezrouter\" in the language-servers of each language
  Emacs   (add-to-list 'eglot-server-programs '(prog-mode . (\"ezrouter-lsp\" \"--stdio\")))

Exit status: 0 after the editor's shutdown and exit, 1 if the editor went away without them, 2 on wrong usage.";

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(message) => {
            // Nothing is left to be done if the terminal cannot be written to.
            let _ = message.print();
            return if message.use_stderr() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let idle = !arguments.stdio && arguments.command.is_none();
    if idle && std::io::stdin().is_terminal() {
        let _ = Arguments::command().print_help();
        return ExitCode::SUCCESS;
    }
    log_to(arguments.log.as_deref(), arguments.log_level.into());
    // One thread: see `ezrouter_lsp::serve`.
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match arguments.command {
        Some(command) => exit_code(runtime.block_on(run(command))),
        None => serve(&runtime),
    }
}

async fn run(command: Command) -> Ending {
    let environment = Environment::from_process();
    let mut context = Context::new(&environment);
    let form = |json| if json { Form::Json } else { Form::Lines };
    match command {
        Command::Ask {
            file,
            lines,
            question,
        } => cli::ask::run(&mut context, &file, lines.as_deref(), &question).await,
        Command::Rewrite {
            file,
            lines,
            instruction,
            write,
            diff,
        } => {
            let output = match (write, diff) {
                (false, false) => Output::Print,
                (false, true) => Output::Diff,
                (true, false) => Output::Write,
                (true, true) => Output::WriteAndDiff,
            };
            cli::rewrite::run(&mut context, &file, lines.as_deref(), &instruction, output).await
        }
        Command::Check { json } => cli::check::run(&context, &environment, form(json)).await,
        Command::Models { json } => cli::models::run(&context, form(json)).await,
        Command::Demo => demo(&environment).await,
    }
}

/// The exit code of a command; the reason of a failure is the last line on stderr.
fn exit_code(ending: Ending) -> ExitCode {
    match ending {
        Ending::Complete => ExitCode::SUCCESS,
        Ending::Failed(reason) => {
            // Nothing is left to be done if stderr cannot be written to.
            let _ = writeln!(std::io::stderr(), "ezrouter-lsp: {reason}");
            ExitCode::FAILURE
        }
        Ending::Interrupted => ExitCode::from(INTERRUPTED),
        Ending::NobodyReads => ExitCode::FAILURE,
    }
}

/// Exit code after Ctrl-C, as shells give it.
const INTERRUPTED: u8 = 130;

/// Shows the demo where stdout goes.
async fn demo(environment: &Environment) -> Ending {
    let look = match (std::io::stdout().is_terminal(), environment.get("NO_COLOR")) {
        (false, _) => Look::Plain,
        (true, None) => Look::Terminal(Colours::On),
        (true, Some(_)) => Look::Terminal(Colours::Off),
    };
    let server = match std::env::current_exe() {
        Ok(server) => server,
        Err(error) => return Ending::Failed(format!("this program cannot find itself: {error}")),
    };
    let screen = Screen::new(Box::new(std::io::stdout()), look);
    tokio::select! {
        outcome = ezrouter_lsp::demo::run(&server, screen) => match outcome {
            Ok(()) => Ending::Complete,
            Err(reason) => Ending::Failed(format!("the demo went wrong: {reason}")),
        },
        _ = tokio::signal::ctrl_c() => Ending::Interrupted,
    }
}

/// Serves stdin and stdout, and ends the process.
fn serve(runtime: &tokio::runtime::Runtime) -> ExitCode {
    let serving = ezrouter_lsp::serve(
        tokio::io::stdin(),
        tokio::io::stdout(),
        Environment::from_process(),
    );
    let code = runtime.block_on(serving);
    #[expect(
        clippy::exit,
        reason = "the thread that reads stdin may wait for ever; returning would wait for it"
    )]
    exit(code)
}

/// Logs to the file, or to stderr when there is none or it cannot be opened: stdout belongs to the protocol.
fn log_to(file: Option<&Path>, level: LevelFilter) {
    let opened = file.map(open_log);
    let (writer, problem) = match opened {
        Some(Ok(file)) => (BoxMakeWriter::new(Arc::new(file)), None),
        Some(Err(error)) => (BoxMakeWriter::new(std::io::stderr), Some(error)),
        None => (BoxMakeWriter::new(std::io::stderr), None),
    };
    // The framework logs whole messages, with the user's code, at trace, and an error for each optional method that it does
    // not serve. HTTP libraries log headers. So only this crate follows the level.
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("tower_lsp_server", LevelFilter::OFF)
        .with_target("ezrouter_lsp", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(writer);
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .init();
    if let (Some(file), Some(error)) = (file, problem) {
        tracing::error!("cannot log to {}: {error}", file.display());
    }
    // A panic's text can quote the user's code; the place says enough.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(target: "ezrouter_lsp", "a panic at {place}");
    }));
}

fn open_log(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::OFF,
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}
