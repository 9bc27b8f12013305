//! The two halves of a key: what encrypts and what decrypts.

use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;

use crate::status::{Never, Witness};

/// Says how a key keeps its two halves: as one, [`Same`], or apart, [`Apart`].
///
/// A program does not call this. It names [`Halves::Decrypting`], the type of the decrypting half,
/// where it is generic over it.
///
/// # Examples
///
/// ```
/// use key_rotation::{DecryptionKey, Halves, Keyring};
///
/// /// Works for a ring of symmetric keys and for a ring of pairs.
/// fn oldest<E, D: Halves<E>>(ring: &Keyring<E, D>) -> Option<DecryptionKey<'_, D::Decrypting>> {
///     ring.decryption_keys().last()
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how a key keeps its halves",
    label = "expected `Same` or `Apart<V>`",
    note = "a symmetric key has one half for both: `Key<S, M>`, which is short for `Key<S, M, Same>`",
    note = "a pair has a decrypting half of its own type `V`: `Key<S, E, Apart<V>>`"
)]
pub trait Halves<E>: Keeping {
    /// The decrypting (verifying) half.
    type Decrypting;

    /// Finds the decrypting half.
    #[doc(hidden)]
    fn decrypting<B, N>(kept: &Kept<B, N, E, Self>) -> &Arc<Self::Decrypting>
    where
        Self: Sized;
}

/// Keeps one half that does both, as a symmetric key does.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a marker has no values, now or ever")]
pub enum Same {}

/// Keeps the decrypting half `V` apart, as a pair of a private and a public key does.
pub struct Apart<V>(Never, PhantomData<fn() -> V>);

impl<V> fmt::Debug for Apart<V> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

/// How halves are kept, without a word on the encrypting one: so a key may vary in it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made a way to keep the halves of a key",
    label = "remove this impl: the ways are a closed set, `Same` and `Apart<V>`",
    note = "a symmetric key has one half for both: `Key<S, M>`, made by `Key::new`",
    note = "a pair has a decrypting half of its own type `V`: `Key<S, E, Apart<V>>`, made by `Key::new_pair`"
)]
#[expect(unnameable_types, reason = "that is what seals `Halves`")]
pub trait Keeping {
    /// Has a value if one half does both.
    type OfSame: Witness;
    /// Has a value if the halves are apart.
    type OfApart: Witness;
    /// The pointer to a decrypting half that is kept apart.
    type Own;

    fn share(own: &Self::Own) -> Self::Own;
}

#[diagnostic::do_not_recommend]
impl Keeping for Same {
    type OfSame = ();
    type OfApart = Never;
    type Own = ();

    fn share((): &()) {}
}

#[diagnostic::do_not_recommend]
impl<V> Keeping for Apart<V> {
    type OfSame = Never;
    type OfApart = ();
    type Own = Arc<V>;

    fn share(own: &Arc<V>) -> Arc<V> {
        Arc::clone(own)
    }
}

/// The halves of a key. `B` has a value if its status holds both, `N` if not: so a retired key of a
/// pair has no room for the encrypting half.
#[expect(unnameable_types, missing_debug_implementations, reason = "only hidden items have it")]
pub struct Kept<B, N, E, D: Keeping + ?Sized> {
    encrypting: Encrypting<B, N, E, D>,
    own: D::Own,
}

enum Encrypting<B, N, E, D: Keeping + ?Sized> {
    Here(Arc<E>, Because<B, D>),
    Gone(N, D::OfApart),
}

/// Why what encrypts is here.
enum Because<B, D: Keeping + ?Sized> {
    /// It decrypts too.
    OfSame(D::OfSame),
    /// The status holds both halves.
    OfBoth(D::OfApart, B),
}

/// Both halves.
pub(crate) type Both<E, D> = Kept<(), Never, E, D>;
/// The decrypting half alone.
pub(crate) type One<E, D> = Kept<Never, (), E, D>;

#[diagnostic::do_not_recommend]
impl<E> Halves<E> for Same {
    type Decrypting = E;

    #[inline]
    fn decrypting<B, N>(kept: &Kept<B, N, E, Self>) -> &Arc<E> {
        match &kept.encrypting {
            Encrypting::Here(material, _) => material,
            Encrypting::Gone(_, never) => match *never {},
        }
    }
}

#[diagnostic::do_not_recommend]
impl<E, V> Halves<E> for Apart<V> {
    type Decrypting = V;

    #[inline]
    fn decrypting<B, N>(kept: &Kept<B, N, E, Self>) -> &Arc<V> {
        &kept.own
    }
}

impl<B, N, M> Kept<B, N, M, Same> {
    pub(crate) fn same(material: Arc<M>) -> Self {
        Self { encrypting: Encrypting::Here(material, Because::OfSame(())), own: () }
    }

    pub(crate) fn into_same(self) -> Arc<M> {
        match self.encrypting {
            Encrypting::Here(material, _) => material,
            Encrypting::Gone(_, never) => match never {},
        }
    }
}

impl<E, V> Both<E, Apart<V>> {
    pub(crate) fn pair(encrypting: Arc<E>, decrypting: Arc<V>) -> Self {
        let encrypting = Encrypting::Here(encrypting, Because::OfBoth((), ()));
        Self { encrypting, own: decrypting }
    }
}

impl<E, V> One<E, Apart<V>> {
    pub(crate) fn public(decrypting: Arc<V>) -> Self {
        Self { encrypting: Encrypting::Gone((), ()), own: decrypting }
    }
}

impl<B: Copy, N: Copy, E, D: Keeping> Kept<B, N, E, D> {
    /// The encrypting half, where the status shows that it is here.
    #[inline]
    pub(super) fn encrypting(&self, never: impl FnOnce(&N) -> &Never) -> &Arc<E> {
        match &self.encrypting {
            Encrypting::Here(material, _) => material,
            Encrypting::Gone(no, _) => match *never(no) {},
        }
    }

    /// The same halves under another status that holds both.
    pub(super) fn both(self, never: impl FnOnce(&N) -> &Never) -> Both<E, D> {
        let encrypting = match self.encrypting {
            Encrypting::Here(material, Because::OfSame(same)) => {
                Encrypting::Here(material, Because::OfSame(same))
            }
            Encrypting::Here(material, Because::OfBoth(apart, _)) => {
                Encrypting::Here(material, Because::OfBoth(apart, ()))
            }
            Encrypting::Gone(no, _) => match *never(&no) {},
        };
        Kept { encrypting, own: self.own }
    }

    /// The decrypting half alone. An encrypting half that was kept apart is dropped.
    pub(super) fn one(self) -> One<E, D> {
        let encrypting = match self.encrypting {
            Encrypting::Here(material, Because::OfSame(same)) => {
                Encrypting::Here(material, Because::OfSame(same))
            }
            Encrypting::Here(_, Because::OfBoth(apart, _)) | Encrypting::Gone(_, apart) => {
                Encrypting::Gone((), apart)
            }
        };
        Kept { encrypting, own: self.own }
    }

    /// More pointers to the same halves.
    pub(super) fn share(&self) -> Self {
        let encrypting = match &self.encrypting {
            Encrypting::Here(material, Because::OfSame(same)) => {
                Encrypting::Here(Arc::clone(material), Because::OfSame(*same))
            }
            Encrypting::Here(material, Because::OfBoth(apart, both)) => {
                Encrypting::Here(Arc::clone(material), Because::OfBoth(*apart, *both))
            }
            Encrypting::Gone(no, apart) => Encrypting::Gone(*no, *apart),
        };
        Kept { encrypting, own: D::share(&self.own) }
    }

    /// More pointers to the same halves, under a status that is found to hold as many.
    pub(super) fn share_as<B2: Witness, N2: Witness>(&self) -> Option<Kept<B2, N2, E, D>> {
        let encrypting = match &self.encrypting {
            Encrypting::Here(material, Because::OfSame(same)) => {
                Encrypting::Here(Arc::clone(material), Because::OfSame(*same))
            }
            Encrypting::Here(material, Because::OfBoth(apart, _)) => {
                Encrypting::Here(Arc::clone(material), Because::OfBoth(*apart, B2::held()?))
            }
            Encrypting::Gone(_, apart) => Encrypting::Gone(N2::held()?, *apart),
        };
        Some(Kept { encrypting, own: D::share(&self.own) })
    }
}
