import ArgumentParser
import Checkpoints
import Foundation
import Roles

/// How a command is told which run's coordinator to ask: the run's directory or an address.
struct CoordinatorLocation: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The run's directory, in which the coordinator's address is.", valueName: "run"))
    var runPath: String?
    @Option(
        help: ArgumentHelp(
            "The coordinator's address, as host:port, instead of a directory.",
            valueName: "endpoint"))
    var coordinator: String?

    func validate() throws {
        guard (runPath == nil) != (coordinator == nil) else {
            throw ValidationError("give either a run's directory or --coordinator")
        }
    }

    /// Throws `CheckpointError` where no coordinator has listened for the run, and `TransportError`.
    func observer() throws -> Observer {
        if let coordinator { return try Observer(coordinator: coordinator) }
        let file = RunDirectory(runPath ?? "").endpointFile
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw CheckpointError(
                .missing, file: file,
                "no coordinator listens for a run here; give the directory "
                    + "of a run that goes on, or --coordinator")
        }
        return try Observer(
            coordinator: text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
