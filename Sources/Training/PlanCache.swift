import Datasets
import Tensors

/// Networks compiled for the image sizes seen lately, the least recently used forgotten first.
package struct PlanCache {
    /// Arenas beyond this are given up, save for the one in use.
    package let capacityByteCount: Int
    private var plans: [(size: PixelSize, plan: NetworkPlan)] = []

    package init(capacityByteCount: Int) { self.capacityByteCount = capacityByteCount }

    /// The plan of a size, compiled if it is not there.
    package mutating func plan(_ size: PixelSize, compile: () -> NetworkPlan) -> NetworkPlan {
        if let index = plans.firstIndex(where: { $0.size == size }) {
            let entry = plans.remove(at: index)
            plans.append(entry)
            return entry.plan
        }
        let plan = compile()
        plans.append((size, plan))
        while plans.count > 1, byteCount > capacityByteCount { plans.removeFirst() }
        return plan
    }

    package var sizes: [PixelSize] { plans.map(\.size) }
    package var byteCount: Int { plans.reduce(0) { $0 + $1.plan.plan.arenaByteCount } }
}
