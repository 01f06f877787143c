import Ledger
import TrainingProtocol

extension LedgerEntry {
    /// What the shards reported of a step, as the ledger holds it.
    init(_ record: StepRecord) {
        let hashes = record.shards.flatMap { shard in
            shard.chunks.map { ChunkHash(chunk: $0.chunk.index, hash: $0.hash.value) }
        }
        self.init(
            step: record.step.index, decision: Decision(record.decision),
            trailer: Trailer(record.trailer),
            learningRate: record.shards.lazy.compactMap(\.learningRate?.bitPattern).first,
            chunkHashes: hashes.sorted { $0.chunk < $1.chunk },
            shards: record.shards.map(Shard.init))
    }
}

extension LedgerEntry.Shard {
    fileprivate init(_ report: StepCommitted) {
        self.init(
            index: report.shard.index, decision: .init(report.decision),
            trailer: .init(report.trailer), learningRate: report.learningRate?.bitPattern,
            stateHash: report.stateHash.value,
            trailerContributions: report.trailerContributions.map(LedgerEntry.Contribution.init),
            chunks: report.chunks.map { chunk in
                LedgerEntry.ChunkContributions(
                    chunk: chunk.chunk.index,
                    contributions: chunk.contributions.map(LedgerEntry.Contribution.init))
            })
    }
}

extension LedgerEntry.Contribution {
    fileprivate init(_ contribution: Contribution) {
        self.init(
            slots: contribution.node.lower..<contribution.node.upper,
            attempt: contribution.attempt.number,
            incarnation: contribution.incarnation.description, digest: contribution.digest.value)
    }
}

extension LedgerEntry.Decision {
    fileprivate init(_ decision: Decision) {
        switch decision {
        case .apply: self = .apply
        case .skip: self = .skip
        }
    }
}

extension LedgerEntry.Trailer {
    fileprivate init(_ trailer: Trailer) {
        self.init(
            samples: trailer.samples, validPixels: trailer.validPixels,
            isFinite: trailer.finiteness == .finite, losses: trailer.losses.map(\.bitPattern),
            metrics: trailer.metrics.map(\.bitPattern),
            maximumAbsoluteGradient: trailer.maximumAbsoluteGradient.bitPattern)
    }
}
