//! Where the program starts: by whom, with which directories, time zone, certificates and proxy. What needs other rights
//! or other tools is in `.ci/samples`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use bulk_withdraw::sandbox::Sandbox;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::support::{KEY, LEDGER, Program, Ran, TOKEN, ids, list, spawn, swift, swiftly, wait, withdrawn};

const RUN: &str = "run list.csv --sandbox --rate unlimited";

fn with_list() -> Program {
    let program = Program::new();
    program.write("list.csv", list(ids(3)));
    program
}

/// Without anything in the environment, not even a home or a path.
fn bare(program: &Program, arguments: &str) -> Command {
    let mut command = program.bare_command(arguments);
    command.env_clear();
    command
}

/// As systemd starts a service: credentials in a directory, and one for its state.
fn service(program: &Program, arguments: &str) -> Command {
    for (name, secret) in [("linkup_api_key", KEY), ("linkup_login_token", TOKEN)] {
        fs::create_dir_all(program.path("credentials")).unwrap();
        program.write(&format!("credentials/{name}"), secret);
    }
    let mut command = bare(program, arguments);
    command.env("CREDENTIALS_DIRECTORY", program.path("credentials"));
    command
}

fn ran(mut command: Command) -> Ran {
    Ran::from(command.output().unwrap())
}

#[test]
fn without_a_home_it_works_or_says_in_one_line_what_to_set() {
    let program = with_list();
    ran(bare(&program, &format!("{RUN} -o report.csv"))).ended_with(0);
    let refused = ran(service(&program, "run list.csv --dry-run"));
    refused.ended_with(2).says("set HOME, XDG_STATE_HOME or STATE_DIRECTORY, or name a file with --ledger");
    assert_eq!(refused.stderr.lines().count(), 1);
    ran(service(&program, "run list.csv --dry-run --ledger ledger.db")).ended_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_s_state_is_in_its_own_directory() {
    let (sandbox, program) = (swift(|_| {}).await, with_list());
    let home = program.path("");
    let state = format!("{}:{}", program.path("state").display(), program.path("more").display());
    let mut command = service(&program, &format!("run list.csv {}", swiftly(&sandbox)));
    command.env("STATE_DIRECTORY", state).env("HOME", &home).env("XDG_STATE_HOME", &home);
    wait(spawn(command)).await.ended_with(0);
    assert_eq!(withdrawn(&sandbox), ids(3).collect());
    assert_eq!(program.files_in("state"), ["ledger.db", "ledger.db.lock"]);
    assert!(!program.path(LEDGER).exists() && !program.path("bulk-withdraw").exists());
}

#[test]
fn a_service_s_configuration_is_in_its_own_directory() {
    let program = with_list();
    fs::create_dir(program.path("etc")).unwrap();
    program.write("etc/config.toml", "rate = \"7/s\"\n");
    for (directory, rate) in [("etc", "7/s"), ("nowhere", "290/min")] {
        let mut command = service(&program, "config");
        command.env("CONFIGURATION_DIRECTORY", program.path(directory)).env("HOME", program.path(""));
        let shown = ran(command);
        shown.ended_with(0);
        assert!(shown.stdout.contains(rate), "{}", shown.stdout);
    }
}

/// By its variable or by the machine's, the local time is known; else nobody is invited to guess.
#[test]
fn hours_want_a_time_zone_that_is_known() {
    let program = with_list();
    let run = |zone, arguments: &str| {
        let mut command = service(&program, arguments);
        command.env("TZ", zone).env("HOME", program.path(""));
        ran(command)
    };
    let hours = "run list.csv --dry-run --between 09:00-17:00";
    run("UTC", hours).ended_with(0);
    run("CET-1CEST,M3.5.0,M10.5.0/3", hours).ended_with(0);
    for zone in ["Europe/Pariss", "/nowhere/zone"] {
        let refused = run(zone, hours);
        refused.ended_with(2).says("--between").says("set TZ");
        assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
        run(zone, "run list.csv --dry-run").ended_with(0);
    }
}

#[test]
fn what_it_keeps_is_private_under_any_umask() {
    for (umask, mode) in [("077", 0o600), ("000", 0o600)] {
        let program = with_list();
        let run =
            program.shell(&format!("umask {umask}"), "run list.csv --sandbox --rate unlimited --ledger l.db -o r.csv");
        ran(run).ended_with(0);
        let found = fs::metadata(program.path("l.db")).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "umask {umask}");
    }
}

/// Whoever runs this may be root, to whom rights say nothing: a directory that is gone can't be written by anybody.
#[test]
fn a_working_directory_that_can_not_be_written_is_told_in_one_line() {
    let program = with_list();
    let list = program.path("list.csv");
    let arguments = format!("run {} --sandbox --rate unlimited -q", list.display());
    let refused = ran(program.shell("mkdir gone; cd gone; rmdir ../gone", &arguments));
    refused.ended_with(6).says("list.results-").says("choose another place with -o");
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
}

/// A certificate for `api.example.test` and `localhost`, and the authority that vouches for it; both end in 2126.
fn tls(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name)
}

/// An encrypted way to a simulated API, where one asks for it behind a proxy's handshake. Its port, and what was asked of
/// the proxy.
struct Front {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Server,
    Proxy,
    /// A proxy that lets nobody through.
    ClosedProxy,
}

impl Front {
    async fn of(sandbox: &Sandbox, role: Role) -> Self {
        let certificates = CertificateDer::pem_file_iter(tls("server.pem")).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(tls("server.key")).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = Self { port: listener.local_addr().unwrap().port(), asked: Arc::default() };
        let (asked, api) = (front.asked.clone(), sandbox.base_url().trim_start_matches("http://").to_owned());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (acceptor, asked, api) = (acceptor.clone(), asked.clone(), api.clone());
                tokio::spawn(async move {
                    if role != Role::Server {
                        let line = head(&mut client).await;
                        asked.lock().unwrap().push(line);
                        let answer: &[u8] = if role == Role::Proxy {
                            b"HTTP/1.1 200 Connection established\r\n\r\n"
                        } else {
                            b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"
                        };
                        client.write_all(answer).await.unwrap();
                    }
                    // A client that doesn't trust it hangs up.
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let mut api = TcpStream::connect(api).await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut api).await;
                });
            }
        });
        front
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Reads a request's head and returns its first line.
async fn head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().lines().next().unwrap().to_owned()
}

const ONCE: &str = "--yes --retries 0 --timeout 5s -o report.csv --summary summary.json";

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_the_users_own_is_trusted_when_it_is_named() {
    let sandbox = swift(|_| {}).await;
    let front = Front::of(&sandbox, Role::Server).await;
    let program = with_list();
    let run = async |variables: &[(&str, &Path)]| {
        let mut command = program.command(&format!("run list.csv --base-url https://localhost:{} {ONCE}", front.port));
        command.envs(variables.iter().copied());
        wait(spawn(command)).await
    };
    // Only one that is not its own.
    program.write("stranger.pem", fs::read(tls("server.pem")).unwrap());
    run(&[("SSL_CERT_FILE", &program.path("stranger.pem"))]).await.ended_with(1);
    let report = program.report("report.csv");
    assert_eq!((report.count("failed"), report.sum("credits_possible")), (3, 0));
    assert!(report.lines[&1]["detail"].contains("certificate"), "{:?}", report.lines[&1]);

    run(&[("SSL_CERT_FILE", &tls("ca.pem"))]).await.ended_with(0);
    fs::remove_dir_all(program.path(".local")).unwrap();
    fs::create_dir(program.path("trusted")).unwrap();
    program.write("trusted/own.pem", fs::read(tls("ca.pem")).unwrap());
    run(&[("SSL_CERT_DIR", &program.path("trusted"))]).await.ended_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_certificates_only_a_rehearsal_starts() {
    let program = with_list();
    let run = |arguments: &str| {
        let mut command = program.command(arguments);
        command.env("SSL_CERT_FILE", "/nowhere").env("SSL_CERT_DIR", "/nowhere");
        ran(command)
    };
    run(&format!("{RUN} -o report.csv")).ended_with(0);
    let refused = run("run list.csv --yes --base-url https://127.0.0.1:9 --retries 0");
    refused.ended_with(2).says("ca-certificates").says("SSL_CERT_FILE");
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_is_used_and_sees_no_secret() {
    for (role, no_proxy, code, connects) in [
        (Role::Proxy, "", 0, true),
        (Role::Proxy, "other.test", 0, true),
        (Role::Proxy, "example.test", 1, false),
        (Role::ClosedProxy, "", 1, true),
    ] {
        let sandbox = swift(|_| {}).await;
        let front = Front::of(&sandbox, role).await;
        let program = with_list();
        let mut command = program.command(&format!("run list.csv --base-url https://api.example.test {ONCE}"));
        command.env("HTTPS_PROXY", format!("http://user:password-of-proxy@127.0.0.1:{}", front.port));
        command.env("NO_PROXY", no_proxy).env("SSL_CERT_FILE", tls("ca.pem"));
        let ran = wait(spawn(command)).await;
        ran.ended_with(code);
        let asked = front.asked();
        assert_eq!(!asked.is_empty(), connects, "{no_proxy:?}");
        assert!(asked.iter().all(|line| line == "CONNECT api.example.test:443 HTTP/1.1"), "{asked:?}");
        let text = format!("{}{}{}", ran.stderr, program.read("report.csv"), program.read("summary.json"));
        assert!(!text.contains("password-of-proxy"), "{text}");
        let report = program.report("report.csv");
        let outcome = if code == 0 { "withdrawn" } else { "failed" };
        assert_eq!(report.count(outcome), 3);
        // What never reached the API costs nothing.
        assert_eq!(report.sum("credits_possible"), if code == 0 { 3 } else { 0 });
    }
}
