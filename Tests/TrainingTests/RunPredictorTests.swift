import Configurations
import Datasets
import Tensors
import Testing

import Training

@Suite("What a run's models and its correction say of an image")
struct RunPredictorTests {
    private let size = PixelSize(height: 37, width: 50)
    private let box = BoundingBox(classIndex: 2, left: 6, top: 5, right: 30, bottom: 25)

    private func sample() -> Sample {
        Sample(
            name: "test",
            image: RGBImage(
                size: size,
                pixels: (0..<size.count * 3).map {
                    UInt8(truncatingIfNeeded: $0 &* 2_654_435 >> 7)
                }), labels: nil, boxes: [box])
    }

    /// Labels by parameters that make the untrained networks tell pixels apart.
    private func labelling(
        _ method: Configuration.Method, _ change: (inout Configuration) -> Void = { _ in },
        parameters edit: (FlatBuffers, TensorList) -> Void = { _, _ in }
    ) throws -> RunPredictor.Labelling {
        var configuration = TinyRun.configuration(method)
        change(&configuration)
        let tensors = try TensorList(configuration, classCount: 3)
        let parameters = try InitialParameters(configuration, tensors).buffers
        for group in parameters.groups where group.updateKind == .movingAverage {
            for (tensor, offset) in zip(tensors[group].tensors, tensors[group].offsets)
            where tensor.name.hasSuffix("running_var") {
                for i in offset..<offset + tensor.count { parameters[group][i] = 0.05 }
            }
        }
        edit(parameters, tensors)
        return try RunPredictor(
            configuration, classCount: 3, parameters: parameters,
            pool: ThreadPool(threadCount: 1)
        ).labelling(of: sample())
    }

    private func agreement(_ a: LabelMap?, _ b: LabelMap?) -> Double {
        guard let a, let b, a.size == b.size else { return 0 }
        return Double(zip(a.labels, b.labels).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) })
            / Double(a.labels.count)
    }

    @Test("linear correction lies with the model that the last α trusts")
    func linear() throws {
        let primary = try labelling(.linear) { $0.alpha.to = 1e-6 }
        #expect(agreement(primary.primary, primary.ancillary) < 0.9, "the test can fail")
        #expect(agreement(primary.corrected, primary.primary) > 0.999)
        let ancillary = try labelling(.linear) { $0.alpha.to = 1e6 }
        #expect(agreement(ancillary.corrected, ancillary.ancillary) > 0.999)
    }

    @Test("convolutional correction is the corrector's, which reads both models' logits")
    func convolutional() throws {
        // Centre taps carry one model's three logits through, 8 above the ReLUs' zero.
        func pass(first: Int) throws -> RunPredictor.Labelling {
            try labelling(
                .convolutional,
                parameters: { parameters, tensors in
                    let group = tensors[.corrector], values = parameters[.corrector]
                    values.update(repeating: 0)
                    for (tensor, offset) in zip(group.tensors, group.offsets) {
                        for c in 0..<3 {
                            switch tensor.name {
                            case "hidden.bias": values[offset + c] = 8
                            case "hidden.weight":
                                values[offset + (c * tensor.shape[1] + first + c) * 9 + 4] = 1
                            case "output.weight":
                                values[offset + (c * tensor.shape[1] + c) * 9 + 4] = 1
                            default: break
                            }
                        }
                    }
                })
        }
        let primary = try pass(first: 0)
        #expect(agreement(primary.primary, primary.ancillary) < 0.9, "the test can fail")
        #expect(agreement(primary.corrected, primary.primary) > 0.99)
        let ancillary = try pass(first: 3)
        #expect(agreement(ancillary.corrected, ancillary.ancillary) > 0.99)
    }

    @Test("EM-fixed fills the boxes where its biases outweigh the scores")
    func estimation() throws {
        let labelling = try labelling(.emFixed) {
            $0.emFixed.background = 1000
            $0.emFixed.foreground = 2000
        }
        let inside = (0..<size.count).map { position in
            let (y, x) = position.quotientAndRemainder(dividingBy: size.width)
            return (5..<25).contains(y) && (6..<30).contains(x) ? UInt8(2) : 0
        }
        #expect(labelling.corrected?.labels == inside)
        #expect(labelling.ancillary == nil)
    }

    @Test("methods without a correction have none to show")
    func uncorrected() throws {
        let supervised = try labelling(.supervised)
        #expect(supervised.ancillary == nil && supervised.corrected == nil)
        let none = try labelling(.none)
        #expect(none.ancillary?.size == size && none.corrected == nil)
    }
}
