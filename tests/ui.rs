//! What must not compile, and what the compiler says about it.
//!
//! Each file in `ui-tests/fail/` is one misuse with the compiler's answer beside it; its twin of
//! the same name in `ui-tests/pass/` differs in the offending expression and compiles. After a
//! change of wording, `TRYBUILD=overwrite cargo test --test ui` writes the answers anew: read the
//! difference as a user would.

#[test]
fn misuse_does_not_compile_and_its_twin_does() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui-tests/fail/*.rs");
    cases.pass("ui-tests/pass/*.rs");
}

/// The same for what is there with the feature `shared`.
#[cfg(feature = "shared")]
#[test]
fn misuse_of_a_shared_ring_does_not_compile_and_its_twin_does() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui-tests/shared/fail/*.rs");
    cases.pass("ui-tests/shared/pass/*.rs");
}
