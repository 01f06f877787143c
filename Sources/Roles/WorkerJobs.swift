import CKernels
import Datasets
import Dispatch
import Foundation
import Tensors
import Training
import TrainingProtocol
import Transport

/// The jobs of a worker: prepares data and engine once, then computes nodes, one at a time.
final class WorkerJobs: JobRunner, @unchecked Sendable {
    // Sendable: everything that changes is touched on `queue` alone.
    private let queue = DispatchQueue(label: "emend.compute")
    private let dataRoot: URL?
    private let threadCount: Int
    private let kernels: UnsafePointer<ck_table>
    private var engine: Engine?

    /// What a prepared worker holds for the whole run.
    fileprivate struct Engine {
        let plan: RunPlan
        let trainer: SlotTrainer
        let parameters: FlatBuffers
        let pool: ThreadPool
        /// Memory of gradients that travel in another format than float32.
        let blocks = FloatBlocks()
        /// By phase, made when the phase is first computed.
        var gradients: GradientBuffers?
    }

    init(dataRoot: URL?, threadCount: Int, kernels: UnsafePointer<ck_table>) {
        self.dataRoot = dataRoot
        self.threadCount = threadCount
        self.kernels = kernels
    }

    func start(_ job: Job, id: JobID, report: @escaping @Sendable (JobReport) -> Void) {
        queue.async { [self] in
            do {
                switch job {
                case .prepare(let job):
                    try prepare(job)
                    report(.finished(.prepared))
                case .place(let parameters): place(parameters)
                case .compute(let job):
                    report(.finished(.computed(try compute(job, report))))
                case .load, .inspect, .commit, .snapshot, .collect, .install, .drop, .journal,
                    .writeManifest, .findCheckpoint, .record, .cutLedger:
                    preconditionFailure("not a worker's job: \(job)")
                }
            } catch {
                report(.finished(.failed(JobFailure(error))))
            }
        }
    }

    private func prepare(_ job: PrepareJob) throws {
        let description = try RunDescription(frame: job.configuration)
        let own = try RunPlan(description)
        guard own == job.plan else {
            throw RoleError.plan(
                "the coordinator's plan has \(job.plan.tensors.count) tensors in "
                    + "\(job.plan.chunkPlan.chunks.count) chunks, this worker's "
                    + "\(own.tensors.count) in \(own.chunkPlan.chunks.count)")
        }
        let source = try BatchSources.open(description, root: dataRoot)
        let pool = ThreadPool(threadCount: threadCount, kernels: kernels)
        let trainer = try SlotTrainer(description.configuration, source: source, pool: pool)
        engine = Engine(
            plan: own, trainer: trainer,
            parameters: FlatBuffers(
                trainer.tensors, groups: trainer.tensors.groups.map(\.group)),
            pool: pool, gradients: nil)
    }

    private func place(_ parameters: [ChunkParameters]) {
        guard let engine else { preconditionFailure("parameters before prepare") }
        for chunk in parameters { engine.place(chunk) }
    }

    private func compute(
        _ job: ComputeJob, _ report: @escaping @Sendable (JobReport) -> Void
    ) throws -> Computation {
        guard var engine else { preconditionFailure("compute before prepare: step \(job.step)") }
        let (phase, stepInPhase) = engine.trainer.schedule.position(ofStep: Int(job.step.index))
        let trained = engine.trainer.schedule.phases[phase].trainedGroups
        if engine.gradients?.groups != trained {
            engine.gradients = GradientBuffers(engine.trainer.tensors, groups: trained)
        }
        self.engine = engine
        guard let gradients = engine.gradients else { preconditionFailure("no gradient buffers") }
        var finished = 0
        let node = NodeComputation(
            trainer: engine.trainer, parameters: engine.parameters, gradients: gradients,
            tree: engine.plan.tree, phase: phase, stepInPhase: stepInPhase, pool: engine.pool,
            format: engine.plan.gradientFormat,
            onSlotFinished: { slot in
                finished += 1
                report(.progressed(.slots(finished)))
                if slot + 1 < job.node.upper {
                    engine.trainer.prefetch(
                        phase: phase, stepInPhase: stepInPhase, slot: slot + 1)
                }
            })
        engine.trainer.prefetch(phase: phase, stepInPhase: stepInPhase, slot: job.node.lower)
        let (begun, waited) = (ContinuousClock.now, engine.trainer.waitedForInput)
        var final = FinalChunks(engine.plan.chunkPlan, wanted: job.trainedChunks)
        let sum = try node.value(of: job.node) { group, elements, loan in
            for chunk in final.add(elements, of: group) {
                report(.progressed(.gradient(engine.gradient(of: chunk, in: loan))))
            }
        }
        let share = (engine.trainer.waitedForInput - waited) / (ContinuousClock.now - begun)
        prefetchNextStep(engine, after: job)
        return Computation(
            trailer: sum.trailer, gradients: [],
            inputWaitPermille: UInt32(1000 * min(max(share, 0), 1)))
    }

    /// The next lease is most often the same node of the next step.
    private func prefetchNextStep(_ engine: Engine, after job: ComputeJob) {
        let next = Int(job.step.index) + 1
        guard next < engine.trainer.schedule.stepCount else { return }
        let (phase, stepInPhase) = engine.trainer.schedule.position(ofStep: next)
        engine.trainer.prefetch(phase: phase, stepInPhase: stepInPhase, slot: job.node.lower)
    }
}

extension WorkerJobs.Engine {
    /// Copies a chunk that has arrived to its place in the flat buffers.
    func place(_ parameters: ChunkParameters) {
        let chunk = plan.chunkPlan[parameters.chunk]
        precondition(
            parameters.payload.byteCount == chunk.byteCount,
            "chunk \(chunk.id) has \(parameters.payload.byteCount) of \(chunk.byteCount) bytes")
        let target = self.parameters[chunk.group.tensorGroup]
        let elements = UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(target)[
                4 * chunk.firstElement..<4 * (chunk.firstElement + chunk.elementCount)])
        elements.copyMemory(from: parameters.payload.bytes)
    }

    /// A chunk of a node's sum as a frame; float32 is not copied.
    func gradient(of id: ChunkID, in loan: GradientBuffers.Loan) -> ChunkGradient {
        let chunk = plan.chunkPlan[id]
        let all = UnsafeRawBufferPointer(loan.buffers[chunk.group.tensorGroup])
        let bytes = UnsafeRawBufferPointer(
            rebasing: all[
                4 * chunk.firstElement..<4 * (chunk.firstElement + chunk.elementCount)])
        let frame =
            switch plan.gradientFormat(of: id) {
            case .float32: Frame(adopting: bytes) { _ = loan }
            case .bfloat16:
                blocks.bfloat16(
                    bytes.assumingMemoryBound(to: Float.self), kernels: pool.kernels)
            }
        return ChunkGradient(chunk: id, digest: Digest(of: frame), payload: frame)
    }
}
