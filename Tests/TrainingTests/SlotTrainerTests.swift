import Configurations
import Datasets
import Tensors
import Testing
import Training

@Suite("One slot")
struct SlotTrainerTests {
    /// Every phase of every method.
    struct Case: Sendable, CustomStringConvertible {
        let method: Configuration.Method
        let phase: TrainingSchedule.PhaseName
        var description: String { "\(method.rawValue) \(phase.rawValue)" }
    }

    static let cases: [Case] = [
        Case(method: .none, phase: .ancillary), Case(method: .supervised, phase: .main),
        Case(method: .none, phase: .main), Case(method: .linear, phase: .main),
        Case(method: .emFixed, phase: .main), Case(method: .convolutional, phase: .warmup),
        Case(method: .convolutional, phase: .main),
    ]

    @Test("gives the same bits with 1, 2 and 3 threads and on every attempt", arguments: cases)
    func bits(_ c: Case) throws {
        let configuration = TinyRun.configuration(c.method)
        let reference = try TinyRun.compute(configuration, phase: c.phase, stepInPhase: 1, slot: 2)
        #expect(reference.result.allFinite && reference.result.maxAbsGradient > 0)
        for threads in [1, 2, 3] {
            let again = try TinyRun.compute(
                configuration, phase: c.phase, stepInPhase: 1, slot: 2, threads: threads)
            #expect(again == reference, "\(threads) threads")
        }
    }

    @Test("does not depend on what the trainer computed or fetched before")
    func history() throws {
        let configuration = TinyRun.configuration(.convolutional)
        let trainer = try SlotTrainer(
            configuration, source: MadeUpBatches(classNames: TinyRun.classNames),
            pool: ThreadPool(threadCount: 2))
        let parameters = try InitialParameters(configuration, trainer.tensors).buffers
        let gradients = FlatBuffers(trainer.tensors, groups: TensorGroup.allCases)
        for (phase, step, slot) in [(2, 3, 0), (0, 1, 2), (1, 0, 1), (2, 1, 1)] {
            trainer.prefetch(phase: 2, stepInPhase: 1, slot: 2)
            _ = try trainer.compute(
                phase: phase, stepInPhase: step, slot: slot, parameters: parameters,
                gradients: gradients)
        }
        let result = try trainer.compute(
            phase: 2, stepInPhase: 1, slot: 2, parameters: parameters, gradients: gradients)
        let fresh = try TinyRun.compute(configuration, phase: .main, stepInPhase: 1, slot: 2)
        #expect(result == fresh.result)
        for (group, values) in zip(trainer.schedule.phases[2].trainedGroups, fresh.gradients) {
            #expect(Array(gradients[group]) == values, "\(group)")
        }
    }

    @Test(
        "moves the loss as its gradient says",
        arguments: [
            Case(method: .none, phase: .ancillary), Case(method: .supervised, phase: .main),
            Case(method: .convolutional, phase: .warmup),
        ])
    func directionalDerivative(_ c: Case) throws {
        // The warm-up's third term reaches φ through the corrector: its derivative is φ's too.
        var configuration = TinyRun.configuration(c.method)
        configuration.network.dropoutKeep = 1
        let start = try TinyRun.compute(configuration, phase: c.phase)
        let groups = try TrainingSchedule(configuration).phases
            .first { $0.name == c.phase }!.trainedGroups
        for (group, gradient) in zip(groups, start.gradients) where group.updateKind == .descent {
            let square = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }
            // Batch norm over few values curves the loss: a step as small as float32 allows.
            let length = group == .corrector ? 5e-3 : 2e-4
            let step = length / square.squareRoot()
            func loss(_ sign: Double) throws -> Double {
                let moved = try TinyRun.compute(configuration, phase: c.phase) { parameters in
                    for i in gradient.indices {
                        parameters[group][i] += Float(sign * step * Double(gradient[i]))
                    }
                }
                return Double(moved.result.total)
            }
            let measured = (try loss(1) - loss(-1)) / (2 * step)
            #expect(abs(measured - square) < 0.04 * square, "\(group): \(measured), \(square)")
        }
    }

    @Test("has a total that is the sum of its terms", arguments: cases)
    func total(_ c: Case) throws {
        let result = try TinyRun.compute(TinyRun.configuration(c.method), phase: c.phase).result
        let sum = result.losses.labelled + result.losses.weak + result.losses.corrector
        #expect(abs(result.total - sum) <= 1e-6 * sum)
        #expect(result.samples == 4)
        let weak = c.phase == .main && c.method != .supervised
        #expect(result.labelledPixels == (weak ? 2 : 4) * 33 * 33)
        #expect(result.weakPixels == (weak ? 2 : 0) * 33 * 33)
        #expect((result.losses.weak > 0) == weak)
        #expect((result.losses.corrector > 0) == (c.method == .convolutional))
        #expect((result.correctorDeadShare != nil) == (c.method == .convolutional))
        if let share = result.correctorDeadShare { #expect(share >= 0 && share < 0.5) }
    }

    @Test("doubles its gradients, and nothing else, with loss.weight 2", arguments: cases)
    func lossWeight(_ c: Case) throws {
        var configuration = TinyRun.configuration(c.method)
        let one = try TinyRun.compute(configuration, phase: c.phase)
        configuration.loss.weight = 2
        let two = try TinyRun.compute(configuration, phase: c.phase)
        #expect(two.result.losses == one.result.losses)
        #expect(two.result.total == 2 * one.result.total)
        #expect(two.gradients.dropLast() == one.gradients.dropLast().map { $0.map { 2 * $0 } })
        #expect(two.gradients.last == one.gradients.last, "statistics do not depend on the loss")
    }

    @Test("draws another dropout in every phase, step and slot, and none with keep 1")
    func dropout() throws {
        func first(_ keep: Double, _ step: Int, _ slot: Int) throws -> TinyRun.Outcome {
            var configuration = TinyRun.configuration(.supervised)
            configuration.network.dropoutKeep = keep
            let source = ChangedBatches { batch in
                for i in batch.images.indices { batch.images[i] = Float(i % 97) / 97 - 0.5 }
            }
            return try TinyRun.compute(
                configuration, phase: .main, stepInPhase: step, slot: slot, source: source)
        }
        let outcomes = try [first(0.8, 0, 0), first(0.8, 0, 1), first(0.8, 1, 0)]
        #expect(outcomes[0] != outcomes[1])
        #expect(outcomes[0] != outcomes[2])
        #expect(outcomes[1] != outcomes[2])
        #expect(try first(1, 0, 0) == first(1, 1, 2))
    }
}
