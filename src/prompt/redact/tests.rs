//! What is masked, what is not, and what comes back.

#![expect(clippy::string_slice, reason = "these are tests: a panic is a failure")]

use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

/// One marked text of `tests/fixtures/secrets.txt`.
struct Case {
    kind: String,
    text: String,
    secrets: Vec<Range<usize>>,
}

/// The fixtures: `kind: text`, secrets between `⟦` and `⟧`, `⏎` for a newline. Each secret is broken by `·`, which is left out
/// here, so that nobody who scans this repository takes them for real ones.
fn cases() -> Vec<Case> {
    let file = include_str!("../../../tests/fixtures/secrets.txt");
    let lines = file
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (kind, marked) = line.split_once(": ").expect("a kind");
            let marked = marked.replace('·', "").replace('⏎', "\n");
            let mut case = Case {
                kind: kind.to_owned(),
                text: String::new(),
                secrets: Vec::new(),
            };
            for (index, part) in marked.split(['⟦', '⟧']).enumerate() {
                let start = case.text.len();
                case.text.push_str(part);
                if index % 2 == 1 {
                    case.secrets.push(start..case.text.len());
                }
            }
            case
        })
        .collect()
}

/// Where secrets stand in a text.
fn spans(text: &str) -> Vec<Range<usize>> {
    let found = secrets(text).into_iter();
    found.map(|secret| secret.span).collect()
}

#[test]
fn every_secret_of_every_kind_is_found_and_nothing_beside_it() {
    let cases = cases();
    let mut kinds: Vec<&str> = cases.iter().map(|case| case.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let count: usize = cases.iter().map(|case| case.secrets.len()).sum();
    assert!(
        60 <= count && 12 <= kinds.len(),
        "{count} secrets of {} kinds",
        kinds.len()
    );
    let mut problems = Vec::new();
    for case in &cases {
        let found = spans(&case.text);
        if found != case.secrets {
            let shown = |spans: &[Range<usize>]| -> Vec<String> {
                spans
                    .iter()
                    .map(|span| case.text[span.clone()].to_owned())
                    .collect()
            };
            problems.push(format!(
                "{}: {}\n  found {:?}\n  wanted {:?}",
                case.kind,
                case.text,
                shown(&found),
                shown(&case.secrets)
            ));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// What is told of a secret names what it is, and nothing of the secret.
#[test]
fn each_secret_is_told_by_its_kind() {
    let mut told = std::collections::BTreeSet::new();
    for case in cases() {
        for secret in secrets(&case.text) {
            let kind = secret.kind.to_string();
            let text = &case.text[secret.span];
            let shown = kind.split('`').nth(1).unwrap_or_default();
            assert!(
                shown.is_empty() || text.starts_with(shown) && shown.len() + 10 <= text.len(),
                "{kind} of {}",
                case.text
            );
            let form = if shown.is_empty() {
                kind
            } else {
                "token".to_owned()
            };
            told.insert(format!("{}: {form}", case.kind));
        }
    }
    let told: Vec<String> = told.into_iter().collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    AWS: AWS secret key
    AWS: key or password in a connection string or a signed address
    AWS: token
    AWS: value that is named a key, token or secret
    Azure: key or password in a connection string or a signed address
    GitHub: token
    GitLab: token
    Google: token
    Slack: token
    Stripe: token
    URL: password in a URL
    bare: value that is named a key, token or secret
    bare: value that is named a password
    header: credentials of a header
    model: token
    named: value that is named a key, token or secret
    named: value that is named a password
    package: token
    placeholder: text that only reads like a placeholder
    private key: private key
    private key: token
    private key: value that is named a key, token or secret
    service: Mailchimp key
    service: Twilio account or key
    service: token
    service: token of a Discord bot
    service: token of a Telegram bot
    service: value that is named a key, token or secret
    web token: web token (JWT)
    ");
}

/// The most lines that are read of each kind of source, and of each package of it.
const LINES: (usize, usize) = (150_000, 1_500);

/// Prints what it finds, and how often. `EZROUTER_LINES` says how many lines of each package are read; of this repository all
/// are.
#[test]
fn published_source_is_hardly_ever_masked() {
    #[expect(
        clippy::disallowed_methods,
        reason = "these belong to the test, not to the program"
    )]
    let variable = |name: &str| std::env::var(name).ok();
    let more = variable("EZROUTER_LINES").and_then(|lines| lines.parse().ok());
    let (most, of_package) = more.map_or(LINES, |lines| (usize::MAX, lines));
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let registry = std::env::home_dir().map(|home| home.join(".cargo/registry/src"));
    let crates = registry
        .iter()
        .flat_map(|registry| entries(registry))
        .flat_map(|index| entries(&index));
    let library = python_library();
    let modules = library.iter().flat_map(|library| entries(library));
    let whole = (usize::MAX, usize::MAX);
    let some = (most, of_package);
    let (mut read, mut too_many) = (0, Vec::new());
    for (name, packages, kind, (most, of_package)) in [
        // The tests hold secrets on purpose, so what is found in them is only counted.
        (WITH_TESTS, vec![own.to_owned()], Sources::Own, whole),
        (
            "this repository",
            vec![own.to_owned()],
            Sources::WithoutTests,
            whole,
        ),
        ("Rust", crates.collect(), Sources::Ending("rs"), some),
        ("Python", modules.collect(), Sources::Ending("py"), some),
    ] {
        let (mut lines, mut found) = (0, Vec::new());
        for package in packages {
            if lines < most {
                lines += search(&package, kind, of_package, &mut found);
            }
        }
        println!("{name}: {lines} lines, {} found", found.len());
        if name == WITH_TESTS {
            continue;
        }
        let shown: Vec<String> = found
            .iter()
            .map(|found| found.chars().take(200).collect())
            .collect();
        println!("  {}", shown.join("\n  "));
        if lines.max(10_000) < found.len() * 10_000 {
            too_many.push(format!("{name}: {} in {lines} lines", found.len()));
        }
        read += lines;
    }
    assert!(too_many.is_empty(), "{}", too_many.join("; "));
    assert!(
        variable("CI").is_none() || 100_000 <= read,
        "only {read} lines were there to be read"
    );
}

const WITH_TESTS: &str = "this repository with its tests";

/// Which files of a package are read.
#[derive(Clone, Copy, PartialEq)]
enum Sources {
    /// All that somebody wrote.
    Own,
    /// The same without tests.
    WithoutTests,
    /// Those whose names end so.
    Ending(&'static str),
}

/// Searches the files of a package until so many lines of it are read, and gives how many were.
fn search(package: &Path, sources: Sources, most: usize, found: &mut Vec<String>) -> usize {
    let mut lines = 0;
    let mut paths = vec![package.to_owned()];
    while let Some(path) = paths.pop().filter(|_| lines < most) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_test = ["tests", "tests.rs"].contains(&&*name);
        let built = ["target", "node_modules", "site-packages", "Cargo.lock"];
        let is_built = built.contains(&&*name) || name.starts_with('.') && path != package;
        let without_tests = sources == Sources::WithoutTests;
        if path.is_symlink() || is_built || without_tests && is_test {
            continue;
        }
        let fits = match sources {
            Sources::Own | Sources::WithoutTests => true,
            Sources::Ending(ending) => path.extension().is_some_and(|found| found == ending),
        };
        if path.is_dir() {
            paths.extend(entries(&path));
        } else if fits && let Ok(text) = std::fs::read_to_string(&path) {
            let text = match text.find("#[cfg(test)]\n") {
                Some(tests) if without_tests => &text[..tests],
                _ => &text,
            };
            lines += text.lines().count();
            let spans = spans(text).into_iter();
            found.extend(spans.map(|span| format!("{}: {}", path.display(), &text[span])));
        }
    }
    lines
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn python_library() -> Option<PathBuf> {
    let script = "import sysconfig; print(sysconfig.get_paths()['stdlib'])";
    let output = std::process::Command::new("python3")
        .args(["-c", script])
        .output()
        .ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// A text of a quarter of a megabyte that makes each finder begin as often as can be, and fail as late as can be, takes no longer than
/// any other.
#[test]
fn no_text_takes_more_than_linear_time() {
    for piece in [
        "sk-",
        "sk-a1",
        "eyJa-",
        "sk-.ghs_",
        "ghs_a.",
        "gh",
        "ghp_",
        "eyJ",
        "eyJaaaaaaaa.",
        "://",
        "://a:",
        "a://a:b",
        "Basic ",
        "Bearer a",
        "password='",
        "token=",
        "token: ",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        "PRIVATE KEY\n",
        "BEGIN PRIVATE KEY",
        "Private-Lines: 999999\n",
        "AKIA",
        "AKIA0000000000000000 ",
        "1:",
        "111111:",
        "M",
        "A",
        "E",
        "ezrouter",
        "EZROUTER_SECRET",
        "EZROUTER_SECRET_1",
        "AccountKey=",
        ";Password=",
        "a=b;Password=",
        "a=b password=",
        "A_PASSWORD=a1",
        "?password=a1",
        "Authorization: token a",
        "\\\"token\\\": \\\"",
        "%3D",
        "\\n",
        "x",
        "\u{1f512}",
        "0123456789abcdef",
    ] {
        let text = piece.repeat((1 << 18) / piece.len());
        let started = std::time::Instant::now();
        let found = secrets(&text);
        let seconds = started.elapsed().as_secs_f64();
        println!("{piece:?}: {} found, {seconds:.2} s", found.len());
        assert!(seconds < 20.0, "{piece:?} took {seconds} s");
    }
}

fn masked(text: &str, vault: &mut Vault) -> Masked {
    vault.mask(&Piece::new(text, Redact::On))
}

#[test]
fn secrets_come_back_wherever_the_reply_is_split() {
    for case in cases() {
        let masked = masked(&case.text, &mut Vault::default());
        // What reads like a placeholder may become one that reads the same.
        let differs = case.kind != "placeholder";
        for secret in case.secrets.iter().filter(|_| differs) {
            assert!(
                !masked.text.contains(&case.text[secret.clone()]),
                "{}",
                masked.text
            );
        }
        assert_eq!(
            masked.numbers().count(),
            case.secrets.len(),
            "{}",
            masked.text
        );
        for split in (0..=masked.text.len()).filter(|&at| masked.text.is_char_boundary(at)) {
            let mut restorer = masked.restorer();
            let mut output = String::new();
            for part in [&masked.text[..split], &masked.text[split..]] {
                output.push_str(&restorer.push(part));
                // No part of a placeholder ever goes out.
                assert!(
                    case.text.starts_with(&output),
                    "{output:?} of {:?}",
                    case.text
                );
            }
            output.push_str(&restorer.finish());
            assert_eq!(
                (output.as_str(), restorer.doubt()),
                (case.text.as_str(), None),
                "split at {split}"
            );
        }
    }
}

/// What is taken for granted of a reply, here to a selection with two secrets, a third one standing elsewhere.
#[test]
fn what_is_not_exactly_a_placeholder_of_the_selection_raises_a_doubt() {
    let selection = "let url = \"postgres://app:first-one@db/prod\";\nlet key = \"Second-0ne!\";\n# first again: x://u:first-one@h\n";
    let password = selection.replace("key", "password");
    let mut vault = Vault::default();
    masked("x://u:elsewhere@h", &mut vault);
    let sent = masked(&password, &mut vault);
    let (p2, p3) = (format!("{PREFIX}2"), format!("{PREFIX}3"));
    assert_eq!(
        sent.text,
        password
            .replace("first-one", &p2)
            .replace("Second-0ne!", &p3)
    );
    let cases = [
        // As it was, moved, twice, or gone with its line.
        (sent.text.clone(), None),
        (
            format!("const URL: &str = \"postgres://app:{p2}@db/prod\"; f({p2}, {p3});"),
            None,
        ),
        (format!("{0}{0}", sent.text), None),
        (
            "let url = url();\nlet password = read_password();\n".to_owned(),
            None,
        ),
        (String::new(), None),
        // Of another place, or of none.
        (
            format!("{}f({PREFIX}1)", sent.text),
            Some("uses EZROUTER_SECRET_1, which stands for no secret of the selection"),
        ),
        (
            format!("{}f({PREFIX}9)", sent.text),
            Some("uses EZROUTER_SECRET_9,"),
        ),
        // Altered.
        (
            sent.text.replace(&p3, &p3.to_lowercase()),
            Some("changed the placeholder of a secret (ezrouter_secret_3)"),
        ),
        (
            sent.text.replace(&p3, "EZROUTER-SECRET-3"),
            Some("(EZROUTER-SECRET-3)"),
        ),
        (
            sent.text.replace(&p3, r"EZROUTER\_SECRET\_3"),
            Some(r"(EZROUTER\_SECRET\_3)"),
        ),
        (
            sent.text.replace(&p3, "EZROUTERSECRET3"),
            Some("(EZROUTERSECRET3)"),
        ),
        (
            sent.text.replace(&p3, &format!("{p3}_")),
            Some("(EZROUTER_SECRET_3_)"),
        ),
        (
            sent.text.replace(&p3, &format!("MY_{p3}")),
            Some("(EZROUTER_SECRET_3)"),
        ),
        (
            sent.text.replace(&p3, &format!("{PREFIX}03")),
            Some("(EZROUTER_SECRET_03)"),
        ),
        (sent.text.replace(&p3, PREFIX), Some("(EZROUTER_SECRET_)")),
        // Gone from a line that is still there.
        (
            sent.text.replace(&p3, ""),
            Some("missing from a line that was kept (EZROUTER_SECRET_3)"),
        ),
        (
            sent.text.replace(&p3, "hunter2"),
            Some("missing from a line that was kept (EZROUTER_SECRET_3)"),
        ),
        (
            sent.text.replacen(&p2, "***", 1),
            Some("missing from a line that was kept (EZROUTER_SECRET_2)"),
        ),
        (
            sent.text.replacen(&p2, &p3, 1),
            Some("missing from a line that was kept (EZROUTER_SECRET_2)"),
        ),
    ];
    for (reply, wanted) in cases {
        let mut restorer = sent.restorer();
        let out = restorer.push(&reply) + &restorer.finish();
        let mut slow = sent.restorer();
        for c in reply.chars() {
            slow.push(c.encode_utf8(&mut [0; 4]));
        }
        slow.finish();
        assert_eq!(slow.doubt(), restorer.doubt(), "{reply:?}");
        match (restorer.doubt(), wanted) {
            (None, None) => assert_eq!(
                out,
                reply.replace(&p2, "first-one").replace(&p3, "Second-0ne!")
            ),
            (Some(doubt), Some(part)) => assert!(doubt.contains(part), "{doubt:?} lacks {part:?}"),
            (doubt, _) => panic!("{doubt:?} of {reply:?}, not {wanted:?}"),
        }
        assert!(!out.contains("elsewhere"), "{out}");
    }
}

#[test]
fn text_is_held_only_where_a_placeholder_may_begin() {
    let mut restorer = masked("x://u:hunter2@h", &mut Vault::default()).restorer();
    for (delta, out) in [
        ("one", "one"),
        (" the line", " the line"),
        (" E", " "),
        ("ZROUTER_SECRET_1", ""),
        (";", "hunter2;"),
        (" e", " "),
        ("lse", "else"),
    ] {
        assert_eq!(restorer.push(delta), out, "{delta:?}");
    }
}

#[test]
fn a_key_that_is_missing_between_its_lines_raises_a_doubt() {
    let case = cases()
        .into_iter()
        .find(|case| case.kind == "private key")
        .unwrap();
    let sent = masked(&case.text, &mut Vault::default());
    let place = format!("{PREFIX}1");
    for (body, doubts) in [
        (place.as_str(), false),
        ("...", true),
        ("MIIEinvented", true),
    ] {
        let mut restorer = sent.restorer();
        restorer.push(&sent.text.replace(&place, body));
        restorer.finish();
        assert_eq!(
            restorer.doubt().is_some(),
            doubts,
            "{body}: {:?}",
            restorer.doubt()
        );
    }
}

#[test]
fn a_secret_keeps_its_number_and_numbers_of_an_earlier_run_are_not_used_again() {
    let mut vault = Vault::default();
    vault.learn("What is EZROUTER_SECRET_4? And EZROUTER_SECRET_x?");
    let text = |vault: &mut Vault, text: &str| masked(text, vault).text;
    assert_eq!(
        text(&mut vault, "a://u:one@h a://u:two@h a://u:one@h"),
        format!("a://u:{PREFIX}5@h a://u:{PREFIX}6@h a://u:{PREFIX}5@h")
    );
    vault.learn("EZROUTER_SECRET_9");
    assert_eq!(
        text(&mut vault, "a://u:two@h a://u:three@h"),
        format!("a://u:{PREFIX}6@h a://u:{PREFIX}10@h")
    );
    let off = vault.mask(&Piece::new("a://u:one@h", Redact::Off));
    assert_eq!(
        (off.text.as_str(), off.numbers().count()),
        ("a://u:one@h", 0)
    );
}

#[test]
fn a_part_that_begins_behind_half_an_escape_is_masked_as_a_word_of_its_own() {
    let text = format!("\\n{}hunter2@h\\n", "a://u:");
    let piece = |from: usize, secret: Range<usize>| {
        let secret = Secret::new(secret, Kind::Url);
        let sent = Vault::default().mask(&Piece::part(text[from..].to_owned(), from, &[secret]));
        let mut restorer = sent.restorer();
        (
            sent.text.clone(),
            restorer.push(&sent.text) + &restorer.finish(),
        )
    };
    for (from, secret) in [(1, 2..9), (1, 1..9), (3, 3..10), (8, 4..12)] {
        let (sent, back) = piece(from, secret.clone());
        assert_eq!(back, text[from..], "{sent}");
    }
}

#[test]
fn a_secret_that_is_quoted_elsewhere_is_secret_there_too() {
    let text = Piece::new("a://u:hunter2@h", Redact::On);
    let mut vault = Vault::default();
    let sent = vault.mask(&text);
    let quote = Piece::quoting("is 'hunter2' short? a://u:another@h", Redact::On, &[&text]);
    let quote = vault.mask(&quote).text;
    assert_eq!(sent.text, format!("a://u:{PREFIX}1@h"));
    assert_eq!(quote, format!("is '{PREFIX}1' short? a://u:{PREFIX}2@h"));
}

proptest! {
    /// A selection may begin and end anywhere in a secret: the part of it that is sent is masked, and it comes back.
    #[test]
    fn any_part_of_a_text_is_masked_as_far_as_it_is_secret(
        picks in prop::collection::vec((any::<prop::sample::Index>(), "[a-zé \n]{0,5}"), 1..6),
        ends in any::<(prop::sample::Index, prop::sample::Index)>(),
        sizes in prop::collection::vec(1_usize..12, 1..6),
    ) {
        let cases = cases();
        let mut text = String::new();
        for (index, (pick, gap)) in picks.iter().enumerate() {
            // Beside it a secret that reads like nothing else.
            writeln!(text, "{}\n{gap}", pick.get(&cases).text).unwrap();
            writeln!(text, "x://u:zqxjk{index}kjxqz{index}zqxjk@h").unwrap();
        }
        let mut bounds = [ends.0.index(text.len() + 1), ends.1.index(text.len() + 1)];
        bounds.sort_unstable();
        let [start, end] = bounds.map(|at| (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap());
        let known = secrets(&text);
        let sent = Vault::default().mask(&Piece::part(text[start..end].to_owned(), start, &known));
        for Secret { span, .. } in &known {
            let part = span.start.max(start)..span.end.min(end);
            if 3 < part.len() && text[part.clone()].contains("xqz") {
                prop_assert!(!sent.text.contains(&text[part]), "{}", sent.text);
            }
        }
        let mut restorer = sent.restorer();
        let mut sizes = sizes.iter().cycle();
        let mut output = String::new();
        let mut rest = sent.text.as_str();
        while !rest.is_empty() {
            let size = (*sizes.next().unwrap()).min(rest.len());
            let cut = (size..=rest.len()).find(|&at| rest.is_char_boundary(at)).unwrap();
            output.push_str(&restorer.push(&rest[..cut]));
            rest = &rest[cut..];
        }
        output.push_str(&restorer.finish());
        prop_assert_eq!(output, &text[start..end]);
        prop_assert_eq!(restorer.doubt(), None);
    }

    #[test]
    fn no_text_panics(text in r#"(\PC|://|:|@|-----BEGIN PRIVATE KEY-----|\\n|\n|EZROUTER_SECRET_|sk-|Basic |password="|AKIA|Private-Lines: 2\n){0,40}"#) {
        for span in spans(&text) {
            prop_assert!(text.get(span).is_some());
        }
        let mut restorer = masked(&text, &mut Vault::default()).restorer();
        let _ = restorer.push(&text) + &restorer.finish();
    }
}
