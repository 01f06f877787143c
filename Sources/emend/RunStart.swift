import Checkpoints
import Configurations
import Foundation
import Launcher
import Roles

/// Where `emend train` begins: a new run or one to continue, its directory and its configuration.
struct RunStart {
    /// How far the run in the directory is.
    enum Stage {
        case new
        case begun
        /// All steps are committed and their checkpoint is on disk; a result may be missing.
        case complete
    }

    let stage: Stage
    let directory: RunDirectory
    let resolved: ResolvedConfiguration
    /// Keeps other launchers out while it lives.
    private let lock: RunLock

    /// Chooses and locks the directory.
    ///
    /// Throws `CheckpointError` where the directory is in use or holds no run to continue, and
    /// `ConfigurationError`, also where the run was begun with another configuration.
    init(_ resume: ResumeChoice, run path: String?, config: String?, overrides: [String]) throws {
        if let continued = Self.continued(resume, run: path) {
            _ = try continued.identity()
            directory = continued
            lock = try Self.lock(continued)
            resolved = try Self.configuration(of: continued, config: config, overrides: overrides)
            stage = Self.isComplete(continued) ? .complete : .begun
            return
        }
        resolved = try ResolvedConfiguration(file: config, overrides: overrides)
        directory = RunDirectory(path ?? Self.nextFree(resolved.configuration.method))
        lock = try Self.lock(directory)
        stage = .new
        guard !directory.holdsRun else {
            throw CheckpointError(
                .inUse, file: directory.path,
                "already in use: it holds a run; continue it with --resume auto, choose another "
                    + "directory with --run, or remove it")
        }
    }

    /// The scale that the run was last asked to have; nil where nobody asked.
    var workersWanted: Int? {
        guard stage != .new else { return nil }
        var wanted: Int?
        for case .workersWanted(let count) in JournalFact.all(run: directory.path) {
            wanted = count
        }
        return wanted
    }

    private static func continued(_ resume: ResumeChoice, run path: String?) -> RunDirectory? {
        switch resume {
        case .never: return nil
        case .path(let path): return RunDirectory(path)
        case .auto:
            guard let path else { return nil }
            let directory = RunDirectory(path)
            return directory.holdsRun ? directory : nil
        }
    }

    private static func lock(_ directory: RunDirectory) throws -> RunLock {
        let lock = try RunLock(run: directory.path, for: .launcher)
        // A coordinator that was started by hand has no launcher.
        _ = try RunLock(run: directory.path)
        return lock
    }

    private static func nextFree(_ method: Configuration.Method) -> String {
        var number = 1
        while FileManager.default.fileExists(atPath: "runs/\(method.rawValue)-\(number)") {
            number += 1
        }
        return "runs/\(method.rawValue)-\(number)"
    }

    private static func isComplete(_ directory: RunDirectory) -> Bool {
        FileManager.default.fileExists(atPath: directory.resultFile)
            || JournalFact.all(run: directory.path).contains(.completed)
    }

    /// The run's own configuration, which the command line may repeat and not change.
    private static func configuration(
        of directory: RunDirectory, config: String?, overrides: [String]
    ) throws -> ResolvedConfiguration {
        let file = directory.configurationFile
        let own = try ResolvedConfiguration(file: file, overrides: [])
        let asked = try ResolvedConfiguration(file: config ?? file, overrides: overrides)
        let differences = own.configuration.differences(from: asked.configuration)
        guard differences.isEmpty else {
            throw ConfigurationError(
                differences.map {
                    "\($0.key): the run in \(directory.path) has \($0.own), not \($0.other); "
                        + "a run keeps its configuration: leave the key as it is, or train in "
                        + "another directory with --run"
                })
        }
        return own
    }
}
