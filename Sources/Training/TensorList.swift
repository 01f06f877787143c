import Configurations
import Networks
import Tensors

/// The flat, ordered list of named tensors of each group that a run needs.
public struct TensorList: Hashable, Sendable {
    /// The groups in their canonical order.
    public let groups: [Group]

    /// One group's tensors, in the order of its flat buffer.
    public struct Group: Hashable, Sendable {
        /// Which group this is.
        public let group: TensorGroup
        /// Its tensors, in order.
        public let tensors: [ParameterDeclaration]
        /// First element of each tensor in the flat buffer.
        public let offsets: [Int]
        /// Elements of the flat buffer.
        public let elementCount: Int

        init(_ group: TensorGroup, _ tensors: [ParameterDeclaration]) {
            self.group = group
            self.tensors = tensors
            var offsets: [Int] = []
            var end = 0
            for tensor in tensors {
                offsets.append(end)
                end += tensor.count
            }
            self.offsets = offsets
            elementCount = end
        }
    }

    /// The groups that the configuration's phases train or read; a pure function of its arguments.
    ///
    /// Throws `TrainingError.schedule` as `TrainingSchedule` does.
    public init(_ configuration: Configuration, classCount: Int) throws {
        let shape = try NetworkShape(configuration, classCount: classCount)
        let schedule = try TrainingSchedule(configuration)
        // The true batch and crop: they decide which batch norms see a single value.
        let batch = configuration.slots.batch, side = configuration.data.crop
        let primary = DeepLab.primary(shape, batch: batch, height: side, width: side).graph
        let ancillary = DeepLab.ancillary(shape, batch: batch, height: side, width: side).graph
        let corrector = Corrector.graph(shape, batch: 1, height: 1, width: 1).graph
        groups = schedule.groups.map { group in
            switch group {
            case .primary: Group(group, primary.weights)
            case .ancillary: Group(group, ancillary.weights)
            case .corrector: Group(group, corrector.weights)
            case .primaryStatistics: Group(group, primary.statistics)
            case .ancillaryStatistics: Group(group, ancillary.statistics)
            }
        }
    }

    /// The tensors of a group that the list holds.
    public subscript(group: TensorGroup) -> Group {
        guard let found = groups.first(where: { $0.group == group }) else {
            preconditionFailure("no group \(group) in \(groups.map(\.group))")
        }
        return found
    }

    /// Whether the run has such a group.
    public func contains(_ group: TensorGroup) -> Bool {
        groups.contains { $0.group == group }
    }

    /// `primary/features.0.0.weight`: the name of a tensor in checkpoints, across groups unique.
    public static func qualifiedName(_ group: TensorGroup, _ tensor: ParameterDeclaration)
        -> String
    { "\(group.rawValue)/\(tensor.name)" }
}
