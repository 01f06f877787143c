import Foundation
import Hashes

/// The bytes of a file, its size and its hash.
struct FileBytes {
    let bytes: [UInt8]
    let path: String

    /// No file of a data set is larger; a larger one is refused before it is read.
    static let largestByteCount = 1 << 30

    /// Throws `DatasetError` where the file is absent or cannot be read.
    init(path: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw DatasetError(
                .missingFile, path, "the file does not exist",
                remedy: "Restore it or take its name off the lists in ImageSets/Segmentation")
        }
        guard !isDirectory.boolValue, let handle = FileHandle(forReadingAtPath: path) else {
            throw DatasetError(
                .unreadableFile, path, "the file cannot be opened for reading",
                remedy: "Make it a readable regular file")
        }
        defer { try? handle.close() }
        let data: Data?
        do {
            data = try handle.read(upToCount: FileBytes.largestByteCount)
        } catch {
            throw DatasetError(
                .unreadableFile, path, "reading failed (\(error.localizedDescription))",
                remedy: "Check the disk or the mount it lies on")
        }
        bytes = [UInt8](data ?? Data())
        self.path = path
        guard bytes.count < FileBytes.largestByteCount else {
            throw DatasetError(
                .unreadableFile, path, "the file is larger than a gibibyte",
                remedy: "Check that it is a file of this data set")
        }
    }

    var sha256: String { SHA256.hash(bytes) }

    /// The text of a UTF-8 file.
    var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// Writes a file whole, throwing `DatasetError` where that fails.
func write(_ bytes: [UInt8], to path: String) throws {
    do {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    } catch {
        throw DatasetError(
            .unwritableFile, path, "writing failed (\(error.localizedDescription))",
            remedy: "Check that the folder exists, may be written and has room")
    }
}
