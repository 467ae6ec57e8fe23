//! Knows whether the process that started the connection still lives, so that a crashed editor leaves no server behind
//! (LSP 3.18, `InitializeParams.processId`). It only looks; what follows is the transport's business.
//!
//! Linux only, through `/proc`: elsewhere nothing is watched and the end of stdin is the only sign. A parent that cannot be
//! seen at `initialize` is not watched either: its number belongs to another container and means nothing here.

use std::time::Duration;

/// How often the transport looks. The end of a parent is to be noticed within 5 s, and each look wakes the process.
pub const PERIOD: Duration = Duration::from_secs(3);

/// A process that was alive when it was first looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Parent {
    process: u64,
    /// When it started, in clock ticks since boot: a number that was given to another process later is not the parent.
    started: String,
}

impl Parent {
    /// The process with this number, if it can be seen and is alive.
    pub fn find(process: u64) -> Option<Self> {
        let started = start_of_living(process)?;
        Some(Self { process, started })
    }

    /// Whether it still lives. One that has ended but was not waited for (a zombie) is dead.
    pub fn is_alive(&self) -> bool {
        start_of_living(self.process).as_ref() == Some(&self.started)
    }
}

fn start_of_living(process: u64) -> Option<String> {
    let status = std::fs::read(format!("/proc/{process}/stat")).ok()?;
    started_if_alive(&String::from_utf8_lossy(&status))
}

/// Reads a line of `/proc/PID/stat` (proc(5)): fields 3, state, and 22, starttime. Field 2 is the name in parentheses, which
/// may itself hold spaces and parentheses, so the fields are counted from the last one.
fn started_if_alive(status: &str) -> Option<String> {
    let (_, fields) = status.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    (!matches!(state, "Z" | "X" | "x")).then_some(())?;
    fields.nth(18).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_is_read_behind_the_last_parenthesis() {
        let line = |state: &str| {
            format!(
                "12 (a (b) Z 1) {state} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21"
            )
        };
        for (state, started) in [
            ("S", Some("4242")),
            ("R", Some("4242")),
            ("Z", None),
            ("X", None),
            ("x", None),
        ] {
            assert_eq!(
                started_if_alive(&line(state)).as_deref(),
                started,
                "state {state}"
            );
        }
        for damaged in ["", "12 (a", "12 (a)", "12 (a) S 1 2"] {
            assert_eq!(started_if_alive(damaged), None, "{damaged:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_living_process_is_found_and_a_zombie_is_dead() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let parent = Parent::find(child.id().into()).unwrap();
        assert!(parent.is_alive());
        child.kill().unwrap();
        // The signal is delivered a moment later; until `wait` the process is a zombie.
        while parent.is_alive() {
            std::thread::yield_now();
        }
        assert_eq!(Parent::find(child.id().into()), None);
        child.wait().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_number_that_is_nobodys_or_was_given_to_another_process_is_dead() {
        assert_eq!(Parent::find(u64::MAX), None);
        let itself = u64::from(std::process::id());
        let earlier = Parent {
            process: itself,
            started: "1".to_owned(),
        };
        assert!(Parent::find(itself).unwrap().is_alive());
        assert!(!earlier.is_alive());
    }
}
