import TrainingProtocol

/// What a process has to do on files: one job after the other, one operation at a time.
struct StorageQueue: Sendable {
    enum Work: Sendable {
        case opening
        case journal(JournalEntry)
        case files(any StorageJob)
        case ledger(LedgerChange)
    }

    enum LedgerChange: Sendable {
        case append([StepRecord])
        case cut(Version)
    }

    /// The first one is under way.
    var waiting: [(id: JobID?, work: Work)] = []
    /// What is under way, and the operation that it waits for.
    var job: (any StorageJob)?
    var operation: FileOperation?
    /// Of a coordinator, once it is open.
    var journal: OpenJournal?
}
