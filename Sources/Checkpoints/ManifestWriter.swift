import TrainingProtocol

extension CheckpointDirectory {
    /// Completes a checkpoint once all its shards are durable: reads them back, checks them against
    /// their records, writes the manifest, and reads that back.
    ///
    /// Runs at a low priority.
    /// - Parameter tensors: all tensors in list order.
    /// - Throws: `CheckpointError`; then no checkpoint may be claimed.
    public func writeManifest(
        _ facts: Facts, tensors: [TensorEntry], shards: [ShardRecord]
    ) throws(CheckpointError) -> Manifest {
        let draft = Manifest(
            runID: runID, step: facts.step, phase: facts.phase, stepInPhase: facts.stepInPhase,
            configuration: facts.configuration, configurationSHA256: facts.configurationSHA256,
            numericsClass: facts.numericsClass, tensors: tensors,
            shards: shards.sorted { $0.fileName < $1.fileName }, parametersSHA256: "",
            details: facts.details)
        return try inBackground(makingWayWhile: makesWay) { pace throws(CheckpointError) in
            var commit = CheckpointCommit(draft, in: self, at: pace)
            return try commit.drive()
        }
    }
}

/// Performs `CheckpointMachine` on a run's directory.
private struct CheckpointCommit {
    private var manifest: Manifest
    private let directory: String
    private let manifestPath: String
    private let fileSystem: any FileSystem
    private let pace: BackgroundPace
    private var machine: CheckpointMachine
    private var text: [UInt8] = []
    private var file: Int32 = -1

    init(_ draft: Manifest, in checkpoints: CheckpointDirectory, at pace: BackgroundPace) {
        manifest = draft
        self.pace = pace
        directory = checkpoints.path(of: draft.step)
        manifestPath = directory + "/" + Manifest.fileName
        fileSystem = checkpoints.fileSystem
        machine = CheckpointMachine(
            manifestPath: manifestPath, temporaryPath: temporaryPath(for: manifestPath))
    }

    mutating func drive() throws(CheckpointError) -> Manifest {
        var effect = machine.start()
        while true {
            switch effect {
            case .readShards:
                try readShards()
                effect = machine.handle(.shardsSound(manifestByteCount: text.count))
            case .perform(let operation):
                effect = machine.handle(.performed(perform(operation)))
            case .readManifest:
                guard try Manifest(file: manifestPath) == manifest else {
                    throw CheckpointError(
                        .corrupt, file: manifestPath, "does not come back as it was written")
                }
                effect = machine.handle(.manifestSound)
            case .finish(.committed): return manifest
            case .finish(.failed(let failure)): throw CheckpointError(failure)
            case .finish(.damaged): preconditionFailure("\(manifestPath): damage is thrown above")
            }
        }
    }

    /// Checks the shards and completes the manifest with what they hold.
    private mutating func readShards() throws(CheckpointError) {
        try Checkpoint.verifyFiles(of: manifest, in: directory, at: pace)
        let draft = try Checkpoint(manifest: manifest, directory: directory)
        manifest.parametersSHA256 = try draft.parametersSHA256(at: pace)
        text = Array(manifest.fileText.utf8)
    }

    private mutating func perform(_ operation: FileOperation) -> FileResult {
        var file = self.file
        defer { self.file = file }
        return text.withUnsafeBytes { bytes in
            fileSystem.perform(operation, of: FileContent([bytes]), on: &file)
        }
    }
}
