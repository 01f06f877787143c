import CZeroMQ
import TrainingProtocol

/// An encoded message on its way out.
struct OutgoingMessage {
    let header: [UInt8]
    let payload: [Frame]
    let byteCount: Int

    init(header: [UInt8], payload: [Frame]) {
        self.header = header
        self.payload = payload
        byteCount = payload.reduce(header.count) { $0 + $1.bytes.count }
    }

    init(_ note: DirectReadingNote) {
        self.init(header: note.bytes, payload: [])
    }

    enum Result {
        case sent
        /// The peer takes no more now.
        case full
        /// A ROUTER has no connection to this routing id.
        case unreachable
    }

    /// Sends all parts or none; `routingID` is given for a ROUTER, `reading` where the peer may read
    /// large frames itself.
    func send(
        on socket: ZeroMQSocket, to routingID: [UInt8]?, reading: DirectReading?
    ) -> Result {
        switch reading?.terms(for: payload) {
        case nil, .socketOnly: return send(payload, on: socket, to: routingID, note: nil)
        case .full: return .full
        case .lent(let note, let lent, let rest):
            let result = send(rest, on: socket, to: routingID, note: note)
            if result == .sent { reading?.lend(lent) }
            return result
        }
    }

    private func send(
        _ payload: [Frame], on socket: ZeroMQSocket, to routingID: [UInt8]?,
        note: DirectReadingNote?
    ) -> Result {
        let parts = [routingID, note?.bytes, header].compactMap(\.self)
        let others = parts.dropFirst()
        var code = socket.sendPart(copying: parts[0], isLast: others.isEmpty && payload.isEmpty)
        if code != 0 { return code == EHOSTUNREACH ? .unreachable : .full }
        // A part refused amid a message means that the connection broke: libzmq took back the parts
        // before and swallows those behind up to the last, so that the next message is whole. This
        // message stays with the caller.
        for (index, part) in zip(others.indices, others) {
            let isLast = payload.isEmpty && index == others.endIndex - 1
            let partCode = socket.sendPart(copying: part, isLast: isLast)
            if code == 0 { code = partCode }
        }
        for (index, frame) in payload.enumerated() {
            let partCode = socket.sendPart(frame, isLast: index == payload.count - 1)
            if code == 0 { code = partCode }
        }
        return code == 0 ? .sent : .full
    }
}

extension ZeroMQSocket {
    /// Frames up to this size are copied: libzmq allocates for a reference as well.
    private static let copiedByteCount = 512

    fileprivate func sendPart(copying bytes: [UInt8], isLast: Bool) -> Int32 {
        bytes.withUnsafeBytes { sendPart(copying: $0, isLast: isLast) }
    }

    /// Hands libzmq a reference to the frame, released by its thread when the bytes have left.
    fileprivate func sendPart(_ frame: Frame, isLast: Bool) -> Int32 {
        let bytes = frame.bytes
        if bytes.count <= ZeroMQSocket.copiedByteCount {
            return sendPart(copying: bytes, isLast: isLast)
        }
        var message = zmq_msg_t()
        let hint = Unmanaged.passRetained(frame).toOpaque()
        let result = zmq_msg_init_data(
            &message, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count,
            { _, hint in Unmanaged<Frame>.fromOpaque(hint!).release() }, hint)
        precondition(result == 0, "zmq_msg_init_data of \(bytes.count) bytes: out of memory")
        return send(&message, isLast: isLast)
    }

    private func sendPart(copying bytes: UnsafeRawBufferPointer, isLast: Bool) -> Int32 {
        var message = zmq_msg_t()
        let result = zmq_msg_init_size(&message, bytes.count)
        precondition(result == 0, "zmq_msg_init_size of \(bytes.count) bytes: out of memory")
        if let source = bytes.baseAddress, let target = zmq_msg_data(&message) {
            target.copyMemory(from: source, byteCount: bytes.count)
        }
        return send(&message, isLast: isLast)
    }

    /// 0, EAGAIN or EHOSTUNREACH; the message is consumed in each case.
    private func send(_ message: inout zmq_msg_t, isLast: Bool) -> Int32 {
        let flags = isLast ? ZMQ_DONTWAIT : ZMQ_DONTWAIT | ZMQ_SNDMORE
        while zmq_msg_send(&message, handle, flags) < 0 {
            let code = zmq_errno()
            if code == EINTR { continue }
            zmq_msg_close(&message)
            precondition(
                code == EAGAIN || code == EHOSTUNREACH, "zmq_msg_send: \(systemMessage(code))")
            return code
        }
        return 0
    }
}
