import Configurations
import Datasets
import Testing
import Training

@Suite("The phases are a pure function of the configuration")
struct ScheduleTests {
    private func schedule(
        _ method: Configuration.Method, _ change: (inout Configuration) -> Void = { _ in }
    ) throws -> TrainingSchedule {
        var c = TinyRun.configuration(method)
        c.phases.ancillary.steps = 10
        c.phases.warmup.steps = 20
        c.phases.main.steps = 30
        change(&c)
        return try TrainingSchedule(c)
    }

    @Test("Supervised training has one phase on F, or on everything")
    func supervised() throws {
        let phases = try schedule(.supervised).phases
        #expect(phases.map(\.name) == [.main])
        #expect(phases[0].trainedGroups == [.primary, .primaryStatistics])
        #expect(phases[0].readGroups == phases[0].trainedGroups)
        #expect(phases[0].pool == .labelled && phases[0].labelledPerSlot == 4)
        #expect(phases[0].boxes == .unused)
        #expect(try schedule(.supervised) { $0.data.pool = .all }.phases[0].pool == .all)
    }

    @Test(
        "No and linear self-correction train the ancillary model on all of F first",
        arguments: [Configuration.Method.none, .linear])
    func linear(_ method: Configuration.Method) throws {
        let schedule = try schedule(method)
        #expect(schedule.phases.map(\.name) == [.ancillary, .main])
        #expect(schedule.phases.map(\.pool) == [.labelled, .labelledAndWeak])
        #expect(schedule.phases.map(\.labelledPerSlot) == [4, 2])
        #expect(schedule.phases.map(\.firstStep) == [0, 10])
        #expect(schedule.phases[0].trainedGroups == [.ancillary, .ancillaryStatistics])
        #expect(schedule.phases[1].trainedGroups == [.primary, .primaryStatistics])
        #expect(
            schedule.phases[1].readGroups
                == [.primary, .ancillary, .primaryStatistics, .ancillaryStatistics])
        #expect(schedule.groups == schedule.phases[1].readGroups)
        #expect(schedule.stepCount == 40)
    }

    @Test("The convolutional method has three phases, its ancillary on half of F")
    func convolutional() throws {
        let schedule = try schedule(.convolutional)
        #expect(schedule.phases.map(\.name) == [.ancillary, .warmup, .main])
        #expect(schedule.phases.map(\.pool) == [.labelledHalf, .labelled, .labelledAndWeak])
        #expect(schedule.phases.map(\.firstStep) == [0, 10, 30])
        for phase in schedule.phases[1...] {
            #expect(phase.trainedGroups == [.primary, .corrector, .primaryStatistics])
            #expect(phase.readGroups == TensorGroup.allCases)
        }
        #expect(schedule.phases[1].objective == .warmup)
        #expect(schedule.phases[2].objective == .selfCorrection(.convolutional))
    }

    @Test("EM-fixed needs boxes and no ancillary model")
    func emFixed() throws {
        let phases = try schedule(.emFixed).phases
        #expect(phases.map(\.name) == [.main])
        #expect(phases[0].boxes == .needed)
        #expect(phases[0].readGroups == [.primary, .primaryStatistics])
    }

    @Test("A given ancillary model is not trained again, and read in main")
    func givenAncillary() throws {
        let phases = try schedule(.linear) { $0.ancillary.weights = "run" }.phases
        #expect(phases.map(\.name) == [.main])
        #expect(phases[0].readGroups.contains(.ancillary))
    }

    @Test("A step belongs to the phase that holds it")
    func positions() throws {
        let schedule = try schedule(.convolutional)
        let expected = [0: (0, 0), 9: (0, 9), 10: (1, 0), 29: (1, 19), 30: (2, 0), 59: (2, 29)]
        for (step, place) in expected.sorted(by: { $0.key < $1.key }) {
            let found = schedule.position(ofStep: step)
            #expect(found.phase == place.0 && found.stepInPhase == place.1, "step \(step)")
        }
    }

    @Test("Each phase may have a learning rate of its own")
    func learningRates() throws {
        let phases = try schedule(.linear) {
            $0.optimizer.learningRate = 0.5
            $0.phases.main.learningRate = 0.25
        }.phases
        #expect(phases.map(\.baseLearningRate) == [0.5, 0.25])
    }

    @Test("Phases that make no sense are refused with a remedy")
    func refusals() {
        #expect(throws: TrainingError.self) {
            try schedule(.supervised) { $0.phases.main.steps = 0 }
        }
        expect("phases.ancillary.steps") {
            try schedule(.linear) { $0.phases.ancillary.steps = 0 }
        }
        expect("slots.labelled") { try schedule(.linear) { $0.slots.labelled = 4 } }
        expect("slots.labelled") { try schedule(.emFixed) { $0.slots.batch = 1 } }
        expect("output stride of 12") {
            var c = TinyRun.configuration(.supervised)
            c.network.outputStride = 12
            return try TensorList(c, classCount: 3)
        }
    }

    private func expect(_ words: String, _ body: () throws -> Any) {
        do {
            _ = try body()
            Issue.record("nothing was thrown where \(words) was expected")
        } catch {
            #expect("\(error)".contains(words), "\(error)")
        }
    }
}
