/// A tensor of a run, as every checkpoint lists it.
public struct TensorEntry: Hashable, Sendable {
    /// As `primary` or `primaryStatistics`: the list that the tensor belongs to.
    public var group: String
    /// Unique within the group; holds no `/` and no `@`.
    public var name: String
    /// Extents, outermost first; convolutions are `[outputs, inputs, height, width]`.
    public var shape: [Int]
    /// Product of the extents.
    public var elementCount: Int { shape.reduce(1, *) }

    /// Traps on a negative extent, an empty group, or names that would break a shard's keys.
    public init(group: String, name: String, shape: [Int]) {
        precondition(shape.allSatisfy { $0 >= 0 }, "\(group)/\(name): shape \(shape)")
        precondition(
            !group.contains("/") && !name.contains { "/@".contains($0) } && !group.isEmpty,
            "\(group)/\(name): groups and names hold no / and no @")
        self.group = group
        self.name = name
        self.shape = shape
    }
}

/// Elements `offset..<offset + count` of a tensor in C order.
public struct TensorSlice: Hashable, Sendable {
    /// The tensor that the elements belong to.
    public var tensor: TensorEntry
    /// First element, counted from 0.
    public var offset: Int
    /// Number of elements.
    public var count: Int

    /// Traps unless the elements lie within the tensor.
    public init(_ tensor: TensorEntry, offset: Int, count: Int) {
        precondition(
            offset >= 0 && count >= 0 && offset + count <= tensor.elementCount,
            "elements \(offset)..<\(offset + count) of \(tensor)")
        self.tensor = tensor
        self.offset = offset
        self.count = count
    }

    /// The whole tensor.
    public init(_ tensor: TensorEntry) {
        self.init(tensor, offset: 0, count: tensor.elementCount)
    }
}

/// What is kept of a slice: its `values`, or one of its optimizer slots such as `velocity`.
public struct PlaneName: Hashable, Sendable, RawRepresentable, Comparable {
    /// The parameters or statistics themselves.
    public static let values = PlaneName(rawValue: "values")

    /// The name as shard files hold it.
    public var rawValue: String
    /// Traps where the name holds `/` or `@`.
    public init(rawValue: String) {
        precondition(!rawValue.contains { "/@".contains($0) }, "plane \(rawValue)")
        self.rawValue = rawValue
    }
    /// By name, in the order of strings.
    public static func < (left: PlaneName, right: PlaneName) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Name of a slice's plane within a shard file: `group/name/plane@offset`.
struct ShardKey: Hashable {
    var group: String
    var name: String
    var plane: PlaneName
    var offset: Int

    var text: String { "\(group)/\(name)/\(plane.rawValue)@\(offset)" }

    init(_ slice: TensorSlice, _ plane: PlaneName) {
        group = slice.tensor.group
        name = slice.tensor.name
        self.plane = plane
        offset = slice.offset
    }

    init?(_ text: String) {
        let halves = text.split(separator: "@", omittingEmptySubsequences: false)
        guard halves.count == 2, let offset = Int(halves[1]), offset >= 0 else { return nil }
        let parts = halves[0].split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        group = String(parts[0])
        name = String(parts[1])
        plane = PlaneName(rawValue: String(parts[2]))
        self.offset = offset
        guard self.text == text else { return nil }
    }
}
