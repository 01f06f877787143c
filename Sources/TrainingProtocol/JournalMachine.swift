/// A journal of lines, each on disk before its fact may be published.
///
/// The process that wrote it may have died before its fsync, or lived to see that fail, and what a
/// failed fsync lost can still be read: so whoever opens a journal writes what he finds anew before
/// he believes it. After a failed append the line is taken back as far as the disk lets us, and the
/// journal is of no use any more: nothing later is claimed.
package struct JournalMachine: Sendable {
    package typealias Effect = FileEffect<Outcome>

    package enum Outcome: Hashable, Sendable {
        /// The whole lines that can be read; `tornByteCount` bytes behind them are to be cut off.
        case found([UInt8], tornByteCount: Int)
        /// What was found is on disk, and lines may be appended.
        case opened
        /// The line is on disk.
        case durable
        case failed(FileFailure)
    }

    private enum Stage {
        case closed
        case reading(FileOperation)
        case found
        case renewing(AtomicWriteMachine)
        case reopening(FileOperation)
        case ready
        case appending(FileOperation)
        /// After this error.
        case unusable(FileFailure)
        case takingBack(FileOperation, FileFailure)
    }

    private let path: String
    private var stage = Stage.closed
    private var found: (lines: [UInt8], tornByteCount: Int) = ([], 0)
    private var durableByteCount = 0
    private var lineByteCount = 0
    private var offset = 0

    package init(path: String) { self.path = path }

    /// Reads what is there; creates the file where it is missing.
    package mutating func open() -> Effect {
        guard case .closed = stage else { preconditionFailure("\(path) is opened twice") }
        return reading(.openToAppend(path))
    }

    /// Writes the machine's content, which must be the lines that were found, as a new file in the
    /// journal's place, and opens that.
    package mutating func renew() -> Effect {
        guard case .found = stage else { preconditionFailure("\(path) is renewed in \(stage)") }
        #if PLANTED_JOURNAL_FOUND_NOT_SYNCHRONISED
            if found.tornByteCount == 0 { return reopening() }
        #endif
        var writer = AtomicWriteMachine(
            path: path, temporaryPath: path + ".new", byteCount: durableByteCount)
        let effect = writer.start()
        return renewing(writer, effect)
    }

    /// Appends the machine's content as one line.
    package mutating func append(byteCount: Int) -> Effect {
        switch stage {
        case .unusable(let failure):
            return .finish(.failed(failure))
        case .ready:
            precondition(byteCount > 0, "\(path): a line of \(byteCount) bytes")
            (lineByteCount, offset) = (byteCount, 0)
            return appending(.write(offset: 0, byteCount: byteCount))
        default:
            preconditionFailure("\(path): an append in \(stage)")
        }
    }

    package mutating func handle(_ result: FileResult) -> Effect {
        switch stage {
        case .reading(let operation):
            guard let result = operation.meaning(of: result) else { return .perform(operation) }
            return advanceReading(operation, result)
        case .renewing(var writer):
            let effect = writer.handle(result)
            return renewing(writer, effect)
        case .reopening(let operation):
            guard let result = operation.meaning(of: result) else { return .perform(operation) }
            return finishOpening(operation, result)
        case .appending(let operation):
            guard let result = operation.meaning(of: result) else { return .perform(operation) }
            return advanceAppending(operation, result)
        case .takingBack(let operation, let failure):
            // Whatever became of it: the append has failed.
            guard operation.meaning(of: result) != nil else { return .perform(operation) }
            return fail(failure)
        case .closed, .found, .ready, .unusable:
            preconditionFailure("\(path): \(result) in \(stage)")
        }
    }

    // MARK: Opening

    private mutating func advanceReading(
        _ operation: FileOperation, _ result: FileResult
    ) -> Effect {
        switch (operation, result) {
        case (_, .failed(let error)):
            return fail(FileFailure(error, during: operation, path: path))
        case (.openToAppend, _):
            return reading(.read)
        case (.read, .read(let bytes)):
            durableByteCount = Self.wholeByteCount(of: bytes)
            found = (Array(bytes[..<durableByteCount]), bytes.count - durableByteCount)
            return reading(.close)
        default:
            precondition(operation == .close, "\(path): \(result) of \(operation)")
            stage = .found
            return .finish(.found(found.lines, tornByteCount: found.tornByteCount))
        }
    }

    private mutating func reading(_ operation: FileOperation) -> Effect {
        stage = .reading(operation)
        return .perform(operation)
    }

    private mutating func renewing(
        _ writer: AtomicWriteMachine, _ effect: AtomicWriteMachine.Effect
    ) -> Effect {
        switch effect {
        case .perform(let operation):
            stage = .renewing(writer)
            return .perform(operation)
        case .finish(.failed(let failure)): return fail(failure)
        case .finish(.durable): return reopening()
        }
    }

    private mutating func reopening() -> Effect {
        let operation = FileOperation.openToAppend(path)
        stage = .reopening(operation)
        return .perform(operation)
    }

    private mutating func finishOpening(
        _ operation: FileOperation, _ result: FileResult
    ) -> Effect {
        if case .failed(let error) = result {
            return fail(FileFailure(error, during: operation, path: path))
        }
        stage = .ready
        found = ([], 0)
        return .finish(.opened)
    }

    private mutating func fail(_ failure: FileFailure) -> Effect {
        stage = .unusable(failure)
        return .finish(.failed(failure))
    }

    /// Length of the lines that an append may have completed.
    ///
    /// The last one does not count where its
    /// newline is missing, or where it holds zeros: blocks that never reached the disk.
    private static func wholeByteCount(of bytes: [UInt8]) -> Int {
        #if PLANTED_TORN_END_KEPT
            return bytes.count
        #else
            let newline = UInt8(ascii: "\n")
            guard let end = bytes.lastIndex(of: newline) else { return 0 }
            let start = bytes[..<end].lastIndex(of: newline).map { $0 + 1 } ?? 0
            return bytes[start...end].contains(0) ? start : end + 1
        #endif
    }

    // MARK: Appending

    private mutating func advanceAppending(
        _ operation: FileOperation, _ result: FileResult
    ) -> Effect {
        switch result {
        case .failed(let error):
            return takeBack(FileFailure(error, during: operation, path: path))
        case .wrote(let count):
            guard (1...lineByteCount - offset).contains(count) else {
                return takeBack(FileFailure(.inputOutput, during: operation, path: path))
            }
            offset += count
            guard offset < lineByteCount else {
                #if PLANTED_JOURNAL_NOT_SYNCHRONISED
                    return finishAppending()
                #else
                    return appending(.synchronise)
                #endif
            }
            return appending(.write(offset: offset, byteCount: lineByteCount - offset))
        default:
            precondition(operation == .synchronise, "\(path): \(result) of \(operation)")
            return finishAppending()
        }
    }

    private mutating func finishAppending() -> Effect {
        durableByteCount += lineByteCount
        stage = .ready
        return .finish(.durable)
    }

    private mutating func takeBack(_ failure: FileFailure) -> Effect {
        let operation = FileOperation.truncate(byteCount: durableByteCount)
        stage = .takingBack(operation, failure)
        return .perform(operation)
    }

    private mutating func appending(_ operation: FileOperation) -> Effect {
        stage = .appending(operation)
        return .perform(operation)
    }
}
