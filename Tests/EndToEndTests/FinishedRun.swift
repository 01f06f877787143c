import Foundation
import Testing

/// A run of `linear` with a checkpoint and an evaluation at every second step, made once.
enum FinishedRun {
    static let steps = 7
    private static let made: Result<ScratchFolder, any Error> = Result {
        let folder = try ScratchFolder()
        // A static value never loses its last reference: the folder goes with the process.
        atexit { if case .success(let folder) = FinishedRun.made { folder.remove() } }
        let ended = try TinyRun(
            workers: 2, servers: 2,
            overrides: [
                "checkpoint.every=2", "checkpoint.keep=2", "evaluate.every=2",
            ]
        ).attempt(data: SyntheticData.shared().root, run: folder.path("run"))
        guard ended.code == 0 else { throw RunningProgram.Overdue(description: "\(ended)") }
        return folder
    }

    /// The run's directory, which nobody may change.
    static func path() throws -> String { try made.get().path("run") }

    /// The line with which it ended.
    static func result() throws -> RunResult {
        try RunResult(line: SyntheticData.lines(of: path() + "/result.json")[0])
    }

    /// A copy to damage, in `folder`.
    static func copy(to folder: ScratchFolder) throws -> String {
        try FileManager.default.copyItem(atPath: path(), toPath: folder.path("run"))
        return folder.path("run")
    }

    /// The steps of a run's complete checkpoints, oldest first.
    static func checkpointSteps(_ run: String) throws -> [Int] {
        let listed = try Programs.emend(["checkpoint", "list", run, "--json"])
        try #require(listed.code == 0, "\(listed)")
        return try listed.output.split(separator: "\n").map {
            try JSONDecoder().decode(CheckpointLine.self, from: Data($0.utf8)).step
        }
    }

    /// A checkpoint's shard files, in order.
    static func shards(_ run: String, step: Int) throws -> [String] {
        let folder = run + "/checkpoints/" + String(format: "%012d", step)
        return try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".safetensors") }.sorted().map { "\(folder)/\($0)" }
    }
}

/// A line of `emend checkpoint list|verify --json`.
struct CheckpointLine: Decodable {
    var step: Int
    var phase: String
    var best: Bool
    var files: Int
    var byteCount: Int
    var parametersSHA256: String
    var optimizerSHA256: String?
    var verified: Bool?

    enum CodingKeys: String, CodingKey {
        case step, phase, best, files, verified
        case byteCount = "byte_count"
        case parametersSHA256 = "parameters_sha256"
        case optimizerSHA256 = "optimizer_sha256"
    }
}
