import Foundation
import TrainingProtocol

/// A run's status, for people and for machines.
public struct StatusReport: Sendable {
    private let status: ClusterStatus

    init(_ status: ClusterStatus) { self.status = status }

    /// Workers that the coordinator knows.
    public var workerCount: Int { status.members.count { $0.role == .worker } }

    /// The share of the workers' time in which they held a lease and waited for its parameters; nil
    /// where there is no worker.
    public var pullWaitShare: Double? {
        let shares = status.members.filter { $0.role == .worker }.map {
            Double($0.pullWaitPermille) / 1000
        }
        return shares.isEmpty ? nil : shares.reduce(0, +) / Double(shares.count)
    }

    /// Several lines, without an end of line behind the last.
    public var text: String {
        var lines = [summary]
        if let checkpoint = status.lastCheckpoint {
            lines.append("checkpoint \(checkpoint.version): \(checkpoint.manifest)")
        } else {
            lines.append("no checkpoint yet")
        }
        lines += Self.table(
            [
                "member", "role", "host", "process", "activity", "leases", "slot", "for data",
                "pull wait", "silent", "",
            ],
            status.members.map(row))
        lines += Self.table(
            ["shard", "part", "term", "version", "durable", "state"], status.shards.map(Self.row))
        lines += status.alarms.map { "alarm: \($0)" }
        return lines.joined(separator: "\n")
    }

    private var summary: String {
        var parts = ["version \(status.version) of \(status.finalVersion)"]
        if let rate = stepsPerSecond {
            parts.append(String(format: "%.2f steps/s", rate))
        }
        parts.append("durable through \(status.durableThrough)")
        return parts.joined(separator: "  ")
    }

    /// By the last step; nil before there is one.
    private var stepsPerSecond: Double? {
        status.stepMilliseconds > 0 ? 1000 / Double(status.stepMilliseconds) : nil
    }

    private func row(_ member: MemberStatus) -> [String] {
        let leases = member.leases.map { "\($0.step) \($0.node)" }.joined(separator: ", ")
        return [
            "\(member.member)", "\(member.role)", member.host, "\(member.processID)",
            "\(member.activity)", leases.isEmpty ? "-" : leases,
            member.slotMilliseconds > 0 ? "\(member.slotMilliseconds) ms" : "-",
            Self.share(member, member.inputWaitPermille),
            Self.share(member, member.pullWaitPermille),
            String(format: "%.1f s", Double(member.silenceMilliseconds) / 1000),
            status.slowWorkers.contains(member.member) ? "slow" : "",
        ]
    }

    private static func share(_ member: MemberStatus, _ permille: UInt32) -> String {
        member.role == .worker ? String(format: "%.1f %%", Double(permille) / 10) : "-"
    }

    private static func row(_ shard: ShardStatus) -> [String] {
        [
            "\(shard.shard)", "\(shard.part)", "\(shard.term)", "\(shard.version)",
            "\(shard.durableThrough)", "\(shard.stateHash)",
        ]
    }

    /// Columns as wide as their longest cell; nothing where there is no row.
    private static func table(_ titles: [String], _ rows: [[String]]) -> [String] {
        guard !rows.isEmpty else { return [] }
        let all = [titles] + rows
        let widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        let lines = all.map { cells in
            let padded = zip(cells, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            let line = padded.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
        return [""] + lines
    }
}

extension StatusReport: Encodable {
    enum CodingKeys: String, CodingKey {
        case version, members, shards, checkpoint, alarms
        case finalVersion = "final_version"
        case durableThrough = "durable_through"
        case stepsPerSecond = "steps_per_s"
    }

    /// As the line of `emend status --json`; times are in seconds.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(status.version.index, forKey: .version)
        try container.encode(status.finalVersion.index, forKey: .finalVersion)
        try container.encode(status.durableThrough.index, forKey: .durableThrough)
        try container.encode(stepsPerSecond, forKey: .stepsPerSecond)
        let slow = status.slowWorkers
        try container.encode(
            status.members.map { MemberLine($0, isSlow: slow.contains($0.member)) },
            forKey: .members)
        try container.encode(status.shards.map(ShardLine.init), forKey: .shards)
        try container.encode(status.lastCheckpoint.map(CheckpointLine.init), forKey: .checkpoint)
        try container.encode(status.alarms, forKey: .alarms)
    }

    private struct MemberLine: Encodable {
        struct LeaseLine: Encodable {
            var step: UInt64
            /// First slot and the one behind the last.
            var slots: [Int]
        }

        var member: UInt32
        var role: String
        var host: String
        var process: UInt32
        var activity: String
        var leases: [LeaseLine]
        /// Of a worker: median time of a slot; null where it is not known.
        var slotSeconds: Double?
        /// Of a worker: the share of that time that it waited for data.
        var inputWaitShare: Double?
        /// Of a worker: the share of its time that it held a lease and waited for its parameters.
        var pullWaitShare: Double?
        var silentSeconds: Double
        var slow: Bool

        enum CodingKeys: String, CodingKey {
            case member, role, host, process, activity, leases, slow
            case slotSeconds = "slot_s"
            case inputWaitShare = "input_wait"
            case pullWaitShare = "pull_wait"
            case silentSeconds = "silent_s"
        }

        init(_ status: MemberStatus, isSlow: Bool) {
            member = status.member.index
            role = "\(status.role)"
            host = status.host
            process = status.processID
            activity = "\(status.activity)"
            leases = status.leases.map {
                LeaseLine(step: $0.step.index, slots: [$0.node.lower, $0.node.upper])
            }
            slotSeconds =
                status.slotMilliseconds > 0 ? Double(status.slotMilliseconds) / 1000 : nil
            inputWaitShare =
                status.role == .worker ? Double(status.inputWaitPermille) / 1000 : nil
            pullWaitShare =
                status.role == .worker ? Double(status.pullWaitPermille) / 1000 : nil
            silentSeconds = Double(status.silenceMilliseconds) / 1000
            slow = isSlow
        }
    }

    private struct ShardLine: Encodable {
        var shard: Int
        var part: String
        var term: UInt64
        var version: UInt64
        var durableThrough: UInt64
        var state: String

        enum CodingKeys: String, CodingKey {
            case shard, part, term, version, state
            case durableThrough = "durable_through"
        }

        init(_ status: ShardStatus) {
            shard = status.shard.index
            part = "\(status.part)"
            term = status.term.number
            version = status.version.index
            durableThrough = status.durableThrough.index
            state = "\(status.stateHash)"
        }
    }

    private struct CheckpointLine: Encodable {
        var version: UInt64
        var manifest: String
        var sha256: String

        init(_ reference: CheckpointReference) {
            version = reference.version.index
            manifest = reference.manifest
            sha256 = reference.hash.description
        }
    }
}
