import Configurations
import Datasets
import Networks
import SelfCorrection
import Tensors

/// Segments images with every model of a run, and with what its method made of them: the labels
/// that training gave to weak images in the end.
///
/// Single scale, not mirrored. One caller at a time.
public final class RunPredictor {
    /// One image, labelled at its own size.
    public struct Labelling: Sendable {
        /// The primary model's classes.
        public let primary: LabelMap
        /// The ancillary model's classes; nil where the run has no such model.
        public let ancillary: LabelMap?
        /// The classes of the corrected distribution q at the end of `main`; nil where the method
        /// corrects nothing (`supervised`, and `none`, whose q is the ancillary model's).
        public let corrected: LabelMap?
    }

    private let configuration: Configuration
    private let shape: NetworkShape
    private let parameters: FlatBuffers
    private let pool: ThreadPool
    private let primary: Predictor
    private let ancillary: Predictor?

    /// `parameters` holds all groups of the run.
    ///
    /// Throws as `Predictor` does.
    public init(
        _ configuration: Configuration, classCount: Int, parameters: FlatBuffers, pool: ThreadPool
    ) throws {
        self.configuration = configuration
        shape = try NetworkShape(configuration, classCount: classCount)
        self.parameters = parameters
        self.pool = pool
        let options = try InferenceOptions(outputStride: shape.outputStride)
        func predictor(_ model: SegmentationModel) throws -> Predictor {
            try Predictor(
                configuration, classCount: classCount, model: model, options: options, pool: pool)
        }
        primary = try predictor(.primary)
        ancillary = parameters.groups.contains(.ancillary) ? try predictor(.ancillary) : nil
    }

    /// Whether the run has an ancillary model.
    public var hasAncillary: Bool { ancillary != nil }

    /// Whether ``Labelling/corrected`` is there.
    public var corrects: Bool {
        switch configuration.method {
        case .linear, .convolutional: hasAncillary
        case .emFixed: true
        case .supervised, .none: false
        }
    }

    /// Labels of a sample by all models; its own labels are not read.
    public func labelling(of sample: Sample) -> Labelling {
        let size = sample.image.size
        let logits = primary.logits(of: sample, parameters)
        let ancillaryLogits = ancillary?.logits(of: sample, parameters)
        return Labelling(
            primary: primary.labels(from: logits, of: size),
            ancillary: ancillaryLogits.map { primary.labels(from: $0, of: size) },
            corrected: corrected(sample, logits, ancillaryLogits))
    }

    private func corrected(
        _ sample: Sample, _ logits: ScoreMap, _ ancillaryLogits: ScoreMap?
    ) -> LabelMap? {
        let size = sample.image.size
        switch (configuration.method, ancillaryLogits) {
        case (.emFixed, _):
            return estimated(sample, logits)
        case (.linear, let ancillaryLogits?):
            return primary.labels(from: combined(logits, ancillaryLogits), of: size)
        case (.convolutional, let ancillaryLogits?):
            return primary.labels(from: convolved(logits, ancillaryLogits), of: size)
        case (.supervised, _), (.none, _), (.linear, nil), (.convolutional, nil):
            return nil
        }
    }

    /// Equations 3–5 with the α at which `main` ends.
    private func combined(_ primary: ScoreMap, _ ancillary: ScoreMap) -> ScoreMap {
        let result = ScoreMap(primary.size, channels: primary.channels)
        LinearCorrection.combine(
            primary: primary.base, ancillary: ancillary.base, alpha: configuration.alpha.to,
            into: result.base, count: primary.size.count * primary.channels)
        return result
    }

    /// Equation 6: the corrector's logits.
    private func convolved(_ primary: ScoreMap, _ ancillary: ScoreMap) -> ScoreMap {
        let network = Corrector.graph(
            shape, batch: 1, height: primary.size.height, width: primary.size.width)
        let plan = Plan(
            network.graph, outputs: [network.logits], mode: .evaluation, pool: pool,
            products: ProductEngine(inference: configuration))
        let count = primary.size.count * primary.channels
        plan.input(network.primary).baseAddress!.update(from: primary.base, count: count)
        plan.input(network.ancillary).baseAddress!.update(from: ancillary.base, count: count)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 1) { noStatistics in
            plan.forward(
                weights: UnsafePointer(parameters[.corrector].baseAddress!),
                statistics: UnsafePointer(noStatistics.baseAddress!), dropoutKey: 0)
        }
        let result = ScoreMap(primary.size, channels: primary.channels)
        result.base.update(from: plan.output(network.logits).baseAddress!, count: count)
        return result
    }

    /// The E-step of EM-fixed from the primary's scores and the boxes.
    private func estimated(_ sample: Sample, _ logits: ScoreMap) -> LabelMap {
        let size = sample.image.size, padded = size.paddedToStride16
        let scores = primary.upsampled(logits, to: padded)
        let estimation = ExpectationMaximisation(
            background: Float(configuration.emFixed.background),
            foreground: Float(configuration.emFixed.foreground))
        var labels = [UInt8](repeating: 0, count: padded.count)
        estimation.labels(
            into: &labels, scores: scores.base,
            boxes: sample.boxMasks(padded: padded, classCount: shape.classes),
            valid: [UInt8](repeating: 1, count: padded.count), count: padded.count,
            classes: shape.classes)
        return LabelMap(
            size: size,
            labels: (0..<size.height).flatMap { y in
                labels[y * padded.width..<y * padded.width + size.width]
            })
    }
}
