//! Running futures side by side in one task, without a runtime.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::mem;
use core::pin::Pin;
use core::task::Poll;

pub(super) type Boxed<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;

/// Runs all of them, and returns their outputs in their order.
pub(super) async fn join_all<T>(futures: Vec<Boxed<'_, T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (future, None)).collect();
    poll_fn(|context| {
        for (future, output) in running.iter_mut().filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        let is_done = running.iter().all(|(_, output)| output.is_some());
        if is_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}

/// Lets the others go first, once.
pub(super) async fn give_way() {
    let mut is_first = true;
    poll_fn(|context| {
        if mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}
