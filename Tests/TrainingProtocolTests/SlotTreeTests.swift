import Testing
import TrainingProtocol

@Suite struct SlotTreeTests {
    @Test(arguments: 1...32) func nodesAreExactlyTheRangesOfTheDefinition(slotCount: Int) {
        let tree = SlotTree(slotCount: slotCount)
        var defined: Set<SlotRange> = []
        for level in 0...6 {
            for index in 0...slotCount where index << level < slotCount {
                let lower = index << level
                defined.insert(SlotRange(lower, min(lower + 1 << level, slotCount)))
            }
        }
        for lower in 0..<slotCount {
            for upper in lower + 1...slotCount {
                let range = SlotRange(lower, upper)
                #expect(tree.isNode(range) == defined.contains(range), "\(range)")
            }
        }
    }

    @Test(arguments: 1...32) func aCoverHasTheFewestNodes(slotCount: Int) {
        let tree = SlotTree(slotCount: slotCount)
        for lower in 0..<slotCount {
            for upper in lower + 1...slotCount {
                let cover = tree.cover(of: SlotRange(lower, upper))
                #expect(cover.first?.lower == lower && cover.last?.upper == upper)
                #expect(cover.allSatisfy(tree.isNode))
                #expect(zip(cover, cover.dropFirst()).allSatisfy { $0.upper == $1.lower })
                #expect(cover.count == fewest(tree, lower, upper))
            }
        }
    }

    /// By dynamic programming over all ways to cut the range.
    private func fewest(_ tree: SlotTree, _ lower: Int, _ upper: Int) -> Int {
        var least = Array(repeating: Int.max, count: upper + 1)
        least[lower] = 0
        for end in lower + 1...upper {
            for start in lower..<end where tree.isNode(SlotRange(start, end)) {
                if least[start] < Int.max { least[end] = min(least[end], least[start] + 1) }
            }
        }
        return least[upper]
    }

    @Test(arguments: 1...32) func childrenMakeUpTheirParent(slotCount: Int) {
        let tree = SlotTree(slotCount: slotCount)
        for lower in 0..<slotCount {
            for upper in lower + 1...slotCount where tree.isNode(SlotRange(lower, upper)) {
                guard let (left, right) = tree.children(of: SlotRange(lower, upper)) else {
                    #expect(upper == lower + 1)
                    continue
                }
                #expect(tree.isNode(left) && tree.isNode(right))
                #expect((left.lower, left.upper, right.upper) == (lower, right.lower, upper))
                #expect(left.count >= right.count && left.count.nonzeroBitCount == 1)
            }
        }
    }

    @Test(arguments: 1...32) func theSumIsTheSameWhoeverComputedWhichPart(slotCount: Int) {
        let tree = SlotTree(slotCount: slotCount)
        let leaves = (0..<slotCount).map { slot in
            (node: SlotRange(slot, slot + 1), value: "\(slot)")
        }
        let add = { (left: String, right: String) in "(\(left)+\(right))" }
        let whole = tree.reduce(leaves, to: tree.root, add)
        for parts in 1...slotCount {
            var nodes: [(node: SlotRange, value: String)] = []
            for part in 0..<parts {
                let share = SlotRange(
                    part * slotCount / parts, (part + 1) * slotCount / parts)
                for node in tree.cover(of: share) {
                    let value = tree.reduce(
                        Array(leaves[node.lower..<node.upper]), to: node, add)
                    nodes.append((node, value))
                }
            }
            #expect(tree.reduce(nodes, to: tree.root, add) == whole)
        }
    }

    @Test func sevenSlotsAreAddedInTheCanonicalOrder() {
        let tree = SlotTree(slotCount: 7)
        let leaves = (0..<7).map { (node: SlotRange($0, $0 + 1), value: "\($0)") }
        let sum = tree.reduce(leaves, to: tree.root) { "(\($0)+\($1))" }
        #expect(sum == "(((0+1)+(2+3))+((4+5)+6))")
    }
}
