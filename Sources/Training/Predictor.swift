import CKernels
import Configurations
import Datasets
import Networks
import Tensors

/// Segments images of any size with the primary or the ancillary model.
///
/// An image is padded with grey at its bottom and right to 16k + 1 pixels each way; the labels are
/// those of its own pixels. One caller at a time.
public final class Predictor {
    /// Which network segments.
    public typealias Model = SegmentationModel

    /// Which network segments here.
    public let model: Model
    /// At which scales and output stride.
    public let options: InferenceOptions
    private let shape: NetworkShape
    private let pool: ThreadPool
    private let products: ProductEngine
    private let resampling: ImageResampling
    private var plans: PlanCache

    /// `planByteCount` bounds the memory of the networks kept compiled for other sizes.
    ///
    /// Throws as `SlotTrainer` does.
    public init(
        _ configuration: Configuration, classCount: Int, model: Model, options: InferenceOptions,
        pool: ThreadPool, planByteCount: Int = 1 << 30
    ) throws {
        products = ProductEngine(inference: configuration)
        try products.prepare(pool.kernels)
        var shape = try NetworkShape(configuration, classCount: classCount)
        shape.outputStride = options.outputStride
        self.shape = shape
        self.model = model
        self.options = options
        self.pool = pool
        resampling = ImageResampling(pool: pool)
        plans = PlanCache(capacityByteCount: planByteCount)
    }

    /// The groups that a model computes with.
    public static func groups(of model: Model) -> [TensorGroup] { model.groups }

    /// The class of every pixel; `parameters` holds the model's groups, the boxes of the sample
    /// are the ancillary model's to see and its labels nobody's.
    public func labels(of sample: Sample, _ parameters: FlatBuffers) -> LabelMap {
        let size = sample.image.size, padded = size.paddedToStride16
        guard !options.isPlain else {
            return labels(from: logits(of: sample, parameters), of: size)
        }
        let scores = ScoreMap(padded, channels: shape.classes)
        addProbabilities(
            sample.image.tensor(padded: padded), boxes(of: sample, padded), padded, parameters,
            to: scores)
        return scores.argmax(within: size, resampling)
    }

    /// The stride-4 logits of a sample padded to 16k + 1 pixels each way, at its own scale.
    func logits(of sample: Sample, _ parameters: FlatBuffers) -> ScoreMap {
        let padded = sample.image.size.paddedToStride16
        return judge(
            sample.image.tensor(padded: padded), boxes(of: sample, padded), padded, scale: 1,
            parameters)
    }

    /// Logits at the size of the padded image.
    func upsampled(_ logits: ScoreMap, to padded: PixelSize) -> ScoreMap {
        let scores = ScoreMap(padded, channels: shape.classes)
        resampling.bilinear(
            logits.base, logits.size, into: scores.base, padded, channels: shape.classes)
        return scores
    }

    /// The class of every pixel of an image of `size`, from stride-4 logits.
    func labels(from logits: ScoreMap, of size: PixelSize) -> LabelMap {
        upsampled(logits, to: size.paddedToStride16).argmax(within: size, resampling)
    }

    /// Box masks where the model sees boxes, otherwise nothing.
    private func boxes(of sample: Sample, _ padded: PixelSize) -> [Float] {
        model == .ancillary
            ? sample.boxMasks(padded: padded, classCount: shape.boxChannels) : []
    }

    /// Sums softmax(upsampled logits) over all scales, mirrored or not: its argmax is the mean's.
    private func addProbabilities(
        _ image: [Float], _ boxes: [Float], _ padded: PixelSize, _ parameters: FlatBuffers,
        to sum: ScoreMap
    ) {
        let part = ScoreMap(padded, channels: shape.classes)
        for scale in options.scales {
            let mirrorings = options.mirroring == .added ? [false, true] : [false]
            for mirrored in mirrorings {
                let logits = judge(
                    mirrored ? mirror(image, padded, 3) : image,
                    mirrored ? mirror(boxes, padded, shape.boxChannels) : boxes, padded,
                    scale: scale, parameters)
                // As the original does: a shrunk image's logits first come to the full one's grid.
                let detour = scale < 1 ? padded.atStride4 : logits.size
                let straight = resized(logits, to: detour)
                resampling.bilinear(
                    straight.base, detour, into: part.base, padded, channels: shape.classes)
                sum.addSoftmax(of: part, mirrored: mirrored, resampling)
            }
        }
    }

    private func mirror(_ map: [Float], _ size: PixelSize, _ channels: Int) -> [Float] {
        map.isEmpty ? [] : ImageResampling.mirrored(map, size, channels: channels)
    }

    private func resized(_ map: ScoreMap, to size: PixelSize) -> ScoreMap {
        guard map.size != size else { return map }
        let target = ScoreMap(size, channels: shape.classes)
        resampling.bilinear(
            map.base, map.size, into: target.base, size, channels: shape.classes)
        return target
    }

    /// The stride-4 logits of the padded image scaled by `scale`.
    private func judge(
        _ image: [Float], _ boxes: [Float], _ padded: PixelSize, scale: Double,
        _ parameters: FlatBuffers
    ) -> ScoreMap {
        let size = padded.scaled(by: scale)
        let network = plan(for: size)
        let input = network.plan.input(network.network.image)
        image.withUnsafeBufferPointer {
            resampling.bilinear(
                $0.baseAddress!, padded, into: input.baseAddress!, size, channels: 3)
        }
        if let value = network.network.boxes {
            _ = network.plan.input(value).update(
                fromContentsOf: ImageResampling.nearest(
                    boxes, padded, to: size, channels: shape.boxChannels))
        }
        network.forward(parameters, dropoutKey: 0)
        let logits = ScoreMap(
            PixelSize(height: network.logitsShape.height, width: network.logitsShape.width),
            channels: shape.classes)
        logits.base.update(from: network.logits.baseAddress!, count: network.logits.count)
        return logits
    }

    private func plan(for size: PixelSize) -> NetworkPlan {
        plans.plan(size) {
            NetworkPlan(
                DeepLab.network(model, shape, batch: 1, height: size.height, width: size.width),
                of: model, mode: .evaluation, pool: pool, products: products)
        }
    }
}
