/// What an entry must hold to by itself.
struct StepCheck {
    let header: LedgerHeader
    let entry: LedgerEntry
    /// Of the entry.
    let line: Int

    /// Throws `LedgerViolation` for the first rule that is broken.
    func check() throws(LedgerViolation) {
        try checkShards()
        try checkSamples()
        try checkDecisions()
        try checkChunks()
        for shard in entry.shards {
            try checkCover(shard.trailerContributions, shard: shard.index, chunk: nil)
            for chunk in shard.chunks {
                switch entry.decision {
                case .apply:
                    try checkCover(chunk.contributions, shard: shard.index, chunk: chunk.chunk)
                case .skip where !chunk.contributions.isEmpty:
                    throw violation(
                        .cover, shard: shard.index, chunk: chunk.chunk,
                        "the step was skipped, but the chunk holds contributions")
                case .skip: break
                }
            }
        }
    }

    private func checkShards() throws(LedgerViolation) {
        let found = entry.shards.map(\.index)
        guard !found.isEmpty, found == Array(found.indices) else {
            throw violation(.shards, "reports of shards \(found): each must report once, in order")
        }
    }

    private func checkSamples() throws(LedgerViolation) {
        let due = UInt64(header.slotCount) * UInt64(header.samplesPerSlot)
        guard entry.trailer.samples == due else {
            throw violation(
                .samples,
                "\(entry.trailer.samples) samples instead of V·b = \(header.slotCount)·"
                    + "\(header.samplesPerSlot) = \(due)")
        }
    }

    private func checkDecisions() throws(LedgerViolation) {
        let due: LedgerEntry.Decision = entry.trailer.isFinite ? .apply : .skip
        guard entry.decision == due else {
            throw violation(
                .decision,
                "\(entry.decision.rawValue), but the trailer is "
                    + (entry.trailer.isFinite ? "finite" : "not finite"))
        }
        for shard in entry.shards {
            guard shard.decision == entry.decision else {
                throw violation(
                    .decision, shard: shard.index,
                    "it decided \(shard.decision.rawValue), the step \(entry.decision.rawValue)")
            }
            guard shard.trailer == entry.trailer else {
                throw violation(
                    .trailer, shard: shard.index, "its trailer is not that of the step")
            }
        }
        try checkLearningRates()
    }

    private func checkLearningRates() throws(LedgerViolation) {
        func text(_ rate: UInt64?) -> String { rate.map { "\(Double(bitPattern: $0))" } ?? "none" }
        guard (entry.learningRate != nil) == (entry.decision == .apply) else {
            throw violation(
                .learningRate,
                "\(text(entry.learningRate)) where the decision is \(entry.decision.rawValue)")
        }
        for shard in entry.shards where shard.learningRate != entry.learningRate {
            throw violation(
                .learningRate, shard: shard.index,
                "\(text(shard.learningRate)) instead of the step's \(text(entry.learningRate))")
        }
    }

    private func checkChunks() throws(LedgerViolation) {
        guard let due = header.trainedChunks(at: entry.step) else {
            throw violation(.steps, "the run has \(header.stepCount) steps")
        }
        let hashed = entry.chunkHashes.map(\.chunk)
        guard hashed == due else {
            throw violation(.chunks, "hashes of chunks \(hashed) instead of \(due)")
        }
        let held = entry.shards.flatMap { $0.chunks.map(\.chunk) }.sorted()
        guard held == due else {
            throw violation(.chunks, "the shards hold chunks \(held) instead of \(due)")
        }
    }

    private func checkCover(
        _ contributions: [LedgerEntry.Contribution], shard: Int, chunk: Int?
    ) throws(LedgerViolation) {
        let cover = SlotCover(slotCount: header.slotCount)
        let ranges = contributions.map(\.slots)
        let what = chunk == nil ? "of its trailer, " : ""
        if let problem = cover.problem(of: ranges) {
            throw violation(.cover, shard: shard, chunk: chunk, what + problem)
        }
        if let range = ranges.first(where: { !cover.isNode($0) }) {
            throw violation(
                .node, shard: shard, chunk: chunk,
                what + "slots \(cover.text(range)) are no node of the tree of "
                    + "\(header.slotCount) slots")
        }
    }

    private func violation(
        _ rule: LedgerViolation.Rule, shard: Int? = nil, chunk: Int? = nil, _ problem: String
    ) -> LedgerViolation {
        LedgerViolation(
            rule, line: line, step: entry.step, shard: shard, chunk: chunk, problem)
    }
}
