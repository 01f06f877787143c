import TrainingProtocol

/// Appends one fact to the journal.
struct JournalAppend: StorageJob {
    let content: [UInt8]
    private let line: Int
    private var journal: OpenJournal

    init(_ fact: JournalEntry, to journal: OpenJournal, on disk: inout SimulatedDisk) {
        (line, content) = disk.line(of: fact)
        self.journal = journal
    }

    var file: SimulatedFileSystem.Handle? {
        get { journal.file }
        set { journal.file = newValue }
    }

    mutating func start(
        on disk: inout SimulatedDisk
    ) throws(InvariantViolation) -> StorageEffect {
        let effect = journal.machine.append(byteCount: content.count)
        return try follow(effect, on: &disk)
    }

    mutating func handle(
        _ result: FileResult, on disk: inout SimulatedDisk
    ) throws(InvariantViolation) -> StorageEffect {
        let effect = journal.machine.handle(result)
        return try follow(effect, on: &disk)
    }

    private func follow(
        _ effect: JournalMachine.Effect, on disk: inout SimulatedDisk
    ) throws(InvariantViolation) -> StorageEffect {
        switch effect {
        case .perform(let operation): return .perform(operation)
        case .finish(.durable):
            try disk.acknowledge(line: line)
            return .finish(.appended(.journaled, journal))
        case .finish(.failed(let failure)):
            return .finish(.appended(.failed(JobFailure(failure)), journal))
        case .finish(let outcome): preconditionFailure("an append that came to \(outcome)")
        }
    }
}
