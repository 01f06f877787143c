import Datasets
import Foundation
import Testing

/// Skipped where the neighbouring folder `shared` with CamVid is absent.
@Suite(.enabled(if: SharedData.isPresent, "shared/data/camvid is not beside this checkout"))
struct CamVidTests {
    private let options = DatasetOptions(
        root: SharedData.camVid, labelled: "labelled60", weak: "weak307",
        scales: [0.5, 0.75, 1, 1.25, 1.5])

    @Test func `the whole set is read and its index has every file`() throws {
        let dataset = try VOCDataset(options)
        #expect(dataset.classNames.count == 12)
        #expect(dataset.count(of: .labelled) == 60)
        #expect(dataset.count(of: .weak) == 307)
        #expect(dataset.count(of: .validation) == 101)
        #expect(dataset.index.weak.allSatisfy { $0.mask == nil && $0.annotation != nil })
        #expect(dataset.warnings.isEmpty)
        let request = BatchRequest(
            pool: .labelledAndWeak, phaseIndex: 0, stepInPhase: 3, slot: 0, slotCount: 1,
            batch: 4, labelled: 2, crop: PixelSize(height: 257, width: 257), boxes: .needed)
        let batch = try dataset.batch(request)
        #expect(batch == (try VOCDataset(options, index: dataset.index).batch(request)))
    }

    @Test func `boxes from the masks are the boxes of the annotations`() throws {
        let annotated = try DatasetScan(options)
        var fromMasks = options
        fromMasks.boxes = .masks
        let masked = try DatasetScan(fromMasks)
        for name in annotated.lists.validation.prefix(20) {
            let a = try annotated.read(name, split: .validation).sample.boxes
            let b = try masked.read(name, split: .validation).sample.boxes
            #expect(Set(a) == Set(b), "\(name)")
            #expect(a.count == b.count)
        }
    }

    /// Time on the processor, which other programs do not lengthen much.
    private func processorMilliseconds(_ body: () throws -> Void) rethrows -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) * 1e-6
        }
        let start = now()
        try body()
        return now() - start
    }

    @Test func `a crop takes a few milliseconds, decoding included`() throws {
        let dataset = try VOCDataset(options, index: try VOCDataset(options).index)
        var request = BatchRequest(
            pool: .labelledAndWeak, phaseIndex: 0, stepInPhase: 0, slot: 0, slotCount: 1,
            batch: 4, labelled: 2, crop: PixelSize(height: 257, width: 257), boxes: .needed)
        var fastest = Double.infinity
        for step in 0..<20 {
            request.stepInPhase = step
            fastest = min(
                fastest, try processorMilliseconds { _ = try dataset.batch(request) })
        }
        #expect(fastest < 150, "four crops took \(fastest) ms")
    }
}
