import Configurations
import Foundation
import TrainingProtocol
import Transport

/// A command's conversation with a run's coordinator, on which training does not depend.
public struct Observer {
    /// Why there is no answer; the text says who was asked.
    public enum Failure: Error, CustomStringConvertible {
        case silent(endpoint: String, seconds: Double)
        case refused(endpoint: String, explanation: String)

        /// Who was asked, what happened and what to do.
        public var description: String {
            switch self {
            case .silent(let endpoint, let seconds):
                "no coordinator answered at \(endpoint) within \(String(format: "%.0f", seconds)) s; "
                    + "is the run going on?"
            case .refused(let endpoint, let explanation):
                "the coordinator at \(endpoint) refused: \(explanation)"
            }
        }

        /// 69: the coordinator cannot be reached.
        public var exitCode: ExitCode { .unavailable }
    }

    /// The workers that a run may be asked to have.
    public static let workerCounts = 1...Limits().workerCount

    private let endpoint: Endpoint

    /// Takes the coordinator's address as `host:port`; throws `TransportError`.
    public init(coordinator: String) throws {
        endpoint = try Endpoint(parsing: coordinator)
    }

    /// Asks once.
    ///
    /// Throws `Observer.Failure`, after five seconds without an answer.
    public func status() throws -> StatusReport { try ask(.status) }

    /// Asks for a number of workers; returns once the coordinator has put it on record.
    ///
    /// Throws `Observer.Failure`, after five seconds without an answer.
    public func scale(workers: Int) throws -> StatusReport {
        try ask(.scale(ScaleRequest(workerCount: workers)))
    }

    /// Shows the status each second until the run has ended.
    ///
    /// `isOver` says whether that is known from elsewhere; both are called on this thread. Throws
    /// `Observer.Failure` where the coordinator is silent.
    public func watch(
        isOver: @escaping @Sendable () -> Bool, show: @escaping @Sendable (StatusReport) -> Void
    ) throws {
        var machine = WatchingMachine(
            observer: observer(.status, .withTheRun), isOver: isOver, show: show)
        try run(&machine)
    }

    private func ask(_ request: ObserverMachine.Request) throws -> StatusReport {
        var machine = observer(request, .withTheAnswer)
        try run(&machine)
        guard let status = machine.status else { preconditionFailure("answered without a status") }
        return StatusReport(status)
    }

    private func observer(_ request: ObserverMachine.Request, _ end: ObserverMachine.End)
        -> ObserverMachine
    {
        let identity = RoleProcess(role: .observer, threadCount: 1).identity
        return ObserverMachine(identity: identity, request: request, end: end)
    }

    private func run<Machine: ObservingMachine>(_ machine: inout Machine) throws {
        let context = try MessagingContext()
        defer { context.shutDown() }
        let setup = LoopSetup(incarnation: machine.incarnation, coordinator: endpoint)
        let loop = try RoleLoop<Machine>(
            setup, context: context, jobs: NoJobs(), report: { _ in }, observe: { _ in })
        switch loop.run(&machine) {
        case .refused(let refusal):
            throw Failure.refused(
                endpoint: "\(endpoint)", explanation: refusal.explanation)
        case .deadlinePassed(_, let milliseconds):
            throw Failure.silent(endpoint: "\(endpoint)", seconds: Double(milliseconds) / 1000)
        default: break
        }
    }
}

private protocol ObservingMachine: RoleMachine {
    var incarnation: Incarnation { get }
}

extension ObserverMachine: ObservingMachine {}

/// An observer whose answers are shown as they come.
private struct WatchingMachine: ObservingMachine {
    var observer: ObserverMachine
    let isOver: @Sendable () -> Bool
    let show: @Sendable (StatusReport) -> Void

    var incarnation: Incarnation { observer.incarnation }

    mutating func handle(_ event: Event, at now: Instant, into effects: inout [Effect]) {
        if case .timerFired = event, isOver() {
            return observer.handle(.stopRequested, at: now, into: &effects)
        }
        let known = observer.answerCount
        observer.handle(event, at: now, into: &effects)
        if observer.answerCount > known, let status = observer.status {
            show(StatusReport(status))
        }
    }
}

private struct NoJobs: JobRunner {
    func start(_ job: Job, id: JobID, report: @escaping @Sendable (JobReport) -> Void) {
        preconditionFailure("an observer starts no job: \(job)")
    }
}
