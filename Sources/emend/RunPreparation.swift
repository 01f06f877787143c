import Checkpoints
import Configurations
import Datasets
import Foundation
import Launcher
import Roles
import Training

/// What `emend train` does before it starts a process: the data, the memory.
enum RunPreparation {
    /// Reads the data set once, so that a fault is told before anything starts.
    static func describe(_ configuration: Configuration, root: URL?) throws -> RunDescription {
        let (description, warnings) = try RunDescription.open(configuration, root: root)
        for warning in warnings.prefix(20) { StandardError.write("warning: \(warning)\n") }
        if warnings.count > 20 {
            StandardError.write(
                "warning: \(warnings.count - 20) more; `emend dataset check` lists them\n")
        }
        return description
    }

    /// Prints what the plan takes, and refuses to start where it does not fit.
    static func checkMemory(
        _ description: RunDescription, workers: Int, threadsPerWorker: Int
    ) throws {
        let estimate = try MemoryEstimate(
            description.configuration, classCount: description.classNames.count)
        // Values, the next values, optimizer slots and the nodes of a step.
        let servers = 6 * estimate.parameterByteCount
        let needed = workers * estimate.total + servers
        var line = "memory: \(mebibytes(estimate.total)) for each of \(workers) workers, "
        line += "\(mebibytes(servers)) for the servers together"
        let available = HostResources.memoryAvailableByteCount()
        if let available { line += "; \(mebibytes(available)) are available" }
        StandardError.write(line + "\n")
        if let available, needed > available {
            throw TrainingError.memory(
                "the plan needs \(mebibytes(needed)) and \(mebibytes(available)) are available: "
                    + "lower slots.batch, data.crop or --workers")
        }
    }

    private static func mebibytes(_ byteCount: Int) -> String { "\(byteCount >> 20) MiB" }

    /// Leaves the configuration, as resolved, where the roles find it.
    static func write(_ resolved: ResolvedConfiguration, to directory: RunDirectory) throws {
        do {
            try Data(resolved.yaml.utf8).write(
                to: URL(fileURLWithPath: directory.configurationFile), options: .atomic)
        } catch {
            throw CheckpointError(
                .inputOutput, file: directory.configurationFile,
                "cannot be written: \(error.localizedDescription)")
        }
    }
}
