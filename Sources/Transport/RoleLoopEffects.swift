import TrainingProtocol
import WireFormat

// How the loop performs a machine's effects.
extension RoleLoop {
    func perform(_ effect: Effect) {
        switch effect {
        case .connect(let peer, let endpoint): connect(to: peer, at: endpoint)
        case .disconnect(let peer): links.removeAll { $0.peer == peer }
        case .send(let message, let peer): send(message, to: peer)
        case .setTimer(let timer, let deadline): timers.set(timer, deadline: deadline)
        case .cancelTimer(let timer): timers.cancel(timer)
        case .start(let id, let job): start(job, id: id)
        case .report(let observation): report(observation)
        case .terminate(let reason): termination = reason
        }
    }

    private func start(_ job: Job, id: JobID) {
        let inbox = self.inbox
        jobs.start(job, id: id) { report in
            switch report {
            case .progressed(let progress): inbox.append(.progressed(id, progress))
            case .finished(let outcome): inbox.append(.finished(id, outcome))
            }
        }
    }

    private func connect(to peer: Peer, at text: String) {
        do {
            let endpoint = try Endpoint(parsing: text)
            if let index = links.firstIndex(where: { $0.peer == peer }) {
                if links[index].link.endpoint == endpoint { return }
                links.remove(at: index)
            }
            try open(endpoint, to: peer)
        } catch {
            observe(.unusableEndpoint(text, of: peer, error))
            pendingEvents.append(.disconnected(peer))
        }
    }

    func open(_ endpoint: Endpoint, to peer: Peer) throws(TransportError) {
        if case .member = peer { preconditionFailure("\(peer) connects to us, not we to it") }
        let link = try Link(
            endpoint, from: setup.incarnation, name: nextSocketName(), limits: setup.limits,
            context: context)
        links.append((peer, link))
    }

    /// Unique among the loops of the process, of which each has an incarnation of its own.
    func nextSocketName() -> String {
        openedSocketCount += 1
        return "\(setup.incarnation)-\(openedSocketCount)"
    }

    private func send(_ message: Message, to peer: Peer) {
        let encoded = codec.encode(message)
        let outgoing = OutgoingMessage(header: encoded.header, payload: encoded.payload)
        let failure: SendFailure?
        switch peer {
        case .member(let incarnation):
            failure = listener.map { $0.send(outgoing, to: incarnation) } ?? .unreachable
        case .coordinator, .server:
            let link = links.first { $0.peer == peer }?.link
            failure = link.map { $0.send(outgoing) } ?? .unreachable
        }
        guard let failure else { return }
        let count = increment(.dropped)
        if isWorthReporting(count) { observe(.messageDropped(failure, to: peer, count: count)) }
        if failure == .unreachable, !pendingEvents.contains(.disconnected(peer)) {
            pendingEvents.append(.disconnected(peer))
        }
    }
}
