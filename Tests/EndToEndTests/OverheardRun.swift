import Foundation
import Testing
import TrainingProtocol
import Transport

/// What an eavesdropper knows of a run: its id, its shards and where they are served.
struct OverheardRun {
    struct Shard {
        let index: ShardIndex
        let term: ShardTerm
        let endpoint: Endpoint
        let chunks: [ChunkID]
    }

    let id: RunID
    let coordinator: Endpoint
    let shards: [Shard]

    /// Reads it from the run's journal.
    init(path: String) throws {
        let facts = try SyntheticData.lines(of: path + "/journal.jsonl").compactMap { line in
            try (JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["entry"]
                as? [String: Any]
        }
        func last(_ fact: String) throws -> [String: Any] {
            try #require(facts.last { $0["fact"] as? String == fact })
        }
        id = try Self.runID(#require(last("started")["run"] as? String))
        coordinator = try Endpoint(
            parsing: SyntheticData.lines(of: path + "/coordinator.endpoint")[0])
        let placed = try last("placed")
        let servers = try #require(placed["servers"] as? [[String: Any]])
        let owners = try #require(placed["shard_of_chunk"] as? [Int])
        shards = try #require(placed["shards"] as? [[String: Any]]).map { shard in
            let index = try #require(shard["shard"] as? Int)
            let primary = try #require(
                servers.first { $0["server"] as? Int == shard["primary"] as? Int })
            return Shard(
                index: ShardIndex(index), term: ShardTerm(try #require(shard["term"] as? UInt64)),
                endpoint: try Endpoint(parsing: #require(primary["endpoint"] as? String)),
                chunks: owners.indices.filter { owners[$0] == index }.map { ChunkID($0) })
        }
    }

    private static func runID(_ digits: String) throws -> RunID {
        RunID(
            high: try #require(UInt64(digits.prefix(16), radix: 16)),
            low: try #require(UInt64(digits.suffix(16), radix: 16)))
    }
}
