import TrainingProtocol

/// What a coordinator reads before it begins.
struct OpenedRun: Sendable {
    let journal: OpenJournal
    let facts: [JournalEntry]
    let start: CheckpointReference
}

/// Finds the newest checkpoint and opens the journal, as a coordinator does when it starts.
struct RunOpening: StorageJob {
    /// The journal's lines, once they were found.
    private(set) var content: [UInt8] = []
    private var search = CheckpointSearch()
    private var start: CheckpointReference?
    private var journal = OpenJournal()

    /// The search opens none.
    var file: SimulatedFileSystem.Handle? {
        get { journal.file }
        set { journal.file = newValue }
    }

    mutating func start(on disk: inout SimulatedDisk) throws(InvariantViolation) -> StorageEffect {
        search.start(on: &disk)
    }

    mutating func handle(
        _ result: FileResult, on disk: inout SimulatedDisk
    ) throws(InvariantViolation) -> StorageEffect {
        if let start {
            let effect = journal.machine.handle(result)
            return try follow(effect, from: start, on: &disk)
        }
        let effect = try search.handle(result, on: &disk)
        guard case .finish(.finished(.checkpointFound(let found))) = effect else { return effect }
        start = found
        let opening = journal.machine.open()
        return try follow(opening, from: found, on: &disk)
    }

    private mutating func follow(
        _ effect: JournalMachine.Effect, from start: CheckpointReference,
        on disk: inout SimulatedDisk
    ) throws(InvariantViolation) -> StorageEffect {
        switch effect {
        case .perform(let operation): return .perform(operation)
        case .finish(.found(let lines, _)):
            content = lines
            let renewal = journal.machine.renew()
            return try follow(renewal, from: start, on: &disk)
        case .finish(.opened):
            let facts = try disk.open(content)
            return .finish(.opened(OpenedRun(journal: journal, facts: facts, start: start)))
        case .finish(.failed(let failure)): return failed(failure)
        case .finish(.durable): preconditionFailure("the journal was opened, not appended to")
        }
    }
}
