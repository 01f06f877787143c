import Testing
import Training

@Suite("Mean intersection over union")
struct ConfusionMatrixTests {
    /// A matrix from counts, rows the truth.
    private func matrix(_ rows: [[Int]]) -> ConfusionMatrix {
        var matrix = ConfusionMatrix(classCount: rows.count)
        for (truth, row) in rows.enumerated() {
            for (prediction, count) in row.enumerated() {
                matrix.add(
                    truth: [UInt8](repeating: UInt8(truth), count: count),
                    prediction: [UInt8](repeating: UInt8(prediction), count: count))
            }
        }
        return matrix
    }

    @Test("Oracle O16: 3/5 and 2/4 have the mean 0.55")
    func oracle16() throws {
        let two = matrix([[3, 1], [1, 2]])
        #expect(two.classIoU == [0.6, 0.5])
        #expect(try #require(two.meanIoU) == 0.55)
    }

    @Test("Oracle O16: a class in neither truth nor prediction is skipped, a false one counts as 0")
    func oracle16ThirdClass() throws {
        let absent = matrix([[3, 1, 0], [1, 2, 0], [0, 0, 0]])
        #expect(absent.classIoU == [0.6, 0.5, nil])
        #expect(try #require(absent.meanIoU) == 0.55)
        #expect(try #require(absent.meanIoUPresent) == 0.55)
        let wrong = matrix([[3, 1, 0], [1, 2, 1], [0, 0, 0]])
        #expect(wrong.classIoU == [0.6, 0.4, 0])
        let mean = try #require(wrong.meanIoU), present = try #require(wrong.meanIoUPresent)
        #expect(abs(mean - 1.0 / 3) < 1e-15)
        #expect(abs(present - 0.5) < 1e-15)
    }

    @Test("Pixels of truth 255 do not count")
    func void() {
        var matrix = ConfusionMatrix(classCount: 2)
        matrix.add(truth: [0, 255, 1, 255], prediction: [0, 1, 1, 0])
        #expect(matrix.pixelCount == 2)
        #expect(matrix.meanIoU == 1)
    }

    @Test("Nothing counted gives no mean")
    func empty() {
        let matrix = ConfusionMatrix(classCount: 2)
        #expect(matrix.meanIoU == nil && matrix.meanIoUPresent == nil)
        #expect(matrix.classIoU == [nil, nil])
    }

    @Test("The sum over images is one matrix, not a mean of means")
    func sums() {
        var sum = matrix([[3, 1], [1, 2]])
        sum.add(matrix([[1, 0], [0, 5]]))
        #expect(sum.counts == [4, 1, 1, 7])
        #expect(sum.pixelCount == 13)
    }
}
