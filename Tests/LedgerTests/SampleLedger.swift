import Foundation
import Hashes
import Ledger

/// A run of five steps with V = 3 and b = 2: two of `ancillary`, three of `main`, three chunks.
enum SampleLedger {
    static let header = LedgerHeader(
        run: String(repeating: "a", count: 32),
        configurationSHA256: String(repeating: "c", count: 64), slotCount: 3, samplesPerSlot: 2,
        numerics: .strict,
        phases: [
            .init(name: "ancillary", firstStep: 0, stepCount: 2, trainedGroups: ["ancillary"]),
            .init(
                name: "main", firstStep: 2, stepCount: 3,
                trainedGroups: ["primary", "primaryStatistics"]),
        ],
        chunks: [
            .init(group: "primary", firstElement: 0, elementCount: 100),
            .init(group: "ancillary", firstElement: 0, elementCount: 50),
            .init(group: "primaryStatistics", firstElement: 0, elementCount: 10),
        ])

    static let path = "RUN/ledger.jsonl"

    static func trailer(isFinite: Bool = true) -> LedgerEntry.Trailer {
        LedgerEntry.Trailer(
            samples: 6, validPixels: 1 << 60, isFinite: isFinite,
            losses: isFinite ? [0x3f80_0000, 0] : [0x7fc0_0000, 0x7fc0_0000], metrics: [0],
            maximumAbsoluteGradient: isFinite ? 0x3f00_0000 : 0x7f80_0000)
    }

    static func contributions(_ ranges: [Range<Int>], worker: Int, digest: UInt64)
        -> [LedgerEntry.Contribution]
    {
        ranges.enumerated().map { index, slots in
            LedgerEntry.Contribution(
                slots: slots, attempt: UInt64(7 + index),
                incarnation: hexadecimal(UInt64(worker + index), digits: 32),
                digest: digest == 0 ? 0 : digest + UInt64(index))
        }
    }

    /// A step as two shards and two workers commit it; the chunk with the largest id is the second
    /// shard's where there are two.
    static func entry(
        _ step: UInt64, skipped: Bool = false, ranges: [Range<Int>] = [0..<2, 2..<3],
        worker: Int = 1
    ) -> LedgerEntry {
        let chunks = header.trainedChunks(at: step)!
        let decision: LedgerEntry.Decision = skipped ? .skip : .apply
        let trailer = trailer(isFinite: !skipped)
        let rate = skipped ? nil : (0.01 / Double(step + 3)).bitPattern
        let shards = [0, 1].map { index in
            LedgerEntry.Shard(
                index: index, decision: decision, trailer: trailer, learningRate: rate,
                stateHash: .max - step,
                trailerContributions: contributions(ranges, worker: worker, digest: 0),
                chunks: chunks.filter { ($0 == 2) == (index == 1) }.map { chunk in
                    LedgerEntry.ChunkContributions(
                        chunk: chunk,
                        contributions: skipped
                            ? []
                            : contributions(
                                ranges, worker: worker, digest: 1000 * (step + 1) + UInt64(chunk)))
                })
        }
        return LedgerEntry(
            step: step, decision: decision, trailer: trailer, learningRate: rate,
            chunkHashes: chunks.map { .init(chunk: $0, hash: hash($0, after: step, skipped)) },
            shards: shards)
    }

    /// A skipped step keeps what the step before it left.
    private static func hash(_ chunk: Int, after step: UInt64, _ skipped: Bool) -> UInt64 {
        (skipped ? step - 1 : step) << 8 | UInt64(chunk)
    }

    static let entries = (0..<5).map { entry($0) }

    /// The bytes of a ledger that took these entries one by one.
    static func bytes(_ entries: [LedgerEntry]) throws -> [UInt8] {
        let storage = MemoryStorage()
        let ledger = try Ledger(storage, path: path, header: header)
        for entry in entries { try ledger.append([entry]) }
        return storage.bytes
    }

    static func verify(_ bytes: [UInt8], header: LedgerHeader = header) throws
        -> LedgerVerification
    {
        try LedgerVerification(MemoryStorage(bytes), path: path, expecting: header)
    }

    /// What a ledger violates; nil where it is sound.
    static func violation(_ bytes: [UInt8], header: LedgerHeader = header) throws
        -> LedgerViolation?
    {
        do {
            _ = try verify(bytes, header: header)
            return nil
        } catch LedgerError.violation(file: path, let violation) {
            return violation
        }
    }
}

/// The lines of a ledger, to be forged: hashes are computed as docs/LEDGER.md says.
struct ForgedLedger {
    enum Renewal {
        case nothing, seals, chainsAndSeals
    }

    var lines: [String]

    init(_ bytes: [UInt8]) {
        lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    mutating func replace(_ text: String, with other: String, inLine number: Int) {
        precondition(lines[number - 1].contains(text), "no \(text) in \(lines[number - 1])")
        lines[number - 1].replace(text, with: other, maxReplacements: 1)
    }

    func bytes(renewing renewal: Renewal) -> [UInt8] {
        var (chain, seal) = ("", "")
        let renewed = lines.map { line -> String in
            guard renewal != .nothing else { return line }
            let body = line.dropLast(150)
            if renewal == .chainsAndSeals {
                for (opening, end) in [
                    ("{\"training\":", ",\"run\":"), ("{\"result\":", ",\"account\":"),
                ] where body.hasPrefix(opening) {
                    let chained = body.dropFirst(opening.count)
                    let stop = chained.range(of: end)!.lowerBound
                    chain = SHA256.hash((chain + chained[..<stop]).utf8)
                }
            } else {
                chain = String(line.dropLast(76).suffix(64))
            }
            let sealed = body + ",\"chain\":\"\(chain)\""
            seal = SHA256.hash((seal + sealed).utf8)
            return sealed + ",\"seal\":\"\(seal)\"}"
        }
        return Array(renewed.map { $0 + "\n" }.joined().utf8)
    }
}
