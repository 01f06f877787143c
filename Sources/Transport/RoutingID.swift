import TrainingProtocol

/// The name of one connection: the process's incarnation and the number of the connection.
///
/// A name is never used twice: with `ZMQ_ROUTER_HANDOVER` off, a peer that comes back under its
/// old name while its old connection is still being cleared away would never be heard again.
struct RoutingID: Hashable {
    let incarnation: Incarnation
    /// Counts the connections this process has made to the peer, from 1.
    let connection: UInt64

    private static let byteCount = 25
    /// libzmq reserves names that begin with a zero byte.
    private static let mark = UInt8(ascii: "E")

    init(incarnation: Incarnation, connection: UInt64) {
        self.incarnation = incarnation
        self.connection = connection
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == RoutingID.byteCount, bytes[0] == RoutingID.mark else { return nil }
        let words = (0..<3).map {
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 1 + 8 * $0, as: UInt64.self))
        }
        self.init(
            incarnation: Incarnation(high: words[0], low: words[1]), connection: words[2])
    }

    var bytes: [UInt8] {
        [RoutingID.mark]
            + [incarnation.high, incarnation.low, connection].flatMap { word in
                (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }
            }
    }
}
