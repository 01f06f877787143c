/// Writes the headers of one process's messages, and sends them.
struct Speaker: Sendable {
    let identity: ProcessIdentity
    let role: Role
    var run: RunID
    var coordinatorTerm: CoordinatorTerm
    private var lastJob: UInt64 = 0

    init(
        identity: ProcessIdentity, role: Role, run: RunID = .none,
        coordinatorTerm: CoordinatorTerm = CoordinatorTerm(0)
    ) {
        self.identity = identity
        self.role = role
        self.run = run
        self.coordinatorTerm = coordinatorTerm
    }

    func send(
        _ body: MessageBody, to peer: Peer, shardTerm: ShardTerm = ShardTerm(0),
        into effects: inout [Effect]
    ) {
        let header = Header(
            protocolVersion: Header.currentProtocolVersion, run: run, role: role,
            incarnation: identity.incarnation, coordinatorTerm: coordinatorTerm,
            shardTerm: shardTerm)
        effects.append(.send(Message(header: header, body: body), to: peer))
    }

    mutating func start(_ job: Job, into effects: inout [Effect]) -> JobID {
        lastJob += 1
        effects.append(.start(JobID(lastJob), job))
        return JobID(lastJob)
    }

    /// Whether a message may be looked at; if not, says so to its sender and to the observers.
    func admits(_ message: Message, from peer: Peer, into effects: inout [Effect]) -> Bool {
        let header = message.header
        if case .refusal = message.body { return true }
        if header.protocolVersion != Header.currentProtocolVersion {
            let explanation =
                "this \(role) speaks protocol \(Header.currentProtocolVersion), the "
                + "\(header.role) speaks \(header.protocolVersion); use one build everywhere"
            send(
                .refusal(Refusal(code: .protocolVersion, explanation: explanation)), to: peer,
                into: &effects)
            return false
        }
        let isOfRun = header.run == run || (header.run == .none && message.body.precedesWelcome)
        if run != .none, !isOfRun {
            let explanation = "this \(role) serves run \(run), not run \(header.run)"
            send(
                .refusal(Refusal(code: .run, explanation: explanation)), to: peer, into: &effects)
            ignore(message, from: peer, .otherRun, into: &effects)
            return false
        }
        if header.role == .coordinator, header.coordinatorTerm < coordinatorTerm {
            ignore(message, from: peer, .oldTerm, into: &effects)
            return false
        }
        return true
    }

    func ignore(
        _ message: Message, from peer: Peer, _ why: Observation.Ignored,
        into effects: inout [Effect]
    ) {
        effects.append(
            .report(.messageIgnored(kind: message.body.kind, from: peer, why: why)))
    }
}

extension MessageBody {
    /// Whether a process may send it that knows no run: it was not welcomed, or it only observes.
    fileprivate var precedesWelcome: Bool {
        switch self {
        case .greeting, .goodbye, .statusRequested, .scaleRequested: true
        default: false
        }
    }
}
