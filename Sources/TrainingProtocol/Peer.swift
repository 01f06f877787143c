/// Whom a message comes from or goes to, as a driver addresses it.
package enum Peer: Hashable, Sendable, CustomStringConvertible {
    /// This process's link to the coordinator, whose endpoint the driver was given.
    case coordinator
    /// This process's link to a server, opened by `Effect.connect`.
    case server(ServerIndex)
    /// A process that connected to this one's listening socket.
    case member(Incarnation)

    package var description: String {
        switch self {
        case .coordinator: "coordinator"
        case .server(let index): "server \(index)"
        case .member(let incarnation): "member \(incarnation)"
        }
    }
}

/// What a process is for.
package enum Role: UInt8, Hashable, Sendable, CustomStringConvertible {
    case coordinator = 1
    case server = 2
    case worker = 3
    /// A command that asks for the status or the scale and takes no part in training.
    case observer = 4

    package var description: String {
        switch self {
        case .coordinator: "coordinator"
        case .server: "server"
        case .worker: "worker"
        case .observer: "observer"
        }
    }
}
