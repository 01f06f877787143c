import TrainingProtocol

/// What a process has to do on files: the facts of a run, and checkpoints, beside each other.
struct Storage: Sendable {
    /// What waits for nothing but its like.
    enum Lane: Hashable, Sendable {
        /// Journal and ledger.
        case facts
        case checkpoints
    }

    private var facts = StorageQueue()
    private var checkpoints = StorageQueue()
    /// Of a coordinator, once it is open.
    var journal: OpenJournal?

    subscript(lane: Lane) -> StorageQueue {
        get { lane == .facts ? facts : checkpoints }
        set { if lane == .facts { facts = newValue } else { checkpoints = newValue } }
    }
}

/// One job after the other, one operation at a time.
struct StorageQueue: Sendable {
    enum Work: Sendable {
        case opening
        case journal(JournalEntry)
        case files(any StorageJob)
        case ledger(LedgerChange)

        var lane: Storage.Lane {
            switch self {
            case .opening, .journal, .ledger: .facts
            case .files: .checkpoints
            }
        }
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
}
