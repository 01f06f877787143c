import Configurations
import Ledger
import Training
import TrainingProtocol

extension LedgerHeader {
    /// The header of a run of this plan and description.
    init(run: String, _ plan: RunPlan, _ description: RunDescription) {
        self.init(
            run: run, configurationSHA256: description.hash.description,
            slotCount: plan.slotCount, samplesPerSlot: plan.samplesPerSlot,
            numerics: description.configuration.numerics.admission == .strict ? .strict : .loose,
            phases: plan.phases.map { phase in
                Phase(
                    name: phase.name, firstStep: phase.firstStep.index,
                    stepCount: phase.stepCount,
                    trainedGroups: phase.trainedGroups.map(\.tensorGroup.rawValue))
            },
            chunks: plan.chunkPlan.chunks.map {
                Chunk(
                    group: $0.group.tensorGroup.rawValue, firstElement: $0.firstElement,
                    elementCount: $0.elementCount)
            })
    }
}
