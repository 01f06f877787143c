import Roles
import Testing

@Suite("The cost model of a step")
struct CostModelTests {
    private static let model = CostModel(
        parameterByteCount: 100e6, slots: 64, slotSeconds: 1, processByteRate: 2e9,
        updateByteRate: 10e9)

    @Test func oneWorkerAndOneServerPassTheParametersOnceEachWay() {
        let step = Self.model.step(workers: 1, servers: 1, linkBitRate: 8e9)
        #expect(step.computing == 64)
        #expect(step.pushing == 0.1 && step.pulling == 0.1)
        #expect(step.updating == 5 * 100e6 / 10e9)
    }

    @Test func aFastLinkLeavesTheProcessAsTheLimit() {
        let step = Self.model.step(workers: 1, servers: 1, linkBitRate: 100e9)
        #expect(step.pushing == 0.05)
    }

    @Test func aServersLinkIsSharedByAllWorkers() {
        let step = Self.model.step(workers: 8, servers: 2, linkBitRate: 8e9)
        #expect(step.pulling == 0.4, "8 workers' halves through one link")
        #expect(step.pushing == 0.45, "and the other shard's sums")
    }

    @Test func theWorkerWithTheMostSlotsSetsThePace() {
        #expect(Self.model.step(workers: 48, servers: 1, linkBitRate: 8e9).computing == 2)
    }

    @Test func fewServersSufficeWhereComputingTakesLonger() {
        #expect(Self.model.servers(workers: 1, linkBitRate: 1e9, limit: 64) == 1)
        let many = Self.model.servers(workers: 64, linkBitRate: 1e9, limit: 64)
        #expect(many > 8)
        let time = { Self.model.step(workers: 64, servers: $0, linkBitRate: 1e9).seconds }
        #expect(time(many) <= 1.05 * (1...64).map(time).min()!)
        #expect(time(many - 1) > 1.05 * (1...64).map(time).min()!)
    }

    @Test func theKneeComesLaterOnFasterLinks() {
        let slow = Self.model.knee(linkBitRate: 1e9, serverLimit: 64, limit: 256)
        let fast = Self.model.knee(linkBitRate: 25e9, serverLimit: 64, limit: 256)
        #expect(slow < fast && fast <= 64)
    }
}
