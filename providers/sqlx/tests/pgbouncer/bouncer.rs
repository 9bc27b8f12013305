//! A pgbouncer in transaction mode, before a database of the test server.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};
use std::{fs, thread};

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tempfile::TempDir;

use crate::support::postgres::free_port;

/// The program and its version, if it is installed.
pub(crate) fn installed() -> Option<(PathBuf, [u32; 2])> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let program =
        folders.map(|folder| folder.join("pgbouncer")).find(|program| program.exists())?;
    let said = Command::new(&program).arg("--version").output().ok()?.stdout;
    let said = String::from_utf8(said).ok()?;
    let mut numbers = said.lines().next()?.rsplit(' ').next()?.split('.').map(u32::from_str);
    let version = [numbers.next()?.ok()?, numbers.next()?.ok()?];
    Some((program, version))
}

/// The oldest version that can keep track of prepared statements.
pub(crate) const TRACKS: [u32; 2] = [1, 21];

/// How a pgbouncer is set up.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) mode: &'static str,
    /// The number of prepared statements that it keeps track of, on each of its servers.
    pub(crate) tracked: u32,
    /// The most connections that it has to the server.
    pub(crate) servers: u32,
    /// The startup parameters that it passes over.
    pub(crate) ignored: &'static str,
}

/// In transaction mode, and without care for prepared statements.
pub(crate) const UNTRACKED: Setup =
    Setup { mode: "transaction", tracked: 0, servers: 4, ignored: "extra_float_digits" };

pub(crate) struct Bouncer {
    port: u16,
    database: String,
    process: Child,
    _folder: TempDir,
}

impl Bouncer {
    /// Starts one before the database of this URL.
    pub(crate) fn start(url: &str, setup: Setup) -> Self {
        let (program, version) = installed().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let options = PgConnectOptions::from_str(url).unwrap();
        let (host, user) = (options.get_host(), options.get_username());
        let (port, listens_on) = (options.get_port(), free_port().unwrap());
        let password = url.split_once("://").and_then(|(_, rest)| {
            let (credentials, _) = rest.split_once('@')?;
            Some(format!(" password={}", credentials.split_once(':')?.1))
        });
        let password = password.unwrap_or_default();
        let Setup { mode, tracked, servers, ignored } = setup;
        let mut settings = format!(
            "[databases]\n* = host={host} port={port} user={user}{password}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {listens_on}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = {mode}\n\
             default_pool_size = {servers}\nmax_client_conn = 200\n\
             ignore_startup_parameters = {ignored}\n"
        );
        // An older one tracks none, and refuses the word.
        if version >= TRACKS {
            settings += &format!("max_prepared_statements = {tracked}\n");
        } else {
            assert_eq!(tracked, 0, "this pgbouncer cannot do it");
        }
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let process = run(&program, folder.path(), &file);
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, listens_on)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(20), "pgbouncer does not start");
            thread::sleep(Duration::from_millis(20));
        }
        let database = options.get_database().unwrap().to_owned();
        Self { port: listens_on, database, process, _folder: folder }
    }

    fn options(&self, statements: usize) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username("anybody")
            .database(&self.database)
            .ssl_mode(sqlx::postgres::PgSslMode::Disable)
            .statement_cache_capacity(statements)
    }

    /// A pool of so many connections to it, each of which keeps so many statements. It connects when
    /// it is first used.
    pub(crate) fn pool(&self, statements: usize, connections: u32) -> PgPool {
        let pool = PgPoolOptions::new().max_connections(connections);
        pool.connect_lazy_with(self.options(statements))
    }
}

/// Runs the program until the input of the process ends, whichever way this process ends. As root it
/// refuses to run.
fn run(program: &Path, folder: &Path, settings: &Path) -> Child {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0";
    let mut command = if is_root {
        let owned = Command::new("chown").args(["-R", "postgres"]).arg(folder).status().unwrap();
        assert!(owned.success());
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    let script = r#""$0" --quiet "$1" & cat; kill $!; wait"#;
    command.args(["-c", script]).arg(program).arg(settings).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    if std::env::var_os("BOUNCER_LOG").is_none() {
        command.stderr(Stdio::null());
    }
    command.spawn().unwrap()
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        // Ends its input first.
        let _ = self.process.wait();
    }
}
