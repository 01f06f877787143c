import Configurations
import Foundation
import Logging
import Tensors
import TrainingProtocol
import Transport

/// A parameter server's process: owns chunks of parameters and applies updates.
public struct ServerRole {
    /// Where the coordinator listens, as `host:port`.
    public var coordinator: String
    /// Where to listen; port 0 takes any free one.
    public var bind: String
    /// What workers connect to, where it is not the address bound.
    public var advertise: String?
    /// The run's directory, shared with the coordinator.
    public var run: String
    /// Threads that apply updates.
    public var threads: Int
    /// Whether `bind` may be an address that other machines reach.
    public var exposure: NetworkExposure
    /// The level of the kernels.
    public var instructionSet: InstructionSet

    /// Takes the options; nothing is opened yet.
    public init(
        coordinator: String, bind: String, advertise: String?, run: String, threads: Int,
        exposure: NetworkExposure, instructionSet: InstructionSet = .auto
    ) {
        self.coordinator = coordinator
        self.bind = bind
        self.advertise = advertise
        self.run = run
        self.threads = threads
        self.exposure = exposure
        self.instructionSet = instructionSet
    }

    /// Runs until the run ends; returns the exit code.
    public func start() throws -> ExitCode {
        let process = RoleProcess(role: .server, threadCount: threads)
        let leader = try Endpoint(parsing: coordinator)
        process.logger.info("looking for the coordinator at \(leader)")
        let setup = LoopSetup(
            incarnation: process.identity.incarnation, listen: try Endpoint(parsing: bind),
            exposure: exposure.transport, coordinator: leader)
        let jobs = ServerJobs(
            run: RunDirectory(run), threadCount: threads,
            kernels: try process.kernels(instructionSet))
        return try process.run(setup, jobs: jobs) { endpoint in
            guard let endpoint else { preconditionFailure("a server without an endpoint") }
            return ServerMachine(
                identity: process.identity,
                advertisedEndpoint: advertise ?? endpoint.description, configurationHash: nil,
                limits: Limits())
        }
    }
}

/// Whether a process may listen where other machines reach it.
public enum NetworkExposure: Sendable {
    case loopback
    /// Nothing is encrypted or authenticated yet; only for networks where everybody is trusted.
    case insecure

    var transport: Exposure {
        switch self {
        case .loopback: .loopback
        case .insecure: .insecure
        }
    }
}
