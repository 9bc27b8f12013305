//! Tests of both databases, of which those of PostgreSQL are ignored, and said to be, where there
//! is none.

use std::future::Future;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use super::postgres;

/// A test that runs on a runtime of its own.
pub(crate) fn trial<F: Future<Output = ()>>(
    name: impl Into<String>,
    test: impl FnOnce() -> F + Send + 'static,
) -> Trial {
    Trial::test(name, move || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(2).enable_all().build().unwrap().block_on(test());
        Ok(())
    })
}

/// Runs the tests; those whose name begins with `postgres` only where there is one.
pub(crate) fn run(trials: Vec<Trial>) -> ExitCode {
    let arguments = Arguments::from_args();
    let mut left_out = 0;
    let missing = if arguments.list { None } else { postgres::server().err() };
    let trials = trials
        .into_iter()
        .map(|trial| {
            let left = missing.is_some() && trial.name().starts_with("postgres");
            left_out += usize::from(left);
            let ignored = left || trial.has_ignored_flag();
            trial.with_ignored_flag(ignored)
        })
        .collect();
    if let Some(reason) = &missing {
        if std::env::var_os("KEY_ROTATION_REQUIRE_POSTGRES").is_some() {
            eprintln!("KEY_ROTATION_REQUIRE_POSTGRES is set, and there is no PostgreSQL: {reason}");
            return ExitCode::FAILURE;
        }
        println!("LEFT OUT: {left_out} tests of PostgreSQL, which are listed as ignored: {reason}");
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    postgres::stop();
    conclusion.exit_code()
}
