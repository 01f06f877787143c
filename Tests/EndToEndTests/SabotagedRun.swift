import Foundation

/// A run one of whose programs is a shell script instead.
///
/// The script knows the program that it replaces as `$real`, and a folder for marks as `$marks`.
final class SabotagedRun {
    let folder: ScratchFolder
    let launcher: RunningProgram
    var run: String { folder.path("run") }

    init(
        _ training: TinyRun, replacing sabotaged: String, with script: String,
        options: [String] = []
    ) throws {
        folder = try ScratchFolder()
        let programs = folder.path("programs")
        for path in [programs, folder.path("marks")] {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        }
        for name in ["emend", "emend-coordinator", "emend-server", "emend-worker"] {
            let (source, target) = (try Programs.url(name).path, "\(programs)/\(name)")
            if name == sabotaged {
                try folder.write(
                    "#!/bin/sh\nreal=\(source)\nmarks=\(folder.path("marks"))\n\(script)\n",
                    to: "programs/\(name)")
                chmod(target, 0o755)
            } else {
                // A symbolic link would lead back to the whole ones.
                try FileManager.default.copyItem(atPath: source, toPath: target)
            }
        }
        launcher = try RunningProgram(
            URL(fileURLWithPath: programs + "/emend"),
            training.arguments(data: SyntheticData.shared().root, run: folder.path("run"))
                + options)
    }

    func hasMark(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: folder.path("marks/\(name)"))
    }

    func log(_ name: String) -> String {
        (try? String(contentsOfFile: "\(run)/logs/\(name).log", encoding: .utf8)) ?? ""
    }

    /// Children that live, the script's own included.
    func children() throws -> [ProcessTable.Entry] {
        try ProcessTable.entries(mentioning: run).filter {
            $0.processIdentifier != launcher.processIdentifier
        }
    }
}
