import Training
import TrainingProtocol

/// How a slot's result is told in a trailer.
enum SlotReport {
    /// What a trailer's losses are, in order.
    static let lossNames = ["total", "labelled", "weak", "corrector"]
    /// What a trailer's metrics are, in order.
    static let metricNames = ["corrector_dead_share"]

    static func trailer(_ result: SlotResult, slot: Int) -> Trailer {
        let pixels = UInt64(result.labelledPixels + result.weakPixels)
        guard result.allFinite else {
            return .nonFinite(
                slot: slot, samples: UInt64(result.samples), validPixels: pixels,
                lossCount: lossNames.count, metricCount: metricNames.count)
        }
        let losses = result.losses
        return Trailer(
            samples: UInt64(result.samples), validPixels: pixels,
            losses: [result.total, losses.labelled, losses.weak, losses.corrector],
            metrics: [result.correctorDeadShare ?? 0], finiteness: .finite,
            maximumAbsoluteGradient: result.maxAbsGradient)
    }
}
