import Foundation

/// The executables under test, as `make build` leaves them beside this package.
enum Programs {
    static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    struct Missing: Error, CustomStringConvertible {
        let path: String
        var description: String {
            "\(path): there is no such program; run `make build` (swift build -c release) first"
        }
    }

    static func url(_ name: String) throws -> URL {
        let file = package.appending(path: ".build/release/\(name)")
        guard FileManager.default.isExecutableFile(atPath: file.path) else {
            throw Missing(path: file.path)
        }
        return file
    }

    /// Runs `emend` to its end.
    static func emend(
        _ arguments: [String], withinSeconds limit: Double = 120
    ) throws -> EndedProgram {
        try RunningProgram("emend", arguments).end(withinSeconds: limit)
    }
}

/// Whether the tests that take longer than continuous integration allows were asked for.
let longTestsAreWanted = ProcessInfo.processInfo.environment["EMEND_TEST_LONG"] == "1"
