//! `@path` in somebody's words: which files they want to go along. Reads the words only; whether there is such a file, and
//! whether it may be sent, is found out elsewhere.

/// Beyond this many, names are left alone.
const MOST: usize = 16;

/// The paths that `words` name, in their order, each once: `@src/a.rs`, or `@"a file.txt"` where a name holds spaces.
///
/// An `@` counts at the start of a word only, so that an address (`me@example.org`) names nothing. Marks at the end of a word
/// that end a sentence or close a bracket do not belong to it. Most of what looks like a name is none (`@property`): who
/// looks for the files must leave those alone that there are not.
pub fn find(words: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut last = None;
    for (at, character) in words.char_indices() {
        let starts_word = last.is_none_or(|last: char| !is_part_of_word(last));
        last = Some(character);
        if character != '@' || !starts_word {
            continue;
        }
        let rest = words.get(at + 1..).unwrap_or_default();
        let name = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split(['"', '\n', '\r']).next().unwrap_or_default(),
            None => unquoted(rest),
        };
        let is_name = name.contains(char::is_alphanumeric);
        if is_name && found.len() < MOST && !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

/// Whether a name that no file has was probably meant as a path: it is worth a word to the user then.
pub fn looks_like_a_path(name: &str) -> bool {
    name.rsplit(['/', '\\'])
        .next()
        .and_then(|last| last.rsplit_once('.'))
        .is_some_and(|(stem, ending)| {
            !stem.is_empty() && (1..=5).contains(&ending.len()) && name.is_ascii()
        })
}

fn is_part_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.' | '/' | '@' | '-' | '+')
}

fn unquoted(rest: &str) -> &str {
    let ends = |character: char| {
        character.is_whitespace() || matches!(character, '"' | '\'' | '`' | ',' | ';' | '<' | '>')
    };
    let mut name = rest.split(ends).next().unwrap_or_default();
    while let Some(last) = name.chars().next_back() {
        let opening = match last {
            '.' | ':' | '!' | '?' | '*' => None,
            ')' => Some('('),
            ']' => Some('['),
            '}' => Some('{'),
            _ => break,
        };
        let count = |wanted: char| name.matches(wanted).count();
        if opening.is_some_and(|opening| count(last) <= count(opening)) {
            break;
        }
        name = name.get(..name.len() - 1).unwrap_or_default();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_behind_an_at_sign_is_a_name_as_people_write_it() {
        for (words, names) in [
            ("why does it differ from @src/b.rs?", &["src/b.rs"][..]),
            ("@a.py and @b.py, then @a.py again", &["a.py", "b.py"]),
            (
                "see (@lib/x.ts) and `@y.ts`: \"@z.ts\"",
                &["lib/x.ts", "y.ts", "z.ts"],
            ),
            (
                "@app/[id]/page.tsx, [@a[0]] @(group)/x.tsx",
                &["app/[id]/page.tsx", "a[0]", "(group)/x.tsx"],
            ),
            ("@\"my file.txt\" and @\"open", &["my file.txt", "open"]),
            (
                "@./x.rs @../y.rs @/etc/hosts",
                &["./x.rs", "../y.rs", "/etc/hosts"],
            ),
            ("like @größe/ä.rs!", &["größe/ä.rs"]),
            ("me@example.org a@@b x.@y @", &[]),
            ("what does @property do?", &["property"]),
            ("@... @\" \" @**", &[]),
        ] {
            assert_eq!(find(words), names, "{words}");
        }
        let many: Vec<String> = (0..99).map(|number| format!("@f{number}")).collect();
        assert_eq!(find(&many.join(" ")).len(), MOST);
    }

    #[test]
    fn what_was_meant_as_a_path_has_an_ending() {
        for name in ["a.rs", "src/a.test.ts", "x.c", "..\\y.java"] {
            assert!(looks_like_a_path(name), "{name}");
        }
        for name in ["property", "angular/core", "app.route_handler", ".x", "v1."] {
            assert!(!looks_like_a_path(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn names_are_parts_of_the_words(words in "(@|\"|a|/|\\.|\\)|\\(| |é|\n){0,40}") {
            for name in find(&words) {
                let unquoted = format!("@{name}");
                let quoted = format!("@\"{name}");
                prop_assert!(words.contains(&unquoted) || words.contains(&quoted), "{name:?}");
            }
        }
    }
}
