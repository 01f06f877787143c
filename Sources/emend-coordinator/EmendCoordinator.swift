import ArgumentParser
import Roles

/// `emend-coordinator`: keeps the members of a run, its leases and its checkpoints.
@main
struct EmendCoordinator: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emend-coordinator",
        abstract: "Lead a run: members, leases, manifests of checkpoints.",
        version: BuildIdentity.text)

    @Option(
        name: .customLong("run"),
        help: "The run's directory; it is created, or holds configuration.yaml.")
    var runPath: String
    @Option(help: "A YAML configuration, instead of the run's configuration.yaml.")
    var config: String?
    @Option(help: "Folder of the data set.") var data: String?
    @Option(help: "Address to listen on; port 0 takes any free one.") var bind = "127.0.0.1:0"
    @Option(help: "Parameter servers the run has.") var servers = 1
    @Option(help: "Workers to wait for before the first step; more may join at any time.")
    var workers = 1
    @Flag(help: "Go on with the directory's run, and with those of its processes that still live.")
    var resume = false
    @Flag(help: "Allow an address that other machines reach, without encryption.")
    var insecure = false
    @OptionGroup var options: RoleCommandOptions
    @Argument(help: "Values to override, as key.path=value.") var overrides: [String] = []

    func validate() throws {
        let allowed = CoordinatorRole.serverCounts
        guard allowed.contains(servers) else {
            throw ValidationError(
                "--servers must be \(allowed.lowerBound) to \(allowed.upperBound), not \(servers)")
        }
        if resume, config != nil || !overrides.isEmpty {
            throw ValidationError(
                "--resume goes on with the configuration of the run; give no other")
        }
        guard workers >= 1 else {
            throw ValidationError("--workers must be at least 1, not \(workers)")
        }
    }

    func run() throws {
        try options.run("emend-coordinator") {
            try CoordinatorRole(
                run: runPath, configuration: config, overrides: overrides, data: data, bind: bind,
                servers: servers, workers: workers,
                exposure: insecure ? .insecure : .loopback, start: resume ? .resumed : .new
            ).lead()
        }
    }
}
