import Checkpoints
import Dispatch
import Foundation
import Synchronization
import TrainingProtocol
import Transport

/// The jobs of a worker that computes nothing: it copies the parameters to where a network would
/// read them, and answers with gradients that it made before.
final class ExchangeJobs: JobRunner, @unchecked Sendable {
    // Sendable: everything that changes is touched on `queue` alone.
    private let queue = DispatchQueue(label: "emend.compute")
    private let plan: RunPlan
    private let gradients: [Frame]
    private let parameters: UnsafeMutableRawBufferPointer

    init(_ run: MadeUpRun) {
        plan = run.plan
        gradients = run.gradients(of: run.plan.tree.root).map { $0.nodes[0].payload }
        let byteCount = run.plan.chunkPlan.chunks.reduce(0) { $0 + $1.byteCount }
        parameters = .allocate(byteCount: byteCount, alignment: 64)
    }

    deinit { parameters.deallocate() }

    func start(_ job: Job, id: JobID, report: @escaping @Sendable (JobReport) -> Void) {
        queue.async { [self] in
            switch job {
            case .prepare: report(.finished(.prepared))
            case .place(let parameters): place(parameters)
            case .compute(let job): compute(job, report)
            default: preconditionFailure("not a worker's job: \(job)")
            }
        }
    }

    private func place(_ chunks: [ChunkParameters]) {
        for chunk in chunks {
            let place = plan.chunkPlan[chunk.chunk].firstElement * 4
            UnsafeMutableRawBufferPointer(rebasing: parameters[place...])
                .copyMemory(from: chunk.payload.bytes)
        }
    }

    private func compute(_ job: ComputeJob, _ report: @escaping @Sendable (JobReport) -> Void) {
        for chunk in job.trainedChunks.reversed() {
            let payload = gradients[chunk.index]
            report(
                .progressed(
                    .gradient(
                        ChunkGradient(chunk: chunk, digest: Digest(of: payload), payload: payload)))
            )
        }
        let trailer = Trailer(
            samples: UInt64(plan.samplesPerSlot * job.node.count), validPixels: 1, losses: [],
            metrics: [], finiteness: .finite, maximumAbsoluteGradient: 1)
        report(.finished(.computed(Computation(trailer: trailer, gradients: []))))
    }
}
