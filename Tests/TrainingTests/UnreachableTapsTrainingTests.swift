import Configurations
import Networks
import Optimizers
import Tensors
import Testing
import Training

@Suite("Training leaves unreachable taps alone")
struct UnreachableTapsTrainingTests {
    /// 7 × 7 features: rate 6 reaches them, rates 12 and 18 do not.
    private func configuration(_ taps: Configuration.Network.UnreachableTaps) -> Configuration {
        var c = TinyRun.configuration(.linear)
        c.data.crop = 97
        c.network.unreachableTaps = taps
        return c
    }

    /// The kernels of one branch of the pyramid, without or only their middle taps.
    private func taps(
        _ values: UnsafeMutableBufferPointer<Float>, of group: TensorList.Group, branch: Int,
        where isIncluded: (Int) -> Bool
    ) throws -> [Float] {
        let name = "aspp.convs.\(branch).0.0.weight"
        let position = try #require(group.tensors.firstIndex { $0.name == name })
        let offset = group.offsets[position], count = group.tensors[position].count
        return (0..<count).filter { isIncluded($0 % 9) }.map { values[offset + $0] }
    }

    private func outer(_ tap: Int) -> Bool { tap != 4 }
    private func middle(_ tap: Int) -> Bool { tap == 4 }

    @Test("they have no gradient, whatever their values")
    func gradients() throws {
        let trainer = try SlotTrainer(
            configuration(.drawn), source: MadeUpBatches(classNames: TinyRun.classNames),
            pool: ThreadPool(threadCount: 1))
        let parameters = try InitialParameters(trainer.configuration, trainer.tensors).buffers
        for (index, group) in [(0, TensorGroup.ancillary), (1, .primary)] {
            let gradients = FlatBuffers(
                trainer.tensors, groups: trainer.schedule.phases[index].trainedGroups)
            _ = try trainer.compute(
                phase: index, stepInPhase: 0, slot: 0, parameters: parameters, gradients: gradients)
            let list = trainer.tensors[group]
            for branch in [2, 3] {
                let start = try taps(parameters[group], of: list, branch: branch, where: outer)
                #expect(start.contains { $0 != 0 })
                let gradient = try taps(gradients[group], of: list, branch: branch, where: outer)
                #expect(gradient.allSatisfy { $0 == 0 }, "\(group) branch \(branch)")
            }
            let reached = try taps(gradients[group], of: list, branch: 1, where: outer)
            #expect(reached.contains { $0 != 0 })
        }
    }

    @Test(
        "from 0 they are still 0 after some steps",
        arguments: [
            UpdateRule.momentumSGD(momentum: 0.9),
            .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8),
        ])
    func steps(_ rule: UpdateRule) throws {
        let trainer = try SlotTrainer(
            configuration(.zero), source: MadeUpBatches(classNames: TinyRun.classNames),
            pool: ThreadPool(threadCount: 1))
        let parameters = try InitialParameters(trainer.configuration, trainer.tensors).buffers
        for (index, group) in [(0, TensorGroup.ancillary), (1, .primary)] {
            let list = trainer.tensors[group]
            let start = try [2, 3].map {
                try taps(parameters[group], of: list, branch: $0, where: middle)
            }
            try train(trainer, phase: index, group, parameters, rule)
            for (branch, start) in zip([2, 3], start) {
                let unreached = try taps(parameters[group], of: list, branch: branch, where: outer)
                #expect(unreached.allSatisfy { $0.bitPattern == 0 }, "\(group) branch \(branch)")
                let moved = try taps(parameters[group], of: list, branch: branch, where: middle)
                #expect(zip(start, moved).contains { $0 != $1 }, "\(group) branch \(branch)")
            }
            let reached = try taps(parameters[group], of: list, branch: 1, where: outer)
            #expect(reached.allSatisfy { $0 != 0 })
        }
    }

    /// Three steps of one slot on one group, with weight decay on every tensor.
    private func train(
        _ trainer: SlotTrainer, phase: Int, _ group: TensorGroup, _ parameters: FlatBuffers,
        _ rule: UpdateRule
    ) throws {
        let gradients = FlatBuffers(
            trainer.tensors, groups: trainer.schedule.phases[phase].trainedGroups)
        let count = trainer.tensors[group].elementCount
        let states = rule.slotNames.map { _ in
            UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
        }
        defer { states.forEach { $0.deallocate() } }
        states.forEach { $0.initialize(repeating: 0) }
        var progress = OptimizerProgress()
        for step in 0..<3 {
            _ = try trainer.compute(
                phase: phase, stepInPhase: step, slot: 0, parameters: parameters,
                gradients: gradients)
            progress.advance(rule)
            rule.update(
                weights: parameters[group], slots: states,
                gradientSum: UnsafeBufferPointer(gradients[group]), gradientScale: 1,
                learningRate: 0.001, progress: progress,
                ranges: [
                    UpdateRange(elements: 0..<count, weightDecay: 0.01, learningRateMultiplier: 1)
                ])
        }
    }
}
