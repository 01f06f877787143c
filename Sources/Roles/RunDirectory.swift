import Checkpoints
import Foundation
import Ledger
import TrainingProtocol

/// The files of a run's directory.
///
/// `run.json` identity · `configuration.yaml` as resolved · `weights.txt` where values came from ·
/// `lists/` F and W as trained on · `metrics.jsonl` · `journal.jsonl` · `ledger.jsonl` ·
/// `checkpoints/` · `logs/` · `model.safetensors` and `result.json` at the end.
public struct RunDirectory: Sendable {
    /// Of the directory, as the user gave it.
    public let path: String

    /// A directory that need not exist yet.
    public init(_ path: String) { self.path = path }

    /// The configuration as resolved, with the origin of each value.
    public var configurationFile: String { path + "/configuration.yaml" }
    /// One line of JSON per committed step.
    public var metricsFile: String { path + "/metrics.jsonl" }
    /// The record of every committed step, which `emend verify` reads.
    public var ledgerFile: String { path + "/" + Ledger.fileName }
    /// Where the run's coordinator listens.
    public var endpointFile: String { path + "/coordinator.endpoint" }
    /// What the finished run came to: one line of JSON.
    public var resultFile: String { path + "/result.json" }
    /// What the initial values were taken from, one sentence a line.
    public var weightsNotesFile: String { path + "/weights.txt" }
    private var identityFile: String { path + "/run.json" }

    /// The sentences of `weights.txt`: which tensors a file gave and which it did not.
    public var weightsNotes: [String] {
        guard let data = FileManager.default.contents(atPath: weightsNotesFile) else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Whether a run has begun here.
    public var holdsRun: Bool { FileManager.default.fileExists(atPath: identityFile) }

    /// Writes the identity of a new run.
    func writeIdentity(_ run: RunID) throws {
        let text = "{\"run\":\"\(run)\"}\n"
        try Data(text.utf8).write(to: URL(fileURLWithPath: identityFile), options: .atomic)
    }

    /// Reads which run this is.
    ///
    /// Throws `CheckpointError` where there is none.
    public func identity() throws -> String {
        guard let data = FileManager.default.contents(atPath: identityFile) else {
            throw CheckpointError(
                .missing, file: identityFile, "no run has begun here; give a run's directory")
        }
        struct Identity: Decodable { var run: String }
        guard let identity = try? JSONDecoder().decode(Identity.self, from: data) else {
            throw CheckpointError(.corrupt, file: identityFile, "expected {\"run\":\"…\"}")
        }
        return identity.run
    }

    /// The run's checkpoints; throws `CheckpointError` where no run has begun.
    public func checkpoints() throws -> CheckpointDirectory {
        CheckpointDirectory(run: path, runID: try identity())
    }
}
