/// "Did you mean": the known word nearest to a mistyped one.
enum Suggestion {
    /// The candidate at the smallest edit distance, if that is small enough to be a slip.
    ///
    /// A key's last part alone, as in `learningRate` for `optimizer.learningRate`, counts as well.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        var best: (distance: Int, candidate: String)?
        let folded = word.lowercased()
        let last = folded.split(separator: ".").last.map(String.init) ?? folded
        for candidate in candidates {
            let known = candidate.lowercased()
            let knownLast = known.split(separator: ".").last.map(String.init) ?? known
            let whole = distance(folded, known)
            let tail = distance(last, knownLast) + 1
            let limit = max(2, last.count / 3)
            let score = min(whole, tail)
            guard score <= limit, score < best?.distance ?? .max else { continue }
            best = (score, candidate)
        }
        return best?.candidate
    }

    /// Optimal string alignment distance: insertions, deletions, substitutions and transpositions.
    static func distance(_ first: String, _ second: String) -> Int {
        let a = Array(first.utf8)
        let b = Array(second.utf8)
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), min(last[j + 1], row[j]) + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    cost = min(cost, beforeLast[j - 1] + 1)
                }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
