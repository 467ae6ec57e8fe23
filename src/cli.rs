//! The command line beside the server: the same pipeline without an editor. Each command gives an [`Ending`]; only `main`
//! knows exit codes.

pub mod ask;
pub mod check;
pub mod history;
pub mod input;
pub mod log;
pub mod meter;
pub mod models;
pub mod rewrite;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use crate::config::{self, Config, Environment, Settings};
use crate::first_use;
use crate::gateway::Gateway;
use crate::gateway::signal::{Finish, Signal};
use crate::prompt::Request;
use meter::Meter;

/// Where the cursor of the terminal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// At the start of a line, or there is no terminal.
    LineStart,
    /// Behind text of the answer.
    WithinLine,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything was done.
    Complete,
    /// It failed, or the answer is incomplete; the reason is one sentence or a few.
    Failed(String),
    /// The user pressed Ctrl-C.
    Interrupted,
    /// Whoever read stdout has gone away.
    NobodyReads,
}

/// What a command works with.
pub struct Context {
    /// The settings in force.
    pub config: Config,
    /// The gateway.
    pub gateway: Gateway,
    /// Shows how far a request has come.
    pub meter: Meter,
    /// The folder of the project, if there is one: what patterns in the settings are relative to.
    pub project: Option<PathBuf>,
}

impl Context {
    /// Settings and gateway as environment and files give them, the project of `file` among them; without a file that of the
    /// current directory.
    pub fn new(environment: &Environment, file: Option<&str>) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        let file = file.filter(|file| *file != "-").unwrap_or("file");
        let path = here.join(file);
        let path = path.canonicalize().unwrap_or(path);
        let project = config::project_of(&path);
        let config = Config::with_project(environment, project.as_deref());
        let gateway = Gateway::new(config.gateway());
        let meter = Meter::new(config.settings_in("").model.clone());
        Self {
            config,
            gateway,
            meter,
            project,
        }
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        self.config.settings_in("")
    }

    /// Says on stderr what is wrong with the settings; the rest of them is used.
    pub fn tell_problems(&self) {
        for problem in self.config.problems() {
            // Nothing is left to be done if stderr cannot be written to.
            let _ = writeln!(std::io::stderr(), "ezrouter-lsp: settings: {problem}");
        }
    }

    /// Says on a terminal what is sent where, if this user was never told.
    pub fn introduce(&self, environment: &Environment) {
        let directory = environment.state_directory();
        let Some(directory) = directory.filter(|_| !environment.is_offline()) else {
            return;
        };
        let mut stderr = std::io::stderr();
        if stderr.is_terminal() && first_use::mark(&directory).is_ok_and(|is_first| is_first) {
            let text = first_use::sentence(&self.settings().base_url);
            // Nothing is left to be done if the terminal cannot be written to.
            let _ = writeln!(stderr, "{text}.");
        }
    }

    /// Sends a request and hands over its text as it comes, until it is complete, fails, or the user presses Ctrl-C. `take` says
    /// where it leaves the cursor of the terminal, in which nothing else may be drawn in the middle of a line.
    pub(crate) async fn converse(
        &mut self,
        request: Request,
        mut take: impl FnMut(&str) -> Result<Cursor, Ending>,
    ) -> Result<(), Ending> {
        let mut reply = self.gateway.send(request);
        // One listener for the whole of it: a Ctrl-C that came between two of them would be lost.
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        loop {
            let signal = tokio::select! {
                signal = reply.next() => signal,
                () = self.meter.tick() => continue,
                _ = &mut interrupted => {
                    self.meter.clear();
                    return Err(Ending::Interrupted);
                }
            };
            match signal {
                Some(Signal::Text(text)) => {
                    self.meter.clear();
                    let cursor = take(&text)?;
                    self.meter.count(text.len(), cursor);
                }
                Some(Signal::Retry {
                    seconds,
                    next,
                    of,
                    reason,
                }) => {
                    self.meter.say(format!(
                        "retrying in {seconds:.0} s, attempt {next} of {of}: {reason}"
                    ));
                }
                Some(Signal::Key { source }) => self.meter.say(format!("waiting for the {source}")),
                Some(Signal::Thinking { .. }) => self.meter.say("thinking".to_owned()),
                Some(Signal::Usage(usage)) => self.meter.note(usage),
                Some(Signal::Attempt { .. } | Signal::Started { .. }) => {}
                Some(Signal::End(end)) => {
                    self.meter.clear();
                    return match end {
                        Ok(Finish::Complete) => Ok(()),
                        Ok(other) => Err(Ending::Failed(self.incomplete(&other))),
                        Err(failure) => Err(Ending::Failed(failure.to_string())),
                    };
                }
                None => return Err(Ending::Failed("the gateway's answer has no end".to_owned())),
            }
        }
    }

    fn incomplete(&self, finish: &Finish) -> String {
        match finish {
            Finish::Length => format!(
                "the answer was cut off at the limit on tokens (max_output_tokens is {}); raise it in the settings, or ask for \
                 less",
                self.settings().max_output_tokens
            ),
            Finish::Refused => "the model or a filter refused to answer".to_owned(),
            Finish::Complete => String::new(),
            Finish::Other(reason) => format!("the model stopped early ({reason}); try again"),
        }
    }
}

/// `ezrouter-lsp schema`: prints the JSON Schema of the settings.
pub fn schema() -> Ending {
    let text = format!("{:#}\n", config::schema::schema());
    print(&text).err().unwrap_or(Ending::Complete)
}

/// Writes to stdout at once.
pub(crate) fn print(text: &str) -> Result<(), Ending> {
    let mut stdout = std::io::stdout();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Ending::NobodyReads),
        Err(error) => Err(Ending::Failed(format!(
            "stdout cannot be written to: {error}"
        ))),
    }
}
