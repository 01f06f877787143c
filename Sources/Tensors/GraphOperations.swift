extension Graph {
    /// A value that the caller fills before each forward pass.
    public mutating func input(_ name: String, _ shape: Shape) -> Value {
        append(.input(name: name), [], shape)
    }

    /// Cross-correlation with fixed symmetric padding `dilation · (k − 1) / 2`.
    ///
    /// `x` is `[batch, height, width, I]`, `weight` `[O, I, k, k]` with odd `k`, `bias` `[O]`; the
    /// result is `[batch, (height − 1) / stride + 1, (width − 1) / stride + 1, O]`.
    public mutating func convolution(
        _ x: Value, weight: Parameter, bias: Parameter? = nil, stride: Int = 1, dilation: Int = 1
    ) -> Value {
        let shape = shape(of: x), w = declaration(of: weight)
        precondition(
            w.role == .weight && w.shape.count == 4 && w.shape[1] == shape.channels
                && w.shape[2] == w.shape[3],
            "\(w.name) of shape \(w.shape) does not fit \(shape): [O, \(shape.channels), k, k] does"
        )
        if let bias { require(bias, .weight, channels: w.shape[0]) }
        let window = Window(size: w.shape[2], stride: stride, dilation: dilation)
        return append(
            .convolution(weight: weight, bias: bias, window: window), [x],
            slide(window, over: shape).with(channels: w.shape[0]))
    }

    /// A convolution of each channel by itself; `weight` is `[C, 1, k, k]`.
    public mutating func depthwiseConvolution(
        _ x: Value, weight: Parameter, stride: Int = 1, dilation: Int = 1
    ) -> Value {
        let shape = shape(of: x), w = declaration(of: weight)
        precondition(
            w.role == .weight && w.shape.count == 4 && w.shape[0] == shape.channels
                && w.shape[1] == 1 && w.shape[2] == w.shape[3],
            "\(w.name) of shape \(w.shape) does not fit \(shape): [\(shape.channels), 1, k, k] does"
        )
        let window = Window(size: w.shape[2], stride: stride, dilation: dilation)
        return append(.depthwise(weight: weight, window: window), [x], slide(window, over: shape))
    }

    /// `activation(γ · (x − mean) / √(variance + ε) + β)` per channel (Ioffe and Szegedy 2015).
    ///
    /// Training uses the mean and biased variance of the batch, evaluation the running ones. A
    /// layer with one row uses the running ones in both; its statistics become `.never`.
    public mutating func batchNorm(
        _ x: Value, gamma: Parameter, beta: Parameter, mean: Parameter, variance: Parameter,
        epsilon: Float, activation: Activation
    ) -> Value {
        let shape = shape(of: x)
        for p in [gamma, beta] { require(p, .weight, channels: shape.channels) }
        for p in [mean, variance] { require(p, .statistic, channels: shape.channels) }
        precondition(epsilon > 0, "batch norm needs a positive ε, not \(epsilon)")
        if shape.rows == 1 {
            freeze(mean)
            freeze(variance)
        }
        let operation = Operation.BatchNorm(
            gamma: gamma, beta: beta, mean: mean, variance: variance, epsilon: epsilon,
            activation: activation)
        return append(.batchNorm(operation), [x], shape)
    }

    /// The activation of each element.
    public mutating func activation(_ x: Value, _ activation: Activation) -> Value {
        append(.activation(activation), [x], shape(of: x))
    }

    /// The sum of two values of one shape.
    public mutating func add(_ a: Value, _ b: Value) -> Value {
        precondition(
            shape(of: a) == shape(of: b), "\(shape(of: a)) and \(shape(of: b)) cannot be added")
        return append(.add, [a, b], shape(of: a))
    }

    /// The channels of all values side by side, in order.
    public mutating func concatenate(_ values: [Value]) -> Value {
        precondition(!values.isEmpty, "nothing to concatenate")
        let shapes = values.map(shape(of:))
        precondition(
            shapes.allSatisfy { $0.with(channels: 1) == shapes[0].with(channels: 1) },
            "\(shapes) differ in more than channels")
        return append(
            .concatenate, values, shapes[0].with(channels: shapes.reduce(0) { $0 + $1.channels }))
    }

    /// The mean over the grid: `[batch, height, width, C]` → `[batch, 1, 1, C]`.
    public mutating func globalAveragePool(_ x: Value) -> Value {
        append(.globalAveragePool, [x], shape(of: x).with(height: 1, width: 1))
    }

    /// `features · σ(gate)`, element by element.
    public mutating func sigmoidGate(features: Value, gate: Value) -> Value {
        precondition(
            shape(of: features) == shape(of: gate),
            "gate \(shape(of: gate)) does not fit features \(shape(of: features))")
        return append(.sigmoidGate, [features, gate], shape(of: features))
    }

    /// Bilinear resampling with aligned corners: source position `i · (in − 1) / (out − 1)`.
    public mutating func resizeBilinear(_ x: Value, height: Int, width: Int) -> Value {
        append(.resizeBilinear, [x], shape(of: x).with(height: height, width: width))
    }

    /// Adaptive average: output o is the mean of `⌊o · in / out⌋ ..< ⌈(o + 1) · in / out⌉`.
    public mutating func resizeArea(_ x: Value, height: Int, width: Int) -> Value {
        append(.resizeArea, [x], shape(of: x).with(height: height, width: width))
    }

    /// Nearest resampling with aligned corners: source position `i · (in − 1) / (out − 1)`, halves
    /// rounded up.
    public mutating func resizeNearest(_ x: Value, height: Int, width: Int) -> Value {
        append(.resizeNearest, [x], shape(of: x).with(height: height, width: width))
    }

    /// Zero with probability `1 − keep`, else divided by `keep`; the identity in evaluation.
    ///
    /// The draw is a function of the step's dropout key, this layer's ordinal and the element.
    public mutating func dropout(_ x: Value, keep: Float) -> Value {
        precondition(keep > 0 && keep <= 1, "dropout keeps a share in (0, 1], not \(keep)")
        return append(.dropout(keep: keep, index: nextDropoutIndex()), [x], shape(of: x))
    }

    private func slide(_ window: Window, over shape: Shape) -> Shape {
        shape.with(
            height: window.output(extent: shape.height), width: window.output(extent: shape.width))
    }

    private func require(
        _ parameter: Parameter, _ role: ParameterDeclaration.Role, channels: Int
    ) {
        let declared = declaration(of: parameter)
        precondition(
            declared.role == role && declared.shape == [channels],
            "\(declared.name), a \(declared.role) of shape \(declared.shape), "
                + "stands where a \(role) of shape [\(channels)] is needed")
    }
}
