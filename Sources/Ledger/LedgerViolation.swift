/// The first thing that is wrong with a ledger, or with a run that it describes, and where.
package struct LedgerViolation: Error, Equatable, CustomStringConvertible {
    /// What every ledger must hold to.
    package enum Rule: String, Sendable, CaseIterable {
        /// A line is what this build would write.
        case form
        /// A line's seal follows from the line before.
        case seal
        /// The header is that of the run and its configuration.
        case header
        /// An entry's chain follows from the chain of the step before.
        case chain
        /// Steps follow one another from 0, and go back only where a roll-back says so.
        case steps
        /// A step that was done again came to the same result.
        case redone
        /// A step used V·b samples.
        case samples
        /// All shards decided alike, and as the trailer demands.
        case decision
        /// All shards saw the same trailer.
        case trailer
        /// All shards applied the same learning rate, and none where the step was skipped.
        case learningRate = "learning_rate"
        /// Each shard reports once.
        case shards
        /// A step holds the chunks that it trains, each once.
        case chunks
        /// Accepted contributions cover each slot exactly once; a skipped step has none.
        case cover
        /// An accepted contribution is a node of the canonical tree.
        case node
        /// A skipped step changes no chunk.
        case skip
        /// Checkpoints load and belong to the run.
        case checkpoint
        /// A checkpoint's chunks have the hashes of the ledger.
        case checkpointHash = "checkpoint_hash"
        /// The newest checkpoint of a finished run is at the ledger's last version.
        case end
    }

    package var rule: Rule
    /// Of the ledger, from 1.
    package var line: Int?
    package var step: UInt64?
    package var shard: Int?
    package var chunk: Int?
    /// The version of a checkpoint.
    package var checkpoint: UInt64?
    /// What was found, and what was expected.
    package var problem: String

    package init(
        _ rule: Rule, line: Int? = nil, step: UInt64? = nil, shard: Int? = nil, chunk: Int? = nil,
        checkpoint: UInt64? = nil, _ problem: String
    ) {
        self.rule = rule
        self.line = line
        self.step = step
        self.shard = shard
        self.chunk = chunk
        self.checkpoint = checkpoint
        self.problem = problem
    }

    /// The place, from the line to the chunk, the problem and the rule.
    package var description: String {
        let place = [
            line.map { "line \($0)" }, checkpoint.map { "checkpoint \($0)" },
            step.map { "step \($0)" }, shard.map { "shard \($0)" }, chunk.map { "chunk \($0)" },
        ].compactMap(\.self).joined(separator: ", ")
        return (place.isEmpty ? "" : place + ": ") + "\(problem) [\(rule.rawValue)]"
    }
}
