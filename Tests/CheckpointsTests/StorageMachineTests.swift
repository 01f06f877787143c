import Simulation
import Testing
import TrainingProtocol

@Suite struct AtomicWriteMachineTests {
    /// Runs the machine against results chosen by `respond`; the effects it asked for.
    private func effects(
        byteCount: Int, respond: (FileOperation) -> FileResult
    ) -> [AtomicWriteMachine.Effect] {
        var machine = AtomicWriteMachine(
            path: "d/f", temporaryPath: "d/f.tmp", byteCount: byteCount)
        var effects = [machine.start()]
        while case .perform(let operation) = effects.last! {
            effects.append(machine.handle(respond(operation)))
        }
        return effects
    }

    @Test func `The order is write, fsync, close, rename, fsync of the directory`() {
        let found = effects(byteCount: 5) { operation in
            switch operation {
            case .write(offset: 0, _): .wrote(byteCount: 3)
            case .write: .wrote(byteCount: 2)
            default: .done
            }
        }
        #expect(
            found == [
                .perform(.create("d/f.tmp")), .perform(.write(offset: 0, byteCount: 5)),
                .perform(.write(offset: 3, byteCount: 2)), .perform(.synchronise),
                .perform(.close), .perform(.rename("d/f.tmp", to: "d/f")),
                .perform(.synchroniseDirectory("d")), .finish(.durable),
            ])
    }

    @Test func `A failed fsync is not repeated`() {
        let found = effects(byteCount: 0) { $0 == .synchronise ? .failed(.inputOutput) : .done }
        let failure = FileFailure(.inputOutput, during: .synchronise, path: "d/f")
        #expect(
            found == [
                .perform(.create("d/f.tmp")), .perform(.synchronise), .perform(.close),
                .perform(.remove("d/f.tmp")), .finish(.failed(failure)),
            ])
    }

    @Test func `A write of nothing is an error, not an endless loop`() {
        let found = effects(byteCount: 1) { operation in
            if case .write = operation { .wrote(byteCount: 0) } else { .done }
        }
        let write = FileOperation.write(offset: 0, byteCount: 1)
        #expect(
            found.last
                == .finish(.failed(FileFailure(.inputOutput, during: write, path: "d/f"))))
    }

    @Test func `An error while cleaning up does not hide the first one`() {
        let found = effects(byteCount: 1) { operation in
            switch operation {
            case .write: .failed(.noSpace)
            case .close, .remove: .failed(.inputOutput)
            default: .done
            }
        }
        let write = FileOperation.write(offset: 0, byteCount: 1)
        #expect(found.last == .finish(.failed(FileFailure(.noSpace, during: write, path: "d/f"))))
    }

    @Test func `An interrupted close is not repeated, any other call is`() {
        var isFirst = true
        let found = effects(byteCount: 0) { _ in
            defer { isFirst.toggle() }
            return isFirst ? .failed(.interrupted) : .done
        }
        #expect(found.filter { $0 == .perform(.synchronise) }.count == 2)
        #expect(found.last == .finish(.durable))
        let closing = effects(byteCount: 0) { $0 == .close ? .failed(.interrupted) : .done }
        #expect(closing.filter { $0 == .perform(.close) }.count == 1)
        #expect(closing.last == .finish(.durable))
    }
}

@Suite struct CheckpointMachineTests {
    @Test func `Without whole shards there is no manifest`() {
        var machine = CheckpointMachine(manifestPath: "c/m", temporaryPath: "c/m.tmp")
        #expect(machine.start() == .readShards)
        #expect(machine.handle(.damaged) == .finish(.damaged))
    }

    @Test func `The manifest counts once it was read back`() {
        var machine = CheckpointMachine(manifestPath: "c/m", temporaryPath: "c/m.tmp")
        _ = machine.start()
        var effect = machine.handle(.shardsSound(manifestByteCount: 7))
        var operations: [FileOperation] = []
        while case .perform(let operation) = effect {
            operations.append(operation)
            if case .write(_, let byteCount) = operation {
                effect = machine.handle(.performed(.wrote(byteCount: byteCount)))
            } else {
                effect = machine.handle(.performed(.done))
            }
        }
        #expect(operations.last == .synchroniseDirectory("c"))
        #expect(effect == .readManifest)
        #expect(machine.handle(.manifestSound) == .finish(.committed))
    }
}

@Suite struct RetentionMachineTests {
    private func entries(_ steps: [UInt64]) -> [RetentionMachine.Entry] {
        steps.map { RetentionMachine.Entry(step: $0, path: "c/\($0)") }
    }

    @Test func `Nothing is deleted before a checkpoint that stays was read`() {
        var machine = RetentionMachine(
            complete: entries([0, 10, 20, 30]), incomplete: entries([5, 40]), keep: 2,
            protected: [0], manifestName: "m")
        #expect(machine.start() == .verify(step: 30))
        #expect(machine.handle(.damaged) == .verify(step: 20))
        #expect(machine.handle(.sound) == .perform(.synchroniseDirectory("c/20")))
        #expect(machine.handle(.performed(.done)) == .perform(.list("c/5")))
    }

    @Test func `Nothing is deleted where none of those that stay is whole`() {
        var machine = RetentionMachine(
            complete: entries([10, 20, 30]), incomplete: [], keep: 1, protected: [20],
            manifestName: "m")
        #expect(machine.start() == .verify(step: 30))
        #expect(machine.handle(.damaged) == .verify(step: 20))
        #expect(machine.handle(.damaged) == .finish(.refused))
    }

    @Test func `The manifest goes first, durably`() {
        var machine = RetentionMachine(
            complete: entries([10, 20]), incomplete: [], keep: 1, protected: [], knownWhole: 20,
            manifestName: "m")
        var effect = machine.start()
        var operations: [FileOperation] = []
        while case .perform(let operation) = effect {
            operations.append(operation)
            let isList = operation == .list("c/10")
            effect = machine.handle(.performed(isList ? .listed(["a", "m", "z"]) : .done))
        }
        #expect(
            operations == [
                .list("c/10"), .remove("c/10/m"), .synchroniseDirectory("c/10"),
                .remove("c/10/a"), .remove("c/10/z"), .remove("c/10"),
            ])
        #expect(effect == .finish(.deleted([10])))
    }
}
