import TrainingProtocol

/// Training on a handful of numbers, each of which shows where it comes from: the gradient depends
/// on step, slot, chunk, place and on every parameter that was read, so that a slot that is lost,
/// counted twice, added in another order or computed from another version changes the result.
struct SyntheticWorkload: Sendable {
    let plan: RunPlan
    private let nonFiniteOneIn: UInt64
    private let seed: UInt64

    /// What a commit changes: a chunk's parameters and its optimizer state.
    struct ChunkState: Equatable, Sendable {
        var parameters: [Float]
        var momentum: [Float]
    }

    init(options: SimulationOptions, seed: UInt64) {
        nonFiniteOneIn = options.nonFiniteOneIn
        self.seed = seed
        plan = SyntheticWorkload.plan(options)
    }

    private static func plan(_ options: SimulationOptions) -> RunPlan {
        let attributes = TensorDescription.Attributes(
            weightDecay: .applied, learningRateMultiplier: 1)
        let sizes: [(Group, [Int])] = [
            (.primary, [3, 9, 2, 5]), (.ancillary, [4, 3]), (.corrector, [2]),
            (.primaryStatistics, [3]), (.ancillaryStatistics, [1]),
        ]
        let tensors = sizes.flatMap { group, counts in
            counts.enumerated().map { index, count in
                TensorDescription(
                    name: "\(group).\(index)", group: group, shape: [count],
                    attributes: attributes)
            }
        }
        let trained: [(String, [Group])] = [
            ("ancillary", [.ancillary, .ancillaryStatistics]),
            ("warmup", [.primary, .corrector, .primaryStatistics]),
            ("main", [.primary, .corrector, .primaryStatistics]),
        ]
        let phases = trained.enumerated().map { index, phase in
            Phase(
                name: phase.0, firstStep: Step(UInt64(index) * options.stepsPerPhase),
                stepCount: options.stepsPerPhase, trainedGroups: phase.1,
                readGroups: index == 2 ? Group.allCases : phase.1)
        }
        return RunPlan(
            slotCount: options.slotCount, samplesPerSlot: 4, phases: phases, tensors: tensors,
            chunkPlan: ChunkPlan(tensors: tensors, smallestByteCount: 8, largestByteCount: 20),
            checkpointInterval: options.checkpointInterval, gradientCap: 1e30, lag: options.lag,
            gradientFormat: options.gradientFormat, lossNames: ["labelled", "weak"],
            metricNames: ["dead share"])
    }

    func initialState(of chunk: ChunkID) -> ChunkState {
        let count = plan.chunkPlan[chunk].elementCount
        let parameters = (0..<count).map { number(UInt64.max, 0, chunk, $0) }
        return ChunkState(
            parameters: parameters, momentum: Array(repeating: 0, count: count))
    }

    /// In (−1, 1), of the four coordinates.
    private func number(_ step: UInt64, _ slot: Int, _ chunk: ChunkID, _ place: Int) -> Float {
        var bits = SplitMix64.mix(step &+ 0x1000)
        bits = SplitMix64.mix(bits ^ UInt64(slot))
        bits = SplitMix64.mix(bits ^ UInt64(chunk.index) << 20)
        bits = SplitMix64.mix(bits ^ UInt64(place) << 40)
        return Float(Int64(bitPattern: bits) >> 40) / Float(1 << 23)
    }

    private func isNonFinite(_ step: Step, slot: Int) -> Bool {
        guard nonFiniteOneIn > 0 else { return false }
        let bits = SplitMix64.mix(seed ^ SplitMix64.mix(step.index &* 64 &+ UInt64(slot)))
        return bits % (nonFiniteOneIn * UInt64(plan.slotCount)) == 0
    }

    /// A slot's gradients of the trained chunks, and its trailer.
    func slot(
        _ slot: Int, of step: Step, parameters: (ChunkID) -> [Float]
    ) -> (gradients: [[Float]], trailer: Trailer) {
        let read = plan.chunksRead(at: step).reduce(Float(0)) { sum, chunk in
            parameters(chunk).reduce(sum) { $0 + $1 * 0.125 }
        }
        let gradients = plan.chunksTrained(at: step).map { chunk in
            parameters(chunk).enumerated().map { place, value in
                plan.gradientFormat(of: chunk).rounded(
                    number(step.index, slot, chunk, place) + value * 0.25 + read * 0.0625)
            }
        }
        let samples = UInt64(plan.samplesPerSlot)
        if isNonFinite(step, slot: slot) {
            let trailer = Trailer.nonFinite(
                slot: slot, samples: samples, validPixels: 100, lossCount: 2, metricCount: 1)
            return (gradients, trailer)
        }
        let trailer = Trailer(
            samples: samples, validPixels: 100 + UInt64(slot), losses: [read, Float(slot)],
            metrics: [gradients.first?.first ?? 0], finiteness: .finite,
            maximumAbsoluteGradient: gradients.joined().map(\.magnitude).max() ?? 0)
        return (gradients, trailer)
    }

    /// A node's gradients and trailer, summed in the canonical tree.
    func node(
        _ node: SlotRange, of step: Step, parameters: (ChunkID) -> [Float]
    ) -> (gradients: [[Float]], trailer: Trailer) {
        let leaves = (node.lower..<node.upper).map { index in
            let value = slot(index, of: step, parameters: parameters)
            return (node: SlotRange(index, index + 1), value: value)
        }
        let formats = plan.chunksTrained(at: step).map { plan.gradientFormat(of: $0) }
        return plan.tree.reduce(leaves, to: node) { left, right in
            let sums = zip(formats, zip(left.gradients, right.gradients)).map {
                add($1.0, $1.1, as: $0)
            }
            return (sums, left.trailer + right.trailer)
        }
    }

    private func add(_ left: [Float], _ right: [Float], as format: GradientFormat) -> [Float] {
        zip(left, right).map { format.rounded($0 + $1) }
    }

    /// The update rule: momentum, reset at the start of a phase.
    func commit(
        _ state: ChunkState, _ nodes: [(node: SlotRange, value: [Float])], of chunk: ChunkID,
        at step: Step
    ) -> ChunkState {
        let root = root(of: nodes, chunk)
        let scale = 1 / Float(plan.slotCount)
        var next = begin(state, at: step)
        for place in root.indices {
            let gradient = root[place] * scale
            next.momentum[place] = next.momentum[place] * 0.5 + gradient
            next.parameters[place] -= next.momentum[place] * 0.25
        }
        return next
    }

    /// The sum over all slots.
    func root(of nodes: [(node: SlotRange, value: [Float])], _ chunk: ChunkID) -> [Float] {
        let format = plan.gradientFormat(of: chunk)
        return plan.tree.reduce(nodes, to: plan.tree.root) { add($0, $1, as: format) }
    }

    /// What happens to a chunk even when its step is skipped.
    func begin(_ state: ChunkState, at step: Step) -> ChunkState {
        guard plan.phase(of: step).firstStep == step else { return state }
        return ChunkState(
            parameters: state.parameters,
            momentum: Array(repeating: 0, count: state.momentum.count))
    }
}
