import ArgumentParser
import Configurations
import Roles

/// `emend config show`: every key and where its value comes from.
struct ConfigurationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show the configuration of a run.",
        subcommands: [Show.self])

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every key with its value and where the value comes from.")

        @Option(help: "A YAML file.") var config: String?
        @Flag(help: "One JSON object.") var json = false
        @Argument(help: "Values to override, as key.path=value.") var overrides: [String] = []

        func run() throws {
            try reportingErrors {
                let resolved = try ResolvedConfiguration(file: config, overrides: overrides)
                print(json ? resolved.json : resolved.yaml, terminator: json ? "\n" : "")
            }
        }
    }
}
