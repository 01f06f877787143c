import Datasets
import Foundation
import Testing

@Suite struct BatchTests {
    private func dataset(
        _ data: SmallDataset, supervised: Int = 3, cache: Int = 512 << 20
    ) throws -> VOCDataset {
        var options = data.options
        options.supervised = supervised
        options.seed = 5
        options.cacheByteCount = cache
        return try VOCDataset(options)
    }

    @Test func `a batch has labelled images first and weak ones after`() throws {
        let data = try SmallDataset()
        let source = try dataset(data)
        let batch = try source.batch(
            .small(pool: .labelledAndWeak, batch: 5, labelled: 2, crop: 33))
        let pixels = 33 * 33
        #expect(batch.images.count == 5 * pixels * 3)
        #expect(batch.labels.count == 2 * pixels)
        #expect(batch.boxes.count == 5 * pixels * 3)
        #expect(batch.valid.count == 5 * pixels)
        let labelled = source.index.labelled.map(\.name)
        let weak = source.index.weak.map(\.name)
        #expect(batch.names.prefix(2).allSatisfy { labelled.contains($0) })
        #expect(batch.names.suffix(3).allSatisfy { weak.contains($0) })
        #expect(batch.images.allSatisfy { $0 >= -1 && $0 <= 1 })
        #expect(Set(batch.labels).isSubset(of: [0, 1, 255]))
        #expect(Set(batch.boxes) == [0, 1])
    }

    @Test func `a batch is the same bits with any cache, order and thread`() async throws {
        let data = try SmallDataset()
        let requests = (0..<6).map {
            BatchRequest.small(
                pool: .labelledAndWeak, step: $0 / 2, slot: $0 % 2, batch: 4, labelled: 2)
        }
        let expected = try requests.map { try dataset(data).batch($0) }
        let shared = try dataset(data, cache: 20_000)
        let found = try await withThrowingTaskGroup(of: (Int, SlotBatch).self) { group in
            for round in 0..<4 {
                for (position, request) in requests.enumerated().reversed() {
                    group.addTask {
                        (position + 0 * round, try shared.batch(request))
                    }
                }
            }
            return try await group.reduce(into: [(Int, SlotBatch)]()) { $0.append($1) }
        }
        #expect(found.count == 24)
        for (position, batch) in found { #expect(batch == expected[position]) }
        #expect(Set(expected.map(\.images)).count == 6)
    }

    @Test func `the draws of an epoch meet each image once, whatever V and b are`() throws {
        let data = try SmallDataset(count: 14)
        let source = try dataset(data, supervised: 12)
        func names(slotCount: Int, batch: Int) throws -> [String] {
            let perStep = slotCount * batch
            return try (0..<(24 / perStep)).flatMap { step in
                try (0..<slotCount).flatMap { slot in
                    try source.batch(
                        .small(
                            step: step, slot: slot, slotCount: slotCount, batch: batch,
                            labelled: batch, crop: 9)
                    ).names
                }
            }
        }
        let one = try names(slotCount: 1, batch: 4)
        #expect(Set(one.prefix(12)).count == 12)
        #expect(Set(one.suffix(12)).count == 12)
        #expect(Array(one.prefix(12)) != Array(one.suffix(12)))
        #expect(try names(slotCount: 3, batch: 2) == one)
        #expect(try names(slotCount: 4, batch: 1) == one)
    }

    @Test func `half of F is its first half`() throws {
        let data = try SmallDataset()
        let source = try dataset(data, supervised: 5)
        let half = Set(source.index.labelled.prefix(3).map(\.name))
        let seen = try (0..<6).flatMap {
            try source.batch(.small(pool: .labelledHalf, step: $0, crop: 9)).names
        }
        #expect(Set(seen) == half)
    }

    @Test func `everything has labels when all masks may be opened`() throws {
        let data = try SmallDataset()
        var options = data.options
        options.supervised = 2
        options.maskAccess = .all
        let source = try VOCDataset(options)
        let batch = try source.batch(.small(pool: .all, batch: 6, labelled: 6, crop: 65))
        #expect(Set(batch.names).count == 6)
        for image in 0..<6 {
            #expect(batch.labels[image * 65 * 65..<(image + 1) * 65 * 65].contains(1))
        }
    }

    @Test func `phases draw independently`() throws {
        let data = try SmallDataset(count: 32)
        let source = try dataset(data, supervised: 30)
        var request = BatchRequest.small(batch: 8, labelled: 8, crop: 9)
        let first = try source.batch(request)
        request.phaseIndex = 1
        let second = try source.batch(request)
        #expect(first.names != second.names)
        #expect(first.images != second.images)
    }

    @Test func `boxes are left out where they are not needed`() throws {
        let data = try SmallDataset()
        var request = BatchRequest.small()
        request.boxes = .unused
        #expect(try dataset(data).batch(request).boxes.isEmpty)
    }

    @Test func `weak draws without weak images say which key is missing`() throws {
        let data = try SmallDataset()
        let source = try VOCDataset(data.options)
        let error = datasetError {
            _ = try source.batch(.small(pool: .labelledAndWeak, batch: 2, labelled: 1))
        }
        #expect(error?.kind == .selection)
        #expect(error?.description.contains("data.weak") == true)
    }

    @Test func `the cache stays within its bytes and forgets the oldest`() {
        func sample(_ name: String) -> Sample {
            let size = PixelSize(height: 10, width: 10)
            let image = RGBImage(size: size, pixels: [UInt8](repeating: 0, count: 300))
            return Sample(name: name, image: image, labels: nil, boxes: [])
        }
        let cache = SampleCache(capacityByteCount: 700)
        cache.insert(sample("a"), for: "a")
        cache.insert(sample("b"), for: "b")
        #expect(cache["a"] != nil)
        cache.insert(sample("c"), for: "c")
        #expect(cache.byteCount == 600)
        #expect(cache["b"] == nil)
        #expect(cache["a"] != nil && cache["c"] != nil)
    }
}
