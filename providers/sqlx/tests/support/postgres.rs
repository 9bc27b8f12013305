//! A PostgreSQL to test with: the one of `KEY_ROTATION_POSTGRES_URL`, or a throw-away cluster on
//! loopback from the binaries on this machine.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use tempfile::TempDir;

/// The server of this process, or why there is none.
pub(crate) fn server() -> Result<&'static Server, &'static str> {
    static SERVER: LazyLock<Result<Server, String>> = LazyLock::new(Server::find);
    SERVER.as_ref().map_err(String::as_str)
}

/// Stops the cluster that this process has started, if it has.
pub(crate) fn stop() {
    let cluster = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner).take();
    drop(cluster);
}

/// Statics are not dropped, so the cluster is kept where `stop` can take it.
static CLUSTER: Mutex<Option<Cluster>> = Mutex::new(None);

pub(crate) struct Server {
    options: PgConnectOptions,
    pub(crate) url: String,
    /// Whether this process has started it, and so may kill it.
    pub(crate) is_own: bool,
}

impl Server {
    fn find() -> Result<Self, String> {
        let (url, is_own) = match std::env::var("KEY_ROTATION_POSTGRES_URL") {
            Ok(url) => (url, false),
            Err(_) => {
                let cluster = Cluster::start()?;
                let url = cluster.url();
                *CLUSTER.lock().unwrap() = Some(cluster);
                (url, true)
            }
        };
        let options = PgConnectOptions::from_str(&url).map_err(|error| error.to_string())?;
        Ok(Self { options, url, is_own })
    }

    /// A pool of connections to this database, under its name.
    pub(crate) async fn pool_with(&self, database: &str, settings: &[(&str, &str)]) -> PgPool {
        let options = self.options.clone().database(database).application_name(database);
        let options = options.options(settings.iter().copied());
        PgPoolOptions::new().max_connections(8).connect_with(options).await.unwrap()
    }

    /// Carries out a statement that is about databases.
    pub(crate) async fn administer(&self, statement: String) {
        // Two databases are not made at once of one template.
        static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let _turn = TURN.lock().await;
        let mut connection = sqlx::PgConnection::connect_with(&self.options).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// The URL of another database of this server.
    pub(crate) fn url_of(&self, database: &str) -> String {
        let (base, parameters) = match self.url.split_once('?') {
            Some((base, parameters)) => (base, format!("?{parameters}")),
            None => (self.url.as_str(), String::new()),
        };
        let server = base.rsplit_once('/').map_or(base, |(server, _)| server);
        format!("{server}/{database}{parameters}")
    }
}

/// Kills the server of [`server`] as a power cut would, and starts it again.
pub(crate) fn kill_and_restart() {
    let mut cluster = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
    let cluster = cluster.as_mut().expect("only a cluster of our own is killed");
    cluster.kill();
    cluster.launch().expect("the cluster starts again");
}

/// Runs a program that comes with PostgreSQL, such as `pg_dump`, to its end.
pub(crate) fn program(name: &str, arguments: &[&str]) {
    let binaries = find_binaries(&[name]).expect("the programs of PostgreSQL are on this machine");
    run(Command::new(binaries.join(name)).args(arguments)).unwrap();
}

/// What the server of this process has logged.
pub(crate) fn log() -> String {
    let cluster = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = cluster.as_ref().expect("the cluster is our own").folder.path();
    String::from_utf8_lossy(&fs::read(folder.join("log")).unwrap()).into_owned()
}

/// A port on which nobody listens.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A cluster in a temporary folder.
struct Cluster {
    binaries: PathBuf,
    folder: TempDir,
    port: u16,
    watcher: Child,
}

impl Cluster {
    fn start() -> Result<Self, String> {
        let binaries = find_binaries(&["initdb", "pg_ctl"]).ok_or(
            "no `initdb` in PATH or /usr/lib/postgresql, and KEY_ROTATION_POSTGRES_URL is not set",
        )?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        if is_root() {
            // `initdb` refuses to run as root; the package has made a user for it.
            run(Command::new("chown").arg("postgres").arg(folder.path()))?;
        }
        let port = free_port().map_err(|error| error.to_string())?;
        let watcher = watch(&binaries, folder.path())?;
        let cluster = Self { binaries, folder, port, watcher };
        run(cluster.command("initdb").arg("--pgdata").arg(cluster.data()).args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
        ]))?;
        cluster.launch()?;
        Ok(cluster)
    }

    fn launch(&self) -> Result<(), String> {
        // `fsync=off` loses nothing when processes are killed, only when the machine is.
        let settings = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories= -c fsync=off \
             -c max_connections=200",
            self.port
        );
        let log = self.folder.path().join("log");
        run(self.command("pg_ctl").arg("--pgdata").arg(self.data()).arg("--log").arg(log).args([
            "--wait",
            "--timeout=60",
            "--options",
            &settings,
            "start",
        ]))
    }

    fn kill(&self) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        // Its children see that it is gone, and end.
        run(Command::new("kill").args(["-KILL", &pid])).unwrap();
        let killed = Instant::now();
        while run(Command::new("kill").args(["-0", &pid])).is_ok() {
            assert!(killed.elapsed() < Duration::from_secs(60), "PostgreSQL survives SIGKILL");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, name: &str) -> Command {
        as_its_user(self.folder.path(), self.binaries.join(name).as_os_str())
    }
}

/// Ends the server and what it has written, whichever way this process ends: the watcher waits for
/// the end of its input, which is when nobody has the other end of the pipe any more.
fn watch(binaries: &Path, folder: &Path) -> Result<Child, String> {
    let script = r#"
        cat
        "$0" --pgdata "$1/data" --mode=immediate stop; stopped=$?
        rm -rf "$1"
        exit $stopped
    "#;
    let mut command = as_its_user(folder, "sh".as_ref());
    command.args(["-c", script]).arg(binaries.join("pg_ctl")).arg(folder);
    // A group of its own, which a signal to that of this process does not reach.
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|error| format!("{command:?}: {error}"))
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Ends its input first.
        match self.watcher.wait() {
            Ok(status) if status.success() => {}
            other => eprintln!("the throw-away PostgreSQL cluster did not stop: {other:?}"),
        }
    }
}

pub(crate) fn as_its_user(folder: &Path, program: &OsStr) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // Not in a folder that the user may not read.
    command.current_dir(folder);
    command
}

/// The first folder that has these programs.
fn find_binaries(programs: &[&str]) -> Option<PathBuf> {
    let in_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    versions.sort();
    let has_all = |folder: &Path| programs.iter().all(|program| folder.join(program).exists());
    in_path.chain(versions.into_iter().rev()).find(|folder| has_all(folder))
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn run(command: &mut Command) -> Result<(), String> {
    // Not to a pipe, which a server that stays would keep open.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
