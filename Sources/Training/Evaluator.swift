import Datasets
import Tensors

/// Measures a model on labelled images: mean intersection over union at native size.
public struct Evaluator {
    /// What a whole split gave.
    public struct Evaluation: Hashable, Sendable {
        /// Pixels of the split by truth and prediction.
        public var confusion: ConfusionMatrix
        /// Images that went in.
        public var images: Int
    }

    private let predictor: Predictor
    private let classCount: Int

    /// Judges what `predictor` says.
    public init(_ predictor: Predictor, classCount: Int) {
        self.predictor = predictor
        self.classCount = classCount
    }

    /// Judges `count` samples, the one at a time that `sample` gives for its index.
    ///
    /// `progress` hears of each image done. Throws what `sample` throws, and
    /// `TrainingError.evaluation` for a sample without labels.
    public func evaluate(
        count: Int, _ parameters: FlatBuffers, sample: (Int) throws -> Sample,
        progress: (Int) -> Void = { _ in }
    ) throws -> Evaluation {
        var evaluation = Evaluation(
            confusion: ConfusionMatrix(classCount: classCount), images: 0)
        for index in 0..<count {
            let sample = try sample(index)
            guard let truth = sample.labels else {
                throw TrainingError.evaluation(
                    "\(sample.name): has no mask to be judged by; evaluate labelled images")
            }
            let prediction = predictor.labels(of: sample, parameters)
            evaluation.confusion.add(truth: truth.labels, prediction: prediction.labels)
            evaluation.images += 1
            progress(evaluation.images)
        }
        return evaluation
    }
}
