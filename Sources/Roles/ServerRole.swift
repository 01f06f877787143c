import Configurations
import Foundation
import TrainingProtocol
import Transport

/// A parameter server's process: owns chunks of parameters and applies updates.
public struct ServerRole {
    public var coordinator: String
    public var bind: String
    /// What workers connect to, where it is not the address bound.
    public var advertise: String?
    public var run: String
    public var threads: Int
    public var exposure: NetworkExposure

    public init(
        coordinator: String, bind: String, advertise: String?, run: String, threads: Int,
        exposure: NetworkExposure
    ) {
        self.coordinator = coordinator
        self.bind = bind
        self.advertise = advertise
        self.run = run
        self.threads = threads
        self.exposure = exposure
    }

    /// Runs until the run ends; returns the exit code.
    public func start() throws -> ExitCode {
        let process = RoleProcess(role: .server, threadCount: threads)
        let setup = LoopSetup(
            incarnation: process.identity.incarnation, listen: try Endpoint(parsing: bind),
            exposure: exposure.transport, coordinator: try Endpoint(parsing: coordinator))
        let jobs = ServerJobs(run: RunDirectory(run), threadCount: threads)
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
