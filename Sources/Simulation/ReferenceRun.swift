import TrainingProtocol

/// The run without a cluster: one process, one step after the other, no fault.
struct ReferenceRun: Sendable {
    /// By version, then by chunk.
    let states: [[SyntheticWorkload.ChunkState]]
    /// By step.
    let decisions: [Decision]

    init(_ workload: SyntheticWorkload) {
        let plan = workload.plan
        var state = plan.chunkPlan.chunks.map { workload.initialState(of: $0.id) }
        var states = [state]
        var decisions: [Decision] = []
        for index in 0..<plan.stepCount {
            let step = Step(index)
            let read = states[Int(plan.readVersion(of: step).index)]
            let root = workload.node(plan.tree.root, of: step) { read[$0.index].parameters }
            let isFinite = root.trailer.finiteness == .finite
            for (chunk, gradient) in zip(plan.chunksTrained(at: step), root.gradients) {
                state[chunk.index] =
                    isFinite
                    ? workload.commit(
                        state[chunk.index], [(plan.tree.root, gradient)], of: chunk, at: step)
                    : workload.begin(state[chunk.index], at: step)
            }
            states.append(state)
            decisions.append(isFinite ? .apply : .skip)
        }
        self.states = states
        self.decisions = decisions
    }
}
