/// Counts of pixels by true and predicted class, and the intersections over unions they give
/// (segmentation.md §2.4).
public struct ConfusionMatrix: Hashable, Sendable {
    /// Classes, the side of the matrix.
    public let classCount: Int
    /// `[true class, predicted class]`.
    public private(set) var counts: [Int]

    /// A matrix of zeros.
    public init(classCount: Int) {
        precondition(classCount > 0, "a confusion matrix of \(classCount) classes")
        self.classCount = classCount
        counts = [Int](repeating: 0, count: classCount * classCount)
    }

    /// Adds pixels; those whose truth is 255 do not count.
    ///
    /// All other values must be classes.
    public mutating func add(truth: [UInt8], prediction: [UInt8]) {
        precondition(truth.count == prediction.count, "\(truth.count) ≠ \(prediction.count)")
        for (expected, found) in zip(truth, prediction) where expected != 255 {
            precondition(
                Int(expected) < classCount && Int(found) < classCount,
                "classes \(expected), \(found) of \(classCount)")
            counts[Int(expected) * classCount + Int(found)] += 1
        }
    }

    /// Adds another part of the same split.
    public mutating func add(_ other: ConfusionMatrix) {
        precondition(other.classCount == classCount, "\(other.classCount) ≠ \(classCount)")
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    /// Pixels that counted.
    public var pixelCount: Int { counts.reduce(0, +) }

    private func truthCount(_ c: Int) -> Int {
        counts[c * classCount..<(c + 1) * classCount].reduce(0, +)
    }

    private func predictionCount(_ c: Int) -> Int {
        (0..<classCount).reduce(0) { $0 + counts[$1 * classCount + c] }
    }

    /// TP / (TP + FP + FN) per class in [0, 1]; nil for a class in neither truth nor prediction.
    public var classIoU: [Double?] {
        (0..<classCount).map { c in
            let hits = counts[c * classCount + c]
            let union = truthCount(c) + predictionCount(c) - hits
            return union == 0 ? nil : Double(hits) / Double(union)
        }
    }

    /// Mean over the classes that occur in truth or prediction, in [0, 1]; nil if none does.
    public var meanIoU: Double? { mean(classIoU.compactMap { $0 }) }

    /// Mean over the classes that occur in the truth, in [0, 1]; nil if none does.
    public var meanIoUPresent: Double? {
        mean(classIoU.enumerated().compactMap { truthCount($0.offset) > 0 ? $0.element : nil })
    }

    private func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
