/// A command that asks the coordinator and takes no part in training.
///
/// It asks every `askMilliseconds` until it is answered or, where it watches, until the run is over.
package struct ObserverMachine: RoleMachine {
    package enum Request: Hashable, Sendable {
        case status
        /// Answered with a status once the new scale is journaled.
        case scale(ScaleRequest)
    }

    /// How long it goes on asking.
    package enum End: Hashable, Sendable {
        case withTheAnswer
        /// A coordinator that was heard of may be away for a while.
        case withTheRun
    }

    package struct Limits: Hashable, Sendable {
        package var askMilliseconds: UInt64 = 1_000
        /// Without any answer for so long, nobody is there.
        package var answerMilliseconds: UInt64 = 5_000
        /// A coordinator that answered before may be silent for so long.
        package var silenceMilliseconds: UInt64 = 60_000

        package init() {}
    }

    /// The newest answer.
    package private(set) var status: ClusterStatus?
    package private(set) var answerCount = 0
    /// Of this process.
    package var incarnation: Incarnation { speaker.identity.incarnation }
    private let request: Request
    private let end: End
    private let limits: Limits
    private let speaker: Speaker
    private var heardAt = Instant(nanoseconds: 0)
    private var hasEnded = false

    package init(
        identity: ProcessIdentity, request: Request, end: End, limits: Limits = Limits()
    ) {
        self.request = request
        self.end = end
        self.limits = limits
        speaker = Speaker(identity: identity, role: .observer)
    }

    package mutating func handle(
        _ event: Event, at now: Instant, into effects: inout [Effect]
    ) {
        if hasEnded { return }
        switch event {
        case .started:
            heardAt = now
            ask(at: now, into: &effects)
        case .stopRequested: terminate(.stopped(nil), into: &effects)
        case .received(let message, let peer):
            receive(message, from: peer, at: now, into: &effects)
        case .disconnected:
            if let status, status.finalVersion <= status.version {
                terminate(.completed, into: &effects)
            }
        case .timerFired: tick(at: now, into: &effects)
        case .progressed, .finished: preconditionFailure("an observer starts no job: \(event)")
        }
    }

    private func ask(at now: Instant, into effects: inout [Effect]) {
        switch request {
        case .status: speaker.send(.statusRequested, to: .coordinator, into: &effects)
        case .scale(let scale):
            speaker.send(.scaleRequested(scale), to: .coordinator, into: &effects)
        }
        let next = now.advanced(milliseconds: limits.askMilliseconds)
        effects.append(.setTimer(.tick, deadline: next))
    }

    private mutating func receive(
        _ message: Message, from peer: Peer, at now: Instant, into effects: inout [Effect]
    ) {
        guard speaker.admits(message, from: peer, into: &effects) else { return }
        switch message.body {
        case .status(let status):
            self.status = status
            answerCount += 1
            heardAt = now
            if end == .withTheAnswer { terminate(.completed, into: &effects) }
        case .refusal(let refusal): terminate(.refused(refusal), into: &effects)
        default: speaker.ignore(message, from: peer, .notExpected, into: &effects)
        }
    }

    private mutating func tick(at now: Instant, into effects: inout [Effect]) {
        let silence = now.milliseconds(since: heardAt)
        let limit = answerCount == 0 ? limits.answerMilliseconds : limits.silenceMilliseconds
        guard silence < limit else {
            return terminate(.deadlinePassed(.welcome, milliseconds: silence), into: &effects)
        }
        ask(at: now, into: &effects)
    }

    private mutating func terminate(_ reason: TerminationReason, into effects: inout [Effect]) {
        hasEnded = true
        effects.append(.cancelTimer(.tick))
        effects.append(.terminate(reason))
    }
}
