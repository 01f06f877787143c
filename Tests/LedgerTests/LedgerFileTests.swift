import Foundation
import Ledger
import Testing

@Suite struct LedgerFileTests {
    private let path = SampleLedger.path
    private let header = SampleLedger.header
    private let entries = SampleLedger.entries

    private func open(
        _ storage: MemoryStorage, _ header: LedgerHeader = SampleLedger.header
    ) throws -> Ledger {
        try Ledger(storage, path: path, header: header)
    }

    /// The ends of a text's lines, line feeds included.
    private func lineEnds(_ bytes: [UInt8]) -> [Int] {
        bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
    }

    @Test func `A batch costs one write and one fdatasync and reads as entries one by one`() throws
    {
        let storage = MemoryStorage()
        let ledger = try open(storage)
        #expect(ledger.recordedThrough == 0)
        let (writes, synchronisations) = (storage.writeCount, storage.synchronisationCount)
        try ledger.append(entries)
        #expect(storage.writeCount == writes + 1)
        #expect(storage.synchronisationCount == synchronisations + 1)
        #expect(ledger.recordedThrough == 5)
        #expect(try storage.bytes == SampleLedger.bytes(entries))
        #expect(storage.durableBytes == storage.bytes)
        try ledger.append([])
        #expect(storage.writeCount == writes + 1)
    }

    @Test func `A ledger that is opened again goes on where it was`() throws {
        let whole = MemoryStorage()
        let uninterrupted = try open(whole)
        try uninterrupted.append(entries)
        var storage = MemoryStorage()
        for (index, entry) in entries.enumerated() {
            let ledger = try open(storage)
            #expect(ledger.recordedThrough == UInt64(index))
            try ledger.append([entry])
            storage = MemoryStorage(storage.bytes)
        }
        #expect(storage.bytes == whole.bytes)
        #expect(try open(storage).chain == uninterrupted.chain)
    }

    @Test func `On a real file`() throws {
        let folder = NSTemporaryDirectory() + "emend-ledger-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = folder + "/" + Ledger.fileName
        #expect(throws: LedgerError.missing(file: file)) {
            try LedgerVerification(path: file, expecting: header)
        }
        try Ledger.open(path: file, header: header).append(Array(entries[..<2]))
        let torn = FileManager.default.contents(atPath: file)! + Data("{\"result\":{\"st".utf8)
        try torn.write(to: URL(fileURLWithPath: file))
        #expect(try LedgerVerification(path: file, expecting: header).hasUnfinishedLine)
        try Ledger.open(path: file, header: header).append(Array(entries[2...]))
        #expect(try FileManager.default.contents(atPath: file) == Data(SampleLedger.bytes(entries)))
        #expect(try LedgerVerification(path: file, expecting: header).recordedThrough == 5)
        #expect {
            try Ledger.open(path: folder + "/none/" + Ledger.fileName, header: header)
        } throws: { error in
            guard case LedgerError.inputOutput(_, "opening", SystemCallError(ENOENT)) = error else {
                return false
            }
            return true
        }
    }

    @Test(arguments: ["header", "entry", "roll-back"])
    func `A last line that is torn at any byte is removed and written again`(last: String) throws {
        let storage = MemoryStorage()
        let ledger = try open(storage)
        if last != "header" { try ledger.append(Array(entries[..<3])) }
        if last == "roll-back" { try ledger.cut(toVersion: 1) }
        let whole = storage.bytes
        let start = lineEnds(whole).dropLast().last ?? 0
        for end in start..<whole.count {
            let torn = MemoryStorage(Array(whole[..<end]))
            if start > 0 {
                let unchanged = try SampleLedger.verify(torn.bytes)
                #expect(unchanged.hasUnfinishedLine == (end > start))
                #expect(unchanged.recordedThrough == (last == "entry" ? 2 : 3))
            }
            let repaired = try open(torn)
            switch last {
            case "header": #expect(repaired.recordedThrough == 0)
            case "entry":
                #expect(repaired.recordedThrough == 2)
                try repaired.append([entries[2]])
            default:
                #expect(repaired.recordedThrough == 3)
                try repaired.cut(toVersion: 1)
            }
            #expect(torn.bytes == whole, "torn at \(end)")
        }
    }

    @Test func `A flipped bit in any byte is found when the ledger is opened, with its line`()
        throws
    {
        let storage = MemoryStorage()
        let ledger = try open(storage)
        try ledger.append(Array(entries[..<2]))
        try ledger.cut(toVersion: 1)
        try ledger.append([entries[1]])
        let whole = storage.bytes
        let ends = lineEnds(whole)
        // Without its line feed the last line is a torn one.
        for place in whole.indices.dropLast() {
            var damaged = whole
            damaged[place] ^= 1
            let line = ends.firstIndex { place < $0 }! + 1
            do {
                _ = try open(MemoryStorage(damaged))
                Issue.record("byte \(place) of line \(line) was changed unnoticed")
            } catch LedgerError.violation(_, let violation) {
                #expect(violation.line == line, "byte \(place): \(violation)")
            }
        }
    }

    @Test func `The ledger of another run or configuration is refused by name`() throws {
        let bytes = try SampleLedger.bytes(entries)
        for (name, change) in Self.headerChanges {
            var other = header
            change(&other)
            do {
                _ = try open(MemoryStorage(bytes), other)
                Issue.record("another \(name) was taken")
            } catch LedgerError.violation(_, let violation) {
                #expect(violation.rule == .header && violation.line == 1)
                #expect(violation.problem.hasPrefix(name), "\(violation)")
            }
        }
    }

    static let headerChanges: [(name: String, change: @Sendable (inout LedgerHeader) -> Void)] = [
        ("run", { $0.run = String(repeating: "b", count: 32) }),
        ("configuration_sha256", { $0.configurationSHA256 = String(repeating: "d", count: 64) }),
        ("slots", { $0.slotCount = 4 }),
        ("samples_per_slot", { $0.samplesPerSlot = 1 }),
        ("numerics", { $0.numerics = .loose }),
        ("phases", { $0.phases[0].name = "warmup" }),
        ("chunks", { $0.chunks[1].elementCount = 51 }),
    ]

    // MARK: Roll-back

    @Test func `After a roll-back the same steps come to the same chain`() throws {
        let storage = MemoryStorage()
        let ledger = try open(storage)
        try ledger.append(entries)
        let (chain, byteCount) = (ledger.chain, storage.bytes.count)
        try ledger.cut(toVersion: 5)
        #expect(storage.bytes.count == byteCount, "nothing to go back to")
        try ledger.cut(toVersion: 3)
        #expect(ledger.recordedThrough == 3)
        let reopened = try open(MemoryStorage(storage.bytes))
        #expect(reopened.recordedThrough == 3 && reopened.chain == ledger.chain)
        // Other workers, other ranges: only the account differs.
        try ledger.append((3..<5).map { SampleLedger.entry($0, ranges: [0..<3], worker: 9) })
        #expect(ledger.chain == chain)
        try ledger.cut(toVersion: 0)
        try ledger.append(entries)
        let verified = try SampleLedger.verify(storage.bytes)
        #expect(verified.chain == chain && verified.recordedThrough == 5)
        #expect(verified.rollBacks == [.init(from: 5, to: 3), .init(from: 5, to: 0)])
    }

    @Test func `A ledger does not go on from a version that it has not come to`() throws {
        let ledger = try open(MemoryStorage())
        try ledger.append([entries[0]])
        #expect(
            throws: LedgerError.behind(file: path, recordedThrough: 1, wanted: 2)
        ) { try ledger.cut(toVersion: 2) }
        #expect(ledger.recordedThrough == 1)
    }

    // MARK: Faults

    private enum Change {
        case append(ClosedRange<Int>)
        case cut(toVersion: UInt64)
    }

    private func perform(_ change: Change, on ledger: Ledger) throws {
        switch change {
        case .append(let steps): try ledger.append(Array(entries[steps]))
        case .cut(let version): try ledger.cut(toVersion: version)
        }
    }

    /// Opens, appends, goes back and appends; the versions that were reported as recorded.
    private func run(_ storage: MemoryStorage) -> (versions: [UInt64], failure: LedgerError?) {
        var versions: [UInt64] = []
        do {
            let ledger = try open(storage)
            versions.append(ledger.recordedThrough)
            for change in [Change.append(0...2), .cut(toVersion: 1), .append(1...1)] {
                defer { #expect(ledger.recordedThrough == versions.last) }
                try perform(change, on: ledger)
                versions.append(ledger.recordedThrough)
            }
        } catch {
            return (versions, error as? LedgerError)
        }
        return (versions, nil)
    }

    @Test func `After a failure nothing more is taken`() throws {
        // Opening an empty file reads twice, writes and synchronises: the fifth call writes.
        let storage = MemoryStorage([], .error(ENOSPC, call: 5))
        let ledger = try open(storage)
        let failure = LedgerError.inputOutput(
            file: path, during: "writing", SystemCallError(ENOSPC))
        #expect(throws: failure) { try ledger.append([entries[0]]) }
        let byteCount = storage.bytes.count
        #expect(throws: failure) { try ledger.append([entries[0]]) }
        #expect(storage.bytes.count == byteCount && ledger.recordedThrough == 0)
    }

    @Test(arguments: [ENOSPC, EIO])
    func `Whichever call fails, what was reported stays and the ledger opens again`(
        code: Int32
    ) throws {
        let sound = MemoryStorage()
        #expect(run(sound).versions == [0, 3, 1, 2])
        let torn = try SampleLedger.bytes([]) + Array("{\"result".utf8)
        for content in [[], torn] {
            var call = 0
            var failure: LedgerError?
            repeat {
                call += 1
                let storage = MemoryStorage(content, .error(code, call: call))
                let (versions, error) = run(storage)
                failure = error
                if let error {
                    guard case .inputOutput(path, _, SystemCallError(code)) = error else {
                        Issue.record("call \(call): \(error)")
                        continue
                    }
                }
                try checkSurvivors(of: storage, versions, call: call)
            } while failure != nil
            #expect(call >= 9, "nine calls at least, not \(call - 1)")
        }
    }

    /// Whatever the power left of the bytes after the last fdatasync, opening comes to the version
    /// that was reported, or to one that was about to be.
    private func checkSurvivors(
        of storage: MemoryStorage, _ versions: [UInt64], call: Int
    ) throws {
        let (durable, all) = (storage.durableBytes, storage.bytes)
        #expect(all.starts(with: durable) || durable.starts(with: all))
        let attempted: [UInt64] = [0, 3, 1, 2]
        let rest = stride(from: min(durable.count, all.count), to: all.count, by: 41)
        for end in Array(rest) + [all.count] {
            let survivor = MemoryStorage(Array(all[..<end]))
            let ledger = try open(survivor)
            let isReported = ledger.recordedThrough == versions.last ?? 0
            let next = attempted.dropFirst(versions.count).first
            // A batch may survive in part: its first entries are whole lines.
            let isAttempted =
                ledger.recordedThrough == next || (next == 3 && ledger.recordedThrough < 3)
            #expect(
                isReported || isAttempted,
                "call \(call), \(end) bytes: version \(ledger.recordedThrough)")
            try ledger.append([entries[Int(ledger.recordedThrough)]])
            #expect(try SampleLedger.violation(survivor.bytes) == nil)
        }
    }

    @Test func `Short writes and interrupted calls change nothing`() throws {
        let storage = MemoryStorage([], .nuisances)
        #expect(run(storage).failure == nil)
        let other = MemoryStorage()
        _ = run(other)
        #expect(storage.bytes == other.bytes)
    }
}
