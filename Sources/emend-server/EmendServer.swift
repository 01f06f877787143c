import ArgumentParser
import Roles
import Tensors

/// `emend-server`: holds a share of a run's parameters.
@main
struct EmendServer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emend-server", abstract: "Hold parameters of a run and apply updates.",
        version: BuildIdentity.text)

    @Option(help: "The coordinator's address, as host:port.") var coordinator: String
    @Option(name: .customLong("run"), help: "The run's directory, shared with the coordinator.")
    var runPath: String
    @Option(help: "Address to listen on; port 0 takes any free one.") var bind = "127.0.0.1:0"
    @Option(help: "Address that workers connect to, where it is not the one bound.")
    var advertise: String?
    @Option(help: "Threads that apply updates.") var threads = 1
    @Flag(help: "Allow an address that other machines reach, without encryption.")
    var insecure = false
    @Option(help: "The kernels' level: auto, generic, avx2, avx512 or neon; the bits are the same.")
    var isa = InstructionSet.auto
    @OptionGroup var options: RoleCommandOptions

    func validate() throws {
        guard threads >= 1 else {
            throw ValidationError("--threads must be at least 1, not \(threads)")
        }
    }

    func run() throws {
        try options.run("emend-server") {
            try ServerRole(
                coordinator: coordinator, bind: bind, advertise: advertise, run: runPath,
                threads: threads, exposure: insecure ? .insecure : .loopback,
                instructionSet: isa
            ).start()
        }
    }
}
