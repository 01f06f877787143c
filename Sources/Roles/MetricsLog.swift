import Configurations
import Foundation
import Logging
import Optimizers
import SelfCorrection
import Telemetry
import Training
import TrainingProtocol

/// Writes every committed step to the run's `metrics.jsonl`.
final class MetricsLog {
    private let path: String
    private var file: MetricsFile
    private let logger: Logger
    private let plan: RunPlan
    private let schedule: TrainingSchedule
    private let configuration: Configuration
    private let start = ContinuousClock.now

    /// Lines of steps from `version` on, which are recorded again, are removed.
    init(
        _ directory: RunDirectory, _ description: RunDescription, _ plan: RunPlan,
        from version: Version, logger: Logger
    ) throws {
        self.logger = logger
        path = directory.metricsFile
        file = try MetricsFile(path: path, resumeStep: Int(version.index))
        self.plan = plan
        configuration = description.configuration
        schedule = try TrainingSchedule(configuration)
    }

    func record(_ observation: Observation) {
        do {
            switch observation {
            case .stepCommitted(let record): try file.append(metrics(of: record).fields)
            case .rolledBack(let target):
                file = try MetricsFile(path: path, resumeStep: Int(target.version.index))
            default: break
            }
        } catch {
            logger.error("\(error)")
        }
    }

    private func metrics(of record: StepRecord) -> StepMetrics {
        let (phaseIndex, stepInPhase) = schedule.position(ofStep: Int(record.step.index))
        let phase = schedule.phases[phaseIndex]
        let slots = Double(plan.slotCount)
        func means(_ names: [String], _ sums: [Float]) -> [String: Double] {
            Dictionary(
                uniqueKeysWithValues: zip(names, sums).filter { $1.isFinite }
                    .map { ($0, Double($1) / slots) })
        }
        let trailer = record.trailer
        return StepMetrics(
            step: record.step.index, steps: plan.stepCount, phase: phase.name.rawValue,
            phaseStep: stepInPhase + 1, phaseSteps: phase.stepCount,
            decision: record.decision == .apply ? "apply" : "skip",
            losses: means(plan.lossNames, trailer.losses),
            metrics: means(plan.metricNames, trailer.metrics),
            maximumAbsoluteGradient: trailer.maximumAbsoluteGradient.isFinite
                ? Double(trailer.maximumAbsoluteGradient) : nil,
            learningRate: PolynomialSchedule(
                base: phase.baseLearningRate, power: configuration.optimizer.power,
                stepCount: phase.stepCount
            ).learningRate(at: stepInPhase),
            alpha: alpha(phase, stepInPhase), images: trailer.samples,
            stepSeconds: Double(record.elapsedMilliseconds) / 1000,
            elapsedSeconds: (ContinuousClock.now - start) / .seconds(1),
            workers: record.workerCount)
    }

    private func alpha(_ phase: TrainingSchedule.Phase, _ stepInPhase: Int) -> Double? {
        guard phase.objective == .selfCorrection(.linear) else { return nil }
        return AlphaSchedule(
            from: configuration.alpha.from, to: configuration.alpha.to, stepCount: phase.stepCount
        ).alpha(atStep: stepInPhase)
    }
}
