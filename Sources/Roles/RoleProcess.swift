import CKernels
import Configurations
import Dispatch
import Foundation
import Logging
import Tensors
import TrainingProtocol
import Transport

/// What every role's process does around its machine: identity, logs, signals, the loop, the exit.
struct RoleProcess {
    let identity: ProcessIdentity
    let logger: Logger

    init(role: Role, threadCount: Int) {
        FreedMemory.keep()
        identity = ProcessIdentity(
            incarnation: .random(), build: BuildIdentity.build,
            host: ProcessInfo.processInfo.hostName,
            processID: UInt32(ProcessInfo.processInfo.processIdentifier),
            threadCount: threadCount)
        logger = Logger(label: role.description)
    }

    /// The kernels to compute with; throws `InstructionSet.Missing`.
    func kernels(_ wanted: InstructionSet) throws -> UnsafePointer<ck_table> {
        if wanted.fallsToGeneric {
            logger.warning(
                "no vector instructions were found: computing with plain loops, dozens of times slower"
            )
        }
        let kernels = try wanted.kernels()
        logger.info("computing with \(String(cString: kernels.pointee.name)) kernels")
        return kernels
    }

    /// Opens the loop and runs the machine to its end; returns the exit code.
    ///
    /// `makeMachine` is called once the endpoint is known. Whoever leads a run gives `images`.
    func run<Machine: RoleMachine>(
        _ setup: LoopSetup, jobs: any JobRunner, images: SlotImages? = nil,
        report: @escaping (Observation) -> Void = { _ in },
        makeMachine: (Endpoint?) throws -> Machine
    ) throws -> ExitCode {
        let context = try MessagingContext()
        defer { context.shutDown() }
        let log = ObservationLog(logger, images: images)
        let loop = try RoleLoop<Machine>(
            setup, context: context, jobs: jobs,
            report: {
                log.tell($0)
                report($0)
            },
            observe: { log.tell($0) })
        let controls = loop.controls
        // Before anybody can know that this process is there to be stopped.
        let signals = StopSignals { controls.requestStop() }
        var machine = try makeMachine(loop.endpoint)
        let reason = withExtendedLifetime(signals) { loop.run(&machine) }
        log.tell(reason)
        return ExitCode(for: reason)
    }
}
