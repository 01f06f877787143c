import TrainingProtocol
import WireFormat

/// What a loop tells whoever watches it; none of it stops the loop.
///
/// Where a `count` is given, a report comes at the first and at every doubling of the count.
package enum TransportObservation: Equatable, Sendable {
    case listening(Endpoint)
    /// Anyone who reaches the endpoint can read and write everything: a warning.
    case exposed(Endpoint)
    case disconnected(Peer)
    /// A message broke a limit before it was decoded.
    case messageRefused(MessageRefusal, count: Int)
    /// Bytes that are no message.
    case messageMalformed(WireError, from: Peer, count: Int)
    /// The header names another sender than the connection does.
    case senderMismatch(from: Peer, count: Int)
    case messageDropped(SendFailure, to: Peer, count: Int)
    /// A peer of this host is reached through sockets alone: the kernel forbids, with this errno value,
    /// to read its memory.
    case memoryUnreadable(of: Peer, code: Int32)
    /// A peer was announced under an endpoint that cannot be used.
    case unusableEndpoint(String, of: Peer, TransportError)
}

extension TransportObservation: CustomStringConvertible {
    package var description: String {
        switch self {
        case .listening(let endpoint):
            "listening on \(endpoint)"
        case .exposed(let endpoint):
            "listening on \(endpoint) without encryption or authentication: "
                + "anyone who reaches it can read and change the run"
        case .disconnected(let peer):
            "connection to \(peer) lost"
        case .messageRefused(let refusal, let count):
            "refused a message (\(refusal)); \(count) so far"
        case .messageMalformed(let error, let peer, let count):
            "dropped bytes from \(peer) that are no message: \(error); \(count) so far"
        case .senderMismatch(let peer, let count):
            "dropped a message from \(peer) in another's name; \(count) so far"
        case .messageDropped(let failure, let peer, let count):
            "could not send to \(peer) (\(failure)); \(count) messages dropped so far"
        case .memoryUnreadable(let peer, let code):
            "cannot read tensors from the memory of \(peer) (\(systemMessage(code))); they go through "
                + "sockets, which takes longer. Where Yama forbids it, "
                + "`sysctl kernel.yama.ptrace_scope=0` allows it"
        case .unusableEndpoint(let text, let peer, let error):
            "cannot connect to \(peer) at '\(text)': \(error)"
        }
    }
}
