import Configurations
import Datasets
import Networks
import Tensors
import Testing

import Training

@Suite("Segmenting images")
struct PredictorTests {
    private let configuration = TinyRun.configuration(.linear)

    private func image(_ size: PixelSize) -> RGBImage {
        RGBImage(
            size: size,
            pixels: (0..<size.count * 3).map { UInt8(truncatingIfNeeded: $0 &* 2654435 >> 7) })
    }

    /// Parameters that make the untrained networks tell pixels apart.
    private func parameters() throws -> FlatBuffers {
        let tensors = try TensorList(configuration, classCount: 3)
        let parameters = try InitialParameters(configuration, tensors).buffers
        for group in [TensorGroup.primaryStatistics, .ancillaryStatistics] {
            for (tensor, offset) in zip(tensors[group].tensors, tensors[group].offsets)
            where tensor.name.hasSuffix("running_var") {
                for i in offset..<offset + tensor.count { parameters[group][i] = 0.05 }
            }
        }
        return parameters
    }

    private func predict(
        _ size: PixelSize, _ model: SegmentationModel = .primary, scales: [Double] = [1],
        mirroring: InferenceOptions.Mirroring = .none, stride: OutputStride = .sixteen,
        threads: Int = 1, boxes: [BoundingBox] = []
    ) throws -> LabelMap {
        let predictor = try Predictor(
            configuration, classCount: 3, model: model,
            options: InferenceOptions(scales: scales, mirroring: mirroring, outputStride: stride),
            pool: ThreadPool(threadCount: threads))
        return predictor.labels(
            of: Sample(name: "test", image: image(size), labels: nil, boxes: boxes),
            try parameters())
    }

    @Test("keeps the image's own size and gives every pixel a class")
    func size() throws {
        for size in [PixelSize(height: 37, width: 50), PixelSize(height: 1, width: 1)] {
            let labels = try predict(size)
            #expect(labels.size == size)
            #expect(labels.labels.allSatisfy { $0 < 3 })
        }
        #expect(Set(try predict(PixelSize(height: 37, width: 50)).labels).count > 1)
    }

    @Test("gives the same labels with 1, 2 and 3 threads")
    func threads() throws {
        let size = PixelSize(height: 41, width: 30)
        let one = try predict(size, .ancillary, scales: [0.75, 1], mirroring: .added)
        for threads in [2, 3] {
            let many = try predict(
                size, .ancillary, scales: [0.75, 1], mirroring: .added, threads: threads)
            #expect(many == one)
        }
    }

    @Test("is the argmax of the upsampled logits at a single scale")
    func singleScale() throws {
        let size = PixelSize(height: 37, width: 50)
        let expected = try naive(size, scales: [1], mirroring: .none)
        #expect(agreement(try predict(size), expected) == 1)
        // Softmax of the same logits twice changes no argmax.
        #expect(agreement(try predict(size, scales: [1, 1]), expected) > 0.999)
    }

    @Test("averages softmax over scales and mirror images, shrunk ones by way of stride 4")
    func multiScale() throws {
        let size = PixelSize(height: 37, width: 50)
        let scales = [0.5, 0.75, 1, 1.25, 1.75]
        let expected = try naive(size, scales: scales, mirroring: .added)
        let found = try predict(size, scales: scales, mirroring: .added)
        #expect(agreement(found, expected) > 0.999)
        #expect(agreement(try predict(size), expected) < 0.999, "the test can fail")
    }

    @Test("has another network at output stride 8, with the same parameters")
    func outputStride() throws {
        let size = PixelSize(height: 65, width: 65)
        #expect(try predict(size, stride: .eight) != predict(size))
    }

    @Test("shows the ancillary model the boxes and the primary none")
    func boxes() throws {
        let size = PixelSize(height: 33, width: 33)
        let box = BoundingBox(classIndex: 2, left: 4, top: 4, right: 28, bottom: 28)
        let plan = NetworkPlan(
            DeepLab.ancillary(
                try NetworkShape(configuration, classCount: 3), batch: 1, height: 33, width: 33),
            of: .ancillary, mode: .evaluation, pool: ThreadPool(threadCount: 1))
        func logits(_ boxes: [BoundingBox]) throws -> [Float] {
            let sample = Sample(name: "", image: image(size), labels: nil, boxes: boxes)
            plan.fill(
                images: sample.image.tensor(padded: size),
                boxes: sample.boxMasks(padded: size, classCount: 3), first: 0)
            plan.forward(try parameters(), dropoutKey: 0)
            return Array(plan.logits)
        }
        #expect(try logits([box]) != logits([]))
        #expect(try predict(size, boxes: [box]) == predict(size))
    }

    @Test("keeps few networks compiled")
    func planCache() {
        let shape = NetworkShape(classes: 3, backbone: .tiny)
        let pool = ThreadPool(threadCount: 1)
        var compiled = 0
        var cache = PlanCache(capacityByteCount: 0)
        func plan(_ side: Int) {
            _ = cache.plan(PixelSize(height: side, width: side)) {
                compiled += 1
                return NetworkPlan(
                    DeepLab.primary(shape, batch: 1, height: side, width: side), of: .primary,
                    mode: .evaluation, pool: pool)
            }
        }
        for side in [17, 17, 33, 33, 17] { plan(side) }
        #expect(compiled == 3)
        #expect(cache.sizes == [PixelSize(height: 17, width: 17)])
        cache = PlanCache(capacityByteCount: .max)
        for side in [17, 33, 17, 33] { plan(side) }
        #expect(compiled == 5)
        #expect(cache.byteCount > 0)
    }

    @Test("refuses scales that no image has")
    func scales() {
        for scales in [[], [0], [-1], [Double.nan], [100]] {
            #expect(throws: TrainingError.self) {
                try InferenceOptions(scales: scales, outputStride: .sixteen)
            }
        }
    }

    // MARK: - The protocol written plainly, in double

    private func agreement(_ a: LabelMap, _ b: LabelMap) -> Double {
        let equal = zip(a.labels, b.labels).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) }
        return Double(equal) / Double(a.labels.count)
    }

    /// Values by row, column and channel.
    private typealias Grid = [[[Double]]]

    private func resize(_ grid: Grid, _ height: Int, _ width: Int) -> Grid {
        func place(_ i: Int, _ input: Int, _ output: Int) -> (Int, Int, Double) {
            let x = output == 1 ? 0 : Double(i) * Double(input - 1) / Double(output - 1)
            let low = min(Int(x), input - 1)
            return (low, min(low + 1, input - 1), x - Double(low))
        }
        return (0..<height).map { y in
            let (top, bottom, v) = place(y, grid.count, height)
            return (0..<width).map { x in
                let (left, right, u) = place(x, grid[0].count, width)
                return grid[0][0].indices.map { c in
                    (1 - v) * ((1 - u) * grid[top][left][c] + u * grid[top][right][c])
                        + v * ((1 - u) * grid[bottom][left][c] + u * grid[bottom][right][c])
                }
            }
        }
    }

    private func logits(_ grid: Grid) throws -> Grid {
        let height = grid.count, width = grid[0].count
        let plan = NetworkPlan(
            DeepLab.primary(
                try NetworkShape(configuration, classCount: 3), batch: 1, height: height,
                width: width),
            of: .primary, mode: .evaluation, pool: ThreadPool(threadCount: 1))
        plan.fill(images: grid.flatMap { $0.flatMap { $0.map { Float($0) } } }, boxes: [], first: 0)
        plan.forward(try parameters(), dropoutKey: 0)
        let shape = plan.logitsShape, values = Array(plan.logits)
        return (0..<shape.height).map { y in
            (0..<shape.width).map { x in
                (0..<3).map { Double(values[(y * shape.width + x) * 3 + $0]) }
            }
        }
    }

    /// Segmentation.md §2.4 for the image of ``image(_:)``.
    private func naive(
        _ size: PixelSize, scales: [Double], mirroring: InferenceOptions.Mirroring
    ) throws -> LabelMap {
        let height = (size.height + 14) / 16 * 16 + 1, width = (size.width + 14) / 16 * 16 + 1
        let pixels = image(size).pixels
        let padded: Grid = (0..<height).map { y in
            (0..<width).map { x in
                (0..<3).map { c in
                    y < size.height && x < size.width
                        ? Double(pixels[(y * size.width + x) * 3 + c]) * 2 / 255 - 1 : 0
                }
            }
        }
        var sum = Grid(
            repeating: [[Double]](repeating: [0, 0, 0], count: width), count: height)
        for scale in scales {
            for mirrored in mirroring == .added ? [false, true] : [false] {
                let seen = mirrored ? padded.map { Array($0.reversed()) } : padded
                var judged = try logits(
                    resize(
                        seen, Int(Double(height - 1) * scale + 1),
                        Int(Double(width - 1) * scale + 1)))
                if scale < 1 { judged = resize(judged, (height - 1) / 4 + 1, (width - 1) / 4 + 1) }
                let full = resize(judged, height, width).map { mirrored ? $0.reversed() : $0 }
                for y in 0..<height {
                    for x in 0..<width {
                        let largest = full[y][x].max()!
                        let weights = full[y][x].map { exponential($0 - largest) }
                        let total = weights.reduce(0, +)
                        for c in 0..<3 { sum[y][x][c] += weights[c] / total }
                    }
                }
            }
        }
        let labels = (0..<size.height).flatMap { y in
            (0..<size.width).map { x in
                UInt8(sum[y][x].firstIndex(of: sum[y][x].max()!)!)
            }
        }
        return LabelMap(size: size, labels: labels)
    }
}
