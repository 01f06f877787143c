import Networks
import Tensors

/// The convolutional corrector of a slot: trained on the labelled images, applied to the weak ones.
///
/// It has no batch norm, so the two halves do not influence each other and the weak half needs no
/// backward pass.
final class CorrectorPlans {
    private let labelled: Half
    private let weak: Half?
    private let reach: PhaseNetworks.Reach
    /// Statistics of a network that has none.
    private let noStatistics = UnsafeMutablePointer<Float>.allocate(capacity: 1)
    /// Corrected logits of the whole slot and their gradient, `[batch, height, width, classes]`.
    let logits: UnsafeMutableBufferPointer<Float>
    let logitsGradient: UnsafeMutableBufferPointer<Float>

    private struct Half {
        let plan: Plan
        let network: CorrectorGraph
    }

    init(_ networks: PhaseNetworks.Correctors, pool: ThreadPool, products: ProductEngine) {
        reach = networks.reach
        labelled = Half(
            plan: Plan(
                networks.labelled.graph, outputs: [networks.labelled.logits], mode: .training,
                pool: pool, inputGradients: networks.inputGradients, products: products),
            network: networks.labelled)
        weak = networks.weak.map {
            Half(
                plan: Plan(
                    $0.graph, outputs: [$0.logits], mode: .evaluation, pool: pool,
                    products: products),
                network: $0)
        }
        let count = networks.logitCount
        logits = .allocate(capacity: count)
        logits.initialize(repeating: 0)
        logitsGradient = .allocate(capacity: count)
        logitsGradient.initialize(repeating: 0)
        noStatistics.initialize(to: 0)
    }

    deinit {
        logits.deallocate()
        logitsGradient.deallocate()
        noStatistics.deallocate()
    }

    /// Fills ``logits`` from the logits of both models, `[batch, height, width, classes]`.
    func forward(
        primary: UnsafePointer<Float>, ancillary: UnsafePointer<Float>, _ parameters: FlatBuffers
    ) {
        var first = 0
        for half in [labelled, weak].compactMap({ $0 }) {
            let input = half.plan.input(half.network.primary)
            let count = input.count
            input.baseAddress!.update(from: primary + first, count: count)
            half.plan.input(half.network.ancillary).baseAddress!
                .update(from: ancillary + first, count: count)
            half.plan.forward(
                weights: UnsafePointer(parameters[.corrector].baseAddress!),
                statistics: UnsafePointer(noStatistics), dropoutKey: 0)
            let output = half.plan.output(half.network.logits)
            (logits.baseAddress! + first).update(from: output.baseAddress!, count: output.count)
            first += count
        }
    }

    /// Takes ``logitsGradient`` through the labelled half; adds what term 3 owes to the primary to
    /// `primaryGradient`, the gradient of its logits.
    func backward(
        _ parameters: FlatBuffers, into gradients: FlatBuffers,
        primaryGradient: UnsafeMutableBufferPointer<Float>
    ) {
        let target = labelled.plan.outputGradient(labelled.network.logits)
        target.baseAddress!.update(from: logitsGradient.baseAddress!, count: target.count)
        labelled.plan.backward(
            weights: UnsafePointer(parameters[.corrector].baseAddress!),
            statistics: UnsafePointer(noStatistics),
            gradients: gradients[.corrector].baseAddress!, batchStatistics: noStatistics)
        guard reach == .primaryToo else { return }
        let owed = labelled.plan.inputGradient(labelled.network.primary)
        for index in owed.indices { primaryGradient[index] += owed[index] }
    }

    /// Share of the labelled half's outputs that the final ReLU holds at 0.
    var deadShare: Float {
        let output = labelled.plan.output(labelled.network.logits)
        let dead = output.reduce(0) { $0 + ($1 == 0 ? 1 : 0) }
        return Float(dead) / Float(output.count)
    }
}
