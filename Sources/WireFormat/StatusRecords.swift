import CWireMessages
import TrainingProtocol

extension ClusterStatus {
    func wire(_ arena: Arena) -> Emend__Status {
        .make {
            $0.version = version.index
            $0.final_version = finalVersion.index
            $0.durable_through = durableThrough.index
            $0.step_milliseconds = stepMilliseconds
            $0.n_members = members.count
            $0.members = arena.records(members) { $0.wire(arena) }
            $0.n_shards = shards.count
            $0.shards = arena.records(shards) { $0.wire() }
            if let lastCheckpoint {
                $0.last_checkpoint = arena.record(lastCheckpoint.wire(arena))
            }
            $0.n_alarms = alarms.count
            $0.alarms = arena.texts(alarms)
        }
    }

    init(_ wire: Emend__Status) throws(WireError) {
        self.init(
            version: try readVersion(wire.version),
            finalVersion: try readVersion(wire.final_version),
            durableThrough: try readVersion(wire.durable_through),
            stepMilliseconds: try readNumber(wire.step_milliseconds),
            members: try readList(wire.n_members, wire.members, .member, MemberStatus.init),
            shards: try readList(wire.n_shards, wire.shards, .part, ShardStatus.init),
            lastCheckpoint: try readOptional(wire.last_checkpoint, CheckpointReference.init),
            alarms: try readTexts(wire.n_alarms, wire.alarms))
    }
}

extension MemberStatus {
    func wire(_ arena: Arena) -> Emend__Member {
        .make {
            $0.member = member.index
            $0.role = UInt32(role.rawValue)
            $0.host = arena.text(host)
            $0.process_id = processID
            $0.activity = UInt32(activity.rawValue)
            $0.silence_milliseconds = silenceMilliseconds
            $0.n_leases = leases.count
            $0.leases = arena.records(leases) { $0.wire(arena) }
            $0.slot_milliseconds = slotMilliseconds
            $0.input_wait_permille = inputWaitPermille
            $0.pull_wait_permille = pullWaitPermille
        }
    }

    init(_ wire: Emend__Member) throws(WireError) {
        self.init(
            member: MemberID(wire.member), role: try readCode(wire.role, .role),
            host: try readText(wire.host), processID: wire.process_id,
            activity: try readCode(wire.activity, .activity),
            silenceMilliseconds: try readNumber(wire.silence_milliseconds),
            leases: try readList(wire.n_leases, wire.leases, .slots, Lease.init),
            slotMilliseconds: try readNumber(wire.slot_milliseconds),
            inputWaitPermille: min(wire.input_wait_permille, 1000),
            pullWaitPermille: min(wire.pull_wait_permille, 1000))
    }
}
