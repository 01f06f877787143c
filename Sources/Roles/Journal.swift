import Checkpoints
import Foundation
import TrainingProtocol

/// The coordinator's journal: one line of JSON per fact, on disk before the fact is published.
final class Journal {
    private let descriptor: Int32
    private let path: String

    /// Opens `journal.jsonl` in a run's directory for appending.
    ///
    /// Throws `CheckpointError`.
    init(run: String) throws {
        path = run + "/journal.jsonl"
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("cannot be opened") }
    }

    deinit { close(descriptor) }

    /// Appends one fact and waits until it is on disk.
    ///
    /// Throws `CheckpointError`.
    func append(_ entry: JournalEntry) throws {
        let line =
            try JSONSerialization.data(
                withJSONObject: entry.fields, options: [.sortedKeys, .withoutEscapingSlashes])
            + Data([UInt8(ascii: "\n")])
        var offset = 0
        while offset < line.count {
            let count = line[offset...].withUnsafeBytes {
                write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("cannot be written") }
            offset += count
        }
        guard fdatasync(descriptor) == 0 else { throw failure("cannot be written to the disk") }
    }

    private func failure(_ problem: String) -> CheckpointError {
        let code = errno
        return CheckpointError(
            .inputOutput, file: path, "\(problem): \(String(cString: strerror(code)))",
            systemError: code)
    }
}

extension JournalEntry {
    /// The members of the entry's line.
    fileprivate var fields: [String: Any] {
        switch self {
        case .started(let run, let hash, let term):
            [
                "fact": "started", "run": run.description,
                "configuration_sha256": hash.description, "coordinator_term": term.number,
            ]
        case .placed(let placement):
            [
                "fact": "placed", "shard_of_chunk": placement.shardOfChunk.map(\.index),
                "shards": placement.shards.map { shard in
                    [
                        "shard": shard.index.index, "term": Int(shard.term.number),
                        "primary": shard.primary.index, "backup": shard.backup?.index ?? -1,
                    ]
                },
                "servers": placement.servers.map { server in
                    [
                        "server": server.index.index,
                        "incarnation": server.incarnation.description,
                        "endpoint": server.endpoint,
                    ] as [String: Any]
                },
            ]
        case .numericsClass(let value):
            ["fact": "numerics_class", "class": value.name]
        case .backupsInSync(let shards):
            ["fact": "backups_in_sync", "shards": shards.map(\.index)]
        case .checkpointCommitted(let reference):
            ["fact": "checkpoint_committed"].merging(reference.fields) { $1 }
        case .rollingBack(let reference):
            ["fact": "rolling_back"].merging(reference.fields) { $1 }
        case .workersWanted(let count):
            ["fact": "workers_wanted", "workers": count]
        case .finished(let outcome):
            ["fact": "finished", "outcome": Int(outcome.rawValue)]
        }
    }
}

extension CheckpointReference {
    fileprivate var fields: [String: Any] {
        ["version": version.index, "manifest": manifest, "sha256": hash.description]
    }
}
