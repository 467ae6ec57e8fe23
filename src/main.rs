//! The command line's entry: parses the arguments, sets up logging to stderr and hands over to the library. No logic lives
//! here.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, exit};

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use ezrouter_lsp::cli::history::{Consent, Wanted};
use ezrouter_lsp::cli::input::Lines;
use ezrouter_lsp::cli::models::Form;
use ezrouter_lsp::cli::rewrite::Output;
use ezrouter_lsp::cli::{self, Context, Ending};
use ezrouter_lsp::config::{Config, Environment};
use ezrouter_lsp::demo::frame::Size;
use ezrouter_lsp::demo::screen::{Colours, Look, Screen, Terminal};
use ezrouter_lsp::offline::instead_of_gateway;
use tracing_subscriber::filter::LevelFilter;

/// Exit code of a command line that cannot be understood.
const USAGE: u8 = 2;

#[derive(Parser)]
#[command(name = "ezrouter-lsp", version, about = ABOUT, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// Serve an editor on stdin and stdout. Implied when stdin is not a terminal.
    // VS Code's client library adds one of its own.
    #[arg(long, overrides_with = "stdio")]
    stdio: bool,

    /// Write the log to FILE, at its end, instead of stderr; the setting `log` does the same. A long one becomes FILE.old.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// How much to log [default: info in a file, warn on stderr].
    #[arg(long, value_name = "L", value_enum)]
    log_level: Option<LogLevel>,

    #[arg(
        long,
        global = true,
        help = "Answer from a script, with neither key nor network: to try a set-up. EZROUTER_OFFLINE=1 does the same"
    )]
    offline: bool,

    /// Taken and not used: some clients pass it to every server (LSP 3.18, "Implementation Considerations"). The process
    /// that counts is the one in `initialize`.
    #[arg(long = "clientProcessId", value_name = "PID", hide = true)]
    _client_process_id: Option<String>,
}

impl Arguments {
    /// Whether a file is to be written that is none.
    fn writes_stdin(&self) -> bool {
        matches!(&self.command, Some(Command::Rewrite { file, write: true, .. }) if file == "-")
    }
}

#[derive(Subcommand)]
enum Command {
    /// Ask about a file or some of its lines; the answer streams to stdout.
    #[command(
        after_help = "Example:\n  ezrouter-lsp ask src/main.rs --lines 10-30 'Why is this quadratic?'\n"
    )]
    Ask {
        /// The file; - reads stdin.
        file: String,
        /// Only these lines, counted from 1.
        #[arg(long, value_name = "A-B")]
        lines: Option<Lines>,
        /// What you want to know; @PATH in it brings another file of the current directory along.
        #[arg(value_parser = words)]
        question: String,
    },
    /// Rewrite a file or some of its lines; the new file goes to stdout.
    #[command(
        after_help = "Example:\n  ezrouter-lsp rewrite src/main.rs --lines 10-30 'Make it iterative' --diff --write\n"
    )]
    Rewrite {
        /// The file; - reads stdin.
        file: String,
        /// Only these lines, counted from 1.
        #[arg(long, value_name = "A-B")]
        lines: Option<Lines>,
        /// What is to be done; @PATH in it brings another file of the current directory along.
        #[arg(value_parser = words)]
        instruction: String,
        /// Write the file in one step instead of printing it; its mode and symbolic links stay.
        #[arg(long)]
        write: bool,
        /// Print a unified diff.
        #[arg(long)]
        diff: bool,
    },
    /// Show a question and a rewrite from end to end, with neither key nor network: the answers are scripted, the server is
    /// real. Without a terminal it prints each step. Exit status 0 only if every step came out right.
    Demo,
    /// Check key, address, directories, store, proxy, DNS, TLS, clock, catalog and model, a line each with what to do; exit status 0
    /// only if all is well.
    Check {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// The conversations that the server has kept: list them, show one, delete one or all.
    History {
        #[command(subcommand)]
        command: Option<History>,
    },
    /// Print the JSON Schema of the settings.
    Schema,
    /// List the models that the gateway offers; the one in force is marked.
    Models {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum History {
    /// Print a line for each conversation: its id, when it was used last, turns, workspace, title. This is the default.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print a conversation as Markdown.
    Show {
        /// Its id, or the beginning of it.
        id: String,
    },
    /// Delete a conversation.
    Delete {
        /// Its id, or the beginning of it.
        id: String,
    },
    /// Delete all conversations. The token counts of each day stay.
    Clear {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// What the words of `history` mean.
fn wanted(command: Option<History>) -> Wanted {
    match command {
        None | Some(History::List { json: false }) => Wanted::List(Form::Lines),
        Some(History::List { json: true }) => Wanted::List(Form::Json),
        Some(History::Show { id }) => Wanted::Show(id),
        Some(History::Delete { id }) => Wanted::Delete(id),
        Some(History::Clear { yes: true }) => Wanted::Clear(Consent::Given),
        Some(History::Clear { yes: false }) => Wanted::Clear(Consent::Asked),
    }
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
Begin here:
  ezrouter-lsp demo                               see what it does, with neither key nor network
  export EZROUTER_API_KEY=sk-...                  then
  ezrouter-lsp check                              whether everything is in place
  ezrouter-lsp ask src/main.rs 'What is this?'    the same without an editor

Environment:
  EZROUTER_API_KEY   your key; it goes to the gateway and nowhere else
  EZROUTER_BASE_URL  the gateway [default: https://www.ezrouter.dev]
  EZROUTER_MODEL     the model [default: claude-sonnet-4-6]
  EZROUTER_OFFLINE   1: answer from a script, with neither key nor network
  EZROUTER_CONFIG    your settings [default: ~/.config/ezrouter/config.toml]; `ezrouter-lsp schema` describes them
  HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE  as usual

Connect an editor:
  Neovim   vim.lsp.config('ezrouter', { cmd = { 'ezrouter-lsp', '--stdio' } })
           vim.lsp.enable('ezrouter')
  Helix    in languages.toml: [language-server.ezrouter]
                              command = \"ezrouter-lsp\"
           and \"ezrouter\" in the language-servers of each language
  Emacs    (add-to-list 'eglot-server-programs '(prog-mode . (\"ezrouter-lsp\" \"--stdio\")))
  VS Code  with an extension that starts any server: command ezrouter-lsp, argument --stdio

Exit status: 0 complete, 1 failed or incomplete (the reason is the last line on stderr), 2 wrong usage, 130 interrupted.
As a server: 0 after the editor's shutdown and exit, 1 if the editor went away without them.
";

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
    if arguments.writes_stdin() {
        let words = "stdin cannot be written back: leave out --write";
        let error = Arguments::command().error(ErrorKind::ArgumentConflict, words);
        let _ = error.print();
        return ExitCode::from(USAGE);
    }
    let idle = !arguments.stdio && arguments.command.is_none();
    if idle && std::io::stdin().is_terminal() {
        let _ = Arguments::command().print_help();
        return ExitCode::SUCCESS;
    }
    let mut environment = Environment::from_process();
    start_log(&environment, arguments.log.as_deref(), arguments.log_level);
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
    let standin = (arguments.offline || environment.is_offline())
        .then(|| runtime.block_on(instead_of_gateway(&mut environment)))
        .transpose();
    if let Err(error) = &standin {
        return exit_code(Ending::Failed(format!(
            "the scripted stand-in cannot listen on this computer: {error}"
        )));
    }
    match arguments.command {
        Some(command) => exit_code(runtime.block_on(run(command, environment))),
        None => serve(&runtime, environment),
    }
}

async fn run(command: Command, environment: Environment) -> Ending {
    let file = match &command {
        Command::Ask { file, .. } | Command::Rewrite { file, .. } => Some(file.as_str()),
        _ => None,
    };
    let mut context = Context::new(&environment, file);
    if matches!(
        command,
        Command::Ask { .. } | Command::Rewrite { .. } | Command::Models { .. }
    ) {
        context.tell_problems();
    }
    if matches!(command, Command::Ask { .. } | Command::Rewrite { .. }) {
        context.introduce(&environment);
    }
    let form = |json| if json { Form::Json } else { Form::Lines };
    match command {
        Command::Ask {
            file,
            lines,
            question,
        } => cli::ask::run(&mut context, &file, lines, &question).await,
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
            cli::rewrite::run(&mut context, &file, lines, &instruction, output).await
        }
        Command::Check { json } => cli::check::run(&context, &environment, form(json)).await,
        Command::Models { json } => cli::models::run(&context, form(json)).await,
        Command::Demo => demo(&environment).await,
        Command::Schema => cli::schema(),
        Command::History { command } => cli::history::run(&environment, wanted(command)).await,
    }
}

/// Words that say something: an empty variable of a script is not to be paid for.
fn words(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        return Err("it says nothing");
    }
    Ok(text.to_owned())
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
    let colours = match environment.get("NO_COLOR") {
        None => Colours::On,
        Some(_) => Colours::Off,
    };
    let look = if std::io::stdout().is_terminal() {
        let size = terminal_size;
        Look::Terminal(Terminal { colours, size })
    } else {
        Look::Plain
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

/// The size of the terminal behind stdout; that of most terminals if it does not tell.
fn terminal_size() -> Size {
    let told = terminal_size::terminal_size_of(std::io::stdout());
    let (columns, rows) = told.map_or((80, 24), |(width, height)| (width.0, height.0));
    Size {
        columns: columns.into(),
        rows: rows.into(),
    }
}

/// Serves stdin and stdout, and ends the process.
fn serve(runtime: &tokio::runtime::Runtime, environment: Environment) -> ExitCode {
    let serving = ezrouter_lsp::serve(tokio::io::stdin(), tokio::io::stdout(), environment);
    let code = runtime.block_on(serving);
    #[expect(
        clippy::exit,
        reason = "the thread that reads stdin may wait for ever; returning would wait for it"
    )]
    exit(code)
}

/// Logs where the command line or the settings say.
fn start_log(environment: &Environment, file: Option<&Path>, level: Option<LogLevel>) {
    let config = Config::new(environment);
    let file = file.or(config.settings().log.as_deref());
    let usual = match file {
        Some(_) => LogLevel::Info,
        None => LogLevel::Warn,
    };
    cli::log::start(file, level.unwrap_or(usual).into());
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
