import Tensors

/// The pairs of output and input positions that a sliding window connects.
struct WindowGrid {
    let window: Window
    let input: Shape
    let output: Shape

    init(_ window: Window, _ input: Shape, _ output: Shape) {
        self.window = window
        self.input = input
        self.output = output
    }

    /// Calls `body` with the output row, the input row and the tap of every connection inside.
    private func connections(_ body: (_ out: Int, _ input: Int, _ tap: Int) -> Void) {
        for image in 0..<output.batch {
            for oy in 0..<output.height {
                for ox in 0..<output.width {
                    for tap in 0..<window.taps {
                        let (ky, kx) = (tap / window.size, tap % window.size)
                        let iy = oy * window.stride + ky * window.dilation - window.padding
                        let ix = ox * window.stride + kx * window.dilation - window.padding
                        guard iy >= 0, iy < input.height, ix >= 0, ix < input.width else {
                            continue
                        }
                        body(
                            (image * output.height + oy) * output.width + ox,
                            (image * input.height + iy) * input.width + ix, tap)
                    }
                }
            }
        }
    }

    func convolution(_ x: [Double], _ weight: [Double], _ bias: [Double]?) -> [Double] {
        let (inputs, outputs) = (input.channels, output.channels)
        var y = (0..<output.count).map { bias?[$0 % outputs] ?? 0 }
        connections { out, position, tap in
            for o in 0..<outputs {
                for i in 0..<inputs {
                    y[out * outputs + o] +=
                        x[position * inputs + i] * weight[(o * inputs + i) * window.taps + tap]
                }
            }
        }
        return y
    }

    func convolutionBackward(
        _ x: [Double], _ weight: [Double], _ dy: [Double]
    ) -> (x: [Double], weight: [Double]) {
        let (inputs, outputs) = (input.channels, output.channels)
        var dx = Array(repeating: 0.0, count: x.count)
        var dw = Array(repeating: 0.0, count: weight.count)
        connections { out, position, tap in
            for o in 0..<outputs {
                let g = dy[out * outputs + o]
                for i in 0..<inputs {
                    let w = (o * inputs + i) * window.taps + tap
                    dx[position * inputs + i] += g * weight[w]
                    dw[w] += g * x[position * inputs + i]
                }
            }
        }
        return (dx, dw)
    }

    func depthwise(_ x: [Double], _ weight: [Double]) -> [Double] {
        let channels = input.channels
        var y = Array(repeating: 0.0, count: output.count)
        connections { out, position, tap in
            for c in 0..<channels {
                y[out * channels + c] += x[position * channels + c] * weight[c * window.taps + tap]
            }
        }
        return y
    }

    func depthwiseBackward(
        _ x: [Double], _ weight: [Double], _ dy: [Double]
    ) -> (x: [Double], weight: [Double]) {
        let channels = input.channels
        var dx = Array(repeating: 0.0, count: x.count)
        var dw = Array(repeating: 0.0, count: weight.count)
        connections { out, position, tap in
            for c in 0..<channels {
                let g = dy[out * channels + c], w = c * window.taps + tap
                dx[position * channels + c] += g * weight[w]
                dw[w] += g * x[position * channels + c]
            }
        }
        return (dx, dw)
    }
}
