import CKernels

extension Planner {
    func lowerActivation(_ index: Int, _ activation: Activation) {
        let input = graph.nodes[index].inputs[0], x = value(input)
        let y = mayOverwrite(input) ? x : buffer(x.count)
        define(index, y)
        let tiling = Tiling.elements(x.count), kernels = kernels
        emit("activation", reads: [x], writes: [y], count: tiling.count) { tile in
            let range = tiling.range(tile), first = range.lowerBound
            kernels.pointee.activate(
                y.base + first, x.base + first, activation.kernel, range.count)
        }
        onBackward(of: index) { [unowned self] dy in
            guard wantsGradient(input) else { return }
            contribute(to: input, inPlaceOf: dy) { dx in
                emit("activation backward", reads: [dy, y], writes: [dx], count: tiling.count) {
                    tile in
                    let range = tiling.range(tile), first = range.lowerBound
                    kernels.pointee.activate_backward(
                        dx.base + first, dy.base + first, y.base + first, activation.kernel,
                        range.count)
                }
            }
        }
    }

    func lowerAdd(_ index: Int) {
        let inputs = graph.nodes[index].inputs
        let a = value(inputs[0]), b = value(inputs[1])
        let y = mayOverwrite(inputs[0]) ? a : buffer(a.count)
        define(index, y)
        let tiling = Tiling.elements(y.count), kernels = kernels
        emit("sum", reads: [a, b], writes: [y], count: tiling.count) { tile in
            let range = tiling.range(tile), first = range.lowerBound
            kernels.pointee.add(
                y.base + first, a.base + first, b.base + first, range.count)
        }
        onBackward(of: index) { [unowned self] dy in
            if wantsGradient(inputs[1]) { copy(dy, to: inputs[1]) }
            if wantsGradient(inputs[0]) { contribute(to: inputs[0], ready: dy) }
        }
    }

    /// Adds `dy` to the gradient of `value`.
    private func copy(_ dy: Buffer, to value: Value) {
        let (dx, store) = gradientPlace(value)
        if store == .accumulate { return accumulate(dx, dy) }
        emitCopy(dx, dy)
    }

    func lowerSigmoidGate(_ index: Int) {
        let inputs = graph.nodes[index].inputs
        let features = value(inputs[0]), z = value(inputs[1])
        let y = buffer(z.count), gate = buffer(z.count)
        define(index, y)
        let tiling = Tiling.elements(y.count), kernels = kernels
        emit("sigmoid gate", reads: [features, z], writes: [y, gate], count: tiling.count) { tile in
            let range = tiling.range(tile), first = range.lowerBound
            kernels.pointee.sigmoid_gate(
                y.base + first, gate.base + first, features.base + first, z.base + first,
                range.count)
        }
        onBackward(of: index) { [unowned self] dy in
            let dFeatures = buffer(y.count), dz = buffer(y.count)
            emit(
                "sigmoid gate backward", reads: [dy, features, gate], writes: [dFeatures, dz],
                count: tiling.count
            ) { tile in
                let range = tiling.range(tile), first = range.lowerBound
                kernels.pointee.sigmoid_gate_backward(
                    dFeatures.base + first, dz.base + first, dy.base + first,
                    features.base + first, gate.base + first, range.count)
            }
            for (input, gradient) in zip(inputs, [dFeatures, dz]) where wantsGradient(input) {
                contribute(to: input, ready: gradient)
            }
        }
    }

    func lowerDropout(_ index: Int, keep: Float, ordinal: UInt32) {
        let input = graph.nodes[index].inputs[0], x = value(input)
        guard mode == .training && keep < 1 else { return lowerIdentity(index) }
        let y = buffer(x.count), kernels = kernels, arguments = arguments
        define(index, y)
        let tiling = Tiling.elements(x.count)
        let draw = { (out: Buffer, source: Buffer, tile: Int) in
            let range = tiling.range(tile), first = range.lowerBound
            kernels.pointee.dropout(
                out.base + first, source.base + first, arguments.dropoutKey, UInt64(ordinal), keep,
                first, range.count)
        }
        emit("dropout", reads: [x], writes: [y], count: tiling.count) { draw(y, x, $0) }
        onBackward(of: index) { [unowned self] dy in
            guard wantsGradient(input) else { return }
            contribute(to: input, inPlaceOf: dy) { dx in
                emit("dropout backward", reads: [dy], writes: [dx], count: tiling.count) {
                    draw(dx, dy, $0)
                }
            }
        }
    }

    /// The value of the input under another handle; a copy where one of the two may be overwritten.
    private func lowerIdentity(_ index: Int) {
        let input = graph.nodes[index].inputs[0], x = value(input)
        if mode == .training || mayOverwrite(input) {
            define(index, x)
        } else {
            let y = buffer(x.count)
            define(index, y)
            emitCopy(y, x)
        }
        onBackward(of: index) { [unowned self] dy in
            if wantsGradient(input) { contribute(to: input, ready: dy) }
        }
    }

    private func emitCopy(_ y: Buffer, _ x: Buffer) {
        let tiling = Tiling.elements(y.count)
        emit("copy", reads: [x], writes: [y], count: tiling.count) { tile in
            let range = tiling.range(tile), first = range.lowerBound
            (y.base + first).update(from: x.base + first, count: range.count)
        }
    }
}
