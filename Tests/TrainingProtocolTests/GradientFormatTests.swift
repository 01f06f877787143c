import Testing
import TrainingProtocol

@Suite("Formats of gradients") struct GradientFormatTests {
    @Test(
        "bfloat16 is the nearest value of eight bits, ties to even",
        arguments: [
            (1, 1), (1.00390625, 1), (1.01171875, 1.015625), (1.004, 1.0078125),
            (-1.01171875, -1.015625), (0, 0), (3.3895314e38, 3.3895314e38),
            (Float.leastNonzeroMagnitude, 0), (0x1p-133, 0x1p-133), (-.infinity, -.infinity),
        ] as [(Float, Float)])
    func nearest(value: Float, expected: Float) {
        #expect(GradientFormat.bfloat16.rounded(value) == expected)
        #expect(GradientFormat.float32.rounded(value) == value)
        let frame = Frame(gradient: [value], as: .bfloat16)
        #expect(frame.byteCount == 2)
        #expect(frame.gradient(as: .bfloat16) == [expected])
    }

    @Test("What is no number stays none")
    func notANumber() {
        for bits in [0x7f80_0001, 0x7fff_ffff, 0xff80_0001] as [UInt32] {
            let value = Float(bitPattern: bits)
            #expect(GradientFormat.bfloat16.rounded(value).isNaN)
            #expect(Frame(gradient: [value], as: .bfloat16).gradient(as: .bfloat16)[0].isNaN)
        }
    }
}
