import Foundation
import Synchronization
import TrainingProtocol
import Transport
import WireFormat

/// A machine whose answers a test writes down.
struct ToyMachine: RoleMachine {
    let answer: @Sendable (Event, Instant, inout [Effect]) -> Void

    mutating func handle(_ event: Event, at now: Instant, into effects: inout [Effect]) {
        answer(event, now, &effects)
    }
}

/// A loop on a thread of its own, and a record of what happened in it.
final class LoopUnderTest: Sendable {
    struct Record {
        var events: [Event] = []
        var observations: [TransportObservation] = []
        var reports: [Observation] = []
        var termination: TerminationReason?
    }

    let incarnation: Incarnation
    let endpoint: Endpoint?
    let controls: RoleLoop<ToyMachine>.Controls
    private let record: Watched<Record>

    /// Starts the loop; throws what its making throws.
    init(
        listen: String? = nil, exposure: Exposure = .loopback, coordinator: Endpoint? = nil,
        limits: TransportLimits = .fast, context: MessagingContext = .shared,
        jobs: any JobRunner = NoJobs(), incarnation: Incarnation = .random(),
        _ answer: @escaping @Sendable (Event, Instant, inout [Effect]) -> Void
    ) throws {
        self.incarnation = incarnation
        let record = Watched(Record())
        self.record = record
        let setup = LoopSetup(
            incarnation: incarnation, listen: try listen.map { try Endpoint(parsing: $0) },
            exposure: exposure, coordinator: coordinator, limits: limits)
        let started = Watched<Result<Started, any Error>?>(nil)
        Thread.detachNewThread {
            do {
                let loop = try RoleLoop<ToyMachine>(
                    setup, context: context, jobs: jobs,
                    report: { report in record.change { $0.reports.append(report) } },
                    observe: { seen in record.change { $0.observations.append(seen) } })
                started.change {
                    $0 = .success(Started(endpoint: loop.endpoint, controls: loop.controls))
                }
                var machine = ToyMachine { event, now, effects in
                    answer(event, now, &effects)
                    record.change { $0.events.append(event) }
                }
                let reason = loop.run(&machine)
                record.change { $0.termination = reason }
            } catch {
                started.change { $0 = .failure(error) }
            }
        }
        guard started.wait(until: { $0 != nil }), let result = started.value else {
            throw Failure.notStarted
        }
        endpoint = try result.get().endpoint
        controls = try result.get().controls
    }

    private struct Started: Sendable {
        let endpoint: Endpoint?
        let controls: RoleLoop<ToyMachine>.Controls
    }

    enum Failure: Error { case notStarted }

    var seen: Record { record.value }

    /// Whether `condition` came true before the deadline.
    func wait(seconds: Double = 20, until condition: (Record) -> Bool) -> Bool {
        record.wait(seconds: seconds, until: condition)
    }

    /// Whether the loop ended before the deadline.
    func waitForEnd(seconds: Double = 20) -> Bool {
        wait(seconds: seconds) { $0.termination != nil }
    }
}

/// A value that one thread changes and another waits for.
final class Watched<Value>: Sendable {
    private let condition = NSCondition()
    // Sendable: read and changed only while the condition is locked.
    private nonisolated(unsafe) var current: Value

    init(_ value: Value) { current = value }

    var value: Value { condition.withLock { current } }

    func change(_ body: (inout Value) -> Void) {
        condition.withLock {
            body(&current)
            condition.broadcast()
        }
    }

    func wait(seconds: Double = 20, until isReached: (Value) -> Bool) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        return condition.withLock {
            while !isReached(current) {
                guard condition.wait(until: deadline) else { return isReached(current) }
            }
            return true
        }
    }
}

struct NoJobs: JobRunner {
    func start(_ job: Job, id: JobID, report: @escaping @Sendable (JobReport) -> Void) {
        report(.finished(.failed(JobFailure(kind: .computation, explanation: "no jobs here"))))
    }
}

extension MessagingContext {
    /// The test process's one context.
    static let shared: MessagingContext = {
        do { return try MessagingContext() } catch { fatalError("\(error)") }
    }()
}

extension TransportLimits {
    /// Periods short enough for tests.
    static var fast: TransportLimits {
        var limits = TransportLimits()
        limits.heartbeatMilliseconds = 300
        limits.heartbeatTimeoutMilliseconds = 2_000
        limits.handshakeMilliseconds = 1_000
        limits.reconnectMilliseconds = 20
        limits.reconnectMaximumMilliseconds = 200
        return limits
    }
}

extension Message {
    static func from(_ role: Role, _ incarnation: Incarnation, _ body: MessageBody) -> Message {
        Message(
            header: Header(
                protocolVersion: Header.currentProtocolVersion, run: .none, role: role,
                incarnation: incarnation, coordinatorTerm: CoordinatorTerm(1),
                shardTerm: ShardTerm(0)),
            body: body)
    }

    /// A heartbeat that carries a number.
    static func beat(_ role: Role, _ incarnation: Incarnation, _ number: Int) -> Message {
        let beat = Heartbeat(
            activity: .idle, finishedSlots: number, leases: [], durableThrough: .initial,
            recordedThrough: .initial, placementRevision: 0)
        return from(role, incarnation, .heartbeat(beat))
    }

    static func push(_ incarnation: Incarnation, _ number: UInt64, _ payload: Frame) -> Message {
        let push = Push(
            shard: ShardIndex(0), step: Step(number), readVersion: .initial,
            node: SlotRange(0, 1), chunk: ChunkID(0), attempt: Attempt(0), digest: Digest(0),
            payload: payload)
        return from(.worker, incarnation, .push(push))
    }

    /// The number in a heartbeat.
    var number: Int? {
        guard case .heartbeat(let beat) = body else { return nil }
        return beat.finishedSlots
    }
}

extension Event {
    /// The number in a received heartbeat.
    var number: Int? {
        guard case .received(let message, _) = self else { return nil }
        return message.number
    }
}
