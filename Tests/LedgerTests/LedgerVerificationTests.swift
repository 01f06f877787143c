import Ledger
import Testing

@Suite struct LedgerVerificationTests {
    private let entries = SampleLedger.entries

    @Test func `A sound ledger is summarised`() throws {
        var entries = entries
        entries[3] = SampleLedger.entry(3, skipped: true)
        entries[4].chunkHashes[0].hash = 77
        let verified = try SampleLedger.verify(SampleLedger.bytes(entries))
        #expect(verified.recordedThrough == 5)
        #expect(verified.skippedCount == 1)
        #expect(verified.rollBacks.isEmpty && !verified.hasUnfinishedLine)
        #expect(verified.hash(ofChunk: 0, at: 2) == nil, "chunk 0 is trained from step 2 on")
        #expect(verified.hash(ofChunk: 0, at: 3) == 0x200)
        #expect(verified.hash(ofChunk: 0, at: 4) == 0x200)
        #expect(verified.hash(ofChunk: 0, at: 5) == 77)
        #expect(verified.hash(ofChunk: 1, at: 0) == nil)
        #expect(verified.hash(ofChunk: 1, at: 5) == 0x101, "frozen since step 2")
    }

    @Test func `The chain does not depend on who computed what, the seals do`() throws {
        let other = (0..<5).map { (step: UInt64) in
            var entry = SampleLedger.entry(step, ranges: [0..<1, 1..<2, 2..<3], worker: 5)
            entry.shards[0].chunks += entry.shards[1].chunks
            entry.shards.removeLast()
            return entry
        }
        let bytes = try SampleLedger.bytes(entries)
        let otherBytes = try SampleLedger.bytes(other)
        #expect(bytes != otherBytes)
        #expect(try SampleLedger.verify(bytes).chain == SampleLedger.verify(otherBytes).chain)
        var changed = entries
        changed[4].chunkHashes[1].hash ^= 1
        #expect(
            try SampleLedger.verify(SampleLedger.bytes(changed)).chain
                != SampleLedger.verify(bytes).chain)
    }

    @Test func `Hashes are those of the documentation`() throws {
        let bytes = try SampleLedger.bytes(entries)
        #expect(ForgedLedger(bytes).bytes(renewing: .chainsAndSeals) == bytes)
    }

    // MARK: Forged lines

    struct Forgery: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let rule: LedgerViolation.Rule
        let line: Int
        var step: UInt64?
        var renewal = ForgedLedger.Renewal.nothing
        let forge: @Sendable (inout ForgedLedger) -> Void
    }

    static let forgeries = [
        Forgery(testDescription: "a line is changed", rule: .seal, line: 3) {
            $0.replace("\"samples\":6", with: "\"samples\":8", inLine: 3)
        },
        Forgery(testDescription: "an attempt is changed", rule: .seal, line: 3) {
            $0.replace("[0,2,7,0", with: "[0,2,8,0", inLine: 3)
        },
        Forgery(testDescription: "a line is removed", rule: .seal, line: 4) {
            $0.lines.remove(at: 3)
        },
        Forgery(testDescription: "the header is removed", rule: .seal, line: 1) {
            $0.lines.removeFirst()
        },
        Forgery(
            testDescription: "the header is removed and all is sealed anew", rule: .form, line: 1,
            renewal: .chainsAndSeals
        ) { $0.lines.removeFirst() },
        Forgery(testDescription: "two lines change places", rule: .seal, line: 3) {
            $0.lines.swapAt(2, 3)
        },
        Forgery(testDescription: "a line is repeated", rule: .seal, line: 4) {
            $0.lines.insert($0.lines[2], at: 3)
        },
        Forgery(
            testDescription: "a repeated line is sealed anew", rule: .steps, line: 4, step: 2,
            renewal: .chainsAndSeals
        ) { $0.lines.insert($0.lines[2], at: 3) },
        Forgery(
            testDescription: "a removal is sealed anew", rule: .steps, line: 3, step: 1,
            renewal: .chainsAndSeals
        ) { $0.lines.remove(at: 2) },
        Forgery(
            testDescription: "a result is changed and sealed anew", rule: .chain, line: 3, step: 1,
            renewal: .seals
        ) { $0.replace("\"samples\":6", with: "\"samples\":8", inLine: 3) },
        Forgery(
            testDescription: "a second header", rule: .form, line: 3, renewal: .chainsAndSeals
        ) { $0.lines.insert($0.lines[0], at: 2) },
        Forgery(
            testDescription: "a roll-back to a later version", rule: .steps, line: 4, step: 2,
            renewal: .chainsAndSeals
        ) {
            let hashes = $0.lines[2].suffix(150)
            $0.lines.insert("{\"roll_back\":{\"from\":2,\"to\":3}" + hashes, at: 3)
        },
        Forgery(testDescription: "a line of another kind", rule: .form, line: 2) {
            $0.lines[1] = "{}"
        },
        Forgery(testDescription: "a line without hashes", rule: .form, line: 2) {
            $0.lines[1] = String($0.lines[1].dropLast(150)) + "}"
        },
        Forgery(testDescription: "an entry without an account", rule: .form, line: 2) {
            $0.replace(",\"account\":", with: ",\"amount\":", inLine: 2)
        },
        Forgery(
            testDescription: "spaces within a line", rule: .form, line: 2, renewal: .chainsAndSeals
        ) { $0.replace("\"decision\":", with: "\"decision\": ", inLine: 2) },
        Forgery(
            testDescription: "an unknown decision", rule: .form, line: 2, renewal: .chainsAndSeals
        ) { $0.replace("\"decision\":\"apply\"", with: "\"decision\":\"guess\"", inLine: 2) },
        Forgery(
            testDescription: "a hash that is no number", rule: .form, line: 2,
            renewal: .chainsAndSeals
        ) { $0.replace("\"losses\":[\"3f800000\"", with: "\"losses\":[\"3f80000g\"", inLine: 2) },
        Forgery(
            testDescription: "a range that ends before it begins", rule: .form, line: 2,
            renewal: .chainsAndSeals
        ) { $0.replace("[0,2,7,0]", with: "[2,0,7,0]", inLine: 2) },
        Forgery(
            testDescription: "a worker that is not listed", rule: .form, line: 2,
            renewal: .chainsAndSeals
        ) { $0.replace("[0,2,7,0]", with: "[0,2,7,2]", inLine: 2) },
        Forgery(
            testDescription: "numerics of no kind", rule: .form, line: 1, renewal: .chainsAndSeals
        ) { $0.replace("\"strict\"", with: "\"lax\"", inLine: 1) },
    ]

    @Test(arguments: forgeries)
    func `A forged line is named`(_ forgery: Forgery) throws {
        var forged = ForgedLedger(try SampleLedger.bytes(entries))
        forgery.forge(&forged)
        let violation = try SampleLedger.violation(forged.bytes(renewing: forgery.renewal))
        #expect(violation?.rule == forgery.rule, "\(violation.map { "\($0)" } ?? "none")")
        #expect(violation?.line == forgery.line, "\(violation.map { "\($0)" } ?? "none")")
        if let step = forgery.step { #expect(violation?.step == step) }
    }

    @Test func `A file without a whole line is no ledger`() throws {
        #expect(try SampleLedger.violation([])?.rule == .form)
        #expect(try SampleLedger.violation(Array("{\"training\"".utf8))?.rule == .form)
    }

    @Test func `The ledger of another run is named`() throws {
        var other = SampleLedger.header
        other.run = String(repeating: "b", count: 32)
        let violation = try SampleLedger.violation(SampleLedger.bytes(entries), header: other)
        #expect(violation?.rule == .header && violation?.line == 1)
    }

    // MARK: Wrong steps

    struct Planted: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let rule: LedgerViolation.Rule
        var step: UInt64 = 2
        var shard: Int?
        var chunk: Int?
        var problem = ""
        let plant: @Sendable (inout LedgerEntry) -> Void
    }

    private static func ranges(
        _ ranges: [Range<Int>]
    ) -> @Sendable (inout LedgerEntry) -> Void {
        { entry in
            entry.shards[1].chunks[0].contributions = SampleLedger.contributions(
                ranges, worker: 1, digest: 5)
        }
    }

    static let planted = [
        Planted(testDescription: "fewer samples than V·b", rule: .samples, problem: "5 samples") {
            entry in
            entry.trailer.samples = 5
            for shard in entry.shards.indices { entry.shards[shard].trailer.samples = 5 }
        },
        Planted(testDescription: "a shard that skips", rule: .decision, shard: 1) {
            $0.shards[1].decision = .skip
        },
        Planted(testDescription: "an applied step that is not finite", rule: .decision) { entry in
            entry.trailer.isFinite = false
            for shard in entry.shards.indices { entry.shards[shard].trailer.isFinite = false }
        },
        Planted(testDescription: "a finite step that is skipped", rule: .decision) {
            $0.decision = .skip
        },
        Planted(testDescription: "a shard with another loss", rule: .trailer, shard: 1) {
            $0.shards[1].trailer.losses[0] ^= 1
        },
        Planted(testDescription: "a shard with another rate", rule: .learningRate, shard: 1) {
            $0.shards[1].learningRate = Double.nan.bitPattern
        },
        Planted(testDescription: "an applied step without a rate", rule: .learningRate) {
            $0.learningRate = nil
        },
        Planted(testDescription: "a shard that reports twice", rule: .shards) {
            $0.shards[1].index = 0
        },
        Planted(testDescription: "no shard at all", rule: .shards) { $0.shards = [] },
        Planted(testDescription: "a chunk without a hash", rule: .chunks) {
            $0.chunkHashes.removeLast()
        },
        Planted(testDescription: "a chunk that the step does not train", rule: .chunks) {
            $0.chunkHashes.insert(.init(chunk: 1, hash: 0), at: 1)
        },
        Planted(testDescription: "a chunk that no shard holds", rule: .chunks) {
            $0.shards[1].chunks = []
        },
        Planted(testDescription: "a chunk that two shards hold", rule: .chunks) { entry in
            entry.shards[1].chunks += entry.shards[0].chunks
        },
        Planted(
            testDescription: "slots missing at the start", rule: .cover, shard: 1, chunk: 2,
            problem: "slots [0, 2) are missing", plant: ranges([2..<3])),
        Planted(
            testDescription: "slots missing within", rule: .cover, shard: 1, chunk: 2,
            problem: "slots [1, 2) are missing", plant: ranges([0..<1, 2..<3])),
        Planted(
            testDescription: "slots missing at the end", rule: .cover, shard: 1, chunk: 2,
            problem: "slots [2, 3) are missing", plant: ranges([0..<2])),
        Planted(
            testDescription: "slots that count twice", rule: .cover, shard: 1, chunk: 2,
            problem: "slots [1, 2) count twice", plant: ranges([0..<2, 1..<2, 2..<3])),
        Planted(
            testDescription: "a node beside its ancestor", rule: .cover, shard: 1, chunk: 2,
            problem: "slots [0, 1) count twice", plant: ranges([0..<3, 0..<1])),
        Planted(
            testDescription: "slots beyond V", rule: .cover, shard: 1, chunk: 2,
            problem: "slots [3, 4) are beyond", plant: ranges([0..<2, 2..<4])),
        Planted(
            testDescription: "no contribution to a chunk", rule: .cover, shard: 1, chunk: 2,
            problem: "slots [0, 3) are missing", plant: ranges([])),
        Planted(
            testDescription: "an exact cover by ranges that are no nodes", rule: .node, shard: 1,
            chunk: 2, problem: "slots [1, 3) are no node", plant: ranges([0..<1, 1..<3])),
        Planted(
            testDescription: "an empty range", rule: .node, shard: 1, chunk: 2,
            problem: "slots [2, 2) are no node", plant: ranges([0..<2, 2..<2, 2..<3])),
        Planted(
            testDescription: "a trailer with a gap", rule: .cover, shard: 0,
            problem: "of its trailer, slots [2, 3) are missing"
        ) { $0.shards[0].trailerContributions.removeLast() },
        Planted(
            testDescription: "a trailer of no node", rule: .node, shard: 1,
            problem: "of its trailer"
        ) {
            $0.shards[1].trailerContributions = SampleLedger.contributions(
                [0..<1, 1..<3], worker: 1, digest: 0)
        },
        Planted(
            testDescription: "a skipped step with contributions", rule: .cover, step: 3, shard: 0,
            chunk: 0, problem: "the step was skipped"
        ) { entry in
            let contributions = entry.shards[0].chunks[0].contributions
            entry = SampleLedger.entry(3, skipped: true)
            entry.shards[0].chunks[0].contributions = contributions
        },
        Planted(
            testDescription: "a skipped step with a rate", rule: .learningRate, step: 3
        ) { entry in
            entry = SampleLedger.entry(3, skipped: true)
            entry.learningRate = 0.1.bitPattern
        },
        Planted(
            testDescription: "a skipped step that changes a chunk", rule: .skip, step: 3, chunk: 2
        ) { entry in
            entry = SampleLedger.entry(3, skipped: true)
            entry.chunkHashes[1].hash ^= 1
        },
    ]

    @Test(arguments: planted)
    func `A step that breaks a rule is named, and the first one of two`(_ planted: Planted) throws {
        var entries = entries
        planted.plant(&entries[Int(planted.step)])
        entries[4].trailer.samples = 1
        let found = try #require(try SampleLedger.violation(SampleLedger.bytes(entries)))
        #expect(found.rule == planted.rule, "\(found)")
        #expect(found.step == planted.step && found.line == Int(planted.step) + 2, "\(found)")
        #expect(found.shard == planted.shard && found.chunk == planted.chunk, "\(found)")
        #expect(found.problem.contains(planted.problem), "\(found)")
    }

    @Test func `A step beyond the run's end is named`() throws {
        var header = SampleLedger.header
        header.phases[1].stepCount = 2
        let storage = MemoryStorage()
        try Ledger(storage, path: SampleLedger.path, header: header).append(entries)
        let found = try SampleLedger.violation(storage.bytes, header: header)
        #expect(found?.rule == .steps && found?.step == 4)
    }

    @Test func `A step that is done again must come to the same result unless numerics are loose`()
        throws
    {
        for numerics in [LedgerHeader.Numerics.strict, .loose] {
            var header = SampleLedger.header
            header.numerics = numerics
            let storage = MemoryStorage()
            let ledger = try Ledger(storage, path: SampleLedger.path, header: header)
            try ledger.append(entries)
            try ledger.cut(toVersion: 2)
            try ledger.append([entries[2]])
            var other = entries[3]
            other.chunkHashes[0].hash ^= 1
            try ledger.append([other])
            let found = try SampleLedger.violation(storage.bytes, header: header)
            switch numerics {
            case .strict: #expect(found?.rule == .redone && found?.step == 3 && found?.line == 9)
            case .loose: #expect(found == nil)
            }
        }
    }

    @Test func `After a roll-back a chunk has the hash that it had`() throws {
        let storage = MemoryStorage()
        let ledger = try Ledger(storage, path: SampleLedger.path, header: SampleLedger.header)
        try ledger.append(Array(entries[..<3]))
        try ledger.append([SampleLedger.entry(3, skipped: true)])
        try ledger.cut(toVersion: 3)
        let verified = try SampleLedger.verify(storage.bytes)
        #expect(verified.recordedThrough == 3 && verified.skippedCount == 0)
        #expect(verified.hash(ofChunk: 0, at: 3) == 0x200)
    }

    @Test func `A violation says where it is`() {
        let violation = LedgerViolation(
            .cover, line: 9, step: 7, shard: 1, chunk: 3, "slots [1, 2) are missing")
        #expect(
            violation.description
                == "line 9, step 7, shard 1, chunk 3: slots [1, 2) are missing [cover]")
    }

    /// The tree's definition, spelt out: halves of a power of two, cut off at V.
    @Test(arguments: 1...17)
    func `Exactly the nodes of the canonical tree are accepted`(slotCount: Int) throws {
        var nodes: Set<Range<Int>> = []
        var width = 1
        while width < 2 * slotCount {
            for lower in stride(from: 0, to: slotCount, by: width) {
                nodes.insert(lower..<min(lower + width, slotCount))
            }
            width *= 2
        }
        var header = SampleLedger.header
        header.slotCount = slotCount
        for lower in 0..<slotCount {
            for upper in lower + 1...slotCount {
                // The range under test, and single slots around it.
                let ranges =
                    (0..<lower).map { $0..<$0 + 1 } + [lower..<upper]
                    + (upper..<slotCount).map { $0..<$0 + 1 }
                var entry = SampleLedger.entry(0, ranges: ranges)
                entry.trailer.samples = UInt64(2 * slotCount)
                for shard in entry.shards.indices { entry.shards[shard].trailer = entry.trailer }
                let storage = MemoryStorage()
                try Ledger(storage, path: SampleLedger.path, header: header).append([entry])
                let found = try SampleLedger.violation(storage.bytes, header: header)
                #expect(found?.rule == (nodes.contains(lower..<upper) ? nil : .node))
            }
        }
    }
}
