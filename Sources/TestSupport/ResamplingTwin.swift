import Tensors

/// A separable resampling of a grid as two dense matrices, one per axis.
struct ResamplingTwin {
    let input: Shape
    let output: Shape
    /// `[out][in]` weights of each axis.
    let vertical: [[Double]]
    let horizontal: [[Double]]

    /// Source position `o · (in − 1) / (out − 1)`, 0 where `out` is 1.
    static func bilinear(_ input: Shape, _ output: Shape) -> ResamplingTwin {
        func axis(_ from: Int, _ to: Int) -> [[Double]] {
            (0..<to).map { o in
                // Exact in integers: position = whole + rest / (to − 1).
                let whole = to > 1 ? o * (from - 1) / (to - 1) : 0
                let rest = to > 1 ? o * (from - 1) % (to - 1) : 0
                let share = to > 1 ? Double(rest) / Double(to - 1) : 0
                var row = Array(repeating: 0.0, count: from)
                row[whole] += 1 - share
                if share > 0 { row[whole + 1] += share }
                return row
            }
        }
        return ResamplingTwin(
            input: input, output: output, vertical: axis(input.height, output.height),
            horizontal: axis(input.width, output.width))
    }

    /// Cell o is the plain mean of all positions that `[o · in / out, (o + 1) · in / out)` touches.
    static func area(_ input: Shape, _ output: Shape) -> ResamplingTwin {
        func axis(_ from: Int, _ to: Int) -> [[Double]] {
            (0..<to).map { o in
                let window = o * from / to..<((o + 1) * from + to - 1) / to
                return (0..<from).map { window.contains($0) ? 1 / Double(window.count) : 0 }
            }
        }
        return ResamplingTwin(
            input: input, output: output, vertical: axis(input.height, output.height),
            horizontal: axis(input.width, output.width))
    }

    /// Source position `o · (in − 1) / (out − 1)` rounded half away from zero.
    static func nearest(_ input: Shape, _ output: Shape) -> ResamplingTwin {
        func axis(_ from: Int, _ to: Int) -> [[Double]] {
            (0..<to).map { o in
                let position = to > 1 ? Double(o * (from - 1)) / Double(to - 1) : 0
                let source = Int(position.rounded(.toNearestOrAwayFromZero))
                return (0..<from).map { $0 == source ? 1 : 0 }
            }
        }
        return ResamplingTwin(
            input: input, output: output, vertical: axis(input.height, output.height),
            horizontal: axis(input.width, output.width))
    }

    static func mean(_ input: Shape, _ output: Shape) -> ResamplingTwin {
        ResamplingTwin(
            input: input, output: output,
            vertical: [Array(repeating: 1 / Double(input.height), count: input.height)],
            horizontal: [Array(repeating: 1 / Double(input.width), count: input.width)])
    }

    private func connections(_ body: (_ out: Int, _ input: Int, _ weight: Double) -> Void) {
        for image in 0..<output.batch {
            for oy in 0..<output.height {
                for ox in 0..<output.width {
                    for (iy, v) in vertical[oy].enumerated() where v != 0 {
                        for (ix, h) in horizontal[ox].enumerated() where h != 0 {
                            body(
                                (image * output.height + oy) * output.width + ox,
                                (image * input.height + iy) * input.width + ix, v * h)
                        }
                    }
                }
            }
        }
    }

    func apply(_ x: [Double]) -> [Double] {
        let channels = input.channels
        var y = Array(repeating: 0.0, count: output.count)
        connections { out, position, weight in
            for c in 0..<channels {
                y[out * channels + c] += weight * x[position * channels + c]
            }
        }
        return y
    }

    func adjoint(_ dy: [Double]) -> [Double] {
        let channels = input.channels
        var dx = Array(repeating: 0.0, count: input.count)
        connections { out, position, weight in
            for c in 0..<channels {
                dx[position * channels + c] += weight * dy[out * channels + c]
            }
        }
        return dx
    }
}
