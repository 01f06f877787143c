/// Why received bytes are no message.
package enum WireError: Error, Hashable, Sendable {
    /// The header frame is empty or longer than its limit.
    case headerSize(byteCount: Int, limit: Int)
    /// The header frame is no envelope, or needs more memory than a header may.
    case malformedEnvelope
    case unknownKind(UInt32)
    /// The body is not of its kind, or needs more memory than a body may.
    case malformedBody(MessageKind)
    /// The kind has another number of payload frames.
    case frameCount(MessageKind, actual: Int)
    /// A payload frame is empty, too long, or no whole number of float32.
    case frameSize(MessageKind, byteCount: Int)
    /// A field is missing, out of its range, no UTF-8, or at odds with another.
    case invalid(WireField)
}

/// The fields that can be invalid.
package enum WireField: String, Hashable, Sendable {
    case role, run, term, build, hash, text, endpoint, number, quantity, slots, group, part
    case plan, phase, tensor, chunk, placement, source, checkpoint, policy, code, activity
    case reason, outcome, trailer, finiteness, decision, contributions, member, body
}

extension WireError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .headerSize(let byteCount, let limit):
            "header of \(byteCount) bytes, where 1 to \(limit) are allowed"
        case .malformedEnvelope: "header that is no envelope"
        case .unknownKind(let kind): "unknown kind of message \(kind)"
        case .malformedBody(let kind): "malformed body of \(kind)"
        case .frameCount(let kind, let actual): "\(kind) with \(actual) payload frames"
        case .frameSize(let kind, let byteCount): "\(kind) with a frame of \(byteCount) bytes"
        case .invalid(let field): "invalid field '\(field.rawValue)'"
        }
    }
}
