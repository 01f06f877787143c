import Configurations
import Datasets

extension BatchRequest {
    /// What a slot of a phase's step asks of the batch source.
    public init(
        _ configuration: Configuration, _ schedule: TrainingSchedule, phase: Int,
        stepInPhase: Int, slot: Int
    ) {
        let stage = schedule.phases[phase]
        precondition(
            stepInPhase >= 0 && stepInPhase < stage.stepCount,
            "step \(stepInPhase) of phase \(stage.name), which has \(stage.stepCount)")
        let side = configuration.data.crop
        self.init(
            pool: stage.pool, phaseIndex: phase, stepInPhase: stepInPhase, slot: slot,
            slotCount: configuration.slots.count, batch: stage.imagesPerSlot,
            labelled: stage.labelledPerSlot, crop: PixelSize(height: side, width: side),
            boxes: stage.boxes)
    }
}
