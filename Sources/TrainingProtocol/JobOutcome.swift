/// What a job came to.
package enum JobOutcome: Equatable, Sendable {
    case prepared
    case computed(Computation)
    case loaded(LoadedShard)
    case inspected(Inspection)
    case committed(CommitResult)
    case written([WrittenFile], description: Frame)
    case collected([StatePart])
    case journaled
    case manifestWritten(CheckpointReference)
    case checkpointFound(CheckpointReference)
    case recorded
    case ledgerCut
    case failed(JobFailure)
}

/// Parts of a job's result that are of use before its end.
package enum JobProgress: Equatable, Sendable {
    /// Of a compute job: a chunk's gradient of the whole node is final.
    case gradient(ChunkGradient)
    /// Of a compute job: slots of the node that are finished.
    case slots(Int)
    /// Of a commit job: a chunk's new parameters.
    case chunk(CommittedChunk)
}

package struct ChunkGradient: Equatable, Sendable {
    package let chunk: ChunkID
    package let digest: Digest
    package let payload: Frame

    package init(chunk: ChunkID, digest: Digest, payload: Frame) {
        self.chunk = chunk
        self.digest = digest
        self.payload = payload
    }
}

package struct Computation: Equatable, Sendable {
    package let trailer: Trailer
    /// Those not yet reported as progress, in the order they shall be pushed; none at all if the
    /// trailer is not finite.
    package let gradients: [ChunkGradient]
    /// The share of the job's time that it waited for its slots' data, in thousandths.
    package let inputWaitPermille: UInt32

    package init(trailer: Trailer, gradients: [ChunkGradient], inputWaitPermille: UInt32 = 0) {
        self.inputWaitPermille = inputWaitPermille
        self.trailer = trailer
        self.gradients = gradients
    }
}

package struct LoadedShard: Equatable, Sendable {
    /// Every chunk of the shard, by id.
    package let chunks: [CommittedChunk]
    /// What the steps to come read beside them: by chunk, the oldest version first.
    package let earlier: [EarlierChunk]
    package let stateHash: Digest

    package init(
        chunks: [CommittedChunk], earlier: [EarlierChunk] = [], stateHash: Digest
    ) {
        self.chunks = chunks
        self.earlier = earlier
        self.stateHash = stateHash
    }
}

/// A chunk at a version that is not its newest one, and that some step to come still reads.
package struct EarlierChunk: Equatable, Sendable {
    package let chunk: ChunkID
    package let version: Version
    package let payload: Frame
    package let hash: Digest

    package init(chunk: ChunkID, version: Version, payload: Frame, hash: Digest) {
        self.chunk = chunk
        self.version = version
        self.payload = payload
        self.hash = hash
    }
}

package enum Inspection: UInt8, Equatable, Sendable {
    case sound = 1
    case corrupt = 2
    case nonFinite = 3
}

package struct CommittedChunk: Equatable, Sendable {
    package let chunk: ChunkID
    package let payload: Frame
    package let hash: Digest

    package init(chunk: ChunkID, payload: Frame, hash: Digest) {
        self.chunk = chunk
        self.payload = payload
        self.hash = hash
    }
}

/// The unscaled sum of a chunk's gradients over all slots of a step.
package struct ChunkRoot: Equatable, Sendable {
    package let chunk: ChunkID
    package let digest: Digest
    package let payload: Frame

    package init(chunk: ChunkID, digest: Digest, payload: Frame) {
        self.chunk = chunk
        self.digest = digest
        self.payload = payload
    }
}

package struct CommitResult: Equatable, Sendable {
    /// Chunks not yet reported as progress, by id.
    package let chunks: [CommittedChunk]
    /// Of parameters, optimizer state and statistics of the shard.
    package let stateHash: Digest
    package let learningRate: Double?
    /// The sums over all slots of each trained chunk, in the job's order; none unless wanted, and
    /// none of a skipped step.
    package let roots: [ChunkRoot]

    package init(
        chunks: [CommittedChunk], stateHash: Digest, learningRate: Double? = nil,
        roots: [ChunkRoot] = []
    ) {
        self.roots = roots
        self.chunks = chunks
        self.stateHash = stateHash
        self.learningRate = learningRate
    }
}

package struct JobFailure: Equatable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable {
        /// A file of the data set is missing, broken, or not the one in the configuration's index.
        case data = 1
        /// Writing or reading the run directory failed.
        case storage = 2
        /// The configuration cannot be run here.
        case configuration = 3
        case computation = 4
    }

    package let kind: Kind
    package let explanation: String

    package init(kind: Kind, explanation: String) {
        self.kind = kind
        self.explanation = explanation
    }
}
