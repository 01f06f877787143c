import Configurations
import Foundation
import Logging
import Tensors
import Training
import TrainingProtocol
import Transport

/// A worker's process: no listening port, no state that cannot be pulled again.
public struct WorkerRole {
    /// Where the coordinator listens, as `host:port`.
    public var coordinator: String
    /// Root of the data set on this machine.
    public var data: String?
    /// Threads that compute.
    public var threads: Int
    /// The level of the kernels.
    public var instructionSet: InstructionSet

    /// Takes the options; nothing is opened yet.
    public init(
        coordinator: String, data: String?, threads: Int, instructionSet: InstructionSet = .auto
    ) {
        self.coordinator = coordinator
        self.data = data
        self.threads = threads
        self.instructionSet = instructionSet
    }

    /// Runs until the run ends or the worker is asked to leave; returns the exit code.
    public func run() throws -> ExitCode {
        let process = RoleProcess(role: .worker, threadCount: threads)
        let leader = try Endpoint(parsing: coordinator)
        process.logger.info("looking for the coordinator at \(leader)")
        let setup = LoopSetup(
            incarnation: process.identity.incarnation,
            coordinator: leader)
        let kernels = try process.kernels(instructionSet)
        let jobs = WorkerJobs(
            dataRoot: data.map { URL(fileURLWithPath: $0) }, threadCount: threads,
            kernels: kernels)
        let numericsClass = try TrainingProtocol.NumericsClass.ofThisMachine(
            ThreadPool(threadCount: threads, kernels: kernels))
        return try process.run(setup, jobs: jobs) { _ in
            WorkerMachine(
                identity: process.identity, numericsClass: numericsClass, configurationHash: nil,
                limits: Limits())
        }
    }
}
