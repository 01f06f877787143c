import Checkpoints
import Configurations
import Datasets
import Foundation
import Testing
import Training

@Suite("Recorded batches")
struct RecordedBatchesTests {
    /// A recording of one step of `main`: four images of 17×17, three classes.
    private func record(
        _ folder: URL, labels: [UInt8] = [UInt8](repeating: 1, count: 2 * 17 * 17)
    ) throws -> String {
        let path = folder.appending(path: "batches.safetensors").path
        let images = (0..<4 * 17 * 17 * 3).map { Float($0) / 4000 }
        let boxes = (0..<4 * 17 * 17 * 3).map { Float($0 % 3 == 0 ? 1 : 0) }
        let valid = [UInt8](repeating: 1, count: 4 * 17 * 17)
        try images.withUnsafeBytes { images in
            try boxes.withUnsafeBytes { boxes in
                try valid.withUnsafeBytes { valid in
                    try labels.withUnsafeBytes { labels in
                        try SafetensorsWriter([
                            .init("main/0/images", .float32, shape: [4, 17, 17, 3], bytes: images),
                            .init("main/0/boxes", .float32, shape: [4, 17, 17, 3], bytes: boxes),
                            .init("main/0/valid", .uint8, shape: [4, 17, 17], bytes: valid),
                            .init("main/0/labels", .uint8, shape: [2, 17, 17], bytes: labels),
                        ]).write(to: path)
                    }
                }
            }
        }
        return path
    }

    private func source(_ path: String) throws -> RecordedBatches {
        var c = TinyRun.configuration(.emFixed)
        c.slots.count = 1
        return try RecordedBatches(
            path: path, classNames: TinyRun.classNames, schedule: TrainingSchedule(c))
    }

    private func request(step: Int = 0, slotCount: Int = 1, crop: Int = 17) -> BatchRequest {
        BatchRequest(
            pool: .labelledAndWeak, phaseIndex: 0, stepInPhase: step, slot: 0,
            slotCount: slotCount, batch: 4, labelled: 2,
            crop: PixelSize(height: crop, width: crop), boxes: .needed)
    }

    private func expect(_ words: [String], _ body: () throws -> SlotBatch) {
        do {
            _ = try body()
            Issue.record("nothing was thrown where \(words) was expected")
        } catch {
            for word in words { #expect("\(error)".contains(word), "\(error)") }
        }
    }

    @Test("give what was recorded")
    func gives() throws {
        let folder = try Places.temporaryFolder()
        defer { Places.remove(folder) }
        let batch = try source(record(folder)).batch(request())
        #expect(batch.count == 4 && batch.labelledCount == 2)
        #expect(batch.images[7] == 7.0 / 4000 && batch.images.count == 4 * 17 * 17 * 3)
        #expect(batch.labels == [UInt8](repeating: 1, count: 2 * 17 * 17))
        #expect(batch.boxes[0] == 1 && batch.boxes[1] == 0)
    }

    @Test("refuse a step, a size or a number of slots that they do not hold, and say which")
    func refuse() throws {
        let folder = try Places.temporaryFolder()
        defer { Places.remove(folder) }
        let source = try source(record(folder))
        expect(["batches.safetensors", "step 1", "phases.main.steps"]) {
            try source.batch(request(step: 1))
        }
        expect(["slots.count"]) { try source.batch(request(slotCount: 2)) }
        expect(["main/0/labels", "[2, 33, 33]"]) { try source.batch(request(crop: 33)) }
    }

    @Test("refuse a label that is no class")
    func labels() throws {
        let folder = try Places.temporaryFolder()
        defer { Places.remove(folder) }
        var labels = [UInt8](repeating: 255, count: 2 * 17 * 17)
        #expect(try source(record(folder, labels: labels)).batch(request()).labels == labels)
        labels[40] = 3
        let source = try source(record(folder, labels: labels))
        expect(["main/0/labels", "3", "classes"]) { try source.batch(request()) }
    }
}
