import Testing
import TrainingProtocol
import WireFormat

/// The bytes of today: a change here is a change of protocol version.
@Suite("The bytes on the wire do not change unnoticed")
struct GoldenBytesTests {
    let codec = WireCodec()

    private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func aPushHasTheseBytes() {
        let push = codec.encode(Message(header: SampleMessages.header, body: SampleMessages.push))
        // Version, kind and role; run; incarnation; terms; the body of 23 bytes.
        let envelope =
            "0805100f1802" + "21887766554433221129" + "00ffeeddccbbaa99"
            + "310807060504030201" + "39ffffffffffffffff" + "40034807" + "5217"
        let body = "1004" + "1804" + "220408021004" + "2802" + "3001" + "396300000000000000"
        #expect(hexadecimal(push.header) == envelope + body)
        #expect(hexadecimal(push.payload[0].bytes) == "0000803f000020c00000807f01000000")
    }

    @Test func allSamplesTogetherHaveThisHash() {
        // FNV-1a over every frame with its length.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for message in SampleMessages.all {
            let encoded = codec.encode(message)
            for frame in [encoded.header] + encoded.payload.map({ Array($0.bytes) }) {
                for byte in [UInt8(truncatingIfNeeded: frame.count)] + frame {
                    hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
                }
            }
        }
        #expect(hash == 9_425_088_714_375_887_652)
    }
}
