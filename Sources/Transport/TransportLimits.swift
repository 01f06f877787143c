/// Every bound and period of the transport; times in milliseconds, sizes in bytes.
public struct TransportLimits: Sendable, Equatable {
    /// libzmq threads that move the bytes.
    public var ioThreadCount: Int32 = 1
    /// Which of them moves this loop's bytes, from 0; nil lets libzmq choose, which gives all to the
    /// first while nothing moves yet.
    public var ioThread: Int?
    /// How processes of one host reach each other.
    public var localRoute = LocalRoute.unixSocket
    /// Period of ZMTP heartbeats.
    public var heartbeatMilliseconds: Int32 = 1_000
    /// Silence after which a connection is closed; also told to the peer as time to live.
    public var heartbeatTimeoutMilliseconds: Int32 = 3_000
    /// Time a connection may take to shake hands (libzmq's default of 30 s lets half-open
    /// connections pile up).
    public var handshakeMilliseconds: Int32 = 5_000
    /// Time a TCP connect may take.
    public var connectMilliseconds: Int32 = 5_000
    /// First pause between attempts to connect.
    public var reconnectMilliseconds: Int32 = 100
    /// Largest pause between attempts to connect.
    public var reconnectMaximumMilliseconds: Int32 = 2_000
    /// Time unacknowledged TCP data may stay in flight.
    public var retransmissionMilliseconds: Int32 = 30_000
    /// Time the last messages have to leave when the loop ends; 0 to 1,000.
    public var lingerMilliseconds: Int32 = 500
    /// Messages libzmq holds per peer and direction; it counts messages, not bytes.
    public var highWaterMark: Int32 = 16
    /// One frame; a peer that announces more is cut off before anything is allocated.
    public var frameByteCount: Int64 = 64 << 20
    /// Frames of one message after the header.
    public var payloadFrameCount = 64
    /// Bytes of one message in all.
    public var messageByteCount = 256 << 20
    /// Bytes that may wait for one peer; a message beyond is dropped and reported.
    ///
    /// As many may be lent to it beside them.
    public var queuedByteCount = 512 << 20
    /// Bytes that messages without payload may use beyond `queuedByteCount`, so that a full
    /// queue of tensors does not swallow the heartbeat behind it.
    public var queuedControlByteCount = 4 << 20
    /// Frames from this size on are read from the sender's memory where `localRoute` allows it.
    public var lentByteCount = 32 << 10
    /// Peers a listening socket keeps a queue for.
    public var peerCount = 4_096
    /// Messages taken from one socket before the others have their turn.
    public var messagesPerTurn = 64
    /// Pause before a full peer is tried again where libzmq gives no sign.
    public var retryMilliseconds: Int32 = 5

    /// All limits at the values above.
    public init() {}
}

/// What carries the bytes between processes of one host.
public enum LocalRoute: String, Sendable, CaseIterable {
    /// The loopback interface.
    case tcp
    /// Unix-domain sockets beside it, and large frames read from the sender's memory where the kernel
    /// lets the receiver; TCP where the sockets do not lead to the listener.
    case unixSocket = "ipc"
}
