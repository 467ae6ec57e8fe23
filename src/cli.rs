//! The command line beside the server: the same pipeline without an editor. Each command gives an [`Ending`]; only `main`
//! knows exit codes.

pub mod ask;
pub mod check;
pub mod input;
pub mod meter;
pub mod models;
pub mod rewrite;

use std::io::Write as _;

use crate::config::{self, Environment, Settings};
use crate::gateway::Gateway;
use crate::gateway::signal::{Finish, Signal, Usage};
use crate::prompt::Request;
use meter::Meter;

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
    pub settings: Settings,
    /// The gateway.
    pub gateway: Gateway,
    /// Shows how far a request has come.
    pub meter: Meter,
}

impl Context {
    /// Settings and gateway as the environment gives them.
    pub fn new(environment: &Environment) -> Self {
        let (settings, _) = config::settings(environment, &[]);
        let gateway = Gateway::new(environment.gateway(&settings));
        let meter = Meter::new(settings.model.clone());
        Self {
            settings,
            gateway,
            meter,
        }
    }

    /// Sends a request and hands over its text as it comes, until it is complete, fails, or the user presses Ctrl-C.
    /// Gives the token counts of a complete answer.
    pub(crate) async fn converse(
        &mut self,
        request: Request,
        mut take: impl FnMut(&str) -> Result<(), Ending>,
    ) -> Result<Option<Usage>, Ending> {
        let mut reply = self.gateway.send(request);
        let mut usage = None;
        loop {
            let signal = tokio::select! {
                signal = reply.next() => signal,
                () = self.meter.tick() => continue,
                _ = tokio::signal::ctrl_c() => {
                    self.meter.clear();
                    return Err(Ending::Interrupted);
                }
            };
            match signal {
                Some(Signal::Text(text)) => {
                    self.meter.clear();
                    take(&text)?;
                    self.meter.count(text.len());
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
                Some(Signal::Thinking { .. }) => self.meter.say("thinking".to_owned()),
                Some(Signal::Usage(counted)) => usage = Some(counted),
                Some(Signal::Attempt { .. } | Signal::Started { .. }) => {}
                Some(Signal::End(end)) => {
                    self.meter.clear();
                    return match end {
                        Ok(Finish::Complete) => Ok(usage),
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
                "the answer was cut off after {} tokens; select less with --lines",
                self.settings.max_output_tokens
            ),
            Finish::Refused => "the model or a filter refused to answer".to_owned(),
            Finish::Complete => String::new(),
            Finish::Other(reason) => format!("the model stopped early ({reason}); try again"),
        }
    }
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
