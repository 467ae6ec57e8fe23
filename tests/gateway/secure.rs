//! The way over TLS: a private authority, a proxy that leads there, HTTP/2. All on loopback; the gateway's name exists only in
//! its certificate and for the proxy.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use ezrouter_lsp::gateway::route::Proxy;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::*;

/// An authority of our own.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    directory: TempDir,
}

pub(crate) fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("ca.pem"), certificate.pem()).unwrap();
    Authority {
        issuer: Issuer::new(params, key),
        directory,
    }
}

impl Authority {
    /// The file that names it.
    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The server's side of TLS for a host that speaks these protocols.
    fn acceptor(&self, host: &str, protocols: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// Puts TLS in front of a stand-in; gives the port.
    async fn in_front_of(&self, standin: &Standin, host: &str) -> u16 {
        let acceptor = self.acceptor(host, &["http/1.1"]);
        let target = standin.base_url().trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
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

/// A proxy that leads to one port, whatever is asked for, and keeps all that its clients send.
struct Middleman {
    port: u16,
    /// What each client sent.
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Middleman {
    /// A proxy that leads to `target`, for clients that send these credentials, if there are any.
    async fn start(target: u16, credentials: Option<&'static str>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let log = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(Vec::new());
                    log.len() - 1
                };
                tokio::spawn(lead(client, target, credentials, number, Arc::clone(&log)));
            }
        });
        Self { port, heard }
    }

    fn heard(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        heard
            .iter()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .collect()
    }
}

/// Serves one client of the proxy.
async fn lead(
    client: TcpStream,
    target: u16,
    credentials: Option<&str>,
    number: usize,
    log: Arc<Mutex<Vec<Vec<u8>>>>,
) -> Option<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let note = |bytes: &[u8]| log.lock().unwrap()[number].extend_from_slice(bytes);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if from_client.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    note(&head);
    let head = String::from_utf8(head).ok()?.to_ascii_lowercase();
    let expected = credentials.map(|text| format!("proxy-authorization: {text}\r\n"));
    if expected.is_some_and(|line| !head.contains(&line.to_ascii_lowercase())) {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        to_client.write_all(refusal.as_bytes()).await.ok()?;
        return None;
    }
    let server = TcpStream::connect(("127.0.0.1", target)).await.ok()?;
    let (mut from_server, mut to_server) = server.into_split();
    to_client
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await
        .ok()?;
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = vec![0; 4096];
    loop {
        let count = from_client.read(&mut buffer).await.ok()?;
        let bytes = buffer.get(..count).filter(|bytes| !bytes.is_empty())?;
        note(bytes);
        to_server.write_all(bytes).await.ok()?;
    }
}

const HOST: &str = "gateway.invalid";

/// `user:pass word` as the header carries it.
const CREDENTIALS: &str = "Basic dXNlcjpwYXNzIHdvcmQ=";

#[tokio::test]
async fn a_proxy_leads_to_the_gateway_and_reads_neither_key_nor_code() {
    let authority = authority();
    for (surface, (user, credentials)) in SURFACES.into_iter().flat_map(|surface| {
        [("", None), ("user:pass%20word@", Some(CREDENTIALS))].map(|it| (surface, it))
    }) {
        let standin = Standin::start(Script::always(Answer::text("fn main() {}")))
            .await
            .unwrap();
        let target = authority.in_front_of(&standin, HOST).await;
        let proxy = Middleman::start(target, credentials).await;
        let gateway = Gateway::new(Settings {
            surface,
            proxy: Proxy::new(&format!("http://{user}127.0.0.1:{}", proxy.port)),
            ca_file: Some(authority.file()),
            ..settings(&format!("https://{HOST}"))
        });
        for _ in 0..2 {
            let (text, end) = outcome(gateway.send(request())).await;
            assert_eq!((text.as_str(), end), ("fn main() {}", Ok(Finish::Complete)));
            settle().await;
        }
        let heard = proxy.heard();
        let [heard] = heard.as_slice() else {
            panic!("one tunnel serves both requests: {heard:?}");
        };
        assert!(
            heard.starts_with(&format!("CONNECT {HOST}:443 ")),
            "{heard}"
        );
        assert_eq!(
            heard.to_ascii_lowercase().contains("proxy-authorization"),
            credentials.is_some()
        );
        for secret in [KEY, "Say something", "Bearer", "x-api-key"] {
            assert!(!heard.contains(secret), "the proxy reads {secret}");
        }
        for sent in standin.requests() {
            assert_eq!(sent.header("proxy-authorization"), None);
            assert_eq!(sent.header("host"), Some(HOST));
        }
        assert!(!format!("{gateway:?}").contains("pass"), "{gateway:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_password_and_not_asked_again() {
    let authority = authority();
    let proxy = Middleman::start(1, Some("Basic other")).await;
    let gateway = Gateway::new(Settings {
        proxy: Proxy::new(&format!("http://user:word@127.0.0.1:{}", proxy.port)),
        ca_file: Some(authority.file()),
        ..settings(&format!("https://{HOST}"))
    });
    let failure = failure(gateway.send(request())).await;
    assert_eq!(failure.kind, Kind::Unreachable);
    assert!(
        failure
            .what
            .starts_with("The proxy did not open a connection to gateway.invalid: "),
        "{failure}"
    );
    assert!(!failure.to_string().contains("word"), "{failure}");
    assert_eq!(proxy.heard().len(), 1);
}

#[tokio::test]
async fn what_stays_on_this_computer_takes_no_proxy() {
    let standin = Standin::start(Script::always(Answer::text("x")))
        .await
        .unwrap();
    let proxy = Middleman::start(1, None).await;
    let gateway = Gateway::new(Settings {
        proxy: Proxy::new(&format!("http://127.0.0.1:{}", proxy.port)),
        ..settings(&standin.base_url())
    });
    assert_eq!(outcome(gateway.send(request())).await.0, "x");
    assert!(proxy.heard().is_empty());
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_if_it_is_named() {
    let (known, unknown) = (authority(), authority());
    let standin = Standin::start(Script::always(Answer::text("x")))
        .await
        .unwrap();
    let port = known.in_front_of(&standin, "localhost").await;
    let with = |ca_file| {
        Gateway::new(Settings {
            ca_file,
            ..settings(&format!("https://localhost:{port}"))
        })
    };
    assert_eq!(
        outcome(with(Some(known.file())).send(request())).await,
        ("x".to_owned(), Ok(Finish::Complete))
    );
    let failure = failure(with(Some(unknown.file())).send(request())).await;
    assert!(
        failure.what.starts_with(&format!(
            "The certificate of localhost:{port} is not trusted"
        )),
        "{failure}"
    );
    assert!(failure.advice.contains("ca_file"), "{failure}");
    assert_eq!(standin.requests().len(), 1);
}

/// A gateway that speaks HTTP/2 and nothing else. It answers each request with a piece of text, and ends the answer only if
/// the question says so; gives its port, how many connections there were, and word of each answer that the client broke off.
async fn modern_gateway(
    authority: &Authority,
) -> (
    u16,
    Arc<Mutex<usize>>,
    tokio::sync::mpsc::UnboundedReceiver<h2::Reason>,
) {
    let acceptor = authority.acceptor("localhost", &["h2"]);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&connections);
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            *counted.lock().unwrap() += 1;
            let client = acceptor.accept(client).await.unwrap();
            let mut connection = h2::server::handshake(client).await.unwrap();
            let tell = tell.clone();
            tokio::spawn(async move {
                while let Some(Ok((request, respond))) = connection.accept().await {
                    tokio::spawn(answer(request, respond, tell.clone()));
                }
            });
        }
    });
    (port, connections, told)
}

async fn answer(
    request: http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<bytes::Bytes>,
    tell: tokio::sync::mpsc::UnboundedSender<h2::Reason>,
) {
    let mut body = request.into_body();
    let mut said = Vec::new();
    while let Some(Ok(bytes)) = body.data().await {
        said.extend_from_slice(&bytes);
    }
    let head = http::Response::builder()
        .header("content-type", "text/event-stream")
        .body(())
        .unwrap();
    let mut stream = respond.send_response(head, false).unwrap();
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n";
    stream.send_data(text.into(), false).unwrap();
    if String::from_utf8(said).unwrap().contains("to the end") {
        let end =
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        stream.send_data(end.into(), true).unwrap();
        return;
    }
    let reason = std::future::poll_fn(|context| stream.poll_reset(context)).await;
    tell.send(reason.unwrap()).unwrap();
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered_and_one_connection_serves_all() {
    let authority = authority();
    let (port, connections, mut told) = modern_gateway(&authority).await;
    let gateway = Gateway::new(Settings {
        ca_file: Some(authority.file()),
        ..settings(&format!("https://localhost:{port}"))
    });
    let mut endless = gateway.send(request());
    while within(endless.next()).await != Some(Signal::Text("x".to_owned())) {}
    let mut whole = request();
    "Go on to the end".clone_into(&mut whole.messages[0].text);
    let ends = || outcome(gateway.send(whole.clone()));
    let whole_answer = ("x".to_owned(), Ok(Finish::Complete));
    assert_eq!(ends().await, whole_answer);
    // A dropped request ends alone.
    drop(endless);
    assert_eq!(within(told.recv()).await, Some(h2::Reason::CANCEL));
    assert_eq!(ends().await, whole_answer);
    assert_eq!(*connections.lock().unwrap(), 1);
}
