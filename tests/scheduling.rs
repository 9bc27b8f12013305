//! The service under rules of time: plans that are carried out step by step, refusals, evidence,
//! the emergency path, and the record of it all.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use key_rotation::audit::{AuditAction, AuditEvent, AuditSink, Grounds, Provenance};
use key_rotation::error::RotationError;
use key_rotation::plan::{Because, DueStep};
use key_rotation::policy::{Evidence, Rule, Unreferenced, Usage, UsageLimit, days};
use key_rotation::service::{Applied, DestroyRequest};
use key_rotation::store::{Change, Commit, CommitError, Loaded, Proposal, Revision};
use key_rotation::{
    Cryptoperiods, InMemoryKeyProvider, Inactive, Key, KeyId, KeyProvider, KeyRef, Outcome,
    RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

const POLICY: Cryptoperiods = Cryptoperiods::builder()
    .originator_usage(days(90))
    .propagation(days(2))
    .recipient_usage(days(30))
    .grace(days(10))
    .retention(days(20))
    .build_static();

type Store = Arc<InMemoryKeyProvider<&'static str>>;
type Service = RotationService<Store, Cryptoperiods>;

#[derive(Default)]
struct Record(Mutex<Vec<AuditEvent>>);

impl AuditSink for Record {
    fn record(&self, event: &AuditEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Record {
    fn lines(&self) -> Vec<String> {
        let line = |event: &AuditEvent| format!("{}{}", event.action, event.provenance.grounds);
        self.0.lock().unwrap().iter().map(line).collect()
    }
}

fn day(day: u64) -> Timestamp {
    Timestamp::from_unix_millis(1_767_225_600_000).saturating_add(days(day))
}

fn id(name: &str) -> KeyId {
    name.parse().unwrap()
}

fn staged(name: &str, at: u64) -> Key<Inactive, &'static str> {
    Key::new(id(name), "material", day(at))
}

fn revision(store: &Store) -> Revision {
    match block_on(store.load(Revision::EMPTY)) {
        Ok(Loaded::Ring(snapshot)) => snapshot.revision,
        other => panic!("{other:?}"),
    }
}

/// k1 is active since day 0, and k2 is staged since then.
fn service() -> (Service, Arc<Record>) {
    let record = Arc::new(Record::default());
    let service = RotationService::new(Store::default(), POLICY)
        .acting_as("the test".parse().unwrap())
        .with_audit(Arc::clone(&record) as Arc<dyn AuditSink>);
    let _ = block_on(service.bootstrap(staged("k1", 0), day(0))).unwrap();
    let _ = block_on(service.add(staged("k2", 0), day(0))).unwrap();
    (service, record)
}

fn zero(name: &str, at: u64) -> Unreferenced {
    Unreferenced::counted(id(name), 0, day(at)).unwrap()
}

fn refused<T: std::fmt::Debug, E: std::error::Error>(
    answer: Result<T, RotationError<E>>,
) -> (Rule, Option<Timestamp>) {
    match answer {
        Err(RotationError::Refused { reason, .. }) => {
            (reason.rule().unwrap(), reason.allowed_from())
        }
        other => panic!("{other:?} instead of a refusal"),
    }
}

#[test]
fn a_whole_life_is_driven_by_plan_and_apply_alone() {
    let (service, record) = service();
    let step = |now: u64, evidence: Evidence| {
        let plan = block_on(service.plan(Usage::UNKNOWN, day(now))).unwrap();
        let [step] = plan.due() else { panic!("{plan}") };
        assert_eq!(block_on(service.apply(step, evidence, day(now))).unwrap(), Applied::Done);
        let after = block_on(service.plan(Usage::UNKNOWN, day(now))).unwrap();
        assert!(after.due().is_empty(), "{after}");
    };
    step(90, Evidence::None);
    step(120, Evidence::None);
    step(140, zero("k1", 140).into());
    let state = block_on(service.state()).unwrap();
    assert_eq!(state.active().id, id("k2"));
    assert_eq!(state.destroyed().len(), 1);
    assert_eq!(
        record.lines(),
        [
            "key `k1` was created as the first",
            "key `k2` was added",
            "key `k2` became active in the place of key `k1`",
            "key `k1` was retired",
            "key `k1` was destroyed, with no data under it as of 2026-05-21T00:00:00.000Z",
        ]
    );
}

#[test]
fn a_stale_step_is_an_outcome_and_changes_nothing() {
    let (service, record) = service();
    let plan = block_on(service.plan(Usage::UNKNOWN, day(90))).unwrap();
    let step = plan.due().first().unwrap();
    assert_eq!(block_on(service.apply(step, Evidence::None, day(90))).unwrap(), Applied::Done);
    let events = record.lines().len();
    // The same step again, from a second operator with the same plan.
    let Applied::Stale { now } = block_on(service.apply(step, Evidence::None, day(90))).unwrap()
    else {
        panic!("not stale");
    };
    assert_eq!(now, block_on(service.state()).unwrap());
    // A step that was never due.
    let because = match step {
        DueStep::Activate { because, .. } => *because,
        other => panic!("{other}"),
    };
    let early = DueStep::Retire { id: id("k1"), because };
    assert!(matches!(
        block_on(service.apply(&early, Evidence::None, day(91))).unwrap(),
        Applied::Stale { .. }
    ));
    assert_eq!(record.lines().len(), events);
}

/// A store in which somebody else adds a key just before each commit.
struct Contended(Store);

impl KeyProvider for Contended {
    type Material = &'static str;
    type Error = Infallible;

    async fn load(&self, seen: Revision) -> Result<Loaded<&'static str>, Infallible> {
        self.0.load(seen).await
    }

    async fn commit(
        &self,
        proposal: &Proposal<&'static str>,
    ) -> Result<Commit, CommitError<Infallible>> {
        let change = Change::Add(KeyRef::from(&staged("theirs", 0)).to_record());
        let next = Revision { tag: !proposal.next.tag, ..proposal.next };
        let theirs = Proposal { next, change, ..proposal.clone() };
        let _ = self.0.commit(&theirs).await?;
        self.0.commit(proposal).await
    }
}

#[test]
fn a_step_that_loses_its_race_is_stale() {
    let store = Store::default();
    let alone = RotationService::new(Arc::clone(&store), POLICY);
    let _ = block_on(alone.bootstrap(staged("k1", 0), day(0))).unwrap();
    let _ = block_on(alone.add(staged("k2", 0), day(0))).unwrap();
    let plan = block_on(alone.plan(Usage::UNKNOWN, day(90))).unwrap();
    let [step] = plan.due() else { panic!("{plan}") };

    let contended = RotationService::new(Contended(store), POLICY);
    let Applied::Stale { now } = block_on(contended.apply(step, Evidence::None, day(90))).unwrap()
    else {
        panic!("not stale");
    };
    assert_eq!((now.active().id.as_str(), now.keys().count()), ("k1", 3));
}

#[test]
fn a_step_that_is_due_by_usage_is_due_while_the_usage_is() {
    let policy = POLICY.to_builder().usage_limit(UsageLimit::of(100)).build().unwrap();
    let service = RotationService::new(Store::default(), policy);
    let _ = block_on(service.bootstrap(staged("k1", 0), day(0))).unwrap();
    let _ = block_on(service.add(staged("k2", 0), day(0))).unwrap();
    let plan = block_on(service.plan(Usage::of(80), day(3))).unwrap();
    let [step @ DueStep::Activate { because: Because::Usage { .. }, .. }] = plan.due() else {
        panic!("{plan}")
    };
    assert_eq!(block_on(service.apply(step, Evidence::None, day(3))).unwrap(), Applied::Done);
    assert_eq!(block_on(service.state()).unwrap().active().id, id("k2"));
}

#[test]
fn a_step_is_stale_when_another_kind_of_step_is_due() {
    let (service, _) = service();
    let plan = block_on(service.plan(Usage::UNKNOWN, day(90))).unwrap();
    let [DueStep::Activate { because, .. }] = plan.due() else { panic!("{plan}") };
    let retire = DueStep::Retire { id: id("k2"), because: *because };
    let applied = block_on(service.apply(&retire, Evidence::None, day(90))).unwrap();
    assert!(matches!(applied, Applied::Stale { .. }));
}

#[test]
fn the_policy_refuses_a_rotation_with_the_time_from_which_it_is_allowed() {
    let (service, _) = service();
    let early = block_on(service.rotate_to("k2", day(1)));
    assert_eq!(refused(early), (Rule::Propagation, Some(day(2))));
    assert!(matches!(block_on(service.rotate_to("k2", day(2))), Ok(Outcome::Done(_))));
    let back = block_on(service.rotate_to("k1", day(50)));
    assert_eq!(refused(back), (Rule::ForwardOnly, None));
}

#[test]
fn in_an_emergency_the_policy_is_not_asked_and_the_record_says_so() {
    let (service, record) = service();
    let reason = "INC-4711: k1 was in a core dump";
    let outcome = block_on(service.rotate_in_emergency("k2", reason.parse().unwrap(), day(1)));
    assert!(matches!(outcome, Ok(Outcome::Done(_))));
    let events = record.0.lock().unwrap();
    let event = events.last().unwrap();
    assert!(matches!(&event.action, AuditAction::Activated { .. }));
    let Provenance { actor, grounds, at } = &event.provenance;
    assert_eq!(*grounds, Grounds::Emergency(reason.parse().unwrap()));
    assert_eq!((actor.as_str(), event.revision.number, *at), ("the test", 3, day(1)));
    assert!(
        event
            .to_string()
            .ends_with("EMERGENCY, WITHOUT THE POLICY: INC-4711: k1 was in a core dump")
    );
}

#[test]
fn a_key_is_destroyed_with_evidence_and_after_it_was_retired() {
    let (service, record) = service();
    let _ = block_on(service.rotate_to("k2", day(2))).unwrap();
    let not_retired = block_on(service.destroy(zero("k1", 3), day(3)));
    assert!(matches!(not_retired, Err(RotationError::Entry(_))));
    let _ = block_on(service.retire("k1", day(5))).unwrap();
    let before = block_on(service.state()).unwrap();

    assert!(Unreferenced::counted(id("k1"), 1, day(6)).is_err());
    assert_eq!(zero("k1", 6).id(), &id("k1"));
    assert_eq!(refused(block_on(service.destroy("k1", day(6)))).0, Rule::Evidence);
    assert_eq!(refused(block_on(service.destroy(&id("k1"), day(6)))).0, Rule::Evidence);
    assert_eq!(refused(block_on(service.destroy(zero("k1", 4), day(6)))).0, Rule::Evidence);
    let step = DueStep::Destroy {
        id: id("k1"),
        because: Because::Age { rule: Rule::Retention, age: days(20), period: days(20) },
    };
    let other = block_on(service.apply(&step, zero("k2", 25).into(), day(25)));
    assert_eq!(refused(other).0, Rule::Evidence);
    assert_eq!(block_on(service.state()).unwrap(), before);

    let forced = DestroyRequest::forced("k1", "the customer asked for erasure".parse().unwrap());
    assert!(matches!(block_on(service.destroy(forced, day(6))), Ok(Outcome::Done(_))));
    assert_eq!(
        record.lines().last().unwrap(),
        "key `k1` was destroyed, BY FORCE: the customer asked for erasure"
    );
}

#[test]
fn a_policy_without_rules_agrees_to_an_id_alone() {
    let service = RotationService::new(Store::default(), StrictSingleActive);
    let _ = block_on(service.bootstrap(staged("k2", 0), day(0))).unwrap();
    let _ = block_on(service.add(staged("k1", 0), day(0))).unwrap();
    let _ = block_on(service.retire("k1", day(1))).unwrap();
    assert!(matches!(block_on(service.destroy("k1", day(1))), Ok(Outcome::Done(_))));
}

#[test]
fn only_what_was_committed_is_recorded() {
    let (service, record) = service();
    let before = record.lines().len();
    let _ = block_on(service.rotate_to("k2", day(1))).unwrap_err();
    let _ = block_on(service.retire("k9", day(1))).unwrap_err();
    let _ = block_on(service.add(staged("k1", 0), day(0))).unwrap_err();
    // Already active: nothing changes.
    let _ = block_on(service.rotate_to("k1", day(9))).unwrap();
    assert_eq!(record.lines().len(), before);
    let numbers: Vec<_> =
        record.0.lock().unwrap().iter().map(|event| event.revision.number).collect();
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn a_clock_ten_years_off_leaves_the_store_as_it_is() {
    let store = Store::default();
    let service = RotationService::new(Arc::clone(&store), POLICY);
    let _ = block_on(service.bootstrap(staged("k1", 0), day(4_000))).unwrap();
    let before = revision(&store);
    for now in [day(4_000 - 3_650), day(4_000 + 3_650)] {
        let plan = block_on(service.plan(Usage::of(0), now)).unwrap();
        // There is no other key, so nothing can be done, whatever the clock says.
        assert!(plan.due().is_empty(), "{plan}");
    }
    assert_eq!(revision(&store), before);
    assert_eq!(block_on(service.state()).unwrap().active().id, id("k1"));
}

#[test]
fn what_is_put_on_record_cannot_hide_or_forge_anything() {
    use key_rotation::AuditText;
    for text in [
        "",
        " ",
        "a\nb",
        "a\u{7f}",
        "a\u{202e}b",
        "a\u{200b}b",
        "a\u{200f}b",
        "a\u{61c}b",
        &"x".repeat(513),
    ] {
        assert!(text.parse::<AuditText>().is_err(), "{text:?}");
    }
    for text in ["alice", "Jörg: Schlüssel im Dump", &"x".repeat(512)] {
        assert_eq!(text.parse::<AuditText>().unwrap().as_str(), text);
    }
    let hostile = "k\n".repeat(1_000);
    let shown = format!("{:?}", DestroyRequest::from(hostile.as_str()));
    assert!(!shown.contains('\n') && shown.len() < 300, "{shown}");
}

#[test]
fn a_service_shows_in_whose_name_it_changes_keys_and_neither_store_nor_policy() {
    let (service, _) = service();
    let shown = format!("{service:?}");
    assert!(shown.contains("the test"), "{shown}");
    for hidden in ["Store", "Cryptoperiods", "material"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
