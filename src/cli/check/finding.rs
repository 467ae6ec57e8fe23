//! A line of `check`, and the report that they make up: printed as they are found, or as one JSON object at the end.

use serde_json::{Value, json};

use crate::cli::models::Form;
use crate::cli::{Ending, print};

/// What was found about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    subject: &'static str,
    /// Whether it is as it should be; `None` if that was not tried.
    pub(super) ok: Option<bool>,
    words: String,
}

impl Finding {
    pub(super) fn well(subject: &'static str, words: String) -> Self {
        Self {
            subject,
            ok: Some(true),
            words,
        }
    }

    pub(super) fn failed(subject: &'static str, words: String) -> Self {
        Self {
            subject,
            ok: Some(false),
            words,
        }
    }

    pub(super) fn untried(subject: &'static str, words: &str) -> Self {
        Self {
            subject,
            ok: None,
            words: words.to_owned(),
        }
    }

    fn line(&self) -> String {
        let word = match self.ok {
            Some(true) => "ok    ",
            Some(false) => "FAILED",
            None => "-     ",
        };
        format!("{word} {}: {}\n", self.subject, self.words)
    }

    fn value(&self) -> Value {
        json!({"subject": self.subject, "ok": self.ok, "message": self.words})
    }
}

/// All findings so far.
pub(super) struct Report {
    form: Form,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(form: Form) -> Self {
        Self {
            form,
            findings: Vec::new(),
        }
    }

    /// Takes a finding, and prints it at once where lines are wanted.
    pub(super) fn add(&mut self, finding: Finding) -> Result<(), Ending> {
        if self.form == Form::Lines {
            print(&finding.line())?;
        }
        self.findings.push(finding);
        Ok(())
    }

    /// Takes findings of things that could not be tried.
    pub(super) fn untried(&mut self, subjects: &[&'static str], words: &str) -> Result<(), Ending> {
        for subject in subjects {
            self.add(Finding::untried(subject, words))?;
        }
        Ok(())
    }

    /// Whether this thing was found to be well.
    pub(super) fn is_well(&self, subject: &str) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.subject == subject && finding.ok == Some(true))
    }

    /// Prints what is left to print; says whether all is well.
    pub(super) fn end(&self) -> Result<bool, Ending> {
        let well = self
            .findings
            .iter()
            .all(|finding| finding.ok != Some(false));
        if self.form == Form::Json {
            let list: Vec<Value> = self.findings.iter().map(Finding::value).collect();
            print(&format!("{}\n", json!({"ok": well, "findings": list})))?;
        }
        Ok(well)
    }
}
