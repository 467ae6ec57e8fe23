//! Runs the command that prints the key: without a shell, without input, within a time. What it prints is kept in buffers that
//! are zeroed, and what it complains of is shown without the key.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until};
use zeroize::Zeroizing;

use super::Key;

/// More is not read of what a command prints or complains of.
const MOST: usize = 16 << 10;

/// How long output is waited for after the command has ended: what it has started may hold its pipes open.
const DRAIN: Duration = Duration::from_millis(250);

/// What a command has given: the key, or what went wrong, as a fragment that goes on behind its name.
pub(super) type Outcome = Result<Key, String>;

/// Runs a program with its arguments and takes the first line that it prints. Dropping the future kills it.
pub(super) async fn run(argv: &[String], home: Option<&Path>, limit: Duration) -> Outcome {
    let [program, arguments @ ..] = argv else {
        return Err("is empty".to_owned());
    };
    let mut command = Command::new(expanded(program, home)?);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // Not in a workspace, where programs of that name may lie about.
    command.current_dir(home.filter(|home| home.is_dir()).unwrap_or(Path::new("/")));
    let child = command
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let mut printed = Printed::new();
    let deadline = Instant::now() + limit;
    let status = printed.collect(child, deadline).await;
    judge(status, &printed, limit)
}

/// `~/` is the home directory. A path that begins nowhere in particular would begin in the workspace.
fn expanded(program: &str, home: Option<&Path>) -> Result<std::path::PathBuf, String> {
    if let (Some(below), Some(home)) = (program.strip_prefix("~/"), home) {
        return Ok(home.join(below));
    }
    let path = Path::new(program);
    if path.is_absolute() || path.components().count() == 1 {
        return Ok(path.to_owned());
    }
    Err("is neither the name of a program nor an absolute path".to_owned())
}

/// What a command has printed so far.
struct Printed {
    out: Zeroizing<Vec<u8>>,
    complaint: Zeroizing<Vec<u8>>,
}

impl Printed {
    fn new() -> Self {
        // With room for all of it, so that no copy is left behind by growing.
        let buffer = || Zeroizing::new(Vec::with_capacity(MOST));
        Self {
            out: buffer(),
            complaint: buffer(),
        }
    }

    /// Reads both outputs until they and the command have ended; `None` if that takes too long.
    async fn collect(
        &mut self,
        mut child: Child,
        mut deadline: Instant,
    ) -> Option<std::io::Result<ExitStatus>> {
        let (mut out, mut complaint) = (child.stdout.take(), child.stderr.take());
        let mut ended = None;
        loop {
            if ended.is_some() && out.is_none() && complaint.is_none() {
                return ended;
            }
            tokio::select! {
                more = read(out.as_mut(), &mut self.out), if out.is_some() => if !more { out = None },
                more = read(complaint.as_mut(), &mut self.complaint), if complaint.is_some() => if !more { complaint = None },
                status = child.wait(), if ended.is_none() => {
                    ended = Some(status);
                    deadline = Instant::now() + DRAIN;
                }
                () = sleep_until(deadline) => return ended,
            }
        }
    }
}

/// Reads a piece; says whether there may be more. What does not fit is dropped. Cancel safe.
async fn read(pipe: Option<&mut (impl AsyncRead + Unpin)>, into: &mut Vec<u8>) -> bool {
    let Some(pipe) = pipe else { return false };
    let mut piece = Zeroizing::new([0; 1024]);
    let count = pipe.read(piece.as_mut_slice()).await.unwrap_or(0);
    let room = MOST - into.len();
    into.extend_from_slice(piece.get(..count.min(room)).unwrap_or_default());
    0 < count
}

fn judge(
    status: Option<std::io::Result<ExitStatus>>,
    printed: &Printed,
    limit: Duration,
) -> Outcome {
    let key = Key::from_output(&printed.out);
    let complaint = String::from_utf8_lossy(&printed.complaint);
    let hidden = key.as_ref().map(|key| key.hide_in(&complaint));
    let said = match hidden.as_deref().unwrap_or(&complaint).trim() {
        "" => String::new(),
        words => format!(": {words}"),
    };
    match status {
        Some(Ok(status)) if status.success() => key.ok_or_else(|| format!("prints nothing{said}")),
        Some(Ok(status)) => Err(format!("fails ({status}){said}")),
        Some(Err(error)) => Err(format!("cannot be waited for: {error}")),
        None => Err(format!(
            "does not end within {} s{said}",
            limit.as_secs_f64()
        )),
    }
}
