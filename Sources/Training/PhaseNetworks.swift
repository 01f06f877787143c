import Configurations
import Networks
import Tensors

/// The networks that a phase's slots run, before they are compiled.
struct PhaseNetworks {
    /// Whether the corrector's own term also reaches the primary model.
    enum Reach { case correctorAlone, primaryToo }

    /// The corrector in two halves, for the slot's labelled and its weak images.
    struct Correctors {
        let labelled: CorrectorGraph
        let weak: CorrectorGraph?
        let reach: Reach

        /// Inputs whose gradients the labelled half must give.
        var inputGradients: [Value] { reach == .primaryToo ? [labelled.primary] : [] }

        /// Elements of the whole slot's logits.
        var logitCount: Int {
            labelled.graph.shape(of: labelled.logits).count
                + (weak.map { $0.graph.shape(of: $0.logits).count } ?? 0)
        }
    }

    let products: ProductEngine
    let model: SegmentationModel
    let trained: NetworkGraph
    /// The frozen ancillary model for the slot's images from `first` on.
    let frozen: (network: NetworkGraph, first: Int)?
    let correctors: Correctors?

    init(
        _ configuration: Configuration, _ phase: TrainingSchedule.Phase, _ shape: NetworkShape
    ) {
        products = ProductEngine(training: configuration)
        let side = configuration.data.crop
        let batch = phase.imagesPerSlot, labelled = phase.labelledPerSlot
        model = phase.objective == .ancillary ? .ancillary : .primary
        trained = DeepLab.network(model, shape, batch: batch, height: side, width: side)
        let first = phase.trainsCorrector ? 0 : labelled
        frozen =
            model == .primary && phase.readGroups.contains(.ancillary)
            ? (DeepLab.ancillary(shape, batch: batch - first, height: side, width: side), first)
            : nil
        let logits = trained.graph.shape(of: trained.logits)
        func corrector(_ batch: Int) -> CorrectorGraph {
            Corrector.graph(shape, batch: batch, height: logits.height, width: logits.width)
        }
        correctors =
            phase.trainsCorrector
            ? Correctors(
                labelled: corrector(labelled),
                weak: batch > labelled ? corrector(batch - labelled) : nil,
                reach: configuration.corrector.backpropToPrimary ? .primaryToo : .correctorAlone)
            : nil
    }

    /// Memory of all plans, in bytes; takes none of it.
    var planByteCount: Int {
        var sum = Plan.arenaByteCount(
            trained.graph, outputs: [trained.logits], mode: .training, products: products)
        if let (network, _) = frozen {
            sum += Plan.arenaByteCount(
                network.graph, outputs: [network.logits], mode: .evaluation, products: products)
        }
        if let correctors {
            sum += Plan.arenaByteCount(
                correctors.labelled.graph, outputs: [correctors.labelled.logits],
                mode: .training, inputGradients: correctors.inputGradients,
                products: products)
            if let weak = correctors.weak {
                sum += Plan.arenaByteCount(
                    weak.graph, outputs: [weak.logits], mode: .evaluation, products: products)
            }
        }
        return sum
    }
}

extension DeepLab {
    /// The network of a model for `[batch, height, width, 3]`.
    static func network(
        _ model: SegmentationModel, _ shape: NetworkShape, batch: Int, height: Int, width: Int
    ) -> NetworkGraph {
        switch model {
        case .primary: primary(shape, batch: batch, height: height, width: width)
        case .ancillary: ancillary(shape, batch: batch, height: height, width: width)
        }
    }
}
