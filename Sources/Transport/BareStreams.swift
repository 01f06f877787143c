import CZeroMQ
import Dispatch
import Foundation
import Synchronization
import TrainingProtocol

/// Two plain ZeroMQ streams at once, one each way between two threads: what the exchange of pushes
/// and parameters can at best move on this machine.
package enum BareStreams {
    /// Bytes per second of both streams together, over the loopback interface.
    ///
    /// Every message of a stream has memory of its own, as tensors have: one that is sent again and
    /// again would lie in the processor's cache.
    ///
    /// - Parameters:
    ///   - byteCount: of each stream.
    ///   - messageByteCount: of a message; sent by reference, as tensors are.
    ///   - passes: how often each stream is sent.
    /// Throws `TransportError` where the system gives no sockets.
    package static func byteRate(
        byteCount: Int, messageByteCount: Int, passes: Int
    ) throws(TransportError) -> Double {
        let context = try MessagingContext(ioThreadCount: 2)
        let count = max(1, byteCount / messageByteCount)
        let streams = (0..<2).map { _ in
            (0..<count).map { _ in
                Frame(byteCount: messageByteCount) {
                    $0.initializeMemory(as: UInt8.self, repeating: 1)
                }
            }
        }
        var ends: [(sender: ZeroMQSocket, receiver: ZeroMQSocket)] = []
        for thread in 0..<2 { ends.append(try connectedPair(context, sendingThread: thread)) }
        let clock = ContinuousClock()
        let group = DispatchGroup()
        let elapsed = clock.measure {
            for (end, stream) in zip(ends, streams) {
                let sender = Transferred(end.sender), receiver = Transferred(end.receiver)
                DispatchQueue.global().async(group: group) {
                    for _ in 0..<passes { for frame in stream { send(frame, on: sender.socket) } }
                }
                DispatchQueue.global().async(group: group) {
                    for _ in 0..<passes * count { receive(from: receiver.socket) }
                }
            }
            group.wait()
        }
        return 2 * Double(passes * count * messageByteCount) / (elapsed / .seconds(1))
    }

    private static func connectedPair(
        _ context: MessagingContext, sendingThread: Int
    ) throws(TransportError) -> (sender: ZeroMQSocket, receiver: ZeroMQSocket) {
        let receiver = try ZeroMQSocket(.pair, context: context)
        let sender = try ZeroMQSocket(.pair, context: context)
        try sender.assign(toThread: sendingThread)
        try receiver.assign(toThread: 1 - sendingThread)
        for socket in [sender, receiver] {
            try socket.set(ZMQ_LINGER, 0)
            try socket.set(ZMQ_SNDHWM, TransportLimits().highWaterMark)
            try socket.set(ZMQ_RCVHWM, TransportLimits().highWaterMark)
        }
        guard zmq_bind(receiver.handle, "tcp://127.0.0.1:*") == 0 else { throw .last(.bind) }
        guard zmq_connect(sender.handle, try receiver.lastEndpoint()) == 0 else {
            throw .last(.connect)
        }
        return (sender, receiver)
    }

    private static func send(_ frame: Frame, on socket: ZeroMQSocket) {
        var message = zmq_msg_t()
        let hint = Unmanaged.passRetained(frame).toOpaque()
        let bytes = frame.bytes
        let result = zmq_msg_init_data(
            &message, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count,
            { _, hint in Unmanaged<Frame>.fromOpaque(hint!).release() }, hint)
        precondition(result == 0, "zmq_msg_init_data of \(bytes.count) bytes: out of memory")
        while zmq_msg_send(&message, socket.handle, 0) < 0 {
            precondition(zmq_errno() == EINTR, "zmq_msg_send: \(systemMessage(zmq_errno()))")
        }
    }

    private static func receive(from socket: ZeroMQSocket) {
        var message = zmq_msg_t()
        zmq_msg_init(&message)
        while zmq_msg_recv(&message, socket.handle, 0) < 0 {
            precondition(zmq_errno() == EINTR, "zmq_msg_recv: \(systemMessage(zmq_errno()))")
        }
        zmq_msg_close(&message)
    }

    private struct Transferred: @unchecked Sendable {
        // Sendable: handed to one thread, and used by no other until that has ended.
        let socket: ZeroMQSocket

        init(_ socket: ZeroMQSocket) { self.socket = socket }
    }
}
