import TrainingProtocol

/// A job on files: a storage machine, what its writes write, and what its end means.
///
/// Whoever drives it performs one operation after the other.
protocol StorageJob: Sendable {
    var content: [UInt8] { get }
    /// The machine's one open file.
    var file: SimulatedFileSystem.Handle? { get set }

    mutating func start(on disk: inout SimulatedDisk) throws(InvariantViolation) -> StorageEffect

    mutating func handle(
        _ result: FileResult, on disk: inout SimulatedDisk
    ) throws(InvariantViolation) -> StorageEffect
}

/// What a job on files wants next.
typealias StorageEffect = FileEffect<StorageOutcome>

/// What a job on files came to.
enum StorageOutcome: Sendable {
    case finished(JobOutcome)
    /// The journal comes back, ready for the next fact or of no use any more.
    case appended(JobOutcome, OpenJournal)
    case opened(OpenedRun)
}

/// The journal of a coordinator that lives.
struct OpenJournal: Sendable {
    var machine = JournalMachine(path: SimulatedDisk.journal)
    var file: SimulatedFileSystem.Handle?
}

extension StorageJob {
    func failed(_ failure: FileFailure) -> StorageEffect {
        .finish(.finished(.failed(JobFailure(failure))))
    }

    func failed(_ explanation: String) -> StorageEffect {
        .finish(.finished(.failed(JobFailure(kind: .storage, explanation: explanation))))
    }
}

extension JobFailure {
    init(_ failure: FileFailure) {
        self.init(
            kind: .storage, explanation: "\(failure.operation.name) failed: \(failure.path)")
    }
}
