import Logging
import TrainingProtocol
import Transport

/// Tells observations as log lines: what happened, to whom, and what it means.
struct ObservationLog {
    private let logger: Logger
    /// Of the coordinator alone, which names them.
    private let images: SlotImages?

    init(_ logger: Logger, images: SlotImages? = nil) {
        self.logger = logger
        self.images = images
    }

    func tell(_ observation: Observation) {
        let (level, text) = Self.line(of: observation)
        logger.log(level: level, "\(text)\(imageNames(observation))")
    }

    func tell(_ observation: TransportObservation) {
        let level: Logger.Level =
            switch observation {
            case .listening: .info
            case .exposed: .warning
            default: .notice
            }
        logger.log(level: level, "\(observation)")
    }

    func tell(_ reason: TerminationReason) {
        switch reason {
        case .completed: logger.info("the run is complete")
        case .drained: logger.info("drained: every lease was finished or handed back")
        case .stopped(let checkpoint):
            let saved = checkpoint.map { "; checkpoint \($0.version) holds the work" } ?? ""
            logger.notice("stopped on request\(saved)")
        case .notFinite(let step, let slot):
            logger.error("\(Self.sentence(reason))\(imageNames(of: step, slot: slot))")
        default: logger.error("\(Self.sentence(reason))")
        }
    }

    private func imageNames(_ observation: Observation) -> String {
        guard case .stepSkipped(let step, let slot) = observation else { return "" }
        return imageNames(of: step, slot: slot)
    }

    private func imageNames(of step: Step, slot: Int) -> String {
        let names = images?.names(of: step, slot: slot) ?? []
        return names.isEmpty ? "" : "; its images are \(names.joined(separator: ", "))"
    }

    private static func line(of observation: Observation) -> (Logger.Level, String) {
        switch observation {
        case .joined(let member, let role, let host, let processID):
            (.info, "\(role) \(member) joined from \(host), process \(processID)")
        case .left(let member, let role, let departure):
            (.notice, "\(role) \(member) \(sentence(departure))")
        case .refused(let role, let refusal):
            (.warning, "refused a \(role): \(refusal.explanation)")
        case .looseNumerics(let found, let expected):
            (
                .warning,
                "numerics class \(found) beside \(expected): the run's bits depend on who computed what"
            )
        case .waiting(let wait): (.notice, "waiting for \(sentence(wait))")
        case .trainingStarted(let version, let workers):
            (.info, "training starts at version \(version) with \(workers) workers")
        case .leased, .stepCommitted: (.debug, "\(observation)")
        case .leaseReturned(let lease, let member, let reason, let explanation):
            (
                .notice,
                "worker \(member) gave back slots \(lease.node) of step \(lease.step): \(reason) \(explanation)"
            )
        case .stepSkipped(let step, let slot):
            (.warning, "step \(step) is skipped: \(gradientFault(slot))")
        case .checkpointStarted(let version): (.debug, "checkpoint \(version) begins")
        case .checkpointCommitted(let reference):
            (.info, "checkpoint \(reference.version) is complete: \(reference.manifest)")
        case .checkpointFailed(let version, let explanation):
            (.error, "checkpoint \(version) failed: \(explanation); the one before it is untouched")
        case .attemptsDisagree(let step, let node, let chunk, let attempts):
            (
                .error,
                "attempts \(attempts) of slots \(node) of step \(step) differ"
                    + (chunk.map { " in chunk \($0)" } ?? "")
                    + ": a processor or its memory is faulty, or numerics classes are mixed"
            )
        case .contributionRefused(let step, let node, let outcome, let peer):
            (.warning, "refused slots \(node) of step \(step) from \(peer): \(outcome)")
        case .messageIgnored(let kind, let peer, let why):
            (.debug, "ignored \(kind) from \(peer): \(why)")
        case .stopping(let version): (.notice, "stopping at version \(version)")
        case .promoted(let shard, let term, let version):
            (.notice, "leading shard \(shard) in term \(term) from version \(version) on")
        case .filled(let shard, let version):
            (.info, "backing shard \(shard), filled at version \(version)")
        case .copiesDisagree(let shard, let backup, let version):
            (
                .error,
                "shard \(shard) and its backup on server \(backup) differ at version \(version): a processor or its memory is faulty; the backup is filled anew"
            )
        case .placementChanged(let placement): (.notice, Self.sentence(placement))
        case .backupsInSync(let shards): (.info, "backups in sync: shards \(shards)")
        case .rolledBack(let target):
            (.notice, "all shards go on from checkpoint \(target.version)")
        case .resumed(let term, let version):
            (.notice, "found the run again at version \(version), coordinator term \(term)")
        case .speculated(let lease, let helper, let late):
            (
                .notice,
                "worker \(late) is late with slots \(lease.node) of step \(lease.step); worker \(helper) computes them too"
            )
        case .workersWanted(let count): (.notice, "\(count) workers are wanted")
        }
    }

    static func sentence(_ placement: Placement) -> String {
        let shards = placement.shards.map { shard in
            "shard \(shard.index) on server \(shard.primary)"
                + (shard.backup.map { ", backed by \($0)" } ?? ", without a backup")
        }
        return "placement \(placement.revision): " + shards.joined(separator: "; ")
    }

    static func sentence(_ departure: Observation.Departure) -> String {
        switch departure {
        case .drained: "has left as asked"
        case .disconnected: "is gone: its connection broke"
        case .silent(let milliseconds): "is lost: silent for \(milliseconds) ms"
        case .failed(let text): "failed: \(text)"
        }
    }

    static func sentence(_ wait: Wait) -> String {
        switch wait {
        case .servers(let present, let wanted): "servers: \(present) of \(wanted) are here"
        case .workers(let present, let wanted): "workers: \(present) of \(wanted) are here"
        case .welcome: "the coordinator's welcome"
        case .ready(let servers): "servers \(servers) to be ready"
        case .step(let step, let missing):
            "step \(step): "
                + missing.map { "slots \($0.range) held by workers \($0.holders)" }
                .joined(separator: ", ")
        case .version(let version, let servers): "version \(version) from servers \(servers)"
        case .acknowledgements(let count, let servers):
            "\(count) acknowledgements from servers \(servers)"
        case .checkpoint(let version, let missing):
            "checkpoint \(version): shards \(missing) are missing"
        case .goodbyes(let members): "the goodbyes of members \(members)"
        }
    }

    private static func gradientFault(_ slot: Int) -> String {
        "a loss or gradient of slot \(slot) is not finite or beyond gradients.cap"
    }

    static func sentence(_ reason: TerminationReason) -> String {
        switch reason {
        case .completed, .stopped, .drained: "\(reason)"
        case .aborted: "ended at once: a second stop request came"
        case .refused(let refusal): "refused by the coordinator: \(refusal.explanation)"
        case .serverLost(let index, let departure): "server \(index) \(sentence(departure))"
        case .coordinatorLost(let departure): "the coordinator \(sentence(departure))"
        case .runFailed(let text): "the run failed: \(text)"
        case .jobFailed(let failure): failure.explanation
        case .slotsRefused(let step, let node, let failure):
            "no worker could compute slots \(node) of step \(step): \(failure.explanation)"
        case .inconsistent(let step, let text): "step \(step) is inconsistent: \(text)"
        case .notFinite(let step, let slot): "step \(step) ends the run: \(gradientFault(slot))"
        case .contributionRefused(let step, let node, let outcome):
            "slots \(node) of step \(step) were refused: \(outcome)"
        case .pullRefused(let refusal): "parameters were refused: \(refusal)"
        case .deadlinePassed(let wait, let milliseconds):
            "waited \(milliseconds) ms for \(sentence(wait))"
        case .checkpointFailed(let version, let text): "checkpoint \(version) failed: \(text)"
        }
    }
}
