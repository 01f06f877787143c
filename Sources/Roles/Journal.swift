import Checkpoints
import TrainingProtocol

/// The coordinator's journal, `journal.jsonl`: one line of JSON per fact, on disk before the fact is
/// published.
package final class Journal {
    private let file: JournalFile

    private init(_ file: JournalFile) { self.file = file }

    /// Opens the journal of a run's directory and reads the facts it holds; creates it where it is
    /// missing, and cuts off what a crash left of an append that was never acknowledged.
    ///
    /// Throws `CheckpointError`: of kind `corrupt`, naming the line, where a fact is damaged or of
    /// an unknown form.
    package static func open(run: String) throws -> (journal: Journal, entries: [JournalEntry]) {
        let (file, lines) = try JournalFile.open(run + "/journal.jsonl")
        var entries: [JournalEntry] = []
        for (index, line) in lines.enumerated() {
            do throws(JournalEntry.Malformed) {
                entries.append(try JournalEntry(JournalFact(line)))
            } catch {
                throw file.damage(line: index + 1, error.description)
            }
        }
        return (Journal(file), entries)
    }

    /// Opens the journal of a new run.
    ///
    /// Throws `CheckpointError`: of kind `inUse` where it holds facts already.
    convenience init(run: String) throws {
        let (journal, entries) = try Journal.open(run: run)
        guard entries.isEmpty else {
            throw CheckpointError(
                .inUse, file: journal.file.path, "holds the facts of a run; choose another run")
        }
        self.init(journal.file)
    }

    /// Appends one fact and waits until it is on disk.
    ///
    /// Throws `CheckpointError`; from then on the journal is unusable, and throws it again.
    package func append(_ entry: JournalEntry) throws {
        try file.append(.sorted(entry.members))
    }
}

extension JournalEntry {
    /// Why a line is no fact.
    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    /// The members of the entry's line; `init(_:)` reads them back.
    fileprivate var members: [JSON.Member] {
        switch self {
        case .started(let run, let hash, let term):
            [
                .init("fact", .string("started")),
                .init("run", .string(run.description)),
                .init("configuration_sha256", .string(hash.description)),
                .init("coordinator_term", .counter(term.number)),
            ]
        case .placed(let placement):
            [.init("fact", .string("placed"))] + placement.members
        case .numericsClass(let value):
            [.init("fact", .string("numerics_class")), .init("class", .string(value.name))]
        case .backupsInSync(let shards):
            [
                .init("fact", .string("backups_in_sync")),
                .init("shards", .array(shards.map { .integer($0.index) })),
            ]
        case .checkpointCommitted(let reference):
            [.init("fact", .string("checkpoint_committed"))] + reference.members
        case .rollingBack(let reference):
            [.init("fact", .string("rolling_back"))] + reference.members
        case .workersWanted(let count):
            [.init("fact", .string("workers_wanted")), .init("workers", .integer(count))]
        case .finished(let outcome):
            [
                .init("fact", .string("finished")),
                .init("outcome", .integer(Int(outcome.rawValue))),
            ]
        }
    }

    fileprivate init(_ fact: JournalFact) throws(Malformed) {
        switch try fact.string("fact") {
        case "started":
            self = .started(
                run: try fact.runID("run"),
                configurationHash: try fact.contentHash("configuration_sha256"),
                coordinatorTerm: CoordinatorTerm(try fact.number("coordinator_term")))
        case "placed":
            self = .placed(try Placement(fact))
        case "numerics_class":
            self = .numericsClass(NumericsClass(try fact.string("class")))
        case "backups_in_sync":
            self = .backupsInSync(try fact.integers("shards").map { ShardIndex($0) })
        case "checkpoint_committed":
            self = .checkpointCommitted(try CheckpointReference(fact))
        case "rolling_back":
            self = .rollingBack(try CheckpointReference(fact))
        case "workers_wanted":
            self = .workersWanted(try fact.integer("workers"))
        case "finished":
            let number = try fact.integer("outcome")
            guard let outcome = UInt8(exactly: number).flatMap(Finish.Outcome.init) else {
                throw Malformed(description: "outcome \(number) is unknown")
            }
            self = .finished(outcome)
        case let name:
            throw Malformed(description: "fact \"\(name)\" is unknown to this build")
        }
    }
}

extension CheckpointReference {
    fileprivate var members: [JSON.Member] {
        [
            .init("version", .counter(version.index)),
            .init("manifest", .string(manifest)),
            .init("sha256", .string(hash.description)),
        ]
    }

    fileprivate init(_ fact: JournalFact) throws(JournalEntry.Malformed) {
        self.init(
            version: Version(try fact.number("version")), manifest: try fact.string("manifest"),
            hash: try fact.contentHash("sha256"))
    }
}

extension Placement {
    fileprivate var members: [JSON.Member] {
        [
            .init("shard_of_chunk", .array(shardOfChunk.map { .integer($0.index) })),
            .init("shards", .array(shards.map { .sorted($0.members) })),
            .init("servers", .array(servers.map { .sorted($0.members) })),
            .init("revision", .counter(revision)),
            .init("origin", .counter(origin)),
        ]
    }

    fileprivate init(_ fact: JournalFact) throws(JournalEntry.Malformed) {
        var servers: [Server] = []
        for server in try fact.list("servers") { servers.append(try Server(server)) }
        var shards: [Shard] = []
        for shard in try fact.list("shards") { shards.append(try Shard(shard)) }
        self.init(
            servers: servers, shards: shards,
            shardOfChunk: try fact.integers("shard_of_chunk").map { ShardIndex($0) },
            revision: try fact.number("revision"), origin: try fact.number("origin"))
    }
}

extension Placement.Server {
    fileprivate var members: [JSON.Member] {
        [
            .init("server", .integer(index.index)),
            .init("incarnation", .string(incarnation.description)),
            .init("endpoint", .string(endpoint)),
        ]
    }

    fileprivate init(_ fact: JournalFact) throws(JournalEntry.Malformed) {
        self.init(
            index: ServerIndex(try fact.integer("server")),
            incarnation: try fact.incarnation("incarnation"),
            endpoint: try fact.string("endpoint"))
    }
}

extension Placement.Shard {
    fileprivate var members: [JSON.Member] {
        [
            .init("shard", .integer(index.index)),
            .init("term", .counter(term.number)),
            .init("primary", .integer(primary.index)),
            .init("backup", backup.map { .integer($0.index) } ?? .null),
        ]
    }

    fileprivate init(_ fact: JournalFact) throws(JournalEntry.Malformed) {
        self.init(
            index: ShardIndex(try fact.integer("shard")),
            term: ShardTerm(try fact.number("term")),
            primary: ServerIndex(try fact.integer("primary")),
            backup: try fact.integerOrNull("backup").map { ServerIndex($0) })
    }
}

extension JSON {
    /// A counter of the protocol, which no run drives beyond 2^63.
    fileprivate static func counter(_ value: UInt64) -> JSON { .integer(Int(value)) }
}
