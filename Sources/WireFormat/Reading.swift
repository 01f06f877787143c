import CWireMessages
import TrainingProtocol

// How fields of received records become Swift values; every one is checked.

func read<Record>(
    _ pointer: UnsafeMutablePointer<Record>?, _ field: WireField
) throws(WireError) -> Record {
    guard let pointer else { throw .invalid(field) }
    return pointer.pointee
}

func readOptional<Record, Value>(
    _ pointer: UnsafeMutablePointer<Record>?, _ make: (Record) throws(WireError) -> Value
) throws(WireError) -> Value? {
    guard let pointer else { return nil }
    return try make(pointer.pointee)
}

func readList<Record, Value>(
    _ count: Int, _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<Record>?>?,
    _ field: WireField, _ make: (Record) throws(WireError) -> Value
) throws(WireError) -> [Value] {
    var values: [Value] = []
    values.reserveCapacity(count)
    for index in 0..<count {
        guard let pointer = pointers?[index] else { throw .invalid(field) }
        values.append(try make(pointer.pointee))
    }
    return values
}

func readNumbers<Number>(_ count: Int, _ numbers: UnsafeMutablePointer<Number>?) -> [Number] {
    Array(UnsafeBufferPointer(start: numbers, count: numbers == nil ? 0 : count))
}

func readText(_ text: UnsafeMutablePointer<CChar>?) throws(WireError) -> String {
    guard let text else { return "" }
    guard let value = String(validatingCString: text),
        value.utf8.count <= WireLimits.stringByteCount
    else { throw .invalid(.text) }
    return value
}

func readOptionalText(_ text: UnsafeMutablePointer<CChar>?) throws(WireError) -> String? {
    let value = try readText(text)
    return value.isEmpty ? nil : value
}

func readTexts(
    _ count: Int, _ texts: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) throws(WireError) -> [String] {
    var values: [String] = []
    for index in 0..<count { values.append(try readText(texts?[index])) }
    return values
}

func readOptionalHash(_ bytes: ProtobufCBinaryData) throws(WireError) -> ContentHash? {
    if bytes.len == 0 { return nil }
    guard bytes.len == 32, let data = bytes.data else { throw .invalid(.hash) }
    return ContentHash(Array(UnsafeBufferPointer(start: data, count: 32)))
}

func readHash(_ bytes: ProtobufCBinaryData) throws(WireError) -> ContentHash {
    guard let hash = try readOptionalHash(bytes) else { throw .invalid(.hash) }
    return hash
}

func readNumber(_ value: UInt64) throws(WireError) -> UInt64 {
    guard value < WireLimits.number else { throw .invalid(.number) }
    return value
}

func readQuantity(_ value: UInt64) throws(WireError) -> Int {
    guard value < WireLimits.quantity else { throw .invalid(.quantity) }
    return Int(value)
}

func readIndex(_ number: Emend__Number) throws(WireError) -> Int {
    guard let index = UInt32(exactly: number.value) else { throw .invalid(.number) }
    return Int(index)
}

func readCode<Code: RawRepresentable>(
    _ value: UInt32, _ field: WireField
) throws(WireError) -> Code where Code.RawValue == UInt8 {
    guard let byte = UInt8(exactly: value), let code = Code(rawValue: byte) else {
        throw .invalid(field)
    }
    return code
}

func readSlots(lower: UInt32, upper: UInt32) throws(WireError) -> SlotRange {
    guard lower < upper else { throw .invalid(.slots) }
    return SlotRange(Int(lower), Int(upper))
}

func readSlots(_ slots: Emend__Slots) throws(WireError) -> SlotRange {
    try readSlots(lower: slots.lower, upper: slots.upper)
}

func readSlots(_ slots: UnsafeMutablePointer<Emend__Slots>?) throws(WireError) -> SlotRange {
    try readSlots(read(slots, .slots))
}

func readVersion(_ value: UInt64) throws(WireError) -> Version {
    Version(try readNumber(value))
}

func readStep(_ value: UInt64) throws(WireError) -> Step {
    Step(try readNumber(value))
}

func readAttempt(_ value: UInt64) throws(WireError) -> Attempt {
    Attempt(try readNumber(value))
}
