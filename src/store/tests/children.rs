//! Other processes: this test program once more, told by its environment what to do.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

const ROLE: &str = "CONFIG13_TEST_ROLE";
const FILE: &str = "CONFIG13_TEST_FILE";
/// Starts the lines that are meant for the parent, among those of the test harness.
const MARK: &str = "child says ";

/// Another process of this program.
pub(super) struct Other {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Other {
    pub(super) fn start(role: &str, file: &Path) -> Self {
        Self::spawn(Command::new(std::env::current_exe().unwrap()), role, file)
    }

    pub(super) fn spawn(mut command: Command, role: &str, file: &Path) -> Self {
        let mut child = command
            .args(["--exact", "--nocapture", "store::tests::children::role"])
            .env(ROLE, role)
            .env(FILE, file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Waits for the next thing it says.
    pub(super) fn hear(&mut self) -> String {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            // The harness does not end its line before the test's own output.
            if let Some((_, said)) = line.split_once(MARK) {
                return said.trim_end().to_owned();
            }
            line.clear();
        }
        panic!("the child ended without a word");
    }

    /// Lets it go on.
    pub(super) fn go(&mut self) {
        writeln!(self.child.stdin.as_mut().unwrap()).unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        self.child.wait().unwrap();
    }
}

fn say(what: &str) {
    println!("{MARK}{what}");
}

fn wait_for_go() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// What another process does; nothing when it runs among the other tests.
#[test]
fn role() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else {
        return;
    };
    let file = Path::new(&file);
    let outcome = |result: Result<Store, Error>| match result {
        Ok(_) => "opened".to_owned(),
        Err(error) => format!("{} {error}", code(&error)),
    };
    match role.as_str() {
        // Holds every lock there is until told to go.
        "lock" => {
            let connection = Connection::open(file).unwrap();
            connection
                .execute_batch(
                    "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT * FROM sqlite_schema",
                )
                .unwrap();
            say("locked");
            wait_for_go();
        }
        // Keeps others from writing, not from reading, until told to go.
        "lock for writing" => {
            let connection = Connection::open(file).unwrap();
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            say("locked");
            wait_for_go();
        }
        // Leaves its changes in the log, as a crash does.
        "crash" => {
            let connection = Connection::open(file).unwrap();
            connection
                .execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 77")
                .unwrap();
            say("written");
            wait_for_go();
        }
        // As in a sandbox that knows no locks of open files.
        #[cfg(target_os = "linux")]
        "sandbox" => {
            super::locks::forbid_locks_of_open_files();
            let store = Store::open(file, Access::ReadWrite).unwrap();
            store.attach(ENV, None).unwrap();
            let entry = persist(&store, &page(1), "in a sandbox");
            say(&format!("persisted {}", entry.revision.id));
            wait_for_go();
        }
        // Reads until told to go.
        "hold" => {
            let connection = Connection::open(file).unwrap();
            connection
                .execute_batch("BEGIN; SELECT * FROM sqlite_schema")
                .unwrap();
            say("holding");
            wait_for_go();
        }
        "write" => say(&outcome(Store::open(file, Access::ReadWrite))),
        "read" => say(&outcome(Store::open(file, Access::ReadOnly))),
        // Changes the file once each time it is told to.
        "write often" => {
            let store = Store::open(file, Access::ReadWrite).unwrap();
            let page = page(0);
            say("ready");
            // More often than anybody asks; it is killed in the end.
            for _ in 0..10_000 {
                wait_for_go();
                persist(&store, &page, "");
                say("written");
            }
        }
        "persist" => {
            say("ready");
            wait_for_go();
            let store = Store::open(file, Access::ReadWrite).unwrap();
            let name = format!("p{}", std::process::id());
            store.attach(ENV, Some(&[name])).unwrap();
            let page = page(0);
            for _ in 0..20 {
                persist(&store, &page, "");
            }
            say("persisted");
        }
        other => panic!("unknown role {other}"),
    }
}
