import Glibc
import TrainingProtocol

/// The checkpoints of a run: `RUN/checkpoints/<step>/{manifest.json, server-i-of-n.safetensors}`.
public struct CheckpointDirectory: Sendable {
    /// The run's directory.
    public let run: String
    /// Identity of the run; a checkpoint of another run is refused.
    public let runID: String
    /// The directory that holds one directory per step.
    public let path: String
    let fileSystem: any FileSystem
    /// Whether writes in the background make way for training at this moment.
    private(set) var makesWay: @Sendable () -> Bool = { false }

    /// - Parameter runID: identity of the run; every file of a checkpoint carries it.
    public init(run: String, runID: String) {
        self.init(run: run, runID: runID, fileSystem: PosixFileSystem())
    }

    package init(run: String, runID: String, fileSystem: any FileSystem) {
        self.run = run
        self.runID = runID
        self.fileSystem = fileSystem
        path = run + "/checkpoints"
    }

    /// The same directory, whose `write`, `writeManifest` and `prune` take a twentieth of a
    /// processor while `makesWay` says that training goes on.
    public func makingWay(while makesWay: @escaping @Sendable () -> Bool) -> CheckpointDirectory {
        var copy = self
        copy.makesWay = makesWay
        return copy
    }

    /// The directory of the checkpoint at `step`.
    public func path(of step: Int) -> String {
        let digits = String(step)
        return path + "/" + String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }

    /// What the servers cannot know when they write their shards.
    public struct Facts: Sendable {
        /// Commits so far: parameters have this version.
        public var step: Int
        /// Name of the phase that the run is in, as `main`.
        public var phase: String
        /// Commits within the phase.
        public var stepInPhase: Int
        /// The run's configuration and its data set as text, one line of canonical JSON each.
        public var configuration: String
        /// SHA-256 of `configuration`, in lower-case hexadecimal.
        public var configurationSHA256: String
        /// The run's numerics class; empty before a worker has named one.
        public var numericsClass: String
        /// Further facts by name; the manifest keeps them as they are.
        public var details: [String: String]

        /// The facts as given; nothing is checked.
        public init(
            step: Int, phase: String, stepInPhase: Int, configuration: String,
            configurationSHA256: String, numericsClass: String, details: [String: String] = [:]
        ) {
            self.step = step
            self.phase = phase
            self.stepInPhase = stepInPhase
            self.configuration = configuration
            self.configurationSHA256 = configurationSHA256
            self.numericsClass = numericsClass
            self.details = details
        }
    }

    /// The steps that have a manifest, oldest first; nothing is verified.
    public func steps() throws(CheckpointError) -> [Int] {
        try stepDirectories().filter { access(path(of: $0) + "/" + Manifest.fileName, F_OK) == 0 }
    }

    /// Every step that has a directory, complete or not.
    func stepDirectories() throws(CheckpointError) -> [Int] {
        var file: Int32 = -1
        let names: [String]
        switch fileSystem.perform(.list(path), of: FileContent([]), on: &file) {
        case .listed(let found): names = found
        case .failed(.notFound): names = []
        case .failed(let error): throw .system(error.code, path, "cannot be listed")
        case .done, .wrote, .read: preconditionFailure("a list of \(path) without names")
        }
        return names.compactMap { name in
            guard let step = Int(name), path(of: step).hasSuffix("/" + name) else { return nil }
            return step
        }.sorted()
    }

    /// Opens the checkpoint at `step` and verifies all of it.
    public func open(step: Int) throws(CheckpointError) -> Checkpoint {
        try open(step: step, at: nil)
    }

    func open(step: Int, at pace: BackgroundPace?) throws(CheckpointError) -> Checkpoint {
        let directory = path(of: step)
        let manifest = try Manifest(file: directory + "/" + Manifest.fileName)
        guard manifest.step == step, manifest.runID == runID else {
            throw CheckpointError(
                .corrupt, file: directory + "/" + Manifest.fileName,
                "expected step \(step) of run \(runID), "
                    + "found step \(manifest.step) of run \(manifest.runID)")
        }
        return try Checkpoint(verifying: manifest, in: directory, at: pace)
    }

    /// The newest checkpoint that verifies, and why newer ones were passed over.
    ///
    /// Its names are durable on return: whoever wrote it may have died before its last fsync.
    /// - Returns: nil for `checkpoint` where none verifies.
    public func newestVerified(
        through last: Int = .max
    ) throws(CheckpointError) -> (checkpoint: Checkpoint?, skipped: [CheckpointError]) {
        var skipped: [CheckpointError] = []
        for step in try steps().reversed() where step <= last {
            do throws(CheckpointError) {
                let checkpoint = try open(step: step)
                try synchronise(step: step)
                return (checkpoint, skipped)
            } catch {
                skipped.append(error)
            }
        }
        return (nil, skipped)
    }

    private func synchronise(step: Int) throws(CheckpointError) {
        let operation = FileOperation.synchroniseDirectory(path(of: step))
        var file: Int32 = -1
        var result: FileResult?
        while result == nil {
            result = operation.meaning(
                of: fileSystem.perform(operation, of: FileContent([]), on: &file))
        }
        guard case .failed(let error)? = result else { return }
        throw .system(
            error.code, path(of: step), "\(operation.name) failed, so it does not count as saved")
    }
}
