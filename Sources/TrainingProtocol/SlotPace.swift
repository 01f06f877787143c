/// How long slots take, learned from the steps that were committed.
struct SlotPace: Sendable {
    private struct Measured: Sendable {
        let member: MemberID
        var milliseconds: UInt64
    }

    /// Of the last steps: the step's time over the most slots that one worker held in it.
    private var recent: [UInt64] = []
    /// By member: an average of the workers' own times.
    private var members: [Measured] = []

    /// Median over the last steps, in milliseconds; nil before the first.
    var medianMilliseconds: UInt64? {
        recent.isEmpty ? nil : recent.sorted()[recent.count / 2]
    }

    mutating func note(stepMilliseconds: UInt64, slotsOfBusiest: Int) {
        recent.append(stepMilliseconds / UInt64(max(1, slotsOfBusiest)))
        if recent.count > 16 { recent.removeFirst() }
    }

    /// A worker has finished so many slots since its last word, so long ago.
    mutating func note(_ member: MemberID, finished slots: Int, in milliseconds: UInt64) {
        guard slots > 0 else { return }
        let each = milliseconds / UInt64(slots)
        if let place = members.firstIndex(where: { $0.member == member }) {
            members[place].milliseconds = (3 * members[place].milliseconds + each) / 4
        } else {
            members.append(Measured(member: member, milliseconds: each))
        }
    }

    mutating func forget(_ member: MemberID) { members.removeAll { $0.member == member } }

    /// 0 where nothing is known.
    func slotMilliseconds(of member: MemberID) -> UInt64 {
        members.first { $0.member == member }?.milliseconds ?? 0
    }
}
