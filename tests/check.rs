//! `ezrouter-lsp check` with each thing broken: what is wrong is named where it is wrong, what cannot be told says so, and
//! nothing secret is printed. Real TCP, TLS and proxies on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "these are tests: a panic is a failure"
)]

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use ezrouter_lsp::offline::{Answer, Script, Standin};
use ezrouter_lsp::store::{Change, Home, Policy, Store};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

const KEY: &str = "sk-check-key-1";
const PASSWORD: &str = "proxy-password";

/// A set-up in which all is well, to break one thing of.
struct SetUp {
    directory: TempDir,
    variables: BTreeMap<&'static str, String>,
    gateway: Standin,
}

impl SetUp {
    async fn new() -> Self {
        Self::answering(Script::default()).await
    }

    async fn answering(script: Script) -> Self {
        let gateway = Standin::start(script).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let variables = BTreeMap::from([
            ("EZROUTER_API_KEY", KEY.to_owned()),
            ("EZROUTER_BASE_URL", gateway.base_url()),
            ("EZROUTER_MODEL", "standin".to_owned()),
            ("EZROUTER_STATE_DIR", state.to_string_lossy().into_owned()),
        ]);
        Self {
            directory,
            variables,
            gateway,
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.insert(name, value.into());
        self
    }

    /// With a user file that reads so.
    fn user_file(self, text: &str) -> Self {
        let file = self.directory.path().join("config.toml");
        std::fs::write(&file, text).unwrap();
        self.with("EZROUTER_CONFIG", file.to_string_lossy())
    }

    fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// The findings by subject: (ok, message).
    async fn check(&self) -> BTreeMap<String, (Value, String)> {
        let (code, stdout) = self.run(&["check", "--json"]).await;
        let report: Value = serde_json::from_str(&stdout).expect("JSON");
        let list = report["findings"].as_array().unwrap();
        let any_failed = list.iter().any(|finding| finding["ok"] == json!(false));
        assert_eq!(
            (code, &report["ok"]),
            (i32::from(any_failed), &json!(!any_failed)),
            "{stdout}"
        );
        let subjects: Vec<&str> = list
            .iter()
            .map(|finding| finding["subject"].as_str().unwrap())
            .collect();
        let mut expected = SUBJECTS.to_vec();
        if self.variables.contains_key("EZROUTER_ANTHROPIC_BASE_URL") {
            expected.insert(3, ANTHROPIC);
        }
        assert_eq!(subjects, expected, "every subject has its line");
        let entry = |finding: &Value| {
            let text = |name: &str| finding[name].as_str().unwrap().to_owned();
            (text("subject"), (finding["ok"].clone(), text("message")))
        };
        list.iter().map(entry).collect()
    }

    /// The exit code and what is printed to stdout.
    async fn run(&self, arguments: &[&str]) -> (i32, String) {
        let (code, stdout, _) = self.output(arguments).await;
        (code, stdout)
    }

    /// The exit code and what is printed, to stdout and to stderr.
    async fn output(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_ezrouter-lsp"))
            .args(arguments)
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let all = format!("{stdout}{stderr}");
        let secrets = [KEY, PASSWORD, "sk-check"];
        assert!(
            secrets.iter().all(|secret| !all.contains(secret)),
            "a secret is printed: {all}"
        );
        let code = output.status.code().expect("an exit code");
        (code, stdout, stderr)
    }

    /// Checks, and holds the failures against what is expected: a subject and a part of its message each.
    async fn fails(&self, expected: &[(&str, &str)]) -> BTreeMap<String, (Value, String)> {
        let found = self.check().await;
        let failed: Vec<(&String, &String)> = found
            .iter()
            .filter(|(_, (ok, _))| *ok == json!(false))
            .map(|(subject, (_, message))| (subject, message))
            .collect();
        assert_eq!(failed.len(), expected.len(), "{found:#?}");
        for (subject, part) in expected {
            let (ok, message) = &found[*subject];
            assert!(
                *ok == json!(false) && message.contains(part),
                "{subject} should say {part}: {found:#?}"
            );
        }
        found
    }
}

/// The subject that there is only where the surface has a base URL of its own, behind that of the gateway.
const ANTHROPIC: &str = "Anthropic base URL";

const SUBJECTS: [&str; 12] = [
    "configuration",
    "key",
    "base URL",
    "state directory",
    "store",
    "CA certificates",
    "proxy",
    "DNS",
    "TLS",
    "clock",
    "catalog",
    "model",
];

#[tokio::test]
async fn all_is_well() {
    let set_up = SetUp::new().await;
    // The stand-in sends no date, speaks no TLS and needs no proxy and no certificates.
    let found = set_up.fails(&[]).await;
    for subject in [
        "configuration",
        "key",
        "base URL",
        "state directory",
        "store",
        "DNS",
        "catalog",
        "model",
    ] {
        assert_eq!(found[subject].0, json!(true), "{found:#?}");
    }
    let (code, lines) = set_up.run(&["check"]).await;
    assert_eq!(code, 0);
    assert!(
        lines.contains("ok     key: from EZROUTER_API_KEY\n"),
        "{lines}"
    );
    assert!(lines.contains("-      clock: not known"), "{lines}");
    assert_eq!(lines.lines().count(), SUBJECTS.len());
    assert_eq!(set_up.gateway.connections(), 2, "one visit each");
}

#[tokio::test]
async fn the_key() {
    let found = SetUp::new()
        .await
        .without("EZROUTER_API_KEY")
        .fails(&[("key", "set EZROUTER_API_KEY")])
        .await;
    assert!(
        found["catalog"].1.contains("not tried without a key"),
        "{found:#?}"
    );
    let broken = format!("{KEY}\nsk-check-two");
    SetUp::new()
        .await
        .with("EZROUTER_API_KEY", broken)
        .fails(&[("key", "has white space or a line break in it")])
        .await;
    let quoted = format!("\"{KEY}\"");
    SetUp::new()
        .await
        .with("EZROUTER_API_KEY", quoted)
        .fails(&[("key", "stands in quotes")])
        .await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_key_of_a_command_or_a_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    let set_up = || async {
        let set_up = SetUp::new().await.without("EZROUTER_API_KEY");
        set_up.with("HOME", home.path().to_string_lossy())
    };
    let broken = "api_key_command = ['sh', '-c', 'echo locked >&2; echo sk-check-part; exit 2']";
    let cases = [
        (
            "api_key_command = ['printf', 'sk-check-key-1']",
            "from api_key_command (printf)",
            true,
        ),
        (
            broken,
            "The api_key_command (sh) fails (exit status: 2): locked. Run that command in a terminal",
            false,
        ),
        (
            "api_key_command = ['printf', '\"sk-check-key-1\"']",
            "from api_key_command (printf), but it stands in quotes",
            false,
        ),
        ("api_key_file = '~/key'", "from api_key_file (~/key)", true),
        (
            "api_key_file = '~/other'",
            "The api_key_file (~/other) cannot be read",
            false,
        ),
        (
            "api_key_command = ['printf', 'sk-check-key-1']\napi_key_file = '~/other'",
            "from api_key_command",
            true,
        ),
    ];
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    for (settings, expected, is_well) in cases {
        let set_up = set_up().await.user_file(settings);
        let failures: &[_] = if is_well { &[] } else { &[("key", expected)] };
        let found = set_up.fails(failures).await;
        assert!(found["key"].1.contains(expected), "{found:#?}");
    }
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let set_up = set_up().await.user_file("api_key_file = '~/key'");
    set_up
        .fails(&[(
            "key",
            "can be used by other users (mode 0644); chmod 600 it",
        )])
        .await;
    let first = set_up.with("EZROUTER_API_KEY", KEY);
    let found = first.fails(&[]).await;
    assert_eq!(found["key"].1, "from EZROUTER_API_KEY");
}

#[tokio::test]
async fn the_settings_of_the_way_there() {
    let authority = authority();
    let file = authority.file.path().to_string_lossy().into_owned();
    let set_up = SetUp::new().await;
    let server = authority
        .serve("gateway.invalid", 2036, &set_up.gateway)
        .await;
    let proxy = proxy("200 OK", server).await;
    let empty = set_up.directory.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let set_up = set_up
        .without("EZROUTER_BASE_URL")
        .with("HTTPS_PROXY", "http://nowhere.invalid:1")
        // No authority but the one of the setting.
        .with("SSL_CERT_FILE", empty.to_string_lossy())
        .user_file(&format!(
            "base_url = 'https://gateway.invalid'\nproxy = 'http://user:{PASSWORD}@127.0.0.1:{proxy}'\nca_file = '{file}'\n"
        ));
    let found = set_up.fails(&[]).await;
    assert_eq!(found["TLS"].0, json!(true), "{found:#?}");
    assert_eq!(found["proxy"].1, format!("127.0.0.1:{proxy} listens"));
    assert!(found["base URL"].1.contains("config.toml:1)"), "{found:#?}");
    assert!(
        found["CA certificates"]
            .1
            .ends_with(&format!(" and 1 in {file} (ca_file)")),
        "{found:#?}"
    );
    let closed = closed_port().await;
    let unlike = format!(
        "proxy = 'http://user:{PASSWORD}@127.0.0.1:{closed}'\nca_file = '/no/such/file.pem'\n"
    );
    SetUp::new()
        .await
        .with("EZROUTER_BASE_URL", "https://gateway.invalid")
        .user_file(&unlike)
        .fails(&[
            (
                "CA certificates",
                "the setting ca_file names /no/such/file.pem, but it cannot be read",
            ),
            ("proxy", "cannot be reached"),
            ("TLS", "Correct ca_file"),
        ])
        .await;
    SetUp::new()
        .await
        .user_file(&format!("proxy = 'socks://user:{PASSWORD}@127.0.0.1:1'"))
        .fails(&[(
            "configuration",
            ":1: proxy must be the URL of a proxy, such as",
        )])
        .await;
}

#[tokio::test]
async fn a_slip_in_a_variables_name() {
    SetUp::new()
        .await
        .with("EZROUTER_APIKEY", KEY)
        .fails(&[("configuration", "did you mean EZROUTER_API_KEY?")])
        .await;
}

#[tokio::test]
async fn a_slip_in_the_user_file() {
    SetUp::new()
        .await
        .user_file("model = 'standin'\nredact = 'no'\n")
        .fails(&[(
            "configuration",
            "config.toml:2: redact must be true or false, not \"no\"",
        )])
        .await;
}

#[tokio::test]
async fn the_base_url() {
    for (url, part) in [
        ("www.ezrouter.dev", "begins with https://"),
        ("ftp://gateway.invalid", "begins with ftp:"),
        ("http://gateway.invalid", "unencrypted"),
        (
            "https://user:proxy-password@gateway.invalid",
            "user name or a password",
        ),
    ] {
        let found = SetUp::new()
            .await
            .with("EZROUTER_BASE_URL", url)
            .fails(&[("base URL", part)])
            .await;
        assert_eq!(found["TLS"].0, Value::Null, "{url}");
        assert_eq!(found["catalog"].0, Value::Null, "{url}");
    }
}

#[tokio::test]
async fn the_base_url_of_the_anthropic_surface() {
    let at = |url: String| async {
        let set_up = SetUp::new().await;
        set_up.with("EZROUTER_ANTHROPIC_BASE_URL", url)
    };
    let authority = authority();
    let closed = format!("http://127.0.0.1:{}", closed_port().await);
    for (url, part) in [
        ("http://evil.example", "to evil.example unencrypted"),
        ("nowhere", "not a web address"),
        ("https://user:proxy-password@a.invalid", "a password"),
        ("https://gateway.invalid", "has no known address"),
        (&closed, "refused the connection"),
    ] {
        let set_up = at(url.to_owned())
            .await
            .with("SSL_CERT_FILE", authority.file.path().to_string_lossy());
        let found = set_up.fails(&[(ANTHROPIC, part)]).await;
        let words = &found[ANTHROPIC].1;
        assert!(
            words.starts_with("from EZROUTER_ANTHROPIC_BASE_URL: ")
                && !words.contains("(EZROUTER_BASE_URL)"),
            "{words}"
        );
        let unused = set_up.user_file("surface = 'openai'");
        assert_eq!(unused.fails(&[]).await[ANTHROPIC].0, Value::Null);
    }
    let other = Standin::start(Script::default()).await.unwrap();
    let url = format!("{}/llm", other.base_url());
    let found = at(format!("{url}/v1/")).await.fails(&[]).await;
    let words = format!("{url} (from EZROUTER_ANTHROPIC_BASE_URL)");
    assert_eq!(found[ANTHROPIC], (json!(true), words));
    assert_eq!(other.connections(), 1, "it is tried");
    // Where the gateway is, the lines about the gateway tell.
    let set_up = SetUp::new().await;
    let url = format!("{}/anthropic", set_up.gateway.base_url());
    let set_up = set_up.with("EZROUTER_ANTHROPIC_BASE_URL", url);
    let found = set_up.fails(&[]).await;
    assert_eq!(found[ANTHROPIC].0, json!(true), "{found:#?}");
    assert_eq!(set_up.gateway.connections(), 1, "one visit");
}

#[tokio::test]
async fn the_way_there() {
    let found = SetUp::new()
        .await
        .with("EZROUTER_BASE_URL", "https://gateway.invalid")
        .with("SSL_CERT_FILE", authority().file.path().to_string_lossy())
        .fails(&[("DNS", "gateway.invalid has no known address")])
        .await;
    assert!(
        found["TLS"].1.contains("not tried without an address"),
        "{found:#?}"
    );
    let closed = closed_port().await;
    SetUp::new()
        .await
        .with("EZROUTER_BASE_URL", format!("http://127.0.0.1:{closed}"))
        .fails(&[("TLS", "refused the connection")])
        .await;
}

#[tokio::test]
async fn the_proxy() {
    let authority = authority();
    let through = |proxy: String| async {
        SetUp::new()
            .await
            .with("EZROUTER_BASE_URL", "https://gateway.invalid")
            .with("SSL_CERT_FILE", authority.file.path().to_string_lossy())
            .with("HTTPS_PROXY", proxy)
    };
    let address = |port: u16| format!("http://user:{PASSWORD}@127.0.0.1:{port}");
    let closed = closed_port().await;
    through(address(closed))
        .await
        .fails(&[
            ("proxy", "cannot be reached"),
            ("TLS", "The proxy did not open a connection"),
        ])
        .await;
    // What NO_PROXY names is reached without one.
    let found = through(address(closed))
        .await
        .with("NO_PROXY", "other.invalid, gateway.invalid")
        .fails(&[("DNS", "gateway.invalid has no known address")])
        .await;
    assert_eq!(found["proxy"].1, "none");
    // So is this computer, whatever the environment names.
    let mut set_up = SetUp::new().await;
    for variable in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "http_proxy"] {
        set_up = set_up.with(variable, address(closed));
    }
    set_up.fails(&[]).await;
    for status in ["403 Forbidden", "407 Proxy Authentication Required"] {
        let proxy = proxy(status, 0).await;
        let found = through(address(proxy))
            .await
            .fails(&[("TLS", "The proxy did not open a connection")])
            .await;
        assert!(found["TLS"].1.contains("Check HTTPS_PROXY"), "{found:#?}");
        assert!(found["DNS"].1.contains("left to the proxy"), "{found:#?}");
    }
    let set_up = through(String::new()).await;
    let server = authority
        .serve("gateway.invalid", 2036, &set_up.gateway)
        .await;
    let proxy = proxy("200 OK", server).await;
    let found = set_up.with("HTTPS_PROXY", address(proxy)).fails(&[]).await;
    assert_eq!(found["TLS"].0, json!(true), "{found:#?}");
    assert_eq!(
        found["proxy"],
        (json!(true), format!("127.0.0.1:{proxy} listens"))
    );
}

#[tokio::test]
async fn certificates() {
    let authority = authority();
    let file = authority.file.path().to_string_lossy().into_owned();
    let set_up = SetUp::new().await;
    let good = authority.serve("localhost", 2036, &set_up.gateway).await;
    let expired = authority.serve("localhost", 2020, &set_up.gateway).await;
    let foreign = authority
        .serve("gateway.invalid", 2036, &set_up.gateway)
        .await;
    let unknown = self::authority()
        .serve("localhost", 2036, &set_up.gateway)
        .await;
    let mut set_up = set_up.with("SSL_CERT_FILE", &file);
    for (port, broken) in [
        (good, false),
        (expired, true),
        (foreign, true),
        (unknown, true),
    ] {
        set_up = set_up.with("EZROUTER_BASE_URL", format!("https://localhost:{port}"));
        if broken {
            let found = set_up
                .fails(&[("TLS", "The certificate of localhost")])
                .await;
            assert!(found["TLS"].1.contains("clock says"), "{found:#?}");
            assert!(found["TLS"].1.contains("SSL_CERT_FILE"), "{found:#?}");
        } else {
            let found = set_up.fails(&[]).await;
            assert_eq!(found["TLS"].0, json!(true), "{found:#?}");
            assert_eq!(
                found["CA certificates"].1,
                format!("1 in {file} (SSL_CERT_FILE)")
            );
        }
    }
    let no_tls = set_up
        .gateway
        .base_url()
        .replace("http://127.0.0.1", "https://localhost");
    let set_up = set_up.with("EZROUTER_BASE_URL", no_tls);
    set_up.fails(&[("TLS", "does not answer with TLS")]).await;
    let empty = set_up.directory.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for missing in ["/no/such/file.pem", &empty.to_string_lossy()] {
        let set_up = SetUp::new()
            .await
            .with("EZROUTER_BASE_URL", format!("https://localhost:{good}"))
            .with("SSL_CERT_FILE", missing);
        let found = set_up.check().await;
        assert_eq!(found["CA certificates"].0, json!(false), "{found:#?}");
        assert!(
            found["CA certificates"].1.contains("ca-certificates"),
            "{found:#?}"
        );
    }
}

#[tokio::test]
async fn what_the_gateway_says() {
    let refusal = |status| {
        Answer::error(
            status,
            json!({"error": {"message": format!("bad {KEY}"), "type": "new_api_error", "code": ""}}),
        )
    };
    let day_off = Answer::error(200, json!({"data": [{"id": "standin"}]}))
        .header("date", "Tue, 24 Nov 2020 12:00:00 GMT");
    for (answer, subject, part) in [
        (refusal(401), "catalog", "does not accept the key"),
        (refusal(500), "catalog", "500"),
        (
            Answer::html(200, "<html></html>"),
            "catalog",
            "EZROUTER_BASE_URL",
        ),
        (day_off, "clock", "24 Nov 2020 12:00:00"),
    ] {
        SetUp::answering(Script::default().catalog(answer))
            .await
            .fails(&[(subject, part)])
            .await;
    }
    SetUp::new()
        .await
        .with("EZROUTER_MODEL", "standin-smal")
        .fails(&[("model", "did you mean standin-small?")])
        .await;
}

#[tokio::test]
async fn a_refused_catalog_names_the_request_and_what_was_wanted() {
    let refusal = |status, message: &str| {
        let body = json!({"error": {"message": message, "type": "new_api_error", "code": ""}});
        Answer::error(status, body).header("x-oneapi-request-id", "req123")
    };
    for (answer, part) in [
        (refusal(401, "bad"), "does not accept the key"),
        (
            refusal(404, "Cannot GET /v1/models"),
            "There is no list of models at this address (404 Not Found): Cannot GET /v1/models. Check base_url",
        ),
        (
            Answer::html(200, "<html></html>").header("x-oneapi-request-id", "req123"),
            "EZROUTER_BASE_URL",
        ),
    ] {
        let set_up = SetUp::answering(Script::default().catalog(answer)).await;
        let found = set_up.fails(&[("catalog", part)]).await;
        let words = &found["catalog"].1;
        assert!(words.ends_with(" (request id: req123)"), "{words}");
        let (code, _, stderr) = set_up.output(&["models"]).await;
        assert!(code == 1 && stderr.contains(words), "{stderr}");
    }
}

#[tokio::test]
async fn the_state_directory() {
    let set_up = SetUp::new().await;
    let file = set_up.directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("state").to_string_lossy().into_owned();
    let set_up = set_up.with("EZROUTER_STATE_DIR", below);
    set_up
        .fails(&[(
            "state directory",
            "set EZROUTER_STATE_DIR to a directory of your own",
        )])
        .await;
    SetUp::new()
        .await
        .without("EZROUTER_STATE_DIR")
        .fails(&[("state directory", "no home directory")])
        .await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = set_up.directory.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
        let set_up = set_up.with("EZROUTER_STATE_DIR", open.to_string_lossy());
        set_up.fails(&[("state directory", "chmod 700")]).await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_tilde_or_a_place_that_depends_on_where_it_starts() {
    let set_up = SetUp::new().await;
    let home = set_up.directory.path().join("home");
    std::fs::create_dir(&home).unwrap();
    let set_up = set_up
        .with("HOME", home.to_string_lossy())
        .with("EZROUTER_STATE_DIR", "~/state")
        .with("EZROUTER_CONFIG", "~/own.toml");
    std::fs::write(home.join("own.toml"), "redact = true\n").unwrap();
    let found = set_up.fails(&[]).await;
    assert_eq!(found["state directory"].1, "~/state");
    assert!(home.join("state").is_dir());
    let words = &found["configuration"].1;
    assert!(words.starts_with("~/own.toml is read"), "{words}");
    let set_up = set_up
        .with("EZROUTER_STATE_DIR", "state")
        .with("EZROUTER_CONFIG", "own.toml");
    let advice = "is another place wherever the program starts; set";
    let found = set_up
        .fails(&[("configuration", advice), ("state directory", advice)])
        .await;
    assert_eq!(found["store"].0, Value::Null, "{found:#?}");
    let set_up = set_up
        .without("HOME")
        .with("EZROUTER_STATE_DIR", "~/state")
        .with("EZROUTER_CONFIG", "~/own.toml");
    let advice = "begins in the home directory, and there is none; set";
    set_up
        .fails(&[("configuration", advice), ("state directory", advice)])
        .await;
    for name in ["~", "state"] {
        assert!(!set_up.directory.path().join(name).exists(), "{name}");
    }
}

#[tokio::test]
async fn the_store() {
    let set_up = SetUp::new().await;
    assert_eq!(
        set_up.check().await["store"].1,
        "no conversation is kept yet"
    );
    let state = set_up.directory.path().join("state");
    let policy = Policy {
        persist: true,
        keep: Duration::MAX,
    };
    let (store, mut problems) = Store::new(Some(state.clone()), policy);
    let home = Home {
        conversation: "c".to_owned(),
        workspace: String::new(),
        alone: false,
    };
    store.write(Change::Begin { home, time: 0 });
    drop(store);
    assert_eq!(problems.recv().await, None, "it is written and closed");
    let message = &set_up.check().await["store"].1;
    assert!(
        message.starts_with("1 conversation, ") && message.ends_with(" KB"),
        "{message}"
    );
    std::fs::write(state.join("history.db"), "no database at all\n".repeat(100)).unwrap();
    set_up
        .fails(&[("store", "move it away to begin a new one")])
        .await;
    let config = set_up.directory.path().join("config.toml");
    std::fs::write(&config, "[history]\npersist = false\n").unwrap();
    let set_up = set_up.with("EZROUTER_CONFIG", config.to_string_lossy());
    assert_eq!(
        set_up.fails(&[]).await["store"].1,
        "conversations are kept in memory only (history.persist)"
    );
}

/// A port of this computer that nothing listens on.
async fn closed_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    listener.local_addr().unwrap().port()
}

/// A proxy that answers CONNECT with `status` and, if that is 200, leads to `port` of this computer whatever was asked for.
async fn proxy(status: &'static str, port: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n")
                && client
                    .read_buf(&mut head)
                    .await
                    .is_ok_and(|count| 0 < count)
            {}
            if !head.starts_with(b"CONNECT ") {
                continue;
            }
            client
                .write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes())
                .await
                .ok();
            if status.starts_with("200") {
                let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::spawn(
                    async move { copy_bidirectional(&mut client, &mut server).await.ok() },
                );
            }
        }
    });
    own
}

/// An authority of our own, and the file that names it.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), certificate.pem()).unwrap();
    Authority {
        issuer: Issuer::new(params, key),
        file,
    }
}

impl Authority {
    /// Puts TLS in front of a gateway, with a certificate for `name` that is valid until the beginning of `year`.
    async fn serve(&self, name: &str, year: i32, gateway: &Standin) -> u16 {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = gateway.base_url().trim_start_matches("http://").to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, target) = (acceptor.clone(), target.clone());
                tokio::spawn(async move {
                    let mut client = acceptor.accept(client).await.ok()?;
                    let mut server = TcpStream::connect(target).await.ok()?;
                    copy_bidirectional(&mut client, &mut server).await.ok()
                });
            }
        });
        port
    }
}
