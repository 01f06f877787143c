import Testing
import TrainingProtocol

@Suite struct ObserverMachineTests {
    private let coordinator = Fixture.header(.coordinator, 1)

    private func status(version: UInt64 = 3, slotMilliseconds: [UInt64] = []) -> ClusterStatus {
        ClusterStatus(
            version: Version(version), finalVersion: Version(5), durableThrough: Version(version),
            stepMilliseconds: 100,
            members: slotMilliseconds.enumerated().map { index, milliseconds in
                MemberStatus(
                    member: MemberID(UInt32(index)), role: .worker, host: "h", processID: 1,
                    activity: .computing, silenceMilliseconds: 0, leases: [],
                    slotMilliseconds: milliseconds, inputWaitPermille: 0,
                    pullWaitPermille: 0)
            }, shards: [], alarms: [])
    }

    private func observer(
        _ request: ObserverMachine.Request = .status,
        _ end: ObserverMachine.End = .withTheAnswer
    ) -> Stage<ObserverMachine> {
        Stage(
            ObserverMachine(
                identity: Fixture.identity(9), request: request, end: end))
    }

    private func wait(_ milliseconds: UInt64, _ stage: inout Stage<ObserverMachine>) -> [Effect] {
        stage.milliseconds += milliseconds
        return stage.handle(.timerFired(.tick))
    }

    @Test("It asks under its own name, and the answer ends it")
    func asks() throws {
        var stage = observer()
        let effects = stage.handle(.started)
        guard case .send(let message, .coordinator)? = effects.first else {
            Issue.record("nothing is sent: \(effects)")
            return
        }
        #expect(message.body == .statusRequested)
        #expect(message.header.role == .observer && message.header.run == .none)
        #expect(message.header.incarnation == Fixture.identity(9).incarnation)
        let end = stage.receive(.status(status()), coordinator, from: .coordinator)
        #expect(end.termination == .completed)
        #expect(stage.machine.status == status())
        #expect(wait(10_000, &stage) == [])
    }

    @Test("Unanswered it asks each second, and gives up after five")
    func patience() {
        var stage = observer()
        _ = stage.handle(.started)
        for _ in 1...4 { #expect(wait(1_000, &stage).kinds == ["status requested"]) }
        #expect(
            wait(1_000, &stage).termination == .deadlinePassed(.welcome, milliseconds: 5_000))
    }

    @Test("A scale is asked for until a status says that it is on record")
    func scale() {
        var stage = observer(.scale(ScaleRequest(workerCount: 3)))
        #expect(
            stage.handle(.started).bodies == [.scaleRequested(ScaleRequest(workerCount: 3))])
        #expect(wait(1_000, &stage).kinds == ["scale requested"])
        let end = stage.receive(.status(status()), coordinator, from: .coordinator)
        #expect(end.termination == .completed)
    }

    @Test("A refusal ends it with the coordinator's words")
    func refused() {
        var stage = observer()
        _ = stage.handle(.started)
        let refusal = Refusal(code: .protocolVersion, explanation: "speak 2")
        let end = stage.receive(.refusal(refusal), coordinator, from: .coordinator)
        #expect(end.termination == .refused(refusal))
    }

    @Test("Whoever watches asks on, rides out a coordinator's restart, and gives up after a minute")
    func watches() {
        var stage = observer(.status, .withTheRun)
        _ = stage.handle(.started)
        for count in 1...3 {
            #expect(
                stage.receive(.status(status()), coordinator, from: .coordinator).termination
                    == nil)
            #expect(stage.machine.answerCount == count)
            #expect(wait(1_000, &stage).kinds == ["status requested"])
        }
        #expect(stage.handle(.disconnected(.coordinator)) == [])
        for _ in 2...59 { #expect(wait(1_000, &stage).kinds == ["status requested"]) }
        #expect(
            wait(1_000, &stage).termination == .deadlinePassed(.welcome, milliseconds: 60_000))
    }

    @Test("Whoever watches ends when the coordinator of a complete run is gone, or when told")
    func watchEnds() {
        var stage = observer(.status, .withTheRun)
        _ = stage.handle(.started)
        _ = stage.receive(.status(status(version: 5)), coordinator, from: .coordinator)
        #expect(stage.handle(.disconnected(.coordinator)).termination == .completed)
        var other = observer(.status, .withTheRun)
        _ = other.handle(.started)
        #expect(other.handle(.stopRequested).termination == .stopped(nil))
    }

    @Test(
        "Slow is who takes more than half as long again as the median worker",
        arguments: [
            ([], []), ([100], []), ([100, 150], []), ([100, 151], [1]), ([151, 100], [0]),
            ([100, 100, 400, 90], [2]), ([0, 0, 400], []), ([0, 100, 400], [2]),
        ] as [([UInt64], [UInt32])])
    func slow(milliseconds: [UInt64], slow: [UInt32]) {
        let found = status(slotMilliseconds: milliseconds).slowWorkers
        #expect(found == slow.map { MemberID($0) })
    }
}
