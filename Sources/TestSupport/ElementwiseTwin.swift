import CKernels
import Foundation
import Tensors

extension Activation {
    func apply(_ x: Double) -> Double {
        switch self {
        case .none: x
        case .relu: max(x, 0)
        case .relu6: min(max(x, 0), 6)
        }
    }

    func slope(at x: Double) -> Double {
        switch self {
        case .none: 1
        case .relu: x > 0 ? 1 : 0
        case .relu6: x > 0 && x < 6 ? 1 : 0
        }
    }
}

package func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

func concatenated(_ parts: [[Double]], channels: [Int]) -> [Double] {
    let rows = parts[0].count / channels[0]
    return (0..<rows).flatMap { row in
        zip(parts, channels).flatMap { part, width in part[row * width..<(row + 1) * width] }
    }
}

func split(_ whole: [Double], channels: [Int]) -> [[Double]] {
    let width = channels.reduce(0, +), rows = whole.count / width
    var start = 0
    return channels.map { count in
        defer { start += count }
        return (0..<rows).flatMap { whole[$0 * width + start..<$0 * width + start + count] }
    }
}

extension GraphTwin {
    /// 1/keep or 0 per element; all 1 in evaluation.
    ///
    /// Element `64·g + 16·w + l` takes word w of
    /// the Philox block at counter `(16·g + l, index)`.
    func dropoutFactors(_ count: Int, keep: Float, index: UInt32) -> [Double] {
        guard mode == .training else { return Array(repeating: 1, count: count) }
        let key: [UInt32] = [UInt32(truncatingIfNeeded: dropoutKey), UInt32(dropoutKey >> 32)]
        return (0..<count).map { element in
            let (group, word, lane) = (element / 64, element / 16 % 4, element % 16)
            let counter: [UInt32] = [UInt32(16 * group + lane), 0, index, 0]
            var block: [UInt32] = [0, 0, 0, 0]
            ck_philox_block(&block, counter, key)
            let uniform = Double(block[word] >> 8) / Double(1 << 24)
            return uniform < Double(keep) ? 1 / Double(keep) : 0
        }
    }
}
