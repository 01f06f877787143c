import TrainingProtocol
import WireFormat

/// Sends a message through the real codec.
struct Wire {
    private let codec = WireCodec()

    func roundTrip(_ message: Message) throws(InvariantViolation) -> Message {
        let encoded = codec.encode(message)
        let header = Frame(copying: encoded.header)
        let decoded: Message
        do { decoded = try codec.decode(header: header.bytes, payload: encoded.payload) } catch {
            throw InvariantViolation("\(message.body.kind) cannot be decoded: \(error)")
        }
        guard decoded == message else {
            throw InvariantViolation("\(message.body.kind) changed on the wire")
        }
        return decoded
    }
}
