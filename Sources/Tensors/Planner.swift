import CKernels

/// Turns a graph into stages: lowers each node forward, then, in reverse, backward.
///
/// Every stage names the buffers it reads and writes; lifetimes in the arena follow from that.
final class Planner {
    let graph: Graph
    let mode: Plan.Mode
    let kernels: UnsafePointer<ck_table>
    /// Tiles that run at a time: what is fetched ahead depends on it, no size and no bit.
    let threadCount: Int
    let products: MatrixProduct
    let arguments = StepArguments()

    private(set) var stages: [Stage] = []
    private(set) var buffers: [Buffer] = []
    private(set) var forwardCount = 0
    /// By stage: the elements of the flat gradients that no later stage changes.
    private(set) var finalGradients: [Int: [Range<Int>]] = [:]
    private var values: [Buffer?]
    /// Outputs of batch norms and of changes of size that nobody has needed as a whole yet.
    private var normalised: [NormalisedRows?]
    private var resized: [ResizedRows?]
    /// The last stage of products of the pass that is being emitted.
    private var lastProducts: Int?
    /// What was left to the next stage of products, and the buffers that it touches.
    private var leftToProducts: [(stage: Stage, buffers: [Buffer], finished: Parameter)] = []
    /// Floats of scratch that a thread needs at most.
    private(set) var scratchCount = 0
    private var gradients: [Buffer?]
    /// How a node's backward stages are emitted.
    private enum Backward {
        case whole((_ dy: Buffer) -> Void)
        case byRows((_ dy: GradientRows) -> Void)
    }

    /// Gradients the caller fills or reads: of outputs, and of the inputs it named.
    private var requested: [Value: Buffer] = [:]
    /// How to emit a node's backward stages, left by its forward lowering.
    private var backward: [Backward?]
    /// Gradients of the inputs of batch norms that nobody has needed as a whole yet.
    private var normGradients: [NormGradientRows?]
    /// By value: where stages may follow that want its rows, or its gradient's, fresh from the cache.
    private var rowHooks: [RowHook?]
    private var gradientHooks: [RowHook?]
    private let consumers: [Int]
    private let needed: [Bool]
    private let differentiable: [Bool]
    private let outputs: [Value]

    init(
        _ graph: Graph, outputs: [Value], mode: Plan.Mode, inputGradients: [Value],
        products: ProductEngine, kernels: UnsafePointer<ck_table>, threadCount: Int
    ) {
        self.graph = graph
        self.mode = mode
        self.kernels = kernels
        self.threadCount = threadCount
        self.products = MatrixProduct(products, kernels)
        self.outputs = outputs
        let count = graph.nodes.count
        values = Array(repeating: nil, count: count)
        normalised = Array(repeating: nil, count: count)
        resized = Array(repeating: nil, count: count)
        gradients = Array(repeating: nil, count: count)
        backward = Array(repeating: nil, count: count)
        normGradients = Array(repeating: nil, count: count)
        rowHooks = Array(repeating: nil, count: count)
        gradientHooks = Array(repeating: nil, count: count)
        needed = Planner.ancestors(of: outputs, in: graph)
        differentiable = Planner.differentiable(graph, inputGradients)
        var consumers = Array(repeating: 0, count: count)
        for (node, isNeeded) in zip(graph.nodes, needed) where isNeeded {
            for input in node.inputs { consumers[input.index] += 1 }
        }
        for output in outputs { consumers[output.index] += 1 }
        self.consumers = consumers
    }

    /// Emits all stages; the buffers have lifetimes afterwards but no memory yet.
    func compile(inputGradients: [Value]) {
        for index in graph.nodes.indices where needed[index] { lower(index) }
        for output in outputs { _ = value(output) }
        forwardCount = stages.count
        lastProducts = nil
        if mode == .training { compileBackward() }
        for value in outputs { values[value.index]!.touch(stages.count) }
        for index in graph.nodes.indices where isInput(index) && needed[index] {
            values[index]!.touch(-1)
            values[index]!.touch(stages.count)
        }
        for value in inputGradients {
            guard let gradient = gradients[value.index] else { continue }
            gradient.touch(stages.count)
            requested[value] = gradient
        }
    }

    private func compileBackward() {
        for value in outputs where differentiable[value.index] {
            let gradient = buffer(graph.shape(of: value).count)
            // The caller fills it between the passes.
            gradient.touch(forwardCount - 1)
            gradients[value.index] = gradient
            requested[value] = gradient
        }
        clearUnused()
        for index in graph.nodes.indices.reversed() where differentiable[index] {
            emitBackward(index)
        }
        for (stage, buffers, weight) in leftToProducts {
            append(stage, touching: buffers)
            finishGradient(of: weight)
        }
    }

    private func emitBackward(_ index: Int) {
        if let rows = normGradients[index] {
            if case .byRows(let emit) = backward[index] { return emit(.normalised(rows)) }
            emitNormBackward(rows, to: rows.dy)
            gradients[index] = rows.dy
        }
        guard let dy = gradients[index] else { return }
        switch backward[index] {
        case .whole(let emit): emit(dy)
        case .byRows(let emit): emit(.plain(dy))
        case nil: break
        }
    }

    private func isInput(_ index: Int) -> Bool {
        if case .input = graph.nodes[index].operation { true } else { false }
    }

    // MARK: Values

    /// The value as a whole; written now where it was left to its readers.
    func value(_ value: Value) -> Buffer {
        if let buffer = values[value.index] { return buffer }
        let buffer: Buffer
        if let rows = normalised[value.index] {
            buffer = normalise(rows, of: value)
        } else if let rows = resized[value.index] {
            buffer = resize(rows, of: value)
        } else {
            preconditionFailure("value \(value.index) is read before it is computed")
        }
        values[value.index] = buffer
        return buffer
    }

    /// The value for a concatenation.
    func part(_ value: Value) -> ConcatenatedPart {
        if values[value.index] == nil {
            if let rows = normalised[value.index] { return .normalised(rows) }
            if let rows = resized[value.index] { return .resized(rows) }
        }
        return .plain(self.value(value))
    }

    /// The value for a stage that reads it by rows.
    func rows(of value: Value) -> InputRows {
        if values[value.index] == nil, let rows = normalised[value.index] {
            return .normalised(rows)
        }
        return .plain(self.value(value))
    }

    /// The value's rows are written by a stage that can hand them on.
    func noteRows(of index: Int, written hook: RowHook) { rowHooks[index] = hook }

    /// A stage's hook if it hands on the value's rows in units of `unit` and nobody has taken it.
    func rowHook(of value: Value, unit: Int) -> RowHook? {
        guard let hook = rowHooks[value.index], hook.unit == unit, hook.body == nil else {
            return nil
        }
        return hook
    }

    /// Likewise of the whole gradient: only where it has one contribution.
    func noteGradientRows(of value: Value, written hook: RowHook) {
        if consumers[value.index] == 1 { gradientHooks[value.index] = hook }
    }

    func gradientHook(of index: Int, unit: Int) -> RowHook? {
        guard let hook = gradientHooks[index], hook.unit == unit, hook.body == nil else {
            return nil
        }
        return hook
    }

    /// Leaves the value to its readers: those that read by rows normalise for themselves.
    func define(_ index: Int, _ rows: NormalisedRows) { normalised[index] = rows }

    /// Likewise: a concatenation writes the rows for itself.
    func define(_ index: Int, _ rows: ResizedRows) { resized[index] = rows }

    /// The gradient that the caller asked for, with its own place in the arena.
    func requestedGradient(_ value: Value) -> Buffer? { requested[value] }

    func define(_ index: Int, _ buffer: Buffer) { values[index] = buffer }

    func onBackward(of index: Int, _ emit: @escaping (_ dy: Buffer) -> Void) {
        if mode == .training { backward[index] = .whole(emit) }
    }

    /// As `onBackward`, of a node whose backward stages read the gradient by rows.
    func onBackwardByRows(of index: Int, _ emit: @escaping (_ dy: GradientRows) -> Void) {
        if mode == .training { backward[index] = .byRows(emit) }
    }

    func wantsGradient(_ value: Value) -> Bool { differentiable[value.index] }

    /// True where nobody else reads the value, so that evaluation may overwrite it.
    func mayOverwrite(_ value: Value) -> Bool {
        mode == .evaluation && consumers[value.index] == 1 && !isInput(value.index)
    }

    // MARK: Gradients

    /// The place for one more contribution to the gradient of `value`.
    func gradientPlace(_ value: Value) -> (buffer: Buffer, store: Store) {
        if let buffer = gradients[value.index] { return (buffer, .accumulate) }
        let fresh = buffer(graph.shape(of: value).count)
        gradients[value.index] = fresh
        return (fresh, .overwrite)
    }

    /// Contributes what `emit` overwrites its argument with, by way of scratch if there is a sum.
    func contribute(to value: Value, _ emit: (Buffer) -> Void) {
        let (place, store) = gradientPlace(value)
        guard store == .accumulate else { return emit(place) }
        let scratch = buffer(place.count)
        emit(scratch)
        accumulate(place, scratch)
    }

    /// Contributes what `emit` computes from `dy` in place; `dy` must not be read again.
    func contribute(to value: Value, inPlaceOf dy: Buffer, _ emit: (Buffer) -> Void) {
        if gradients[value.index] == nil {
            gradients[value.index] = dy
            emit(dy)
        } else {
            contribute(to: value, emit)
        }
    }

    /// Contributes the gradient of a batch norm's input, whose `dy` must not be read again by others:
    /// left to the reader where it is the only contribution.
    func contribute(to value: Value, _ rows: NormGradientRows) {
        if gradients[value.index] == nil, consumers[value.index] == 1 {
            normGradients[value.index] = rows
        } else {
            contribute(to: value, inPlaceOf: rows.dy) { emitNormBackward(rows, to: $0) }
        }
    }

    /// Contributes a gradient that nobody else will read.
    func contribute(to value: Value, ready gradient: Buffer) {
        if let sum = gradients[value.index] {
            accumulate(sum, gradient)
        } else {
            gradients[value.index] = gradient
        }
    }

    func accumulate(_ sum: Buffer, _ term: Buffer) {
        let tiling = Tiling.elements(sum.count), kernels = kernels
        emit("gradient sum", reads: [sum, term], writes: [sum], count: tiling.count) { tile in
            let range = tiling.range(tile)
            kernels.pointee.accumulate(
                sum.base + range.lowerBound, term.base + range.lowerBound, range.count)
        }
    }

    // MARK: Stages

    func buffer(_ count: Int) -> Buffer {
        let buffer = Buffer(count: count)
        buffers.append(buffer)
        return buffer
    }

    /// Appends a stage; `tile` must touch no other buffers than those named.
    func emit(
        _ name: String, reads: [Buffer], writes: [Buffer], count: Int,
        _ tile: @escaping (Int) -> Void
    ) {
        append(
            Stage(name: name, count: count) { index, _ in tile(index) }, touching: reads + writes)
    }

    /// Appends a stage whose tiles also get `scratch` floats, of arbitrary values, for themselves.
    func emit(
        _ name: String, reads: [Buffer], writes: [Buffer], count: Int, scratch: Int,
        _ tile: @escaping (Int, UnsafeMutablePointer<Float>) -> Void
    ) {
        append(
            stage(name, count: count, scratch: scratch, tile), touching: reads + writes)
    }

    private func append(_ stage: Stage, touching buffers: [Buffer]) {
        for buffer in buffers { buffer.touch(stages.count) }
        stages.append(stage)
    }

    private func stage(
        _ name: String, count: Int, scratch: Int,
        _ tile: @escaping (Int, UnsafeMutablePointer<Float>) -> Void
    ) -> Stage {
        scratchCount = max(scratchCount, scratch)
        let arguments = arguments
        return Stage(name: name, count: count) { index, thread in
            tile(index, arguments.scratch(ofThread: thread))
        }
    }

    // MARK: Stages of products, which wait for no memory, and what is done beside them

    /// As above, of a stage of matrix products.
    func emitProducts(
        _ name: String, reads: [Buffer], writes: [Buffer], count: Int, scratch: Int,
        _ tile: @escaping (Int, UnsafeMutablePointer<Float>) -> Void
    ) {
        lastProducts = stages.count
        var mixed = stage(name, count: count, scratch: scratch, tile), buffers = reads + writes
        for left in leftToProducts {
            mixed = mixed.mixed(with: left.stage)
            buffers += left.buffers
        }
        append(mixed, touching: buffers)
        for left in leftToProducts { finishGradient(of: left.finished) }
        leftToProducts = []
    }

    /// Adds a stage that needs nothing of this pass to its last products; alone where there are none.
    func emitBesideLastProducts(
        _ name: String, writes: [Buffer], count: Int, _ tile: @escaping (Int) -> Void
    ) {
        guard let last = lastProducts else {
            return emit(name, reads: [], writes: writes, count: count, tile)
        }
        for buffer in writes { buffer.touch(last) }
        stages[last] = stages[last]
            .mixed(with: Stage(name: name, count: count) { index, _ in tile(index) })
    }

    /// Leaves the stage that completes a weight's gradient to the products that follow.
    func emitBesideNextProducts(
        _ name: String, reads: [Buffer], finishing weight: Parameter, count: Int,
        _ tile: @escaping (Int) -> Void
    ) {
        leftToProducts.append(
            (Stage(name: name, count: count) { index, _ in tile(index) }, reads, weight))
    }

    /// The last stage emitted was the last one to write this weight's gradient.
    func finishGradient(of weight: Parameter) {
        let first = graph.offset(of: weight)
        let elements = first..<first + graph.declaration(of: weight).count
        finalGradients[stages.count - 1, default: []].append(elements)
    }

    /// Fills buffers whose declared life ends with this stage with NaN.
    func poison(after stage: Int) {
        for buffer in buffers where buffer.lifetime?.upperBound == stage {
            buffer.base.update(repeating: .nan, count: buffer.count)
        }
    }

    // MARK: Analysis

    private static func ancestors(of outputs: [Value], in graph: Graph) -> [Bool] {
        var needed = Array(repeating: false, count: graph.nodes.count)
        for output in outputs { needed[output.index] = true }
        for index in graph.nodes.indices.reversed() where needed[index] {
            for input in graph.nodes[index].inputs { needed[input.index] = true }
        }
        return needed
    }

    private static func differentiable(_ graph: Graph, _ inputs: [Value]) -> [Bool] {
        var result = Array(repeating: false, count: graph.nodes.count)
        for (index, node) in graph.nodes.enumerated() {
            switch node.operation {
            case .input: result[index] = inputs.contains(Value(index: index))
            case .convolution, .depthwise, .batchNorm: result[index] = true
            default: result[index] = node.inputs.contains { result[$0.index] }
            }
        }
        return result
    }

    /// Defines the gradients and statistics of parameters that no needed node uses.
    private func clearUnused() {
        var used: Set<Parameter> = []
        for (node, isNeeded) in zip(graph.nodes, needed) where isNeeded {
            for parameter in node.operation.parameters {
                let isFresh = used.insert(parameter).inserted
                precondition(
                    isFresh, "\(graph.declaration(of: parameter).name) serves two operations")
            }
        }
        let arguments = arguments
        for index in graph.weights.indices {
            let parameter = Parameter(role: .weight, index: index)
            guard !used.contains(parameter) else { continue }
            let offset = graph.offset(of: parameter), count = graph.weights[index].count
            emit("unused weight", reads: [], writes: [], count: 1) { _ in
                (arguments.gradients + offset).update(repeating: 0, count: count)
            }
            finishGradient(of: parameter)
        }
        for index in graph.statistics.indices {
            let parameter = Parameter(role: .statistic, index: index)
            guard !used.contains(parameter) else { continue }
            let offset = graph.offset(of: parameter), count = graph.statistics[index].count
            emit("unused statistic", reads: [], writes: [], count: 1) { _ in
                (arguments.batchStatistics + offset)
                    .update(from: arguments.statistics + offset, count: count)
            }
        }
    }
}
