/// The canonical reduction tree over the slots of a step.
///
/// Node (j, i) covers slots `[i·2^j, min((i+1)·2^j, V))`; its value is its left child's plus its
/// right child's, in this order, or its left child's *unchanged* where the right range is empty. A
/// node is known by its range, so the sum's bits depend on V alone and not on who computed which
/// part.
package struct SlotTree: Hashable, Sendable {
    package let slotCount: Int

    package init(slotCount: Int) {
        precondition(slotCount > 0, "a step needs at least one slot, not \(slotCount)")
        self.slotCount = slotCount
    }

    package var root: SlotRange { SlotRange(0, slotCount) }

    /// Whether `range` is the range of a node.
    package func isNode(_ range: SlotRange) -> Bool { width(of: range) != nil }

    /// The two children of a node of more than one slot; nil for a leaf.
    package func children(of node: SlotRange) -> (left: SlotRange, right: SlotRange)? {
        guard let width = width(of: node) else { preconditionFailure("\(node) is not a node") }
        guard node.count > 1 else { return nil }
        let middle = node.lower + width / 2
        return (SlotRange(node.lower, middle), SlotRange(middle, node.upper))
    }

    /// The fewest nodes that make up `range`, in slot order.
    package func cover(of range: SlotRange) -> [SlotRange] {
        precondition(root.contains(range), "\(range) leaves the tree of \(slotCount) slots")
        var nodes: [SlotRange] = []
        var lower = range.lower
        while lower < range.upper {
            let node = largestNode(from: lower, upTo: range.upper)
            nodes.append(node)
            lower = node.upper
        }
        return nodes
    }

    /// Reduces disjoint nodes that cover `target`, sorted by lower end, to the value of `target`.
    package func reduce<Value>(
        _ parts: [(node: SlotRange, value: Value)], to target: SlotRange,
        _ add: (Value, Value) -> Value
    ) -> Value {
        var position = 0
        let value = reduce(parts, at: &position, to: target, add)
        precondition(position == parts.count, "\(parts.count - position) nodes beyond \(target)")
        return value
    }

    private func reduce<Value>(
        _ parts: [(node: SlotRange, value: Value)], at position: inout Int, to target: SlotRange,
        _ add: (Value, Value) -> Value
    ) -> Value {
        precondition(position < parts.count, "no node covers \(target)")
        if parts[position].node == target {
            position += 1
            return parts[position - 1].value
        }
        guard let (left, right) = children(of: target) else {
            preconditionFailure("node \(parts[position].node) where \(target) is due")
        }
        let leftValue = reduce(parts, at: &position, to: left, add)
        return add(leftValue, reduce(parts, at: &position, to: right, add))
    }

    /// The least power of two 2^j for which `range` is node (j, lower / 2^j); nil if there is none.
    private func width(of range: SlotRange) -> Int? {
        guard range.upper <= slotCount else { return nil }
        var width = 1
        while width < range.count { width *= 2 }
        guard range.lower % width == 0 else { return nil }
        return min(range.lower + width, slotCount) == range.upper ? width : nil
    }

    private func largestNode(from lower: Int, upTo upper: Int) -> SlotRange {
        var end = lower + 1
        var width = 2
        while lower % width == 0, width < 2 * slotCount {
            let wider = min(lower + width, slotCount)
            guard wider <= upper else { break }
            end = wider
            width *= 2
        }
        return SlotRange(lower, end)
    }
}
