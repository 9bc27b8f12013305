//! Plans, as a person reads them, of every kind of ring; and that they say what is wrong.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::time::Duration;

use key_rotation::plan::{Because, Doubt, DueStep, Health, RotationPlan, plan};
use key_rotation::policy::{Fleet, References, Rule, Step, Until, days, hours, minutes};
use key_rotation::{
    Cryptoperiods, Inactive, Key, KeyId, KeyRecord, KeyStatus, Keyring, RotationPolicy,
    StrictSingleActive, Times, Timestamp,
};

const POLICY: Cryptoperiods = Cryptoperiods::QUARTERLY;

fn at(day: u64) -> Timestamp {
    Timestamp::from_unix_millis(1_767_225_600_000).saturating_add(days(day))
}

fn id(id: &'static str) -> KeyId {
    KeyId::from_static(id)
}

fn key(name: &'static str) -> Key<Inactive, ()> {
    Key::new(id(name), (), at(0))
}

fn planned(ring: &Keyring<()>, now: Timestamp) -> RotationPlan {
    plan(&POLICY, &ring.state(), &Fleet::UNKNOWN, now)
}

fn steps(plan: &RotationPlan) -> Vec<(Step, &str)> {
    plan.due().iter().map(|due| (due.step, due.id.as_str())).collect()
}

fn blocked(plan: &RotationPlan) -> Vec<(Step, &str, Until)> {
    let of = |b: &key_rotation::plan::Blocked| (b.step, b.reason.stands_until());
    plan.blocked().iter().map(|b| (of(b).0, b.id.as_str(), of(b).1)).collect()
}

/// With k1 active since the first day, and k2 staged then.
fn ring() -> Keyring<()> {
    let mut ring = Keyring::new(key("k1").activate(at(0)));
    let _ = ring.add(key("k2"), at(0)).unwrap();
    ring
}

#[test]
fn nothing_is_due_while_a_key_is_young_and_its_spare_waits() {
    let plan = planned(&ring(), at(1));
    assert_eq!((steps(&plan), blocked(&plan)), (vec![], vec![]));
    assert_eq!(plan.health(), Health::Ok);
    assert_eq!(plan.look_again_at(), Some(at(90)));
    assert_eq!(
        plan.to_string(),
        "\
at 2026-01-02T00:00:00.000Z: ok
due      nothing
unclear  how often key k1 has encrypted is not reported: nothing can be said about its usage limit
next     key k1 is due to be replaced from 2026-04-01T00:00:00.000Z
"
    );
}

#[test]
fn a_rotation_is_due_to_the_millisecond() {
    let ring = ring();
    let before = at(90).saturating_sub(Duration::from_millis(1));
    assert_eq!(steps(&planned(&ring, before)), []);
    let plan = planned(&ring, at(90));
    assert_eq!(steps(&plan), [(Step::Activate, "k2")]);
    assert_eq!(plan.due()[0].from, at(90));
    assert_eq!(plan.health(), Health::Due);
    assert_eq!(plan.look_again_at(), Some(at(90)));
    assert_eq!(
        planned(&ring, at(92)).health(),
        Health::Overdue {
            since: at(90),
            because: key_rotation::policy::Refusal::new(
                "it is due to activate k2: the active key has been so for 92 d"
            ),
        }
    );
}

#[test]
fn without_a_spare_one_is_asked_for_at_once_and_a_plan_never_says_nothing() {
    let ring = Keyring::new(key("k1").activate(at(0)));
    let plan = planned(&ring, at(1));
    assert_eq!(steps(&plan), [(Step::Stage, "k1")]);
    assert_eq!(plan.due()[0].because, Because::NoSpare);
    // The case of a key that is 110 days overdue: the plan once said "due nothing".
    let plan = planned(&ring, at(200));
    assert_eq!(steps(&plan), [(Step::Stage, "k1")]);
    assert_eq!(blocked(&plan), [(Step::Activate, "k1", Until::Event)]);
    assert_eq!(plan.blocked()[0].reason.reason(), "no key is staged that could take its place");
    let Health::Failing { because } = plan.health() else { panic!("{plan}") };
    assert_eq!(because.rule(), Some(Rule::HardEnd), "past its hard end, it may not encrypt");
    assert!(plan.look_again_at().is_some());

    let early = planned(&ring, at(119));
    assert!(matches!(early.health(), Health::Overdue { .. }), "{early}");
}

#[test]
fn a_spare_that_is_too_young_blocks_a_rotation_until_everybody_has_it() {
    let mut ring = Keyring::new(key("k1").activate(at(0)));
    let _ = ring.add(key("k2"), at(89)).unwrap();
    let plan = planned(&ring, at(91));
    let from = at(96).saturating_add(minutes(5));
    assert_eq!(steps(&plan), []);
    assert_eq!(blocked(&plan), [(Step::Activate, "k2", Until::At(from))]);
    assert_eq!(plan.look_again_at(), Some(from));
    assert_eq!(steps(&planned(&ring, from)), [(Step::Activate, "k2")]);
}

#[test]
fn a_key_from_the_future_is_no_spare_and_is_given_up_when_another_is_ready() {
    let mut ring = Keyring::new(key("k1").activate(at(0)));
    let _ = ring.add(key("far"), at(9_999)).unwrap();
    let plan = planned(&ring, at(1));
    assert_eq!(steps(&plan), [(Step::Stage, "k1")]);
    assert!(plan.doubts().contains(&Doubt::InTheFuture { id: id("far"), at: at(9_999) }));

    let _ = ring.add(key("k2"), at(1)).unwrap();
    assert_eq!(steps(&planned(&ring, at(2))), [], "the other is not ready yet");
    assert_eq!(steps(&planned(&ring, at(9))), [(Step::Discard, "far")]);
}

#[test]
fn there_are_never_more_than_two_staged_keys() {
    let mut ring = ring();
    for (n, name) in (1..).zip(["k3", "k4", "k5"]) {
        let _ = ring.add(key(name), at(n)).unwrap();
    }
    assert_eq!(steps(&planned(&ring, at(5))), [(Step::Discard, "k5")]);
    let _ = ring.entry::<Inactive>("k5").unwrap().retire(at(5));
    assert_eq!(steps(&planned(&ring, at(5))), [(Step::Discard, "k4"), (Step::Destroy, "k5")]);

    let mut hopeless = Keyring::new(key("k1").activate(at(0)));
    let _ = hopeless.add(key("far-1"), at(5_000)).unwrap();
    let _ = hopeless.add(key("far-2"), at(6_000)).unwrap();
    assert_eq!(steps(&planned(&hopeless, at(1))), [], "two are enough");
}

#[test]
fn times_that_nobody_knows_get_a_date_and_are_not_old() {
    let record =
        |name, status| KeyRecord::new(id(name), status, at(0), ()).with_times(Times::default());
    let records = [
        record("active", KeyStatus::Active),
        record("demoted", KeyStatus::Inactive),
        record("staged", KeyStatus::Inactive).staged(),
        record("retired", KeyStatus::Retired),
    ];
    let ring = Keyring::from_records(records).unwrap();
    let plan = planned(&ring, at(1));
    let mut dated = steps(&plan);
    dated.sort_unstable();
    let all = ["active", "demoted", "retired", "staged"].map(|id| (Step::Date, id));
    assert_eq!(dated, all);
}

#[test]
fn a_count_that_nobody_has_made_is_named_as_the_reason() {
    let mut ring = ring();
    let _ = ring.rotate_to("k2", at(90)).unwrap();
    let _ = ring.add(key("k3"), at(90)).unwrap();
    let _ = ring.entry::<Inactive>("k1").unwrap().retire(at(120));
    let revoke = at(150).saturating_sub(days(14) + minutes(5));
    let plan = planned(&ring, revoke);
    assert_eq!(steps(&plan), []);
    assert_eq!(blocked(&plan), [(Step::Revoke, "k1", Until::Event)]);
    assert_eq!(
        plan.blocked()[0].to_string(),
        "revoke k1, to see that nobody needs it, due since 2026-05-16T23:55:00.000Z: nobody has \
         counted if its data is needed: count it, and state zero"
    );
    let references = References { id: id("k1"), count: 0, counted_at: revoke };
    let fleet = Fleet { references: vec![references], ..Fleet::UNKNOWN };
    assert_eq!(steps(&plan_with(&ring, &fleet, revoke)), [(Step::Revoke, "k1")]);
    let references = References { id: id("k1"), count: 7, counted_at: revoke };
    let fleet = Fleet { references: vec![references], ..Fleet::UNKNOWN };
    let plan = plan_with(&ring, &fleet, revoke);
    assert_eq!(plan.blocked()[0].reason.reason(), "7 pieces of data need it");
}

fn plan_with(ring: &Keyring<()>, fleet: &Fleet, now: Timestamp) -> RotationPlan {
    plan(&POLICY, &ring.state(), fleet, now)
}

/// A column under `QUARTERLY`, from its first key to the end of that key.
#[test]
fn the_life_of_a_key_of_an_encrypted_column_is_that_of_the_preset() {
    let mut ring = ring();
    let mut done: Vec<(u64, Step, String)> = Vec::new();
    let mut names = ["k3", "k4", "k5", "k6"].into_iter();
    for hour in 0..241 * 24 {
        let now = at(0).saturating_add(hours(hour));
        let count = |id: &KeyId| References { id: id.clone(), count: 0, counted_at: now };
        let fleet = Fleet {
            references: ring.iter().map(|key| count(key.id())).collect(),
            ..Fleet::UNKNOWN
        };
        let plan = plan_with(&ring, &fleet, now);
        for DueStep { step, id, .. } in plan.due() {
            done.push((hour / 24, *step, id.to_string()));
            match step {
                Step::Activate => drop(ring.rotate_to(id.as_str(), now).unwrap()),
                Step::Stage => drop(ring.add(key(names.next().unwrap()), now).unwrap()),
                Step::Retire => drop(ring.entry::<Inactive>(id.as_str()).unwrap().retire(now)),
                Step::Revoke => {
                    let entry = ring.entry::<key_rotation::Retired>(id.as_str());
                    drop(entry.unwrap().revoke(now));
                }
                Step::Destroy => {
                    let entry = ring.entry::<key_rotation::Revoked>(id.as_str());
                    drop(entry.unwrap().destroy(now));
                }
                other => panic!("{other:?} of {id}"),
            }
        }
    }
    let of_k1: Vec<_> = done.iter().filter(|(_, _, id)| id == "k1").collect();
    assert_eq!(
        of_k1.iter().map(|(day, step, _)| (*day, *step)).collect::<Vec<_>>(),
        [(120, Step::Retire), (136, Step::Revoke), (150, Step::Destroy)]
    );
    let rotations: Vec<_> = done.iter().filter(|(_, step, _)| *step == Step::Activate).collect();
    assert_eq!(rotations.len(), 2);
}

#[test]
fn a_policy_without_rules_has_nothing_due_and_nothing_to_look_for() {
    let plan = plan(&StrictSingleActive, &ring().state(), &Fleet::UNKNOWN, at(9_999));
    assert_eq!((plan.due(), plan.blocked(), plan.look_again_at()), (&[][..], &[][..], None));
    assert_eq!(plan.health(), Health::Ok);
    assert_eq!(plan.to_string(), "at 2053-05-18T00:00:00.000Z: ok\ndue      nothing\n");
    let _ = StrictSingleActive.timing();
}

/// A forecast is what a job does that looks every minute.
#[test]
fn a_forecast_is_plan_and_step_repeated() {
    use key_rotation::plan::forecast;
    for (policy, minutes_each, until) in [
        (Cryptoperiods::COOKIES, 5, 60),
        (Cryptoperiods::TOKENS, 5, 130),
        (Cryptoperiods::QUARTERLY, 60, 400),
    ] {
        let mut ring = Keyring::new(key("k0").activate(at(0)));
        let foreseen = forecast(&policy, &ring.state(), &Fleet::UNKNOWN, at(0), at(until));
        let mut done = Vec::new();
        let (mut now, mut made) = (at(0), 0);
        while now <= at(until) {
            let plan = plan(&policy, &ring.state(), &Fleet::UNKNOWN, now);
            let Some(due) = plan.due().first() else {
                now = now.saturating_add(minutes(minutes_each));
                continue;
            };
            let mut name = due.id.clone();
            match due.step {
                Step::Stage => {
                    made += 1;
                    name = format!("new-{made}").parse().unwrap();
                    let _ = ring.add(Key::new(name.clone(), (), now), now).unwrap();
                }
                Step::Activate => drop(ring.rotate_to(name.as_str(), now).unwrap()),
                Step::Retire => drop(ring.entry::<Inactive>(name.as_str()).unwrap().retire(now)),
                Step::Destroy => {
                    let entry = ring.entry::<key_rotation::Retired>(name.as_str());
                    drop(entry.unwrap().destroy(now));
                }
                other => panic!("{other:?}"),
            }
            done.push((now, due.step, name));
        }
        let foreseen: Vec<_> =
            foreseen.steps().iter().map(|step| (step.at, step.step, step.id.clone())).collect();
        assert_eq!(foreseen, done);
        assert!(done.len() > 5, "{done:?}");
    }
}

#[test]
fn a_forecast_prints_as_a_picture() {
    use key_rotation::plan::forecast;
    let ring = Keyring::new(key("k0").activate(at(0)));
    let forecast = forecast(&Cryptoperiods::COOKIES, &ring.state(), &Fleet::UNKNOWN, at(0), at(60));
    let text = forecast.to_string();
    let lines: Vec<&str> = text.lines().take(6).collect();
    // A column is a day: seven active, fourteen inactive, three retired.
    assert_eq!(
        lines,
        [
            "from 2026-01-01T00:00:00.000Z until 2026-03-02T00:00:00.000Z",
            "A active  - inactive  r retired  x revoked  s staged",
            "k0     AAAAAAA--------------rrr",
            "new-1  sssssssAAAAAAA--------------rrr",
            "new-2         sssssssAAAAAAA--------------rrr",
            "new-3                sssssssAAAAAAA--------------rrr",
        ]
    );
    assert!(text.contains("2026-01-08T00:00:00.000Z  activate new-1"), "{text}");
}
