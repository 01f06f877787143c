/// The messages that wait for one peer, bounded in bytes, in the order they were sent.
struct OutgoingQueue {
    private var messages: [OutgoingMessage] = []
    /// Messages before this index have left; they are removed in bulk.
    private var head = 0
    private(set) var byteCount = 0

    var isEmpty: Bool { head == messages.count }
    var first: OutgoingMessage? { isEmpty ? nil : messages[head] }

    /// Takes the message unless the peer's bytes would exceed its bound.
    mutating func append(_ message: OutgoingMessage, limits: TransportLimits) -> Bool {
        let reserve = message.payload.isEmpty ? limits.queuedControlByteCount : 0
        guard byteCount + message.byteCount <= limits.queuedByteCount + reserve else {
            return false
        }
        messages.append(message)
        byteCount += message.byteCount
        return true
    }

    mutating func removeFirst() {
        byteCount -= messages[head].byteCount
        messages[head] = OutgoingMessage(header: [], payload: [])
        head += 1
        if head == messages.count || head >= 64 {
            messages.removeFirst(head)
            head = 0
        }
    }

    mutating func removeAll() {
        self = OutgoingQueue()
    }
}
