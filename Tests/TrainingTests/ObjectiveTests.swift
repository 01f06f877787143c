import Configurations
import Datasets
import Tensors
import Testing
import Training

@Suite("What a slot's objective reaches")
struct ObjectiveTests {
    /// Gradients of the first trained group, φ.
    private func primaryGradient(
        _ method: Configuration.Method, step: Int = 0,
        _ change: (inout Configuration) -> Void = { _ in }
    ) throws -> [Float] {
        var configuration = TinyRun.configuration(method)
        change(&configuration)
        return try TinyRun.compute(configuration, phase: .main, stepInPhase: step).gradients[0]
    }

    private func distance(_ a: [Float], _ b: [Float]) -> Double {
        let difference = zip(a, b).reduce(0.0) {
            $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
        }
        return (difference / b.reduce(0.0) { $0 + Double($1) * Double($1) }).squareRoot()
    }

    @Test("α = 10⁶ gives the gradients of Eq. 2")
    func largeAlpha() throws {
        let linear = try primaryGradient(.linear) {
            $0.alpha.from = 1e6
            $0.alpha.to = 1e6
        }
        #expect(distance(linear, try primaryGradient(.none)) < 1e-4)
    }

    @Test("α near 0 leaves the weak images without gradient")
    func smallAlpha() throws {
        let linear = try primaryGradient(.linear) {
            $0.alpha.from = 1e-9
            $0.alpha.to = 1e-9
        }
        let labelledOnly = try primaryGradient(.linear) { $0.loss.weak = 0 }
        #expect(distance(linear, labelledOnly) < 1e-4)
        #expect(distance(try primaryGradient(.none), labelledOnly) > 0.01)
    }

    @Test("α follows the step")
    func alphaSchedule() throws {
        let first = try primaryGradient(.linear, step: 3)
        let fixed = try primaryGradient(.linear, step: 3) { $0.alpha.to = $0.alpha.from }
        #expect(first != fixed)
    }

    @Test("The third term of Eq. 6 reaches the primary where the flag says so, and λ either way")
    func thirdTerm() throws {
        var configuration = TinyRun.configuration(.convolutional)
        let reaching = try TinyRun.compute(configuration, phase: .warmup)
        configuration.corrector.backpropToPrimary = false
        let confined = try TinyRun.compute(configuration, phase: .warmup)
        #expect(reaching.gradients[1] == confined.gradients[1])
        #expect(distance(reaching.gradients[0], confined.gradients[0]) > 1e-3)
    }

    @Test("The corrector learns nothing from weak images: q is a constant")
    func constantTarget() throws {
        var configuration = TinyRun.configuration(.convolutional)
        let both = try TinyRun.compute(configuration, phase: .main)
        configuration.loss.weak = 0
        let labelledOnly = try TinyRun.compute(configuration, phase: .main)
        #expect(both.gradients[1] == labelledOnly.gradients[1])
        #expect(both.gradients[0] != labelledOnly.gradients[0])
    }

    @Test("The frozen ancillary model normalises with its running statistics")
    func frozenAncillary() throws {
        func outcome(_ shift: Float) throws -> [Float] {
            try TinyRun.compute(TinyRun.configuration(.none), phase: .main) { parameters in
                for i in parameters[.ancillaryStatistics].indices {
                    parameters[.ancillaryStatistics][i] += shift
                }
            }.gradients[0]
        }
        // Below zero, so that the shifted means do not silence every ReLU.
        #expect(try outcome(-0.25) != outcome(0))
    }

    @Test("Boxes move EM-fixed's targets")
    func boxes() throws {
        let configuration = TinyRun.configuration(.emFixed)
        let boxed = try TinyRun.compute(configuration, phase: .main)
        let bare = try TinyRun.compute(
            configuration, phase: .main,
            source: ChangedBatches { batch in
                for i in batch.boxes.indices { batch.boxes[i] = i % 3 == 0 ? 1 : 0 }
            })
        #expect(boxed.result.losses.weak != bare.result.losses.weak)
        #expect(boxed.result.losses.labelled == bare.result.losses.labelled)
    }

    @Test("A term without valid pixels is 0 with gradient 0")
    func noPixels() throws {
        let result = try TinyRun.compute(
            TinyRun.configuration(.linear), phase: .main,
            source: ChangedBatches { batch in
                for i in batch.labels.indices { batch.labels[i] = 255 }
                for i in batch.valid.indices { batch.valid[i] = 0 }
            })
        #expect(result.result.total == 0 && result.result.allFinite)
        #expect(result.result.labelledPixels == 0 && result.result.weakPixels == 0)
        #expect(result.gradients[0].allSatisfy { $0 == 0 })
    }

    @Test("A parameter that is no number is reported, not hidden")
    func notFinite() throws {
        let outcome = try TinyRun.compute(TinyRun.configuration(.supervised), phase: .main) {
            $0[.primary][5] = .nan
        }
        #expect(!outcome.result.allFinite)
        #expect(outcome.result.maxAbsGradient == .infinity)
    }

    @Test("A gradient beyond the cap is reported as not finite; one that equals it is not")
    func cap() throws {
        var configuration = TinyRun.configuration(.supervised)
        let largest = try TinyRun.compute(configuration, phase: .main).result.maxAbsGradient
        #expect(largest > 0)
        configuration.gradients.cap = Double(largest)
        #expect(try TinyRun.compute(configuration, phase: .main).result.allFinite)
        configuration.gradients.cap = Double(largest.nextDown)
        let beyond = try TinyRun.compute(configuration, phase: .main).result
        #expect(!beyond.allFinite && beyond.maxAbsGradient == .infinity)
    }
}
