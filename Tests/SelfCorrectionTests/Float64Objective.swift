import SelfCorrection

/// The equations in float64, pixel by pixel and map by map, for tests.
struct Float64Objective {
    let grid: LogitGrid

    /// Bilinear with aligned corners, from `[height, width, classes]` to label size.
    func upsample(_ logits: [Double]) -> [[Double]] {
        var pixels: [[Double]] = []
        for y in 0..<grid.labelHeight {
            for x in 0..<grid.labelWidth {
                let (top, bottom, lower) = neighbours(y, grid.labelHeight, grid.height)
                let (left, right, farther) = neighbours(x, grid.labelWidth, grid.width)
                pixels.append(
                    (0..<grid.classes).map { c in
                        func at(_ row: Int, _ column: Int) -> Double {
                            logits[(row * grid.width + column) * grid.classes + c]
                        }
                        let above = at(top, left) * (1 - farther) + at(top, right) * farther
                        let below = at(bottom, left) * (1 - farther) + at(bottom, right) * farther
                        return above * (1 - lower) + below * lower
                    })
            }
        }
        return pixels
    }

    private func neighbours(_ position: Int, _ outputs: Int, _ inputs: Int) -> (Int, Int, Double) {
        guard outputs > 1, inputs > 1 else { return (0, 0, 0) }
        let source = Double(position * (inputs - 1)) / Double(outputs - 1)
        let first = min(Int(source), inputs - 2)
        return (first, first + 1, source - Double(first))
    }

    static func softmax(_ logits: [Double]) -> [Double] {
        let top = logits.max()!
        let powers = logits.map { exponential($0 - top) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    static func logSoftmax(_ logits: [Double]) -> [Double] {
        let top = logits.max()!
        let sum = logits.reduce(0) { $0 + exponential($1 - top) }
        return logits.map { $0 - top - logarithm(sum) }
    }

    /// Mean cross-entropy of one image with labels; 255 is ignored.
    func hard(_ logits: [Double], _ labels: [UInt8]) -> Double {
        var sum = 0.0, count = 0.0
        for (pixel, label) in zip(upsample(logits), labels) where label != 255 {
            sum -= Self.logSoftmax(pixel)[Int(label)]
            count += 1
        }
        return count == 0 ? 0 : sum / count
    }

    /// Mean cross-entropy of one image with target probabilities over its valid pixels.
    func soft(_ logits: [Double], _ targets: [[Double]], _ valid: [UInt8]) -> Double {
        var sum = 0.0, count = 0.0
        for (index, pixel) in upsample(logits).enumerated() where valid[index] != 0 {
            sum -= zip(targets[index], Self.logSoftmax(pixel)).reduce(0) { $0 + $1.0 * $1.1 }
            count += 1
        }
        return count == 0 ? 0 : sum / count
    }

    /// The derivative of `function` at `point` by central differences.
    static func gradient(
        at point: [Double], step: Double = 1e-4, of function: ([Double]) -> Double
    ) -> [Double] {
        point.indices.map { index in
            var plus = point, minus = point
            plus[index] += step
            minus[index] -= step
            return (function(plus) - function(minus)) / (2 * step)
        }
    }
}
