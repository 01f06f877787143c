import CKernels
import Testing

private let sizes = [
    (1, 1), (1, 5), (5, 1), (2, 3), (3, 2), (6, 21), (21, 6), (7, 7), (41, 3), (3, 50),
]

extension ck_resize {
    var inputCount: Int { batch * in_height * in_width * channels }
    var outputCount: Int { batch * out_height * out_width * channels }
}

private func allResizes(channels: (Int) -> Int) -> [ck_resize] {
    sizes.enumerated().flatMap { a, vertical in
        sizes.enumerated().map { b, horizontal in
            ck_resize(
                batch: 2, in_height: vertical.0, in_width: horizontal.0, out_height: vertical.1,
                out_width: horizontal.1, channels: channels(a * sizes.count + b))
        }
    }
}

@Suite("Change of size")
struct ResizeTests {
    private func check(_ level: Level, _ resize: ck_resize, _ content: Content) {
        var r = resize
        expectTwinBits(level, "\(resize)") { table, w in
            let x = w.input(r.inputCount, content), dy = w.input(r.outputCount, content)
            let rows = r.batch * r.out_height, inRows = r.batch * r.in_height
            for forward in [table.bilinear_forward!, table.area_forward!] {
                forward(w.output(r.outputCount), x, &r, 0, rows)
                forward(w.output(r.outputCount), x, &r, rows / 3, rows - rows / 4)
            }
            for adjoint in [table.bilinear_adjoint!, table.area_adjoint!] {
                adjoint(w.output(r.inputCount), dy, &r, 0, inRows, CK_OVERWRITE)
                adjoint(w.output(r.inputCount), dy, &r, inRows / 3, inRows, CK_ACCUMULATE)
            }
        }
    }

    @Test("All kernels equal their twins for every pair of sizes", arguments: Level.present)
    func twins(level: Level) {
        for resize in allResizes(channels: { [1, 5, 16, 21, 37][$0 % 5] }) {
            check(level, resize, .ordinary)
        }
    }

    @Test("All kernels equal their twins for every number of channels", arguments: Level.present)
    func channels(level: Level) {
        for c in Array(1...67) + [128, 150] {
            check(
                level,
                ck_resize(
                    batch: 1, in_height: 3, in_width: 4, out_height: 5, out_width: 7,
                    channels: c), c % 2 == 0 ? .ordinary : .special)
        }
    }

    @Test("The adjoint is the transpose of the forward pass")
    func adjoint() {
        for (index, resize) in allResizes(channels: { 1 + $0 % 3 }).enumerated() {
            var r = resize
            let w = Workspace(seed: UInt64(index)), t = Level.twin
            defer { withExtendedLifetime(w) {} }
            let x = w.input(r.inputCount), dy = w.input(r.outputCount)
            let y = w.input(r.outputCount), dx = w.input(r.inputCount)
            for (forward, adjoint) in [
                (t.bilinear_forward!, t.bilinear_adjoint!), (t.area_forward!, t.area_adjoint!),
            ] {
                forward(y, x, &r, 0, r.batch * r.out_height)
                adjoint(dx, dy, &r, 0, r.batch * r.in_height, CK_OVERWRITE)
                let there = (0..<r.outputCount).reduce(0.0) { $0 + Double(y[$1]) * Double(dy[$1]) }
                let back = (0..<r.inputCount).reduce(0.0) { $0 + Double(x[$1]) * Double(dx[$1]) }
                #expect(abs(there - back) < 1e-4 * Double(r.outputCount).squareRoot())
            }
        }
    }

    @Test("Bilinear: corners are aligned and a plane is reproduced", arguments: Level.present)
    func plane(level: Level) {
        var r = ck_resize(
            batch: 1, in_height: 6, in_width: 21, out_height: 21, out_width: 81, channels: 1)
        let x = (0..<126).map { Float($0 / 21) * 8 + Float($0 % 21) }
        var y = [Float](repeating: 0, count: 21 * 81)
        level.table.bilinear_forward(&y, x, &r, 0, 21)
        for i in 0..<y.count {
            let expected = Double(i / 81) * 5 / 20 * 8 + Double(i % 81) * 20 / 80
            expectClose(y[i], expected, terms: 4, magnitude: expected)
        }
        #expect(y[0] == x[0] && y[80] == x[20] && y.last == x.last)
    }

    @Test("Area: each output is the plain mean of what it touches", arguments: Level.present)
    func area(level: Level) {
        var r = ck_resize(
            batch: 1, in_height: 1, in_width: 5, out_height: 1, out_width: 2, channels: 1)
        var y: [Float] = [0, 0]
        level.table.area_forward(&y, [1, 2, 3, 4, 5], &r, 0, 1)
        expectClose(y[0], (1 + 2 + 3) / 3, terms: 3, magnitude: 2)
        expectClose(y[1], (3 + 4 + 5) / 3, terms: 3, magnitude: 4)
        for (input, output) in sizes {
            var resize = ck_resize(
                batch: 1, in_height: input, in_width: input, out_height: output,
                out_width: output, channels: 2)
            let ones = [Float](repeating: 1, count: resize.inputCount)
            var mean = [Float](repeating: 0, count: resize.outputCount)
            level.table.area_forward(&mean, ones, &resize, 0, output)
            for value in mean { expectClose(value, 1, terms: input * input, magnitude: 1) }
        }
    }

    @Test("Labels take the nearest position with corners aligned, halves up")
    func labels() {
        var five = [UInt8](repeating: 9, count: 5)
        ck_resize_labels_nearest(&five, [0, 1, 2], 1, 3, 1, 5)
        #expect(five == [0, 1, 1, 2, 2])
        var one: UInt8 = 9
        ck_resize_labels_nearest(&one, [4, 5, 6, 7], 2, 2, 1, 1)
        #expect(one == 4)
        let labels = (0..<12).map(UInt8.init)
        var same = [UInt8](repeating: 0, count: 12)
        ck_resize_labels_nearest(&same, labels, 3, 4, 3, 4)
        #expect(same == labels)
        var wide = [UInt8](repeating: 0, count: 15)
        ck_resize_labels_nearest(&wide, [1, 2, 3, 4], 2, 2, 3, 5)
        #expect(wide == [1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 3, 3, 4, 4, 4])
    }
}
