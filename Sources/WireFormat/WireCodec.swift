import CWireMessages
import TrainingProtocol

/// A message as it travels: the header frame and the payload frames behind it.
package struct EncodedMessage: Sendable {
    package let header: [UInt8]
    package let payload: [Frame]

    package init(header: [UInt8], payload: [Frame]) {
        self.header = header
        self.payload = payload
    }
}

/// Turns messages into frames and back, in memory that is used anew for each.
///
/// Tensors are passed on by reference, never copied. One codec serves one thread at a time.
package final class WireCodec {
    /// What a received message may need.
    private let arena = Arena(byteCount: 4 << 20)
    /// What a message of ours may need, its bytes included.
    private let outgoingArena = Arena(byteCount: 16 << 20)

    package init() {}

    /// The message's frames.
    ///
    /// A message beyond `WireLimits` is a bug of the sender and traps.
    package func encode(_ message: Message) -> EncodedMessage {
        defer { outgoingArena.reset() }
        let body = pack(message.body)
        let inHeader = body.kind.bodyPlace == .header
        let header = outgoingArena.pack(
            envelope(message.header, body.kind, inHeader ? body.bytes : nil))
        precondition(
            header.count <= WireLimits.headerByteCount,
            "the header of \(body.kind) has \(header.count) bytes")
        if inHeader { return EncodedMessage(header: Array(header), payload: body.frames) }
        precondition(
            body.bytes.count <= WireLimits.detailByteCount,
            "the body of \(body.kind) has \(body.bytes.count) bytes")
        return EncodedMessage(
            header: Array(header), payload: [Frame(copying: body.bytes)] + body.frames)
    }

    private func envelope(
        _ header: Header, _ kind: MessageKind, _ body: UnsafeRawBufferPointer?
    ) -> Emend__Envelope {
        .make {
            $0.protocol_version = header.protocolVersion
            $0.kind = Emend__Kind(rawValue: kind.rawValue)
            $0.role = UInt32(header.role.rawValue)
            $0.run_high = header.run.high
            $0.run_low = header.run.low
            $0.incarnation_high = header.incarnation.high
            $0.incarnation_low = header.incarnation.low
            $0.coordinator_term = header.coordinatorTerm.number
            $0.shard_term = header.shardTerm.number
            if let body {
                let bytes = body.bindMemory(to: UInt8.self)
                $0.body = ProtobufCBinaryData(
                    len: bytes.count, data: UnsafeMutablePointer(mutating: bytes.baseAddress))
            }
        }
    }

    /// The message in these frames.
    ///
    /// Throws `WireError`; whatever the bytes, it neither crashes nor uses more memory than the
    /// arena and a small multiple of what it reads.
    package func decode(
        header: UnsafeRawBufferPointer, payload: [Frame]
    ) throws(WireError) -> Message {
        defer { arena.reset() }
        guard 1...WireLimits.headerByteCount ~= header.count else {
            throw .headerSize(byteCount: header.count, limit: WireLimits.headerByteCount)
        }
        guard let envelope = unpack(Emend__Envelope.self, header) else {
            throw .malformedEnvelope
        }
        guard let kind = MessageKind(rawValue: envelope.kind.rawValue) else {
            throw .unknownKind(envelope.kind.rawValue)
        }
        try check(payload, of: kind)
        var frames = payload[...]
        let bytes: UnsafeRawBufferPointer
        switch kind.bodyPlace {
        case .header:
            bytes = UnsafeRawBufferPointer(start: envelope.body.data, count: envelope.body.len)
        case .detailFrame:
            guard envelope.body.len == 0 else { throw .invalid(.body) }
            bytes = frames.removeFirst().bytes
        }
        return Message(
            header: try Header(envelope),
            body: try body(ReceivedBody(kind: kind, bytes: bytes, attachment: frames.first)))
    }

    /// Every payload frame is there and has a length that its kind allows.
    private func check(_ payload: [Frame], of kind: MessageKind) throws(WireError) {
        guard kind.frameCounts.contains(payload.count) else {
            throw .frameCount(kind, actual: payload.count)
        }
        var frames = payload[...]
        if kind.bodyPlace == .detailFrame {
            let byteCount = frames.removeFirst().byteCount
            guard byteCount <= WireLimits.detailByteCount else {
                throw .frameSize(kind, byteCount: byteCount)
            }
        }
        for frame in frames {
            let (isWhole, limit) =
                switch kind.attachment {
                case .none, .document: (true, WireLimits.documentByteCount)
                case .statePart: (frame.byteCount > 0, WireLimits.tensorByteCount)
                case .gradient: (frame.isList(ofSize: 2), WireLimits.tensorByteCount)
                case .optionalTensor: (frame.isList(ofSize: 4), WireLimits.tensorByteCount)
                }
            guard isWhole, frame.byteCount <= limit else {
                throw .frameSize(kind, byteCount: frame.byteCount)
            }
        }
    }

    private func unpack<Record: WireRecord>(
        _ type: Record.Type, _ bytes: UnsafeRawBufferPointer
    ) -> Record? {
        arena.withAllocator { allocator in
            type.unpack(
                allocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))?
                .pointee
        }
    }

    /// The record in a message's body; what it points to lives until the arena is reset.
    func record<Record: WireRecord>(_ body: ReceivedBody) throws(WireError) -> Record {
        guard let record = unpack(Record.self, body.bytes) else {
            throw .malformedBody(body.kind)
        }
        return record
    }

    /// A body on its way out, its bytes in the arena.
    func packed<Record: WireRecord>(
        _ kind: MessageKind, _ make: (Arena) -> Record, _ frames: [Frame] = []
    ) -> PackedBody {
        PackedBody(kind: kind, bytes: outgoingArena.pack(make(outgoingArena)), frames: frames)
    }
}

struct PackedBody {
    let kind: MessageKind
    let bytes: UnsafeRawBufferPointer
    let frames: [Frame]

    static func empty(_ kind: MessageKind) -> PackedBody {
        PackedBody(
            kind: kind, bytes: UnsafeRawBufferPointer(start: nil, count: 0), frames: [])
    }
}

struct ReceivedBody {
    let kind: MessageKind
    let bytes: UnsafeRawBufferPointer
    let attachment: Frame?

    func frame() throws(WireError) -> Frame {
        guard let attachment else { throw .frameCount(kind, actual: 0) }
        return attachment
    }
}

extension Header {
    fileprivate init(_ wire: Emend__Envelope) throws(WireError) {
        self.init(
            protocolVersion: wire.protocol_version,
            run: RunID(high: wire.run_high, low: wire.run_low),
            role: try readCode(wire.role, .role),
            incarnation: Incarnation(high: wire.incarnation_high, low: wire.incarnation_low),
            coordinatorTerm: CoordinatorTerm(try readNumber(wire.coordinator_term)),
            shardTerm: ShardTerm(try readNumber(wire.shard_term)))
    }
}

extension Frame {
    /// Whether it holds elements of so many bytes, one at least.
    fileprivate func isList(ofSize elementByteCount: Int) -> Bool {
        byteCount > 0 && byteCount.isMultiple(of: elementByteCount)
    }
}
