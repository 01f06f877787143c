import Glibc
import Hashes

/// A file's bytes as pieces of memory that the caller keeps alive and unchanged.
package struct FileContent {
    private let segments: [UnsafeRawBufferPointer]
    private let ends: [Int]
    package var byteCount: Int { ends.last ?? 0 }

    package init(_ segments: [UnsafeRawBufferPointer]) {
        self.segments = segments.filter { !$0.isEmpty }
        var end = 0
        ends = self.segments.map {
            end += $0.count
            return end
        }
    }

    package var sha256: String {
        var hash = SHA256()
        for segment in segments { hash.update(segment) }
        return hash.finish()
    }

    /// Bytes from `offset` on that lie together, at most `byteCount`.
    private func run(at offset: Int, byteCount: Int) -> UnsafeRawBufferPointer {
        var (low, high) = (0, ends.count)
        while low < high {
            let middle = (low + high) / 2
            if ends[middle] > offset { high = middle } else { low = middle + 1 }
        }
        let segment = segments[low]
        let start = offset - (ends[low] - segment.count)
        return UnsafeRawBufferPointer(
            rebasing: segment[start..<min(start + byteCount, segment.count)])
    }

    /// Performs `AtomicFileWrite` on `path`; on return the file is durable.
    /// - Throws: `CheckpointError` of kind `inputOutput`; then no temporary file is left behind.
    package func write(
        to path: String, on fileSystem: some FileSystem
    ) throws(CheckpointError) {
        var machine = AtomicFileWrite(
            path: path, temporaryPath: "\(path).\(getpid()).tmp", byteCount: byteCount)
        var descriptor: Int32 = -1
        var event = AtomicFileWrite.Event.start
        while true {
            let effect = machine.handle(event)
            event = .done
            do {
                switch effect {
                case .create(let path): descriptor = try fileSystem.create(path)
                case .write(let offset, let byteCount):
                    event = .wrote(
                        byteCount: try fileSystem.write(
                            run(at: offset, byteCount: byteCount), to: descriptor))
                case .synchronise: try fileSystem.synchronise(descriptor)
                case .close: try fileSystem.close(descriptor)
                case .rename(let source, let target): try fileSystem.rename(source, to: target)
                case .synchroniseDirectory(let path): try fileSystem.synchroniseDirectory(path)
                case .remove(let path): try fileSystem.remove(path)
                case .finish(.durable): return
                case .finish(.failed(let error, let call)):
                    throw CheckpointError.system(
                        error.code, path, "\(call) failed, so it does not count as saved")
                }
            } catch let error as SystemError {
                event = .failed(error)
            } catch let error as CheckpointError {
                throw error
            } catch { preconditionFailure("unexpected error \(error)") }
        }
    }
}

extension FileSystem {
    /// Creates a directory unless it is there, and makes its name durable.
    ///
    /// One that is there is synchronised as well: whoever made it may not have come to that yet.
    func ensureDirectory(_ path: String) throws(CheckpointError) {
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        do throws(SystemError) {
            do throws(SystemError) { try makeDirectory(path) } catch {
                guard error.code == EEXIST else { throw error }
            }
            while true {
                do throws(SystemError) {
                    return try synchroniseDirectory(parent.isEmpty ? "/" : parent)
                } catch {
                    guard error.code == EINTR else { throw error }
                }
            }
        } catch {
            throw .system(error.code, path, "the directory cannot be created")
        }
    }
}
