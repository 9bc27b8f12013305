//! The ways in which a store may be broken. Real ones are, or could be, in each of them.

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is.
    None,

    // What a change writes.
    CreatesInactive,
    RevisionStands,
    ForgetsTags,
    /// A tag in a floating-point number of 64 bits.
    FloatTags,
    CreatesTheActiveAlone,
    DropsAdoptedTombstones,
    AdoptsWithoutTimes,
    /// A change of many rows that is cut off where a statement has too many parameters.
    WritesTheFirstHundred,
    DropsNewKeys,
    SortsNewKeys,
    AddsAsUsed,
    ForgetsAddedAt,
    ForgetsAddedIn,
    ForgetsMaterialIn,
    CountsNoIds,
    OnlyDemotes,
    OnlyPromotes,
    KeepsOldActivation,
    /// Asks for a time after the latest activation, where one that is not before it will do.
    NotInTheSameMillisecond,
    RetiresToInactive,
    RefusesToRetireOnceActive,
    /// Writes the status, and not the half of the material that is left.
    KeepsBothHalves,
    KeepsBothHalvesAndSaysOtherwise,
    KeepsHalvesOfRevoked,
    RefusesToRevokeRetired,
    KeepsRevokedAt,
    RestoresOnce,
    RewrapsNothing,
    RewrapMarksAsUsed,
    /// `UPDATE … WHERE material <> ?`.
    RewrapSkipsSameBytes,
    LosesDates,
    DatesUnknownAlone,
    RefusesToDestroyRevoked,
    KeepsDestroyed,
    ForgetsTombstone,
    ClosesWithTheActiveLeft,
    ClosesWithoutTombstones,
    ClosesUnnoticed,
    ForgetsCounts,
    KeepsCountsOfRevoked,
    ForgetsDemotions,

    // How values come back.
    /// One row for the latest tombstone.
    OneTombstone,
    TombstoneWithoutTime,
    /// A `DELETE` that finds nothing is as good as one that does.
    DestroysTwice,
    FoldsCase,
    /// `VARCHAR(64)`.
    CutsIds,
    /// Ids as paths, with one kind of slash.
    NormalisesIds,
    /// `LIKE` in the place of `=`.
    Patterns,
    Seconds,
    /// Seconds in a column of 32 bits.
    SignedSeconds,
    /// Milliseconds in a floating-point number of 32 bits.
    FloatTimes,
    /// `VARBINARY(255)`.
    CutsMaterials,
    SevenBits,
    OneRingForAll,
    /// A table of commits without a column for the ring.
    OneHistoryForAll,
    /// `DELETE … WHERE id = ?`, and not `AND ring = ?`.
    DestroysInEveryRing,

    // What one who has seen something is told.
    KnowsTheLatestTwo,
    EarlierIsUnchanged,
    ForgetsHistoryAtTheEnd,
    FollowsAnything,
    IgnoresTags,
    HalfTags,
    HalfNumbers,
    SaysAnotherRevision,
    ZeroTagIsNone,
    FindsByTagAlone,

    // What is never written.
    NoRevisionCheck,
    OnlyNumbersAreCompared,
    OnlyOlderIsStale,
    ConflictIsAnError,
    MismatchIsAConflict,
    BackdatedIsAConflict,
    CreatesAnyway,
    AdmitsTwoActive,
    ActivatesInThePast,
    BelievesReactivations,
    MismatchChangesHalf,
    /// Says that it is not known, and refuses.
    MismatchIsUnknown,
    TakenIsNotFound,
    Upserts,
    ReusesTombstones,
    SkipsNumbers,
    /// Looks into the history before it looks whether the numbers follow.
    LooksFirst,
    OpensAgain,
    ClosedIsNotFound,
    /// Looks whether the ring is closed before it looks into the history.
    ClosesItsHistory,
    IgnoresExpiry,
    ExpiresOnce,
    ExpiresWhatIsWritten,
    ExpiredIsAConflict,
    TellsTheTimeAtTimes,

    // Races.
    ChecksThenCreates,
    ChecksThenWrites,
    KnowsTheLosers,
    /// Takes a change for another's sending of the same proposal if it says the same.
    SameChangeIsCommitted,
    /// A client that tries again by itself, and reads anew before it does.
    Rebases,
    /// Merges additions, which do not hurt each other.
    MergesAdditions,
    /// Two writes, of which a reader may see the first alone.
    ShowsHalves,
    /// Some readers are one commit behind.
    LagsBehind,

    // The same proposal again.
    /// Looks into the history, and then takes its turn.
    LooksThenWrites,
    CommitsTwiceAtOnce,
    CommitsTwice,
    ResendIsAConflict,
    ResendIsUnknown,
    /// Writes, loses the answer, tries again by itself, and believes the conflict.
    BelievesItsOwnConflict,
    UnderWayIsAConflict,
    /// A history that is pruned.
    RemembersTen,
    /// A writer that loses again and again is let in.
    LetsInTheStarving,
    WritesHalfWhenDropped,
    StaysBusyWhenDropped,

    // The service's way.
    RefusesForce,
    FindsTagsNextToIt,

    // Errors.
    IsDownAndEmpty,
    IsDownAndBusy,
    IsDownForGood,
    IsDownAndKnows,
    IsDownAndSaysDone,
    NotWrittenThoughWritten,
    RefusedThoughWritten,
    DoneThoughNotWritten,
    ConflictThoughDown,
    MismatchThoughDown,

    // The history.
    ForgetsActors,
    CutsActors,
    ForgetsGrounds,
    ForceIsEmergency,
    RoundsEventTimes,
    NoEventOfDating,
    LatestEventFirst,
    EventNamesTheActiveAlone,
    EventForgetsReactivation,
    EventOfAnotherRing,
    AfterIsFromTheStart,
    AfterIsWithIt,
    StrangersGetAll,
    StrangersGetNothing,
    IgnoresTagsInHistory,
    EventOfAConflict,
    EventOfAMismatch,
    EventOfAResend,
    /// Writes the event when the revision was checked, and then the change.
    EventsOfLosers,
    EventLater,
    EventEarlier,
    NoEventWhenDropped,
    HistoryOutlivesRestore,

    // Backups, and rows that are lost.
    RestoreForgetsHistory,
    RestoreKeepsHistory,
    ResendFindsTheForgotten,
    /// Counts the rows in the place of the ids that were used.
    CountsRows,
    LooksAtRevisionsAlone,
    /// Puts the count right when it has been loaded three times.
    HealsItself,
}
