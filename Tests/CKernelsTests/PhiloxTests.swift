import CKernels
import Testing

@Suite("Philox")
struct PhiloxTests {
    @Test("Blocks equal the known answers of Random123")
    func knownAnswers() {
        let ones = UInt32.max
        let cases: [(counter: [UInt32], key: [UInt32], words: [UInt32])] = [
            ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            (
                [ones, ones, ones, ones], [ones, ones],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
            ),
        ]
        for known in cases {
            var words = [UInt32](repeating: 0, count: 4)
            ck_philox_block(&words, known.counter, known.key)
            #expect(words == known.words)
        }
    }

    @Test("Scalar draws are words 0 and 1 of their block")
    func scalarDraws() {
        let key: UInt64 = 0x299f_31d0_a409_3822, index: UInt64 = 0x85a3_08d3_243f_6a88
        let draw = ck_philox_u64(key, 0x0370_7344_1319_8a2e, index)
        #expect(draw == 0x94fd_cceb_d16c_fe09)
        let uniform = ck_philox_uniform_f64(key, 0x0370_7344_1319_8a2e, index)
        #expect(uniform == Double(draw >> 11) * 0x1p-53)
    }

    @Test("Uniform floats and dropout equal their twins", arguments: Level.present)
    func streams(level: Level) {
        for n in Array(0...67) + [127, 128, 129, 640] {
            for first in [0, 64, 1 << 40] {
                expectTwinBits(level, "Philox, \(n) from \(first)") { table, w in
                    let key: UInt64 = 0x1234_5678_9abc_def0, stream: UInt64 = 0xfedc_ba98_7654_3210
                    table.philox_uniform(w.output(n), key, stream, first, n)
                    let x = w.input(n, .special)
                    table.dropout(w.output(n), x, key, stream, 0.9, first, n)
                }
            }
        }
    }

    @Test("Cutting a tensor into ranges does not change its dropout", arguments: Level.present)
    func ranges(level: Level) {
        let x = [Float](repeating: 1, count: 1000)
        var whole = [Float](repeating: 0, count: 1000), cut = whole
        level.table.dropout(&whole, x, 5, 6, 0.5, 0, 1000)
        cut.withUnsafeMutableBufferPointer {
            level.table.dropout($0.baseAddress! + 128, x, 5, 6, 0.5, 128, 872)
            level.table.dropout($0.baseAddress!, x, 5, 6, 0.5, 0, 128)
        }
        #expect(whole == cut)
        let kept = whole.filter { $0 == 2 }.count
        #expect(whole.allSatisfy { $0 == 0 || $0 == 2 } && (420...580).contains(kept))
    }

    @Test("Keeping everything changes nothing", arguments: Level.present)
    func keepAll(level: Level) {
        let x = (0..<200).map { Float($0) }
        var y = [Float](repeating: -1, count: 200)
        level.table.dropout(&y, x, 1, 2, 1, 0, 200)
        #expect(x == y)
    }

    @Test("Normal draws have mean 0, variance 1 and the fourth moment 3")
    func normal() {
        let count = 200_000
        let draws = (0..<count).map { ck_philox_normal_f64(11, 12, UInt64($0)) }
        func moment(_ power: Int) -> Double {
            draws.reduce(0) { sum, x in
                sum + (0..<power).reduce(1.0) { product, _ in product * x }
            } / Double(count)
        }
        #expect(abs(moment(1)) < 0.01 && abs(moment(2) - 1) < 0.02)
        #expect(abs(moment(3)) < 0.04 && abs(moment(4) - 3) < 0.15)
    }
}
