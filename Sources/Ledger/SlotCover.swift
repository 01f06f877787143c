/// Judges accepted slot ranges anew, by the definitions alone: no code is shared with the machines
/// that accepted them.
struct SlotCover {
    /// V.
    let slotCount: Int

    /// Whether the range is a node of the canonical tree: node (j, i) covers slots
    /// `[i·2^j, min((i+1)·2^j, V))`.
    func isNode(_ range: Range<Int>) -> Bool {
        guard 0 <= range.lowerBound, range.lowerBound < range.upperBound else { return false }
        var width = 1
        while true {
            if range.lowerBound.isMultiple(of: width),
                range.upperBound == min(range.lowerBound + width, slotCount)
            {
                return true
            }
            guard width < slotCount else { return false }
            width *= 2
        }
    }

    /// Why ranges in slot order are no disjoint cover of `[0, V)`; nil where they are.
    func problem(of ranges: [Range<Int>]) -> String? {
        var end = 0
        for range in ranges {
            if range.lowerBound < end {
                return "slots \(text(range.lowerBound..<min(end, range.upperBound))) count twice"
            }
            if range.lowerBound > end { return "slots \(text(end..<range.lowerBound)) are missing" }
            end = range.upperBound
        }
        if end < slotCount { return "slots \(text(end..<slotCount)) are missing" }
        if end > slotCount { return "slots \(text(slotCount..<end)) are beyond V = \(slotCount)" }
        return nil
    }

    func text(_ range: Range<Int>) -> String { "[\(range.lowerBound), \(range.upperBound))" }
}
