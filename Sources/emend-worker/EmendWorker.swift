import ArgumentParser
import Launcher
import Roles
import Tensors

/// `emend-worker`: computes slots for a run; may be started at any moment on any machine.
@main
struct EmendWorker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emend-worker", abstract: "Compute slots of a run.",
        version: BuildIdentity.text)

    @Option(help: "The coordinator's address, as host:port.") var coordinator: String
    @Option(help: "Folder of the data set on this machine.") var data: String?
    @Option(name: .customLong("run"), help: "The run's directory; workers do not use it.")
    var runPath: String?
    @Option(help: "Threads that compute.") var threads = HostResources.threadsAllowed()
    @Option(help: "The kernels' level: auto, generic, avx2, avx512 or neon; the bits are the same.")
    var isa = InstructionSet.auto
    @OptionGroup var options: RoleCommandOptions

    func validate() throws {
        guard threads >= 1 else {
            throw ValidationError("--threads must be at least 1, not \(threads)")
        }
    }

    func run() throws {
        try options.run("emend-worker") {
            try WorkerRole(
                coordinator: coordinator, data: data, threads: threads, instructionSet: isa
            ).run()
        }
    }
}
