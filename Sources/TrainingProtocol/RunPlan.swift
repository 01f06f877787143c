/// What becomes of a run when a step has a leaf that is non-finite or beyond the cap.
package enum NonFinitePolicy: UInt8, Hashable, Sendable {
    /// The step changes nothing.
    case skip = 1
    /// The run ends.
    case stop = 2
}

/// What every process of a run must agree on to train it: a pure function of the configuration.
package struct RunPlan: Hashable, Sendable {
    /// V, the slots of a step.
    package let slotCount: Int
    /// b, the images of a slot.
    package let samplesPerSlot: Int
    /// In the order of their steps, without gaps, from step 0.
    package let phases: [Phase]
    package let tensors: [TensorDescription]
    package let chunkPlan: ChunkPlan
    /// A checkpoint is written at every multiple of this version, at version 0 and at the end.
    package let checkpointInterval: UInt64
    /// A leaf whose largest |gradient| is beyond this counts as non-finite.
    package let gradientCap: Float
    package let nonFinitePolicy: NonFinitePolicy
    /// k, the commits by which the parameters that a step reads may be behind it; 0 in synchronous
    /// mode.
    package let lag: UInt64
    /// How gradients of weights travel; those of statistics are float32.
    package let gradientFormat: GradientFormat
    /// What `Trailer.losses` and `Trailer.metrics` hold, in order.
    package let lossNames: [String]
    package let metricNames: [String]

    package init(
        slotCount: Int, samplesPerSlot: Int, phases: [Phase], tensors: [TensorDescription],
        chunkPlan: ChunkPlan, checkpointInterval: UInt64, gradientCap: Float,
        nonFinitePolicy: NonFinitePolicy = .skip, lag: UInt64 = 0,
        gradientFormat: GradientFormat = .float32, lossNames: [String], metricNames: [String]
    ) {
        self.slotCount = slotCount
        self.samplesPerSlot = samplesPerSlot
        self.phases = phases
        self.tensors = tensors
        self.chunkPlan = chunkPlan
        self.checkpointInterval = checkpointInterval
        self.gradientCap = gradientCap
        self.nonFinitePolicy = nonFinitePolicy
        self.lag = lag
        self.gradientFormat = gradientFormat
        self.lossNames = lossNames
        self.metricNames = metricNames
    }

    package var tree: SlotTree { SlotTree(slotCount: slotCount) }

    package var stepCount: UInt64 { phases.last?.endStep.index ?? 0 }

    package var finalVersion: Version { Version(stepCount) }

    /// The phase of a step of the run.
    package func phase(of step: Step) -> Phase {
        guard let phase = phases.first(where: { $0.contains(step) }) else {
            preconditionFailure("step \(step) is not one of the run's \(stepCount) steps")
        }
        return phase
    }

    package func isTrained(_ chunk: ChunkID, at step: Step) -> Bool {
        phase(of: step).trainedGroups.contains(chunkPlan[chunk].group)
    }

    package func isRead(_ chunk: ChunkID, at step: Step) -> Bool {
        phase(of: step).readGroups.contains(chunkPlan[chunk].group)
    }

    /// How a chunk's gradient travels.
    package func gradientFormat(of chunk: ChunkID) -> GradientFormat {
        gradientFormat.applied(to: chunkPlan[chunk].group)
    }

    /// Bytes of a chunk's gradient on the wire.
    package func gradientByteCount(of chunk: ChunkID) -> Int {
        chunkPlan[chunk].elementCount * gradientFormat(of: chunk).elementByteCount
    }

    /// The version at which a chunk last changed before `version`: a frozen chunk keeps it.
    package func changedVersion(of chunk: ChunkID, at version: Version) -> Version {
        let group = chunkPlan[chunk].group
        for phase in phases.reversed() where phase.firstStep.index < version.index {
            if phase.trainedGroups.contains(group) {
                return min(version, Version(phase.endStep.index))
            }
        }
        return .initial
    }

    /// The version that `step` must read: that of `lag` commits ago, but none before its phase began.
    package func readVersion(of step: Step) -> Version {
        let lagging = step.index < lag ? 0 : step.index - lag
        return Version(max(phase(of: step).firstStep.index, lagging))
    }

    /// The version of a chunk that `step` must read.
    package func requiredVersion(of chunk: ChunkID, at step: Step) -> Version {
        changedVersion(of: chunk, at: readVersion(of: step))
    }

    /// The versions of a chunk, older than its newest one at `version`, that the steps from there on
    /// still read; the oldest first.
    ///
    /// They belong to the state at `version`: checkpoints hold them, and new backups get them.
    package func earlierVersions(of chunk: ChunkID, at version: Version) -> [Version] {
        guard version < finalVersion else { return [] }
        let newest = changedVersion(of: chunk, at: version)
        var versions: [Version] = []
        for index in readVersion(of: version.nextStep).index..<version.index {
            let changed = changedVersion(of: chunk, at: Version(index))
            if changed < newest, versions.last != changed { versions.append(changed) }
        }
        return versions
    }

    /// The chunks that `step` reads, in forward order.
    package func chunksRead(at step: Step) -> [ChunkID] {
        chunkPlan.chunks.map(\.id).filter { isRead($0, at: step) }
    }

    /// The chunks that `step` trains, in forward order.
    package func chunksTrained(at step: Step) -> [ChunkID] {
        chunkPlan.chunks.map(\.id).filter { isTrained($0, at: step) }
    }

    package func isCheckpoint(_ version: Version) -> Bool {
        version == .initial || version == finalVersion
            || (checkpointInterval > 0 && version.index.isMultiple(of: checkpointInterval))
    }
}
