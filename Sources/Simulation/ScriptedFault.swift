import TrainingProtocol

/// Something that happens to one process at a moment that a test chooses.
package struct ScriptedFault: Sendable, Equatable {
    /// A process by its role and the order of the starts, from 0: who is started again counts anew.
    package enum Target: Sendable, Equatable {
        case coordinator(Int)
        case server(Int)
        case worker(Int)
    }

    package enum Moment: Sendable, Equatable {
        case at(milliseconds: UInt64)
        /// Just before the process's n-th message of the kind leaves, from 1: of a process that dies
        /// then, this message and all after it are never sent.
        case before(String, Int, of: Target)
        /// Just after it has left.
        case after(String, Int, of: Target)
    }

    package enum Action: Sendable, Equatable {
        /// It dies and its connections end at once.
        case crash
        /// It dies and nobody is told, as when a host loses its power.
        case vanish
        case pause(milliseconds: UInt64)
        /// From now on its slots take so many times as long.
        case slow(times: UInt64)
        /// It is asked to stop.
        case leave
        /// A further process of its role is started.
        case join
        /// Nothing arrives over its link to the other, either way.
        case cut(from: Target, milliseconds: UInt64)
    }

    package let moment: Moment
    package let target: Target
    package let action: Action

    package init(_ action: Action, _ target: Target, _ moment: Moment) {
        self.moment = moment
        self.target = target
        self.action = action
    }
}

extension Simulation {
    /// On which side of a message's departure a scripted fault strikes.
    enum Side { case before, after }

    mutating func scheduleScript() {
        sentByScript = Array(repeating: 0, count: options.script.count)
        for (index, fault) in options.script.enumerated() {
            guard case .at(let milliseconds) = fault.moment else { continue }
            queue.add(.scripted(index), at: at(milliseconds))
        }
    }

    /// Strikes what waits for this message of this process.
    mutating func followScript(
        _ side: Side, _ body: MessageBody, of process: Int
    ) throws(InvariantViolation) {
        for (index, fault) in options.script.enumerated() {
            let awaited: (side: Side, kind: String, count: Int, sender: ScriptedFault.Target)
            switch fault.moment {
            case .at: continue
            case .before(let kind, let count, let sender): awaited = (.before, kind, count, sender)
            case .after(let kind, let count, let sender): awaited = (.after, kind, count, sender)
            }
            guard awaited.side == side, awaited.kind == body.kind,
                place(of: awaited.sender) == process
            else { continue }
            sentByScript[index] += 1
            if sentByScript[index] == awaited.count { try strike(fault) }
        }
    }

    mutating func strike(_ fault: ScriptedFault) throws(InvariantViolation) {
        tell { _ in "script: \(fault.action) of \(fault.target)" }
        if fault.action == .join { return join(fault.target) }
        guard let place = place(of: fault.target), processes[place].isAlive else { return }
        switch fault.action {
        case .crash: try crash(place, .seen)
        case .vanish: try crash(place, .unseen)
        case .pause(let milliseconds): processes[place].pausedUntil = at(milliseconds)
        case .slow(let times): processes[place].slowness = times
        case .leave: queue.add(.event(.stopRequested, process: place), at: now)
        case .join: break
        case .cut(let other, let milliseconds):
            guard let there = self.place(of: other) else { return }
            cut(place, there, milliseconds)
        }
    }

    private mutating func join(_ target: ScriptedFault.Target) {
        switch target {
        case .coordinator: addCoordinator(after: 1)
        case .server: addServer(after: 1)
        case .worker: addWorker(after: 1)
        }
    }

    private mutating func cut(_ one: Int, _ other: Int, _ milliseconds: UInt64) {
        for (sender, receiver) in [(one, other), (other, one)] {
            let cut = Partition(senders: [sender], receivers: [receiver])
            partitions.append(cut)
            queue.add(.heal(cut), at: at(milliseconds))
        }
    }

    private func place(of target: ScriptedFault.Target) -> Int? {
        let (role, index) =
            switch target {
            case .coordinator(let index): ("coordinator", index)
            case .server(let index): ("server", index)
            case .worker(let index): ("worker", index)
            }
        let ofRole = processes.indices.filter { processes[$0].name.hasPrefix(role) }
        return ofRole.indices.contains(index) ? ofRole[index] : nil
    }
}
