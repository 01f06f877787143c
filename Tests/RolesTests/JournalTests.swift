import Checkpoints
import Foundation
import Roles
import Testing
import TrainingProtocol

@Suite struct JournalTests {
    private static let reference = CheckpointReference(
        version: Version(1000), manifest: "checkpoints/000000001000/manifest.json",
        hash: ContentHash((0..<32).map { UInt8($0 * 8) }))

    private static let placement = Placement(
        servers: [
            .init(
                index: ServerIndex(0), incarnation: Incarnation(high: 1, low: .max),
                endpoint: "tcp://127.0.0.1:5555"),
            .init(
                index: ServerIndex(1), incarnation: Incarnation(high: 0, low: 7),
                endpoint: "tcp://[::1]:5556"),
        ],
        shards: [
            .init(
                index: ShardIndex(0), term: ShardTerm(3), primary: ServerIndex(1),
                backup: ServerIndex(0)),
            .init(index: ShardIndex(1), term: ShardTerm(1), primary: ServerIndex(0)),
        ],
        shardOfChunk: [0, 1, 1, 0].map { ShardIndex($0) })

    /// One of each case.
    private static let entries: [JournalEntry] = [
        .started(
            run: RunID(high: 0xFEDC_BA98_7654_3210, low: 1), configurationHash: reference.hash,
            coordinatorTerm: CoordinatorTerm(2)),
        .placed(placement),
        .numericsClass(NumericsClass("portable-1 \"ü\"")),
        .backupsInSync([ShardIndex(0), ShardIndex(1)]),
        .checkpointCommitted(reference),
        .rollingBack(reference),
        .workersWanted(16),
        .finished(.stopped),
    ]

    private func run() throws -> (path: String, file: URL) {
        let path = NSTemporaryDirectory() + "emend-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return (path, URL(filePath: path + "/journal.jsonl"))
    }

    @Test func `Every kind of fact is read back as it was written`() throws {
        let (path, _) = try run()
        defer { try? FileManager.default.removeItem(atPath: path) }
        for count in 0...Self.entries.count {
            let (journal, entries) = try Journal.open(run: path)
            #expect(entries == Self.entries.prefix(count).map { $0 })
            if count < Self.entries.count { try journal.append(Self.entries[count]) }
        }
    }

    @Test func `A torn end is cut off and written over`() throws {
        let (path, file) = try run()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (journal, _) = try Journal.open(run: path)
        for entry in Self.entries { try journal.append(entry) }
        try Data(contentsOf: file).dropLast(9).write(to: file)
        let (reopened, entries) = try Journal.open(run: path)
        #expect(entries == Self.entries.dropLast().map { $0 })
        try reopened.append(.finished(.failed))
        #expect(
            try Journal.open(run: path).entries
                == Self.entries.dropLast() + [.finished(.failed)])
    }

    @Test func `A damaged fact is an error that names its line`() throws {
        let (path, file) = try run()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (journal, _) = try Journal.open(run: path)
        for entry in Self.entries { try journal.append(entry) }
        let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        try Data(text.replacing("\"term\":3", with: "\"term\":2").utf8).write(to: file)
        let error = #expect(throws: CheckpointError.self) { try Journal.open(run: path) }
        #expect(error?.kind == .corrupt)
        #expect(error?.problem.hasPrefix("line 2: the sum") == true)
    }

    /// Lines whose sum fits, as another build would have written them.
    @Test(arguments: [
        ("{\"fact\":\"revolution\"}", "fact \"revolution\" is unknown"),
        ("{\"fact\":\"workers_wanted\",\"workers\":-1}", "member workers: expected a count"),
        ("{\"fact\":\"workers_wanted\"}", "member workers: expected a count, found none"),
        ("{\"fact\":\"finished\",\"outcome\":9}", "outcome 9 is unknown"),
        ("{\"fact\":\"rolling_back\",\"manifest\":\"m\",\"sha256\":\"0\",\"version\":1}", "sha256"),
        ("{\"fact\":\"placed\",\"shard_of_chunk\":[true]}", "member"),
        ("7", "member fact: expected a string, found none"),
    ])
    func `A fact of an unknown form is an error that names its line`(
        entry: String, problem: String
    ) throws {
        let (path, file) = try run()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Journal.open(run: path).journal.append(Self.entries[0])
        let (journal, _) = try JournalFile.open(file.path)
        try journal.append(Array(entry.utf8).withUnsafeBytes { try JSONParser.parse($0) })
        let error = #expect(throws: CheckpointError.self) { try Journal.open(run: path) }
        #expect(error?.problem.hasPrefix("line 2: ") == true)
        #expect(error?.problem.contains(problem) == true, "\(error!)")
    }
}
