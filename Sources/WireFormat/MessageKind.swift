/// The kinds of message, with the numbers that they have on the wire.
package enum MessageKind: UInt32, CaseIterable, Hashable, Sendable {
    case greeting = 1
    case welcome, refusal, heartbeat, drain, finish, goodbye, placementChanged
    case lease, leaseRevoked, leaseReturned
    case pull, parameters, pullRefused, push, pushAcknowledged, trailer, trailerAcknowledged
    case serverReady, serverProgress, stepCommitted
    case checkpointRequested, shardWritten, shardNotWritten, shardWrittenAcknowledged
    case checkpointCommitted
    case rootReplicated, decisionReplicated, replicaAcknowledged, backupLost
    case fillRequested = 33
    case fill, rollBack
    case statusRequested, status, scaleRequested

    /// Where the body is: its lists may exceed a header in the kinds with a detail frame.
    enum BodyPlace {
        case header, detailFrame
    }

    var bodyPlace: BodyPlace {
        switch self {
        case .welcome, .placementChanged, .serverProgress, .stepCommitted, .decisionReplicated,
            .rollBack, .status:
            .detailFrame
        default:
            .header
        }
    }

    /// What the frames behind the header and the detail frame hold.
    enum Attachment {
        case none, document, optionalTensor
        /// float32 or bfloat16, as the run's plan says.
        case gradient
        /// A part of a shard's state: a tensor, or text of any length.
        case statePart
    }

    var attachment: Attachment {
        switch self {
        case .welcome, .shardWritten: .document
        case .push, .rootReplicated: .gradient
        case .fill: .statePart
        case .parameters: .optionalTensor
        default: .none
        }
    }

    /// How many payload frames the kind has.
    var frameCounts: ClosedRange<Int> {
        let detail = bodyPlace == .detailFrame ? 1 : 0
        switch attachment {
        case .none: return detail...detail
        case .document, .gradient, .statePart: return detail + 1...detail + 1
        case .optionalTensor: return detail...detail + 1
        }
    }
}
