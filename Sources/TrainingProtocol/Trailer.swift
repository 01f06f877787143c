/// What a node of a step says beside its gradients; reduced by the same tree.
package struct Trailer: Sendable {
    /// Images that went in: b per slot.
    package let samples: UInt64
    package let validPixels: UInt64
    /// Sums over the node's slots, in the order of `RunPlan.lossNames`.
    package let losses: [Float]
    /// Sums over the node's slots, in the order of `RunPlan.metricNames`.
    package let metrics: [Float]
    package let finiteness: Finiteness
    /// Largest |gradient| of the node's leaves; +∞ where one of them is not finite.
    package let maximumAbsoluteGradient: Float
    /// The lowest slot whose leaf is non-finite or beyond the cap; nil where all are finite.
    package let nonFiniteSlot: Int?

    package enum Finiteness: UInt8, Hashable, Sendable {
        case finite = 1
        /// A leaf is non-finite or beyond the cap: the node has no payload.
        case nonFinite = 2
    }

    package init(
        samples: UInt64, validPixels: UInt64, losses: [Float], metrics: [Float],
        finiteness: Finiteness, maximumAbsoluteGradient: Float, nonFiniteSlot: Int? = nil
    ) {
        self.samples = samples
        self.validPixels = validPixels
        self.losses = losses
        self.metrics = metrics
        self.finiteness = finiteness
        self.maximumAbsoluteGradient = maximumAbsoluteGradient
        self.nonFiniteSlot = nonFiniteSlot
    }

    /// What a node with a non-finite leaf reports: no number that differs between processors.
    package static func nonFinite(
        slot: Int, samples: UInt64, validPixels: UInt64, lossCount: Int, metricCount: Int
    ) -> Trailer {
        let quiet = Float(bitPattern: 0x7fc0_0000)
        return Trailer(
            samples: samples, validPixels: validPixels,
            losses: Array(repeating: quiet, count: lossCount),
            metrics: Array(repeating: quiet, count: metricCount), finiteness: .nonFinite,
            maximumAbsoluteGradient: .infinity, nonFiniteSlot: slot)
    }

    /// The trailer of the node whose left and right children are these.
    package static func + (left: Trailer, right: Trailer) -> Trailer {
        let samples = left.samples + right.samples
        let validPixels = left.validPixels + right.validPixels
        if let slot = left.nonFiniteSlot ?? right.nonFiniteSlot {
            return .nonFinite(
                slot: slot, samples: samples, validPixels: validPixels,
                lossCount: left.losses.count,
                metricCount: left.metrics.count)
        }
        return Trailer(
            samples: samples, validPixels: validPixels,
            losses: zip(left.losses, right.losses).map { $0 + $1 },
            metrics: zip(left.metrics, right.metrics).map { $0 + $1 }, finiteness: .finite,
            maximumAbsoluteGradient: left.maximumAbsoluteGradient < right.maximumAbsoluteGradient
                ? right.maximumAbsoluteGradient : left.maximumAbsoluteGradient)
    }
}

extension Trailer: Equatable {
    /// Equal to the bit, so that a NaN equals itself.
    package static func == (left: Trailer, right: Trailer) -> Bool {
        left.samples == right.samples && left.validPixels == right.validPixels
            && left.losses.map(\.bitPattern) == right.losses.map(\.bitPattern)
            && left.metrics.map(\.bitPattern) == right.metrics.map(\.bitPattern)
            && left.finiteness == right.finiteness
            && left.maximumAbsoluteGradient.bitPattern == right.maximumAbsoluteGradient.bitPattern
            && left.nonFiniteSlot == right.nonFiniteSlot
    }
}

/// What a commit did with a step; the same on every shard.
package enum Decision: UInt8, Hashable, Sendable {
    case apply = 1
    /// A leaf was non-finite: version s + 1 equals version s.
    case skip = 2
}
