/// The elements of flat buffers that have not got their final values yet.
public struct UnfinishedElements {
    private var rangesOfGroups: [(group: TensorGroup, ranges: [Range<Int>])]

    /// All elements of groups of these lengths.
    public init(_ counts: [(group: TensorGroup, count: Int)]) {
        rangesOfGroups = counts.map { ($0.group, $0.count > 0 ? [0..<$0.count] : []) }
    }

    /// Traps unless all of `elements` were there.
    public mutating func remove(_ elements: Range<Int>, of group: TensorGroup) {
        guard let place = rangesOfGroups.firstIndex(where: { $0.group == group }),
            let index = rangesOfGroups[place].ranges.firstIndex(where: {
                $0.lowerBound <= elements.lowerBound && elements.upperBound <= $0.upperBound
            })
        else { preconditionFailure("\(group) \(elements) is finished twice") }
        let whole = rangesOfGroups[place].ranges[index]
        let left = [
            whole.lowerBound..<elements.lowerBound, elements.upperBound..<whole.upperBound,
        ]
        rangesOfGroups[place].ranges.replaceSubrange(
            index...index, with: left.filter { !$0.isEmpty })
    }

    /// What is left, by group and position.
    public var ranges: [(group: TensorGroup, elements: Range<Int>)] {
        rangesOfGroups.flatMap { group, ranges in ranges.map { (group, $0) } }
    }
}

extension FlatBuffers {
    /// All elements of these buffers.
    public var unfinished: UnfinishedElements {
        UnfinishedElements(groups.map { ($0, self[$0].count) })
    }
}
