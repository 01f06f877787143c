import CWireMessages
import TrainingProtocol

extension Lease {
    func wire(_ arena: Arena) -> Emend__Lease {
        .make {
            $0.id = id.number
            $0.step = step.index
            $0.node = arena.slots(node)
            $0.attempt = attempt.number
        }
    }

    init(_ wire: Emend__Lease) throws(WireError) {
        self.init(
            id: LeaseID(try readNumber(wire.id)), step: try readStep(wire.step),
            node: try readSlots(wire.node), attempt: try readAttempt(wire.attempt))
    }
}

extension LeaseReturned {
    func wire(_ arena: Arena) -> Emend__LeaseReturned {
        .make {
            $0.lease = lease.number
            $0.reason = UInt32(reason.rawValue)
            $0.explanation = arena.text(explanation)
        }
    }

    init(_ wire: Emend__LeaseReturned) throws(WireError) {
        self.init(
            lease: LeaseID(try readNumber(wire.lease)), reason: try readCode(wire.reason, .reason),
            explanation: try readText(wire.explanation))
    }
}
