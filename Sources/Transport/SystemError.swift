import CZeroMQ

/// The text libzmq or the system has for an errno value.
func systemMessage(_ code: Int32) -> String {
    guard let text = zmq_strerror(code) else { return "unknown error" }
    return String(cString: text)
}

extension TransportError {
    /// The error of the call that has just failed.
    static func last(_ operation: Operation) -> TransportError {
        .system(operation: operation, code: zmq_errno())
    }
}
