/// One committed step: what it came to, and whose contributions it used.
package struct LedgerEntry: Equatable, Sendable {
    package enum Decision: String, Sendable {
        case apply
        /// A leaf was not finite: no parameter changed.
        case skip
    }

    /// Of the root of the step's slots.
    ///
    /// Floats are kept as bit patterns, for a NaN must equal itself.
    package struct Trailer: Equatable, Sendable {
        package var samples: UInt64
        package var validPixels: UInt64
        package var isFinite: Bool
        /// Sums over the V slots.
        package var losses: [UInt32]
        /// Sums over the V slots.
        package var metrics: [UInt32]
        package var maximumAbsoluteGradient: UInt32

        package init(
            samples: UInt64, validPixels: UInt64, isFinite: Bool, losses: [UInt32],
            metrics: [UInt32], maximumAbsoluteGradient: UInt32
        ) {
            self.samples = samples
            self.validPixels = validPixels
            self.isFinite = isFinite
            self.losses = losses
            self.metrics = metrics
            self.maximumAbsoluteGradient = maximumAbsoluteGradient
        }
    }

    /// XXH3-64 of a chunk's new values.
    package struct ChunkHash: Equatable, Sendable {
        package var chunk: Int
        package var hash: UInt64

        package init(chunk: Int, hash: UInt64) {
            self.chunk = chunk
            self.hash = hash
        }
    }

    /// What one worker computed for some slots, and a commit used.
    package struct Contribution: Equatable, Sendable {
        package var slots: Range<Int>
        package var attempt: UInt64
        /// Of the worker, 32 hexadecimal digits.
        package var incarnation: String
        /// XXH3-64 of the payload; 0 for a trailer.
        package var digest: UInt64

        package init(slots: Range<Int>, attempt: UInt64, incarnation: String, digest: UInt64) {
            self.slots = slots
            self.attempt = attempt
            self.incarnation = incarnation
            self.digest = digest
        }
    }

    /// The accepted contributions to one chunk.
    package struct ChunkContributions: Equatable, Sendable {
        package var chunk: Int
        /// In slot order; empty where the step was skipped.
        package var contributions: [Contribution]

        package init(chunk: Int, contributions: [Contribution]) {
            self.chunk = chunk
            self.contributions = contributions
        }
    }

    /// What one shard reported of its commit.
    package struct Shard: Equatable, Sendable {
        package var index: Int
        package var decision: Decision
        package var trailer: Trailer
        /// Bit pattern of the rate as applied; nil where the step was skipped.
        package var learningRate: UInt64?
        /// XXH3-64 over parameters, optimizer state and statistics after the commit.
        package var stateHash: UInt64
        /// In slot order.
        package var trailerContributions: [Contribution]
        /// By id.
        package var chunks: [ChunkContributions]

        package init(
            index: Int, decision: Decision, trailer: Trailer, learningRate: UInt64?,
            stateHash: UInt64, trailerContributions: [Contribution], chunks: [ChunkContributions]
        ) {
            self.index = index
            self.decision = decision
            self.trailer = trailer
            self.learningRate = learningRate
            self.stateHash = stateHash
            self.trailerContributions = trailerContributions
            self.chunks = chunks
        }
    }

    package var step: UInt64
    package var decision: Decision
    package var trailer: Trailer
    /// Bit pattern of the rate as applied; nil where the step was skipped.
    package var learningRate: UInt64?
    /// The chunks that the step trains, of all shards, by id.
    package var chunkHashes: [ChunkHash]
    /// By index.
    package var shards: [Shard]

    package init(
        step: UInt64, decision: Decision, trailer: Trailer, learningRate: UInt64?,
        chunkHashes: [ChunkHash], shards: [Shard]
    ) {
        self.step = step
        self.decision = decision
        self.trailer = trailer
        self.learningRate = learningRate
        self.chunkHashes = chunkHashes
        self.shards = shards
    }
}
