import Glibc
import TrainingProtocol
import WireFormat

/// Drives one role's machine: one thread, plain synchronous code.
///
/// Wait → read messages → decode → `machine.handle` → perform its effects → fire due timers.
/// The sockets never leave the thread that calls `run`; jobs run elsewhere and report back
/// through an inbox. Duties of the driver: effects are performed in their order, timers never fire early, a
/// peer's last messages come before its `.disconnected`, and what was sent before `.terminate`
/// has `lingerMilliseconds` to leave.
package final class RoleLoop<Machine: RoleMachine> {
    /// What other threads may ask of a loop.
    package struct Controls: Sendable {
        fileprivate let inbox: LoopInbox

        /// Becomes `Event.stopRequested`: once per call, so a second signal can mean "at once".
        package func requestStop() { inbox.append(.stopRequested) }
    }

    package let controls: Controls
    /// Where the loop listens, with the port the system chose; nil if it does not.
    package var endpoint: Endpoint? { listener?.endpoint }

    let setup: LoopSetup
    let context: MessagingContext
    let jobs: any JobRunner
    let inbox: LoopInbox
    let report: (Observation) -> Void
    let observe: (TransportObservation) -> Void
    let codec = WireCodec()
    var listener: Listener?
    /// In the order they were opened.
    var links: [(peer: Peer, link: Link)] = []
    var openedSocketCount = 0
    var timers = TimerQueue<TimerID>()
    /// Facts about sockets that effects brought to light.
    var pendingEvents: [Event] = []
    var counts: [ObservationCount: Int] = [:]
    var termination: TerminationReason?
    private var effects: [Effect] = []
    private var descriptors: [pollfd] = []

    /// Binds the listening socket and opens the link to the coordinator.
    ///
    /// `report` gets the machine's observations, `observe` the transport's; both are called on the
    /// loop's thread and must not block. Throws `TransportError`.
    package init(
        _ setup: LoopSetup, context: MessagingContext, jobs: any JobRunner,
        report: @escaping (Observation) -> Void,
        observe: @escaping (TransportObservation) -> Void
    ) throws(TransportError) {
        self.setup = setup
        self.context = context
        self.jobs = jobs
        self.report = report
        self.observe = observe
        inbox = try LoopInbox()
        controls = Controls(inbox: inbox)
        if let endpoint = setup.listen {
            let listener = try Listener(
                endpoint, exposure: setup.exposure, name: nextSocketName(), limits: setup.limits,
                context: context)
            self.listener = listener
            observe(.listening(listener.endpoint))
            if !listener.endpoint.isLoopback { observe(.exposed(listener.endpoint)) }
        }
        if let endpoint = setup.coordinator { try open(endpoint, to: .coordinator) }
    }

    /// Runs the machine until it terminates, on the calling thread; once per loop.
    package func run(_ machine: inout Machine) -> TerminationReason {
        precondition(termination == nil, "a loop runs once; it ended with \(termination!)")
        dispatch(.started, to: &machine)
        while true {
            takeEvents(for: &machine)
            receive(for: &machine)
            fireTimers(of: &machine)
            flush()
            if let termination {
                sendLastMessages()
                close()
                return termination
            }
            wait()
        }
    }

    /// Hands the machine one event and performs what it answers.
    private func dispatch(_ event: Event, to machine: inout Machine) {
        guard termination == nil else { return }
        machine.handle(event, at: .monotonicNow(), into: &effects)
        for effect in effects { perform(effect) }
        // At once, for they hold tensors.
        effects.removeAll(keepingCapacity: true)
    }

    private func takeEvents(for machine: inout Machine) {
        for event in inbox.takeAll() { dispatch(event, to: &machine) }
        let pending = pendingEvents
        pendingEvents.removeAll(keepingCapacity: true)
        for event in pending { dispatch(event, to: &machine) }
    }

    /// Takes what has arrived, at most a turn's worth from each socket.
    private func receive(for machine: inout Machine) {
        var turn = setup.limits.messagesPerTurn
        while turn > 0, termination == nil, let outcome = listener?.next() {
            turn -= outcome.turns
            if let event = event(of: outcome) { dispatch(event, to: &machine) }
        }
        // The machine may open and close links in between.
        for peer in links.map(\.peer) {
            turn = setup.limits.messagesPerTurn
            while turn > 0, termination == nil, let outcome = nextOutcome(of: peer) {
                turn -= outcome.turns
                if let event = event(of: outcome, from: peer) { dispatch(event, to: &machine) }
            }
        }
    }

    private func fireTimers(of machine: inout Machine) {
        let now = Instant.monotonicNow()
        while termination == nil, let timer = timers.popDue(at: now) {
            dispatch(.timerFired(timer), to: &machine)
        }
    }

    private func flush() {
        listener?.flush()
        for (_, link) in links { link.flush() }
    }

    /// Sleeps until something may have happened.
    private func wait() {
        let timeout = waitMilliseconds()
        descriptors.removeAll(keepingCapacity: true)
        watch(inbox.wakeUp.readingEnd)
        if let listener {
            watch(listener.socket.fileDescriptor)
            watch(listener.monitor.fileDescriptor)
        }
        for (_, link) in links {
            watch(link.socket.fileDescriptor)
            watch(link.monitor.fileDescriptor)
        }
        let count = poll(&descriptors, nfds_t(descriptors.count), timeout)
        if count > 0 && descriptors[0].revents != 0 { inbox.wakeUp.clear() }
    }

    private func watch(_ descriptor: Int32) {
        descriptors.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
    }

    /// How long nothing is due; the sockets are asked last, since asking re-arms their descriptors.
    private func waitMilliseconds() -> Int32 {
        var timeout: Int32 = 60_000
        if let deadline = timers.nextDeadline {
            let now = Instant.monotonicNow()
            let milliseconds = deadline <= now ? 0 : deadline.milliseconds(since: now) + 1
            timeout = Int32(min(UInt64(timeout), milliseconds))
        }
        let someoneIsFull =
            listener?.hasWaitingMessages == true || links.contains { $0.link.hasWaitingMessages }
        if someoneIsFull { timeout = min(timeout, setup.limits.retryMilliseconds) }
        if !pendingEvents.isEmpty { timeout = 0 }
        if listener?.hasInput == true { timeout = 0 }
        for (_, link) in links where link.hasInput { timeout = 0 }
        return timeout
    }

    /// Gives queued messages, and what was lent, their last chance.
    private func sendLastMessages() {
        let linger = UInt64(setup.limits.lingerMilliseconds)
        let deadline = Instant.monotonicNow().advanced(milliseconds: linger)
        while hasUndeliveredMessages {
            guard Instant.monotonicNow() < deadline else { return }
            poll(nil, 0, setup.limits.retryMilliseconds)
            ignoreMessages()
            flush()
        }
    }

    private var hasUndeliveredMessages: Bool {
        if let listener, listener.hasWaitingMessages || listener.isLending { return true }
        return links.contains { $0.link.hasWaitingMessages || $0.link.isLending }
    }

    /// Hears what the transports tell each other; the machine has ended.
    private func ignoreMessages() {
        var turn = setup.limits.messagesPerTurn
        while turn > 0, let outcome = listener?.next() { turn -= outcome.turns }
        for peer in links.map(\.peer) {
            turn = setup.limits.messagesPerTurn
            while turn > 0, let outcome = nextOutcome(of: peer) {
                turn -= outcome.turns
                // It is not to be opened again.
                if case .lost = outcome { links.removeAll { $0.peer == peer } }
            }
        }
    }

    private func close() {
        listener = nil
        links.removeAll()
    }
}
