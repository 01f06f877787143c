import Checkpoints
import Hashes
import Ledger
import TrainingProtocol

/// Compares a run's checkpoints with its ledger.
struct CheckpointAudit {
    enum Outcome {
        case sound
        /// Retention deleted it meanwhile.
        case gone
    }

    private let directory: CheckpointDirectory
    private let plan: RunPlan
    private let description: RunDescription
    private let ledger: LedgerVerification
    /// Of the chunks that no step had trained when a checkpoint was written, by chunk.
    private var initial: [Int: (hash: Digest, version: Int)] = [:]

    init(
        _ directory: CheckpointDirectory, _ plan: RunPlan, _ description: RunDescription,
        _ ledger: LedgerVerification
    ) {
        self.directory = directory
        self.plan = plan
        self.description = description
        self.ledger = ledger
    }

    /// Reads and checks the checkpoint of a version; to be called from the oldest to the newest.
    ///
    /// Throws `LedgerError.violation`.
    mutating func check(version: Int) throws -> Outcome {
        let checkpoint: Checkpoint
        do throws(CheckpointError) {
            checkpoint = try directory.open(step: version)
        } catch {
            guard try directory.steps().contains(version) else { return .gone }
            throw Self.violation(.checkpoint, directory, version, "\(error)")
        }
        guard version <= ledger.recordedThrough else {
            throw Self.violation(
                .checkpoint, directory, version,
                "it is newer than the ledger, which ends at version \(ledger.recordedThrough)")
        }
        let manifest = checkpoint.manifest
        guard manifest.configurationSHA256 == description.hash.description,
            manifest.tensors == plan.tensorEntries
        else {
            throw Self.violation(
                .checkpoint, directory, version,
                "its configuration or its list of tensors is not that of the run")
        }
        for chunk in plan.chunkPlan.chunks {
            try compare(chunk, hash(of: chunk, in: checkpoint), version)
        }
        return .sound
    }

    private mutating func compare(_ chunk: Chunk, _ found: Digest, _ version: Int) throws {
        let id = chunk.id.index
        let expected: Digest
        let source: String
        if let hash = ledger.hash(ofChunk: id, at: UInt64(version)) {
            expected = Digest(hash)
            source = "the ledger"
        } else if let known = initial[id] {
            expected = known.hash
            source = "checkpoint \(known.version), and no step has trained it"
        } else {
            initial[id] = (found, version)
            return
        }
        guard found == expected else {
            throw Self.violation(
                .checkpointHash, directory, version, chunk: id,
                "its values have XXH3 \(found) instead of the \(expected) of \(source)")
        }
    }

    private func hash(of chunk: Chunk, in checkpoint: Checkpoint) throws -> Digest {
        var values = [Float](repeating: 0, count: chunk.elementCount)
        for piece in plan.pieces(of: chunk) {
            let range = piece.chunkOffset..<piece.chunkOffset + piece.count
            try values.withUnsafeMutableBufferPointer {
                try checkpoint.read(
                    piece.tensor.entry, from: piece.tensorOffset,
                    into: UnsafeMutableBufferPointer(rebasing: $0[range]))
            }
        }
        return values.withUnsafeBytes { Digest(of: $0) }
    }

    /// A run's description as the checkpoint of a version holds it.
    ///
    /// Throws `LedgerError.violation` where its manifest cannot be read.
    static func description(
        _ directory: CheckpointDirectory, version: Int
    ) throws -> RunDescription {
        do {
            let manifest = try Checkpoint(directory: directory.path(of: version)).manifest
            let found = SHA256.hash(manifest.configuration.utf8)
            guard found == manifest.configurationSHA256 else {
                throw violation(
                    .checkpoint, directory, version,
                    "its configuration has SHA-256 \(found) instead of "
                        + manifest.configurationSHA256)
            }
            return try RunDescription(text: manifest.configuration)
        } catch let error as CheckpointError {
            throw violation(.checkpoint, directory, version, "\(error)")
        }
    }

    private static func violation(
        _ rule: LedgerViolation.Rule, _ directory: CheckpointDirectory, _ version: Int,
        chunk: Int? = nil, _ problem: String
    ) -> LedgerError {
        .violation(
            file: directory.path,
            LedgerViolation(rule, chunk: chunk, checkpoint: UInt64(version), problem))
    }
}
