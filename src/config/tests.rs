//! The layers of settings as data: what each may say, which one wins, what is told of slips, and what a hostile file costs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::file::LARGEST;
use super::table::{SETTINGS, Scope};
use super::*;
use crate::gateway::surface::Choice;

/// A home directory, a workspace, and an environment that knows of both.
struct Place {
    home: TempDir,
    environment: Environment,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join(".config/ezrouter")).unwrap();
        fs::create_dir(home.path().join("project")).unwrap();
        let environment = environment(&[("HOME", home.path().to_str().unwrap())]);
        Self { home, environment }
    }

    fn project(&self) -> PathBuf {
        self.home.path().join("project")
    }

    fn user_file(&self) -> PathBuf {
        self.home.path().join(".config/ezrouter/config.toml")
    }

    fn user(self, text: &str) -> Self {
        fs::write(self.user_file(), text).unwrap();
        self
    }

    fn project_file(self, text: &str) -> Self {
        fs::write(self.project().join(".ezrouter.toml"), text).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment
            .variables
            .insert(name.to_owned(), value.to_owned());
        self
    }

    fn config(&self) -> Config {
        let mut config = Config::new(&self.environment);
        config.set_folders(&[("folder".to_owned(), self.project())]);
        config
    }
}

fn environment(pairs: &[(&str, &str)]) -> Environment {
    let variables = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment {
        variables: variables.collect(),
    }
}

fn with_editor(layers: &[&Value]) -> Config {
    let mut config = Config::new(&Environment::default());
    config.set_editor(layers);
    config
}

/// A value other than the default for each setting, as TOML.
const SAMPLES: &[(&str, &str)] = &[
    ("model", "'m'"),
    ("surface", "'anthropic'"),
    ("max_output_tokens", "9"),
    ("thinking", "'high'"),
    ("instructions", "'Be brief.'"),
    ("context.max_bytes", "7"),
    ("history.scope", "'none'"),
    ("history.max_bytes", "0x10"),
    ("history.persist", "false"),
    ("history.keep_days", "3"),
    ("rewrite.apply", "'single'"),
    ("rewrite.review", "false"),
    ("answer.show", "'document'"),
    (
        "actions",
        "[{id = 'a', title = 'A', kind = 'ask', prompt = 'P'}]",
    ),
    ("exclude", "['*.secret']"),
    ("exclude_gitignored", "true"),
    ("redact", "false"),
    ("timeouts.connect_s", "1"),
    ("timeouts.first_byte_s", "0.5"),
    ("timeouts.idle_s", "2.5"),
    ("retry.attempts", "1"),
    ("base_url", "'https://gateway.example'"),
    ("api_key_command", "['pass', 'show', 'x']"),
    ("api_key_file", "'~/key'"),
    ("proxy", "'http://proxy.example:1'"),
    ("ca_file", "'/ca.pem'"),
    ("log", "'log'"),
];

#[test]
fn every_setting_can_be_set_in_the_user_file_and_says_where() {
    assert_eq!(SAMPLES.len(), SETTINGS.len());
    for (key, sample) in SAMPLES {
        let setting = table::find(key).unwrap();
        let place = Place::new().user(&format!("\n{key} = {sample}\n"));
        let config = place.config();
        assert_eq!(config.problems(), [""; 0], "{key}");
        assert_ne!(
            setting.value(config.settings()),
            setting.default_value(),
            "{key}"
        );
        assert_eq!(
            config.source(key),
            Some("~/.config/ezrouter/config.toml:2"),
            "{key}"
        );
        let reset = Place::new().config();
        assert_eq!(
            setting.value(reset.settings()),
            setting.default_value(),
            "{key}"
        );
        assert_eq!(reset.source(key), None, "{key}");
    }
}

#[test]
fn each_layer_beats_those_below_it() {
    let mut place = Place::new();
    let model = |config: &Config| config.settings_in("folder").model.clone();
    assert_eq!(model(&place.config()), Settings::default().model);
    place = place.user("model = 'user'");
    assert_eq!(model(&place.config()), "user");
    place = place.project_file("model = 'project'");
    assert_eq!(model(&place.config()), "project");
    assert_eq!(
        place.config().settings().model,
        "user",
        "outside of the project"
    );
    place = place.variable("EZROUTER_MODEL", " environment ");
    assert_eq!(model(&place.config()), "environment");
    let mut config = place.config();
    config.set_editor(&[&json!({"model": "older"})]);
    assert_eq!(model(&config), "older");
    config.set_editor(&[
        &json!({"model": "older"}),
        &json!({"ezrouter": {"model": "newer"}}),
    ]);
    assert_eq!(model(&config), "newer");
    config.set_editor(&[&json!({"model": null}), &json!({"model": ""})]);
    assert_eq!(model(&config), "environment");
    assert_eq!(config.problems(), [""; 0]);
}

#[test]
fn a_project_adds_and_takes_nothing_away() {
    let action = |id: &str, title: &str| {
        format!(
            "[[actions]]\nid = '{id}'\ntitle = '{title}'\nkind = 'rewrite'\nprompt = 'P'\nlanguages = ['rust']\n"
        )
    };
    let user = format!(
        "instructions = 'User.'\nexclude = ['*.a']\nexclude_gitignored = true\n{}",
        action("mine", "Mine")
    );
    let project = format!(
        "instructions = 'Project.'\nexclude = ['*.b', '*.a']\nexclude_gitignored = false\n{}{}",
        action("mine", "Other"),
        action("theirs", "Theirs")
    );
    let place = Place::new().user(&user).project_file(&project);
    let mut config = place.config();
    config.set_editor(&[&json!({"instructions": "Editor.", "exclude": ["*.c"]})]);
    let settings = config.settings_in("folder");
    assert_eq!(settings.instructions.text(), "Editor.\n\nProject.");
    assert_eq!(settings.exclusions.exclude, ["*.a", "*.b", "*.c"]);
    assert!(settings.exclusions.gitignored);
    let titles: Vec<&str> = settings
        .actions
        .iter()
        .map(|action| action.title.as_str())
        .collect();
    assert_eq!(titles, ["Mine", "Theirs"]);
    assert_eq!(settings.actions[1].place, ".ezrouter.toml:10");
    assert_eq!(settings.actions[1].languages, ["rust"]);
    assert_eq!(
        config.problems(),
        [
            ".ezrouter.toml: the action mine was ignored: ~/.config/ezrouter/config.toml:4 defines it already"
        ]
    );
    assert_eq!(config.settings().instructions.text(), "Editor.");
    let back = "exclude = ['*.b', '!*.a']";
    let mut config = Place::new()
        .user("exclude = ['*.a', '!b.a']")
        .project_file(back)
        .config();
    config.set_editor(&[&json!({"exclude": ["!*"]})]);
    assert_eq!(
        config.settings_in("folder").exclusions.exclude,
        ["*.a", "!b.a", "*.b"]
    );
    let problems = config.problems().join("; ");
    assert!(
        problems
            .contains(".ezrouter.toml:1: exclude: \"!*.a\" was left out, since only the user file"),
        "{problems}"
    );
    assert!(
        problems.contains("ezrouter.exclude: \"!*\" was left out, since only the user file"),
        "{problems}"
    );
}

/// What somebody wanted to protect stays protected, whatever else is wrong with the list.
#[test]
fn one_bad_pattern_leaves_the_others_in_force_and_is_named() {
    let text = "exclude = [\n  '*.a',\n  '',\n  5,\n  '{b',\n  '*.c',\n]";
    let config = Place::new().user(text).config();
    assert_eq!(config.settings().exclusions.exclude, ["*.a", "{b", "*.c"]);
    let problems = config.problems();
    assert_eq!(problems.len(), 3, "{problems:?}");
    for (problem, (line, what)) in problems.iter().zip([
        (3, "exclude: \"\" is no pattern and was left out"),
        (4, "exclude: 5 is no pattern and was left out"),
        (
            5,
            "exclude: \"{b\" is no pattern; nothing is sent before it is one",
        ),
    ]) {
        assert!(problem.ends_with(&format!(":{line}: {what}")), "{problem}");
    }
    let many = format!("exclude = [{}]", "'a', ".repeat(201));
    let config = Place::new().user(&many).config();
    assert_eq!(config.settings().exclusions.exclude, ["a"]);
    assert!(config.problems()[0].contains("more than 200 patterns"));
    let none = Place::new().user("exclude = '*.a'").config();
    assert!(none.problems()[0].contains("must be a list of patterns"));
}

#[test]
fn what_a_workspace_may_not_say_is_refused_by_name_and_changes_nothing() {
    for (key, sample) in SAMPLES {
        let setting = table::find(key).unwrap();
        let project = Place::new()
            .project_file(&format!("{key} = {sample}"))
            .config();
        let value = setting.value(project.settings_in("folder"));
        if setting.scope == Scope::Project {
            assert_eq!(
                (project.problems().len(), value == setting.default_value()),
                (0, false),
                "{key}"
            );
        } else {
            let expected = format!(
                ".ezrouter.toml:1: {key} was ignored: a project may only set actions, exclude, exclude_gitignored, \
                 instructions and model"
            );
            assert_eq!(
                (project.problems(), value),
                (vec![expected.as_str()], setting.default_value()),
                "{key}"
            );
        }
        let text = format!("{key} = {sample}");
        let (table, mistakes) = given::from_toml(&text, 1);
        assert_eq!(mistakes, []);
        let mut reading = reader::Reading::default();
        reading.add(reader::Origin::Editor, &table, &[]);
        let refused = reading
            .problems
            .iter()
            .any(|problem| problem.contains("was ignored"));
        assert_eq!(
            refused,
            setting.scope == Scope::User,
            "{key}: {:?}",
            reading.problems
        );
        assert_eq!(
            setting.value(&reading.settings) == setting.default_value(),
            refused,
            "{key}"
        );
    }
}

#[test]
fn a_slip_is_told_with_file_line_and_key_and_the_rest_works() {
    let text = "\
model = 7
max_output_tokens = 10
modle = 'x'

[rewrite]
apply = 'sometimes'
review = 'yes'
aply = 'auto'
[retry]
attempts = 0
[timeouts]
idle_s = 0
connect_s = 3
[history]
keep_days = 1.5
[context.max_bytes]
[zzz.like.it]
";
    let config = Place::new().user(text).config();
    assert_eq!(config.settings().max_output_tokens, 10);
    assert_eq!(config.settings().timeouts.connect, Duration::from_secs(3));
    let said: Vec<&str> = config
        .problems()
        .into_iter()
        .map(|problem| {
            problem
                .strip_prefix("~/.config/ezrouter/config.toml:")
                .expect(problem)
        })
        .collect();
    let expected = [
        "1: model must be text, not 7",
        "3: there is no setting modle; did you mean model?",
        "6: rewrite.apply must be one of auto, stream, single, preview, not \"sometimes\"",
        "7: rewrite.review must be true or false, not \"yes\"",
        "8: there is no setting rewrite.aply; did you mean rewrite.apply?",
        "10: retry.attempts must be a whole number from 1 to 20, not 0",
        "12: timeouts.idle_s must be a number of seconds above 0, at most a day, not 0",
        "15: history.keep_days must be a whole number from 1 to 36500, not 1.5",
        "16: context.max_bytes must be a whole number from 0 to 1000000, not a table",
        "17: there is no setting zzz",
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_slip_in_the_form_of_a_file_leaves_what_can_be_read() {
    let config = Place::new()
        .user("model = claude\nredact = false\nsurface = 'openai'\n")
        .config();
    let problems = config.problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].starts_with("~/.config/ezrouter/config.toml:1: "),
        "{problems:?}"
    );
    assert_eq!(config.settings().surface, Choice::OpenAi);
    assert!(!config.settings().redact);
}

#[test]
fn the_gateway_gets_the_surface_and_where_the_anthropic_one_is() {
    for (word, surface) in [
        ("auto", Choice::Auto),
        ("openai", Choice::OpenAi),
        ("anthropic", Choice::Anthropic),
    ] {
        let config = Place::new()
            .user(&format!("surface = '{word}'\n"))
            .variable("EZROUTER_ANTHROPIC_BASE_URL", "https://here.example")
            .config();
        let gateway = config.gateway();
        let base = gateway.anthropic_base_url.as_deref();
        assert_eq!(
            (gateway.surface, base),
            (surface, Some("https://here.example"))
        );
    }
}

#[test]
fn each_slip_in_an_action_is_told_and_leaves_the_others() {
    let good = "id = 'good'\ntitle = 'Good'\nkind = 'ask'\nprompt = 'P'\n";
    let cases = [
        (
            "title = 'A'\nkind = 'ask'\nprompt = 'P'\n",
            "1: actions[0] has no id",
        ),
        (
            "id = 'a b'\ntitle = 'A'\nkind = 'ask'\nprompt = 'P'\n",
            "2: actions[0].id must be at most 64 letters",
        ),
        (
            "id = 'a'\ntitle = \"A\\nB\"\nkind = 'ask'\nprompt = 'P'\n",
            "3: actions[0].title must be one line",
        ),
        (
            "id = 'a'\ntitle = \"niaga\\u202E\"\nkind = 'ask'\nprompt = 'P'\n",
            "3: actions[0].title must be one line",
        ),
        (
            "id = 'a'\ntitle = 'A'\nkind = 'answer'\nprompt = 'P'\n",
            "4: actions[0].kind must be ask or rewrite",
        ),
        (
            "id = 'a'\ntitle = 'A'\nkind = 'ask'\nprompt = ' '\n",
            "5: actions[0].prompt must be text",
        ),
        (
            "id = 'a'\ntitle = 'A'\nkind = 'ask'\nprompt = 'P'\nlanguages = 'rust'\n",
            "6: actions[0].languages must be a list",
        ),
        (
            "id = 'a'\ntitle = 'A'\nkind = 'ask'\nprompt = 'P'\nmodel = 1\n",
            "6: actions[0].model must be one line",
        ),
        (
            "id = 'a'\ntitel = 'A'\n",
            "3: actions[0] cannot have titel; did you mean title?",
        ),
    ];
    for (bad, expected) in cases {
        let text = format!("[[actions]]\n{bad}[[actions]]\n{good}");
        let config = Place::new().user(&text).config();
        let problems = config.problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        let said = problems[0]
            .strip_prefix("~/.config/ezrouter/config.toml:")
            .unwrap();
        assert!(said.starts_with(expected), "{said}");
        let ids: Vec<&str> = config
            .settings()
            .actions
            .iter()
            .map(|action| action.id.as_str())
            .collect();
        assert_eq!(ids, ["good"]);
    }
    let twice = Place::new()
        .user(&format!("[[actions]]\n{good}[[actions]]\n{good}"))
        .config();
    assert_eq!(
        twice.problems(),
        [
            "~/.config/ezrouter/config.toml:6: the action id good is taken already (~/.config/ezrouter/config.toml:1)"
        ]
    );
    let no_list = with_editor(&[&json!({"actions": "all"})]);
    assert_eq!(
        no_list.problems(),
        ["the editor setting ezrouter.actions must be a list of tables, not \"all\""]
    );
}

#[test]
fn an_editor_may_write_in_camel_case_with_the_section_in_front_and_numbers_as_floats() {
    let config = with_editor(&[&json!({
        "ezrouter.model": "m", "maxOutputTokens": 99.0, "rewrite": {"apply": "single"}, "rewrite.review": false,
        "context": {"maxBytes": 7}, "timeouts": {"firstByteS": 0.5}, "excludeGitignored": true,
        "trace": {"server": "verbose"}, "redact": null,
    })]);
    assert_eq!(config.problems(), [""; 0]);
    let settings = config.settings();
    assert_eq!(
        (settings.model.as_str(), settings.max_output_tokens),
        ("m", 99)
    );
    assert_eq!((settings.apply, settings.review), (Apply::Single, false));
    assert_eq!(
        (settings.context_max_bytes, settings.exclusions.gitignored),
        (7, true)
    );
    assert_eq!(settings.timeouts.first_byte, Duration::from_millis(500));
    let config = with_editor(&[&json!({"maxOutputToken": 1, "rewrite": true})]);
    assert_eq!(
        config.problems(),
        [
            "there is no editor setting ezrouter.max_output_token; did you mean ezrouter.max_output_tokens?",
            "the editor setting ezrouter.rewrite must be a table",
        ]
    );
}

#[test]
fn a_key_in_the_wrong_place_is_never_shown() {
    let key = "sk-misplaced-1234567890";
    let user = format!(
        "api_key = '{key}'\napi_key_command = '{key}'\nproxy = 7\n[rewrite]\napply = '{key}'\n"
    );
    let config = Place::new()
        .user(&user)
        .project_file(&format!("api_key_file = '{key}'\n{key} = 1"))
        .config();
    let problems = config.problems().join("\n");
    assert!(!problems.contains("misplaced"), "{problems}");
    assert!(
        problems.contains("config.toml:1: api_key was ignored: settings get copied and shared"),
        "{problems}"
    );
    assert!(
        problems.contains("config.toml:2: api_key_command must be a list of a program"),
        "{problems}"
    );
}

#[test]
fn a_value_of_the_environment_can_be_wrong_too() {
    let config = Place::new()
        .variable("EZROUTER_MODEL", &"m".repeat(501))
        .config();
    assert_eq!(
        config.problems(),
        ["EZROUTER_MODEL must be one line of at most 500 characters"]
    );
}

#[test]
fn paths_begin_at_home_or_at_the_file_that_names_them() {
    let place =
        Place::new().user("api_key_file = '~/k'\nca_file = 'certificates/ca.pem'\nlog = '/l'\n");
    let config = place.config();
    let settings = config.settings();
    assert_eq!(settings.api_key_file, Some(place.home.path().join("k")));
    assert_eq!(
        settings.ca_file,
        Some(
            place
                .user_file()
                .parent()
                .unwrap()
                .join("certificates/ca.pem")
        )
    );
    assert_eq!(settings.log.as_deref(), Some(Path::new("/l")));
}

#[test]
fn a_file_is_read_again_when_it_has_changed_and_only_then() {
    let place = Place::new();
    let mut config = place.config();
    assert!(!config.refresh());
    let place = place.user("model = 'first'");
    assert!(config.refresh());
    assert_eq!(config.settings().model, "first");
    assert!(!config.refresh());
    let place = place.project_file("model = 'longer'");
    assert!(config.refresh());
    assert_eq!(config.settings_in("folder").model, "longer");
    fs::remove_file(place.user_file()).unwrap();
    assert!(config.refresh());
    assert_eq!(config.settings().model, Settings::default().model);
    config.set_folders(&[]);
    assert_eq!(
        config.settings_in("folder").model,
        Settings::default().model
    );
    assert_eq!(config.problems(), [""; 0]);
}

#[test]
fn the_user_file_is_the_first_that_is_named() {
    let found = |pairs: &[(&str, &str)]| environment(pairs).user_file();
    let is = |path: &str| Some(PathBuf::from(path));
    let home = ("HOME", "/home/u");
    assert_eq!(
        found(&[("EZROUTER_CONFIG", "/a b.toml"), home]),
        is("/a b.toml")
    );
    if cfg!(unix) {
        assert_eq!(
            found(&[("XDG_CONFIG_HOME", "/c"), home]),
            is("/c/ezrouter/config.toml")
        );
        assert_eq!(
            found(&[("XDG_CONFIG_HOME", "c"), home]),
            is("/home/u/.config/ezrouter/config.toml")
        );
    }
    assert_eq!(found(&[]), None);
}

/// What a project file may hold that means harm, most of it as large as is read: a name, and its bytes.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let large = usize::try_from(LARGEST).unwrap();
    let fill = |head: &str, unit: &str, tail: &str| {
        let room = large - head.len() - tail.len();
        let middle: String = unit.chars().cycle().take(room).collect();
        format!("{head}{middle}{tail}").into_bytes()
    };
    let groups = "{a*,b?[!c]}*{d,e}/**/{f,g{h,i}}".repeat(15);
    let patterns: Vec<String> = (0..300)
        .map(|number| format!("'**/{number}{groups}',"))
        .collect();
    let numbered: Vec<String> = (0..20_000).map(|number| format!("k{number}=1\n")).collect();
    vec![
        ("ten megabytes", vec![b'#'; 10 << 20]),
        ("no UTF-8", vec![0xff; 100]),
        ("no TOML", fill("", "%", "")),
        ("only slips", fill("", "=\n", "")),
        ("only unknown keys", numbered.concat().into_bytes()),
        ("nested lists", fill("a=", "[", "")),
        ("nested tables", fill("a=", "{a=", "")),
        ("a deep key", fill("", "a.", "a=1")),
        ("a deep header", fill("[", "a.", "a]")),
        ("many headers", fill("", "[[a.a.a]]\n", "")),
        ("deep headers", fill("", &format!("[{}a]\n", "a.".repeat(70)), "")),
        ("a long key", fill("", "a", "=1")),
        ("a long text", fill("model='", "a", "'")),
        ("the same key again and again", fill("", "model='m'\n", "")),
        ("many actions", fill("", "[[actions]]\n", "")),
        ("many wrong actions", fill("actions=[", "{b=1},", "]")),
        ("many patterns", format!("exclude=[{}]", patterns.concat()).into_bytes()),
        ("many wrong patterns", fill("exclude=[", "'{{{{[',", "]")),
        ("control characters", b"model = \"\\u001b[2J\"\n\"\\u001b[2J\" = 1".to_vec()),
        ("odd types", b"model = 1979-05-27\nexclude = {a = 1}\ninstructions = [[[]]]\nactions = [1, nan, inf]".to_vec()),
    ]
}

#[test]
fn a_hostile_project_file_costs_a_few_sentences_and_the_rest_works() {
    for (name, bytes) in hostile() {
        let place = Place::new().user("model = 'mine'");
        fs::write(place.project().join(".ezrouter.toml"), &bytes).unwrap();
        let config = place.config();
        let problems = config.problems();
        assert!((1..=12).contains(&problems.len()), "{name}: {problems:?}");
        let length: usize = problems.iter().map(|problem| problem.len()).sum();
        assert!(length < 4000, "{name}: {length} bytes of problems");
        assert!(
            problems.iter().all(|problem| !problem.contains('\u{1b}')),
            "{name}: {problems:?}"
        );
        assert_eq!(config.settings().model, "mine", "{name}");
    }
}

#[test]
fn a_hostile_project_file_takes_no_time_to_speak_of() {
    let place = Place::new();
    for (name, bytes) in hostile() {
        fs::write(place.project().join(".ezrouter.toml"), &bytes).unwrap();
        let started = processor_time();
        let config = place.config();
        let took = processor_time().saturating_sub(started);
        assert_ne!(config.problems(), [""; 0], "{name}");
        println!("{name}: {took:?}");
        assert!(took < SHORT, "{name}: {took:?}");
    }
    // A clock that stands still would let everything pass.
    assert_ne!(processor_time(), Duration::ZERO);
}

/// How long reading a hostile file may take; without optimization the same takes about ten times as long.
const SHORT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 50 });

/// What this thread has taken of the processor, which other programs beside it do not change (`proc_pid_schedstat(5)`: the first
/// number, in nanoseconds); where the system does not tell, the time of day.
fn processor_time() -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let taken = told.and_then(|told| told.split(' ').next()?.parse().ok());
    taken.map_or_else(
        || {
            let now = std::time::SystemTime::now();
            now.duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default()
        },
        Duration::from_nanos,
    )
}

#[test]
fn a_file_beyond_the_bound_is_not_read_and_one_at_the_bound_is() {
    let large = usize::try_from(LARGEST).unwrap();
    let text = |length: usize| format!("model = 'm'\n#{}", " ".repeat(length - 13));
    let at = Place::new().project_file(&text(large)).config();
    assert_eq!(
        (at.problems(), at.settings_in("folder").model.as_str()),
        (vec![], "m")
    );
    let beyond = Place::new().project_file(&text(large + 1)).config();
    assert_eq!(
        beyond.problems(),
        [".ezrouter.toml: it is larger than 256 KiB; it was ignored"]
    );
    assert_eq!(beyond.settings_in("folder"), beyond.settings());
}

#[cfg(unix)]
#[test]
fn what_is_no_file_of_the_workspace_is_not_opened() {
    use std::os::unix::fs::symlink;
    use std::process::Command;
    type Way = (&'static str, fn(&Path));
    let ways: [Way; 5] = [
        ("it is not a file", |path| fs::create_dir(path).unwrap()),
        // Opening it would wait for ever for somebody to write.
        ("it is not a file", |path| {
            assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        }),
        ("it is not a file", |path| {
            symlink("/dev/zero", path).unwrap();
        }),
        ("it is a link that leads out of the workspace", |path| {
            let outside = path.parent().unwrap().join("../outside.toml");
            fs::write(&outside, "model = 'outside'").unwrap();
            symlink("../outside.toml", path).unwrap();
        }),
        ("it cannot be read", |path| {
            symlink(".ezrouter.toml", path).unwrap();
        }),
    ];
    for (why, make) in ways {
        let place = Place::new();
        make(&place.project().join(".ezrouter.toml"));
        let config = place.config();
        let problems = config.problems();
        assert_eq!(problems.len(), 1, "{why}: {problems:?}");
        assert!(
            problems[0].starts_with(&format!(".ezrouter.toml: {why}")),
            "{problems:?}"
        );
        assert_eq!(config.settings_in("folder"), config.settings());
    }
    let inside = Place::new();
    fs::write(inside.project().join("settings.toml"), "model = 'inside'").unwrap();
    symlink("settings.toml", inside.project().join(".ezrouter.toml")).unwrap();
    assert_eq!(inside.config().settings_in("folder").model, "inside");
}

#[test]
fn a_file_that_is_missing_is_empty_without_a_word() {
    let missing = Place::new()
        .variable("EZROUTER_CONFIG", "/nonexistent/config.toml")
        .config();
    assert_eq!(missing.problems(), [""; 0]);
    assert_eq!(
        missing.user_file(),
        Some(("/nonexistent/config.toml".to_owned(), false))
    );
}

#[test]
fn offline_is_off_unless_it_is_switched_on() {
    for (value, offline) in [
        ("1", true),
        ("true", true),
        ("0", false),
        ("off", false),
        ("", false),
    ] {
        let environment = environment(&[("EZROUTER_OFFLINE", value)]);
        assert_eq!(environment.is_offline(), offline, "{value:?}");
    }
}

#[cfg(unix)]
#[test]
fn the_state_directory_is_the_first_that_is_named() {
    let named = ("EZROUTER_STATE_DIR", "/a b");
    let home = ("HOME", "/home/u");
    let found = |variables: &[(&str, &str)]| environment(variables).state_directory();
    let is = |path: &str| Some(PathBuf::from(path));
    assert_eq!(found(&[named, home]), is("/a b"));
    assert_eq!(found(&[("XDG_STATE_HOME", "/s"), home]), is("/s/ezrouter"));
    let usual = is("/home/u/.local/state/ezrouter");
    assert_eq!(found(&[("XDG_STATE_HOME", "relative"), home]), usual);
    assert_eq!(found(&[home]), usual);
    assert_eq!(found(&[]), None);
}

#[cfg(unix)]
#[test]
fn a_tilde_in_the_environment_is_the_home_directory() {
    for (path, home, expanded, complaint) in [
        ("~/x", Some("/home/u"), Some("/home/u/x"), None),
        (" ~ ", Some("/home/u/"), Some("/home/u"), None),
        ("~/", Some("/home/u"), Some("/home/u"), None),
        ("/a/~/b", None, Some("/a/~/b"), None),
        ("~/x", None, None, Some("~/x begins in the home directory")),
        (
            "~v/x",
            Some("/home/u"),
            Some("~v/x"),
            Some("~v/x is another place"),
        ),
        ("a", Some("/home/u"), Some("a"), Some("a is another place")),
    ] {
        let place = |name: &str| {
            let mut environment = environment(&[(name, path)]);
            let home = home.map(|home| ("HOME".to_owned(), home.to_owned()));
            environment.variables.extend(home);
            environment
        };
        let state = place(STATE_DIRECTORY);
        let user = place(USER_FILE);
        let shown = |path: Option<PathBuf>| path.map(|path| path.display().to_string());
        assert_eq!(
            shown(state.state_directory()).as_deref(),
            expanded,
            "{path}"
        );
        assert_eq!(shown(user.user_file()).as_deref(), expanded, "{path}");
        for (environment, name) in [(state, STATE_DIRECTORY), (user, USER_FILE)] {
            let found = environment.complaint_of_path(name);
            assert_eq!(found.is_some(), complaint.is_some(), "{found:?}");
            let advice = format!("; set {name} to an absolute path");
            let as_expected = |found: String| {
                complaint.is_some_and(|part| found.starts_with(part)) && found.ends_with(&advice)
            };
            assert!(found.is_none_or(as_expected), "{path}");
        }
    }
}

#[cfg(unix)]
#[test]
fn the_log_file_of_the_environment_may_begin_with_a_tilde() {
    let environment = environment(&[("EZROUTER_LOG", "~/l.log"), ("HOME", "/home/u")]);
    let config = Config::new(&environment);
    assert_eq!(config.problems(), [""; 0]);
    assert_eq!(
        config.settings().log.as_deref(),
        Some(Path::new("/home/u/l.log"))
    );
}

#[cfg(unix)]
#[test]
fn the_home_directory_is_shown_as_a_tilde() {
    let me = environment(&[("HOME", "/home/me")]);
    for (text, clean) in [
        ("file:///home/me/a.py", "file://~/a.py"),
        ("in /home/me", "in ~"),
        (
            "/home/me: no, /home/melanie/a, /home/me2",
            "~: no, /home/melanie/a, /home/me2",
        ),
    ] {
        assert_eq!(me.without_home(text), clean);
    }
    for home in ["/", "", "relative"] {
        let environment = environment(&[("HOME", home)]);
        assert_eq!(environment.without_home("/a/b relative"), "/a/b relative");
    }
}

#[test]
fn the_environment_shows_no_values() {
    let shown = format!("{:?}", environment(&[("EZROUTER_API_KEY", "sk-secret")]));
    assert_eq!(shown, "[\"EZROUTER_API_KEY\"]");
}

/// Lines that look like settings, and some that do not.
fn some_toml() -> impl Strategy<Value = String> {
    let keys: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
    let value = prop_oneof![
        "[0-9]{1,20}",
        "-?[0-9.e_]{1,8}",
        "'[^'\n]{0,9}'",
        "true",
        "\\[[a-z\"',{}=]{0,9}\\]",
        "\\{[a-z=1,. ]{0,9}\\}",
        "\\PC{0,9}",
    ];
    let line = prop_oneof![
        4 => (prop::sample::select(keys), value).prop_map(|(key, value)| format!("{key} = {value}")),
        1 => "\\[{1,2}[a-z._]{0,9}\\]{1,2}",
        1 => "\\PC{0,20}",
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_file_gives_settings_and_a_bounded_number_of_problems(text in some_toml()) {
        let (table, mistakes) = given::from_toml(&text, reader::MOST_PROBLEMS);
        let mut reading = reader::Reading::default();
        let place = reader::Place { name: "f", directory: Path::new("/d"), home: None };
        for origin in [reader::Origin::User(place), reader::Origin::Project(place), reader::Origin::Editor] {
            reading.add(origin, &table, &mistakes);
        }
        prop_assert!(reading.problems.len() <= 3 * (reader::MOST_PROBLEMS + 1));
        prop_assert!(reading.settings.retry_attempts >= 1);
        // Whatever was read can be told.
        for setting in SETTINGS {
            let _ = setting.value(&reading.settings);
        }
    }
}
