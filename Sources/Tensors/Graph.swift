/// A handle of a value of one ``Graph``.
public struct Value: Hashable, Sendable {
    package let index: Int

    package init(index: Int) { self.index = index }
}

/// A network as a list of operations in the order of execution; shapes are checked while building.
public struct Graph: Sendable {
    package struct Node: Sendable {
        package let operation: Operation
        package let inputs: [Value]
        package let shape: Shape
    }

    package private(set) var nodes: [Node] = []
    /// Trained tensors in declaration order, the order of the flat weight buffer.
    public private(set) var weights: [ParameterDeclaration] = []
    /// Running means and variances in declaration order, the order of the flat statistics buffer.
    public private(set) var statistics: [ParameterDeclaration] = []
    private var weightOffsets: [Int] = [0]
    private var statisticOffsets: [Int] = [0]
    private var dropoutCount: UInt32 = 0

    /// A graph without operations.
    public init() {}

    /// Elements of the flat weight buffer.
    public var weightCount: Int { weightOffsets[weights.count] }
    /// Elements of the flat statistics buffer.
    public var statisticCount: Int { statisticOffsets[statistics.count] }

    /// `[batch, height, width, channels]` of a value.
    public func shape(of value: Value) -> Shape { nodes[value.index].shape }

    /// What the parameter was declared with, and what the graph has since learned of its updates.
    public func declaration(of parameter: Parameter) -> ParameterDeclaration {
        parameter.role == .weight ? weights[parameter.index] : statistics[parameter.index]
    }

    /// First element of the parameter in the flat buffer of its role.
    public func offset(of parameter: Parameter) -> Int {
        parameter.role == .weight
            ? weightOffsets[parameter.index] : statisticOffsets[parameter.index]
    }

    /// Products of all convolutions for the whole batch.
    public var multiplyAccumulateCount: Int {
        nodes.reduce(0) { sum, node in
            switch node.operation {
            case .convolution(let weight, _, _):
                sum + node.shape.rows * declaration(of: weight).count
            case .depthwise(_, let window):
                sum + node.shape.count * window.taps
            default: sum
            }
        }
    }

    /// Declares a tensor; names must be unique.
    public mutating func parameter(_ declaration: ParameterDeclaration) -> Parameter {
        precondition(
            !(weights + statistics).contains { $0.name == declaration.name },
            "\(declaration.name) is declared twice")
        switch declaration.role {
        case .weight:
            weights.append(declaration)
            weightOffsets.append(weightOffsets[weights.count - 1] + declaration.count)
            return Parameter(role: .weight, index: weights.count - 1)
        case .statistic:
            statistics.append(declaration)
            statisticOffsets.append(statisticOffsets[statistics.count - 1] + declaration.count)
            return Parameter(role: .statistic, index: statistics.count - 1)
        }
    }

    mutating func append(_ operation: Operation, _ inputs: [Value], _ shape: Shape) -> Value {
        nodes.append(Node(operation: operation, inputs: inputs, shape: shape))
        return Value(index: nodes.count - 1)
    }

    mutating func freeze(_ statistic: Parameter) {
        statistics[statistic.index].updates = .never
    }

    mutating func nextDropoutIndex() -> UInt32 {
        defer { dropoutCount += 1 }
        return dropoutCount
    }
}
