import Datasets
import Foundation

/// Files that commands write where their user says.
enum OutputFile {
    /// Writes a whole file or none.
    ///
    /// Throws `DatasetError`, naming it.
    static func write(_ bytes: [UInt8], to path: String) throws {
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw DatasetError(
                .unwritableFile, path, "cannot be written: \(error.localizedDescription)",
                remedy: "Choose a folder with room that you may write to")
        }
    }
}
