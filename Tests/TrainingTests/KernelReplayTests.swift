import CKernelRecording
import CKernels
import Configurations
import Foundation
import Optimizers
import Tensors
import Testing
import Training

@Suite(
    "The same bits on every processor",
    .enabled(
        if: ProcessInfo.processInfo.environment["EMEND_TEST_LONG"] == "1",
        "takes minutes: set EMEND_TEST_LONG=1"),
    .serialized)
struct KernelReplayTests {
    @Test(
        "Kernels for arm64 are compared here",
        .enabled(
            if: KernelReplay.emulatesARM64,
            "needs qemu-user-static and the arm64 libraries: run `make setup-emulation`"))
    func arm64() throws {
        let program = try KernelReplay.all.get().first { $0.processor == .arm64 }
        #expect(program?.levels == ["generic", "neon", "twin"])
    }

    @Test("Every entry gives the same bits at every length and in three layers")
    func entries() throws {
        _ = try commonOutput { try $0.exercise($1) }
    }

    /// What every level of every processor prints.
    private func commonOutput(
        _ output: (KernelReplay, _ level: String) throws -> String
    ) throws -> String {
        var expected: String?
        for program in try KernelReplay.all.get() {
            for level in program.levels {
                let found = try output(program, level)
                #expect(found == expected ?? found, "\(level), \(program.processor)")
                expected = expected ?? found
            }
        }
        return try #require(expected)
    }

    @Test(
        "A step of the tiny network, repeated call by call, gives the same bits",
        arguments: [Configuration.Method.linear, .convolutional])
    func step(_ method: Configuration.Method) throws {
        let folder = try Places.temporaryFolder()
        defer { Places.remove(folder) }
        let recording = folder.appending(path: "step")
        let calls = try record(method, to: recording)
        let output = try commonOutput { try $0.replay(recording, $1) }
        let lines = output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.reduce(0) { $0 + Int($1[1])! } == calls)
        for entry in [
            "multiply", "multiply_transposed", "depthwise_forward", "depthwise_backward_data",
            "depthwise_backward_weight", "batch_norm_sums", "batch_norm_backward_sums",
            "cross_entropy_hard", "cross_entropy_soft", "accumulate", "momentum_sgd",
            "moving_average",
        ] {
            #expect(lines.contains { $0[0] == entry }, "\(entry) is not called")
        }
    }

    /// Records a step of the main phase with two slots, their sum and the update; returns the number
    /// of calls.
    private func record(_ method: Configuration.Method, to file: URL) throws -> Int {
        guard let kernels = ck_recording_begin(file.path, ck_kernels()) else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: file.path])
        }
        let step = Result { try takeStep(TinyRun.configuration(method), kernels) }
        let calls = ck_recording_end()
        try step.get()
        #expect(calls > 0, "errno \(errno)")
        return calls
    }

    private func takeStep(_ configuration: Configuration, _ kernels: UnsafePointer<ck_table>) throws
    {
        let trainer = try SlotTrainer(
            configuration, source: MadeUpBatches(classNames: TinyRun.classNames),
            pool: ThreadPool(threadCount: 1, kernels: kernels))
        let parameters = try InitialParameters(configuration, trainer.tensors).buffers
        let phase = trainer.schedule.phases.firstIndex { $0.name == .main }!
        let groups = trainer.schedule.phases[phase].trainedGroups
        let slots = try (0..<2).map { slot in
            let gradients = FlatBuffers(trainer.tensors, groups: groups)
            let result = try trainer.compute(
                phase: phase, stepInPhase: 0, slot: slot, parameters: parameters,
                gradients: gradients)
            #expect(result.allFinite)
            return gradients
        }
        for group in groups {
            let (sum, weights) = (slots[0][group], parameters[group])
            kernels.pointee.accumulate(
                sum.baseAddress!, slots[1][group].baseAddress!, sum.count)
            update(group, weights, sum, kernels)
        }
    }

    private func update(
        _ group: TensorGroup, _ weights: UnsafeMutableBufferPointer<Float>,
        _ sum: UnsafeMutableBufferPointer<Float>, _ kernels: UnsafePointer<ck_table>
    ) {
        switch group.updateKind {
        case .movingAverage:
            MovingAverage(decay: 0.99).update(
                weights, sums: sum, scale: 0.5, at: 0, range: 0..<sum.count, kernels: kernels)
        case .descent:
            let rule = UpdateRule.momentumSGD(momentum: 0.9)
            var progress = OptimizerProgress()
            progress.advance(rule)
            var velocity = [Float](repeating: 0, count: sum.count)
            velocity.withUnsafeMutableBufferPointer {
                rule.update(
                    weights: weights, slots: [$0], gradientSum: UnsafeBufferPointer(sum),
                    gradientScale: 0.5, learningRate: 0.01, progress: progress,
                    ranges: [
                        UpdateRange(
                            elements: 0..<sum.count, weightDecay: 4e-5, learningRateMultiplier: 1)
                    ], kernels: kernels)
            }
        }
    }
}
