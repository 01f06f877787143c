import Checkpoints
import Configurations
import Foundation
import Ledger
import TrainingProtocol

/// A new run whose tensors are made up: what benchmarks of server and exchange begin with.
struct MadeUpRun {
    let directory: RunDirectory
    let runID = RunID(high: 0, low: 1)
    let description: RunDescription
    let plan: RunPlan
    let checkpoints: RunCheckpoints
    /// Checkpoint 0.
    let start: CheckpointReference

    /// Writes the run's checkpoint 0 and identity into a new directory.
    ///
    /// - Parameter blockCount: 2.1 MB of parameters each.
    init(_ configuration: Configuration, directory path: String, blockCount: Int) throws {
        directory = RunDirectory(path)
        description = RunDescription(
            configuration: configuration, dataset: nil, classNames: ["one", "two"])
        plan = RunPlan(madeUpFor: configuration, blockCount: blockCount)
        checkpoints = RunCheckpoints(
            run: path, runID: runID, plan: plan, description: description)
        start = try Self.writeInitial(checkpoints)
        try directory.writeIdentity(runID)
    }

    private static func writeInitial(_ checkpoints: RunCheckpoints) throws -> CheckpointReference {
        let largest = checkpoints.plan.tensors.map(\.elementCount).max() ?? 0
        let values = (0..<largest).map { Float($0 % 1009) * 1e-3 }
        let record = try values.withUnsafeBufferPointer { values in
            let planes = checkpoints.plan.tensorEntries.map { tensor in
                Shard.Plane(
                    TensorSlice(tensor), .values,
                    UnsafeBufferPointer(rebasing: values[..<tensor.elementCount]))
            }
            return try checkpoints.directory.write(
                Shard(server: 0, serverCount: 1, planes: planes, scalars: [:]), step: 0)
        }
        let manifest = try checkpoints.writeManifest(
            version: .initial, numericsClass: nil, shards: [record])
        return try checkpoints.reference(step: manifest.step)
    }

    /// The coordinator's jobs on the run's new journal and ledger.
    func openJobs() throws -> CoordinatorJobs {
        let jobs = CoordinatorJobs()
        let ledger = try Ledger.open(
            path: directory.ledgerFile,
            header: LedgerHeader(run: runID.description, plan, description))
        jobs.open(try Journal(run: directory.path), ledger, checkpoints)
        return jobs
    }

    /// A gradient of every chunk, as the one contribution of a node.
    func gradients(of node: SlotRange) -> [CommitJob.ChunkNodes] {
        plan.chunkPlan.chunks.map { chunk in
            let payload = Frame(
                gradient: (0..<chunk.elementCount).map { Float($0 % 97) * 1e-5 },
                as: plan.gradientFormat(of: chunk.id))
            return CommitJob.ChunkNodes(
                chunk: chunk.id, nodes: [CommitJob.NodePayload(node: node, payload: payload)])
        }
    }
}

extension RunPlan {
    /// Separable convolutions of 728 channels, as in Xception's middle: 77 make 41 million parameters.
    fileprivate init(madeUpFor configuration: Configuration, blockCount: Int) {
        let attributes = TensorDescription.Attributes(
            weightDecay: .applied, learningRateMultiplier: 1)
        let tensors = (0..<blockCount).flatMap { block in
            [
                ("depthwise.weight", [728, 1, 3, 3]), ("pointwise.weight", [728, 728, 1, 1]),
                ("norm.weight", [728]), ("norm.bias", [728]),
            ].map { name, shape in
                TensorDescription(
                    name: "block\(block).\(name)", group: .primary, shape: shape,
                    attributes: attributes)
            }
        }
        let phase = Phase(
            name: "main", firstStep: Step(0), stepCount: UInt64(configuration.phases.main.steps),
            trainedGroups: [.primary], readGroups: [.primary])
        self.init(
            slotCount: configuration.slots.count, samplesPerSlot: configuration.slots.batch,
            phases: [phase], tensors: tensors,
            chunkPlan: ChunkPlan(
                tensors: tensors,
                largestByteCount: configuration.protocol.chunkMebibytes << 20),
            checkpointInterval: 0, gradientCap: .greatestFiniteMagnitude,
            lag: UInt64(configuration.protocol.consistency.lag),
            gradientFormat: GradientFormat(configuration.gradients.format), lossNames: [],
            metricNames: [])
    }
}
