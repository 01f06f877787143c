/// Smooth random values over an image: lattices of random numbers, each twice as fine as the one
/// before and half as strong.
struct SyntheticNoise: Sendable {
    private struct Lattice {
        let spacing: Double
        let columns: Int
        let values: [Double]
        let strength: Double
    }

    private let lattices: [Lattice]
    private let total: Double

    /// - Parameter spacing: pixels between points of the coarsest lattice.
    init(size: PixelSize, spacing: Double, octaves: Int, stream: inout RandomStream) {
        var lattices: [Lattice] = []
        var gap = spacing
        var strength = 1.0
        for _ in 0..<octaves {
            let columns = Int(Double(size.width) / gap) + 3
            let rows = Int(Double(size.height) / gap) + 3
            let values = (0..<columns * rows).map { _ in stream.uniform() }
            lattices.append(
                Lattice(spacing: gap, columns: columns, values: values, strength: strength))
            gap /= 2
            strength /= 2
        }
        self.lattices = lattices
        total = lattices.reduce(0) { $0 + $1.strength }
    }

    /// In [0, 1]; `x` and `y` are pixels within the image.
    func value(_ x: Double, _ y: Double) -> Double {
        var sum = 0.0
        for lattice in lattices {
            let column = x / lattice.spacing
            let row = y / lattice.spacing
            let left = Int(column)
            let top = Int(row)
            let u = SyntheticNoise.smooth(column - Double(left))
            let v = SyntheticNoise.smooth(row - Double(top))
            let first = top * lattice.columns + left
            let second = first + lattice.columns
            let values = lattice.values
            let upper = values[first] + (values[first + 1] - values[first]) * u
            let lower = values[second] + (values[second + 1] - values[second]) * u
            sum += (upper + (lower - upper) * v) * lattice.strength
        }
        return sum / total
    }

    private static func smooth(_ t: Double) -> Double { t * t * (3 - 2 * t) }
}

/// A colour of three values in 0…1.
typealias SyntheticColour = SIMD3<Double>

enum SyntheticPaint {
    /// Hue, saturation and value, each in 0…1; the hue wraps.
    static func colour(hue: Double, saturation: Double, value: Double) -> SyntheticColour {
        let wrapped = (hue - hue.rounded(.down)) * 6
        func channel(_ offset: Double) -> Double {
            var k = wrapped + offset
            if k >= 6 { k -= 6 }
            return value - value * saturation * max(0, min(min(k, 4 - k), 1))
        }
        return SyntheticColour(channel(5), channel(3), channel(1))
    }

    static func mix(_ a: SyntheticColour, _ b: SyntheticColour, _ t: Double) -> SyntheticColour {
        a + (b - a) * t
    }
}
