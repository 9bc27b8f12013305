//! Starting, killing and ending the processes of a fleet.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use crate::facts::Facts;

const SIGKILL: i32 = 9;

pub(crate) struct Launcher<'f> {
    binary: PathBuf,
    url: String,
    ring: &'static str,
    folder: PathBuf,
    facts: &'f Facts,
    started: AtomicUsize,
}

impl<'f> Launcher<'f> {
    pub(crate) fn new(url: String, ring: &'static str, folder: &Path, facts: &'f Facts) -> Self {
        let (folder, started) = (folder.to_owned(), AtomicUsize::new(0));
        Self { binary: build("fleet_node"), url, ring, folder, facts, started }
    }

    pub(crate) fn start(&self, role: &'static str) -> Node {
        self.spawn(role, None)
    }

    /// A rotator that kills itself at a failpoint of its commits.
    pub(crate) fn start_to_die_at(&self, point: &str) -> Node {
        self.spawn("rotate", Some(point))
    }

    fn spawn(&self, role: &'static str, failpoint: Option<&str>) -> Node {
        let name = format!("n{}", self.started.fetch_add(1, Ordering::Relaxed));
        let mut command = Command::new(&self.binary);
        command
            .args([&self.url, self.ring, &name, role])
            .arg(&self.folder)
            .envs(failpoint.map(|point| ("FLEET_KILL_AT", point)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let output = process.stdout.take().unwrap();
        let facts = self.facts.clone();
        // What a node said before it was killed counts, so everything is read to the end.
        let reader = thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                facts.push(line.unwrap());
            }
        });
        Node { process, reader, role }
    }
}

/// A process of the fleet.
pub(crate) struct Node {
    process: Child,
    reader: JoinHandle<()>,
    role: &'static str,
}

impl Node {
    pub(crate) fn role(&self) -> &'static str {
        self.role
    }

    /// SIGKILL, wherever the process is.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        let status = self.process.wait().unwrap();
        assert_eq!(status.signal(), Some(SIGKILL), "a {} ended by itself: {status}", self.role);
        self.reader.join().unwrap();
    }

    pub(crate) fn wait_until_it_is_killed(mut self, point: &str) {
        // Its input stays open, so that it goes on until it gets there.
        let _input = self.process.stdin.take();
        let status = self.process.wait().unwrap();
        assert_eq!(status.signal(), Some(SIGKILL), "not killed at {point}: {status}");
        self.reader.join().unwrap();
    }

    /// Ends the process in good order.
    pub(crate) fn finish(mut self) {
        drop(self.process.stdin.take());
        let status = self.process.wait().unwrap();
        assert!(status.success(), "a {} ended with {status}", self.role);
        self.reader.join().unwrap();
    }
}

/// The binary of an example, which cargo has built already where it builds all tests.
pub(crate) fn build(example: &str) -> PathBuf {
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "key-rotation-sqlx", "--example", example])
        .args(["--profile", profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.unwrap().success(), "{example} does not build");
    // target/<profile>/deps/fleet-<hash>
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let binary = profile.join("examples").join(example);
    assert!(binary.exists(), "{} is not there", binary.display());
    binary
}
