import Glibc

/// A ledger that was read whole and holds to every rule, and the hashes that it vouches for.
package struct LedgerVerification {
    package let header: LedgerHeader
    /// Steps that were skipped, of those that count.
    package private(set) var skippedCount = 0
    /// In the order in which they happened.
    package private(set) var rollBacks: [LedgerContent.RollBack] = []
    /// Whether a last line was left out because it is not whole.
    package let hasUnfinishedLine: Bool
    private let trail: LedgerTrail
    private let history: ChunkHistory

    /// The version that the entries have come to.
    package var recordedThrough: UInt64 { trail.version }

    /// The chain's hash at `recordedThrough`, in lower-case hexadecimal: equal for all runs of one
    /// configuration that came this far with the same bits.
    package var chain: String { trail.chains[Int(trail.version)] }

    /// Reads a ledger and checks every line of it; the file is left as it is.
    /// - Throws: `LedgerError` naming the first violation.
    package init(path: String, expecting header: LedgerHeader) throws(LedgerError) {
        let file: LedgerFile
        do throws(SystemCallError) {
            file = try LedgerFile(path: path, .readOnly)
        } catch {
            guard error.code != ENOENT else { throw .missing(file: path) }
            throw .inputOutput(file: path, during: "opening", error)
        }
        try self.init(file, path: path, expecting: header)
    }

    /// As the other, on any storage.
    package init(
        _ storage: any LedgerStorage, path: String, expecting expected: LedgerHeader
    ) throws(LedgerError) {
        var reader = LedgerReader(storage, path: path)
        guard let header = try reader.header(expecting: expected) else {
            throw .violation(
                file: path, LedgerViolation(.form, line: 1, "the file holds no whole line"))
        }
        self.header = header
        var history = ChunkHistory(chunkCount: header.chunks.count)
        var redone = RedoneSteps(header.numerics)
        var skips: [UInt64] = []
        while let line = try reader.next() {
            do throws(LedgerViolation) {
                switch try reader.trail.content(of: line, number: reader.lineCount) {
                case .header: preconditionFailure("line \(reader.lineCount) is a second header")
                case .entry(let entry):
                    try StepCheck(header: header, entry: entry, line: reader.lineCount).check()
                    try redone.take(entry.step, chain: line.chain, line: reader.lineCount)
                    try history.take(entry, line: reader.lineCount)
                    if entry.decision == .skip { skips.append(entry.step) }
                case .rollBack(let rollBack):
                    redone.take(rollBack)
                    history.take(rollBack)
                    skips.removeAll { $0 >= rollBack.to }
                    rollBacks.append(rollBack)
                }
            } catch {
                throw .violation(file: path, error)
            }
        }
        skippedCount = skips.count
        hasUnfinishedLine = reader.unfinishedByteCount > 0
        trail = reader.trail
        self.history = history
    }

    /// The hash of a chunk's values at a version; nil where no step before it trained the chunk.
    package func hash(ofChunk chunk: Int, at version: UInt64) -> UInt64? {
        history.hash(ofChunk: chunk, at: version)
    }
}

/// The hashes that each chunk had, by step.
private struct ChunkHistory {
    private struct Change {
        var step: UInt64
        var hash: UInt64
    }

    /// By chunk; steps ascend.
    private var changes: [[Change]]

    init(chunkCount: Int) { changes = Array(repeating: [], count: chunkCount) }

    mutating func take(_ entry: LedgerEntry, line: Int) throws(LedgerViolation) {
        for new in entry.chunkHashes {
            if entry.decision == .skip, let old = changes[new.chunk].last, old.hash != new.hash {
                throw LedgerViolation(
                    .skip, line: line, step: entry.step, chunk: new.chunk,
                    "the step was skipped, but the chunk has another hash than before it")
            }
            changes[new.chunk].append(Change(step: entry.step, hash: new.hash))
        }
    }

    mutating func take(_ rollBack: LedgerContent.RollBack) {
        for chunk in changes.indices {
            while let last = changes[chunk].last, last.step >= rollBack.to {
                changes[chunk].removeLast()
            }
        }
    }

    func hash(ofChunk chunk: Int, at version: UInt64) -> UInt64? {
        let changes = changes[chunk]
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].step < version { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? changes[low - 1].hash : nil
    }
}

/// What steps came to before a roll-back took them back.
private struct RedoneSteps {
    private let numerics: LedgerHeader.Numerics
    /// By step, of the steps that count.
    private var chains: [String] = []
    private var chainBeforeRollBack: [UInt64: String] = [:]

    init(_ numerics: LedgerHeader.Numerics) { self.numerics = numerics }

    mutating func take(_ rollBack: LedgerContent.RollBack) {
        for step in rollBack.to..<rollBack.from { chainBeforeRollBack[step] = chains[Int(step)] }
        chains.removeLast(Int(rollBack.from - rollBack.to))
    }

    mutating func take(_ step: UInt64, chain: String, line: Int) throws(LedgerViolation) {
        chains.append(chain)
        guard let before = chainBeforeRollBack.removeValue(forKey: step), before != chain,
            numerics == .strict
        else { return }
        throw LedgerViolation(
            .redone, line: line, step: step,
            "it was done again after a roll-back and came to another result")
    }
}
