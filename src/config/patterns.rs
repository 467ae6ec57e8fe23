//! The list of files that are never sent, as a layer of settings gives it: each entry by itself.

use super::given::{Given, Placed};
use super::reader::{Origin, Reader, line};
use super::settings::Settings;
use super::table::{MOST, Setting};
use crate::prompt::exclusion::is_pattern;

impl Reader<'_> {
    /// Takes over each entry that is a pattern, whatever is wrong with others: what somebody wanted to protect stays protected.
    /// Says whether there was a list.
    pub(super) fn take_patterns(
        &mut self,
        setting: &Setting,
        placed: &Placed,
        field: fn(&mut Settings) -> &mut Vec<String>,
    ) -> bool {
        let name = self.call(setting.key);
        let Given::List(list) = &placed.given else {
            let found = placed.given.shown();
            let what =
                format!("{name} must be a list of patterns, such as [\"*.secret\"], not {found}");
            self.problem(placed.line, &what);
            return false;
        };
        if MOST < list.len() {
            let what = format!("{name} has more than {MOST} patterns; those behind were left out");
            self.problem(placed.line, &what);
        }
        for entry in list.iter().take(MOST) {
            let shown = entry.given.shown();
            // A workspace can only protect more: what takes files out of the list again is the user's to write.
            let may_take_out = matches!(self.origin, Origin::User(_));
            let wrong = match line(&entry.given) {
                Ok(Some(pattern)) if pattern.starts_with('!') && !may_take_out => format!(
                    "{name}: {shown} was left out, since only the user file may take files out of the list"
                ),
                Ok(Some(pattern)) => {
                    let list = field(&mut self.reading.settings);
                    if !list.iter().any(|known| known == pattern) {
                        list.push(pattern.to_owned());
                    }
                    if is_pattern(pattern) {
                        continue;
                    }
                    format!("{name}: {shown} is no pattern; nothing is sent before it is one")
                }
                _ => format!("{name}: {shown} is no pattern and was left out"),
            };
            self.problem(entry.line.or(placed.line), &wrong);
        }
        true
    }
}
