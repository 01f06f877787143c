/// A number of independent tiles and what each of them does.
struct Stage {
    /// What the stage does, for profiles.
    let name: String
    let count: Int
    /// Called with the tile, and with the number of the thread that runs it.
    let body: (_ tile: Int, _ thread: Int) -> Void

    /// The tiles of both, evenly mixed: while one thread waits for memory, others compute.
    ///
    /// Neither stage may need what the other writes.
    func mixed(with other: Stage) -> Stage {
        let total = count + other.count, body = body
        return Stage(name: name, count: total) { tile, thread in
            let before = tile * other.count / total
            if (tile + 1) * other.count / total > before {
                other.body(before, thread)
            } else {
                body(tile - before, thread)
            }
        }
    }
}

/// A cut of `total` items into runs of `length`, the last one shorter; a function of shapes alone.
package struct Tiling {
    package let total: Int
    package let length: Int

    package var count: Int { (total + length - 1) / length }

    package func range(_ tile: Int) -> Range<Int> {
        tile * length..<min((tile + 1) * length, total)
    }

    /// Where the runs begin.
    var starts: [Int] { (0..<count).map { $0 * length } }

    /// About `count` equal runs, none longer than `limit` nor shorter than `minimum`.
    package static func even(_ total: Int, count: Int, limit: Int, minimum: Int = 1) -> Tiling {
        let share = (total + count - 1) / count
        let longest = min(limit, max(share, minimum))
        let runs = (total + longest - 1) / longest
        return Tiling(total: total, length: (total + runs - 1) / runs)
    }

    /// The same cut with runs of a multiple of `unit`.
    package func aligned(to unit: Int) -> Tiling {
        Tiling(total: total, length: (length + unit - 1) / unit * unit)
    }

    /// Rows of one chain of a column sum and of the passes beside it.
    package static func statisticRows(_ rows: Int) -> Tiling {
        even(rows, count: 16, limit: 256, minimum: 16)
    }

    /// Rows of one matrix product in the forward direction.
    package static func productRows(_ rows: Int) -> Tiling {
        even(rows, count: 8, limit: 768, minimum: 32)
    }

    /// Elements of one pass over a whole tensor; a multiple of 64.
    package static func elements(_ count: Int) -> Tiling {
        let share = (count + 15) / 16
        return Tiling(total: count, length: min(max((share + 63) / 64 * 64, 1024), 32768))
    }
}
