import CKernels
import Testing

/// Windows of every kind the networks use and some they do not.
private let windows: [ck_window] = {
    var all: [ck_window] = []
    for (height, width) in [(1, 1), (2, 5), (7, 9), (12, 31)] {
        for kernel in [1, 2, 3, 5] {
            for stride in [1, 2, 3] {
                for dilation in [1, 2, 6] {
                    let reach = (kernel - 1) * dilation
                    for padding in [reach / 2, 0, reach] {
                        let (h, w) = (height + 2 * padding - reach, width + 2 * padding - reach)
                        guard h > 0, w > 0 else { continue }
                        all.append(
                            ck_window(
                                batch: 2, in_height: height, in_width: width,
                                out_height: (h - 1) / stride + 1, out_width: (w - 1) / stride + 1,
                                channels: 1, kernel: kernel, stride: stride, dilation: dilation,
                                padding: padding))
                    }
                }
            }
        }
    }
    return all
}()

extension ck_window {
    var inputCount: Int { batch * in_height * in_width * channels }
    var outputCount: Int { batch * out_height * out_width * channels }
    var weightCount: Int { kernel * kernel * channels }
    var summary: String {
        "\(in_height)×\(in_width)×\(channels) k\(kernel) s\(stride) d\(dilation) p\(padding)"
    }
    func with(channels: Int) -> ck_window {
        var copy = self
        copy.channels = channels
        return copy
    }
}

@Suite("Sliding windows")
struct WindowTests {
    @Test("Depthwise passes equal their twins for every window", arguments: Level.present)
    func depthwise(level: Level) {
        for (index, window) in windows.enumerated() {
            check(level, window.with(channels: [1, 3, 8, 17, 33][index % 5]), .ordinary)
        }
    }

    @Test(
        "Depthwise passes equal their twins for every number of channels",
        arguments: Level.present)
    func depthwiseChannels(level: Level) {
        for channels in Array(1...67) + [96, 144] {
            for (stride, dilation) in [(1, 1), (2, 1), (1, 2)] {
                let window = ck_window(
                    batch: 2, in_height: 5, in_width: 11, out_height: 4 / stride + 1,
                    out_width: 10 / stride + 1, channels: channels, kernel: 3, stride: stride,
                    dilation: dilation, padding: dilation)
                check(level, window, channels % 2 == 0 ? .ordinary : .special)
            }
        }
    }

    private func check(_ level: Level, _ window: ck_window, _ content: Content) {
        var k = window
        expectTwinBits(level, window.summary) { table, w in
            let x = w.input(k.inputCount, content), weight = w.input(k.weightCount)
            let dy = w.input(k.outputCount, content)
            let rows = k.batch * k.out_height, inRows = k.batch * k.in_height
            table.depthwise_forward(w.output(k.outputCount), x, 0, weight, &k, 0, rows)
            table.depthwise_backward_data(w.output(k.inputCount), dy, 0, weight, &k, 0, inRows)
            let partial = table.depthwise_backward_weight!
            partial(w.output(k.weightCount), x, 0, dy, 0, &k, 0, rows, CK_OVERWRITE)
            let sum = w.output(k.weightCount)
            partial(sum, x, 0, dy, 0, &k, rows / 3, rows / 2, CK_OVERWRITE)
            partial(sum, x, 0, dy, 0, &k, rows / 2, rows - rows / 4, CK_ACCUMULATE)
            table.depthwise_forward(w.output(k.outputCount), x, 0, weight, &k, rows / 3, rows / 2)
            table.depthwise_backward_data(
                w.output(k.inputCount), dy, 0, weight, &k, inRows / 3, inRows / 2)
        }
    }

    @Test("Windows as columns, and their adjoint, equal their twins", arguments: Level.present)
    func columns(level: Level) {
        for (index, window) in windows.enumerated() {
            var k = window.with(channels: [1, 3, 8, 17, 33][index % 5])
            expectTwinBits(level, k.summary) { table, w in
                let x = w.input(k.inputCount, .special), rows = k.batch * k.out_height
                let stripe = k.out_width * k.weightCount, inRows = k.batch * k.in_height
                table.im2col(w.output(rows * stripe), x, &k, 0, rows)
                let first = rows / 3, last = rows - rows / 4
                table.im2col(w.output((last - first) * stripe), x, &k, first, last)
                let columns = w.input(rows * stripe)
                table.col2im(
                    w.output(k.inputCount), columns, &k, 0, inRows, 0, rows, CK_OVERWRITE)
                let dx = w.output(k.inputCount), part = columns + first * stripe
                table.col2im(dx, part, &k, inRows / 3, inRows, first, last, CK_ACCUMULATE)
            }
        }
    }

    @Test(
        "Ascending ranges of columns accumulate to the bits of one call",
        arguments: Level.present)
    func columnRanges(level: Level) {
        var k = ck_window(
            batch: 2, in_height: 9, in_width: 8, out_height: 9, out_width: 8, channels: 5,
            kernel: 3, stride: 1, dilation: 2, padding: 2)
        let stripe = k.out_width * k.weightCount, rows = 18
        let w = Workspace(seed: 4), columns = w.input(rows * stripe)
        defer { withExtendedLifetime(w) {} }
        var whole = [Float](repeating: 0, count: k.inputCount), parts = whole
        level.table.col2im(&whole, columns, &k, 0, 18, 0, rows, CK_OVERWRITE)
        for (begin, end) in [(0, 4), (4, 11), (11, 18)] {
            let store = begin == 0 ? CK_OVERWRITE : CK_ACCUMULATE
            level.table.col2im(&parts, columns + begin * stripe, &k, 0, 18, begin, end, store)
        }
        #expect(whole == parts)
    }

    @Test(
        "Rows of the input that a range does not read need not be there",
        arguments: Level.present)
    func inputBands(level: Level) {
        for window in windows {
            var k = window.with(channels: 5)
            let w = Workspace(seed: 9), x = w.input(k.inputCount), dy = w.input(k.outputCount)
            let weight = w.input(k.weightCount)
            defer { withExtendedLifetime(w) {} }
            var whole = [Float](repeating: 0, count: k.outputCount), parts = whole
            var gradient = [Float](repeating: 0, count: k.weightCount), sum = gradient
            let rows = k.batch * k.out_height
            level.table.depthwise_forward(&whole, x, 0, weight, &k, 0, rows)
            level.table.depthwise_backward_weight(&gradient, x, 0, dy, 0, &k, 0, rows, CK_OVERWRITE)
            for row in 0..<rows {
                let image = row / k.out_height, top = row % k.out_height * k.stride - k.padding
                let reach = (k.kernel - 1) * k.dilation
                let first = max(top, 0), last = min(top + reach, k.in_height - 1)
                // A copy of just these rows, so that any other read is out of bounds.
                let begin = image * k.in_height + min(first, k.in_height - 1)
                let count = max(0, last - first + 1) * k.in_width * k.channels
                let band = w.input(count)
                band.update(from: x + begin * k.in_width * k.channels, count: count)
                level.table.depthwise_forward(&parts, band, begin, weight, &k, row, row + 1)
                let stripe = k.out_width * k.channels, gradients = w.input(stripe)
                gradients.update(from: dy + row * stripe, count: stripe)
                level.table.depthwise_backward_weight(
                    &sum, band, begin, gradients, row, &k, row, row + 1,
                    row == 0 ? CK_OVERWRITE : CK_ACCUMULATE)
            }
            #expect(whole == parts && gradient == sum)
        }
    }

    @Test(
        "Rows of the output that do not read a range of the input need not be there",
        arguments: Level.present)
    func outputBands(level: Level) {
        for window in windows {
            var k = window.with(channels: 5)
            let w = Workspace(seed: 11), dy = w.input(k.outputCount),
                weight = w.input(k.weightCount)
            defer { withExtendedLifetime(w) {} }
            var whole = [Float](repeating: 0, count: k.inputCount), parts = whole
            let rows = k.batch * k.in_height, stripe = k.out_width * k.channels
            level.table.depthwise_backward_data(&whole, dy, 0, weight, &k, 0, rows)
            for row in 0..<rows {
                let image = row / k.in_height, bottom = row % k.in_height + k.padding
                let top = bottom - (k.kernel - 1) * k.dilation
                let first = max(top + k.stride - 1, 0) / k.stride
                let last = min(bottom / k.stride, k.out_height - 1)
                let begin = image * k.out_height + min(first, k.out_height - 1)
                let count = max(0, last - first + 1) * stripe
                let band = w.input(count)
                band.update(from: dy + begin * stripe, count: count)
                level.table.depthwise_backward_data(
                    &parts, band, begin, weight, &k, row, row + 1)
            }
            #expect(whole == parts)
        }
    }

    @Test("Twins equal the definition in double; backward passes are the forward's adjoints")
    func definition() {
        for (index, window) in windows.enumerated() {
            var k = window.with(channels: [1, 3, 4][index % 3])
            let w = Workspace(seed: UInt64(index)), t = Level.twin
            defer { withExtendedLifetime(w) {} }
            let x = w.input(k.inputCount), weight = w.input(k.weightCount)
            let dy = w.input(k.outputCount), rows = k.batch * k.out_height
            let y = w.input(k.outputCount), dx = w.input(k.inputCount)
            let dWeight = w.input(k.weightCount)
            let columns = w.input(rows * k.out_width * k.weightCount)
            t.depthwise_forward(y, x, 0, weight, &k, 0, rows)
            t.depthwise_backward_data(dx, dy, 0, weight, &k, 0, k.batch * k.in_height)
            t.depthwise_backward_weight(dWeight, x, 0, dy, 0, &k, 0, rows, CK_OVERWRITE)
            t.im2col(columns, x, &k, 0, rows)
            for i in 0..<k.outputCount {
                var sum = 0.0, size = 0.0
                for tap in 0..<k.kernel * k.kernel {
                    let c = i % k.channels, at = i / k.channels * k.weightCount + tap * k.channels
                    let term = Double(columns[at + c]) * Double(weight[tap * k.channels + c])
                    sum += term
                    size += abs(term)
                }
                expectClose(y[i], sum, terms: k.kernel * k.kernel, magnitude: size)
            }
            func product(
                _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, _ n: Int
            ) -> Double { (0..<n).reduce(0) { $0 + Double(a[$1]) * Double(b[$1]) } }
            let forward = product(y, dy, k.outputCount)
            let tolerance = 1e-4 * Double(k.outputCount).squareRoot()
            #expect(abs(product(dx, x, k.inputCount) - forward) < tolerance)
            #expect(abs(product(dWeight, weight, k.weightCount) - forward) < tolerance)
            let back = w.input(k.inputCount), other = w.input(rows * k.out_width * k.weightCount)
            t.col2im(back, other, &k, 0, k.batch * k.in_height, 0, rows, CK_OVERWRITE)
            let there = product(columns, other, rows * k.out_width * k.weightCount)
            #expect(abs(product(back, x, k.inputCount) - there) < 10 * tolerance)
        }
    }

    @Test("Taps of im2col are the input positions of the definition")
    func taps() {
        var k = ck_window(
            batch: 1, in_height: 3, in_width: 4, out_height: 2, out_width: 2, channels: 1,
            kernel: 3, stride: 2, dilation: 1, padding: 1)
        let x = (1...12).map(Float.init)
        var columns = [Float](repeating: -1, count: 36)
        Level.twin.im2col(&columns, x, &k, 0, 2)
        #expect(Array(columns[0..<9]) == [0, 0, 0, 0, 1, 2, 0, 5, 6])
        #expect(Array(columns[27..<36]) == [6, 7, 8, 10, 11, 12, 0, 0, 0])
    }
}
