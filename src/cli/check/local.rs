//! What `check` finds on this computer: the configuration, the key, the state directory, the store and the
//! certificates.

use std::fs;
use std::path::Path;

use super::finding::Finding;
use crate::config::{Config, Environment, STATE_DIRECTORY, Settings, USER_FILE, VARIABLES};
use crate::gateway::address::{Address, Scheme};
use crate::gateway::error::Failure;
use crate::gateway::route;
use crate::key::source::Source;
use crate::store::Archive;
use crate::text::nearest::nearest;

/// Which of our variables and files there are, and what is wrong with what they say; a variable's name that is nearly one of
/// ours is a slip.
pub(super) fn configuration(environment: &Environment, config: &Config) -> Finding {
    const SUBJECT: &str = "configuration";
    let ours = environment
        .variables
        .keys()
        .filter(|name| name.starts_with("EZROUTER_"));
    let (known, unknown): (Vec<&String>, Vec<&String>) =
        ours.partition(|name| VARIABLES.contains(&name.as_str()));
    if let Some(name) = unknown.first() {
        let near = nearest(VARIABLES.iter().copied(), name);
        let meant = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        return Finding::failed(
            SUBJECT,
            format!("{name} is set, but there is no such variable{meant}"),
        );
    }
    if let Some(complaint) = environment.complaint_of_path(USER_FILE) {
        return Finding::failed(SUBJECT, complaint);
    }
    let problems = config.problems();
    if !problems.is_empty() {
        return Finding::failed(SUBJECT, problems.join("; "));
    }
    let names: Vec<&str> = known.into_iter().map(String::as_str).collect();
    let files = match config.user_file() {
        Some((name, true)) => format!("{name} is read"),
        Some((name, false)) => format!("there is no {name}"),
        None => "there is no home directory, so no user file".to_owned(),
    };
    Finding::well(
        SUBJECT,
        if environment.is_offline() {
            format!("{files}; offline, so address, key and model are those of the script")
        } else if names.is_empty() {
            format!("{files}; no EZROUTER_ variable is set")
        } else {
            format!("{files}; {} set in the environment", names.join(", "))
        },
    )
}

/// Where the key comes from and whether it looks like one; never the key.
pub(super) async fn key(environment: &Environment, source: &Source) -> Finding {
    const SUBJECT: &str = "key";
    if environment.is_offline() {
        return Finding::well(SUBJECT, "not needed: offline".to_owned());
    }
    let name = source.name();
    if source.is_nowhere() {
        let words = "none; set EZROUTER_API_KEY to a key of your ezrouter account, or api_key_command or api_key_file in the \
                     user file";
        return Finding::failed(SUBJECT, words.to_owned());
    }
    match source.key().await {
        Err(failure) => Finding::failed(SUBJECT, format!("{}. {}", failure.what, failure.advice)),
        Ok(given) => match given.key.oddity() {
            Some(oddity) => Finding::failed(
                SUBJECT,
                format!(
                    "from {name}, but it {oddity}; set the key alone, as your account shows it"
                ),
            ),
            None => Finding::well(SUBJECT, format!("from {name}")),
        },
    }
}

/// Whether files can be kept where nobody else reads them. Makes the directory, as the server does.
pub(super) fn state_directory(environment: &Environment) -> Finding {
    const SUBJECT: &str = "state directory";
    if let Some(complaint) = environment.complaint_of_path(STATE_DIRECTORY) {
        return Finding::failed(SUBJECT, complaint);
    }
    let Some(directory) = environment.state_directory() else {
        return Finding::failed(
            SUBJECT,
            "there is no home directory; set EZROUTER_STATE_DIR".to_owned(),
        );
    };
    let shown = environment.shown(&directory);
    match usable(&directory) {
        Ok(()) => Finding::well(SUBJECT, shown),
        Err(problem) => Finding::failed(SUBJECT, format!("{shown} {problem}")),
    }
}

fn usable(directory: &Path) -> Result<(), String> {
    const OTHER: &str = "set EZROUTER_STATE_DIR to a directory of your own";
    crate::config::make_private_directory(directory)
        .map_err(|error| format!("cannot be made: {error}; {OTHER}"))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(directory)
            .map_err(|error| format!("cannot be read: {error}; {OTHER}"))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err("can be read by other users; chmod 700 it".to_owned());
        }
    }
    let trial = directory.join(format!(".check-{}", std::process::id()));
    fs::write(&trial, b"")
        .and_then(|()| fs::remove_file(&trial))
        .map_err(|error| format!("cannot be written to: {error}; {OTHER}"))
}

/// Whether conversations can be kept; `place` says whether there is a directory for them.
pub(super) fn store(environment: &Environment, settings: &Settings, place: bool) -> Finding {
    const SUBJECT: &str = "store";
    if !settings.history_persist {
        return Finding::well(
            SUBJECT,
            "conversations are kept in memory only (history.persist)".to_owned(),
        );
    }
    let Some(directory) = environment.state_directory().filter(|_| place) else {
        return Finding::untried(SUBJECT, "not tried without a state directory");
    };
    let counted = Archive::open(&directory).and_then(|archive| {
        let counted =
            archive.map(|mut archive| Ok((archive.conversations()?.len(), archive.bytes())));
        counted.transpose()
    });
    match counted {
        Ok(Some((count, bytes))) => {
            let plural = if count == 1 { "" } else { "s" };
            let size = bytes.div_ceil(1_000);
            Finding::well(SUBJECT, format!("{count} conversation{plural}, {size} KB"))
        }
        Ok(None) => Finding::well(SUBJECT, "no conversation is kept yet".to_owned()),
        Err(problem) => Finding::failed(SUBJECT, problem.to_string()),
    }
}

/// Whether any authority is trusted: without one no TLS connection can be made.
pub(super) async fn certificates(
    environment: &Environment,
    ca_file: Option<&Path>,
    address: &Result<Address, Failure>,
) -> Finding {
    const SUBJECT: &str = "CA certificates";
    let source = match environment.get("SSL_CERT_FILE") {
        Some(file) => format!("in {} (SSL_CERT_FILE)", environment.shown(Path::new(file))),
        None => "of this system".to_owned(),
    };
    let own = ca_file.map(|file| (environment.shown(file), file.to_owned()));
    let read = tokio::task::spawn_blocking(move || {
        let own = own.map(|(shown, file)| (shown, route::count_certificates_in(&file)));
        (route::certificates(), own)
    });
    let ((count, problem), own) = read.await.unwrap_or_default();
    let own = match own {
        Some((shown, Err(why))) => {
            return Finding::failed(
                SUBJECT,
                format!("the setting ca_file names {shown}, but {why}"),
            );
        }
        Some((shown, Ok(more))) => format!(" and {more} in {shown} (ca_file)"),
        None => String::new(),
    };
    if 0 < count || !own.is_empty() {
        return Finding::well(SUBJECT, format!("{count} {source}{own}"));
    }
    let needed = !matches!(address, Ok(address) if address.scheme == Scheme::Http);
    let problem = problem.map_or_else(String::new, |problem| format!(" ({problem})"));
    let words = format!(
        "none {source}{problem}; install the package ca-certificates, or name a certificate file in the setting ca_file \
         or in SSL_CERT_FILE"
    );
    if needed {
        Finding::failed(SUBJECT, words)
    } else {
        Finding::untried(SUBJECT, &words)
    }
}
