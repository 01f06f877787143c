import Foundation
import Testing
import TrainingProtocol
import WireFormat

@Suite("Hostile bytes are refused")
struct HostileBytesTests {
    let codec = WireCodec()

    /// Decodes; where that succeeds, what came out must survive the wire unchanged.
    func probe(header: [UInt8], payload: [Frame]) {
        guard let message = try? codec.decode(header: header, payload: payload) else { return }
        let encoded = codec.encode(message)
        do {
            let again = codec.encode(try codec.decode(encoded))
            #expect(again.header == encoded.header && again.payload == encoded.payload)
        } catch {
            Issue.record("\(message) does not decode again: \(error)")
        }
    }

    @Test func truncationAtEveryOffsetNeverCrashes() {
        for message in SampleMessages.all {
            let encoded = codec.encode(message)
            for count in 0..<encoded.header.count {
                probe(header: Array(encoded.header.prefix(count)), payload: encoded.payload)
            }
            for (index, frame) in encoded.payload.enumerated() {
                for count in 0..<frame.byteCount {
                    var payload = encoded.payload
                    payload[index] = Frame(copying: frame.bytes.prefix(count))
                    probe(header: encoded.header, payload: payload)
                }
                var payload = encoded.payload
                payload.remove(at: index)
                probe(header: encoded.header, payload: payload)
            }
        }
    }

    @Test func aTruncatedHeaderIsRefusedWhereItCutsTheEnvelope() {
        let encoded = codec.encode(SampleMessages.all[1])
        for count in [0, 1, 3, 10, encoded.header.count - 1] {
            #expect(throws: WireError.self) {
                try codec.decode(
                    header: Array(encoded.header.prefix(count)), payload: encoded.payload)
            }
        }
    }

    @Test(arguments: 0..<8)
    func seededMutationsNeverCrash(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let samples = SampleMessages.all.map { codec.encode($0) }
        let before = residentByteCount()
        for _ in 0..<10_000 {
            let sample = samples[Int.random(in: 0..<samples.count, using: &random)]
            var header = sample.header
            var payload = sample.payload
            if payload.isEmpty || Bool.random(using: &random) {
                mutate(&header, using: &random)
            } else {
                let index = Int.random(in: 0..<payload.count, using: &random)
                var bytes = Array(payload[index].bytes)
                mutate(&bytes, using: &random)
                payload[index] = Frame(copying: bytes)
            }
            probe(header: header, payload: payload)
        }
        #expect(residentByteCount() < before + 96 << 20)
    }

    private func mutate(_ bytes: inout [UInt8], using random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let offset = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &random)
            let value = UInt8.random(in: .min ... .max, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0 where !bytes.isEmpty: bytes[offset] ^= 1 << (value & 7)
            case 1 where !bytes.isEmpty: bytes[offset] = value
            case 2 where !bytes.isEmpty: bytes.remove(at: offset)
            case 3:
                let end = min(bytes.count, offset + Int.random(in: 1...64, using: &random))
                bytes.insert(contentsOf: bytes[offset..<end], at: offset)
            default:
                bytes.insert(value, at: offset)
            }
        }
    }

    @Test func amplificationEndsAtTheArena() {
        // Sixty-four KiB of empty shard records in a `ServerReady`, then of unknown fields.
        for filling in [[UInt8(0x0a), 0x00], [0xf8, 0x01, 0x00]] {
            let body = Array(repeatElement(filling, count: 20_000).joined())
            let header = envelope(kind: .serverReady, body: body)
            let before = residentByteCount()
            for _ in 0..<50 { probe(header: header, payload: []) }
            #expect(residentByteCount() < before + 48 << 20)
        }
    }

    @Test func deepNestingIsNoRecursion() {
        var nested: [UInt8] = []
        for _ in 0..<10_000 { nested = [0x0a] + varint(nested.count) + nested.prefix(60_000) }
        for kind in MessageKind.allCases {
            probe(header: envelope(kind: kind, body: Array(nested.prefix(60_000))), payload: [])
            probe(header: envelope(kind: kind, body: []), payload: [Frame(copying: nested)])
        }
    }

    @Test func faultsAreNamed() {
        let push = codec.encode(
            SampleMessages.all.first { if case .push = $0.body { true } else { false } }!)
        expect(.frameCount(.push, actual: 0), push.header, [])
        expect(.frameSize(.push, byteCount: 5), push.header, [Frame(copying: [1, 2, 3, 4, 5])])
        // Three elements of bfloat16: whether the plan has them is for the server to say.
        #expect(throws: Never.self) {
            try codec.decode(
                header: push.header, payload: [Frame(copying: [1, 2, 3, 4, 5, 6])])
        }
        expect(.frameSize(.push, byteCount: 0), push.header, [Frame(copying: [])])
        expect(.unknownKind(99), envelope(kind: 99, body: []), [])
        expect(.unknownKind(0), envelope(kind: 0, body: []), [])
        let tooLong = [UInt8](repeating: 0, count: WireLimits.headerByteCount + 1)
        expect(.headerSize(byteCount: 65_537, limit: 65_536), tooLong, [])
        expect(.malformedEnvelope, [0xff, 0xff, 0xff], [])
        expect(.malformedBody(.lease), envelope(kind: .lease, body: [0x08]), [])
        // A lease without a node, one of slots [3, 3), and one whose step is 2^63.
        expect(.invalid(.slots), envelope(kind: .lease, body: [0x08, 0x01]), [])
        expect(
            .invalid(.slots),
            envelope(kind: .lease, body: [0x1a, 0x04, 0x08, 0x03, 0x10, 0x03]), [])
        let huge = [UInt8](repeating: 0x80, count: 9) + [0x01]
        expect(.invalid(.number), envelope(kind: .lease, body: [0x10] + huge), [])
        // A refusal whose explanation is no UTF-8, and one with an unknown code.
        expect(
            .invalid(.text), envelope(kind: .refusal, body: [0x08, 0x01, 0x12, 0x02, 0xc3, 0x28]),
            [])
        expect(.invalid(.code), envelope(kind: .refusal, body: [0x08, 0x63]), [])
    }

    private func expect(_ error: WireError, _ header: [UInt8], _ payload: [Frame]) {
        #expect(throws: error) { try codec.decode(header: header, payload: payload) }
    }

    private func envelope(kind: MessageKind, body: [UInt8]) -> [UInt8] {
        envelope(kind: kind.rawValue, body: body)
    }

    private func envelope(kind: UInt32, body: [UInt8]) -> [UInt8] {
        let head: [UInt8] = [0x08, 0x02, 0x10, UInt8(kind), 0x18, 0x02]
        return body.isEmpty ? head : head + [0x52] + varint(body.count) + body
    }

    private func varint(_ value: Int) -> [UInt8] {
        var value = value
        var bytes: [UInt8] = []
        while value >= 128 {
            bytes.append(UInt8(value & 127) | 128)
            value >>= 7
        }
        return bytes + [UInt8(value)]
    }
}

/// The process's resident memory.
private func residentByteCount() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * 4_096
}
