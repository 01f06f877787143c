import TrainingProtocol

/// Completes a checkpoint, then deletes those that are no longer kept.
struct ManifestWriting: StorageJob {
    private enum Stage {
        case committing(CheckpointMachine)
        case listing
        case retaining(RetentionMachine)
    }

    let content: [UInt8]
    var file: SimulatedFileSystem.Handle?
    private let manifest: SimulatedDisk.Manifest
    /// What the checkpoint must hold, by chunk.
    private let expected: [SimulatedDisk.Chunk]
    private let kept: Int
    private var stage: Stage
    private var operation: FileOperation?

    /// - Parameters:
    ///   - kept: of the newest checkpoints, at least 1.
    ///   - writer: no other one has the name.
    init(
        _ job: ManifestJob, expected: [SimulatedDisk.Chunk], kept: Int, writer: String,
        on disk: inout SimulatedDisk
    ) {
        manifest = .init(version: job.version, files: job.shards.flatMap(\.files))
        content = disk.content(of: manifest)
        self.expected = expected
        self.kept = kept
        let path = SimulatedDisk.manifestPath(of: job.version)
        stage = .committing(
            CheckpointMachine(manifestPath: path, temporaryPath: "\(path).\(writer).tmp"))
    }

    mutating func start(on disk: inout SimulatedDisk) throws(InvariantViolation) -> StorageEffect {
        guard case .committing(var machine) = stage else {
            preconditionFailure("a manifest is started twice")
        }
        return try follow(machine.start(), of: &machine, on: &disk)
    }

    mutating func handle(
        _ result: FileResult, on disk: inout SimulatedDisk
    ) throws(InvariantViolation) -> StorageEffect {
        switch stage {
        case .committing(var machine):
            return try follow(machine.handle(.performed(result)), of: &machine, on: &disk)
        case .listing:
            return try list(result, on: &disk)
        case .retaining(var machine):
            try retire(result, on: &disk)
            return follow(machine.handle(.performed(result)), of: &machine, on: disk)
        }
    }

    // MARK: The manifest

    private mutating func follow(
        _ first: CheckpointMachine.Effect, of machine: inout CheckpointMachine,
        on disk: inout SimulatedDisk
    ) throws(InvariantViolation) -> StorageEffect {
        var effect = first
        while true {
            switch effect {
            case .readShards:
                effect = machine.handle(try readShards(on: disk))
            case .readManifest:
                let isSound = disk.manifest(of: manifest.version) == manifest
                effect = machine.handle(isSound ? .manifestSound : .damaged)
            case .perform(let operation):
                stage = .committing(machine)
                return .perform(operation)
            case .finish(.committed):
                try acknowledge(on: &disk)
                stage = .listing
                return .perform(.list(SimulatedDisk.checkpoints))
            case .finish(.damaged): return failed("checkpoint \(manifest.version) is damaged")
            case .finish(.failed(let failure)): return failed(failure)
            }
        }
    }

    /// Shards that are as reported make up the state of the run without faults.
    private func readShards(
        on disk: SimulatedDisk
    ) throws(InvariantViolation) -> CheckpointMachine.Event {
        guard let state = disk.load(manifest) else { return .damaged }
        guard state == expected else {
            throw InvariantViolation(
                "checkpoint \(manifest.version) is not the fault-free run's state")
        }
        return .shardsSound(manifestByteCount: content.count)
    }

    private func acknowledge(on disk: inout SimulatedDisk) throws(InvariantViolation) {
        guard let reference = disk.reference(to: manifest.version) else {
            throw InvariantViolation("checkpoint \(manifest.version) has no manifest")
        }
        try disk.acknowledge(reference)
    }

    // MARK: Retention

    private mutating func list(
        _ result: FileResult, on disk: inout SimulatedDisk
    ) throws(InvariantViolation) -> StorageEffect {
        let operation = FileOperation.list(SimulatedDisk.checkpoints)
        guard case .listed(let names)? = operation.meaning(of: result) else {
            if operation.meaning(of: result) == nil { return .perform(operation) }
            return failed("the checkpoints cannot be listed")
        }
        let versions = SimulatedDisk.versions(names)
        func entries(_ versions: [Version]) -> [RetentionMachine.Entry] {
            versions.map {
                RetentionMachine.Entry(step: $0.index, path: SimulatedDisk.directory(of: $0))
            }
        }
        var machine = RetentionMachine(
            complete: entries(versions.filter { disk.holdsManifest(of: $0) }),
            incomplete: entries(versions.filter { !disk.holdsManifest(of: $0) }), keep: kept,
            protected: [], knownWhole: manifest.version.index,
            manifestName: SimulatedDisk.manifestName)
        return follow(machine.start(), of: &machine, on: disk)
    }

    private mutating func follow(
        _ first: RetentionMachine.Effect, of machine: inout RetentionMachine,
        on disk: SimulatedDisk
    ) -> StorageEffect {
        var effect = first
        while case .verify(let step) = effect {
            effect = machine.handle(disk.load(Version(step)) == nil ? .damaged : .sound)
        }
        switch effect {
        case .verify: preconditionFailure("verified above")
        case .perform(let operation):
            self.operation = operation
            stage = .retaining(machine)
            return .perform(operation)
        case .finish(.failed(let failure, _)): return failed(failure)
        case .finish(.deleted), .finish(.refused):
            guard let reference = disk.reference(to: manifest.version) else {
                return failed("checkpoint \(manifest.version) is gone")
            }
            return .finish(.finished(.manifestWritten(reference)))
        }
    }

    /// From the loss of its manifest on, a checkpoint is none; until then it is whole.
    private func retire(
        _ result: FileResult, on disk: inout SimulatedDisk
    ) throws(InvariantViolation) {
        guard case .remove(let path)? = operation, result == .done else { return }
        let manifest = disk.manifests.first { SimulatedDisk.manifestPath(of: $0.version) == path }
        if let manifest { disk.retire(manifest.version) }
        try disk.check()
    }
}
