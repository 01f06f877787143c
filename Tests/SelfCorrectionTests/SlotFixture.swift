import SelfCorrection
import Tensors

/// A small slot with seeded contents: two labelled and two weak images.
struct SlotFixture {
    static let batch = 4
    static let labelled = 2

    let grid: LogitGrid
    var primary: [Float]
    var ancillary: [Float]
    var corrector: [Float]
    var labels: [UInt8]
    var valid: [UInt8]
    var boxes: [Float]

    /// A sixth of the labels is ignored; the last three columns of each weak image are padding.
    init(
        grid: LogitGrid = LogitGrid(
            height: 4, width: 3, classes: 3, labelHeight: 13, labelWidth: 9),
        seed: UInt64 = 1
    ) {
        self.grid = grid
        var random = SplitMix(state: seed)
        let logits = Self.batch * grid.logitCount, pixels = Self.batch * grid.labelCount
        primary = (0..<logits).map { _ in random.uniform(-3, 3) }
        ancillary = (0..<logits).map { _ in random.uniform(-3, 3) }
        corrector = (0..<logits).map { _ in random.uniform(0, 3) }
        labels = (0..<Self.labelled * grid.labelCount).map { _ in
            random.uniform(0, 6) < 1 ? 255 : UInt8(random.next() % UInt64(grid.classes))
        }
        valid = (0..<pixels).map { $0 % grid.labelWidth < grid.labelWidth - 3 ? 1 : 0 }
        boxes = (0..<pixels * grid.classes).map { _ in Float(random.next() % 2) }
    }

    struct Result {
        let loss: SlotObjective.Loss
        let primaryGradient: [Float]
        let correctorGradient: [Float]
    }

    func evaluate(
        _ objective: Objective, weights: LossWeights = LossWeights(), threads: Int = 1,
        labelled: Int = Self.labelled
    ) -> Result {
        let slot = SlotObjective(
            grid, batch: Self.batch, labelled: labelled, pool: ThreadPool(threadCount: threads))
        // NaN, so that an element that is not overwritten shows.
        var gradient = [Float](repeating: .nan, count: primary.count)
        var corrected = [Float](repeating: .nan, count: primary.count)
        let loss = slot.evaluate(
            objective,
            SlotObjective.Logits(primary: primary, ancillary: ancillary, corrector: corrector),
            SlotObjective.Truth(labels: labels, valid: valid, boxes: boxes), weights: weights,
            primaryGradient: &gradient, correctorGradient: &corrected)
        return Result(loss: loss, primaryGradient: gradient, correctorGradient: corrected)
    }

    var float64: Float64Objective { Float64Objective(grid: grid) }

    /// One image's logits in float64.
    func image(_ index: Int, of logits: [Float]) -> [Double] {
        logits[index * grid.logitCount..<(index + 1) * grid.logitCount].map(Double.init)
    }

    func labels(ofImage index: Int) -> [UInt8] {
        Array(labels[index * grid.labelCount..<(index + 1) * grid.labelCount])
    }

    func valid(ofImage index: Int) -> [UInt8] {
        Array(valid[index * grid.labelCount..<(index + 1) * grid.labelCount])
    }

    /// The F term in float64 as a function of the labelled images' logits.
    func labelledTerm(_ logits: [Double]) -> Double {
        mean(of: 0..<Self.labelled, weights: { counted(labels(ofImage: $0)) }) { image in
            float64.hard(slice(logits, image), labels(ofImage: image))
        }
    }

    /// The W term in float64 as a function of the weak images' logits, with constant targets per image.
    func weakTerm(_ logits: [Double], targets: [[[Double]]]) -> Double {
        mean(
            of: 0..<Self.batch - Self.labelled,
            weights: { valid(ofImage: $0 + Self.labelled).filter { $0 != 0 }.count }
        ) { image in
            float64.soft(
                slice(logits, image), targets[image], valid(ofImage: image + Self.labelled))
        }
    }

    /// Per weak image the probabilities of `logits`, combined in float64 after upsampling.
    func targets(
        _ combine: (_ primary: [Double], _ ancillary: [Double], _ corrector: [Double])
            -> [Double]
    ) -> [[[Double]]] {
        (Self.labelled..<Self.batch).map { index in
            let p = float64.upsample(image(index, of: primary))
            let a = float64.upsample(image(index, of: ancillary))
            let c = float64.upsample(image(index, of: corrector))
            return p.indices.map { Float64Objective.softmax(combine(p[$0], a[$0], c[$0])) }
        }
    }

    private func slice(_ logits: [Double], _ image: Int) -> [Double] {
        Array(logits[image * grid.logitCount..<(image + 1) * grid.logitCount])
    }

    private func counted(_ labels: [UInt8]) -> Int { labels.filter { $0 != 255 }.count }

    private func mean(
        of images: Range<Int>, weights: (Int) -> Int, _ value: (Int) -> Double
    ) -> Double {
        let total = images.reduce(0) { $0 + weights($1) }
        return images.reduce(0) { $0 + value($1) * Double(weights($1)) } / Double(total)
    }
}

/// SplitMix64, a generator of test values.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func uniform(_ low: Float, _ high: Float) -> Float {
        low + (high - low) * Float(next() >> 40) / Float(1 << 24)
    }
}

/// The largest |a − b|; infinite if the counts differ.
func largestDifference(_ a: [Float], _ b: [Double]) -> Double {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { worst, pair in
        let difference = abs(Double(pair.0) - pair.1)
        return difference.isNaN ? .infinity : max(worst, difference)
    }
}
