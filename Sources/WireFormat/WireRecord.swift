import CWireMessages

/// A generated C structure, with what the generator says about its type.
protocol WireRecord {
    init()
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { get }
    static var unpack: WireUnpack<Self> { get }
}

typealias WireUnpack<Record> = (
    UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?
) -> UnsafeMutablePointer<Record>?

extension WireRecord {
    /// The record with every field at its default, then changed by `fill`.
    static func make(_ fill: (inout Self) -> Void) -> Self {
        var record = Self()
        setUp(&record)
        fill(&record)
        return record
    }
}

extension Emend__Envelope: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__envelope__init }
    static var unpack: WireUnpack<Self> { emend__envelope__unpack }
}

extension Emend__Number: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__number__init }
    static var unpack: WireUnpack<Self> { emend__number__unpack }
}

extension Emend__Slots: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__slots__init }
    static var unpack: WireUnpack<Self> { emend__slots__unpack }
}

extension Emend__Greeting: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__greeting__init }
    static var unpack: WireUnpack<Self> { emend__greeting__unpack }
}

extension Emend__Shard: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__shard__init }
    static var unpack: WireUnpack<Self> { emend__shard__unpack }
}

extension Emend__Welcome: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__welcome__init }
    static var unpack: WireUnpack<Self> { emend__welcome__unpack }
}

extension Emend__Plan: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__plan__init }
    static var unpack: WireUnpack<Self> { emend__plan__unpack }
}

extension Emend__Phase: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__phase__init }
    static var unpack: WireUnpack<Self> { emend__phase__unpack }
}

extension Emend__Tensor: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__tensor__init }
    static var unpack: WireUnpack<Self> { emend__tensor__unpack }
}

extension Emend__Chunk: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__chunk__init }
    static var unpack: WireUnpack<Self> { emend__chunk__unpack }
}

extension Emend__Placement: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__placement__init }
    static var unpack: WireUnpack<Self> { emend__placement__unpack }
}

extension Emend__PlacedServer: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__placed_server__init }
    static var unpack: WireUnpack<Self> { emend__placed_server__unpack }
}

extension Emend__PlacedShard: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__placed_shard__init }
    static var unpack: WireUnpack<Self> { emend__placed_shard__unpack }
}

extension Emend__Verdict: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__verdict__init }
    static var unpack: WireUnpack<Self> { emend__verdict__unpack }
}

extension Emend__Heartbeat: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__heartbeat__init }
    static var unpack: WireUnpack<Self> { emend__heartbeat__unpack }
}

extension Emend__Lease: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__lease__init }
    static var unpack: WireUnpack<Self> { emend__lease__unpack }
}

extension Emend__LeaseReturned: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__lease_returned__init }
    static var unpack: WireUnpack<Self> { emend__lease_returned__unpack }
}

extension Emend__Pull: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__pull__init }
    static var unpack: WireUnpack<Self> { emend__pull__unpack }
}

extension Emend__Push: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__push__init }
    static var unpack: WireUnpack<Self> { emend__push__unpack }
}

extension Emend__Trailer: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__trailer__init }
    static var unpack: WireUnpack<Self> { emend__trailer__unpack }
}

extension Emend__TrailerReport: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__trailer_report__init }
    static var unpack: WireUnpack<Self> { emend__trailer_report__unpack }
}

extension Emend__ServerReady: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__server_ready__init }
    static var unpack: WireUnpack<Self> { emend__server_ready__unpack }
}

extension Emend__ServerProgress: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__server_progress__init }
    static var unpack: WireUnpack<Self> { emend__server_progress__unpack }
}

extension Emend__OpenStep: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__open_step__init }
    static var unpack: WireUnpack<Self> { emend__open_step__unpack }
}

extension Emend__Claim: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__claim__init }
    static var unpack: WireUnpack<Self> { emend__claim__unpack }
}

extension Emend__StepCommitted: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__step_committed__init }
    static var unpack: WireUnpack<Self> { emend__step_committed__unpack }
}

extension Emend__Contributions: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__contributions__init }
    static var unpack: WireUnpack<Self> { emend__contributions__unpack }
}

extension Emend__Checkpoint: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__checkpoint__init }
    static var unpack: WireUnpack<Self> { emend__checkpoint__unpack }
}

extension Emend__ShardWritten: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__shard_written__init }
    static var unpack: WireUnpack<Self> { emend__shard_written__unpack }
}

extension Emend__WrittenFile: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__written_file__init }
    static var unpack: WireUnpack<Self> { emend__written_file__unpack }
}

extension Emend__ReplicaAcknowledged: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__replica_acknowledged__init }
    static var unpack: WireUnpack<Self> { emend__replica_acknowledged__unpack }
}

extension Emend__BackupLost: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__backup_lost__init }
    static var unpack: WireUnpack<Self> { emend__backup_lost__unpack }
}

extension Emend__Fill: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__fill__init }
    static var unpack: WireUnpack<Self> { emend__fill__unpack }
}

extension Emend__RollBack: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__roll_back__init }
    static var unpack: WireUnpack<Self> { emend__roll_back__unpack }
}

extension Emend__Status: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__status__init }
    static var unpack: WireUnpack<Self> { emend__status__unpack }
}

extension Emend__Member: WireRecord {
    static var setUp: (UnsafeMutablePointer<Self>?) -> Void { emend__member__init }
    static var unpack: WireUnpack<Self> { emend__member__unpack }
}
