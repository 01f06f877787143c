import Configurations
import Datasets
import Networks
import Tensors
import Testing
import Training

@Suite("Evaluating a model")
struct EvaluatorTests {
    private let configuration = TinyRun.configuration(.supervised)

    private func predictor() throws -> Predictor {
        try Predictor(
            configuration, classCount: 3, model: .primary,
            options: InferenceOptions(outputStride: .sixteen), pool: ThreadPool(threadCount: 1))
    }

    private func parameters() throws -> FlatBuffers {
        try InitialParameters(configuration, TensorList(configuration, classCount: 3)).buffers
    }

    private func image(_ size: PixelSize, _ value: UInt8) -> RGBImage {
        RGBImage(size: size, pixels: [UInt8](repeating: value, count: size.count * 3))
    }

    @Test("A model that agrees with the truth has mean IoU 1, whatever the images' sizes")
    func perfect() throws {
        let parameters = try parameters(), predictor = try predictor()
        let sizes = [PixelSize(height: 20, width: 31), PixelSize(height: 33, width: 17)]
        let samples = sizes.map { size in
            let blank = Sample(name: "", image: image(size, 90), labels: nil, boxes: [])
            var truth = predictor.labels(of: blank, parameters)
            truth.labels[3] = 255
            return Sample(name: "", image: blank.image, labels: truth, boxes: [])
        }
        var heard: [Int] = []
        let evaluation = try Evaluator(predictor, classCount: 3).evaluate(
            count: 2, parameters, sample: { samples[$0] }, progress: { heard.append($0) })
        #expect(evaluation.images == 2 && heard == [1, 2])
        #expect(evaluation.confusion.meanIoU == 1)
        #expect(evaluation.confusion.pixelCount == 20 * 31 + 33 * 17 - 2)
    }

    @Test("An image without a mask is refused by name")
    func noMask() throws {
        let sample = Sample(
            name: "img-7", image: image(PixelSize(height: 9, width: 9), 0), labels: nil, boxes: [])
        do {
            _ = try Evaluator(predictor(), classCount: 3).evaluate(
                count: 1, parameters(), sample: { _ in sample })
            Issue.record("nothing was thrown")
        } catch { #expect("\(error)".contains("img-7")) }
    }
}
