/// What can keep a process from talking: an endpoint or the system refused.
public enum TransportError: Error, Equatable {
    /// The text is no `tcp://host:port` or `host:port`.
    case invalidEndpoint(String)
    /// Another process listens on the endpoint.
    case addressInUse(String)
    /// No interface of this machine has the endpoint's address.
    case addressUnavailable(String)
    /// The system reserves the endpoint's port.
    case permissionDenied(String)
    /// The endpoint can be reached from other machines, and `Exposure.insecure` was not given.
    case exposedEndpoint(String)
    /// A call of libzmq or of the system failed with `code` (an errno value).
    case system(operation: Operation, code: Int32)

    /// The calls whose failure no endpoint explains.
    public enum Operation: String, Sendable {
        case createContext, createSocket, setOption, readOption, bind, connect, monitor, wakeUp
    }
}

extension TransportError: CustomStringConvertible {
    /// What failed and what to do about it, in one line.
    public var description: String {
        switch self {
        case .invalidEndpoint(let text):
            "'\(text)' is no endpoint: write host:port or tcp://host:port, "
                + "with port 0 for any free port"
        case .addressInUse(let endpoint):
            "cannot listen on \(endpoint): another process uses this port; "
                + "stop it, or choose another port (port 0 takes any free one)"
        case .addressUnavailable(let endpoint):
            "cannot listen on \(endpoint): no interface of this machine has this address; "
                + "choose one that `ip address` lists, or 127.0.0.1"
        case .permissionDenied(let endpoint):
            "cannot listen on \(endpoint): the system reserves this port; choose one above 1023"
        case .exposedEndpoint(let endpoint):
            "refused to listen on \(endpoint): other machines can reach it and nothing is "
                + "encrypted or authenticated; bind to 127.0.0.1, or pass --insecure on a network "
                + "where everybody is trusted"
        case .system(let operation, let code):
            "\(operation.rawValue) failed: \(systemMessage(code)) (errno \(code)); "
                + "check the limits of this process with `ulimit -a`"
        }
    }
}
