//! Ten thousand changes over a way that loses requests and answers, while others change the same
//! ring within the same millisecond.

use key_rotation::audit::{AuditEvent, AuditSink};

use super::*;

/// Numbers that look random, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        // Knuth's constants for a linear congruential generator, of which the high bits are used.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A way to a store that others use, too.
struct Lossy {
    store: InMemoryKeyProvider<String>,
    numbers: Mutex<Numbers>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    lost_requests: u64,
    lost_answers: u64,
    by_others: u64,
    /// Of the change that is being sent.
    lost_of_this: u64,
    names: u64,
}

impl Lossy {
    fn below(&self, limit: u64) -> u64 {
        self.numbers.lock().unwrap().below(limit)
    }

    /// What others do between two sendings: rotations there and back, retirements, destructions.
    async fn others(&self) {
        let others = RotationService::new(&self.store, StrictSingleActive)
            .acting_as("others".parse().unwrap());
        let state = others.state().await.unwrap();
        let active = state.active().id.clone();
        let of = |status| {
            let mut keys = state.keys().filter(move |key| key.status == status);
            keys.next().map(|key| key.id.clone())
        };
        let mut made = 0;
        match (self.below(4), of(KeyStatus::Inactive), of(KeyStatus::Retired)) {
            (0, Some(key), _) => {
                made += u64::from(is_done(others.rotate_to(key.as_str(), NOW).await));
                made += u64::from(is_done(others.rotate_to(active.as_str(), NOW).await));
            }
            (1, Some(key), _) => made += u64::from(is_done(others.retire(key.as_str(), NOW).await)),
            (2, _, Some(key)) => made += u64::from(is_done(others.destroy(&key, NOW).await)),
            _ => {
                let name = self.name("theirs");
                made += u64::from(is_done(others.add(staged(&name), NOW).await));
            }
        }
        self.counts.lock().unwrap().by_others += made;
    }

    fn name(&self, whose: &str) -> String {
        let mut counts = self.counts.lock().unwrap();
        counts.names += 1;
        format!("{whose}-{}", counts.names)
    }
}

fn is_done<T, E: std::fmt::Debug>(outcome: Result<Outcome<T>, E>) -> bool {
    matches!(outcome.unwrap(), Outcome::Done(_))
}

/// Everything happens within this millisecond.
const NOW: Timestamp = Timestamp::from_unix_millis(1_000);

impl KeyProvider for &Lossy {
    type Material = String;
    type Error = Unreachable;

    async fn load(&self, seen: Revision) -> Result<Loaded<String>, Unreachable> {
        Ok(self.store.load(seen).await.unwrap())
    }

    async fn commit(&self, sent: &Proposal<String>) -> Result<Commit, CommitError<Unreachable>> {
        let fault = self.below(5);
        if self.below(3) == 0 {
            self.others().await;
        }
        if fault < 2 {
            let mut counts = self.counts.lock().unwrap();
            counts.lost_requests += 1;
            counts.lost_of_this += 1;
            return Err(CommitError::Unknown(Unreachable(0)));
        }
        let answer = self.store.commit(sent).await;
        if self.below(3) == 0 {
            self.others().await;
        }
        if fault < 4 {
            let mut counts = self.counts.lock().unwrap();
            counts.lost_answers += 1;
            counts.lost_of_this += 1;
            return Err(CommitError::Unknown(Unreachable(0)));
        }
        answer.map_err(|error| error.map(|never| match never {}))
    }
}

/// The events that the service has pushed.
#[derive(Default)]
struct Pushed(Mutex<Vec<AuditEvent>>);

impl AuditSink for Pushed {
    fn record(&self, event: &AuditEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

fn history(store: &Lossy, after: Revision) -> Vec<AuditEvent> {
    match block_on(store.store.history(after)).unwrap() {
        Events::Since(events) => events,
        other @ Events::NotInHistory { .. } => panic!("{other:?}"),
    }
}

/// The answers that a service gave.
#[derive(Debug, Default)]
struct Answers {
    done: u64,
    lost: u64,
    unknown: u64,
}

#[test]
fn no_answer_is_false_and_no_change_is_without_its_event() {
    // A hundred rings, so that each stays small.
    const RINGS: u64 = 100;
    const CHANGES: u64 = 100;
    let (mut answers, mut all) = (Answers::default(), Counts::default());
    for ring in 0..RINGS {
        let counts = of_one_ring(ring, CHANGES, &mut answers);
        all.lost_requests += counts.lost_requests;
        all.lost_answers += counts.lost_answers;
        all.by_others += counts.by_others;
    }
    println!("{} changes: {answers:?}; {all:?}", RINGS * CHANGES);
    assert!(all.lost_requests > 10_000 && all.lost_answers > 10_000 && all.by_others > 10_000);
    assert!(answers.done > 1_000 && answers.lost > 1_000 && answers.unknown > 100);
}

fn of_one_ring(number: u64, changes: u64, answers: &mut Answers) -> Counts {
    let store = Lossy {
        store: InMemoryKeyProvider::new(),
        numbers: Mutex::new(Numbers(number)),
        counts: Mutex::default(),
    };
    let pushed = Arc::new(Pushed::default());
    let service = RotationService::new(&store, StrictSingleActive)
        .acting_as("ours".parse().unwrap())
        .with_audit(Arc::clone(&pushed) as Arc<dyn AuditSink>);
    let direct = RotationService::new(&store.store, StrictSingleActive);
    let _ = block_on(direct.bootstrap(staged("first"), NOW)).unwrap();

    let mut seen = loaded(&store.store).revision;
    let mut asked = 0;
    while asked < changes {
        store.counts.lock().unwrap().lost_of_this = 0;
        let told = pushed.0.lock().unwrap().len();
        let Some(answer) = change(&store, &service) else { continue };
        asked += 1;
        let events = history(&store, seen);
        let ours: Vec<_> =
            events.iter().filter(|event| event.provenance.actor.as_str() == "ours").collect();
        let told = pushed.0.lock().unwrap().get(told..).unwrap().to_vec();
        match answer {
            Ok(true) => {
                answers.done += 1;
                assert_eq!(ours.len(), 1, "done, and it never happened");
                assert_eq!(told.iter().collect::<Vec<_>>(), ours, "its own commit is told");
            }
            Ok(false) => {
                answers.lost += 1;
                assert_eq!((ours.len(), told.len()), (0, 0), "a lost race that was won");
            }
            Err(RotationError::OutcomeUnknown { .. }) => {
                answers.unknown += 1;
                assert!(ours.len() <= 1 && told.is_empty());
                assert_eq!(store.counts.lock().unwrap().lost_of_this, 5, "an answer was there");
            }
            Err(error) => panic!("{error:?}"),
        }
        seen = loaded(&store.store).revision;
    }
    let all = history(&store, Revision::EMPTY);
    let numbers: Vec<u64> = all.iter().map(|event| event.revision.number).collect();
    assert_eq!(numbers, (1..=seen.number).collect::<Vec<_>>(), "one event for each commit");
    assert!(loaded(&store.store).into_keyring().is_ok());
    store.counts.into_inner().unwrap()
}

/// Makes one change at random; `None` if it does not apply to the ring as it is.
fn change(
    store: &Lossy,
    service: &RotationService<&Lossy, StrictSingleActive>,
) -> Option<Result<bool, RotationError<Unreachable>>> {
    block_on(async {
        let state = service.state().await.unwrap();
        let pick = |status| {
            let keys: Vec<_> = state.keys().filter(|key| key.status == status).collect();
            let n = usize::try_from(store.below(u64::MAX >> 33)).unwrap();
            Some(keys.get(n.checked_rem(keys.len())?)?.id.clone())
        };
        let answer = match store.below(5) {
            0 | 1 => {
                let key = pick(KeyStatus::Inactive)?;
                service.rotate_to(key.as_str(), NOW).await.map(|outcome| won(&outcome))
            }
            2 => {
                let key = pick(KeyStatus::Inactive)?;
                service.retire(key.as_str(), NOW).await.map(|outcome| won(&outcome))
            }
            3 => {
                let key = pick(KeyStatus::Retired)?;
                service.destroy(&key, NOW).await.map(|outcome| won(&outcome))
            }
            _ => {
                let name = store.name("ours");
                service.add(staged(&name), NOW).await.map(|outcome| won(&outcome))
            }
        };
        Some(answer)
    })
}

fn won<T>(outcome: &Outcome<T>) -> bool {
    matches!(outcome, Outcome::Done(_))
}
