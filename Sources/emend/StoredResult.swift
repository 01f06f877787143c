import Checkpoints
import Foundation
import Roles

extension TrainingResult {
    /// Reads `result.json` of a finished run.
    ///
    /// Throws `CheckpointError` where there is none, or something else.
    init(of directory: RunDirectory) throws {
        let file = directory.resultFile
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CheckpointError(
                .missing, file: file, "the run has no result; give the directory of a finished run")
        }
        do {
            self = try JSONDecoder().decode(TrainingResult.self, from: data)
        } catch {
            throw CheckpointError(.corrupt, file: file, "not a run's result: \(error)")
        }
    }

    /// Prints the result as `emend train` ends: a table and the hash, or one line of JSON.
    func show(classNames: [String], json: Bool) throws {
        guard !json else {
            print(try jsonLine(self))
            return
        }
        let columns = [("ancillary", ancillary), ("primary", primary)]
            .compactMap { title, scores in scores.map { (title: title, scores: $0) } }
        if !columns.isEmpty { print(ScoreTable(columns: columns, classNames: classNames).text) }
        print("parameters_sha256 \(parametersSHA256)")
        print("run \(run)")
    }
}
