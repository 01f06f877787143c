/// What follows a batch norm or stands alone.
public enum Activation: Hashable, Sendable {
    case none
    /// `x < 0 ? 0 : x`
    case relu
    /// ``relu``, then `x > 6 ? 6 : x`
    case relu6
}

/// One entry of a ``Graph``: what is computed, without where its operands lie.
package enum Operation: Hashable, Sendable {
    case input(name: String)
    case convolution(weight: Parameter, bias: Parameter?, window: Window)
    case depthwise(weight: Parameter, window: Window)
    case batchNorm(BatchNorm)
    case activation(Activation)
    case add
    case concatenate
    case globalAveragePool
    case sigmoidGate
    case resizeBilinear
    case resizeArea
    case resizeNearest
    case dropout(keep: Float, index: UInt32)

    package struct BatchNorm: Hashable, Sendable {
        package let gamma, beta, mean, variance: Parameter
        package let epsilon: Float
        package let activation: Activation
    }
}

/// A square window that slides over a grid, padded on each side by `dilation · (size − 1) / 2`.
package struct Window: Hashable, Sendable {
    package let size: Int
    package let stride: Int
    package let dilation: Int

    init(size: Int, stride: Int, dilation: Int) {
        precondition(
            size % 2 == 1 && stride >= 1 && dilation >= 1,
            "a window needs an odd size and steps of at least 1, not "
                + "\(size), \(stride), \(dilation)"
        )
        self.size = size
        self.stride = stride
        self.dilation = dilation
    }

    package var padding: Int { dilation * (size - 1) / 2 }
    package var taps: Int { size * size }

    /// Positions of the output along an axis of `extent` input positions.
    package func output(extent: Int) -> Int { (extent - 1) / stride + 1 }
}

extension Operation {
    /// The parameters of the operation, in the order of its fields.
    var parameters: [Parameter] {
        switch self {
        case .convolution(let weight, let bias, _): bias.map { [weight, $0] } ?? [weight]
        case .depthwise(let weight, _): [weight]
        case .batchNorm(let norm): [norm.gamma, norm.beta, norm.mean, norm.variance]
        default: []
        }
    }
}
