import CWireMessages
import TrainingProtocol

// How Swift values become fields of generated records, whose memory the arena holds.
extension Arena {
    /// Memory for `count` values; a message that needs more than the arena has is a bug of ours.
    private func elements<Value>(_ type: Value.Type, _ count: Int) -> UnsafeMutablePointer<Value>? {
        guard count > 0 else { return nil }
        let byteCount = count * MemoryLayout<Value>.stride
        guard let memory = allocate(byteCount: byteCount) else {
            preconditionFailure("a message of ours needs \(byteCount) bytes beyond the arena")
        }
        return memory.bindMemory(to: type, capacity: count)
    }

    func record<Record>(_ value: Record) -> UnsafeMutablePointer<Record>? {
        let pointer = elements(Record.self, 1)
        pointer?.initialize(to: value)
        return pointer
    }

    func records<Value, Record>(
        _ values: [Value], _ make: (Value) -> Record
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Record>?>? {
        let pointers = elements(UnsafeMutablePointer<Record>?.self, values.count)
        for (index, value) in values.enumerated() {
            (pointers! + index).initialize(to: record(make(value)))
        }
        return pointers
    }

    func numbers<Number>(_ values: [Number]) -> UnsafeMutablePointer<Number>? {
        let pointer = elements(Number.self, values.count)
        pointer?.initialize(from: values, count: values.count)
        return pointer
    }

    /// The text's UTF-8, cut between characters where it exceeds the limit.
    func text(_ value: String) -> UnsafeMutablePointer<CChar>? {
        var value = Substring(value)
        while value.utf8.count > WireLimits.stringByteCount { value.removeLast() }
        let bytes = value.utf8.map { CChar(bitPattern: $0) }
        return numbers(bytes + [0])
    }

    func texts(_ values: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
        numbers(values.map { text($0) })
    }

    func bytes(_ values: [UInt8]) -> ProtobufCBinaryData {
        ProtobufCBinaryData(len: values.count, data: numbers(values))
    }

    func hash(_ value: ContentHash?) -> ProtobufCBinaryData { bytes(value?.bytes ?? []) }

    func optional(_ value: (some BinaryInteger)?) -> UnsafeMutablePointer<Emend__Number>? {
        value.flatMap { value in record(.make { $0.value = UInt64(value) }) }
    }

    func slots(_ range: SlotRange) -> UnsafeMutablePointer<Emend__Slots>? {
        record(
            .make {
                $0.lower = UInt32(range.lower)
                $0.upper = UInt32(range.upper)
            })
    }

    /// The record's protobuf bytes, in the arena.
    func pack<Record: WireRecord>(_ record: Record) -> UnsafeRawBufferPointer {
        var record = record
        return withUnsafeMutablePointer(to: &record) { pointer in
            let message = UnsafeRawPointer(pointer).assumingMemoryBound(to: ProtobufCMessage.self)
            let byteCount = protobuf_c_message_get_packed_size(message)
            guard let target = elements(UInt8.self, byteCount) else {
                return UnsafeRawBufferPointer(start: nil, count: 0)
            }
            protobuf_c_message_pack(message, target)
            return UnsafeRawBufferPointer(start: target, count: byteCount)
        }
    }
}
