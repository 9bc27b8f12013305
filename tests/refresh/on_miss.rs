//! Misses: what is loaded for keys that a shared ring does not have, and what is not.

use super::*;

fn six(shared: &SharedKeyring<String>) -> RefreshOnMiss<String> {
    RefreshOnMiss::new(shared.clone(), NonZeroU32::new(6).unwrap())
}

#[test]
fn concurrent_misses_share_one_load() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    done(block_on(service.add(staged("k2"), at(20))).unwrap());
    store.loads.store(0, Ordering::Relaxed);

    let miss = async || {
        let ring = misses.ring_with("k2", at(100), || service.refresh(&shared, at(100))).await;
        ring.unwrap().decryption_key("k2").unwrap().material().clone()
    };
    let mut waiting: Vec<Pin<Box<dyn Future<Output = String> + '_>>> =
        (0..100).map(|_| Box::pin(miss()) as _).collect();
    let mut context = Context::from_waker(Waker::noop());
    let mut rounds = 0;
    while !waiting.is_empty() {
        waiting.retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
        rounds += 1;
        assert!(rounds < 10);
    }
    assert_eq!(store.loads.load(Ordering::Relaxed), 1);
}

#[test]
fn waiting_misses_are_woken() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    done(block_on(service.add(staged("k2"), at(20))).unwrap());
    store.loads.store(0, Ordering::Relaxed);
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let refresh = || service.refresh(&shared, at(100));
                let ring = block_on(misses.ring_with("k2", at(100), refresh)).unwrap();
                assert!(ring.get("k2").is_some());
            });
        }
    });
    assert_eq!(store.loads.load(Ordering::Relaxed), 1);
}

#[test]
fn a_flood_of_made_up_ids_causes_as_many_loads_as_the_limit_lets() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    store.loads.store(0, Ordering::Relaxed);
    let ask = |id: &str, now| block_on(misses.ring_with(id, now, || service.refresh(&shared, now)));

    let mut not_looked_up = 0;
    for millis in 0..60_000 {
        let now = at(1_000_000 + millis);
        match ask(&format!("made-up-{millis}"), now) {
            Ok(ring) => assert!(ring.decryption_key(&format!("made-up-{millis}")).is_err()),
            Err(MissError::NotLookedUp { id, again_at }) => {
                assert_eq!(id.to_string(), format!("made-up-{millis}"));
                assert!(
                    again_at > now
                        && again_at <= now.saturating_add(std::time::Duration::from_secs(10))
                );
                not_looked_up += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(store.loads.load(Ordering::Relaxed), 6);
    assert_eq!(not_looked_up, 60_000 - 6);

    // A key that is new waits for its turn, and no longer.
    done(block_on(service.add(staged("k2"), at(20))).unwrap());
    let Err(MissError::NotLookedUp { again_at, .. }) = ask("k2", at(1_059_999)) else {
        panic!("over the limit");
    };
    assert_eq!(again_at, at(1_060_000));
    assert!(ask("k2", again_at).unwrap().get("k2").is_some());
}

/// A minute over the number is no whole number of milliseconds, or less than one.
#[test]
fn the_limit_holds_for_every_number() {
    for limit in [7, 59, 7_000, 60_001] {
        let (store, service) = service();
        let shared = block_on(service.share(at(20))).unwrap();
        let misses = RefreshOnMiss::new(shared.clone(), NonZeroU32::new(limit).unwrap());
        store.loads.store(0, Ordering::Relaxed);
        // Three calls in each millisecond, of which most are turned away.
        for call in 0..180_000_u64 {
            let now = at(1_000_000 + call / 3);
            let _ = block_on(misses.ring_with("k9", now, || service.refresh(&shared, now)));
        }
        let loads = store.loads.load(Ordering::Relaxed);
        assert!(loads <= limit.min(60_000), "{limit}: {loads}");
        assert!(loads > limit.min(60_000) / 2, "{limit}: {loads}");
    }
}

/// Clients hang up as soon as they have asked; a refresh that is a task of its own goes on.
#[test]
fn a_refresh_that_outlives_its_caller_serves_the_others() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    done(block_on(service.add(staged("k2"), at(20))).unwrap());
    let service = Arc::new(service);
    // Spawned and waited for, as with a runtime's handle.
    let refresh = |now| {
        let (service, shared) = (Arc::clone(&service), shared.clone());
        let task = std::thread::spawn(move || block_on(service.refresh(&shared, now)));
        async move {
            while !task.is_finished() {
                later().await;
            }
            task.join().unwrap()
        }
    };
    store.loads.store(0, Ordering::Relaxed);
    let mut context = Context::from_waker(Waker::noop());
    {
        let mut hangs_up = pin!(misses.ring_with("made-up", at(100_000), || refresh(at(100_000))));
        let _ = hangs_up.as_mut().poll(&mut context);
    }
    let ring = loop {
        match block_on(misses.ring_with("k2", at(100_001), || refresh(at(100_001)))) {
            Ok(ring) => break ring,
            Err(MissError::NotLookedUp { .. }) => std::thread::yield_now(),
            Err(other) => panic!("{other}"),
        }
    };
    assert!(ring.get("k2").is_some());
    assert_eq!(store.loads.load(Ordering::Relaxed), 1);
}

/// What waited for a slow load has an old time when it goes on, and each another one.
#[test]
fn a_crowd_behind_a_slow_load_causes_no_more_loads() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    store.loads.store(0, Ordering::Relaxed);
    let mut context = Context::from_waker(Waker::noop());

    let ask = async |seconds: u64| {
        let now = at(1_000_000 + seconds * 1000);
        misses.ring_with("k9", now, || service.refresh(&shared, now)).await
    };
    let mut leader = pin!(ask(0));
    assert!(leader.as_mut().poll(&mut context).is_pending());
    let mut crowd: Vec<Pin<Box<dyn Future<Output = _> + '_>>> =
        (1..=300).rev().map(|seconds| Box::pin(ask(seconds)) as _).collect();
    for follower in &mut crowd {
        assert!(follower.as_mut().poll(&mut context).is_pending());
    }
    assert!(leader.as_mut().poll(&mut context).is_ready());
    for follower in &mut crowd {
        let Poll::Ready(Err(MissError::NotLookedUp { again_at, .. })) =
            follower.as_mut().poll(&mut context)
        else {
            panic!("a second load");
        };
        assert_eq!(again_at, at(1_010_000));
    }
    assert_eq!(store.loads.load(Ordering::Relaxed), 1);
    assert!(block_on(ask(301)).is_ok());
    assert_eq!(store.loads.load(Ordering::Relaxed), 2);

    // Threads that read the clock in one order and come in another.
    for seconds in [309, 302, 305, 301, 310, 295, 310, 299] {
        assert!(block_on(ask(seconds)).is_err());
    }
    assert_eq!(store.loads.load(Ordering::Relaxed), 2);
}

/// The last waker counts, and asking often takes no room.
#[test]
fn a_follower_that_moves_is_woken_where_it_is() {
    struct Woken(AtomicU32);
    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (_, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    let refresh = || service.refresh(&shared, at(30));
    let [first, last] = [0, 1].map(|_| Arc::new(Woken(AtomicU32::new(0))));

    let mut leader = pin!(misses.ring_with("k9", at(30), refresh));
    let mut follower = pin!(misses.ring_with("k9", at(30), refresh));
    let mut context = Context::from_waker(Waker::noop());
    assert!(leader.as_mut().poll(&mut context).is_pending());
    for place in [&first, &first, &last, &last] {
        let waker = Waker::from(Arc::clone(place));
        assert!(follower.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    // A follower that gives up takes its waker along.
    let gives_up = Arc::new(Woken(AtomicU32::new(0)));
    {
        let mut follower = pin!(misses.ring_with("k9", at(30), refresh));
        let waker = Waker::from(Arc::clone(&gives_up));
        assert!(follower.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        assert_eq!(Arc::strong_count(&gives_up), 2);
    }
    assert_eq!(Arc::strong_count(&gives_up), 1);

    assert!(leader.as_mut().poll(&mut context).is_ready());
    assert_eq!(first.0.load(Ordering::Relaxed), 0);
    assert_eq!(last.0.load(Ordering::Relaxed), 1);
}

#[test]
fn what_is_known_or_can_be_no_id_is_not_looked_up() {
    let (store, service) = service();
    done(block_on(service.add(staged("k2"), at(20))).unwrap());
    done(block_on(service.retire("k2", at(20))).unwrap());
    done(block_on(service.destroy("k2", at(20))).unwrap());
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    store.loads.store(0, Ordering::Relaxed);
    for id in ["k1", "k2", "", "two words", "new\nline", &"k".repeat(129)] {
        let ring = block_on(misses.ring_with(id, at(30), || service.refresh(&shared, at(30))));
        assert_eq!(ring.unwrap().decryption_key(id).is_ok(), id == "k1");
    }
    assert_eq!(store.loads.load(Ordering::Relaxed), 0);
}

#[test]
fn a_clock_that_is_set_back_neither_blocks_nor_opens_the_gate() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    store.loads.store(0, Ordering::Relaxed);
    let ask = |now| block_on(misses.ring_with("k9", at(now), || service.refresh(&shared, at(now))));
    assert!(ask(1_000_000_000).is_ok());
    assert!(
        matches!(ask(5_000), Err(MissError::NotLookedUp { again_at, .. }) if again_at == at(15_000))
    );
    assert!(ask(14_999).is_err());
    assert!(ask(15_000).is_ok());
    assert_eq!(store.loads.load(Ordering::Relaxed), 2);
    assert!(
        block_on(misses.ring_with("k9", Timestamp::MAX, || service.refresh(&shared, at(1))))
            .is_ok()
    );
    // At the end of time there is no later: nothing overflows.
    assert!(
        block_on(misses.ring_with("k9", Timestamp::MAX, || service.refresh(&shared, at(1))))
            .is_ok()
    );
}

#[test]
fn a_refresh_that_fails_or_is_cancelled_lets_the_others_go() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    let refresh = || service.refresh(&shared, at(30));

    store.is_down.store(true, Ordering::Relaxed);
    let error = block_on(misses.ring_with("k2", at(30), refresh)).unwrap_err();
    assert!(matches!(error, MissError::Refresh(RotationError::Provider(_))), "{error}");
    assert!(matches!(
        block_on(misses.ring_with("k2", at(31), refresh)),
        Err(MissError::NotLookedUp { .. })
    ));
    store.is_down.store(false, Ordering::Relaxed);

    let mut context = Context::from_waker(Waker::noop());
    let mut follower = pin!(misses.ring_with("k2", at(20_001), refresh));
    {
        let mut leader = pin!(misses.ring_with("k2", at(20_000), refresh));
        assert!(leader.as_mut().poll(&mut context).is_pending());
        assert!(follower.as_mut().poll(&mut context).is_pending());
    }
    let Poll::Ready(Err(MissError::NotLookedUp { again_at, .. })) = follower.poll(&mut context)
    else {
        panic!("the follower waits for a leader that is gone");
    };
    assert_eq!(again_at, at(30_000));
    assert!(block_on(misses.ring_with("k2", at(30_000), refresh)).is_ok());
}
