import Tensors

/// Batch norm with its activation on `[rows, channels]`, from Ioffe and Szegedy 2015, Algorithm 1.
struct BatchNormTwin {
    let gamma, beta, mean, variance: [Double]
    let epsilon: Double
    let activation: Activation
    let rows: Int
    let usesBatch: Bool

    private var channels: Int { gamma.count }

    /// The batch's mean and biased variance per channel, or the running ones.
    func moments(_ x: [Double]) -> (mean: [Double], variance: [Double]) {
        guard usesBatch else { return (mean, variance) }
        var mean = Array(repeating: 0.0, count: channels), variance = mean
        for index in x.indices { mean[index % channels] += x[index] / Double(rows) }
        for index in x.indices {
            let distance = x[index] - mean[index % channels]
            variance[index % channels] += distance * distance / Double(rows)
        }
        return (mean, variance)
    }

    private func normalised(_ x: [Double]) -> (xhat: [Double], deviation: [Double]) {
        let moments = moments(x)
        let deviation = moments.variance.map { ($0 + epsilon).squareRoot() }
        let xhat = x.indices.map {
            (x[$0] - moments.mean[$0 % channels]) / deviation[$0 % channels]
        }
        return (xhat, deviation)
    }

    func forward(_ x: [Double]) -> [Double] {
        let xhat = normalised(x).xhat
        return xhat.indices.map {
            activation.apply(gamma[$0 % channels] * xhat[$0] + beta[$0 % channels])
        }
    }

    func backward(
        _ x: [Double], _ dy: [Double]
    ) -> (x: [Double], gamma: [Double], beta: [Double]) {
        let (xhat, deviation) = normalised(x)
        var dGamma = Array(repeating: 0.0, count: channels), dBeta = dGamma
        let g = x.indices.map { index in
            let c = index % channels
            return dy[index] * activation.slope(at: gamma[c] * xhat[index] + beta[c])
        }
        for index in x.indices {
            dGamma[index % channels] += g[index] * xhat[index]
            dBeta[index % channels] += g[index]
        }
        let share = usesBatch ? 1 / Double(rows) : 0
        let dx = x.indices.map { index in
            let c = index % channels
            let centred = g[index] - share * dBeta[c] - share * xhat[index] * dGamma[c]
            return gamma[c] / deviation[c] * centred
        }
        return (dx, dGamma, dBeta)
    }
}
