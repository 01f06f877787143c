/// A journal of lines, each on disk before its fact may be published.
///
/// Opening cuts off a torn end and makes durable what is there, for the process that wrote it may
/// have died before its fsync. After a failed append the line is taken back as far as the disk lets
/// us, and the journal is of no use any more: nothing later is claimed.
package struct JournalMachine: Sendable {
    package typealias Effect = FileEffect<Outcome>

    package enum Outcome: Hashable, Sendable {
        /// The whole lines that the journal holds; `tornByteCount` bytes behind them were cut off.
        case opened([UInt8], tornByteCount: Int)
        /// The line is on disk.
        case durable
        case failed(FileFailure)
    }

    private enum Stage {
        case closed
        case opening(FileOperation)
        case ready
        case appending(FileOperation)
        /// After this error.
        case unusable(FileFailure)
        case takingBack(FileOperation, FileFailure)
    }

    private let path: String
    private var stage = Stage.closed
    private var lines: [UInt8] = []
    private var tornByteCount = 0
    private var durableByteCount = 0
    private var lineByteCount = 0
    private var offset = 0

    package init(path: String) { self.path = path }

    package mutating func open() -> Effect {
        guard case .closed = stage else { preconditionFailure("\(path) is opened twice") }
        return opening(.openToAppend(path))
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
        case .opening(let operation):
            guard let result = operation.meaning(of: result) else { return .perform(operation) }
            return advanceOpening(operation, result)
        case .appending(let operation):
            guard let result = operation.meaning(of: result) else { return .perform(operation) }
            return advanceAppending(operation, result)
        case .takingBack(let operation, let failure):
            // Whatever became of it: the append has failed.
            guard operation.meaning(of: result) != nil else { return .perform(operation) }
            stage = .unusable(failure)
            return .finish(.failed(failure))
        case .closed, .ready, .unusable:
            preconditionFailure("\(path): \(result) in \(stage)")
        }
    }

    // MARK: Opening

    private mutating func advanceOpening(
        _ operation: FileOperation, _ result: FileResult
    ) -> Effect {
        switch (operation, result) {
        case (_, .failed(let error)):
            let failure = FileFailure(error, during: operation, path: path)
            stage = .unusable(failure)
            return .finish(.failed(failure))
        case (.openToAppend, _):
            return opening(.read)
        case (.read, .read(let bytes)):
            durableByteCount = Self.wholeByteCount(of: bytes)
            tornByteCount = bytes.count - durableByteCount
            lines = Array(bytes[..<durableByteCount])
            #if PLANTED_JOURNAL_FOUND_NOT_SYNCHRONISED
                if tornByteCount == 0 { return finishOpening() }
            #endif
            let isTorn = tornByteCount > 0
            return opening(isTorn ? .truncate(byteCount: durableByteCount) : .synchronise)
        case (.truncate, _):
            return opening(.synchronise)
        case (.synchronise, _):
            return opening(.synchroniseDirectory(parentDirectory(of: path)))
        default:
            return finishOpening()
        }
    }

    private mutating func finishOpening() -> Effect {
        stage = .ready
        let found = lines
        lines = []
        return .finish(.opened(found, tornByteCount: tornByteCount))
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

    private mutating func opening(_ operation: FileOperation) -> Effect {
        stage = .opening(operation)
        return .perform(operation)
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
