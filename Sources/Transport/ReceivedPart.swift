import CZeroMQ
import TrainingProtocol

/// One received part of a message; owns libzmq's bytes until released.
final class ReceivedPart {
    private let message: UnsafeMutablePointer<zmq_msg_t>

    init() {
        message = .allocate(capacity: 1)
        zmq_msg_init(message)
    }

    deinit {
        zmq_msg_close(message)
        message.deallocate()
    }

    /// Takes the next part if one waits; false when none does.
    func receive(from socket: ZeroMQSocket) -> Bool {
        while zmq_msg_recv(message, socket.handle, ZMQ_DONTWAIT) < 0 {
            let code = zmq_errno()
            if code == EAGAIN { return false }
            precondition(code == EINTR, "zmq_msg_recv: \(systemMessage(code))")
        }
        return true
    }

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: zmq_msg_data(message), count: zmq_msg_size(message))
    }

    var isLast: Bool { zmq_msg_more(message) == 0 }

    /// The descriptor of the connection, TCP or Unix-domain, that the part came through, or −1.
    var connectionDescriptor: Int32 { zmq_msg_get(message, ZMQ_SRCFD) }
}
