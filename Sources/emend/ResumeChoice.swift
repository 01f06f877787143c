import ArgumentParser

/// What `emend train --resume` takes.
enum ResumeChoice: ExpressibleByArgument, Equatable {
    /// A directory that holds a run is refused.
    case never
    /// The run in the directory that `--run` names is continued; where it holds none, one begins.
    case auto
    /// The run in this directory is continued.
    case path(String)

    init?(argument: String) {
        switch argument {
        case "": return nil
        case "never": self = .never
        case "auto": self = .auto
        default: self = .path(argument)
        }
    }

    var defaultValueDescription: String { "never" }
}
