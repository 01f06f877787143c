/// The disjoint nodes of one step that have arrived for one chunk, or for the trailer.
struct NodeSet<Value: Sendable>: Sendable {
    struct Entry: Sendable {
        let contribution: Contribution
        let value: Value

        var node: SlotRange { contribution.node }
    }

    enum Relation {
        case absent
        case same(Entry)
        /// An ancestor is there, or descendants that make up the whole node.
        case covered
    }

    /// In slot order.
    private(set) var entries: [Entry] = []

    func relation(to node: SlotRange) -> Relation {
        var coveredCount = 0
        for entry in entries where entry.node.overlaps(node) {
            if entry.node == node { return .same(entry) }
            if entry.node.contains(node) { return .covered }
            coveredCount += entry.node.count
        }
        return coveredCount == node.count ? .covered : .absent
    }

    /// Adds an absent node; its partial descendants, equal by construction, give way.
    mutating func insert(_ entry: Entry) {
        entries.removeAll { entry.node.contains($0.node) }
        let place = entries.firstIndex { entry.node.lower < $0.node.lower } ?? entries.count
        entries.insert(entry, at: place)
    }

    func descendants(of node: SlotRange) -> [Entry] {
        entries.filter { node.contains($0.node) }
    }

    var coveredSlotCount: Int { entries.reduce(0) { $0 + $1.node.count } }

    /// What of slots `0 ..< slotCount` is not covered, in slot order.
    func missing(of slotCount: Int) -> [SlotRange] {
        var ranges: [SlotRange] = []
        var lower = 0
        for entry in entries {
            if lower < entry.node.lower { ranges.append(SlotRange(lower, entry.node.lower)) }
            lower = entry.node.upper
        }
        if lower < slotCount { ranges.append(SlotRange(lower, slotCount)) }
        return ranges
    }
}

/// The union of slot ranges, as disjoint ranges in slot order.
func union(_ ranges: [SlotRange]) -> [SlotRange] {
    var result: [SlotRange] = []
    for range in ranges.sorted() {
        if let last = result.last, range.lower <= last.upper {
            result[result.count - 1] = SlotRange(last.lower, max(last.upper, range.upper))
        } else {
            result.append(range)
        }
    }
    return result
}
